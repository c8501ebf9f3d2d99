//! What travels through the queue: ids only, so that no text of a user rests in SQS or its dead-letter queue.

use serde::{Deserialize, Serialize};

use crate::domain::{JobId, JobKind, UserId};

/// The one version of the message there is. A worker refuses others, so a new one is rolled out worker first.
const VERSION: u8 = 1;

/// Names a job that is waiting in Postgres.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobMessage {
    /// What kind of job it is.
    pub kind: JobKind,
    /// The job's row.
    pub job_id: JobId,
}

/// A job that is to be sent to the queue, and whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnedJob {
    /// Names it.
    pub message: JobMessage,
    /// Its owner.
    pub owner: UserId,
}

/// A message as it is sent: with the group that it counts as when SQS shares its consumers out. The queue is a standard
/// one, where a group changes no order: it only keeps what one group has waiting from holding up the others
/// (<https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-fair-queues.html>).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// What is sent.
    pub message: Message,
    /// `MessageGroupId`: the owner's id for jobs.
    pub group: String,
}

/// The group of what nobody in particular waits for.
const UPKEEP: &str = "upkeep";

impl From<OwnedJob> for Envelope {
    fn from(job: OwnedJob) -> Self {
        Self {
            message: Message::Job(job.message),
            group: job.owner.to_string(),
        }
    }
}

impl Envelope {
    /// Has passages without vectors get theirs.
    #[must_use]
    pub fn to_embed_passages() -> Self {
        Self {
            message: Message::EmbedPassages,
            group: UPKEEP.to_owned(),
        }
    }

    /// A job whose message was received with this group. One without is of an older version, and gets a group of its own.
    #[must_use]
    pub fn to_replace(message: JobMessage, group: Option<&str>) -> Self {
        Self {
            message: Message::Job(message),
            group: group.map_or_else(|| message.job_id.to_string(), str::to_owned),
        }
    }
}

/// What a message asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Message {
    /// A job.
    Job(JobMessage),
    /// To give passages their vectors that have none of the model in use. It names no row: what is missing is looked up.
    EmbedPassages,
}

/// The message as it stands in the queue.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    v: u8,
    kind: JobKind,
    job_id: JobId,
}

/// How [`Message::EmbedPassages`] stands in the queue.
const EMBED_PASSAGES: &str = r#"{"v":1,"kind":"embed_passages"}"#;

impl Message {
    /// The message's body.
    #[must_use]
    pub fn to_body(self) -> String {
        match self {
            Self::Job(job) => job.to_body(),
            Self::EmbedPassages => EMBED_PASSAGES.to_owned(),
        }
    }

    /// Reads a message's body.
    ///
    /// # Errors
    /// [`NotAJobMessage`] if the body is no JSON of either form, or of another version.
    pub fn from_body(body: &str) -> Result<Self, NotAJobMessage> {
        if body == EMBED_PASSAGES {
            return Ok(Self::EmbedPassages);
        }
        JobMessage::from_body(body).map(Self::Job)
    }
}

impl JobMessage {
    /// Names a question's job.
    #[must_use]
    pub fn to_answer(job_id: JobId) -> Self {
        Self {
            kind: JobKind::AnswerQuestion,
            job_id,
        }
    }

    /// Says whose it is.
    #[must_use]
    pub fn of(self, owner: UserId) -> OwnedJob {
        OwnedJob { message: self, owner }
    }

    /// The message's body.
    #[must_use]
    pub fn to_body(self) -> String {
        let wire = Wire {
            v: VERSION,
            kind: self.kind,
            job_id: self.job_id,
        };
        serde_json::to_string(&wire).unwrap_or_else(|_| unreachable!("ids and a fixed word always serialise"))
    }

    /// Reads a message's body.
    ///
    /// # Errors
    /// [`NotAJobMessage`] if the body is no JSON of this form, or of another version.
    pub fn from_body(body: &str) -> Result<Self, NotAJobMessage> {
        let wire: Wire = serde_json::from_str(body).map_err(|error| NotAJobMessage(error.to_string()))?;
        if wire.v == VERSION {
            Ok(Self {
                kind: wire.kind,
                job_id: wire.job_id,
            })
        } else {
            Err(NotAJobMessage(format!("version {} is not understood", wire.v)))
        }
    }
}

/// The body of a message does not name a job.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a job message: {0}")]
pub struct NotAJobMessage(String);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Messages of this form may be in a queue while a new version is deployed.
    const STORED: &str = r#"{"v":1,"kind":"answer_question","jobId":"01890a5d-ac96-774b-bcce-b302099a8057"}"#;

    #[test]
    fn a_stored_message_reads_and_writes_the_same() {
        let message = JobMessage::from_body(STORED).unwrap();
        assert_eq!(message.kind, JobKind::AnswerQuestion);
        assert_eq!(message.to_body(), STORED);
    }

    #[test]
    fn a_message_is_read_as_it_was_written() {
        for message in [
            Message::EmbedPassages,
            Message::Job(JobMessage::from_body(STORED).unwrap()),
        ] {
            assert_eq!(Message::from_body(&message.to_body()), Ok(message));
        }
        assert!(Message::from_body("{}").is_err());
    }

    #[test]
    fn other_versions_and_other_texts_are_refused() {
        for body in [
            "",
            "{}",
            "not json",
            &STORED.replace("\"v\":1", "\"v\":2"),
            &STORED.replace("answer_question", "drop_tables"),
            &STORED.replace("01890a5d", "zzz"),
        ] {
            assert!(JobMessage::from_body(body).is_err(), "{body} was accepted");
        }
    }

    proptest! {
        #[test]
        fn no_body_makes_the_parser_panic(body in ".*") {
            let _ = JobMessage::from_body(&body);
        }
    }
}
