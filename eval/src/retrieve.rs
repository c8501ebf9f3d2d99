//! The retrieval that is measured: the worker's own, and what it is made of.

use anyhow::Result;
use shared::config::{AnsweringConfig, EmbeddingsConfig, Env, RetrievalConfig};
use shared::db::search::{Candidate, QuestionVector};
use shared::db::{Session, passages};
use shared::domain::{Passage, PassageId, QuestionText};
use worker::embedding::Embedder;
use worker::rag::budget;
use worker::retrieval::{self, Query, Retrieval};

use crate::memory::Memory;
use crate::system::System;

/// How deep a ranking by one leg goes, so that it yields [`crate::measures::DEEPEST`] units: long items have several
/// passages.
const ONE_LEG: i32 = 400;

/// What reciprocal rank fusion adds to each rank, by Cormack, Clarke and Büttcher (2009).
const RRF_K: f64 = 60.0;

/// How many passages of each leg reciprocal rank fusion is given.
const RRF_DEPTH: usize = 100;

/// The retrieval that settings describe, with a memory for its vectors.
pub struct Tools {
    retrieval: Retrieval,
    config: RetrievalConfig,
    memory: Option<Memory>,
}

impl Tools {
    /// Reads the settings that the worker reads.
    ///
    /// # Errors
    /// If they cannot be used.
    pub fn from_env(mut env: Env) -> Result<Self> {
        let folder = env.optional("EVAL_VECTORS_DIR");
        let answering = AnsweringConfig::from_env(&mut env);
        let config = RetrievalConfig::from_env(&mut env, &answering);
        env.finish()?;
        let memory = match (Embedder::connect(&config.embeddings)?, folder) {
            (Some(embedder), Some(folder)) => Some(Memory::open(folder.as_ref(), embedder)?),
            (Some(_), None) => anyhow::bail!("EVAL_VECTORS_DIR is not set: use `cargo xtask eval`"),
            (None, _) => None,
        };
        Ok(Self {
            retrieval: Retrieval::connect(&config, None)?,
            config,
            memory,
        })
    }

    /// Words alone.
    ///
    /// # Errors
    /// None of ours.
    pub fn without_vectors() -> Result<Self> {
        Self::from_env(Env::new([]))
    }

    /// Where vectors come from, if the settings say so.
    #[must_use]
    pub fn memory(&self) -> Option<&Memory> {
        self.memory.as_ref()
    }

    /// Whether there is a provider of vectors.
    #[must_use]
    pub fn has_vectors(&self) -> bool {
        !matches!(self.config.embeddings, EmbeddingsConfig::None)
    }

    /// The question's vector as it was made before, if the system needs one.
    ///
    /// # Errors
    /// If it was not and cannot be made.
    pub async fn vector(&self, system: System, question: &QuestionText) -> Result<Option<QuestionVector>> {
        match &self.memory {
            Some(memory) if system.needs_vectors() => Ok(Some(QuestionVector {
                model: memory.model().to_owned(),
                vector: memory.question(question.as_str()).await?,
            })),
            _ => Ok(None),
        }
    }

    /// The question's vector as the worker makes it.
    pub async fn fresh_vector(&self, system: System, question: &QuestionText) -> Option<QuestionVector> {
        if system.needs_vectors() {
            self.retrieval.vector(question).await
        } else {
            None
        }
    }

    /// The ranking of a system, best first.
    ///
    /// # Errors
    /// If the database cannot be asked.
    pub async fn ranking(
        &self,
        db: &mut Session,
        system: System,
        query: &Query<'_>,
        vector: Option<&QuestionVector>,
    ) -> Result<Vec<PassageId>> {
        let limit = if system == System::Hybrid {
            retrieval::CANDIDATES
        } else {
            ONE_LEG
        };
        let found = retrieval::candidates(db, query, vector, limit).await?;
        Ok(match system {
            System::Dense => ordered(&found, |candidate| candidate.likeness),
            System::Rrf => rrf(&found),
            System::Lexical | System::Hybrid | System::AnyTermTsRank => self.retrieval.rank(&found),
        })
    }

    /// The best passages of a ranking, as many as the worker would hand to an answerer.
    ///
    /// # Errors
    /// If the database cannot be asked.
    pub async fn for_an_answer(
        &self,
        db: &mut Session,
        query: &Query<'_>,
        mut ranking: Vec<PassageId>,
    ) -> Result<Vec<Passage>> {
        ranking.truncate(self.config.passages);
        let passages = passages::read(db, query.asker, &ranking).await?;
        Ok(budget::fit(passages, self.config.tokens))
    }
}

/// By one score, the best first; candidates without it are left out.
fn ordered(found: &[Candidate], score: impl Fn(&Candidate) -> Option<f64>) -> Vec<PassageId> {
    let mut scored: Vec<(PassageId, f64)> = found.iter().filter_map(|c| Some((c.passage, score(c)?))).collect();
    scored.sort_unstable_by(|(a, better), (b, worse)| worse.total_cmp(better).then(a.uuid().cmp(&b.uuid())));
    scored.into_iter().map(|(id, _)| id).collect()
}

/// Reciprocal rank fusion, the usual way of joining two rankings: each gives a passage 1 / (k + its rank).
fn rrf(found: &[Candidate]) -> Vec<PassageId> {
    let legs = [
        ordered(found, |candidate| (candidate.words > 0.0).then_some(candidate.words)),
        ordered(found, |candidate| candidate.likeness),
    ];
    let share = |leg: &Vec<PassageId>, passage| {
        let rank = leg.iter().take(RRF_DEPTH).position(|id| *id == passage);
        rank.map_or(0.0, |rank| 1.0 / (RRF_K + 1.0 + crate::measures::real(rank)))
    };
    ordered(found, |candidate| {
        Some(legs.iter().map(|leg| share(leg, candidate.passage)).sum())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_fused_as_the_paper_says() {
        let candidate = |words, likeness| Candidate {
            passage: PassageId::new(),
            words,
            likeness,
        };
        let found = [
            candidate(3.0, Some(0.1)),
            candidate(2.0, Some(0.9)),
            candidate(0.0, Some(0.5)),
        ];
        let places: Vec<usize> = rrf(&found)
            .iter()
            .map(|id| found.iter().position(|c| c.passage == *id).unwrap())
            .collect();
        assert_eq!(places, [1, 0, 2], "1/62 + 1/61, 1/61 + 1/63, 1/62");
    }
}
