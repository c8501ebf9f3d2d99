//! The schema is applied once, by whoever comes first.

mod filled;

use crate::support::Database;

#[tokio::test]
async fn runners_at_once_apply_each_step_once() {
    let database = Database::create_empty().await;
    let runs = (0..8).map(|_| async { migrations::apply(&mut database.client().await).await.unwrap() });
    let applied: Vec<&str> = futures_util::future::join_all(runs)
        .await
        .into_iter()
        .flatten()
        .collect();
    let all: Vec<&str> = migrations::ALL.iter().map(|migration| migration.name).collect();
    let mut sorted = applied.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, all);
    assert!(
        migrations::apply(&mut database.client().await)
            .await
            .unwrap()
            .is_empty(),
        "a second run finds nothing to do"
    );
}

#[tokio::test]
async fn a_migration_that_was_edited_after_it_was_applied_is_refused() {
    let database = Database::create().await;
    database
        .execute("UPDATE schema_migrations SET digest = '\\x00' WHERE name = '0001_users'")
        .await;
    let error = migrations::apply(&mut database.client().await).await.unwrap_err();
    assert!(error.to_string().contains("0001_users differs"), "{error}");
}
