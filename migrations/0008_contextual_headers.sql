-- What a model wrote about passages, if the deployment has it write: where a passage stands in its document and what it is
-- about, in words that the passage itself may lack. It is searched and embedded with the passage, and never shown as the
-- document's text.
--
-- A function of the version before works on as it did: it neither writes nor reads the column, and takes from
-- passages_without_vector the columns that it knows.

ALTER TABLE passages ADD COLUMN context text;

-- A function's columns cannot be added to, so it is made anew; that of migration 0006 with the context.
DROP FUNCTION passages_without_vector(text, uuid, integer);
CREATE FUNCTION passages_without_vector(p_model text, p_after uuid, p_limit integer)
RETURNS TABLE (id uuid, title text, heading text, context text, body text)
LANGUAGE plpgsql STABLE ROWS 100 SET search_path FROM CURRENT AS $$
BEGIN
    IF to_regclass('passage_vectors') IS NULL THEN
        RETURN;
    END IF;
    RETURN QUERY
        SELECT p.id, d.title, p.heading, p.context, p.body
        FROM passages p JOIN documents d ON d.id = p.document_id
        WHERE (p_after IS NULL OR p.id > p_after)
          AND NOT EXISTS (SELECT FROM passage_vectors v JOIN embedding_models m ON m.id = v.model
                          WHERE v.passage_id = p.id AND m.name = p_model)
        ORDER BY p.id LIMIT p_limit;
END
$$;
