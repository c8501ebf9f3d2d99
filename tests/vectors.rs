//! Passages found by what they are about: in the database, and by a whole Docent.

use axum::http::Method;
use janitor::sweep;
use migrations::apply;
use shared::config::Env;
use shared::db::search::{self, AnalysedQuestion, Candidate, QuestionVector, Search, Tuning};
use shared::db::{Session, vectors};
use shared::domain::{CollectionScope, PassageId, UserId};
use uuid::Uuid;
use worker::app::Worker;

use crate::support::{Book, Database, Docent, Library, ScriptedEmbeddings, text, topics_of, wait_for};

const MODEL: &str = "topics-1";

/// Gives every passage of the database a vector by its topics.
async fn embed_all(db: &mut Session, model: &str) -> usize {
    let missing = vectors::missing(db, model, None, 1000).await.unwrap();
    let embedded: Vec<(PassageId, Vec<f32>)> = missing.iter().map(|p| (p.id, topics_of(&p.text))).collect();
    vectors::store(db, model, &embedded).await.unwrap();
    embedded.len()
}

/// What a question finds, by words and by the vector of a model.
async fn find(library: &Library, asker: UserId, question: &str, (model, tuning): (&str, Tuning)) -> Vec<Candidate> {
    let questions = [AnalysedQuestion {
        configuration: "english",
        text: question.to_owned(),
    }];
    let vector = QuestionVector {
        model: model.to_owned(),
        vector: topics_of(question),
    };
    let search = Search {
        asker,
        scope: &CollectionScope::everything_readable_by(asker),
        questions: &questions,
        vector: Some(&vector),
        limit: 2,
        tuning,
    };
    let mut found = search::candidates(&mut library.session().await, &search).await.unwrap();
    found.sort_by(|a, b| b.likeness.partial_cmp(&a.likeness).unwrap());
    found
}

async fn texts(library: &Library, found: &[Candidate]) -> Vec<String> {
    let client = library.database.client().await;
    let mut texts = Vec::new();
    for candidate in found {
        let row = client
            .query_one("SELECT body FROM passages WHERE id = $1", &[&candidate.passage.uuid()])
            .await
            .unwrap();
        texts.push(row.get(0));
    }
    texts
}

#[tokio::test]
async fn every_candidate_has_both_scores_and_none_is_another_users() {
    let library = Library::open().await;
    let (ada, bob) = (library.reader("ada").await, library.reader("bob").await);
    let own = [
        "The car is in the yard.",
        "A loaf a day.",
        "Motor oil is cheap.",
        "Rain in the yard.",
    ];
    library.store(ada, &Book::english("Ada's", &own)).await;
    embed_all(&mut library.session().await, MODEL).await;
    for tuning in [
        Tuning::default(),
        // By the index.
        Tuning {
            exact_vectors_up_to: 0,
            ..Tuning::default()
        },
    ] {
        let alone = find(&library, ada, "Which automobile stands in the yard?", (MODEL, tuning)).await;
        let expected = ["The car is in the yard.", "Motor oil is cheap.", "Rain in the yard."];
        let found = texts(&library, &alone).await;
        assert_eq!(
            found.len(),
            3,
            "two by words, two by the vector, one by both: {found:?}"
        );
        assert!(
            expected.iter().all(|text| found.contains(&(*text).to_owned())),
            "{found:?}"
        );
        assert!(alone.iter().all(|c| c.likeness.is_some()), "{alone:?}");
        let words: Vec<bool> = alone.iter().map(|c| c.words > 0.0).collect();
        assert!(words.iter().any(|has| *has), "{alone:?}");
    }
    let before = find(&library, ada, "Which automobile?", (MODEL, Tuning::default())).await;
    library
        .store(bob, &Book::english("Bob's", &["An automobile of Bob's.", "His motor."]))
        .await;
    embed_all(&mut library.session().await, MODEL).await;
    let after = find(&library, ada, "Which automobile?", (MODEL, Tuning::default())).await;
    assert_eq!(before, after, "what others have changes nothing");
}

#[tokio::test]
async fn vectors_of_two_models_are_never_compared() {
    let library = Library::open().await;
    let ada = library.reader("ada").await;
    library
        .store(ada, &Book::english("Ada's", &["The car.", "The storm."]))
        .await;
    let mut db = library.session().await;
    assert_eq!(embed_all(&mut db, MODEL).await, 2);
    assert_eq!(embed_all(&mut db, MODEL).await, 0, "nothing is embedded twice");
    assert!(
        find(&library, ada, "vehicle", ("topics-2", Tuning::default()))
            .await
            .is_empty()
    );
    assert_eq!(embed_all(&mut db, "topics-2").await, 2, "another model starts anew");
    assert_eq!(
        find(&library, ada, "vehicle", ("topics-2", Tuning::default()))
            .await
            .len(),
        2
    );
    assert!(
        find(&library, ada, "vehicle", (MODEL, Tuning::default()))
            .await
            .is_empty()
    );
    let other_dimension = vectors::store(&mut db, MODEL, &[(PassageId::new(), vec![1.0, 0.0])]).await;
    assert!(other_dimension.is_err());
}

#[tokio::test]
async fn one_at_a_time_embeds_what_is_missing() {
    let library = Library::open().await;
    let ada = library.reader("ada").await;
    library.store(ada, &Book::english("Ada's", &["The car."])).await;
    let mut db = library.session().await;
    embed_all(&mut db, MODEL).await;
    let minute = std::time::Duration::from_secs(60);
    assert!(vectors::take_turn(&mut db, MODEL, minute).await.unwrap());
    assert!(!vectors::take_turn(&mut db, MODEL, minute).await.unwrap());
    vectors::give_turn_back(&mut db, MODEL).await.unwrap();
    assert!(vectors::take_turn(&mut db, MODEL, minute).await.unwrap());
}

async fn docent_with(embeddings: &ScriptedEmbeddings) -> Docent {
    Docent::with(&[("EMBEDDINGS_URL", &embeddings.url), ("EMBEDDINGS_MODEL", MODEL)]).await
}

#[tokio::test]
async fn a_question_without_a_common_word_is_answered_from_the_passage_about_it() {
    let embeddings = ScriptedEmbeddings::start().await;
    let docent = docent_with(&embeddings).await;
    let ada = docent.user("ada").await;
    docent.upload(&ada, "Garage", "Two automobiles fit inside.").await;
    docent.upload(&ada, "Kitchen", "The oven is from 1990.").await;
    let job = docent.ask_and_finish(&ada, "Wieviele Cars?").await;
    assert_eq!(job["status"], "completed", "{job}");
    assert_eq!(job["citations"][0]["quote"], "Two automobiles fit inside.", "{job}");
    assert!(
        embeddings
            .texts()
            .contains(&"Garage\nTwo automobiles fit inside.".to_owned())
    );
    let ready = docent.call(Method::GET, "/ready", "", None).await.expect(200);
    assert_eq!(
        (&ready["status"], &ready["dependencies"]["vectors"]),
        (&"ok".into(), &"ok".into())
    );
}

#[tokio::test]
async fn without_the_embedding_service_words_have_to_do_and_vectors_follow() {
    let embeddings = ScriptedEmbeddings::start().await;
    let docent = docent_with(&embeddings).await;
    let ada = docent.user("ada").await;
    embeddings.set_down(true);
    docent.upload(&ada, "Garage", "Two automobiles fit inside.").await;
    let job = docent.ask_and_finish(&ada, "How many automobiles?").await;
    assert_eq!(job["citations"][0]["quote"], "Two automobiles fit inside.", "{job}");
    let stored = "SELECT count(*) FROM passage_vectors";
    assert_eq!(docent.database.number(stored).await, 0);
    embeddings.set_down(false);
    // The janitor sees what is missing.
    sweep::run(&docent.janitor).await.unwrap();
    wait_for("the vectors to follow", || async {
        docent.queue.work_once(&docent.worker).await;
        (docent.database.number(stored).await == 1).then_some(())
    })
    .await;
}

#[tokio::test]
async fn another_model_embeds_everything_anew_and_the_old_one_is_forgotten() {
    let embeddings = ScriptedEmbeddings::start().await;
    let docent = docent_with(&embeddings).await;
    let ada = docent.user("ada").await;
    docent.upload(&ada, "Garage", "Two automobiles fit inside.").await;
    let settings = [
        ("DATABASE_URL", docent.database.functions_url.clone()),
        ("QUEUE_URL", docent.queue.url.clone()),
        ("LLM_PROVIDER", "extractive".to_owned()),
        ("EMBEDDINGS_URL", embeddings.url.clone()),
        ("EMBEDDINGS_MODEL", "topics-2".to_owned()),
    ];
    let settings = settings.map(|(name, value)| (name.to_owned(), value));
    let config = worker::app::Config::from_env(Env::new(settings)).unwrap();
    let next = Worker::connect(&config).await.unwrap();
    // Its start sends the message.
    next.warm_up().await;
    let models =
        "SELECT count(*) FROM embedding_models m JOIN passage_vectors v ON v.model = m.id WHERE m.name = 'topics-2'";
    wait_for("the new vectors", || async {
        docent.queue.work_once(&next).await;
        (docent.database.number(models).await == 1).then_some(())
    })
    .await;
    let known = docent.database.number("SELECT count(*) FROM embedding_models").await;
    let indexes = "SELECT count(*) FROM pg_indexes WHERE indexname LIKE 'passage_vectors_nearest%'";
    assert_eq!((known, docent.database.number(indexes).await), (1, 1));
}

#[tokio::test]
async fn a_server_without_the_extension_is_searched_by_words() {
    let database = Database::create_empty().await;
    // May make tables, but no extension.
    let role = format!("plain_{}", Uuid::new_v4().simple());
    let grants = format!("CREATE ROLE {role}; GRANT ALL ON SCHEMA public TO {role}; SET ROLE {role}");
    let mut plain = database.client().await;
    plain.batch_execute(&grants).await.unwrap();
    apply(&mut plain).await.unwrap();
    assert_eq!(
        database
            .number("SELECT count(*) FROM pg_extension WHERE extname = 'vector'")
            .await,
        0
    );

    let embeddings = ScriptedEmbeddings::start().await;
    let docent = Docent::with(&[
        ("DATABASE_URL", database.url.as_str()),
        ("EMBEDDINGS_URL", &embeddings.url),
        ("EMBEDDINGS_MODEL", MODEL),
    ])
    .await;
    let ready = docent.call(Method::GET, "/ready", "", None).await.expect(200);
    assert_eq!(
        (&ready["status"], &ready["dependencies"]["vectors"]),
        (&"degraded".into(), &"not installed".into())
    );
    let ada = docent.user("ada").await;
    docent.upload(&ada, "Garage", "Two automobiles fit inside.").await;
    let job = docent.ask_and_finish(&ada, "How many automobiles?").await;
    assert_eq!(text(&job["citations"][0]["quote"]), "Two automobiles fit inside.");

    // The server gets it, and the next run of the migrations finds it.
    let mut owner = database.client().await;
    apply(&mut owner).await.unwrap();
    // A sandbox looks once a second.
    wait_for("the vectors to be seen", || async {
        let ready = docent.call(Method::GET, "/ready", "", None).await.expect(200);
        (ready["dependencies"]["vectors"] == "ok").then_some(())
    })
    .await;
}
