-- HTML and PDF documents: the bytes as they were uploaded are kept until their text was read, and passages know the page
-- they stand on.
--
-- A function of the version before works on as it did; documents of the new kinds it can neither show nor ingest, so the
-- consumer is to be deployed before the HTTP function offers them.

ALTER TABLE documents DROP CONSTRAINT documents_media_type_check;
ALTER TABLE documents ADD CONSTRAINT documents_media_type_check
    CHECK (media_type IN ('text/plain', 'text/markdown', 'text/html', 'application/pdf'));

-- What was uploaded, if its text has to be read from it first; body is empty until then. It goes in the transaction in
-- which the text comes, because the text is what passages and citations are places in. body_digest is that of these bytes.
ALTER TABLE documents ADD COLUMN original bytea;
-- Most of it is compressed already.
ALTER TABLE documents ALTER COLUMN original SET STORAGE EXTERNAL;

-- The encoding that the upload's Content-Type named; NULL if it named none.
ALTER TABLE documents ADD COLUMN charset text;

-- From 1; NULL for documents without pages. A passage stands on one page.
ALTER TABLE passages ADD COLUMN page integer CHECK (page >= 1);
