-- A document more, whose words are not folded yet.
INSERT INTO documents (id, collection_id, uploaded_by, title, media_type, body, body_digest, status, passage_count) VALUES
    ('01930000-0000-7000-8000-000000000d05', '01930000-0000-7000-8000-00000000000b', '01930000-0000-7000-8000-00000000000b',
     'Coffee', 'text/plain', 'Coffee is ground.', sha256('5'), 'ready', 1);
INSERT INTO passages (id, document_id, collection_id, ordinal, heading, body, start_character, end_character) VALUES
    ('01930000-0000-7000-8000-000000000e05', '01930000-0000-7000-8000-000000000d05', '01930000-0000-7000-8000-00000000000b',
     0, '', 'Coffee is ground.', 0, 17);
INSERT INTO passage_terms (passage_id, document_id, collection_id, length, search, header) VALUES
    ('01930000-0000-7000-8000-000000000e05', '01930000-0000-7000-8000-000000000d05', '01930000-0000-7000-8000-00000000000b',
     3, to_tsvector('english', E'Coffee\n\nCoffee is ground.'), to_tsvector('english', 'Coffee'));
SELECT summarise_document('01930000-0000-7000-8000-000000000d05', 'english');
SELECT note_statistics('01930000-0000-7000-8000-000000000d05', 1);
