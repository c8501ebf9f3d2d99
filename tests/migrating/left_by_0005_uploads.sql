UPDATE passages SET page = 2 WHERE id = '01930000-0000-7000-8000-000000000e05';
INSERT INTO documents (id, collection_id, uploaded_by, title, media_type, body, body_digest, original, charset, status) VALUES
    ('01930000-0000-7000-8000-000000000d06', '01930000-0000-7000-8000-00000000000b', '01930000-0000-7000-8000-00000000000b',
     'A page', 'text/html', '', sha256('6'), '\x3c703e636166e9', 'windows-1252', 'queued');
