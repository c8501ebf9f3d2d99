//! The functions log in with a role that owns nothing and may do what they need and no more.

use tokio_postgres::error::SqlState;

use crate::support::{Database, Docent, connect};

#[tokio::test]
async fn what_the_functions_have_no_business_with_is_refused() {
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    let client = connect(&docent.database.functions_url).await;
    for statement in [
        "UPDATE users SET role = 'admin'",
        "UPDATE users SET email = 'eve@example.com'",
        "INSERT INTO users (id, email, password_hash, role) VALUES (gen_random_uuid(), 'eve@example.com', '', 'admin')",
        "UPDATE collections SET owner_id = NULL",
        "DELETE FROM collections",
        "DELETE FROM jobs",
        "UPDATE messages SET content = ''",
        "DELETE FROM messages",
        "UPDATE chats SET owner_id = gen_random_uuid()",
        "DELETE FROM token_usage",
        "TRUNCATE passages",
        "SELECT name FROM schema_migrations",
        "DELETE FROM schema_migrations",
        "CREATE TABLE mine (id integer)",
        "DROP TABLE jobs",
        "ALTER TABLE jobs DISABLE TRIGGER ALL",
        "DROP INDEX jobs_one_flight",
        "SELECT enable_vectors()",
        "CREATE FUNCTION mine() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
        "COPY users TO PROGRAM 'true'",
        "SET ROLE docent",
    ] {
        let error = client
            .batch_execute(statement)
            .await
            .expect_err(&format!("{statement} was allowed"));
        assert_eq!(
            error.code(),
            Some(&SqlState::INSUFFICIENT_PRIVILEGE),
            "{statement}: {error:?}"
        );
    }
    let me = docent.get(&ada, "/api/users/me").await.expect(200);
    assert_eq!(me["user"]["role"], "member");
}

#[tokio::test]
async fn the_role_owns_nothing_and_is_no_administrator() {
    let database = Database::create().await;
    let owned = "SELECT count(*) FROM pg_shdepend d JOIN pg_roles r ON r.oid = d.refobjid
                 WHERE d.deptype = 'o' AND r.rolname IN ('docent_functions', 'docent_test')";
    assert_eq!(database.number(owned).await, 0);
    let powers = "SELECT count(*) FROM pg_roles WHERE rolname IN ('docent_functions', 'docent_test')
                  AND (rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls)";
    assert_eq!(database.number(powers).await, 0);
}

/// A privilege that is added is seen in review.
#[tokio::test]
async fn the_privileges_are_these() {
    let database = Database::create().await;
    let privileges = "
        SELECT coalesce(string_agg(line, E'\\n' ORDER BY line), '') FROM (
            SELECT table_name || ': ' || string_agg(lower(privilege_type), ', ' ORDER BY privilege_type) AS line
            FROM information_schema.role_table_grants WHERE grantee = 'docent_functions' GROUP BY table_name
            UNION ALL
            SELECT table_name || ' (' || string_agg(column_name, ', ' ORDER BY column_name) || '): ' || lower(privilege_type)
            FROM information_schema.role_column_grants c
            WHERE grantee = 'docent_functions' AND NOT EXISTS (
                SELECT FROM information_schema.role_table_grants t
                WHERE (t.grantee, t.table_name, t.privilege_type) = (c.grantee, c.table_name, c.privilege_type))
            GROUP BY table_name, privilege_type
        ) AS lines";
    insta::assert_snapshot!(database.text(privileges).await);
}

#[tokio::test]
async fn a_privilege_that_is_taken_out_of_the_list_is_gone_after_the_next_run() {
    let database = Database::create().await;
    let count = "SELECT count(*) FROM information_schema.role_table_grants
                 WHERE grantee = 'docent_functions' AND table_name = 'schema_migrations'";
    database
        .execute("GRANT ALL ON schema_migrations TO docent_functions")
        .await;
    assert_ne!(database.number(count).await, 0);
    migrations::apply(&mut database.client().await).await.unwrap();
    assert_eq!(database.number(count).await, 0);
}
