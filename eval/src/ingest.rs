//! Brings a collection into a database by the code that ingests uploads.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures_util::{StreamExt, TryStreamExt, stream};
use shared::db::documents::{self, NewDocument, Upload};
use shared::db::passages::{self, Target};
use shared::db::users::{self, Registration};
use shared::db::{Db, Session, collections, statistics, vectors};
use shared::domain::{Content, DocumentId, DocumentText, DocumentTitle, Email, UserId};
use worker::indexing;
use worker::rag::chunking::{self, Chunk};

use crate::collection::{Collection, Document};
use crate::database::CONNECTIONS;
use crate::memory::Memory;
use crate::progress::Progress;

/// The title of a document that has none. An upload has to have one.
const UNTITLED: &str = "Untitled";

/// How many characters of a title are stored. It is searched in full.
const LONGEST_TITLE: usize = 300;

/// How many words are folded into the statistics at once.
pub(crate) const FOLDED_AT_ONCE: i32 = 100_000;

/// How many passages are embedded at once.
const EMBEDDED_AT_ONCE: i32 = 256;

/// What was stored.
pub struct Ingested {
    /// Whose documents they are.
    pub owner: UserId,
    /// The documents in the order of the collection.
    pub documents: Vec<Stored>,
}

/// A document as it was stored.
pub struct Stored {
    /// The document.
    pub id: DocumentId,
    /// Its passages in order.
    pub passages: Vec<StoredPassage>,
}

/// A passage as it was stored.
pub struct StoredPassage {
    /// The part of the document that it was cut from, counted from 0.
    pub part: usize,
    /// Its first character in the document.
    pub start: usize,
    /// One past its last character.
    pub end: usize,
}

/// Stores every document of a collection as one user's.
///
/// # Errors
/// Names the document that Docent does not take.
pub async fn ingest(db: &Db, collection: &Collection) -> Result<Ingested> {
    let owner = register(db).await?;
    let mut progress = Progress::new(&format!("{}: ingest", collection.name), collection.documents.len());
    let documents = stream::iter(&collection.documents)
        .map(|document| async move {
            let stored = store(db, owner, document).await;
            stored.with_context(|| format!("ingest {}", document.id))
        })
        .buffered(CONNECTIONS)
        .inspect(|_| progress.step())
        .try_collect()
        .await?;
    progress.end();
    let mut session = db.session().await?;
    while statistics::fold(&mut session, FOLDED_AT_ONCE).await? > 0 {}
    Ok(Ingested { owner, documents })
}

/// Gives every passage its vector.
///
/// # Errors
/// If the embedder fails.
pub async fn embed(db: &Db, memory: &Memory, name: &str, passages: usize) -> Result<()> {
    let mut progress = Progress::new(&format!("{name}: embed"), passages);
    let mut session = db.session().await?;
    let mut after = None;
    loop {
        let missing = vectors::missing(&mut session, memory.model(), after, EMBEDDED_AT_ONCE).await?;
        let Some(last) = missing.last() else {
            break;
        };
        after = Some(last.id);
        let text = |p: &vectors::Unembedded| indexing::embedded(&p.title, &p.heading, p.context.as_deref(), &p.text);
        let texts: Vec<String> = missing.iter().map(text).collect();
        let ids = missing.iter().map(|passage| passage.id);
        let found: Vec<_> = ids.zip(memory.passages(&texts).await?).collect();
        vectors::store(&mut session, memory.model(), &found).await?;
        found.iter().for_each(|_| progress.step());
    }
    progress.end();
    Ok(())
}

pub(crate) async fn register(db: &Db) -> Result<UserId> {
    let email = Email::parse("eval@example.com")?;
    // Nobody signs in to a database that is gone in a minute.
    match users::register(&mut db.session().await?, &email, "no password", None).await? {
        Registration::Registered(user) => Ok(user.id),
        Registration::EmailTaken => bail!("the database is not fresh"),
    }
}

pub(crate) async fn store(db: &Db, owner: UserId, document: &Document) -> Result<Stored> {
    let (chunks, places) = cut(document);
    let indexed = indexing::passages(&document.title, &document.text(), chunks);
    let mut db = db.session().await?;
    let id = upload(&mut db, owner, document).await?;
    let target = Target {
        collection: owner.private_collection(),
        document: id,
        configuration: indexed.language.configuration(),
    };
    db.begin().await?;
    if !documents::mark_ready(&mut db, owner, id, places.len()).await? {
        bail!("the document has vanished");
    }
    passages::replace(&mut db, &target, &indexed.passages).await?;
    collections::bump_version(&mut db, target.collection).await?;
    db.commit().await?;
    Ok(Stored { id, passages: places })
}

async fn upload(db: &mut Session, owner: UserId, document: &Document) -> Result<DocumentId> {
    let title: String = storable(document.title.trim()).chars().take(LONGEST_TITLE).collect();
    let title = if title.is_empty() { UNTITLED } else { &title };
    let mut text = document.text();
    loop {
        let new = NewDocument {
            owner,
            collection: owner.private_collection(),
            title: DocumentTitle::parse(title)?,
            content: Content::Text {
                text: DocumentText::parse(storable(&text))?,
                media_type: document.media,
            },
            source_url: None,
            deadline: Duration::from_secs(900),
            max_open_jobs: None,
        };
        match documents::upload(db, &new).await? {
            Upload::Accepted(stored, _) => return Ok(stored.id),
            // The same text under another id: stored beside it all the same, as the judgments tell them apart.
            Upload::Exists(_) => text.push('\n'),
            Upload::NotWritable | Upload::TooManyOpenJobs => bail!("the collection cannot be written"),
        }
    }
}

/// Control characters, which an upload may not carry, as blanks: no place moves.
fn storable(text: &str) -> String {
    let is_refused = |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r');
    text.replace(is_refused, " ")
}

/// Cuts part by part, so that each passage belongs to exactly one.
fn cut(document: &Document) -> (Vec<Chunk>, Vec<StoredPassage>) {
    let mut chunks = Vec::new();
    let mut places = Vec::new();
    for (index, (offset, part)) in document.placed_parts().enumerate() {
        for chunk in chunking::split(&storable(&part.text), document.media) {
            let (start, end) = (offset + chunk.start, offset + chunk.end);
            places.push(StoredPassage {
                part: index,
                start,
                end,
            });
            let headings = [part.heading.as_str(), chunk.heading.as_str()];
            let headings: Vec<&str> = headings.into_iter().filter(|heading| !heading.is_empty()).collect();
            chunks.push(Chunk {
                heading: headings.join(" > "),
                text: chunk.text,
                start,
                end,
            });
        }
    }
    (chunks, places)
}

#[cfg(test)]
mod tests {
    use shared::domain::MediaType;

    use super::*;
    use crate::collection::Part;

    #[test]
    fn no_passage_crosses_a_part_and_places_are_those_in_the_whole_text() {
        let part = |item: &str, text: &str| Part {
            item: item.to_owned(),
            heading: "Above".to_owned(),
            text: text.to_owned(),
        };
        let long = "Ein Satz über nichts. ".repeat(100);
        let document = Document {
            id: "d".to_owned(),
            title: String::new(),
            media: MediaType::PlainText,
            parts: vec![
                part("d#1", "Ä\u{7} short one."),
                part("d#2", &long),
                part("d#3", "End."),
            ],
        };
        let text: Vec<char> = storable(&document.text()).chars().collect();
        let (chunks, places) = cut(&document);
        let parts: Vec<usize> = places.iter().map(|place| place.part).collect();
        assert!(parts.len() > 3 && parts.is_sorted() && parts.first() == Some(&0) && parts.last() == Some(&2));
        for (chunk, place) in chunks.iter().zip(&places) {
            assert_eq!(text[place.start..place.end].iter().collect::<String>(), chunk.text);
            assert_eq!(chunk.heading, "Above");
        }
    }
}
