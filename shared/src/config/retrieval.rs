//! How passages are found and how many of them an answer is made from. The worker does it; the api reads the section
//! because it is part of an answer's key.

use super::{AnsweringConfig, EmbeddingsConfig, Env, Provider};

/// `RETRIEVAL_VECTOR_WEIGHT`, `RETRIEVAL_PASSAGES`, `RETRIEVAL_TOKENS`, who makes the vectors, and the stages that cost a
/// model's time: `RETRIEVAL_RERANK` and `CONTEXTUAL_HEADERS`, each with its model.
#[derive(Debug, Clone)]
pub struct RetrievalConfig {
    /// Who turns texts into vectors.
    pub embeddings: EmbeddingsConfig,
    /// How much the vectors count beside the words, from 0, not at all, to 100, alone.
    pub vector_weight_percent: u64,
    /// The most passages an answer is made from.
    pub passages: usize,
    /// About how many tokens those passages may have together.
    pub tokens: usize,
    /// The model that puts the best passages in order before an answer is made from them, if one does.
    pub rerank_model: Option<String>,
    /// The model that writes for each passage of a new document what it is about, if one does.
    pub context_model: Option<String>,
}

impl RetrievalConfig {
    /// Reads the section.
    pub fn from_env(env: &mut Env, answering: &AnsweringConfig) -> Self {
        let mut size = |name, range, default| usize::try_from(env.number(name, range, default)).unwrap_or(usize::MAX);
        let passages = size("RETRIEVAL_PASSAGES", 1..=50, 10);
        let tokens = size("RETRIEVAL_TOKENS", 500..=100_000, 4_000);
        Self {
            embeddings: EmbeddingsConfig::from_env(env),
            vector_weight_percent: env.number("RETRIEVAL_VECTOR_WEIGHT", 0..=100, 40),
            passages,
            tokens,
            rerank_model: stage(env, answering, "RETRIEVAL_RERANK", "ANTHROPIC_RERANK_MODEL"),
            context_model: stage(env, answering, "CONTEXTUAL_HEADERS", "ANTHROPIC_CONTEXT_MODEL"),
        }
    }

    /// Everything here that decides which passages are found, in words that differ if any of it does.
    #[must_use]
    pub fn identity(&self) -> String {
        let Self {
            embeddings,
            vector_weight_percent,
            passages,
            tokens,
            rerank_model,
            context_model,
        } = self;
        let models = [&embeddings.identity(), rerank_model, context_model];
        // Quoted by its debug form, so that no name of a model can run into the next.
        format!("{vector_weight_percent}/{passages}/{tokens}/{models:?}")
    }
}

/// The model of a stage that is switched on. Off unless somebody says so: it costs money with every question or document.
fn stage(env: &mut Env, answering: &AnsweringConfig, switch: &str, model: &str) -> Option<String> {
    if !env.parsed(switch, "true or false", false) {
        return None;
    }
    if answering.provider != Provider::Anthropic {
        env.problem(switch, "needs a language model: set LLM_PROVIDER=anthropic");
        return None;
    }
    Some(env.optional(model).unwrap_or_else(|| answering.model.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<RetrievalConfig, String> {
        let mut env = Env::new(pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())));
        let answering = AnsweringConfig::from_env(&mut env);
        let config = RetrievalConfig::from_env(&mut env, &answering);
        env.finish().map(|()| config).map_err(|error| error.to_string())
    }

    #[test]
    fn whatever_decides_the_passages_is_part_of_the_identity() {
        let plain = read(&[]).unwrap().identity();
        for pair in [
            ("RETRIEVAL_VECTOR_WEIGHT", "30"),
            ("RETRIEVAL_PASSAGES", "8"),
            ("RETRIEVAL_TOKENS", "9000"),
            ("EMBEDDINGS_MODEL_DIR", "/models/a"),
            ("RETRIEVAL_RERANK", "true"),
            ("CONTEXTUAL_HEADERS", "true"),
        ] {
            assert_ne!(read(&[pair]).unwrap().identity(), plain, "{pair:?}");
        }
        let identity = |rerank, context| {
            let models = [("ANTHROPIC_RERANK_MODEL", rerank), ("ANTHROPIC_CONTEXT_MODEL", context)];
            let switches = [("RETRIEVAL_RERANK", "true"), ("CONTEXTUAL_HEADERS", "true")];
            read(&[models, switches].concat()).unwrap().identity()
        };
        assert_ne!(identity("a", "b"), identity("b", "a"));
        assert_ne!(identity("a", "b"), identity("a", ""));
    }

    #[test]
    fn the_stages_are_off_unless_somebody_switches_them_on() {
        let models = |pairs: &[(&str, &str)]| read(pairs).map(|config| (config.rerank_model, config.context_model));
        let named = ("ANTHROPIC_RERANK_MODEL", "claude-haiku-4-5");
        assert_eq!(models(&[]), Ok((None, None)));
        assert_eq!(models(&[named, ("RETRIEVAL_RERANK", "false")]), Ok((None, None)));
        let on = [("RETRIEVAL_RERANK", "true"), ("CONTEXTUAL_HEADERS", "true")];
        let answering = "claude-sonnet-4-5".to_owned();
        assert_eq!(
            models(&[&on[..], &[named]].concat()),
            Ok((Some("claude-haiku-4-5".to_owned()), Some(answering)))
        );
        for switch in on {
            let error = models(&[switch, ("LLM_PROVIDER", "extractive")]).unwrap_err();
            let expected = format!("{} needs a language model: set LLM_PROVIDER=anthropic", switch.0);
            assert!(error.contains(&expected), "{error}");
            assert!(
                models(&[(switch.0, "yes")])
                    .unwrap_err()
                    .contains("must be true or false")
            );
        }
    }

    #[test]
    fn a_weight_is_a_share() {
        let error = read(&[("RETRIEVAL_VECTOR_WEIGHT", "101")]).unwrap_err();
        assert!(
            error.contains("RETRIEVAL_VECTOR_WEIGHT must be a whole number from 0 to 100"),
            "{error}"
        );
    }
}
