//! An admin sees the deployment in numbers; nobody else does.

use serde_json::json;

use crate::journey::{LEASES, QUESTION};
use crate::support::{Docent, User, text};

async fn grant(docent: &Docent, user: &User, role: &str) {
    let set = format!("UPDATE users SET role = '{role}' WHERE email = '{}'", user.email);
    docent.database.execute(&set).await;
}

#[tokio::test]
async fn an_admin_sees_the_numbers_of_all() {
    let docent = Docent::start().await;
    let (ada, bob) = (docent.user("ada").await, docent.user("bob").await);
    grant(&docent, &ada, "admin").await;
    docent.upload(&bob, "Operations", LEASES).await;
    docent.ask_and_finish(&bob, QUESTION).await;
    let taken_back = text(&docent.ask(&bob, "What is a claim?").await.expect(202)["jobId"]);
    docent.delete(&bob, &format!("/api/ask/{taken_back}")).await.expect(204);
    // Of the day before.
    docent
        .database
        .execute(
            "INSERT INTO jobs (id, kind, owner_id, document_id, status, expires_at, created_at)
             SELECT '01890a5d-ac96-774b-bcce-b302099a8057', 'ingest_document', uploaded_by, id, 'queued', now(),
                    now() - interval '2 days' FROM documents",
        )
        .await;
    let stats = docent.get(&ada, "/api/admin/stats").await.expect(200);
    assert_eq!(stats["users"], 2);
    assert_eq!(stats["documents"], json!({"ready": 1, "queued": 0, "failed": 0}));
    assert_eq!(stats["openJobs"]["count"], 1);
    assert!(
        stats["openJobs"]["oldestSeconds"].as_u64() >= Some(2 * 86_400),
        "{stats}"
    );
    let ends = json!({"completed": 1, "failed": 0, "cancelled": 1, "expired": 0});
    assert_eq!(stats["lastDay"], ends);
    assert_eq!(stats["tokens"]["today"], 1100, "{stats}");
    assert_eq!(stats["tokens"]["month"], 1100, "{stats}");
}

#[tokio::test]
async fn who_is_no_admin_or_no_more_is_told_nothing() {
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    docent.get(&ada, "/api/admin/stats").await.expect(404);
    grant(&docent, &ada, "admin").await;
    docent.get(&ada, "/api/admin/stats").await.expect(200);
    grant(&docent, &ada, "member").await;
    docent.get(&ada, "/api/admin/stats").await.expect(404);
}
