//! The usual recipe on Postgres, to compare with: full-text search for any word of the question, ranked by `ts_rank`
//! divided by 1 + log of the length, with the configuration `english` for whatever the text is.
//!
//! It keeps a table of its own, so that it stays what it is when the product's search changes. These are the only
//! statements of this package that search.

use anyhow::{Context, Result};
use shared::domain::{DocumentId, QuestionText};
use tokio_postgres::Client;
use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::units::Hit;

/// How many passages it ranks.
const DEPTH: i32 = 400;

/// Indexes all stored passages.
///
/// # Errors
/// If the database refuses.
pub async fn prepare(client: &Client) -> Result<()> {
    let statement = "
        CREATE TABLE baseline AS
        SELECT p.id, p.document_id, p.start_character,
               to_tsvector('english', d.title || E'\\n' || p.heading || E'\\n' || p.body) AS search
        FROM passages p JOIN documents d ON d.id = p.document_id;
        CREATE INDEX ON baseline USING gin (search);
        VACUUM ANALYZE baseline";
    // One by one: VACUUM refuses to run in the transaction that several statements at once are.
    for statement in statement.split(';') {
        client
            .batch_execute(statement)
            .await
            .context("index for the baseline")?;
    }
    Ok(())
}

/// Searches.
///
/// # Errors
/// If the database refuses.
pub async fn any_term_ts_rank(client: &Client, question: &QuestionText) -> Result<Vec<Hit>> {
    let statement = "
        WITH asked AS (
            SELECT string_agg(quote_literal(word), ' | ')::tsquery AS query
            FROM unnest(tsvector_to_array(to_tsvector('english', $1))) AS word
        )
        SELECT b.document_id, b.start_character
        FROM asked, baseline b
        WHERE b.search @@ asked.query
        ORDER BY ts_rank(b.search, asked.query, 1) DESC, b.id
        LIMIT $2";
    // With the types given, as the product does, so that both take one round trip.
    let rows = client
        .query_typed(statement, &[(&question.as_str(), Type::TEXT), (&DEPTH, Type::INT4)])
        .await;
    let rows = rows.context("search by the baseline")?;
    Ok(rows
        .iter()
        .map(|row| {
            let start = usize::try_from(row.get::<_, i32>("start_character")).unwrap_or_default();
            (DocumentId::from(row.get::<_, Uuid>("document_id")), start)
        })
        .collect())
}
