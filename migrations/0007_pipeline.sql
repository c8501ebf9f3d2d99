-- What the pipeline needs to keep its promises under crashes, duplicates and floods. Only adds: the version before goes
-- on working beside it.

-- Single-flight: equal numbers mean the same question over the same versions of the same collections. NULL for jobs that
-- nobody can join: of the version before, of documents, and some that were promoted or driven again.
ALTER TABLE jobs ADD COLUMN flight bytea;
-- How many calls to the language model were begun for this job, but for those that the provider throttled.
ALTER TABLE jobs ADD COLUMN llm_calls integer NOT NULL DEFAULT 0;
-- How often its message was sent again; each time the next wait doubles, so that a long queue is not filled with copies.
ALTER TABLE jobs ADD COLUMN resends integer NOT NULL DEFAULT 0;
-- How often, and when last, an operator put it back to be tried again.
ALTER TABLE jobs ADD COLUMN redrives integer NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN redriven_at timestamptz;

-- Of the jobs that wait for one answer, one makes it: the leader. Whoever asks next conflicts with it here and becomes
-- its follower, in the same statement.
CREATE UNIQUE INDEX jobs_one_flight ON jobs (flight)
    WHERE flight IS NOT NULL AND leader_id IS NULL AND status IN ('queued', 'active', 'delayed');

-- A leader can be deleted with its chat or its owner. Its followers go on naming it: that is how they are found and how
-- one of them is made the next leader. (SET NULL would make all of them leaders at once.)
ALTER TABLE jobs DROP CONSTRAINT jobs_leader_id_fkey;

-- A lease is found by its token: it goes over to a follower with the call that is under way, when its leader is cancelled.
CREATE INDEX jobs_lease ON jobs (lease_token) WHERE lease_token IS NOT NULL;
-- How many open jobs a user has.
CREATE INDEX jobs_open_of_owner ON jobs (owner_id) WHERE status IN ('queued', 'active', 'delayed');
-- What a redrive looks for.
CREATE INDEX jobs_failed ON jobs (finished_at) WHERE status = 'failed';

-- What the janitor looks through for documents whose job has ended without them.
CREATE INDEX documents_waiting ON documents (created_at) WHERE status = 'queued';

-- Requests that carried an Idempotency-Key, so that their repetition does nothing twice.
CREATE TABLE idempotency_keys (
    owner_id    uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    -- Which request: a key counts for one route.
    operation   text NOT NULL CHECK (operation IN ('ask', 'upload')),
    key         text NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
    -- SHA-256 of the body's values: the same key with another body is refused.
    fingerprint bytea NOT NULL CHECK (octet_length(fingerprint) = 32),
    -- What was made: the job of a question, or the document. Set before the transaction that wrote the row ends.
    resource_id uuid,
    created_at  timestamptz NOT NULL DEFAULT now(),
    expires_at  timestamptz NOT NULL,
    PRIMARY KEY (owner_id, operation, key)
);
CREATE INDEX idempotency_keys_expired ON idempotency_keys (expires_at);
