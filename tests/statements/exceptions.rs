//! What touches users' rows without naming an owner, and why that is right.

/// A part of a statement.
#[derive(Debug)]
pub struct Exception {
    pub file: &'static str,
    pub function: &'static str,
    /// The common table expression, `statement` for what follows them, or `*` for all.
    pub part: &'static str,
    pub reason: &'static str,
}

const fn of(file: &'static str, function: &'static str, part: &'static str, reason: &'static str) -> Exception {
    Exception {
        file,
        function,
        part,
        reason,
    }
}

const SIGNS_IN: &str =
    "who signs in is not known yet: the address, or the digest of a secret, is what finds the account";
const MAKES_ACCOUNT: &str = "makes a new account with what is its own";
const JANITOR: &str = "the janitor looks after everybody's rows, and shows them to nobody";
const OPERATOR: &str = "an operator's redrive; no request of a user reaches it";
const DEAD_LETTER: &str = "the janitor acts on the job that a dead letter names";
const BY_MESSAGE: &str = "a worker takes the job that a message names; from then on its lease is the proof";
const OF_THE_ENDED: &str = "a part of other statements: acts on the jobs that those have ended, and their followers";
const LEASE: &str = "leases are the proof; this asks which of a worker's own still count";
const LOCKED: &str = "the caller's transaction has just locked the document as one that its owner may write";
const COUNTS: &str = "counts what is open in the whole deployment; nothing but the number leaves the statement";
const PIECE: &str = "a condition within statements, each of which names the owner";

pub const ALL: &[Exception] = &[
    of("api_keys.rs", "find", "*", SIGNS_IN),
    of("collections.rs", "bump_version", "statement", LOCKED),
    of("documents/mod.rs", "delete", "statement", LOCKED),
    of("documents/mod.rs", "has_open_job", "statement", PIECE),
    of("idempotency.rs", "purge", "statement", JANITOR),
    of("jobs/accept.rs", "statement", "everybody", COUNTS),
    of("jobs/dead_letter.rs", "bury", "*", DEAD_LETTER),
    of("jobs/followers.rs", "promote_followers_of", "*", OF_THE_ENDED),
    of("jobs/followers.rs", "promotion", "*", OF_THE_ENDED),
    of("jobs/lease.rs", "claim", "*", BY_MESSAGE),
    of("jobs/lease.rs", "still_held", "statement", LEASE),
    of("jobs/outcome.rs", "consequences", "*", OF_THE_ENDED),
    of(
        "jobs/outcome.rs",
        "keep_spent",
        "statement",
        "the worker that held a cancelled job notes what it had spent; its lease is gone",
    ),
    of("jobs/redrive.rs", "const", "*", OPERATOR),
    of("jobs/redrive.rs", "count", "*", OPERATOR),
    of("jobs/redrive.rs", "redrive", "*", OPERATOR),
    of("jobs/sweep.rs", "are_open", "*", JANITOR),
    of("jobs/sweep.rs", "expire", "*", JANITOR),
    of("jobs/sweep.rs", "fail_abandoned_documents", "*", JANITOR),
    of("jobs/sweep.rs", "promote", "*", JANITOR),
    of("jobs/sweep.rs", "take_forgotten", "*", JANITOR),
    of("passages.rs", "delete", "*", LOCKED),
    of("passages.rs", "insert", "*", LOCKED),
    of("refresh_tokens.rs", "rotate", "*", SIGNS_IN),
    of("sessions.rs", "purge", "statement", JANITOR),
    of("users.rs", "credentials_by_email", "statement", SIGNS_IN),
    of("users.rs", "register", "*", MAKES_ACCOUNT),
    of(
        "vectors.rs",
        "are_available",
        "statement",
        "asks whether the table is there, and reads no row",
    ),
];
