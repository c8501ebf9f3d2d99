-- How many tokens of the language model each user has consumed, and how many open questions may still consume.

-- The most that one call for this job may consume. What a user has reserved is the sum over the user's open jobs: so
-- whatever ends a job releases what it held, without another write. 0 where no budget was set when it was accepted.
ALTER TABLE jobs ADD COLUMN reserved_tokens bigint NOT NULL DEFAULT 0 CHECK (reserved_tokens >= 0);

-- Outlives chats and jobs: to delete a question does not undo what its answer cost.
CREATE TABLE token_usage (
    owner_id      uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    -- Of UTC.
    day           date NOT NULL,
    input_tokens  bigint NOT NULL DEFAULT 0,
    output_tokens bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (owner_id, day)
);

CREATE FUNCTION add_token_usage(owner uuid, input bigint, output bigint) RETURNS void LANGUAGE sql AS $$
    -- The owner may be going at this moment, and the job with it.
    INSERT INTO token_usage AS t (owner_id, day, input_tokens, output_tokens)
    SELECT id, (now() AT TIME ZONE 'UTC')::date, input, output FROM users WHERE id = owner AND input + output > 0
    ON CONFLICT (owner_id, day) DO UPDATE SET
        input_tokens = t.input_tokens + excluded.input_tokens, output_tokens = t.output_tokens + excluded.output_tokens
$$;

-- A job's usage is the sum over all its calls, and is written by several statements. What it grew by is added here, so that
-- none of them can forget to.
CREATE FUNCTION count_token_usage() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    input bigint := 0;
    output bigint := 0;
BEGIN
    SELECT coalesce(sum(greatest(coalesce((NEW.usage ->> name)::bigint, 0) - coalesce((OLD.usage ->> name)::bigint, 0), 0)), 0)
    INTO input FROM unnest(ARRAY['inputTokens', 'cacheReadTokens', 'cacheWriteTokens']) AS name;
    output := greatest(coalesce((NEW.usage ->> 'outputTokens')::bigint, 0) - coalesce((OLD.usage ->> 'outputTokens')::bigint, 0), 0);
    PERFORM add_token_usage(NEW.owner_id, input, output);
    RETURN NULL;
END
$$;
-- A follower that becomes the leader takes over what the leader before it had consumed. That was counted as it was consumed.
CREATE TRIGGER jobs_count_token_usage AFTER UPDATE OF usage ON jobs FOR EACH ROW
    WHEN (NEW.usage IS DISTINCT FROM OLD.usage AND OLD.leader_id IS NULL) EXECUTE FUNCTION count_token_usage();

-- Nobody will learn what a call came to whose job is deleted meanwhile: it counts as the most that it may have.
CREATE FUNCTION count_deleted_call() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM add_token_usage(OLD.owner_id, OLD.reserved_tokens, 0);
    RETURN NULL;
END
$$;
CREATE TRIGGER jobs_count_deleted_call AFTER DELETE ON jobs FOR EACH ROW
    WHEN (OLD.status = 'active' AND OLD.llm_calls > 0 AND OLD.reserved_tokens > 0) EXECUTE FUNCTION count_deleted_call();
