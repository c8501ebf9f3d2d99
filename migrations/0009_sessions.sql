-- Sessions, and keys for programs. Only adds: the version before neither knows nor needs them; a token that it issued names
-- no session and is refused by this version, so everybody signs in once more.

-- One sign-in. What ends a session deletes its row, and its tokens with it: then nothing that was issued for it is worth
-- anything, and what is not there cannot be revived. Rows past their time are the janitor's to delete.
CREATE TABLE sessions (
    id             uuid PRIMARY KEY,
    owner_id       uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    -- What signed in, by its own word and cut off; only ever shown to the owner.
    user_agent     text CHECK (length(user_agent) <= 200),
    created_at     timestamptz NOT NULL DEFAULT now(),
    last_used_at   timestamptz NOT NULL DEFAULT now(),
    -- Moves with each refresh, but never beyond ends_at.
    expires_at     timestamptz NOT NULL,
    ends_at        timestamptz NOT NULL,
    -- The one refresh token that is worth something, and the one that was spent for it. All that decides about a token is
    -- in this row, so that a lock on it makes refreshes of one session wait for each other.
    current_token  bytea NOT NULL CHECK (octet_length(current_token) = 32),
    previous_token bytea CHECK (octet_length(previous_token) = 32),
    -- When the previous token was spent, and when its lost successor was replaced.
    spent_at       timestamptz,
    reissued_at    timestamptz,
    CHECK (expires_at <= ends_at)
);
CREATE INDEX sessions_of_owner ON sessions (owner_id, last_used_at);
CREATE INDEX sessions_expired ON sessions (expires_at);

-- Every refresh token that a session ever had: a spent one that comes again is known by it, and ends the session.
CREATE TABLE refresh_tokens (
    -- SHA-256. The token has 256 random bits, so nothing slower is needed.
    digest     bytea PRIMARY KEY CHECK (octet_length(digest) = 32),
    session_id uuid NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX refresh_tokens_of_session ON refresh_tokens (session_id);

-- Keys for programs, shown once when they are made.
CREATE TABLE api_keys (
    id           uuid PRIMARY KEY,
    owner_id     uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    -- SHA-256, like a refresh token's.
    digest       bytea NOT NULL CONSTRAINT api_keys_digest_key UNIQUE CHECK (octet_length(digest) = 32),
    name         text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    scopes       text[] NOT NULL
                 CHECK (cardinality(scopes) > 0 AND scopes <@ ARRAY['ask', 'documents:read', 'documents:write']),
    created_at   timestamptz NOT NULL DEFAULT now(),
    -- To the minute: a key may be used many times a second.
    last_used_at timestamptz,
    -- NULL: works until it is deleted.
    expires_at   timestamptz
);
CREATE INDEX api_keys_of_owner ON api_keys (owner_id);
