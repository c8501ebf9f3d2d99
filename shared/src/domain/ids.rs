//! Identifiers. Each is a UUIDv7 made in code: ordered by time, so an index on it grows at one end, and a page of
//! results can continue after the last id seen.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::Invalid;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Makes a new identifier; later ones sort after earlier ones.
            #[must_use]
            #[expect(clippy::new_without_default, reason = "a default identifier would hide that a new one is made")]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }

            /// The plain UUID, for a statement's parameter.
            #[must_use]
            pub fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }

        impl FromStr for $name {
            type Err = Invalid;

            fn from_str(text: &str) -> Result<Self, Invalid> {
                Uuid::try_parse(text)
                    .map(Self)
                    .map_err(|_| Invalid::new("must be a UUID such as 01890a5d-ac96-774b-bcce-b302099a8057"))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id!(
    /// A person with an account; also the id of that person's private collection.
    UserId
);
id!(
    /// A set of documents that is searched and shared as one.
    CollectionId
);
id!(
    /// One uploaded document.
    DocumentId
);
id!(
    /// One retrievable piece of a document.
    PassageId
);
id!(
    /// A conversation of one user.
    ChatId
);
id!(
    /// One turn of a chat.
    MessageId
);
id!(
    /// One accepted piece of background work: a question to answer or a document to ingest.
    JobId
);
id!(
    /// One sign-in, until it is ended or expires.
    SessionId
);
id!(
    /// A key with which a program calls the API.
    ApiKeyId
);

impl UserId {
    /// The user's private collection, which carries the user's own id.
    #[must_use]
    pub fn private_collection(self) -> CollectionId {
        CollectionId::from(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_id_sorts_after_an_earlier_one() {
        let first = JobId::new();
        let second = JobId::new();
        assert!(first < second);
    }

    #[test]
    fn an_id_round_trips_through_text_and_json() {
        let id = ChatId::new();
        assert_eq!(id.to_string().parse(), Ok(id));
        let json = serde_json::to_string(&id).unwrap();
        assert_eq!(serde_json::from_str::<ChatId>(&json).unwrap(), id);
    }

    #[test]
    fn text_that_is_no_uuid_is_refused() {
        assert!("1 or 1=1".parse::<JobId>().is_err());
    }
}
