INSERT INTO chats (id, owner_id, title) VALUES
    ('01930000-0000-7000-8000-000000000c0a', '01930000-0000-7000-8000-00000000000a', 'How long is a lease?'),
    ('01930000-0000-7000-8000-000000000c0b', '01930000-0000-7000-8000-00000000000b', 'Tea');

-- A job in every state, two of them tied together.
INSERT INTO jobs (id, kind, owner_id, chat_id, question, collection_ids, answer_key, leader_id, status, attempt, lease_token,
                  lease_until, next_attempt_at, resend_at, expires_at, answer, usage, source, error_code, finished_at)
SELECT ('01930000-0000-7000-8000-000000000f0' || n)::uuid, 'answer_question', '01930000-0000-7000-8000-00000000000a',
       '01930000-0000-7000-8000-000000000c0a', 'How long is a lease, ' || n || '?',
       ARRAY['01930000-0000-7000-8000-00000000000a', '00000000-0000-7000-8000-000000000001']::uuid[], sha256(n::text::bytea),
       leader::uuid, status, (status <> 'queued')::integer, token::uuid, lease_until, next_attempt_at, resend_at, now() + interval '1 hour',
       answer::jsonb, usage::jsonb, source, error_code, finished_at
FROM (VALUES
    (1, 'queued', NULL, NULL, NULL::timestamptz, NULL::timestamptz, now(), NULL, NULL, NULL, NULL, NULL::timestamptz),
    (2, 'queued', '01930000-0000-7000-8000-000000000f01', NULL, NULL, NULL, now(), NULL, NULL, NULL, NULL, NULL),
    (3, 'active', NULL, '01930000-0000-7000-8000-0000000000aa', now() + interval '20 seconds', NULL, now(), NULL, NULL, NULL, NULL, NULL),
    (4, 'delayed', NULL, NULL, NULL, now() + interval '5 seconds', now(), NULL, NULL, NULL, NULL, NULL),
    (5, 'completed', NULL, NULL, NULL, NULL, NULL, '{"text": "Thirty seconds [1].", "grounded": "full", "model": "claude-sonnet-4-5", "truncated": false, "citations":
          [{"documentId": "01930000-0000-7000-8000-000000000d01", "title": "Leases", "start": 10, "end": 39,
            "passageId": "01930000-0000-7000-8000-000000000e01", "quote": "A lease lasts thirty seconds."}]}',
        '{"inputTokens": 900, "outputTokens": 20, "cacheReadTokens": 0, "cacheWriteTokens": 0, "costMicroUsd": 3000}', 'llm', NULL, now()),
    (6, 'failed', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'llm_configuration', now()),
    (7, 'cancelled', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, now()),
    (8, 'expired', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, now())
) AS v (n, status, leader, token, lease_until, next_attempt_at, resend_at, answer, usage, source, error_code, finished_at);

INSERT INTO jobs (id, kind, owner_id, document_id, status, resend_at, expires_at) VALUES
    ('01930000-0000-7000-8000-000000000f0d', 'ingest_document', '01930000-0000-7000-8000-00000000000b',
     '01930000-0000-7000-8000-000000000d03', 'queued', now(), now() + interval '1 hour');

INSERT INTO messages (id, chat_id, job_id, role, content, answer) VALUES
    ('01930000-0000-7000-8000-000000000b01', '01930000-0000-7000-8000-000000000c0a', '01930000-0000-7000-8000-000000000f05',
     'user', 'How long is a lease, 5?', NULL),
    ('01930000-0000-7000-8000-000000000b02', '01930000-0000-7000-8000-000000000c0a', '01930000-0000-7000-8000-000000000f05',
     'assistant', 'Thirty seconds [1].', '{"text": "Thirty seconds [1].", "grounded": "full", "model": "claude-sonnet-4-5", "truncated": false, "citations":
          [{"documentId": "01930000-0000-7000-8000-000000000d01", "title": "Leases", "start": 10, "end": 39,
            "passageId": "01930000-0000-7000-8000-000000000e01", "quote": "A lease lasts thirty seconds."}]}'),
    -- From the cache, without a job.
    ('01930000-0000-7000-8000-000000000b03', '01930000-0000-7000-8000-000000000c0b', NULL, 'user', 'Tea?', NULL);
