//! The ways of ranking that can be compared.

use std::str::FromStr;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use serde::Serialize;
use shared::db::search::QuestionVector;
use shared::db::{Session, passages};
use shared::domain::{CollectionScope, Passage, PassageId, QuestionText, UserId};
use tokio_postgres::Client;
use worker::retrieval::Query;

use crate::baseline;
use crate::database::PrivateDatabase;
use crate::retrieve::Tools;
use crate::units::Hit;

/// A way of ranking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum System {
    /// The worker's search by words.
    Lexical,
    /// Its search by vectors.
    Dense,
    /// Both, ranked together: what the worker does where it has vectors.
    Hybrid,
    /// Both, joined by reciprocal rank fusion.
    Rrf,
    /// What most recipes for Postgres do: [`baseline`].
    AnyTermTsRank,
}

impl System {
    /// The name in tables and charts.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Lexical => "lexical",
            Self::Dense => "dense",
            Self::Hybrid => "hybrid",
            Self::Rrf => "RRF of both",
            Self::AnyTermTsRank => "any-term ts_rank",
        }
    }

    /// Whether it compares vectors.
    #[must_use]
    pub fn needs_vectors(self) -> bool {
        matches!(self, Self::Dense | Self::Hybrid | Self::Rrf)
    }

    /// What it is compared with.
    #[must_use]
    pub fn baselines(self) -> &'static [Self] {
        match self {
            Self::Hybrid => &[Self::Lexical, Self::Dense, Self::Rrf, Self::AnyTermTsRank],
            _ => &[Self::AnyTermTsRank],
        }
    }
}

/// The worker's ways, by the name that `--mode` takes.
impl FromStr for System {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "lexical" => Ok(Self::Lexical),
            "dense" => Ok(Self::Dense),
            "hybrid" => Ok(Self::Hybrid),
            other => bail!("there is no mode {other:?}; there are: lexical, dense, hybrid"),
        }
    }
}

/// Asks an ingested collection, one question after the other.
pub struct Asker<'a> {
    tools: &'a Tools,
    user: UserId,
    scope: CollectionScope,
    db: Session,
    client: Client,
}

impl<'a> Asker<'a> {
    /// Somebody who asks as this user.
    ///
    /// # Errors
    /// If the database takes no connection.
    pub async fn connect(tools: &'a Tools, database: &PrivateDatabase, db: Session, user: UserId) -> Result<Self> {
        let client = database.client().await?;
        Ok(Self {
            tools,
            user,
            scope: CollectionScope::everything_readable_by(user),
            db,
            client,
        })
    }

    /// What a system finds, best first.
    ///
    /// # Errors
    /// If the database cannot be asked.
    pub async fn ask(&mut self, system: System, question: &QuestionText) -> Result<Vec<Hit>> {
        if system == System::AnyTermTsRank {
            return baseline::any_term_ts_rank(&self.client, question).await;
        }
        let vector = self.tools.vector(system, question).await?;
        let ids = self.ranking(system, question, vector.as_ref()).await?;
        let found = passages::read(&mut self.db, self.user, &ids).await?;
        Ok(found
            .iter()
            .map(|passage| (passage.document_id, passage.start))
            .collect())
    }

    /// How long the worker would take to find an answer's passages, or the baseline to rank its own.
    ///
    /// # Errors
    /// If the database cannot be asked.
    pub async fn time(&mut self, system: System, question: &QuestionText) -> Result<Duration> {
        let start = Instant::now();
        if system == System::AnyTermTsRank {
            baseline::any_term_ts_rank(&self.client, question).await?;
            return Ok(start.elapsed());
        }
        let vector = self.tools.fresh_vector(system, question).await;
        self.passages(system, question, vector.as_ref()).await?;
        Ok(start.elapsed())
    }

    /// The passages that the worker would hand to an answerer.
    ///
    /// # Errors
    /// If the database cannot be asked.
    pub async fn for_an_answer(&mut self, system: System, question: &QuestionText) -> Result<Vec<Passage>> {
        let vector = self.tools.vector(system, question).await?;
        self.passages(system, question, vector.as_ref()).await
    }

    async fn passages(
        &mut self,
        system: System,
        question: &QuestionText,
        vector: Option<&QuestionVector>,
    ) -> Result<Vec<Passage>> {
        let ids = self.ranking(system, question, vector).await?;
        let query = query(self.user, &self.scope, question);
        self.tools.for_an_answer(&mut self.db, &query, ids).await
    }

    async fn ranking(
        &mut self,
        system: System,
        question: &QuestionText,
        vector: Option<&QuestionVector>,
    ) -> Result<Vec<PassageId>> {
        let query = query(self.user, &self.scope, question);
        self.tools.ranking(&mut self.db, system, &query, vector).await
    }
}

fn query<'a>(asker: UserId, scope: &'a CollectionScope, question: &'a QuestionText) -> Query<'a> {
    Query { asker, scope, question }
}
