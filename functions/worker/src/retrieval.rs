//! Finds the passages that a question is answered from: by words and by vectors, both in one statement, ranked together.

use std::time::Duration;

use shared::config::RetrievalConfig;
use shared::db::search::{self, Candidate, QuestionVector, Search, Tuning};
use shared::db::{Db, DbError, Session, passages};
use shared::domain::{CollectionScope, Passage, PassageId, QuestionText, UserId};
use shared::telemetry::OrLog;

use crate::embedding::Embedder;
use crate::indexing;
use crate::llm::{Anthropic, Meter};
use crate::rag::{budget, fusion, rerank};
use crate::reranking;

/// How many passages each leg finds. What neither has among so many is not worth an answer's space.
pub const CANDIDATES: i32 = 200;

/// How long a question's vector is waited for. After that the words have to do.
const VECTOR_LIMIT: Duration = Duration::from_secs(5);

/// Who asks what, and of which documents.
#[derive(Debug, Clone, Copy)]
pub struct Query<'a> {
    /// Who asks; only what this user may read at this moment is found.
    pub asker: UserId,
    /// The collections.
    pub scope: &'a CollectionScope,
    /// The question.
    pub question: &'a QuestionText,
}

/// What is needed to find passages.
#[derive(Debug, Clone)]
pub struct Retrieval {
    embedder: Option<Embedder>,
    reranker: Option<Anthropic>,
    config: RetrievalConfig,
}

impl Retrieval {
    /// Builds the provider of vectors, if the settings name one. Nothing is connected yet. `reranker` puts the best
    /// passages in order, if somebody does.
    ///
    /// # Errors
    /// The provider's settings cannot be used.
    pub fn connect(config: &RetrievalConfig, reranker: Option<Anthropic>) -> anyhow::Result<Self> {
        Ok(Self {
            embedder: Embedder::connect(&config.embeddings)?,
            reranker,
            config: config.clone(),
        })
    }

    /// Who turns texts into vectors, if anybody does.
    #[must_use]
    pub fn embedder(&self) -> Option<&Embedder> {
        self.embedder.as_ref()
    }

    /// The passages for an answer, best first, as many as the settings allow. No connection is held while the
    /// question is turned into a vector or a model puts the passages in order, for which it gets no more than
    /// `time_left`; `meter` is told what that consumed.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub async fn passages(
        &self,
        db: &Db,
        query: &Query<'_>,
        time_left: Option<Duration>,
        meter: &Meter,
    ) -> Result<Vec<Passage>, DbError> {
        let mut passages = self.best(db, query).await?;
        if let Some(model) = &self.reranker {
            passages = reranking::rerank(model, query.question, passages, (time_left, meter)).await;
        }
        passages.truncate(self.config.passages);
        Ok(budget::fit(passages, self.config.tokens))
    }

    /// As many of the best passages as are shown to anybody.
    async fn best(&self, db: &Db, query: &Query<'_>) -> Result<Vec<Passage>, DbError> {
        let vector = self.vector(query.question).await;
        let mut db = db.session().await?;
        let found = candidates(&mut db, query, vector.as_ref(), CANDIDATES).await?;
        let count = match &self.reranker {
            Some(_) => self.config.passages.max(rerank::SHOWN),
            None => self.config.passages,
        };
        let best: Vec<PassageId> = self.rank(&found).into_iter().take(count).collect();
        if best.is_empty() {
            return Ok(Vec::new());
        }
        passages::read(&mut db, query.asker, &best).await
    }

    /// The question's vector. Without a provider there is none, and one that fails is no reason not to answer.
    pub async fn vector(&self, question: &QuestionText) -> Option<QuestionVector> {
        let embedder = self.embedder.as_ref()?;
        let vector = tokio::time::timeout(VECTOR_LIMIT, embedder.question(question.as_str()));
        let vector = vector.await.or_log("turn a question into a vector in time")?;
        Some(QuestionVector {
            model: embedder.model().to_owned(),
            vector: vector.or_log("turn a question into a vector")?,
        })
    }

    /// The candidates, best first.
    #[must_use]
    pub fn rank(&self, found: &[Candidate]) -> Vec<PassageId> {
        let percent = u32::try_from(self.config.vector_weight_percent).unwrap_or(100);
        let ranked = fusion::rank(found, f64::from(percent) / 100.0);
        ranked.into_iter().map(|(id, _)| id).collect()
    }
}

/// Whatever words or the vector find, up to `limit` by each.
///
/// # Errors
/// The database cannot be asked.
pub async fn candidates(
    db: &mut Session,
    query: &Query<'_>,
    vector: Option<&QuestionVector>,
    limit: i32,
) -> Result<Vec<Candidate>, DbError> {
    let search = Search {
        asker: query.asker,
        scope: query.scope,
        questions: &indexing::questions(query.question),
        vector,
        limit,
        tuning: Tuning::default(),
    };
    search::candidates(db, &search).await
}
