//! Accepting a question.

use std::time::Duration;

use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::super::budgets::{Budget, ENDS, Exhausted, LOCK, Period, accounts};
use super::super::session::Param;
use super::super::{DbError, Session, seconds};
use super::{IS_OPEN, IS_OVERDUE, MESSAGE_PATIENCE};
use crate::domain::{AnswerKey, ChatId, CollectionScope, JobId, QuestionText, UserId};

/// Waiting jobs are counted up to this number: who is told to come back later needs no more.
const COUNTED: i64 = 1000;

/// A question to be answered by a job.
#[derive(Debug)]
pub struct NewQuestion<'a> {
    /// Who asks.
    pub owner: UserId,
    /// The chat it belongs to; a new one if there is none.
    pub chat: Option<ChatId>,
    /// The question.
    pub question: &'a QuestionText,
    /// Where to look.
    pub scope: &'a CollectionScope,
    /// By it equal questions are known.
    pub key: AnswerKey,
    /// The job gives up this long from now.
    pub deadline: Duration,
    /// How many open jobs there may be.
    pub limits: Limits,
    /// How many tokens its asker may spend, if that is limited.
    pub budget: Option<Budget>,
}

/// How many open jobs there may be before a question is turned away. Questions that come at the same moment may exceed
/// it by their number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Of one user.
    pub per_user: Option<u32>,
    /// Of the deployment.
    pub in_all: Option<u32>,
}

/// What became of a question.
#[derive(Debug, PartialEq, Eq)]
pub enum Acceptance {
    /// There is a job for it now.
    Accepted {
        /// The job.
        job: JobId,
        /// The chat that will hold question and answer.
        chat: ChatId,
        /// The job whose answer it waits for, if the same is being asked already; then nothing is to be sent.
        leader: Option<JobId>,
        /// How many other jobs want a worker, counted up to a thousand.
        ahead: u32,
    },
    /// The chat does not exist for this user. Nothing was written.
    NoSuchChat,
    /// The user's account is gone. Nothing was written.
    NoSuchUser,
    /// The user has too many open jobs. Nothing was written.
    TooManyOfUser,
    /// The deployment has too many open jobs. Nothing was written.
    TooManyInAll,
    /// The user's budget has no room for the question at its worst case. Nothing was written.
    BudgetExhausted(Exhausted),
}

/// Checks the limits and the chat's owner and stores the job (with a new chat, if none is named), in one statement. If
/// the same question over the same versions of the same collections is in flight, the job becomes its follower.
///
/// With a budget the asker's row is locked by a statement before it, so that of questions that come at the same moment each
/// sees what those before it have reserved; still one round trip. A follower reserves too: it may become the leader.
///
/// # Errors
/// The database cannot be asked.
pub async fn accept_question(db: &mut Session, new: &NewQuestion<'_>) -> Result<Acceptance, DbError> {
    let job = JobId::new();
    let per_user = new.limits.per_user.map_or(i64::MAX, i64::from);
    let in_all = new.limits.in_all.map_or(i64::MAX, i64::from);
    let counted = new.limits.in_all.map_or(COUNTED, |limit| COUNTED.max(i64::from(limit)));
    let [reserved, daily, monthly] = new.budget.map_or([0; 3], |budget| budget.tokens());
    let params: [Param<'_>; 15] = [
        (&new.owner.uuid(), Type::UUID),
        (&new.chat.map(ChatId::uuid), Type::UUID),
        (&ChatId::new().uuid(), Type::UUID),
        (&title(new.question), Type::TEXT),
        (&job.uuid(), Type::UUID),
        (&new.question.as_str(), Type::TEXT),
        (&new.scope.uuids(), Type::UUID_ARRAY),
        (&new.key.as_bytes(), Type::BYTEA),
        (&seconds(new.deadline), Type::FLOAT8),
        (&per_user, Type::INT8),
        (&in_all, Type::INT8),
        (&counted, Type::INT8),
        (&reserved, Type::INT8),
        (&daily, Type::INT8),
        (&monthly, Type::INT8),
    ];
    let row = if new.budget.is_some() {
        let [_, rows] = db
            .transaction([(LOCK, &params[..1]), (&statement(&BudgetTerms::apply()), &params)])
            .await?;
        rows.into_iter().next()
    } else {
        db.row(&statement(&BudgetTerms::default()), &params[..13]).await?
    };
    Ok(row.map_or(Acceptance::NoSuchUser, |row| {
        acceptance(&row, job, (per_user, in_all), new.budget.is_some())
    }))
}

/// The parts of the statement that a budget adds.
#[derive(Default)]
struct BudgetTerms {
    tables: String,
    from: &'static str,
    condition: &'static str,
    columns: String,
}

impl BudgetTerms {
    fn apply() -> Self {
        Self {
            tables: format!(
                "{}, affordable AS (
                    SELECT spent.today + held.tokens + $13 <= $14 AS by_day, spent.month + held.tokens + $13 <= $15 AS by_month
                    FROM spent, held
                ),",
                accounts()
            ),
            from: ", affordable",
            condition: "AND by_day AND by_month",
            columns: format!(", by_day, by_month, {ENDS}"),
        }
    }
}

/// The insert of `lead` conflicts with the leader that is there (`jobs_one_flight`) and so locks its row until this
/// statement is committed: the leader cannot end in between and leave the follower behind. A leader that is overdue will
/// not answer, so nobody follows it; the job then goes its way alone.
fn statement(budget: &BudgetTerms) -> String {
    let BudgetTerms {
        tables,
        from,
        condition,
        columns,
    } = budget;
    format!(
        "WITH asker AS (
            SELECT id FROM users WHERE id = $1
        ), own AS (
            SELECT count(*) AS jobs FROM (
                SELECT FROM jobs WHERE owner_id = $1 AND {IS_OPEN} AND expires_at > now() LIMIT $10) AS o
        ), everybody AS (
            SELECT count(*) AS jobs, count(*) FILTER (WHERE leader_id IS NULL) AS leaders FROM (
                SELECT leader_id FROM jobs WHERE {IS_OPEN} AND expires_at > now() LIMIT $12) AS o
        ), {tables} admitted AS (
            SELECT asker.id FROM asker, own, everybody {from} WHERE own.jobs < $10 AND everybody.jobs < $11 {condition}
        ), made AS (
            INSERT INTO chats (id, owner_id, title) SELECT $3, id, $4 FROM admitted WHERE $2::uuid IS NULL RETURNING id
        ), chat AS (
            SELECT chats.id FROM chats, admitted WHERE chats.id = $2 AND owner_id = $1 UNION ALL SELECT id FROM made
        ), asked AS (
            SELECT chat.id AS chat_id, now() + $9 * interval '1 second' AS expires_at,
                   now() + {MESSAGE_PATIENCE} AS resend_at,
                   (SELECT sha256($8 || coalesce(string_agg(int8send(c.version), ''::bytea ORDER BY c.id), ''))
                    FROM collections c WHERE c.id = ANY($7)) AS flight
            FROM chat
        ), lead AS (
            INSERT INTO jobs AS j (id, kind, owner_id, chat_id, question, collection_ids, answer_key, expires_at, resend_at, reserved_tokens, flight)
            SELECT $5, 'answer_question', $1, chat_id, $6, $7, $8, expires_at, resend_at, $13, flight FROM asked
            ON CONFLICT (flight) WHERE flight IS NOT NULL AND leader_id IS NULL AND {IS_OPEN}
            DO UPDATE SET flight = excluded.flight
            RETURNING j.id, {IS_OVERDUE} AS is_overdue
        ), follower AS (
            INSERT INTO jobs (id, kind, owner_id, chat_id, question, collection_ids, answer_key, expires_at, resend_at, reserved_tokens, flight, leader_id)
            SELECT $5, 'answer_question', $1, chat_id, $6, $7, $8, expires_at, resend_at, $13,
                   CASE WHEN NOT is_overdue THEN flight END, CASE WHEN NOT is_overdue THEN lead.id END
            FROM asked, lead WHERE lead.id <> $5
            RETURNING leader_id
        )
        SELECT own.jobs AS of_user, everybody.jobs AS in_all, everybody.leaders,
               (SELECT chat_id FROM asked), (SELECT leader_id FROM follower) {columns}
        FROM asker, own, everybody {from}"
    )
}

fn acceptance(row: &Row, job: JobId, (per_user, in_all): (i64, i64), has_budget: bool) -> Acceptance {
    if row.get::<_, i64>("of_user") >= per_user {
        return Acceptance::TooManyOfUser;
    }
    if row.get::<_, i64>("in_all") >= in_all {
        return Acceptance::TooManyInAll;
    }
    if has_budget && !row.get::<_, bool>("by_month") {
        return Acceptance::BudgetExhausted(Exhausted::read(row, Period::Month));
    }
    if has_budget && !row.get::<_, bool>("by_day") {
        return Acceptance::BudgetExhausted(Exhausted::read(row, Period::Day));
    }
    match row.get::<_, Option<Uuid>>("chat_id") {
        None => Acceptance::NoSuchChat,
        Some(chat) => Acceptance::Accepted {
            job,
            chat: ChatId::from(chat),
            leader: row.get::<_, Option<Uuid>>("leader_id").map(JobId::from),
            ahead: u32::try_from(row.get::<_, i64>("leaders")).unwrap_or(u32::MAX),
        },
    }
}

/// A chat is listed by the beginning of its first question.
fn title(question: &QuestionText) -> String {
    let line: Vec<&str> = question.as_str().split_whitespace().collect();
    line.join(" ").chars().take(80).collect()
}
