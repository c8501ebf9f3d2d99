//! A borrowed connection, and what can go wrong with it.

use std::future::Future;
use std::time::Duration;

use deadpool::managed::Object;
use futures_util::future::join_all;
use tokio_postgres::Row;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{ToSql, Type};

use super::keeper::Keeper;
use crate::telemetry::{Step, measures};

/// A parameter of a statement, with its type: the server then needs not be asked for it, and the statement needs no
/// name, which a pooler in transaction mode could not keep.
pub(super) type Param<'a> = (&'a (dyn ToSql + Sync), Type);

/// A connection taken from the pool.
///
/// It is given back when dropped, unless something is left half-done on it (a statement that was given up, a
/// transaction that was not ended): then it is closed, and the server undoes what was begun.
pub struct Session {
    connection: Option<Object<Keeper>>,
    timeout: Duration,
    unfinished: bool,
}

impl Session {
    pub(super) fn new(connection: Object<Keeper>, timeout: Duration) -> Self {
        Self {
            connection: Some(connection),
            timeout,
            unfinished: false,
        }
    }

    /// Runs a statement in one round trip and returns all its rows.
    pub(super) async fn rows(&mut self, statement: &str, params: &[Param<'_>]) -> Result<Vec<Row>, DbError> {
        let Some(connection) = &self.connection else {
            return Err(DbError::Broken);
        };
        let answer = within(self.timeout, connection.query_typed(statement, params)).await;
        self.settle(answer)
    }

    /// The first row, if there is one.
    pub(super) async fn row(&mut self, statement: &str, params: &[Param<'_>]) -> Result<Option<Row>, DbError> {
        Ok(self.rows(statement, params).await?.into_iter().next())
    }

    /// Runs statements as one transaction in one round trip: all are sent before the first reply is waited for. So none
    /// can use what another returned, but each sees what was committed while an earlier one waited for a lock. Within a
    /// transaction that was begun they become a part of it.
    /// Returns the rows of each.
    pub(super) async fn transaction<const N: usize>(
        &mut self,
        statements: [(&str, &[Param<'_>]); N],
    ) -> Result<[Vec<Row>; N], DbError> {
        let Some(connection) = &self.connection else {
            return Err(DbError::Broken);
        };
        let queries = statements.map(|(statement, params)| connection.query_typed(statement, params));
        let (begin, commit) = if self.unfinished { ("", "") } else { ("BEGIN", "COMMIT") };
        // Each of these is sent when it is first polled, and that is done in the order they are written in.
        let all = async {
            tokio::join!(
                biased;
                connection.batch_execute(begin),
                join_all(queries),
                connection.batch_execute(commit),
            )
        };
        let answer = within(self.timeout, async {
            let (begun, answers, committed) = all.await;
            begun?;
            let answers = answers.into_iter().collect::<Result<Vec<_>, _>>()?;
            // After a failed statement `COMMIT` rolls back; that failure was returned above.
            committed.map(|()| answers)
        });
        let answers = answer.await;
        self.settle(answers)?.try_into().map_err(|_| DbError::Broken)
    }

    /// Begins a transaction, which [`Self::commit`] ends.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn begin(&mut self) -> Result<(), DbError> {
        self.simple("BEGIN").await?;
        self.unfinished = true;
        Ok(())
    }

    /// Commits the transaction.
    ///
    /// # Errors
    /// The database could not commit, or its reply was lost: then nobody knows whether it did.
    pub async fn commit(&mut self) -> Result<(), DbError> {
        self.simple("COMMIT").await?;
        self.unfinished = false;
        Ok(())
    }

    async fn simple(&mut self, command: &str) -> Result<(), DbError> {
        let Some(connection) = &self.connection else {
            return Err(DbError::Broken);
        };
        let answer = within(self.timeout, connection.batch_execute(command)).await;
        self.settle(answer)
    }

    /// A statement that was given up may still be running: nothing else may be sent on its connection.
    fn settle<T>(&mut self, answer: Result<T, DbError>) -> Result<T, DbError> {
        if matches!(answer, Err(DbError::TooSlow)) {
            self.unfinished = true;
        }
        answer
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let Some(mut connection) = self.connection.take() else {
            return;
        };
        if self.unfinished {
            drop(Object::take(connection));
        } else {
            connection.mark_used();
        }
    }
}

async fn within<T>(
    limit: Duration,
    answer: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, DbError> {
    let _timed = measures::timed(Step::Postgres);
    match tokio::time::timeout(limit, answer).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) if error.is_closed() => Err(DbError::unavailable(error)),
        Ok(Err(error)) => Err(DbError::Refused(error)),
        Err(_) => Err(DbError::TooSlow),
    }
}

/// The database did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// It cannot be reached.
    #[error("the database cannot be reached")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It took longer than a statement may take.
    #[error("the database took too long")]
    TooSlow,
    /// It refused a statement.
    #[error("the database refused a statement")]
    Refused(#[source] tokio_postgres::Error),
    /// A column holds what the code does not know.
    #[error("a column holds what this version does not know: {0}")]
    Unreadable(String),
    /// The session was used after its end.
    #[error("the session has ended")]
    Broken,
}

impl DbError {
    pub(super) fn unavailable(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Unavailable(Box::new(error))
    }

    /// Whether the same request may work in a moment.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Unavailable(_) | Self::TooSlow => true,
            Self::Refused(error) => error.code().is_some_and(|code| {
                [
                    SqlState::T_R_SERIALIZATION_FAILURE,
                    SqlState::T_R_DEADLOCK_DETECTED,
                    SqlState::ADMIN_SHUTDOWN,
                ]
                .contains(code)
                    || code.code().starts_with("08")
                    || code.code().starts_with("53")
            }),
            Self::Unreadable(_) | Self::Broken => false,
        }
    }

    /// The name of the constraint that a statement violated.
    #[must_use]
    pub fn violated_constraint(&self) -> Option<&str> {
        match self {
            Self::Refused(error) => error.as_db_error().and_then(|e| e.constraint()),
            _ => None,
        }
    }
}
