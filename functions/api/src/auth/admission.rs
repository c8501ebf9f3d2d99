//! The way from a [`CurrentUser`], who has shown a credential, to the user's id: past the limits, and past the question
//! whether the session or the API key still counts. One round trip to Redis asks both.

use shared::cache::{Bucket, Claim, Lookup, Standing};
use shared::config::LimitsConfig;
use shared::db::{api_keys, sessions};
use shared::domain::api_key::Scope;
use shared::domain::{AnswerKey, CollectionScope, Rate, UserId};
use shared::telemetry::measures;

use super::CurrentUser;
use super::current_user::Credential;
use crate::app::App;
use crate::error::ApiError;

/// What a request is about to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// Ask a question.
    Ask,
    /// See how a question stands.
    Poll,
    /// Cancel a question.
    Cancel,
    /// Read chats.
    ReadChats,
    /// Delete chats.
    WriteChats,
    /// Upload a document.
    Upload,
    /// Read documents.
    ReadDocuments,
    /// See how a document stands, as one does until it is ready.
    PollDocument,
    /// Delete documents.
    WriteDocuments,
    /// Read what concerns the account itself.
    ReadAccount,
    /// Change what concerns the account itself.
    WriteAccount,
}

impl Action {
    /// By which limit it is counted.
    fn limit(self, rates: &LimitsConfig) -> (&'static str, Option<Rate>) {
        match self {
            Self::Ask => ("ask", rates.ask),
            Self::Poll | Self::PollDocument => ("poll", rates.poll),
            Self::Upload => ("upload", rates.upload),
            Self::ReadChats | Self::ReadDocuments | Self::ReadAccount => ("read", rates.read),
            Self::Cancel | Self::WriteChats | Self::WriteDocuments | Self::WriteAccount => ("write", rates.write),
        }
    }

    /// Whether a job may come of it.
    fn may_begin_a_job(self) -> bool {
        matches!(self, Self::Ask | Self::Upload)
    }

    /// What an API key has to be allowed; `None`: no key will do, a person has to be signed in.
    fn scope(self) -> Option<Scope> {
        match self {
            Self::Ask | Self::Poll | Self::Cancel | Self::ReadChats | Self::WriteChats => Some(Scope::Ask),
            Self::ReadDocuments | Self::PollDocument => Some(Scope::DocumentsRead),
            Self::Upload | Self::WriteDocuments => Some(Scope::DocumentsWrite),
            Self::ReadAccount | Self::WriteAccount => None,
        }
    }
}

/// Whose credential it is, which is not yet to say that it still counts.
struct Bearer {
    claim: Claim,
    /// Postgres has just said that it counts.
    is_proven: bool,
}

impl CurrentUser {
    /// Lets the request through and says whose it is.
    ///
    /// # Errors
    /// 401 if the session or the key has ended, 429 if a limit refuses it, 403 if the key must not do this.
    pub(crate) async fn admit(self, app: &App, action: Action) -> Result<UserId, ApiError> {
        let bearer = self.identify(app, action).await?;
        bearer.say();
        let own = bearer.counted(app, action);
        let begins = action.may_begin_a_job();
        let standing = self.visitor.admit(app, own, bearer.claim, begins).await?;
        self.confirm(app, &bearer, standing).await
    }

    /// Like [`Self::admit`] for a question, and looks for its answer in the same round trip. `plan` reads the question as
    /// one of its asker, and `wanted` says what is looked for; nothing else may be done with the asker's id before
    /// this returns.
    pub(crate) async fn admit_to_ask<T>(
        self,
        app: &App,
        plan: impl FnOnce(UserId) -> Result<T, ApiError>,
        wanted: impl FnOnce(&T) -> (&AnswerKey, &CollectionScope),
    ) -> Result<(T, Lookup), ApiError> {
        let bearer = self.identify(app, Action::Ask).await?;
        bearer.say();
        let planned = plan(bearer.claim.owner)?;
        let own = bearer.counted(app, Action::Ask);
        let (standing, found) = self
            .visitor
            .admit_and_find(app, own, bearer.claim, wanted(&planned))
            .await?;
        self.confirm(app, &bearer, standing).await?;
        Ok((planned, found))
    }

    /// A session says itself whose it is. A key that this sandbox does not know has to be looked up, and so that nobody
    /// has ours looked up without end, the address is counted before.
    async fn identify(&self, app: &App, action: Action) -> Result<Bearer, ApiError> {
        let secret = match &self.credential {
            Credential::Session { user, session } => {
                return Ok(Bearer {
                    claim: Claim {
                        id: session.uuid(),
                        owner: *user,
                    },
                    is_proven: false,
                });
            }
            Credential::Key(secret) => secret,
        };
        let digest = secret.digest();
        let (key, is_proven) = match app.known_keys.get(&digest) {
            Some(key) => (key, false),
            None => {
                self.visitor.may_knock(app).await?;
                let found = api_keys::find(&mut app.db.session().await?, digest).await?;
                let key = found.ok_or(ApiError::Unauthorized)?;
                app.known_keys.remember(digest, key.clone());
                (key, true)
            }
        };
        if !action.scope().is_some_and(|scope| key.scopes.contains(&scope)) {
            return Err(ApiError::InsufficientScope);
        }
        Ok(Bearer {
            claim: Claim {
                id: key.id.uuid(),
                owner: key.owner,
            },
            is_proven,
        })
    }

    /// Where Redis does not know, Postgres does.
    async fn confirm(&self, app: &App, bearer: &Bearer, standing: Standing) -> Result<UserId, ApiError> {
        let counts = match standing {
            Standing::Alive => return Ok(bearer.claim.owner),
            Standing::Ended => false,
            Standing::Unknown => bearer.is_proven || self.ask_postgres(app, bearer).await?,
        };
        if !counts {
            return Err(ApiError::Unauthorized);
        }
        app.cache.note_alive(bearer.claim).await;
        Ok(bearer.claim.owner)
    }

    async fn ask_postgres(&self, app: &App, bearer: &Bearer) -> Result<bool, ApiError> {
        let mut db = app.db.session().await?;
        Ok(match &self.credential {
            Credential::Session { session, .. } => sessions::is_alive(&mut db, bearer.claim.owner, *session).await?,
            Credential::Key(secret) => api_keys::find(&mut db, secret.digest()).await?.is_some(),
        })
    }
}

impl Bearer {
    /// Whoever is turned away by a limit is to be found in the log, too.
    fn say(&self) {
        measures::note("user_id", self.claim.owner.to_string());
    }

    fn counted(&self, app: &App, action: Action) -> Option<Bucket> {
        let (what, rate) = action.limit(&app.limits.rates);
        crate::limits::bucket(rate, what, self.claim.owner)
    }
}
