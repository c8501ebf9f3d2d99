-- Vectors beside words: what a passage is about, compared with what a question is about. A database without pgvector
-- works as before; its searches find no passage by vector.


-- WORDS, FOR PASSAGES THAT SOMETHING ELSE FOUND

-- The passages that share words with a question, best first, of those collections of p_scope that p_asker may read now;
-- beside them those of p_also, which something else found, with the score that the words give them.
--
--     score = bm25(passage) + p_parent_weight * bm25(its document)
--           + p_header_weight * bm25(its title and headings, with b = 0 and the idf of the passages)
--     bm25  = sum over the words of idf * tf / (tf + p_k1 * (1 - b + b * length / average length))
--     idf   = ln(1 + (N - n + 0.5) / (n + 0.5))
--
-- It is search_passages of migration 0004 with p_also; what the parameters mean is told there. At most p_limit passages
-- and those of p_also are returned, all of them from collections that the asker may read.
CREATE FUNCTION rank_passages(
    p_asker uuid, p_scope uuid[], p_configurations text[], p_questions text[], p_also uuid[], p_limit integer,
    p_k1 double precision, p_b double precision, p_parent_weight double precision, p_header_weight double precision,
    p_exact_up_to integer, p_candidates integer, p_parents integer
) RETURNS TABLE (passage_id uuid, score double precision)
LANGUAGE plpgsql STABLE ROWS 100
SET search_path FROM CURRENT
-- Compiling the expression takes longer than computing it.
SET jit = off
-- To look for words in a vector takes far longer than to compare two numbers, which is what the planner thinks of: it
-- would rather look into every passage than into the index on words.
SET cpu_operator_cost = 0.1
SET enable_seqscan = off
AS $$
#variable_conflict use_column
DECLARE
    readable uuid[];
    total record;
    words record;
    candidates tsquery;
    by_collection text;
BEGIN
    SELECT array_agg(c.id) INTO readable
    FROM collections c WHERE c.id = ANY (p_scope) AND (c.owner_id = p_asker OR c.owner_id IS NULL);

    SELECT array_agg(configuration) AS configurations,
           sum(passages)::float8 AS passages, sum(passage_length) / sum(passages)::float8 AS passage_length,
           sum(documents)::float8 AS documents, sum(document_length) / sum(documents)::float8 AS document_length
    INTO total
    FROM (SELECT configuration, sum(passages) AS passages, sum(passage_length) AS passage_length,
                 sum(documents) AS documents, sum(document_length) AS document_length
          FROM (SELECT configuration, passages, passage_length, documents, document_length
                FROM collection_statistics WHERE collection_id = ANY (readable)
                UNION ALL
                SELECT configuration, passages, passage_length, documents, document_length
                FROM statistics_deltas WHERE collection_id = ANY (readable)) AS folded_and_not
          GROUP BY configuration HAVING sum(passages) > 0) AS per_configuration;

    IF total.passages IS NULL THEN
        RETURN QUERY SELECT u.passage_id, u.score
                     FROM search_uncounted(readable, p_configurations, p_questions, p_limit) AS u;
        RETURN;
    END IF;

    -- The rarest words tell most, so a question of very many words is cut to those.
    WITH asked AS (
        SELECT DISTINCT lexeme COLLATE "C" AS lexeme
        FROM unnest(p_configurations, p_questions) AS analysed (configuration, question),
             unnest(tsvector_to_array(to_tsvector(configuration::regconfig, question))) AS lexeme
        WHERE configuration = ANY (total.configurations)
    ), rarest AS (
        SELECT lexeme, sum(passages)::float8 AS passages, greatest(sum(documents), 0)::float8 AS documents
        FROM (SELECT lexeme, t.passages, t.documents
              FROM asked JOIN term_statistics t USING (lexeme) WHERE t.collection_id = ANY (readable)
              UNION ALL
              SELECT lexeme, change.passages, change.documents
              FROM statistics_deltas d,
                   unnest(d.lexemes, d.in_passages, d.in_documents) AS change (lexeme, passages, documents)
              JOIN asked USING (lexeme) WHERE d.collection_id = ANY (readable)) AS folded_and_not
        GROUP BY lexeme HAVING sum(passages) > 0
        ORDER BY passages, lexeme LIMIT 64
    )
    SELECT array_agg(lexeme ORDER BY passages, lexeme) AS lexemes,
           array_agg(passages ORDER BY passages, lexeme) AS found,
           array_agg(inverse_frequency(total.passages, passages) ORDER BY passages, lexeme) AS idf,
           array_agg(inverse_frequency(total.documents, documents) ORDER BY passages, lexeme) AS document_idf,
           string_agg(quoted_lexeme(lexeme), ' | ')::tsquery AS any_of_them
    INTO words FROM rarest;

    IF words.lexemes IS NULL THEN
        RETURN;
    END IF;
    -- The index on words lists the passages of all collections. Where the searched ones are a large part of them, it is
    -- the best, and IS TRUE keeps the planner from any other; where they are not, the planner compares it with the index
    -- on collections, or takes both. (A table that was never analysed has -1 tuples.)
    SELECT CASE WHEN total.passages * 4 >= c.reltuples THEN '(collection_id = ANY ($5)) IS TRUE'
                ELSE 'collection_id = ANY ($5)' END
    INTO by_collection FROM pg_class c WHERE c.oid = 'passage_terms'::regclass;
    candidates := CASE WHEN total.passages <= p_exact_up_to THEN words.any_of_them
        ELSE candidate_query(words.lexemes, words.found, total.passages, p_limit,
                             least(p_candidates, ceil(total.passages / 8))) END;
    LOOP
        RETURN QUERY EXECUTE format(
            'WITH constants AS MATERIALIZED (
                SELECT rank_bounds() AS bounds
             ), scored AS MATERIALIZED (
                SELECT passage_id, document_id,
                       %s + $1 * CASE WHEN header @@ %L::tsquery THEN %s ELSE 0 END AS score
                -- To delete what is not there changes nothing, but a vector that is kept outside its row comes back in
                -- memory: it is fetched once, and not once per word.
                FROM (SELECT passage_id, document_id, header, ts_delete(search, '''') AS search,
                             $2 * (1 - $3 + $3 * length / $4) AS k, bounds
                      FROM constants, passage_terms WHERE %s AND search @@ %L::tsquery
                      UNION ALL
                      SELECT passage_id, document_id, header, ts_delete(search, '''') AS search,
                             $2 * (1 - $3 + $3 * length / $4) AS k, bounds
                      FROM constants, passage_terms
                      WHERE passage_id = ANY ($10) AND collection_id = ANY ($5) AND NOT search @@ %L::tsquery
                      OFFSET 0) AS candidate
             ), own AS MATERIALIZED (
                (SELECT * FROM scored ORDER BY score DESC, passage_id LIMIT $6)
                UNION
                SELECT * FROM scored WHERE passage_id = ANY ($10)
             ), parent AS MATERIALIZED (
                SELECT document_id, %s AS score
                FROM (SELECT document_id, ts_delete(terms, '''') AS terms, $2 * (1 - $3 + $3 * length / $7) AS k, bounds
                      FROM constants, document_terms
                      WHERE document_id IN (SELECT document_id FROM own) OFFSET 0) AS candidate
             )
             SELECT passage_id, own.score + $8 * parent.score AS score
             FROM own JOIN parent USING (document_id) ORDER BY score DESC, passage_id LIMIT $9',
            bm25_expression('search', words.lexemes, words.idf, 'k'),
            words.any_of_them,
            bm25_expression('header', words.lexemes, words.idf, '$2'),
            by_collection,
            candidates,
            candidates,
            bm25_expression('terms', words.lexemes, words.document_idf, 'k'))
        USING p_header_weight, p_k1, p_b, total.passage_length, readable,
              greatest(p_parents, p_limit), total.document_length, p_parent_weight, p_limit + cardinality(p_also), p_also;
        -- Pairs of words may turn out never to come together.
        EXIT WHEN FOUND OR candidates = words.any_of_them;
        candidates := words.any_of_them;
    END LOOP;
END
$$;

-- What the version before this one calls. It can go with the next migration.
CREATE OR REPLACE FUNCTION search_passages(
    p_asker uuid, p_scope uuid[], p_configurations text[], p_questions text[], p_limit integer,
    p_k1 double precision, p_b double precision, p_parent_weight double precision, p_header_weight double precision,
    p_exact_up_to integer, p_candidates integer, p_parents integer
) RETURNS TABLE (passage_id uuid, score double precision)
LANGUAGE sql STABLE ROWS 100 SET search_path FROM CURRENT AS $$
    SELECT r.passage_id, r.score
    FROM rank_passages(p_asker, p_scope, p_configurations, p_questions, '{}', p_limit, p_k1, p_b, p_parent_weight,
                       p_header_weight, p_exact_up_to, p_candidates, p_parents) AS r
    ORDER BY r.score DESC, r.passage_id
$$;


-- VECTORS

-- Makes the tables for vectors if pgvector is there or can be had, and says whether they are there. Called again with
-- each run of the migrations, so that a server that gets pgvector later gets the tables with the next run.
CREATE FUNCTION enable_vectors() RETURNS boolean
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF to_regclass('passage_vectors') IS NOT NULL THEN
        RETURN true;
    END IF;
    IF to_regtype('halfvec') IS NULL THEN
        BEGIN
            CREATE EXTENSION IF NOT EXISTS vector;
        EXCEPTION WHEN OTHERS THEN
            -- Not on this server, or not for this role.
            RAISE NOTICE 'pgvector cannot be used: %', SQLERRM;
            RETURN false;
        END;
    END IF;
    IF to_regtype('halfvec') IS NULL THEN
        RAISE NOTICE 'pgvector is there, but older than 0.7 or outside the search path';
        RETURN false;
    END IF;
    -- A model of another name is another space: vectors of two models are never compared.
    CREATE TABLE embedding_models (
        id           integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        name         text NOT NULL UNIQUE,
        -- 4,000 is the most that an index on halfvec takes.
        dimensions   integer NOT NULL CHECK (dimensions BETWEEN 1 AND 4000),
        -- Somebody is embedding passages of old until then, unless it died.
        catch_up_until timestamptz NOT NULL DEFAULT '-infinity'
    );
    EXECUTE $sql$
        CREATE TABLE passage_vectors (
            passage_id    uuid PRIMARY KEY REFERENCES passages (id) ON DELETE CASCADE,
            -- Repeated here so that a search touches one table.
            collection_id uuid NOT NULL,
            model         integer NOT NULL REFERENCES embedding_models (id),
            embedding     halfvec NOT NULL
            -- Kept in the row as long as it fits a page: a search reads every vector of a collection.
        ) WITH (toast_tuple_target = 8160);
        ALTER TABLE passage_vectors ALTER embedding SET STORAGE EXTERNAL;
        CREATE INDEX passage_vectors_collection ON passage_vectors (collection_id, model);
        -- The mean of the vectors of a document's passages; not of length 1.
        CREATE TABLE document_vectors (
            document_id uuid PRIMARY KEY REFERENCES documents (id) ON DELETE CASCADE,
            model       integer NOT NULL REFERENCES embedding_models (id),
            embedding   halfvec NOT NULL
        ) WITH (toast_tuple_target = 8160);
        ALTER TABLE document_vectors ALTER embedding SET STORAGE EXTERNAL
    $sql$;
    RETURN true;
END
$$;

-- The number of a model, which is made known with its first vector; nothing if there are no tables for vectors. Its index
-- serves scopes that are too large to compare with every vector (see nearest_passages).
CREATE FUNCTION embedding_model(p_name text, p_dimensions integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    model record;
BEGIN
    IF to_regclass('passage_vectors') IS NULL THEN
        RETURN NULL;
    END IF;
    SELECT id, dimensions INTO model FROM embedding_models WHERE name = p_name;
    IF NOT FOUND THEN
        INSERT INTO embedding_models (name, dimensions) VALUES (p_name, p_dimensions)
        ON CONFLICT (name) DO NOTHING RETURNING id, dimensions INTO model;
        IF NOT FOUND THEN
            SELECT id, dimensions INTO model FROM embedding_models WHERE name = p_name;
        ELSE
            EXECUTE format(
                'CREATE INDEX passage_vectors_nearest_%s ON passage_vectors
                 USING hnsw ((embedding::halfvec(%s)) halfvec_cosine_ops) WHERE model = %s',
                model.id, model.dimensions, model.id);
        END IF;
    END IF;
    IF model.dimensions <> p_dimensions THEN
        RAISE EXCEPTION 'the model % has vectors of % dimensions here, not of %', p_name, model.dimensions, p_dimensions
        USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN model.id;
END
$$;

-- Stores the vectors of some passages, one after the other in p_vectors; those of passages that are gone are left out.
-- Returns how many were stored, and nothing if there are no tables for vectors.
CREATE FUNCTION store_vectors(p_model text, p_dimensions integer, p_passages uuid[], p_vectors real[]) RETURNS bigint
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    model_id integer := embedding_model(p_model, p_dimensions);
    stored bigint;
BEGIN
    IF model_id IS NULL THEN
        RETURN NULL;
    END IF;
    INSERT INTO passage_vectors AS v (passage_id, collection_id, model, embedding)
    SELECT p.id, p.collection_id, model_id, (p_vectors[(n - 1) * p_dimensions + 1 : n * p_dimensions])::halfvec
    FROM unnest(p_passages) WITH ORDINALITY AS given (id, n) JOIN passages p USING (id)
    ORDER BY p.id
    ON CONFLICT (passage_id) DO UPDATE SET model = excluded.model, embedding = excluded.embedding;
    GET DIAGNOSTICS stored = ROW_COUNT;
    INSERT INTO document_vectors AS d (document_id, model, embedding)
    SELECT p.document_id, model_id, avg(v.embedding)
    FROM passages p JOIN passage_vectors v ON v.passage_id = p.id AND v.model = model_id
    WHERE p.document_id IN (SELECT document_id FROM passages WHERE id = ANY (p_passages))
    GROUP BY p.document_id ORDER BY p.document_id
    ON CONFLICT (document_id) DO UPDATE SET model = excluded.model, embedding = excluded.embedding;
    RETURN stored;
END
$$;

-- The passages most like a question by the cosine of their vectors, of those collections of p_scope that p_asker may read
-- now. Up to p_exact_up_to passages, the question is compared with every one; above, an index finds nearly all of the
-- nearest.
CREATE FUNCTION nearest_passages(
    p_asker uuid, p_scope uuid[], p_model text, p_question real[], p_limit integer, p_exact_up_to integer
) RETURNS TABLE (passage_id uuid, likeness double precision)
LANGUAGE plpgsql STABLE ROWS 100
SET search_path FROM CURRENT
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    readable uuid[];
    used record;
    passages bigint;
BEGIN
    IF p_question IS NULL OR to_regclass('passage_vectors') IS NULL THEN
        RETURN;
    END IF;
    SELECT id, dimensions INTO used FROM embedding_models WHERE name = p_model;
    IF NOT FOUND OR used.dimensions <> cardinality(p_question) THEN
        RETURN;
    END IF;
    SELECT array_agg(c.id) INTO readable
    FROM collections c WHERE c.id = ANY (p_scope) AND (c.owner_id = p_asker OR c.owner_id IS NULL);
    SELECT sum(n) INTO passages
    FROM (SELECT passages AS n FROM collection_statistics WHERE collection_id = ANY (readable)
          UNION ALL
          SELECT passages FROM statistics_deltas WHERE collection_id = ANY (readable)) AS folded_and_not;
    IF coalesce(passages, 0) <= p_exact_up_to THEN
        -- The order is not that of the index, so the planner cannot take it.
        RETURN QUERY EXECUTE
            'SELECT passage_id, 1 - (embedding <=> $1::halfvec) AS likeness FROM passage_vectors
             WHERE collection_id = ANY ($2) AND model = $3 ORDER BY likeness DESC, passage_id LIMIT $4'
        USING p_question, readable, used.id, p_limit;
    ELSE
        -- The index goes on until it has enough that are in these collections. For this transaction only.
        PERFORM set_config('hnsw.ef_search', greatest(2 * p_limit, 200)::text, true);
        BEGIN
            PERFORM set_config('hnsw.iterative_scan', 'relaxed_order', true);
        EXCEPTION WHEN OTHERS THEN
            -- pgvector before 0.8 does not go on: it finds fewer.
            NULL;
        END;
        RETURN QUERY EXECUTE format(
            'WITH found AS MATERIALIZED (
                SELECT passage_id, 1 - (embedding::halfvec(%1$s) <=> $1::halfvec(%1$s)) AS likeness FROM passage_vectors
                WHERE collection_id = ANY ($2) AND model = %2$s
                ORDER BY embedding::halfvec(%1$s) <=> $1::halfvec(%1$s) LIMIT $3
             )
             SELECT passage_id, likeness FROM found ORDER BY likeness DESC, passage_id',
            used.dimensions, used.id)
        USING p_question, readable, p_limit;
    END IF;
END
$$;

-- How like a question some passages are: the cosine of the two vectors, and p_parent_weight times the mean of those of all
-- passages of the document. (Vectors have length 1, so that mean is the inner product with the mean of the vectors.)
-- Passages without a vector of the model are left out.
CREATE FUNCTION likeness_of(p_passages uuid[], p_model text, p_question real[], p_parent_weight double precision)
RETURNS TABLE (passage_id uuid, likeness double precision)
LANGUAGE plpgsql STABLE ROWS 100 SET search_path FROM CURRENT AS $$
#variable_conflict use_column
BEGIN
    IF p_question IS NULL OR to_regclass('passage_vectors') IS NULL THEN
        RETURN;
    END IF;
    RETURN QUERY EXECUTE
        'SELECT v.passage_id,
                1 - (v.embedding <=> $2::halfvec) + $4 * coalesce(-(d.embedding <#> $2::halfvec), 0)
         FROM embedding_models m JOIN unnest($1) AS given (id) ON true
         JOIN passage_vectors v ON v.passage_id = given.id AND v.model = m.id
         JOIN passages p ON p.id = given.id
         LEFT JOIN document_vectors d ON d.document_id = p.document_id AND d.model = m.id
         WHERE m.name = $3 AND m.dimensions = cardinality($2)'
    USING p_passages, p_question, p_model, p_parent_weight;
END
$$;

-- Passages without a vector of a model, in the order of their ids, after p_after; none if there are no tables for vectors.
CREATE FUNCTION passages_without_vector(p_model text, p_after uuid, p_limit integer)
RETURNS TABLE (id uuid, title text, heading text, body text)
LANGUAGE plpgsql STABLE ROWS 100 SET search_path FROM CURRENT AS $$
BEGIN
    IF to_regclass('passage_vectors') IS NULL THEN
        RETURN;
    END IF;
    RETURN QUERY
        SELECT p.id, d.title, p.heading, p.body
        FROM passages p JOIN documents d ON d.id = p.document_id
        WHERE (p_after IS NULL OR p.id > p_after)
          AND NOT EXISTS (SELECT FROM passage_vectors v JOIN embedding_models m ON m.id = v.model
                          WHERE v.passage_id = p.id AND m.name = p_model)
        ORDER BY p.id LIMIT p_limit;
END
$$;

-- Takes the work of embedding what is missing for so many seconds, unless somebody else has it; 0 gives it back. A model
-- that nothing was stored for yet has nobody who could have it.
CREATE FUNCTION take_embedding_turn(p_model text, p_seconds double precision) RETURNS boolean
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF to_regclass('passage_vectors') IS NULL THEN
        RETURN false;
    END IF;
    UPDATE embedding_models SET catch_up_until = now() + p_seconds * interval '1 second'
    WHERE name = p_model AND (catch_up_until <= now() OR p_seconds = 0);
    RETURN FOUND OR NOT EXISTS (SELECT FROM embedding_models WHERE name = p_model);
END
$$;

-- Whether a worker should look for passages without a vector: some have none, or a change of model is under way.
CREATE FUNCTION vectors_are_missing() RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path FROM CURRENT AS $$
BEGIN
    IF to_regclass('passage_vectors') IS NULL THEN
        RETURN false;
    END IF;
    RETURN (SELECT count(*) FROM embedding_models) > 1
        OR EXISTS (SELECT FROM passages p
                   WHERE NOT EXISTS (SELECT FROM passage_vectors v WHERE v.passage_id = p.id));
END
$$;

-- Whether vectors of a model were ever stored; without tables for vectors there is nothing to know.
CREATE FUNCTION embedding_model_is_known(p_model text) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path FROM CURRENT AS $$
BEGIN
    IF to_regclass('passage_vectors') IS NULL THEN
        RETURN true;
    END IF;
    RETURN EXISTS (SELECT FROM embedding_models WHERE name = p_model);
END
$$;

-- Forgets the models that have no vectors left, with their indexes; called when every passage has a vector of p_model.
CREATE FUNCTION retire_other_models(p_model text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    unused record;
BEGIN
    IF to_regclass('passage_vectors') IS NULL THEN
        RETURN;
    END IF;
    FOR unused IN
        SELECT m.id FROM embedding_models m
        WHERE m.name <> p_model AND NOT EXISTS (SELECT FROM passage_vectors v WHERE v.model = m.id)
        ORDER BY m.id FOR UPDATE SKIP LOCKED
    LOOP
        EXECUTE format('DROP INDEX IF EXISTS passage_vectors_nearest_%s', unused.id);
        DELETE FROM document_vectors WHERE model = unused.id;
        DELETE FROM embedding_models WHERE id = unused.id;
    END LOOP;
END
$$;

SELECT enable_vectors();
