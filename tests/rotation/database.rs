//! The password of the functions at Postgres, as AWS rotates it: the secret and the login, one after the other.

use axum::Router;
use serde_json::json;
use uuid::Uuid;

use super::{chats, chats_of_many};
use crate::support::{Docent, Readings, Secret, wait_for};

/// A login of the database, as a secret of RDS.
struct Login {
    name: String,
    secret: Secret,
    docent: Docent,
}

impl Login {
    async fn create() -> Self {
        let docent = Docent::start().await;
        let name = format!("rotated_{}", Uuid::new_v4().simple());
        let create = format!("CREATE ROLE {name} LOGIN PASSWORD 'old' IN ROLE docent_functions");
        docent.database.execute(&create).await;
        let secret = Secret::create("to be written").await;
        let login = Self { name, secret, docent };
        login.write("old").await;
        login
    }

    async fn write(&self, password: &str) {
        let server: tokio_postgres::Config = self.docent.database.url.parse().unwrap();
        let json = json!({"engine": "postgres", "username": self.name, "password": password, "host": "127.0.0.1",
            "port": server.get_ports()[0], "dbname": server.get_dbname()});
        self.secret.put(&json.to_string()).await;
    }

    async fn sandbox(&self, readings: &Readings) -> Router {
        let named = [
            ("DATABASE_URL", ""),
            ("DATABASE_URL_SECRET", &self.secret.arn),
            ("AWS_ENDPOINT_URL", &readings.endpoint),
        ];
        self.docent.sandbox_with(&named).await
    }

    /// The new password counts, and whoever was logged in with the old one has to log in again.
    async fn change_password(&self) {
        let name = &self.name;
        let change = format!("ALTER ROLE {name} PASSWORD 'new'");
        self.docent.database.execute(&change).await;
        let end = format!("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = '{name}'");
        self.docent.database.execute(&end).await;
    }
}

#[tokio::test]
async fn a_new_password_of_the_database_is_used_in_the_request_that_met_the_old_one() {
    let login = Login::create().await;
    let ada = login.docent.user("ada").await;
    let readings = Readings::counted().await;
    let sandbox = login.sandbox(&readings).await;
    assert_eq!((readings.take(), chats(&sandbox, &ada.token).await), (1, 200));
    login.write("new").await;
    assert_eq!(
        chats(&sandbox, &ada.token).await,
        200,
        "the connection that there is stays"
    );
    assert_eq!(readings.take(), 0);
    login.change_password().await;
    assert_eq!(chats(&sandbox, &ada.token).await, 200);
    assert_eq!(readings.take(), 1);
}

/// Between the new password and the secret that says so nothing helps; the secret is not read for each request then.
#[tokio::test]
async fn a_database_that_refuses_everybody_costs_one_reading_in_thirty_seconds() {
    let login = Login::create().await;
    let ada = login.docent.user("ada").await;
    let readings = Readings::counted().await;
    let sandbox = login.sandbox(&readings).await;
    readings.take();
    login.change_password().await;
    let many = vec![ada.token.clone(); 50];
    assert_eq!(chats_of_many(&sandbox, &many).await, [503; 50]);
    assert_eq!(chats_of_many(&sandbox, &many).await, [503; 50]);
    assert_eq!(readings.take(), 1);
    login.write("new").await;
    let fresh = login.sandbox(&readings).await;
    assert_eq!((readings.take(), chats(&fresh, &ada.token).await), (1, 200));
    wait_for("the half minute to be over", || async {
        (chats(&sandbox, &ada.token).await == 200).then_some(())
    })
    .await;
    assert_eq!(readings.take(), 1);
}
