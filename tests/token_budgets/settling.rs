//! What becomes of the tokens that a question holds back.

use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{CALL, WORST_CASE, account, is_exhausted, with_room_for};
use crate::journey::QUESTION;
use crate::support::{Docent, Reply, events, text, wait_for};

#[tokio::test]
async fn a_question_gives_back_what_it_did_not_cost() {
    let (docent, ada) = with_room_for(2, &[("MONTHLY_TOKEN_BUDGET", "1000000")]).await;
    let accepted = docent.ask(&ada, QUESTION).await;
    assert_eq!(account(&docent, &ada).await, (0, WORST_CASE));
    docent.finish(&ada, accepted).await;
    let usage = docent.get(&ada, "/api/users/me/usage").await.expect(200);
    let now = OffsetDateTime::now_utc();
    let midnight = now.date().next_day().unwrap().midnight().assume_utc();
    let resets_at = OffsetDateTime::parse(usage["today"]["resetsAt"].as_str().unwrap(), &Rfc3339).unwrap();
    assert_eq!(resets_at, midnight);
    let month_ends = OffsetDateTime::parse(usage["month"]["resetsAt"].as_str().unwrap(), &Rfc3339).unwrap();
    assert!(month_ends >= midnight && month_ends.day() == 1, "{usage}");
    assert_eq!(
        (
            &usage["today"]["usedTokens"],
            &usage["today"]["reservedTokens"],
            &usage["today"]["budgetTokens"]
        ),
        (&json!(CALL), &json!(0), &json!(2 * WORST_CASE))
    );
    assert_eq!(
        (&usage["month"]["usedTokens"], &usage["month"]["budgetTokens"]),
        (&json!(CALL), &json!(1_000_000))
    );
    // What was used leaves room for one more, and not for two.
    docent.ask(&ada, &format!("{QUESTION} 2")).await.expect(202);
    let refused = docent.ask(&ada, &format!("{QUESTION} 3")).await;
    assert!(is_exhausted(&refused), "{refused:?}");
    let wait: i64 = refused.header("retry-after").parse().unwrap();
    assert!(((midnight - now).whole_seconds() - wait).abs() <= 60, "{refused:?}");
    assert!(
        refused.json()["error"].as_str().unwrap().contains("T00:00:00Z"),
        "{refused:?}"
    );
}

#[tokio::test]
async fn whatever_ends_a_question_releases_what_it_held() {
    let (docent, ada) = with_room_for(1, &[]).await;
    for (number, end) in ["failure", "cancellation", "expiry", "deletion"]
        .into_iter()
        .enumerate()
    {
        let accepted = docent.ask(&ada, &format!("{QUESTION} {number}")).await.expect(202);
        let (job, chat) = (text(&accepted["jobId"]), text(&accepted["chatId"]));
        assert!(
            is_exhausted(&docent.ask(&ada, &format!("{QUESTION} more")).await),
            "before {end}"
        );
        match end {
            "failure" => {
                docent.llm.then(Reply::Status(400, vec![], "{}".to_owned()));
                wait_for("the failure", || async {
                    docent.queue.work_once(&docent.worker).await;
                    (docent.job(&ada, &job).await["status"] == "failed").then_some(())
                })
                .await;
            }
            "cancellation" => drop(docent.delete(&ada, &format!("/api/ask/{job}")).await.expect(204)),
            "expiry" => {
                let statement = format!("UPDATE jobs SET expires_at = now() WHERE id = '{job}'");
                docent.database.execute(&statement).await;
            }
            _ => drop(docent.delete(&ada, &format!("/api/chats/{chat}")).await.expect(204)),
        }
        assert_eq!(account(&docent, &ada).await, (0, 0), "after {end}");
    }
    docent.ask(&ada, &format!("{QUESTION} again")).await.expect(202);
}

/// As if a worker were calling the model for it.
async fn have_it_called(docent: &Docent, job: &str) {
    let statement = format!(
        "UPDATE jobs SET status = 'active', llm_calls = 1, lease_token = gen_random_uuid(),
                         lease_until = now() + interval '1 minute' WHERE id = '{job}'"
    );
    docent.database.execute(&statement).await;
}

#[tokio::test]
async fn a_call_whose_question_is_deleted_counts_as_the_most_it_may_have_cost() {
    let (docent, ada) = with_room_for(2, &[]).await;
    let accepted = docent.ask(&ada, QUESTION).await.expect(202);
    have_it_called(&docent, &text(&accepted["jobId"])).await;
    let chat = format!("/api/chats/{}", text(&accepted["chatId"]));
    docent.delete(&ada, &chat).await.expect(204);
    assert_eq!(account(&docent, &ada).await, (WORST_CASE, 0));
    // An account can go while a call for it is under way.
    let accepted = docent.ask(&ada, QUESTION).await.expect(202);
    have_it_called(&docent, &text(&accepted["jobId"])).await;
    docent
        .database
        .execute(&format!("DELETE FROM users WHERE id = '{}'", ada.id))
        .await;
    assert_eq!(docent.database.number("SELECT count(*) FROM token_usage").await, 0);
}

#[tokio::test]
async fn attempts_that_cost_and_failed_are_counted_once() {
    let (docent, ada) = with_room_for(3, &[]).await;
    // Three calls break off after they had begun: the attempt is over, and the next one has the answer.
    for _ in 0..3 {
        docent.llm.then(Reply::Events(vec![events::start()]));
    }
    let job = docent.ask_and_finish(&ada, QUESTION).await;
    assert_eq!(
        (&job["status"], &job["attempt"]),
        (&json!("completed"), &json!(2)),
        "{job}"
    );
    let tokens = |name: &str| job["usage"][name].as_u64().unwrap();
    let used = tokens("inputTokens") + tokens("outputTokens");
    assert_eq!(account(&docent, &ada).await, (used, 0));
    assert_eq!(tokens("inputTokens"), 4_000, "{job}");
}

#[tokio::test]
async fn who_takes_over_a_question_does_not_pay_again_for_what_was_paid() {
    let (docent, ada) = with_room_for(5, &[]).await;
    let leader = text(&docent.ask(&ada, QUESTION).await.expect(202)["jobId"]);
    docent.ask(&ada, QUESTION).await.expect(202);
    assert_eq!(
        account(&docent, &ada).await,
        (0, 2 * WORST_CASE),
        "a follower may have to lead"
    );
    have_it_called(&docent, &leader).await;
    let spent = r#"{"inputTokens": 1000, "outputTokens": 10, "cacheReadTokens": 5, "cacheWriteTokens": 6, "costMicroUsd": null}"#;
    docent
        .database
        .execute(&format!("UPDATE jobs SET usage = '{spent}' WHERE id = '{leader}'"))
        .await;
    assert_eq!(account(&docent, &ada).await, (1_021, 2 * WORST_CASE));
    docent.delete(&ada, &format!("/api/ask/{leader}")).await.expect(204);
    let heir = "SELECT count(*) FROM jobs WHERE leader_id IS NULL AND status = 'active' AND usage IS NOT NULL";
    assert_eq!(docent.database.number(heir).await, 1);
    assert_eq!(account(&docent, &ada).await, (1_021, WORST_CASE));
}

#[tokio::test]
async fn answers_of_others_and_of_the_cache_cost_nothing() {
    let (docent, ada) = with_room_for(2, &[]).await;
    let first = docent.ask(&ada, QUESTION).await;
    let second = docent.ask(&ada, QUESTION).await;
    docent.finish(&ada, first).await;
    docent.finish(&ada, second).await;
    assert_eq!(account(&docent, &ada).await, (CALL, 0));
    docent
        .database
        .execute("UPDATE token_usage SET input_tokens = 1000000")
        .await;
    docent.ask(&ada, QUESTION).await.expect(200);
    assert!(is_exhausted(&docent.ask(&ada, "Something else about leases?").await));
}
