UPDATE jobs SET flight = sha256('flight'), llm_calls = 1, resends = 2 WHERE id = '01930000-0000-7000-8000-000000000f03';
UPDATE jobs SET redrives = 1, redriven_at = now() WHERE id = '01930000-0000-7000-8000-000000000f06';
INSERT INTO idempotency_keys (owner_id, operation, key, fingerprint, resource_id, expires_at) VALUES
    ('01930000-0000-7000-8000-00000000000a', 'ask', 'once', sha256('body'), '01930000-0000-7000-8000-000000000f05',
     now() + interval '1 day');
