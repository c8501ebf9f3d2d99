//! A service that follows a script stands in for the real one: one reply a connection.

use serde_json::{Value, json};
use shared::config::Source;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::*;

fn config(url: String) -> OpenAiConfig {
    OpenAiConfig {
        url,
        api_key: Some(SecretString::from("sk-canary")),
        model: "text-embedding-3-small".to_owned(),
        batch_size: 32,
        timeout: Duration::from_secs(20),
        source: Source::default(),
    }
}

fn reply(status: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n");
    [head.as_bytes(), body.as_bytes()].concat()
}

fn ok(body: &Value) -> Vec<u8> {
    reply("200 OK", "content-type: application/json\r\n", &body.to_string())
}

fn vectors(vectors: &[&[f32]]) -> Vec<u8> {
    let item = |(index, embedding)| json!({"object": "embedding", "index": index, "embedding": embedding});
    let data: Vec<Value> = vectors.iter().enumerate().map(item).collect();
    ok(&json!({"object": "list", "data": data, "model": "m", "usage": {"prompt_tokens": 1, "total_tokens": 1}}))
}

/// The pause before the next attempt is set to a moment, so that the tests do not wait.
fn refusal(status: &str) -> Vec<u8> {
    reply(
        status,
        "retry-after-ms: 1\r\n",
        r#"{"error": {"message": "secret", "type": "some_error"}}"#,
    )
}

/// Reads one request and returns its head and its body.
async fn receive(socket: &mut TcpStream) -> (String, Value) {
    let mut received = Vec::new();
    loop {
        assert!(
            socket.read_buf(&mut received).await.unwrap() > 0,
            "the request is incomplete"
        );
        let text = String::from_utf8_lossy(&received);
        if let Some((head, body)) = text.split_once("\r\n\r\n")
            && let Ok(body) = serde_json::from_str(body)
        {
            return (head.to_owned(), body);
        }
    }
}

/// A service that answers with these bytes, a connection each, and then hangs up for good. It reports what it was sent.
async fn service(script: Vec<Vec<u8>>) -> (String, JoinHandle<Vec<(String, Value)>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    let requests = tokio::spawn(async move {
        let mut requests = Vec::new();
        for bytes in script {
            let (mut socket, _) = listener.accept().await.unwrap();
            requests.push(receive(&mut socket).await);
            // The client may have hung up already: then it has seen enough.
            let _ = socket.write_all(&bytes).await;
        }
        requests
    });
    (url, requests)
}

fn texts(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("text {number}")).collect()
}

/// Embeds texts with the help of a service that follows the script, to its end.
async fn embed(script: Vec<Vec<u8>>, count: usize) -> Result<Vec<Vec<f32>>, EmbeddingFailure> {
    let (url, requests) = service(script).await;
    let outcome = OpenAi::connect(config(url)).unwrap().passages(&texts(count)).await;
    requests.await.unwrap();
    outcome
}

#[tokio::test]
async fn vectors_come_back_in_the_order_of_the_texts_and_with_length_1() {
    let shuffled = json!({"data": [{"index": 1, "embedding": [0, 2]}, {"index": 0, "embedding": [3.0, 4.0]}]});
    assert_eq!(embed(vec![ok(&shuffled)], 2).await.unwrap(), [[0.6, 0.8], [0.0, 1.0]]);
}

#[tokio::test]
async fn the_request_is_one_that_all_services_understand() {
    let (url, requests) = service(vec![vectors(&[&[1.0], &[1.0]]), vectors(&[&[1.0]])]).await;
    let client = OpenAi::connect(config(url)).unwrap();
    client
        .passages(&["A passage.".to_owned(), " \n".to_owned()])
        .await
        .unwrap();
    client.question("A question?").await.unwrap();
    let requests = requests.await.unwrap();
    let (head, body) = &requests[0];
    assert!(head.starts_with("POST /v1/embeddings HTTP/1.1"), "{head}");
    assert!(head.contains("authorization: Bearer sk-canary"), "{head}");
    assert_eq!(
        *body,
        json!({"model": "text-embedding-3-small", "input": ["A passage.", "."]})
    );
    assert_eq!(requests[1].1["input"], json!(["A question?"]));
}

#[tokio::test]
async fn a_service_that_asks_for_no_key_is_sent_none() {
    let (url, requests) = service(vec![vectors(&[&[1.0]])]).await;
    let keyless = OpenAiConfig {
        api_key: None,
        ..config(url)
    };
    OpenAi::connect(keyless).unwrap().passages(&texts(1)).await.unwrap();
    assert!(!requests.await.unwrap()[0].0.contains("authorization"));
}

#[tokio::test]
async fn many_texts_are_sent_in_several_calls_and_come_back_as_one_list() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let mut sizes = Vec::new();
        for _ in 0..4 {
            let (mut socket, _) = listener.accept().await.unwrap();
            let (_, body) = receive(&mut socket).await;
            let input = body["input"].as_array().unwrap().clone();
            // A vector that tells which text it is for.
            let item = |(index, text): (usize, &Value)| {
                let number: f32 = text.as_str().unwrap()[5..].parse().unwrap();
                json!({"index": index, "embedding": [1.0, number]})
            };
            let data: Vec<Value> = input.iter().enumerate().map(item).collect();
            socket.write_all(&ok(&json!({"data": data}))).await.unwrap();
            sizes.push(input.len());
        }
        sizes.sort_unstable();
        sizes
    });
    let small = OpenAiConfig {
        batch_size: 3,
        ..config(url)
    };
    let vectors = OpenAi::connect(small).unwrap().passages(&texts(10)).await.unwrap();
    let numbers: Vec<f32> = vectors.iter().map(|vector| (vector[1] / vector[0]).round()).collect();
    assert_eq!(numbers, [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]);
    assert_eq!(server.await.unwrap(), [1, 3, 3, 3]);
    let (url, requests) = service(Vec::new()).await;
    assert!(
        OpenAi::connect(config(url))
            .unwrap()
            .passages(&[])
            .await
            .unwrap()
            .is_empty()
    );
    assert!(requests.await.unwrap().is_empty(), "nothing is asked for nothing");
}

#[tokio::test]
async fn what_passes_is_tried_again_twice() {
    for passing in [
        refusal("429 Too Many Requests"),
        refusal("500 Internal Server Error"),
        refusal("503 Service Unavailable"),
        refusal("424 Failed Dependency"),
        // It hangs up without a word, or in the middle of its reply.
        Vec::new(),
        vectors(&[&[1.0]])[..60].to_vec(),
    ] {
        let script = vec![passing.clone(), passing.clone(), vectors(&[&[2.0]])];
        assert_eq!(embed(script, 1).await.unwrap(), [[1.0]]);
        let failure = embed(vec![passing; 3], 1).await.unwrap_err();
        assert!(failure.may_pass() && !failure.reason.contains("secret"), "{failure}");
    }
}

#[tokio::test]
async fn what_lasts_is_not_tried_again() {
    for status in [
        "400 Bad Request",
        "401 Unauthorized",
        "404 Not Found",
        "413 Too Large",
        "422 Invalid",
        "302 Found",
    ] {
        let failure = embed(vec![refusal(status)], 1).await.unwrap_err();
        assert_eq!(failure.verdict, Verdict::Discard, "{failure}");
        let expected = format!("the embeddings service refused: status {}, some_error", &status[..3]);
        assert_eq!(failure.reason, expected);
    }
}

#[tokio::test]
async fn a_wait_that_is_longer_than_the_time_left_is_left_to_the_queue() {
    let (url, requests) = service(vec![reply("429 Too Many Requests", "retry-after: 30\r\n", "")]).await;
    let failure = OpenAi::connect(config(url))
        .unwrap()
        .passages(&texts(1))
        .await
        .unwrap_err();
    let after = Some(Duration::from_secs(30));
    assert_eq!(
        failure.verdict,
        Verdict::Retry {
            after,
            burns_attempt: false
        }
    );
    assert_eq!(requests.await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_reply_that_cannot_be_right_is_refused() {
    let of = |embedding: Value| ok(&json!({"data": [{"index": 0, "embedding": embedding}]}));
    for (bytes, why) in [
        (vectors(&[]), "0 vectors for 1 texts"),
        (vectors(&[&[1.0], &[1.0]]), "2 vectors for 1 texts"),
        (vectors(&[&[]]), "0 dimensions"),
        (vectors(&[&[1.0; MAX_DIMENSION + 1]]), "4001 dimensions"),
        (vectors(&[&[0.0, 0.0]]), "length 0"),
        (of(json!([1e300])), "no number"),
        (of(json!([null])), "no list of vectors"),
        (of(json!("/1jku0G/")), "no list of vectors"),
        (
            reply("200 OK", "", r#"{"data": [{"index": 0, "embedding": [NaN]}]}"#),
            "no list of vectors",
        ),
        (
            reply("200 OK", "content-type: text/html\r\n", "<html>sign in</html>"),
            "no list of vectors",
        ),
        (ok(&json!({"embeddings": [[1.0]]})), "no list of vectors"),
    ] {
        let failure = embed(vec![bytes], 1).await.unwrap_err();
        assert!(failure.reason.contains(why), "{failure}");
        assert_eq!(failure.verdict, Verdict::Discard);
    }
    let failure = embed(vec![vectors(&[&[1.0, 2.0], &[1.0]])], 2).await.unwrap_err();
    assert!(failure.reason.contains("of 2 and of 1 dimensions"), "{failure}");
}

#[tokio::test]
async fn two_calls_must_give_vectors_of_one_dimension() {
    let (url, requests) = service(vec![vectors(&[&[1.0]]), vectors(&[&[1.0, 1.0]])]).await;
    let single = OpenAiConfig {
        batch_size: 1,
        ..config(url)
    };
    let failure = OpenAi::connect(single).unwrap().passages(&texts(2)).await.unwrap_err();
    assert!(
        failure.reason.contains("dimensions") && !failure.may_pass(),
        "{failure}"
    );
    assert_eq!(requests.await.unwrap().len(), 2);
}

#[tokio::test]
async fn no_more_is_read_of_a_reply_than_vectors_need() {
    let limit = BYTES_AROUND + MAX_DIMENSION * BYTES_OF_A_NUMBER;
    let longest = format!(r#"{{"data": [{{"embedding": [1.0{}]}}]}}"#, " ".repeat(limit - 100));
    assert_eq!(embed(vec![reply("200 OK", "", &longest)], 1).await.unwrap(), [[1.0]]);
    let failure = embed(vec![reply("200 OK", "", &" ".repeat(limit + 1))], 1)
        .await
        .unwrap_err();
    assert!(
        failure.reason.contains("is larger than") && !failure.may_pass(),
        "{failure}"
    );
}

#[tokio::test]
async fn a_service_that_does_not_answer_costs_no_more_than_the_time_allowed() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let hasty = OpenAiConfig {
        timeout: Duration::from_millis(20),
        ..config(url.clone())
    };
    let client = OpenAi::connect(hasty).unwrap();
    for failure in [
        client.passages(&texts(1)).await.unwrap_err(),
        client.question("How long?").await.unwrap_err(),
    ] {
        assert_eq!(failure.verdict, Verdict::RETRY);
        assert_eq!(
            failure.reason,
            "the embeddings service gave no complete reply within 20ms"
        );
    }
    drop(listener);
    let patient = OpenAi::connect(config(url)).unwrap();
    let failure = patient.passages(&texts(1)).await.unwrap_err();
    assert_eq!(failure.verdict, Verdict::RETRY);
    assert_eq!(failure.reason, "the embeddings service could not be connected to");
}

#[tokio::test]
async fn nothing_travels_in_the_clear_to_another_machine() {
    for url in ["http://192.0.2.1", "http://localhost:80@192.0.2.1"] {
        let client = OpenAi::connect(config(url.to_owned())).unwrap();
        let failure = client.passages(&texts(1)).await.unwrap_err();
        assert_eq!(failure.verdict, Verdict::Discard, "{failure}");
    }
}

#[test]
fn what_cannot_be_sent_stops_the_start_and_the_key_is_never_shown() {
    assert!(OpenAi::connect(config("https://exa mple".to_owned())).is_err());
    let key = OpenAiConfig {
        api_key: Some(SecretString::from("a\nb")),
        ..config("https://example.com".to_owned())
    };
    let error = OpenAi::connect(key).unwrap_err();
    assert_eq!(
        format!("{error:#}"),
        "EMBEDDINGS_API_KEY cannot be sent: failed to parse header value"
    );
    let client = OpenAi::connect(config("https://example.com".to_owned())).unwrap();
    assert!(!format!("{client:?}").contains("canary"));
}

#[test]
fn only_voyage_is_told_what_is_embedded() {
    let told = |url: &str| is_voyage(&Url::parse(url).unwrap());
    assert!(told("https://api.voyageai.com/v1/embeddings") && told("https://ai.mongodb.com/v1/embeddings"));
    assert!(!told("https://api.openai.com/v1/embeddings") && !told("http://localhost/api.voyageai.com"));
    let request = Request {
        model: "m",
        input: vec!["t"],
        input_type: Some(Kind::Query),
    };
    let expected = json!({"model": "m", "input": ["t"], "input_type": "query"});
    assert_eq!(serde_json::to_value(request).unwrap(), expected);
}

#[test]
fn pauses_grow_and_end() {
    let failure = EmbeddingFailure::new(Verdict::RETRY, "");
    let (first, second) = (pause(&failure, 0).unwrap(), pause(&failure, 1).unwrap());
    assert!(
        first >= FIRST_PAUSE.mul_f64(0.75) && first <= FIRST_PAUSE.mul_f64(1.25),
        "{first:?}"
    );
    assert!(
        second >= FIRST_PAUSE.mul_f64(1.5) && second <= FIRST_PAUSE.mul_f64(2.5),
        "{second:?}"
    );
    assert_eq!(pause(&failure, MAX_REPEATS), None);
    assert_eq!(pause(&EmbeddingFailure::new(Verdict::Discard, ""), 0), None);
}
