-- Exact BM25 without an extension: lexemes of passages and documents, how often each occurs in a collection, and the
-- function that ranks. Its parts, in the order below: tables, helpers, keeping the statistics, searching, what is there.
--
-- Functions that read tables take the search path of this migration with them, so that they find the same tables
-- whatever the caller's path is. None keeps anything in the session: they work behind a transaction pooler.


-- TABLES

-- What a search reads of a passage. Apart from `passages`, so that the rows stay small: a search reads thousands.
CREATE TABLE passage_terms (
    passage_id    uuid PRIMARY KEY REFERENCES passages (id) ON DELETE CASCADE,
    -- Repeated here so that a search touches one table.
    document_id   uuid NOT NULL,
    collection_id uuid NOT NULL,
    -- How many words the search vector was made from; stop words are not counted.
    length        integer NOT NULL,
    -- The document's title, the headings above the passage, and the passage.
    search        tsvector NOT NULL,
    -- Title and headings alone.
    header        tsvector NOT NULL
    -- Vectors are kept as they are, in the row as long as it fits a page: unpacking one costs more than ranking it, and
    -- ranking asks for it once per word.
) WITH (toast_tuple_target = 8160);
ALTER TABLE passage_terms ALTER search SET STORAGE EXTERNAL, ALTER header SET STORAGE EXTERNAL;
CREATE INDEX passage_terms_collection ON passage_terms (collection_id);
CREATE INDEX passage_terms_document ON passage_terms (document_id);
CREATE INDEX passage_terms_search ON passage_terms USING gin (search) WITH (fastupdate = off);

-- The same of whole documents.
CREATE TABLE document_terms (
    document_id   uuid PRIMARY KEY REFERENCES documents (id) ON DELETE CASCADE,
    -- The text search configuration that made the vectors of the document and its passages. As text: pg_upgrade refuses
    -- a database that has columns of type regconfig.
    configuration text NOT NULL,
    length        integer NOT NULL,
    -- Each lexeme at the positions 1 to n, n being how often it occurs, 255 at most. The true positions are not needed,
    -- and a vector has none beyond 16,383.
    terms         tsvector NOT NULL
) WITH (toast_tuple_target = 8160);
ALTER TABLE document_terms ALTER terms SET STORAGE EXTERNAL;

-- How many passages and documents of a collection hold a lexeme.
CREATE TABLE term_statistics (
    collection_id uuid NOT NULL REFERENCES collections (id) ON DELETE CASCADE,
    lexeme        text COLLATE "C" NOT NULL,
    passages      integer NOT NULL,
    documents     integer NOT NULL,
    PRIMARY KEY (collection_id, lexeme)
    -- Room on each page for the next version of a row, which then needs no new index entry.
) WITH (fillfactor = 70);

-- How many passages and documents a collection has, per configuration, and how long they are together.
CREATE TABLE collection_statistics (
    collection_id   uuid NOT NULL REFERENCES collections (id) ON DELETE CASCADE,
    configuration   text NOT NULL,
    passages        bigint NOT NULL,
    passage_length  bigint NOT NULL,
    documents       bigint NOT NULL,
    document_length bigint NOT NULL,
    PRIMARY KEY (collection_id, configuration)
) WITH (fillfactor = 70);

-- What a document that came or went changes in the two tables above. Whoever adds or deletes a document only appends a
-- row here, in the same transaction: common words would make the others wait for each other, or deadlock. The rows are
-- folded into the two tables later; until then a search adds them itself, so it always counts exactly.
CREATE TABLE statistics_deltas (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    collection_id   uuid NOT NULL REFERENCES collections (id) ON DELETE CASCADE,
    configuration   text NOT NULL,
    passages        bigint NOT NULL,
    passage_length  bigint NOT NULL,
    documents       bigint NOT NULL,
    document_length bigint NOT NULL,
    -- Three arrays of the same length: a lexeme, and the change in how many passages and documents hold it.
    lexemes         text[] NOT NULL,
    in_passages     integer[] NOT NULL,
    in_documents    integer[] NOT NULL,
    size            integer NOT NULL GENERATED ALWAYS AS (cardinality(lexemes)) STORED
);
CREATE INDEX statistics_deltas_collection ON statistics_deltas (collection_id);


-- HELPERS

-- A lexeme as the text forms of tsvector and tsquery want it. quote_literal does not do: it writes E'..' if there is a
-- backslash.
CREATE FUNCTION quoted_lexeme(lexeme text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN '''' || replace(replace(lexeme, '\', '\\'), '''', '''''') || '''';

-- How many words a vector was made from.
CREATE FUNCTION vector_length(vector tsvector) RETURNS integer
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (SELECT coalesce(sum(cardinality(positions)), 0)::integer FROM unnest(vector));

-- Makes width_bucket(ts_rank('{1,1,1,1}', vector, lexeme), rank_bounds()) the number of times the vector has the lexeme.
-- With all weights 1, ts_rank of a single lexeme that occurs n times is (1/1 + 1/4 + .. + 1/n^2) / (pi^2 / 6): it only
-- grows with n, and these are the points half-way between. To count that way is several times faster than to unnest
-- the vector. A vector has at most 255 positions of a lexeme.
CREATE FUNCTION rank_bounds() RETURNS double precision[]
-- In this language the plan is kept.
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    RETURN (SELECT array_agg((up_to - 0.5 / (n * n)) / 1.64493406685 ORDER BY n)
            FROM (SELECT n, sum(1.0 / (n * n)) OVER (ORDER BY n) AS up_to
                  FROM (SELECT n::double precision FROM generate_series(1, 255) AS n) AS counts) AS sums);
END
$$;


-- KEEPING THE STATISTICS

-- Makes the row of a document in document_terms from those of its passages. The title and a heading stand in the vector
-- of every passage below them, but count once here.
CREATE FUNCTION summarise_document(p_document uuid, p_configuration text) RETURNS void
LANGUAGE sql SET search_path FROM CURRENT AS $$
    WITH occurrences AS (
        SELECT lexeme, cardinality(positions) AS n, false AS in_header
        FROM passage_terms, unnest(search) WHERE document_id = p_document
        UNION ALL
        SELECT lexeme, cardinality(positions), true
        FROM passage_terms, unnest(header) WHERE document_id = p_document
    ), counts AS (
        SELECT lexeme, greatest(1, sum(n) FILTER (WHERE NOT in_header)
                                   - coalesce(sum(n) FILTER (WHERE in_header), 0)
                                   + coalesce(max(n) FILTER (WHERE in_header), 0)) AS n
        FROM occurrences GROUP BY lexeme
    ), sized AS (
        -- A vector holds 1 MiB. A document with more words than fit is found by its passages and its most frequent words.
        SELECT lexeme, n, sum(octet_length(lexeme) + 4 + 2 * least(n, 255)) OVER (ORDER BY n DESC, lexeme) AS bytes
        FROM counts
    ), positions AS (
        SELECT array_agg(n) AS all_of_them FROM generate_series(1, 255) AS n
    )
    INSERT INTO document_terms (document_id, configuration, length, terms)
    SELECT p_document, p_configuration, coalesce(sum(n), 0),
           coalesce(string_agg(quoted_lexeme(lexeme) || ':' || array_to_string(all_of_them[1:least(n, 255)], ','), ' ')
                    FILTER (WHERE bytes <= 1000000), '')::tsvector
    FROM sized, positions;
$$;

-- Appends what a document as it is stored adds to the statistics (sign 1), or takes away with it (sign -1).
CREATE FUNCTION note_statistics(p_document uuid, p_sign integer) RETURNS void
LANGUAGE sql SET search_path FROM CURRENT AS $$
    WITH found AS (
        SELECT lexeme COLLATE "C" AS lexeme, count(*) AS passages
        FROM passage_terms, unnest(tsvector_to_array(search)) AS lexeme
        WHERE document_id = p_document GROUP BY 1
    ), kept AS (
        SELECT lexeme COLLATE "C" AS lexeme
        FROM document_terms, unnest(tsvector_to_array(terms)) AS lexeme
        WHERE document_id = p_document
    ), changes AS (
        SELECT coalesce(array_agg(lexeme ORDER BY lexeme), '{}') AS lexemes,
               coalesce(array_agg(p_sign * found.passages ORDER BY lexeme), '{}') AS in_passages,
               coalesce(array_agg(CASE WHEN kept.lexeme IS NULL THEN 0 ELSE p_sign END ORDER BY lexeme), '{}')
                   AS in_documents
        FROM found LEFT JOIN kept USING (lexeme)
    ), passages AS (
        SELECT count(*) AS n, coalesce(sum(length), 0) AS length FROM passage_terms WHERE document_id = p_document
    )
    INSERT INTO statistics_deltas (collection_id, configuration, passages, passage_length, documents, document_length,
                                   lexemes, in_passages, in_documents)
    SELECT d.collection_id, t.configuration, p_sign * passages.n, p_sign * passages.length, p_sign, p_sign * t.length,
           changes.lexemes, changes.in_passages, changes.in_documents
    FROM documents d JOIN document_terms t ON t.document_id = d.id, passages, changes
    WHERE d.id = p_document;
$$;

-- Folds the oldest deltas into the statistics: about p_terms changes of terms at most, but at least one delta. Returns
-- how many deltas it folded; 0 if there is none, or if somebody else is folding.
CREATE FUNCTION fold_statistics(p_terms integer) RETURNS bigint
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    chosen bigint[];
    held uuid[];
    folded bigint;
    unused_collections uuid[];
    unused_lexemes text[];
BEGIN
    -- Any number will do, as long as nothing else in the database locks on it. The lock ends with the transaction.
    IF NOT pg_try_advisory_xact_lock(7237969) THEN
        RETURN 0;
    END IF;
    SELECT array_agg(id) INTO chosen
    FROM (SELECT id, sum(size) OVER (ORDER BY id) - size AS terms_before
          FROM (SELECT id, size FROM statistics_deltas ORDER BY id LIMIT 1000) AS oldest) AS counted
    WHERE terms_before < p_terms;
    -- First the collections, then what refers to them: whoever deletes a collection locks in this order too. One that
    -- is being deleted is left alone.
    SELECT array_agg(id) INTO held
    FROM (SELECT id FROM collections
          WHERE id IN (SELECT collection_id FROM statistics_deltas WHERE id = ANY (chosen))
          ORDER BY id FOR KEY SHARE SKIP LOCKED) AS locked;
    WITH taken AS (
        DELETE FROM statistics_deltas WHERE id = ANY (chosen) AND collection_id = ANY (held)
        RETURNING collection_id, configuration, passages, passage_length, documents, document_length,
                  lexemes, in_passages, in_documents
    ), terms AS (
        INSERT INTO term_statistics AS t (collection_id, lexeme, passages, documents)
        SELECT collection_id, change.lexeme, sum(change.passages), sum(change.documents)
        FROM taken, unnest(lexemes, in_passages, in_documents) AS change (lexeme, passages, documents)
        GROUP BY 1, 2 ORDER BY 1, 2
        ON CONFLICT (collection_id, lexeme) DO UPDATE
        SET passages = t.passages + excluded.passages, documents = t.documents + excluded.documents
        RETURNING t.collection_id, t.lexeme, t.passages, t.documents
    ), totals AS (
        INSERT INTO collection_statistics AS c
            (collection_id, configuration, passages, passage_length, documents, document_length)
        SELECT collection_id, configuration, sum(passages), sum(passage_length), sum(documents), sum(document_length)
        FROM taken GROUP BY 1, 2 ORDER BY 1, 2
        ON CONFLICT (collection_id, configuration) DO UPDATE
        SET passages = c.passages + excluded.passages, passage_length = c.passage_length + excluded.passage_length,
            documents = c.documents + excluded.documents, document_length = c.document_length + excluded.document_length
    )
    SELECT (SELECT count(*) FROM taken), array_agg(collection_id), array_agg(lexeme)
    INTO folded, unused_collections, unused_lexemes
    FROM terms WHERE passages = 0 AND documents = 0;
    -- Words that only a deleted document had are forgotten with it.
    DELETE FROM term_statistics t
    USING unnest(unused_collections, unused_lexemes) AS unused (collection_id, lexeme)
    WHERE t.collection_id = unused.collection_id AND t.lexeme = unused.lexeme;
    RETURN folded;
END
$$;


-- SEARCHING

-- The passages worth scoring in a collection too large to score all that have any of the words. Rare words find the best
-- passages, so the rarest are taken as they are, up to p_most passages; of the common ones only passages that have two,
-- the most selective pairs first, up to twice as many. If that is fewer than p_wanted, it goes on until it is not.
-- Words that select no passage here still count in the score of those that are selected.
-- p_lexemes: the rarest first; p_found: how many passages have each; p_passages: how many there are.
CREATE FUNCTION candidate_query(
    p_lexemes text[], p_found double precision[], p_passages double precision, p_wanted integer, p_most double precision
) RETURNS tsquery
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    selected text[] := '{}';
    common integer[] := '{}';
    covered double precision := 0;
    word integer;
    pair record;
BEGIN
    FOR word IN 1 .. cardinality(p_lexemes) LOOP
        IF covered + p_found[word] <= p_most THEN
            selected := selected || quoted_lexeme(p_lexemes[word]);
            covered := covered + p_found[word];
        ELSE
            common := common || word;
        END IF;
    END LOOP;
    -- Words of one question come together about three times as often as independent ones would.
    FOR pair IN
        SELECT a, b, least(3 * p_found[a] * p_found[b] / p_passages, p_found[a]) AS expected
        FROM unnest(common) AS a, unnest(common) AS b WHERE a < b ORDER BY expected, a, b
    LOOP
        EXIT WHEN covered + pair.expected > 2 * p_most AND covered >= p_wanted;
        selected := selected || format('(%s & %s)', quoted_lexeme(p_lexemes[pair.a]), quoted_lexeme(p_lexemes[pair.b]));
        covered := covered + pair.expected;
    END LOOP;
    FOREACH word IN ARRAY common LOOP
        EXIT WHEN covered >= p_wanted;
        selected := selected || quoted_lexeme(p_lexemes[word]);
        covered := covered + p_found[word];
    END LOOP;
    RETURN array_to_string(selected, ' | ')::tsquery;
END
$$;

-- SQL text that computes the BM25 score of a vector in a column: the sum over the lexemes of idf * tf / (tf + k), written
-- so that tf is asked for once. It expects rank_bounds() in a column, not as a constant: the planner would copy the
-- constant again and again.
CREATE FUNCTION bm25_expression(p_column text, p_lexemes text[], p_idf double precision[], p_k text) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN (
    SELECT string_agg(
        format('%L::float8 * (1 - %s / (width_bucket(ts_rank(''{1,1,1,1}'', %I, %L::tsquery)::float8, bounds) + %s))',
               idf, p_k, p_column, quoted_lexeme(lexeme), p_k), ' + ')
    FROM unnest(p_lexemes, p_idf) AS word (lexeme, idf)
);

-- How much a word tells: much if it is rare, and never less than nothing.
CREATE FUNCTION inverse_frequency(p_total double precision, p_found double precision) RETURNS double precision
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN ln(1 + (greatest(p_total, p_found) - p_found + 0.5) / (p_found + 0.5));

-- The passages that share words with a question, best first, of those collections of p_scope that p_asker may read now.
--
--     score = bm25(passage) + p_parent_weight * bm25(its document)
--           + p_header_weight * bm25(its title and headings, with b = 0 and the idf of the passages)
--     bm25  = sum over the words of idf * tf / (tf + p_k1 * (1 - b + b * length / average length))
--     idf   = ln(1 + (N - n + 0.5) / (n + 0.5))
--
-- N, n and the average lengths are those of the collections searched, all of them together and no others: what else is
-- in the database changes no score. p_questions are the question as it was analysed for each of p_configurations; those
-- that no document there has are left out.
--
-- Up to p_exact_up_to passages, all that have any of the words are scored; above, about 2 * p_candidates of them, but at
-- most about a quarter of all (see candidate_query). The document's score is added to the best p_parents passages, or
-- p_limit if that is more.
CREATE FUNCTION search_passages(
    p_asker uuid, p_scope uuid[], p_configurations text[], p_questions text[], p_limit integer,
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
             ), own AS MATERIALIZED (
                SELECT passage_id, document_id,
                       %s + $1 * CASE WHEN header @@ %L::tsquery THEN %s ELSE 0 END AS score
                -- To delete what is not there changes nothing, but a vector that is kept outside its row comes back in
                -- memory: it is fetched once, and not once per word.
                FROM (SELECT passage_id, document_id, header, ts_delete(search, '''') AS search,
                             $2 * (1 - $3 + $3 * length / $4) AS k, bounds
                      FROM constants, passage_terms WHERE %s AND search @@ %L::tsquery OFFSET 0) AS candidate
                ORDER BY score DESC, passage_id LIMIT $6
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
            bm25_expression('terms', words.lexemes, words.document_idf, 'k'))
        USING p_header_weight, p_k1, p_b, total.passage_length, readable,
              greatest(p_parents, p_limit), total.document_length, p_parent_weight, p_limit;
        -- Pairs of words may turn out never to come together.
        EXIT WHEN FOUND OR candidates = words.any_of_them;
        candidates := words.any_of_them;
    END LOOP;
END
$$;

-- What a search does without statistics: passages that have any of the words, by the best of the built-in ranks, which
-- divides by 1 + log of the length (1). To ask for all words would find nothing for most natural questions.
CREATE FUNCTION search_uncounted(p_readable uuid[], p_configurations text[], p_questions text[], p_limit integer)
RETURNS TABLE (passage_id uuid, score double precision)
LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    WITH asked AS (
        SELECT string_agg(DISTINCT quoted_lexeme(lexeme), ' | ')::tsquery AS words
        FROM unnest(p_configurations, p_questions) AS analysed (configuration, question),
             unnest(tsvector_to_array(to_tsvector(configuration::regconfig, question))) AS lexeme
        WHERE EXISTS (SELECT FROM document_terms t JOIN documents d ON d.id = t.document_id
                      WHERE d.collection_id = ANY (p_readable) AND t.configuration = analysed.configuration)
    )
    SELECT p.passage_id, ts_rank(p.search, asked.words, 1)::float8 AS score
    FROM asked, passage_terms p
    WHERE p.collection_id = ANY (p_readable) AND p.search @@ asked.words
    ORDER BY score DESC, p.passage_id LIMIT p_limit
$$;


-- WHAT IS THERE

INSERT INTO passage_terms (passage_id, document_id, collection_id, length, search, header)
SELECT p.id, p.document_id, p.collection_id, vector_length(p.search), p.search,
       to_tsvector('english', d.title || E'\n' || p.heading)
FROM passages p JOIN documents d ON d.id = p.document_id;

SELECT summarise_document(document_id, 'english') FROM (SELECT DISTINCT document_id FROM passage_terms) AS stored;
SELECT note_statistics(document_id, 1) FROM document_terms;
DO $$
BEGIN
    WHILE fold_statistics(100000) > 0 LOOP
    END LOOP;
END
$$;

ALTER TABLE passages DROP COLUMN search;
ANALYZE passage_terms, document_terms, term_statistics, collection_statistics;
