-- Chats, the jobs that answer their questions, and the messages that result.

CREATE TABLE chats (
    id         uuid PRIMARY KEY,
    owner_id   uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    title      text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX chats_owner ON chats (owner_id, id DESC);

CREATE TABLE jobs (
    id              uuid PRIMARY KEY,
    kind            text NOT NULL CHECK (kind IN ('answer_question', 'ingest_document')),
    owner_id        uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,

    -- answer_question
    chat_id         uuid REFERENCES chats (id) ON DELETE CASCADE,
    question        text,
    collection_ids  uuid[],
    -- Equal keys ask for the same answer; see AnswerKey in shared/src/domain.
    answer_key      bytea,
    -- The job whose answer this one waits for, because it asks the same.
    leader_id       uuid REFERENCES jobs (id) ON DELETE SET NULL,

    -- ingest_document
    document_id     uuid REFERENCES documents (id) ON DELETE CASCADE,

    status          text NOT NULL DEFAULT 'queued'
                    CHECK (status IN ('queued', 'active', 'delayed', 'completed', 'failed', 'cancelled', 'expired')),
    attempt         integer NOT NULL DEFAULT 0,
    -- A worker that took the job writes only while it holds this token. Leases are timed by this server's clock:
    -- a worker's own may have stood still.
    lease_token     uuid,
    lease_until     timestamptz,
    -- When a delayed job is to be tried again.
    next_attempt_at timestamptz,
    -- When the job's message counts as lost and is to be sent again, should the job still be waiting then. Set with
    -- the row, before the message is sent: a crash in between leaves a row that says when to look after it.
    resend_at       timestamptz,
    expires_at      timestamptz NOT NULL,

    -- The outcome
    answer          jsonb,
    usage           jsonb,
    -- What the answer came from: 'llm' or 'cache'.
    source          text CHECK (source IN ('llm', 'cache')),
    error_code      text,

    created_at      timestamptz NOT NULL DEFAULT now(),
    started_at      timestamptz,
    finished_at     timestamptz,

    CONSTRAINT jobs_question CHECK (kind <> 'answer_question'
        OR (question IS NOT NULL AND collection_ids IS NOT NULL AND answer_key IS NOT NULL AND chat_id IS NOT NULL)),
    CONSTRAINT jobs_document CHECK (kind <> 'ingest_document' OR document_id IS NOT NULL),
    CONSTRAINT jobs_active_has_lease CHECK ((status = 'active') = (lease_token IS NOT NULL AND lease_until IS NOT NULL)),
    CONSTRAINT jobs_completed_has_answer CHECK (status <> 'completed' OR kind <> 'answer_question' OR answer IS NOT NULL),
    CONSTRAINT jobs_failed_has_code CHECK (status <> 'failed' OR error_code IS NOT NULL)
);
CREATE INDEX jobs_owner ON jobs (owner_id, id DESC);
CREATE INDEX jobs_chat ON jobs (chat_id);
CREATE INDEX jobs_document ON jobs (document_id);
CREATE INDEX jobs_leader ON jobs (leader_id) WHERE leader_id IS NOT NULL;
-- What is still to be done, by when it has to be looked after.
CREATE INDEX jobs_open ON jobs (resend_at) WHERE status IN ('queued', 'active', 'delayed');

CREATE TABLE messages (
    id         uuid PRIMARY KEY,
    chat_id    uuid NOT NULL REFERENCES chats (id) ON DELETE CASCADE,
    -- NULL: answered from the cache without a job.
    job_id     uuid REFERENCES jobs (id) ON DELETE SET NULL,
    role       text NOT NULL CHECK (role IN ('user', 'assistant')),
    content    text NOT NULL,
    -- The whole answer with its citations, for the assistant's messages.
    answer     jsonb,
    created_at timestamptz NOT NULL DEFAULT now(),
    -- However often a job is delivered, it speaks once.
    CONSTRAINT messages_once_per_job UNIQUE (job_id, role)
);
CREATE INDEX messages_chat ON messages (chat_id, id);
