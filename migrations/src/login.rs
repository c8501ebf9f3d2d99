//! The login of the functions: a role of its own that may do nothing but what `docent_functions` may.

use postgres_protocol::password::scram_sha_256;
use tokio_postgres::{Client, Transaction};

use super::{Error, LOCK};

/// Makes `login` if there is no such role, gives it the password if there is one to give, and makes it a member of
/// `docent_functions`. Whoever runs the migrations is left alone: the owner of everything needs no privilege.
///
/// The password is hashed here, so that neither a statement nor a log of the server shows it.
///
/// # Errors
/// [`Error`]; nothing of it is kept then.
pub async fn admit(client: &mut Client, login: &str, password: Option<&[u8]>) -> Result<(), Error> {
    let refused = |source| Error::Refused {
        step: "the functions' login",
        source,
    };
    let transaction = client.transaction().await.map_err(refused)?;
    apply(&transaction, login, password).await.map_err(refused)?;
    transaction.commit().await.map_err(refused)
}

async fn apply(
    transaction: &Transaction<'_>,
    login: &str,
    password: Option<&[u8]>,
) -> Result<(), tokio_postgres::Error> {
    transaction
        .batch_execute(&format!("SELECT pg_advisory_xact_lock({LOCK})"))
        .await?;
    // Names cannot be parameters of the statements below, so the server quotes them.
    let row = transaction
        .query_one(
            "SELECT $1::text = current_user,
                    CASE WHEN NOT EXISTS (SELECT FROM pg_roles WHERE rolname = $1) THEN format('CREATE ROLE %I LOGIN', $1) END,
                    format('ALTER ROLE %I LOGIN PASSWORD %L', $1, $2::text),
                    CASE WHEN NOT EXISTS (
                        SELECT FROM pg_auth_members m
                        JOIN pg_roles g ON g.oid = m.roleid JOIN pg_roles r ON r.oid = m.member
                        WHERE g.rolname = 'docent_functions' AND r.rolname = $1)
                    THEN format('GRANT docent_functions TO %I', $1) END",
            &[&login, &password.map(scram_sha_256)],
        )
        .await?;
    if row.get(0) {
        return Ok(());
    }
    let set_password = password.map(|_| row.get::<_, String>(2));
    for statement in [row.get(1), set_password, row.get(3)].into_iter().flatten() {
        transaction.batch_execute(&statement).await?;
    }
    Ok(())
}
