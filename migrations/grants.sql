-- What the functions may do: the privileges of the role docent_functions, which owns nothing and cannot log in. The role
-- that they log in with is made a member of it:
--
--     CREATE ROLE docent_app LOGIN PASSWORD '...' IN ROLE docent_functions;
--
-- This is no migration: it is run after them each time, and says the whole of it, so that a privilege that is taken out here
-- is gone after the next run. A table that is not named here is out of the functions' reach.

DO $grants$
DECLARE
    here text := current_schema();
BEGIN
    EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA %I FROM docent_functions', here);
    EXECUTE format('REVOKE ALL ON ALL SEQUENCES IN SCHEMA %I FROM docent_functions', here);
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO docent_functions', here);
END
$grants$;

-- The functions make nobody an admin: `role` is not among the columns that they write.
GRANT SELECT, DELETE ON users TO docent_functions;
GRANT INSERT (id, email, password_hash, name) ON users TO docent_functions;
GRANT UPDATE (name, password_hash, updated_at) ON users TO docent_functions;

GRANT SELECT, INSERT, DELETE ON sessions, api_keys TO docent_functions;
GRANT UPDATE (last_used_at, expires_at, current_token, previous_token, spent_at, reissued_at) ON sessions TO docent_functions;
GRANT UPDATE (last_used_at) ON api_keys TO docent_functions;
-- They go with their session.
GRANT SELECT, INSERT ON refresh_tokens TO docent_functions;
-- The shared collection has no owner, and a collection's owner never changes.
GRANT SELECT ON collections TO docent_functions;
GRANT INSERT (id, owner_id, name) ON collections TO docent_functions;
GRANT UPDATE (version) ON collections TO docent_functions;

GRANT SELECT, INSERT, UPDATE, DELETE ON documents TO docent_functions;
GRANT SELECT, INSERT, DELETE ON passages TO docent_functions;
GRANT SELECT, INSERT, UPDATE, DELETE ON passage_terms, document_terms, term_statistics, collection_statistics, statistics_deltas
    TO docent_functions;

GRANT SELECT, DELETE ON chats TO docent_functions;
GRANT INSERT (id, owner_id, title) ON chats TO docent_functions;
GRANT UPDATE (updated_at) ON chats TO docent_functions;
-- What was said stays as it was said; it goes with its chat.
GRANT SELECT, INSERT ON messages TO docent_functions;
-- A job goes with its chat, its document or its owner.
GRANT SELECT, INSERT, UPDATE ON jobs TO docent_functions;
GRANT SELECT, INSERT, UPDATE, DELETE ON idempotency_keys TO docent_functions;
-- What was consumed is never taken back.
GRANT SELECT, INSERT ON token_usage TO docent_functions;
GRANT UPDATE (input_tokens, output_tokens) ON token_usage TO docent_functions;

DO $vectors$
BEGIN
    IF to_regclass('passage_vectors') IS NOT NULL THEN
        GRANT SELECT, INSERT, UPDATE, DELETE ON passage_vectors, document_vectors TO docent_functions;
        GRANT SELECT ON embedding_models TO docent_functions;
        GRANT UPDATE (catch_up_until) ON embedding_models TO docent_functions;
    END IF;
END
$vectors$;

-- These run with their owner's privileges, because they make and drop indexes; nobody else has any business with them.
REVOKE EXECUTE ON FUNCTION embedding_model(text, integer), retire_other_models(text), enable_vectors() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION embedding_model(text, integer), retire_other_models(text) TO docent_functions;
