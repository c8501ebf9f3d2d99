//! Cuts a document into passages and makes them searchable, all at once.

use shared::db::documents::{self, Source};
use shared::db::jobs::{self, ClaimedJob};
use shared::db::passages::{self, Target};
use shared::db::{DbError, collections, statistics};
use shared::domain::{CollectionVersions, DocumentId, FailureCode};
use shared::telemetry::OrLog;

use super::Ended;
use super::settle::Failure;
use crate::app::Worker;
use crate::indexing::{self, Indexed};
use crate::rag::chunking;

/// How many words' statistics are brought up to date after an ingestion: those of a long document or of some short ones.
const WORDS_TO_FOLD: i32 = 20_000;

pub(super) async fn run(worker: &Worker, job: &ClaimedJob, document: DocumentId) -> Result<Ended, Failure> {
    let source = documents::source(&mut worker.db.session().await?, job.owner, document).await?;
    // Deleting a document deletes its job, so there is nobody left to tell.
    let Some(source) = source else {
        return Ok(Ended::LeaseLost);
    };
    let (source, indexed) = cut(source).await?;
    let passages = indexed.passages.len();
    if passages == 0 {
        return Err(Failure::Discarded(FailureCode::DocumentEmpty));
    }
    match store(worker, job, document, &source, &indexed).await? {
        Some(versions) => {
            worker.cache.publish_versions(&versions).await;
            tracing::info!(document_id = %document, passages, "document ingested");
            fold_statistics(worker).await.or_log("fold the statistics");
            Ok(Ended::Stored)
        }
        None => Ok(Ended::LeaseLost),
    }
}

/// Cuts on another thread: a large document takes seconds, and leases have to be renewed meanwhile.
async fn cut(source: Source) -> Result<(Source, Indexed), Failure> {
    let cut = tokio::task::spawn_blocking(move || {
        let chunks = chunking::split(&source.text, source.media_type);
        let indexed = indexing::passages(&source.title, &source.text, chunks);
        (source, indexed)
    });
    // The other thread only ends early by a panic, which is a defect.
    cut.await.map_err(|_| Failure::Discarded(FailureCode::Internal))
}

/// One transaction; its rows are locked in the order document, job, collection, like everywhere else. `None`: the
/// document is gone or the job is no longer ours, and dropping the session undoes everything.
async fn store(
    worker: &Worker,
    job: &ClaimedJob,
    document: DocumentId,
    source: &Source,
    indexed: &Indexed,
) -> Result<Option<CollectionVersions>, DbError> {
    let mut db = worker.db.session().await?;
    db.begin().await?;
    let is_there = documents::mark_ready(&mut db, job.owner, document, indexed.passages.len()).await?;
    if !is_there || !jobs::complete_ingestion(&mut db, &job.lease).await? {
        return Ok(None);
    }
    let target = Target {
        collection: source.collection_id,
        document,
        configuration: indexed.language.configuration(),
    };
    passages::replace(&mut db, &target, &indexed.passages).await?;
    let version = collections::bump_version(&mut db, source.collection_id).await?;
    worker.cache.mark_changing(source.collection_id, version).await;
    db.commit().await?;
    Ok(Some(CollectionVersions::from([(source.collection_id, version)])))
}

/// Searches are exact without it, but they slow down with each document whose words are not folded in.
async fn fold_statistics(worker: &Worker) -> Result<i64, DbError> {
    statistics::fold(&mut worker.db.session().await?, WORDS_TO_FOLD).await
}
