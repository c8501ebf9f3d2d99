//! The retrieval that is measured: the worker's own.

use shared::db::search::{self, Search, Tuning};
use shared::db::{DbError, Session};
use shared::domain::{CollectionScope, Passage, QuestionText, UserId};
use worker::indexing;

/// How many passages the worker hands to the answerer.
pub const FOR_AN_ANSWER: i32 = 5;

/// How many passages a ranking of [`crate::measures::DEEPEST`] units is made from: long items have several.
pub const FOR_A_RANKING: i32 = 400;

/// Finds passages, best first, as the worker does for a question of this user.
///
/// # Errors
/// The database cannot be asked.
pub async fn retrieve(
    db: &mut Session,
    asker: UserId,
    question: &QuestionText,
    limit: i32,
) -> Result<Vec<Passage>, DbError> {
    let search = Search {
        asker,
        scope: &CollectionScope::everything_readable_by(asker),
        questions: &indexing::questions(question),
        limit,
        tuning: Tuning::default(),
    };
    let found = search::bm25(db, &search).await?;
    Ok(found.into_iter().map(|found| found.passage).collect())
}
