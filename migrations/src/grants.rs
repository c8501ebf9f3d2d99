//! The role that the functions' login is a member of: it owns nothing, and may do what `grants.sql` says.

use tokio_postgres::Client;

use super::{Error, LOCK};

/// A role belongs to the server, not to the database, so another deployment may have made it, or may be making it now.
/// Where it can neither be found nor made (some providers let nobody make roles), it stays away: then the functions log
/// in with the role that owns the tables, or the operator makes this role and runs the migrations again.
const MAKE_ROLE: &str = "
    DO $$
    BEGIN
        IF to_regrole('docent_functions') IS NULL THEN
            CREATE ROLE docent_functions NOLOGIN;
        END IF;
    EXCEPTION
        WHEN duplicate_object OR unique_violation THEN NULL;
        WHEN insufficient_privilege THEN RAISE NOTICE 'docent_functions cannot be made: %', SQLERRM;
    END
    $$";

/// All privileges, each time anew.
const GRANTS: &str = include_str!("../grants.sql");

/// Makes the role if it can, and grants it what the functions need.
pub(super) async fn apply(client: &Client) -> Result<(), Error> {
    let refused = |source| Error::Refused { step: "grants", source };
    client.batch_execute(MAKE_ROLE).await.map_err(refused)?;
    let found = client
        .query_one("SELECT to_regrole('docent_functions') IS NOT NULL", &[])
        .await
        .map_err(refused)?;
    if !found.get::<_, bool>(0) {
        return Ok(());
    }
    // Several statements at once are one transaction: nobody sees the functions without their privileges.
    client
        .batch_execute(&format!("SELECT pg_advisory_xact_lock({LOCK}); {GRANTS}"))
        .await
        .map_err(refused)
}
