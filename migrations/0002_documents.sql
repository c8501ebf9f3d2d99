-- Collections of documents, and the passages that questions are answered from.

CREATE TABLE collections (
    id         uuid PRIMARY KEY,
    -- NULL: the one shared collection. A user's private collection carries the user's id.
    owner_id   uuid REFERENCES users (id) ON DELETE CASCADE,
    name       text NOT NULL,
    -- Grows with every change to what the collection holds, in the transaction of that change. A cached answer
    -- is served only while it equals the version the answer was made from.
    version    bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX collections_owner ON collections (owner_id);

-- Everybody reads it, admins write it. The id is fixed, so that the functions know it without asking.
INSERT INTO collections (id, owner_id, name)
VALUES ('00000000-0000-7000-8000-000000000001', NULL, 'Shared');

CREATE TABLE documents (
    id            uuid PRIMARY KEY,
    collection_id uuid NOT NULL REFERENCES collections (id) ON DELETE CASCADE,
    -- Whose it is, the collection says: a private one goes with its user, and the shared one keeps what an admin who
    -- left had uploaded.
    uploaded_by   uuid REFERENCES users (id) ON DELETE SET NULL,
    title         text NOT NULL,
    media_type    text NOT NULL CHECK (media_type IN ('text/plain', 'text/markdown')),
    source_url    text,
    -- The text as it was uploaded: citations are offsets into it, in characters.
    body          text NOT NULL,
    -- SHA-256 of the text: the same text is stored once in a collection.
    body_digest   bytea NOT NULL CHECK (octet_length(body_digest) = 32),
    status        text NOT NULL DEFAULT 'queued' CHECK (status IN ('queued', 'ready', 'failed')),
    -- Why it failed.
    error_code    text,
    passage_count integer NOT NULL DEFAULT 0,
    created_at    timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT documents_same_text UNIQUE (collection_id, body_digest)
);
-- A page of a collection's documents, newest first.
CREATE INDEX documents_collection ON documents (collection_id, id DESC);
CREATE INDEX documents_uploader ON documents (uploaded_by);

CREATE TABLE passages (
    id              uuid PRIMARY KEY,
    document_id     uuid NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    -- Repeated here so that a search touches one table.
    collection_id   uuid NOT NULL REFERENCES collections (id) ON DELETE CASCADE,
    -- The place in the document, from 0.
    ordinal         integer NOT NULL,
    -- The headings above, outermost first.
    heading         text NOT NULL,
    body            text NOT NULL,
    -- Where the body stands in the document: characters from 0, end exclusive.
    start_character integer NOT NULL,
    end_character   integer NOT NULL,
    -- Title, heading and body, as full-text search sees them.
    search          tsvector NOT NULL,
    CONSTRAINT passages_place UNIQUE (document_id, ordinal)
);
CREATE INDEX passages_collection ON passages (collection_id);
CREATE INDEX passages_search ON passages USING gin (search);
