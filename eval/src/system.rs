//! The ways of ranking that can be compared.

use std::str::FromStr;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use serde::Serialize;
use shared::db::Session;
use shared::domain::{Passage, QuestionText, UserId};
use tokio_postgres::Client;

use crate::database::PrivateDatabase;
use crate::units::Hit;
use crate::{baseline, retrieve};

/// A way of ranking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum System {
    /// The worker's search by words.
    Lexical,
    /// What most recipes for Postgres do: [`baseline`].
    AnyTermTsRank,
}

impl System {
    /// The name in tables and charts.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Lexical => "lexical",
            Self::AnyTermTsRank => "any-term ts_rank",
        }
    }
}

/// The worker's ways, by the name that `--mode` takes.
impl FromStr for System {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "lexical" => Ok(Self::Lexical),
            other => bail!("there is no mode {other:?}; there is: lexical"),
        }
    }
}

/// Asks an ingested collection, one question after the other.
pub struct Asker {
    user: UserId,
    db: Session,
    client: Client,
}

impl Asker {
    /// Somebody who asks as this user.
    ///
    /// # Errors
    /// If the database takes no connection.
    pub async fn connect(database: &PrivateDatabase, db: Session, user: UserId) -> Result<Self> {
        let client = database.client().await?;
        Ok(Self { user, db, client })
    }

    /// What a system finds, best first, and how long its call took.
    ///
    /// # Errors
    /// If the database cannot be asked.
    pub async fn ask(&mut self, system: System, question: &QuestionText, limit: i32) -> Result<(Vec<Hit>, Duration)> {
        let start = Instant::now();
        match system {
            System::Lexical => {
                let found = self.passages(question, limit).await?;
                let taken = start.elapsed();
                let hits = found.iter().map(|passage| (passage.document_id, passage.start));
                Ok((hits.collect(), taken))
            }
            System::AnyTermTsRank => {
                let hits = baseline::any_term_ts_rank(&self.client, question, limit).await?;
                Ok((hits, start.elapsed()))
            }
        }
    }

    /// The passages that the worker would hand to an answerer.
    ///
    /// # Errors
    /// If the database cannot be asked.
    pub async fn passages(&mut self, question: &QuestionText, limit: i32) -> Result<Vec<Passage>> {
        Ok(retrieve::retrieve(&mut self.db, self.user, question, limit).await?)
    }
}
