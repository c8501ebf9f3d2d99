//! What a folder in the layout of Sentence Transformers says about its model.
//!
//! Everything that changes the vectors is either done here as there, or refused: a model that is almost computed right
//! finds almost the right passages, and nobody notices.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// The model in a folder.
#[derive(Debug, Clone)]
pub(super) struct Description {
    /// The weights.
    pub(super) weights: PathBuf,
    /// The tokenizer.
    pub(super) tokenizer: PathBuf,
    /// Sizes of the network.
    pub(super) network: Network,
    /// How the vectors of a text's tokens become one.
    pub(super) pooling: Pooling,
    /// The most tokens of a text, those at its beginning and end included. The rest of it is not looked at.
    pub(super) max_tokens: usize,
    /// What is put before a question.
    pub(super) question_prompt: String,
    /// What is put before a passage.
    pub(super) passage_prompt: String,
}

/// `config.json`.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Network {
    model_type: String,
    hidden_act: String,
    #[serde(default = "absolute")]
    position_embedding_type: String,
    #[serde(default)]
    is_decoder: bool,
    /// Dimensions of a token's vector.
    pub(super) hidden_size: usize,
    /// Layers.
    pub(super) num_hidden_layers: usize,
    /// Heads of a layer.
    pub(super) num_attention_heads: usize,
    /// Dimensions inside a layer.
    pub(super) intermediate_size: usize,
    /// The most tokens the network can tell places of.
    pub(super) max_position_embeddings: usize,
    /// Tokens the network knows.
    pub(super) vocab_size: usize,
    /// What keeps a division by a variance of 0 finite.
    pub(super) layer_norm_eps: f64,
}

fn absolute() -> String {
    "absolute".to_owned()
}

/// How the vectors of a text's tokens become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pooling {
    /// Their mean.
    Mean,
    /// The first one.
    First,
}

/// One entry of `modules.json`.
#[derive(Debug, Deserialize)]
struct Module {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    path: String,
}

/// `sentence_bert_config.json`.
#[derive(Debug, Default, Deserialize)]
struct TransformerConfig {
    max_seq_length: Option<usize>,
    #[serde(default)]
    do_lower_case: bool,
}

/// `tokenizer_config.json`. Exporters write 1e30 for "no limit".
#[derive(Debug, Default, Deserialize)]
struct TokenizerConfig {
    model_max_length: Option<f64>,
}

/// `config_sentence_transformers.json`.
#[derive(Debug, Default, Deserialize)]
struct Prompts {
    #[serde(default)]
    prompts: BTreeMap<String, String>,
    default_prompt_name: Option<String>,
}

impl Description {
    /// Reads everything but the weights and the tokenizer.
    ///
    /// # Errors
    /// If something is missing or not supported: says what.
    pub(super) fn read(dir: &Path) -> Result<Self> {
        let modules = Modules::read(dir)?;
        let transformer = dir.join(&modules.transformer);
        let network: Network = required(&transformer.join("config.json"))?;
        network.check()?;
        let prompts: Prompts = optional(&dir.join("config_sentence_transformers.json"))?.unwrap_or_default();
        let pooling = match modules.pooling {
            Some(path) => pooling(&dir.join(path).join("config.json"), &prompts)?,
            None => Pooling::Mean,
        };
        let config: TransformerConfig = optional(&transformer.join("sentence_bert_config.json"))?.unwrap_or_default();
        ensure!(
            !config.do_lower_case,
            "texts would have to be put in lower case first (do_lower_case)"
        );
        let tokenizer: TokenizerConfig = optional(&transformer.join("tokenizer_config.json"))?.unwrap_or_default();
        Ok(Self {
            weights: present(transformer.join("model.safetensors"))?,
            tokenizer: present(transformer.join("tokenizer.json"))?,
            max_tokens: max_tokens(&network, &config, &tokenizer)?,
            question_prompt: prompts.named(&["query", "question"]),
            passage_prompt: prompts.named(&["document", "passage", "corpus"]),
            network,
            pooling,
        })
    }
}

impl Network {
    fn check(&self) -> Result<()> {
        let Self {
            model_type,
            hidden_act,
            position_embedding_type,
            ..
        } = self;
        ensure!(
            model_type == "bert",
            "models of the type {model_type:?} are not supported, only \"bert\""
        );
        ensure!(
            hidden_act == "gelu",
            "the activation {hidden_act:?} is not supported, only \"gelu\""
        );
        ensure!(
            position_embedding_type == "absolute",
            "positions of the type {position_embedding_type:?} are not supported, only \"absolute\""
        );
        ensure!(!self.is_decoder, "a decoder is not supported");
        let divisible = self.num_attention_heads > 0 && self.hidden_size.is_multiple_of(self.num_attention_heads);
        ensure!(
            divisible && self.hidden_size > 0,
            "the sizes in config.json do not fit together"
        );
        Ok(())
    }
}

/// Where the parts are.
#[derive(Debug, Default)]
struct Modules {
    transformer: String,
    pooling: Option<String>,
}

impl Modules {
    /// Reads `modules.json`; a folder without it holds a transformer, and perhaps the pooling where it usually is.
    fn read(dir: &Path) -> Result<Self> {
        let mut modules = Self::default();
        let Some(list) = optional::<Vec<Module>>(&dir.join("modules.json"))? else {
            let usual = "1_Pooling".to_owned();
            modules.pooling = dir.join(&usual).join("config.json").exists().then_some(usual);
            return Ok(modules);
        };
        for module in list {
            match module.kind.rsplit('.').next().unwrap_or_default() {
                "Transformer" => modules.transformer = module.path,
                "Pooling" => modules.pooling = Some(module.path),
                // All vectors are brought to length 1.
                "Normalize" => {}
                other => bail!("a module of the type {other:?} is not supported"),
            }
        }
        Ok(modules)
    }
}

/// Reads the pooling's settings: one name, or in older files a switch for each way.
fn pooling(file: &Path, prompts: &Prompts) -> Result<Pooling> {
    let settings: serde_json::Map<String, serde_json::Value> = required(file)?;
    let leaves_out = settings.get("include_prompt").and_then(serde_json::Value::as_bool) == Some(false);
    ensure!(
        prompts.prompts.is_empty() || !leaves_out,
        "pooling that leaves prompts out is not supported (include_prompt)"
    );
    let is_set = |value: &serde_json::Value| value.as_bool() == Some(true);
    let switches = settings.iter().filter(|(_, value)| is_set(value));
    let mut modes: Vec<&str> = switches
        .filter_map(|(name, _)| name.strip_prefix("pooling_mode_"))
        .collect();
    modes.extend(settings.get("pooling_mode").and_then(|mode| mode.as_str()));
    match modes[..] {
        ["mean_tokens" | "mean"] => Ok(Pooling::Mean),
        ["cls_token" | "cls"] => Ok(Pooling::First),
        _ => bail!("pooling by {modes:?} is not supported, only by mean_tokens or by cls_token"),
    }
}

impl Prompts {
    fn named(&self, names: &[&str]) -> String {
        let default = self.default_prompt_name.as_deref();
        let prompt = names
            .iter()
            .copied()
            .chain(default)
            .find_map(|name| self.prompts.get(name));
        prompt.cloned().unwrap_or_default()
    }
}

fn max_tokens(network: &Network, config: &TransformerConfig, tokenizer: &TokenizerConfig) -> Result<usize> {
    // The conversion ends at the largest number, which is what is wanted of 1e30.
    let by_tokenizer = tokenizer.model_max_length.map(|length| length as usize);
    let limit = config.max_seq_length.or(by_tokenizer).unwrap_or(usize::MAX);
    let limit = limit.min(network.max_position_embeddings);
    ensure!(limit > 2, "texts of {limit} tokens are too short to say anything");
    Ok(limit)
}

fn required<T: DeserializeOwned>(file: &Path) -> Result<T> {
    optional(file)?.with_context(|| format!("{} is missing", file.display()))
}

fn optional<T: DeserializeOwned>(file: &Path) -> Result<Option<T>> {
    let text = match std::fs::read(file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("read {}", file.display())),
    };
    let value = serde_json::from_slice(&text).with_context(|| format!("understand {}", file.display()))?;
    Ok(Some(value))
}

fn present(file: PathBuf) -> Result<PathBuf> {
    ensure!(file.is_file(), "{} is missing", file.display());
    Ok(file)
}

#[cfg(test)]
mod tests;
