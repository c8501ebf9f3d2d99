INSERT INTO collections (id, owner_id, name, version) VALUES
    ('01930000-0000-7000-8000-00000000000a', '01930000-0000-7000-8000-00000000000a', 'Private', 3),
    ('01930000-0000-7000-8000-00000000000b', '01930000-0000-7000-8000-00000000000b', 'Private', 0);

INSERT INTO documents (id, collection_id, uploaded_by, title, media_type, source_url, body, body_digest, status, error_code, passage_count)
VALUES
    ('01930000-0000-7000-8000-000000000d01', '01930000-0000-7000-8000-00000000000a', '01930000-0000-7000-8000-00000000000a',
     'Leases', 'text/markdown', 'https://example.com/leases', E'# Leases\n\nA lease lasts thirty seconds.', sha256('1'), 'ready', NULL, 1),
    ('01930000-0000-7000-8000-000000000d02', '01930000-0000-7000-8000-00000000000a', '01930000-0000-7000-8000-00000000000a',
     'Empty', 'text/plain', NULL, ' ', sha256('2'), 'failed', 'document_empty', 0),
    ('01930000-0000-7000-8000-000000000d03', '01930000-0000-7000-8000-00000000000b', '01930000-0000-7000-8000-00000000000b',
     'Waiting', 'text/plain', NULL, 'Not read yet.', sha256('3'), 'queued', NULL, 0),
    -- Of the shared collection, by somebody who has left.
    ('01930000-0000-7000-8000-000000000d04', '00000000-0000-7000-8000-000000000001', NULL,
     'Tea', 'text/plain', NULL, 'Green tea is brewed for two minutes.', sha256('4'), 'ready', NULL, 1);

INSERT INTO passages (id, document_id, collection_id, ordinal, heading, body, start_character, end_character, search)
VALUES
    ('01930000-0000-7000-8000-000000000e01', '01930000-0000-7000-8000-000000000d01', '01930000-0000-7000-8000-00000000000a',
     0, 'Leases', 'A lease lasts thirty seconds.', 10, 39, to_tsvector('english', E'Leases\nLeases\nA lease lasts thirty seconds.')),
    ('01930000-0000-7000-8000-000000000e04', '01930000-0000-7000-8000-000000000d04', '00000000-0000-7000-8000-000000000001',
     0, '', 'Green tea is brewed for two minutes.', 0, 36, to_tsvector('english', E'Tea\n\nGreen tea is brewed for two minutes.'));
