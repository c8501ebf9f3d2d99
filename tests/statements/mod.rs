//! Nobody's rows are touched without naming their owner: every statement of `shared/src/db` is read from its source, cut
//! into its parts, and each part that names a table with users' rows has to say whose rows it means. What cannot is
//! listed here with its reason.

mod exceptions;
mod parts;
mod source;

use std::collections::BTreeSet;

use parts::Part;
use source::Statement;

/// Tables with rows that belong to a user.
const TABLES: [&str; 16] = [
    "api_keys",
    "chats",
    "collections",
    "document_terms",
    "document_vectors",
    "documents",
    "idempotency_keys",
    "jobs",
    "messages",
    "passage_terms",
    "passage_vectors",
    "passages",
    "refresh_tokens",
    "sessions",
    "token_usage",
    "users",
];

/// Columns that say whose a row is. `id` only counts in a part that names `users`.
const OWNERS: [&str; 3] = ["owner_id", "uploaded_by", "id"];

/// Functions of the database that take the owner as their first argument, and search nothing that is not readable to it.
const SEARCHES: [&str; 2] = ["rank_passages", "nearest_passages"];

#[test]
fn every_statement_names_the_owner_of_the_rows_it_touches() {
    let statements = source::statements();
    assert!(statements.len() > 60, "only {} statements were found", statements.len());
    let mut used = BTreeSet::new();
    let mut ownerless = Vec::new();
    for statement in &statements {
        for part in ownerless_parts(statement) {
            let excuse = exceptions::ALL.iter().position(|exception| {
                (exception.file, exception.function) == (statement.file.as_str(), statement.function.as_str())
                    && (exception.part == "*" || exception.part == part.name)
            });
            match excuse {
                Some(index) => drop(used.insert(index)),
                None => ownerless.push(format!(
                    "{}, {}, {}: {}",
                    statement.file, statement.function, part.name, part.text
                )),
            }
        }
    }
    assert!(
        ownerless.is_empty(),
        "these touch users' rows and name no owner:\n{}",
        ownerless.join("\n\n")
    );
    let all = exceptions::ALL.iter().enumerate();
    let unused: Vec<_> = all.filter(|(index, _)| !used.contains(index)).collect();
    assert!(unused.is_empty(), "these exceptions are needed no more: {unused:?}");
    assert!(exceptions::ALL.iter().all(|exception| exception.reason.len() > 20));
}

/// The parts that touch users' rows and are neither constrained to an owner nor joined with a part that is.
fn ownerless_parts(statement: &Statement) -> Vec<Part> {
    let mut owned: BTreeSet<String> = BTreeSet::new();
    let mut ownerless = Vec::new();
    for part in parts::of(&statement.text) {
        let words = parts::words(&part.text);
        let joins_owned = words.iter().any(|word| owned.contains(word));
        if joins_owned || names_owner(&words, &statement.owner_parameters) {
            owned.insert(part.name);
        } else if words.iter().any(|word| TABLES.contains(&word.as_str())) {
            ownerless.push(part);
        }
    }
    ownerless
}

/// Whether one of the owner's parameters is compared with an owner's column, or handed to a search; or a lease is named:
/// its token is known to nobody but the worker that was given the job.
fn names_owner(words: &[String], owners: &BTreeSet<usize>) -> bool {
    let is_owner = |word: &String| {
        let number = word.strip_prefix('$').and_then(|number| number.parse().ok());
        number.is_some_and(|number| owners.contains(&number))
    };
    let column = |word: &str| word.rsplit('.').next().unwrap_or(word).to_owned();
    words.windows(3).any(|three| {
        let column = column(&three[0]);
        let is_compared = three[1] == "=" && is_owner(&three[2]) && OWNERS.contains(&column.as_str());
        let is_of_users = column != "id" || words.iter().any(|word| word == "users");
        let is_lease = column == "lease_token" && three[1] == "=" && three[2].starts_with('$');
        let is_search = SEARCHES.contains(&column.as_str()) && three[1] == "(" && is_owner(&three[2]);
        is_compared && is_of_users || is_lease || is_search
    })
}

#[test]
fn owners_are_users_and_not_just_any_id() {
    let wrong = source::owners_of_another_type();
    assert!(wrong.is_empty(), "an owner is a UserId: {wrong:?}");
}

#[test]
fn a_statement_without_an_owner_is_found() {
    let statement = |text: &str, owner: &[usize]| Statement {
        file: String::new(),
        function: String::new(),
        text: text.to_owned(),
        owner_parameters: owner.iter().copied().collect(),
    };
    let ownerless = |text, owner: &[usize]| {
        let parts = ownerless_parts(&statement(text, owner));
        parts.into_iter().map(|part| part.name).collect::<Vec<_>>()
    };
    let good = "SELECT id FROM chats WHERE id = $1 AND owner_id = $2";
    assert_eq!(ownerless(good, &[2]), [""; 0]);
    assert_eq!(ownerless(good, &[1]), ["statement"], "the chat's id is not its owner");
    assert_eq!(ownerless("DELETE FROM chats WHERE id = $1", &[1]), ["statement"]);
    assert_eq!(ownerless("UPDATE users SET name = $2 WHERE id = $1", &[1]), [""; 0]);
    let joined =
        "WITH own AS (SELECT id FROM chats WHERE owner_id = $1), said AS (INSERT INTO messages SELECT id FROM own)
                  SELECT count(*) FROM said";
    assert_eq!(ownerless(joined, &[1]), [""; 0]);
    let beside = "WITH own AS (SELECT id FROM chats WHERE owner_id = $1), said AS (DELETE FROM messages WHERE id = $2)
                  SELECT id FROM own";
    assert_eq!(ownerless(beside, &[1]), ["said"]);
}
