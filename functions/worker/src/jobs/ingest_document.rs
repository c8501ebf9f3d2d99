//! Cuts a document into passages and makes them searchable, all at once.

use shared::db::documents::{self, Source};
use shared::db::jobs::{self, ClaimedJob};
use shared::db::passages::{self, NewPassage};
use shared::db::{DbError, collections};
use shared::domain::{CollectionVersions, DocumentId, FailureCode};

use super::Ended;
use super::settle::Failure;
use crate::app::Worker;
use crate::rag::chunking::{self, Chunk};

pub(super) async fn run(worker: &Worker, job: &ClaimedJob, document: DocumentId) -> Result<Ended, Failure> {
    let source = documents::source(&mut worker.db.session().await?, job.owner, document).await?;
    // Deleting a document deletes its job, so there is nobody left to tell.
    let Some(source) = source else {
        return Ok(Ended::LeaseLost);
    };
    let (source, passages) = cut(source).await?;
    if passages.is_empty() {
        return Err(Failure::Discarded(FailureCode::DocumentEmpty));
    }
    match store(worker, job, document, &source, &passages).await? {
        Some(versions) => {
            worker.cache.publish_versions(&versions).await;
            tracing::info!(document_id = %document, passages = passages.len(), "document ingested");
            Ok(Ended::Stored)
        }
        None => Ok(Ended::LeaseLost),
    }
}

/// Cuts on another thread: a large document takes seconds, and leases have to be renewed meanwhile.
async fn cut(source: Source) -> Result<(Source, Vec<NewPassage>), Failure> {
    let cut = tokio::task::spawn_blocking(move || {
        let passages = chunking::split(&source.text, source.media_type)
            .into_iter()
            .map(passage)
            .collect();
        (source, passages)
    });
    // The other thread only ends early by a panic, which is a defect.
    cut.await.map_err(|_| Failure::Discarded(FailureCode::Internal))
}

fn passage(chunk: Chunk) -> NewPassage {
    NewPassage {
        heading: chunk.heading,
        text: chunk.text,
        start: chunk.start,
        end: chunk.end,
    }
}

/// One transaction; its rows are locked in the order document, job, collection, like everywhere else. `None`: the
/// document is gone or the job is no longer ours, and dropping the session undoes everything.
async fn store(
    worker: &Worker,
    job: &ClaimedJob,
    document: DocumentId,
    source: &Source,
    passages: &[NewPassage],
) -> Result<Option<CollectionVersions>, DbError> {
    let mut db = worker.db.session().await?;
    db.begin().await?;
    let is_there = documents::mark_ready(&mut db, job.owner, document, passages.len()).await?;
    if !is_there || !jobs::complete_ingestion(&mut db, &job.lease).await? {
        return Ok(None);
    }
    passages::replace(&mut db, source.collection_id, document, &source.title, passages).await?;
    let version = collections::bump_version(&mut db, source.collection_id).await?;
    worker.cache.mark_changing(source.collection_id, version).await;
    db.commit().await?;
    Ok(Some(CollectionVersions::from([(source.collection_id, version)])))
}
