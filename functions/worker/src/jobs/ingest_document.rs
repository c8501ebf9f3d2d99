//! Cuts a document into passages and makes them searchable, all at once.

use shared::db::documents::{self, Material, Source};
use shared::db::jobs::{self, ClaimedJob};
use shared::db::passages::{self, Target};
use shared::db::{DbError, collections, statistics};
use shared::domain::visible::visible;
use shared::domain::{CollectionId, CollectionVersions, DocumentId, FailureCode, MediaType};
use shared::telemetry::{Metric, OrLog, measures};

use super::Ended;
use super::contexts;
use super::embed::{self, Vectors};
use super::settle::Failure;
use crate::app::Worker;
use crate::indexing::{self, Indexed};
use crate::invocation::Deadline;
use crate::rag::chunking;
use crate::rag::reading::Text;
use crate::reader::ReadFailure;

/// How many words' statistics are brought up to date after an ingestion: those of a long document or of some short ones.
const WORDS_TO_FOLD: i32 = 20_000;

/// A document as it is stored.
struct Prepared {
    collection: CollectionId,
    /// The text, if it takes the place of what was uploaded.
    new_text: Option<Text>,
    indexed: Indexed,
    vectors: Vectors,
}

pub(super) async fn run(
    worker: &Worker,
    job: &ClaimedJob,
    document: DocumentId,
    deadline: Deadline,
) -> Result<Ended, Failure> {
    let source = documents::source(&mut worker.db.session().await?, job.owner, document).await?;
    // Deleting a document deletes its job, so there is nobody left to tell.
    let Some(source) = source else {
        return Ok(Ended::LeaseLost);
    };
    let Source {
        collection_id,
        title,
        media_type,
        material,
    } = source;
    let Found { text, is_new } = found(worker, material, deadline).await?;
    let (title, text, mut indexed) = cut(title, text, media_type).await?;
    let passages = indexed.passages.len();
    if passages == 0 {
        return Err(Failure::Discarded(FailureCode::DocumentEmpty));
    }
    contexts::add(worker, &title, text.as_str(), &mut indexed, deadline).await;
    let vectors = embed::before_ready(worker, &title, &indexed.passages, deadline).await;
    let embedded = vectors.len();
    let prepared = Prepared {
        collection: collection_id,
        new_text: is_new.then_some(text),
        indexed,
        vectors,
    };
    match store(worker, job, document, &prepared).await? {
        Some(versions) => {
            worker.cache.publish_versions(&versions).await;
            measures::count(Metric::JobsCompleted);
            measures::note("document_id", document.to_string());
            measures::note("passages", passages);
            measures::note("embedded", embedded);
            if worker.retrieval.embedder().is_some() && embedded < passages {
                embed::ask_for_the_rest(worker).await;
            }
            fold_statistics(worker).await.or_log("fold the statistics");
            Ok(Ended::Stored)
        }
        None => Ok(Ended::LeaseLost),
    }
}

/// The text of a document, and whether it is another than the one that is stored.
struct Found {
    text: Text,
    is_new: bool,
}

/// What a reader cannot see is no part of the text, so that no passage, citation or index ever holds it: a person who
/// looks at the document sees all that a model is shown of it.
async fn found(worker: &Worker, material: Material, deadline: Deadline) -> Result<Found, ReadFailure> {
    match material {
        Material::Text(stored) => {
            let text = visible(&stored);
            let is_new = text != stored;
            let text = Text::without_pages(text);
            Ok(Found { text, is_new })
        }
        Material::Original(original) => {
            let text = worker.reader.read(&original, deadline.time_for_a_call()).await?;
            Ok(Found { text, is_new: true })
        }
    }
}

/// Cuts on another thread: a large document takes seconds, and leases have to be renewed meanwhile.
async fn cut(title: String, text: Text, media: MediaType) -> Result<(String, Text, Indexed), Failure> {
    let cut = tokio::task::spawn_blocking(move || {
        let chunks = chunking::split_pages(text.as_str(), text.pages(), media);
        let mut indexed = indexing::passages(&title, text.as_str(), chunks);
        for passage in &mut indexed.passages {
            passage.page = text.page_of(passage.start);
        }
        (title, text, indexed)
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
    prepared: &Prepared,
) -> Result<Option<CollectionVersions>, DbError> {
    let Prepared {
        collection,
        new_text,
        indexed,
        vectors,
    } = prepared;
    let mut db = worker.db.session().await?;
    db.begin().await?;
    let is_there = documents::mark_ready(&mut db, job.owner, document, indexed.passages.len()).await?;
    if !is_there || !jobs::complete_ingestion(&mut db, &job.lease).await? {
        return Ok(None);
    }
    if let Some(text) = new_text {
        documents::store_text(&mut db, job.owner, document, text.as_str()).await?;
    }
    let target = Target {
        collection: *collection,
        document,
        configuration: indexed.language.configuration(),
    };
    passages::replace(&mut db, &target, &indexed.passages).await?;
    embed::store(worker, &mut db, vectors).await?;
    let version = collections::bump_version(&mut db, *collection).await?;
    worker.cache.mark_changing(*collection, version).await;
    db.commit().await?;
    Ok(Some(CollectionVersions::from([(*collection, version)])))
}

/// Searches are exact without it, but they slow down with each document whose words are not folded in.
async fn fold_statistics(worker: &Worker) -> Result<i64, DbError> {
    statistics::fold(&mut worker.db.session().await?, WORDS_TO_FOLD).await
}
