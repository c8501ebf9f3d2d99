//! A database with documents that were stored and are searched by the functions' own code, without HTTP and queue.

use std::time::Duration;

use shared::config::{DatabaseConfig, Env};
use shared::db::documents::{self, NewDocument, Upload};
use shared::db::passages::{self, NewPassage, Target};
use shared::db::search::{self, AnalysedQuestion, Search, Tuning};
use shared::db::users::{self, Registration};
use shared::db::{Db, Session, collections, statistics};
use shared::domain::{
    CollectionId, CollectionScope, Content, DocumentId, DocumentText, DocumentTitle, Email, MediaType, PassageId,
    UserId,
};
use uuid::Uuid;

use super::Database;

/// No statement of a test takes this long, on a busy machine neither: one that does fails its test.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(20);

/// Users, their documents, and what finds them.
pub struct Library {
    pub database: Database,
    pub db: Db,
}

/// A document to store.
#[derive(Debug, Clone)]
pub struct Book<'a> {
    pub configuration: &'a str,
    pub title: &'a str,
    /// Each with the heading above it.
    pub passages: Vec<(String, String)>,
}

impl<'a> Book<'a> {
    /// An English document without headings.
    pub fn english(title: &'a str, passages: &[&str]) -> Self {
        let passages = passages.iter().map(|text| (String::new(), (*text).to_owned()));
        Self {
            configuration: "english",
            title,
            passages: passages.collect(),
        }
    }
}

impl Library {
    pub async fn open() -> Self {
        Self::of(&Database::create().await)
    }

    /// On a database that is there.
    pub fn of(database: &Database) -> Self {
        let mut env = Env::new([("DATABASE_URL".to_owned(), database.functions_url.clone())]);
        let config = DatabaseConfig::from_env(&mut env, 12, STATEMENT_TIMEOUT);
        env.finish().unwrap();
        let db = Db::connect(&config).unwrap();
        Self {
            database: database.clone(),
            db,
        }
    }

    pub async fn session(&self) -> Session {
        self.db.session().await.unwrap()
    }

    pub async fn reader(&self, name: &str) -> UserId {
        let email = Email::parse(&format!("{name}@example.com")).unwrap();
        match users::register(&mut self.session().await, &email, "no password", None).await {
            Ok(Registration::Registered(user)) => user.id,
            other => panic!("{other:?}"),
        }
    }

    /// Stores a document in the reader's own collection.
    pub async fn store(&self, reader: UserId, book: &Book<'_>) -> DocumentId {
        self.store_in(reader, reader.private_collection(), book).await
    }

    /// Stores a document like the worker: all of it in one transaction.
    pub async fn store_in(&self, reader: UserId, collection: CollectionId, book: &Book<'_>) -> DocumentId {
        let mut db = self.session().await;
        let new = NewDocument {
            owner: reader,
            collection,
            title: DocumentTitle::parse(book.title).unwrap(),
            content: Content::Text {
                text: DocumentText::parse(Uuid::new_v4().to_string()).unwrap(),
                media_type: MediaType::PlainText,
            },
            source_url: None,
            deadline: Duration::from_secs(60),
            max_open_jobs: None,
        };
        let Ok(Upload::Accepted(document, _)) = documents::upload(&mut db, &new).await else {
            panic!("the upload was not accepted");
        };
        db.begin().await.unwrap();
        replace(&mut db, reader, collection, document.id, book).await;
        db.commit().await.unwrap();
        document.id
    }

    /// Ingests a document that is there once more.
    pub async fn store_again(&self, reader: UserId, document: DocumentId, book: &Book<'_>) {
        let mut db = self.session().await;
        db.begin().await.unwrap();
        replace(&mut db, reader, reader.private_collection(), document, book).await;
        db.commit().await.unwrap();
    }

    /// Deletes a document like the api.
    pub async fn delete(&self, reader: UserId, document: DocumentId) {
        let mut db = self.session().await;
        db.begin().await.unwrap();
        let collection = documents::delete(&mut db, reader, document).await.unwrap().unwrap();
        collections::bump_version(&mut db, collection).await.unwrap();
        db.commit().await.unwrap();
    }

    /// Folds until nothing is left.
    pub async fn fold(&self) {
        let mut db = self.session().await;
        while statistics::fold(&mut db, 10_000).await.unwrap() > 0 {}
    }

    /// Asks for up to 100 passages of all that the reader may read.
    pub async fn ask(&self, reader: UserId, question: &str) -> Vec<(Uuid, f64)> {
        let scope = CollectionScope::everything_readable_by(reader);
        self.search(reader, &scope, question, (100, Tuning::default())).await
    }

    /// Asks in English and German for so many passages; their ids with their scores.
    pub async fn search(
        &self,
        asker: UserId,
        scope: &CollectionScope,
        question: &str,
        (limit, tuning): (i32, Tuning),
    ) -> Vec<(Uuid, f64)> {
        let questions = ["english", "german"].map(|configuration| AnalysedQuestion {
            configuration,
            text: question.to_owned(),
        });
        let search = Search {
            asker,
            scope,
            questions: &questions,
            vector: None,
            limit,
            tuning,
        };
        let found = search::candidates(&mut self.session().await, &search).await.unwrap();
        let mut ranked: Vec<(Uuid, f64)> = found.iter().map(|found| (found.passage.uuid(), found.words)).collect();
        ranked.sort_unstable_by(|(a, better), (b, worse)| worse.total_cmp(better).then(a.cmp(b)));
        ranked
    }
}

async fn replace(db: &mut Session, reader: UserId, collection: CollectionId, document: DocumentId, book: &Book<'_>) {
    let passages: Vec<NewPassage> = book
        .passages
        .iter()
        .map(|(heading, text)| NewPassage {
            id: PassageId::new(),
            heading: heading.clone(),
            text: text.clone(),
            start: 0,
            end: text.chars().count(),
            page: None,
            context: None,
            indexed_header: format!("{}\n{heading}", book.title),
            indexed_text: text.clone(),
        })
        .collect();
    assert!(
        documents::mark_ready(db, reader, document, passages.len())
            .await
            .unwrap()
    );
    let target = Target {
        collection,
        document,
        configuration: book.configuration,
    };
    passages::replace(db, &target, &passages).await.unwrap();
    collections::bump_version(db, collection).await.unwrap();
}
