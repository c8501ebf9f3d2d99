INSERT INTO sessions (id, owner_id, user_agent, expires_at, ends_at, current_token, previous_token, spent_at) VALUES
    ('01930000-0000-7000-8000-000000000501', '01930000-0000-7000-8000-00000000000a', 'curl/8', now() + interval '1 day',
     now() + interval '30 days', sha256('current'), sha256('previous'), now());
INSERT INTO refresh_tokens (digest, session_id) VALUES
    (sha256('current'), '01930000-0000-7000-8000-000000000501'),
    (sha256('previous'), '01930000-0000-7000-8000-000000000501');
INSERT INTO api_keys (id, owner_id, digest, name, scopes) VALUES
    ('01930000-0000-7000-8000-000000000601', '01930000-0000-7000-8000-00000000000b', sha256('key'), 'nightly', ARRAY['ask']);
