//! One trace from the caller through the queue to the job, in logs, messages and X-Ray; and whose a message is.

use std::time::Duration;

use aws_lambda_events::event::sqs::{SqsEvent, SqsMessage};
use axum::http::{HeaderName, Method};
use janitor::trigger;
use lambda_http::{Context, RequestExt};
use serde_json::{Value, json};
use shared::telemetry::trace::{Origin, Trace};
use tokio::net::UdpSocket;
use worker::batch;
use worker::invocation::Invocation;

use crate::delivery::{body, prepared, record};
use crate::journey::QUESTION;
use crate::single_flight::{self, SHARED};
use crate::support::{Docent, HttpReply, Log, Reply, User, event, invocation, request, text, wait_for};

const ID: &str = "0af7651916cd43dd8448eb211c80319c";
const SPAN: &str = "b7ad6b7169203331";
const XRAY: &str = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";

fn traceparent(id: &str) -> String {
    format!("00-{id}-{SPAN}-01")
}

async fn ask(docent: &Docent, user: &User, headers: &[(&str, &str)], xray: Option<&str>) -> HttpReply {
    ask_for(
        docent,
        user,
        &json!({"query": QUESTION, "collections": [SHARED]}),
        headers,
        xray,
    )
    .await
}

/// A question with headers of its own, and in an invocation with this id of X-Ray.
async fn ask_for(
    docent: &Docent,
    user: &User,
    question: &Value,
    headers: &[(&str, &str)],
    xray: Option<&str>,
) -> HttpReply {
    let mut asked = request(Method::POST, "/api/ask", Some(&user.token), Some(question));
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        asked.headers_mut().append(name, value.parse().unwrap());
    }
    let mut context = Context::default();
    context.xray_trace_id = xray.map(str::to_owned);
    docent.send(asked.with_lambda_context(context)).await
}

fn attribute<'a>(message: &'a SqsMessage, name: &str) -> Option<&'a str> {
    message.message_attributes.get(name)?.string_value.as_deref()
}

fn group(message: &SqsMessage) -> Option<&str> {
    message.attributes.get("MessageGroupId").map(String::as_str)
}

/// The trace that a message names, without looking at how the functions read it.
fn trace_of(message: &SqsMessage) -> &str {
    let parts: Vec<&str> = attribute(message, "traceparent").unwrap().split('-').collect();
    assert_eq!(
        (parts.len(), parts[0], parts[1].len(), parts[2].len()),
        (4, "00", 32, 16)
    );
    parts[1]
}

/// Has the janitor do something.
async fn invoke(docent: &Docent, event: Value) {
    trigger::handle(&docent.janitor, event, "test").await.unwrap();
}

async fn received(docent: &Docent) -> Vec<SqsMessage> {
    docent.queue.receive().await.records
}

async fn the_message(docent: &Docent) -> SqsMessage {
    let mut messages = received(docent).await;
    assert_eq!(messages.len(), 1, "{messages:?}");
    messages.remove(0)
}

/// The trace ids of the requests or jobs that were logged.
fn traces_in(log: &Log, message: &str) -> Vec<String> {
    log.lines(message).iter().map(|line| text(&line["trace_id"])).collect()
}

#[tokio::test]
async fn a_callers_trace_is_that_of_the_request_the_message_and_the_job() {
    let (docent, ada) = single_flight::prepared(&[]).await;
    let log = Log::default();
    let guard = log.begin();
    let headers = [("traceparent", traceparent(ID)), ("tracestate", "rojo=1".to_owned())];
    let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
    let accepted = ask(&docent, &ada, &headers, None).await.expect(202);
    let event = docent.queue.receive().await;
    let message = &event.records[0];
    assert_eq!(trace_of(message), ID);
    assert!(
        !attribute(message, "traceparent").unwrap().contains(SPAN),
        "the request is a piece of work itself"
    );
    assert_eq!(attribute(message, "tracestate"), Some("rojo=1"));
    assert!(
        !message.body.as_ref().unwrap().contains(ID),
        "the body names the job and nothing else"
    );
    docent.queue.hand_over(&docent.worker, event).await;
    drop(guard);
    let job = docent.job(&ada, &text(&accepted["jobId"])).await;
    assert_eq!(job["status"], "completed", "{job}");
    for line in ["request", "job"] {
        assert_eq!(traces_in(&log, line), [ID], "{line}");
    }
    // The provider learns nothing of it.
    assert_eq!(docent.llm.calls(), 1);
    for (headers, _) in docent.llm.requests() {
        let names: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
        assert!(
            !names
                .iter()
                .any(|name| name.starts_with("trace") || name.contains("trace-id")),
            "{names:?}"
        );
    }
}

#[tokio::test]
async fn a_malformed_header_and_a_malformed_attribute_begin_a_new_trace() {
    let (docent, ada) = prepared(&[]).await;
    let malformed = traceparent(&ID.to_uppercase());
    let headers = [("traceparent", malformed.as_str()), ("tracestate", "rojo=1")];
    ask(&docent, &ada, &headers, None).await.expect(202);
    let mut message = the_message(&docent).await;
    assert_ne!(trace_of(&message).to_lowercase(), ID);
    assert_eq!(attribute(&message, "tracestate"), None);

    let log = Log::default();
    let guard = log.begin();
    message.message_attributes.get_mut("traceparent").unwrap().string_value = Some(malformed);
    let mut event = SqsEvent::default();
    event.records = vec![message];
    docent.queue.hand_over(&docent.worker, event).await;
    drop(guard);
    let traces = traces_in(&log, "job");
    assert_eq!((traces.len(), traces[0].len()), (1, 32), "{traces:?}");
    assert_ne!(traces[0].to_lowercase(), ID);
}

#[tokio::test]
async fn lambdas_trace_is_taken_where_the_caller_has_none_and_handed_on_in_any_case() {
    let (docent, ada) = prepared(&[]).await;
    ask(&docent, &ada, &[], Some(XRAY)).await.expect(202);
    let message = the_message(&docent).await;
    assert_eq!(trace_of(&message), "5759e988bd862e3fe1be46a994272793");
    assert_eq!(message.attributes.get("AWSTraceHeader").map(String::as_str), Some(XRAY));

    let bob = docent.user("bob").await;
    let private = json!({"query": QUESTION});
    let parent = traceparent(ID);
    ask_for(&docent, &bob, &private, &[("traceparent", &parent)], Some(XRAY))
        .await
        .expect(202);
    let message = the_message(&docent).await;
    assert_eq!(trace_of(&message), ID);
    assert_eq!(message.attributes.get("AWSTraceHeader").map(String::as_str), Some(XRAY));

    docent.ask(&ada, "Without X-Ray?").await.expect(202);
    assert_eq!(the_message(&docent).await.attributes.get("AWSTraceHeader"), None);
}

#[tokio::test]
async fn who_joins_a_question_keeps_a_trace_of_their_own_and_the_job_has_the_leaders() {
    let (docent, ada) = single_flight::prepared(&[]).await;
    let bob = docent.user("bob").await;
    let log = Log::default();
    let guard = log.begin();
    let others = ID.replace('0', "1");
    ask(&docent, &ada, &[("traceparent", &traceparent(ID))], None)
        .await
        .expect(202);
    ask(&docent, &bob, &[("traceparent", &traceparent(&others))], None)
        .await
        .expect(202);
    docent.queue.work_once(&docent.worker).await;
    drop(guard);
    assert_eq!(traces_in(&log, "request"), [ID, &others]);
    assert_eq!(traces_in(&log, "job"), [ID]);
}

#[tokio::test]
async fn a_job_that_is_sent_by_a_worker_or_a_dead_letter_goes_on_with_its_trace() {
    let (docent, ada) = single_flight::prepared(&[("QUEUE_MAX_RECEIVES", "2")]).await;
    let throttled = || Reply::Status(429, vec![("retry-after", "1".to_owned())], "{}".to_owned());
    docent.llm.then(throttled()).then(throttled());
    ask(&docent, &ada, &[("traceparent", &traceparent(ID))], None)
        .await
        .expect(202);
    wait_for("the last delivery", || async {
        docent.queue.work_once(&docent.worker).await;
        (docent.llm.calls() == 2).then_some(())
    })
    .await;
    let replaced = wait_for("the fresh message", || async { received(&docent).await.pop() }).await;
    assert_eq!(replaced.attributes["ApproximateReceiveCount"], "1");
    assert_eq!((trace_of(&replaced), group(&replaced)), (ID, Some(ada.id.as_str())));

    let log = Log::default();
    let guard = log.begin();
    let mut letter = record("dead", replaced.body.as_deref().unwrap());
    letter["messageAttributes"] = json!({"traceparent": {"stringValue": traceparent(ID), "dataType": "String"}});
    invoke(&docent, json!({ "Records": [letter] })).await;
    drop(guard);
    let events = log.text();
    let mut events = events.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let buried = events
        .find(|event| event["fields"]["message"] == "dead letter")
        .unwrap();
    assert_eq!(buried["fields"]["trace_id"], ID);
}

#[tokio::test]
async fn what_the_janitor_sends_belongs_to_its_own_trace() {
    let (docent, ada) = prepared(&[]).await;
    ask(&docent, &ada, &[("traceparent", &traceparent(ID))], None)
        .await
        .expect(202);
    docent.queue.receive().await;
    docent
        .database
        .execute("UPDATE jobs SET resend_at = now() WHERE status = 'queued'")
        .await;
    let sweep = Origin {
        trace: Trace::begin(),
        segment: None,
    };
    let id = sweep.trace.id().to_string();
    sweep.during(invoke(&docent, json!({"sweep": {}}))).await;
    let again = the_message(&docent).await;
    assert_eq!((trace_of(&again), group(&again)), (id.as_str(), Some(ada.id.as_str())));
}

/// The emulator keeps the group of a message in a standard queue, as SQS does.
#[tokio::test]
async fn a_message_counts_as_its_owners_whoever_sends_it() {
    let (docent, ada) = single_flight::prepared(&[("JOB_MAX_ATTEMPTS", "1")]).await;
    let bob = docent.user("bob").await;
    // The api: a document and a question.
    let note = json!({"title": "Note", "text": "# Note\n\nShort.\n", "mediaType": "text/markdown"});
    docent.post(&bob, "/api/documents", note).await.expect(202);
    assert_eq!(group(&the_message(&docent).await), Some(bob.id.as_str()));
    let asked = ask(&docent, &ada, &[], None).await.expect(202);
    assert_eq!(group(&the_message(&docent).await), Some(ada.id.as_str()));
    // The api: whoever takes the place of a question that was cancelled.
    ask(&docent, &bob, &[], None).await.expect(202);
    docent
        .delete(&ada, &format!("/api/ask/{}", text(&asked["jobId"])))
        .await
        .expect(204);
    assert_eq!(group(&the_message(&docent).await), Some(bob.id.as_str()));
    // The janitor: of a message that got lost, and of failed jobs that an operator has tried again.
    docent
        .database
        .execute("UPDATE jobs SET resend_at = now() WHERE status = 'queued' AND kind = 'answer_question'")
        .await;
    invoke(&docent, json!({"sweep": {}})).await;
    let again = the_message(&docent).await;
    assert_eq!(group(&again), Some(bob.id.as_str()));
    invoke(
        &docent,
        json!({"Records": [record("dead", again.body.as_deref().unwrap())]}),
    )
    .await;
    invoke(&docent, json!({"redrive": {}})).await;
    assert_eq!(group(&the_message(&docent).await), Some(bob.id.as_str()));
}

/// The worker and the janitor: who leads when the leader has failed, or is gone.
#[tokio::test]
async fn a_follower_that_leads_counts_as_its_own_owners() {
    let (docent, ada) = single_flight::prepared(&[]).await;
    let bob = docent.user("bob").await;
    let leader = ask(&docent, &ada, &[], None).await.expect(202);
    ask(&docent, &bob, &[], None).await.expect(202);
    let held = docent.queue.receive().await;
    invoke(
        &docent,
        json!({"Records": [record("dead", &body(&text(&leader["jobId"])))]}),
    )
    .await;
    assert_eq!(
        group(&the_message(&docent).await),
        Some(bob.id.as_str()),
        "by the dead letter of the leader"
    );

    let carol = docent.user("carol").await;
    ask(&docent, &carol, &[], None).await.expect(202);
    docent
        .database
        .execute(&format!("DELETE FROM jobs WHERE owner_id = '{}'", bob.id))
        .await;
    invoke(&docent, json!({"sweep": {}})).await;
    let sent: Vec<SqsMessage> = received(&docent).await;
    assert!(
        sent.iter().any(|message| group(message) == Some(carol.id.as_str())),
        "{sent:?}"
    );
    drop(held);
}

#[tokio::test]
async fn upkeep_is_a_group_of_its_own() {
    let (docent, _) = prepared(&[]).await;
    docent
        .worker
        .queue
        .send(shared::job_message::Envelope::to_embed_passages(), Duration::ZERO)
        .await
        .unwrap();
    assert_eq!(group(&the_message(&docent).await), Some("upkeep"));
}

/// The next document of the daemon, after its preface.
async fn document(daemon: &UdpSocket) -> Value {
    let mut buffer = vec![0; 65_536];
    let length = tokio::time::timeout(crate::support::LIMIT, daemon.recv(&mut buffer))
        .await
        .unwrap()
        .unwrap();
    let text = String::from_utf8(buffer[..length].to_vec()).unwrap();
    assert!(!text.contains(QUESTION) && !text.contains("lease"), "{text}");
    let (preface, document) = text.split_once('\n').unwrap();
    assert_eq!(
        serde_json::from_str::<Value>(preface).unwrap(),
        json!({"format": "json", "version": 1})
    );
    serde_json::from_str(document).unwrap()
}

#[tokio::test]
async fn xray_is_told_of_requests_and_jobs_by_what_they_are_found_by() {
    let daemon = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = daemon.local_addr().unwrap().to_string();
    let (docent, ada) = prepared(&[("AWS_XRAY_DAEMON_ADDRESS", &address)]).await;
    let log = Log::default();
    let _guard = log.begin();
    ask(&docent, &ada, &[], Some(&XRAY.replace("Sampled=1", "Sampled=0")))
        .await
        .expect(202);
    docent.queue.work_once(&docent.worker).await;

    let accepted = ask_for(
        &docent,
        &ada,
        &json!({"query": "How long is another lease?"}),
        &[],
        Some(XRAY),
    )
    .await;
    let accepted = accepted.expect(202);
    let first = document(&daemon).await;
    assert_eq!(
        (&first["name"], &first["type"]),
        (&json!("request"), &json!("subsegment")),
        "what is not sampled is not told"
    );
    assert_eq!(first["trace_id"], "1-5759e988-bd862e3fe1be46a994272793");
    assert_eq!(first["parent_id"], "53995c3f42cd8ad8");
    let expected = json!({
        "job_id": accepted["jobId"], "user_id": ada.id, "cache": "miss", "outcome": "accepted",
        "trace_id": "5759e988bd862e3fe1be46a994272793",
    });
    assert_eq!(first["annotations"], expected);

    let traced = Invocation {
        segment: docent.worker.xray.segment(Some(XRAY)),
        ..invocation()
    };
    let records = received(&docent)
        .await
        .into_iter()
        .map(|message| json!(message))
        .collect();
    batch::handle(&docent.worker, event(records), &traced).await;
    let second = document(&daemon).await;
    let expected = json!({
        "job_id": accepted["jobId"], "user_id": ada.id, "kind": "answer_question", "outcome": "completed",
        "trace_id": "5759e988bd862e3fe1be46a994272793",
    });
    assert_eq!((&second["name"], &second["annotations"]), (&json!("job"), &expected));
    assert_ne!(second["id"], first["id"]);
}
