//! Folders that are made for the test, without weights that mean anything.

use serde_json::{Value, json};

use super::*;

/// A folder that is removed at the end.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Folder {
    /// A folder as `all-MiniLM-L6-v2` comes.
    fn new() -> Self {
        static COUNT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let folder = Self(std::env::temp_dir().join(format!("docent-folder-{}-{number}", std::process::id())));
        folder.write("config.json", &network());
        folder.write("modules.json", &modules(&["Transformer", "Pooling", "Normalize"]));
        folder.write(
            "1_Pooling/config.json",
            &json!({"word_embedding_dimension": 4, "pooling_mode_mean_tokens": true, "pooling_mode_cls_token": false}),
        );
        folder.write(
            "sentence_bert_config.json",
            &json!({"max_seq_length": 256, "do_lower_case": false}),
        );
        folder.write("tokenizer.json", &json!({}));
        folder.write("model.safetensors", &json!({}));
        folder
    }

    fn write(&self, name: &str, content: &Value) {
        let file = self.0.join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, content.to_string()).unwrap();
    }

    fn with(self, name: &str, content: &Value) -> Self {
        self.write(name, content);
        self
    }

    fn without(self, name: &str) -> Self {
        std::fs::remove_file(self.0.join(name)).unwrap();
        self
    }

    fn read(&self) -> Result<Description> {
        Description::read(&self.0)
    }

    fn refusal(&self) -> String {
        format!("{:#}", self.read().unwrap_err())
    }
}

fn network() -> Value {
    json!({"model_type": "bert", "hidden_act": "gelu", "hidden_size": 4, "num_hidden_layers": 1, "num_attention_heads": 2,
        "intermediate_size": 8, "max_position_embeddings": 512, "vocab_size": 10, "layer_norm_eps": 1e-12})
}

fn changed(name: &str, value: Value) -> Value {
    let mut network = network();
    network[name] = value;
    network
}

fn modules(kinds: &[&str]) -> Value {
    let module = |kind: &&str| json!({"type": format!("sentence_transformers.models.{kind}"), "path": if *kind == "Pooling" { "1_Pooling" } else { "" }});
    kinds.iter().map(module).collect()
}

#[test]
fn the_usual_folder_is_understood() {
    let description = Folder::new().read().unwrap();
    assert_eq!((description.pooling, description.max_tokens), (Pooling::Mean, 256));
    assert_eq!(
        (
            description.question_prompt.as_str(),
            description.passage_prompt.as_str()
        ),
        ("", "")
    );
}

#[test]
fn what_is_optional_may_be_missing() {
    let folder = Folder::new()
        .without("modules.json")
        .without("1_Pooling/config.json")
        .without("sentence_bert_config.json");
    let description = folder.read().unwrap();
    assert_eq!((description.pooling, description.max_tokens), (Pooling::Mean, 512));
    let unlimited = Folder::new()
        .without("sentence_bert_config.json")
        .with("tokenizer_config.json", &json!({"model_max_length": 1e30}));
    assert_eq!(unlimited.read().unwrap().max_tokens, 512);
    let limited = unlimited.with("tokenizer_config.json", &json!({"model_max_length": 128}));
    assert_eq!(limited.read().unwrap().max_tokens, 128);
}

#[test]
fn prompts_and_the_way_of_pooling_are_taken_over() {
    let prompts = json!({"prompts": {"query": "Represent: ", "document": ""}, "default_prompt_name": null});
    let folder = Folder::new().with("config_sentence_transformers.json", &prompts).with(
        "1_Pooling/config.json",
        &json!({"embedding_dimension": 4, "pooling_mode": "cls"}),
    );
    let description = folder.read().unwrap();
    assert_eq!(description.pooling, Pooling::First);
    assert_eq!(
        (
            description.question_prompt.as_str(),
            description.passage_prompt.as_str()
        ),
        ("Represent: ", "")
    );
}

#[test]
fn a_missing_file_is_named() {
    for name in [
        "config.json",
        "tokenizer.json",
        "model.safetensors",
        "1_Pooling/config.json",
    ] {
        let refusal = Folder::new().without(name).refusal();
        assert!(refusal.contains(name) && refusal.ends_with("is missing"), "{refusal}");
    }
    assert!(Description::read(Path::new("/nowhere")).is_err());
}

#[test]
fn a_network_of_another_kind_is_refused() {
    for (name, value, why) in [
        ("model_type", json!("roberta"), "\"roberta\""),
        ("hidden_act", json!("gelu_new"), "\"gelu_new\""),
        ("position_embedding_type", json!("relative_key"), "\"relative_key\""),
        ("is_decoder", json!(true), "decoder"),
        ("num_attention_heads", json!(3), "do not fit together"),
        ("num_attention_heads", json!(0), "do not fit together"),
        ("hidden_size", json!("wide"), "understand"),
    ] {
        let refusal = Folder::new().with("config.json", &changed(name, value)).refusal();
        assert!(refusal.contains(why), "{refusal}");
    }
}

#[test]
fn what_would_give_other_vectors_is_refused() {
    let (pooling, config) = ("1_Pooling/config.json", "sentence_bert_config.json");
    let two = json!({"pooling_mode_mean_tokens": true, "pooling_mode_cls_token": true});
    for (name, content, why) in [
        (
            "modules.json",
            modules(&["Transformer", "Pooling", "Dense"]),
            "\"Dense\"",
        ),
        (pooling, json!({"pooling_mode_max_tokens": true}), "max_tokens"),
        (pooling, two, "cls_token"),
        (pooling, json!({}), "pooling by []"),
        (config, json!({"do_lower_case": true}), "do_lower_case"),
        (config, json!({"max_seq_length": 2}), "too short"),
    ] {
        let refusal = Folder::new().with(name, &content).refusal();
        assert!(refusal.contains(why), "{refusal}");
    }
    let prompts = json!({"prompts": {"query": "Represent: "}});
    let unpooled = json!({"pooling_mode_mean_tokens": true, "include_prompt": false});
    let prompted = Folder::new().with("config_sentence_transformers.json", &prompts);
    assert!(prompted.with(pooling, &unpooled).refusal().contains("include_prompt"));
}
