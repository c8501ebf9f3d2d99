-- Accounts.

CREATE TABLE users (
    id            uuid PRIMARY KEY,
    -- Stored in lower case, so that two spellings of one address cannot become two accounts.
    email         text NOT NULL CONSTRAINT users_email_key UNIQUE CHECK (email = lower(email)),
    -- A PHC string: algorithm, parameters, salt and hash.
    password_hash text NOT NULL,
    name          text,
    -- Only an operator makes an admin: UPDATE users SET role = 'admin' WHERE email = '...'.
    role          text NOT NULL DEFAULT 'member' CHECK (role IN ('member', 'admin')),
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now()
);
