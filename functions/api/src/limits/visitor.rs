//! Somebody who has not signed in yet, and what they may do so often.

use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use sha2::{Digest, Sha256};
use shared::cache::{Bucket, Buckets, Claim, Lookup, Marked, Standing};
use shared::domain::{AnswerKey, CollectionScope, Email, Rate};

use super::note::LimitNote;
use super::{ClientAddress, bucket};
use crate::app::App;
use crate::error::ApiError;

/// Attempts to sign in to one account that fail: five a minute, and twenty an hour. So who guesses waits for twelve seconds
/// between guesses, and after twenty for three minutes; nobody is locked out for good.
const GUESSES: [(&str, u32, Duration); 2] = [
    ("minute", 5, Duration::from_mins(1)),
    ("hour", 20, Duration::from_hours(1)),
];
/// So long an address from which somebody signed in to an account is told apart from strangers' addresses.
const FAMILIAR_FOR: Duration = Duration::from_hours(30 * 24);

/// Who sent a request, as far as the gateway knows, and where to note what the limits say.
#[derive(Debug, Clone)]
pub(crate) struct Visitor {
    address: Option<ClientAddress>,
    note: LimitNote,
}

impl<S: Send + Sync> FromRequestParts<S> for Visitor {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self::of(parts))
    }
}

impl Visitor {
    /// Who sent this request.
    pub(crate) fn of(parts: &Parts) -> Self {
        Self {
            address: ClientAddress::of(&parts.extensions),
            note: parts.extensions.get::<LimitNote>().cloned().unwrap_or_default(),
        }
    }

    /// Lets a new account be made, or answers 429.
    pub(crate) async fn may_sign_up(&self, app: &App) -> Result<(), ApiError> {
        self.may(app, self.counted("sign-up", app.limits.rates.sign_up)).await
    }

    /// Lets a refresh token be used, or answers 429.
    pub(crate) async fn may_refresh(&self, app: &App) -> Result<(), ApiError> {
        self.may(app, self.counted("refresh", app.limits.rates.refresh)).await
    }

    /// Lets a request through that has yet to be identified, or answers 429.
    pub(crate) async fn may_knock(&self, app: &App) -> Result<(), ApiError> {
        self.may(app, None).await
    }

    /// Counts an attempt to sign in before the password is looked at, or answers 429. That there is no such account changes
    /// nothing.
    pub(crate) async fn begin_sign_in(&self, app: &App, email: &Email) -> Result<SignInAttempt, ApiError> {
        let of_address = self.with_address(app, self.counted("sign-in", app.limits.rates.sign_in));
        self.begin_guess(app, email.as_str(), of_address).await
    }

    /// Counts an attempt of somebody signed in to prove that they know the password, together with attempts to sign in to
    /// that account. The request itself has been counted.
    pub(crate) async fn begin_proof(&self, app: &App, email: &str) -> Result<SignInAttempt, ApiError> {
        let of_address = self.counted("sign-in", app.limits.rates.sign_in);
        self.begin_guess(app, email, of_address.into_iter().collect()).await
    }

    /// `email` is one that was normalised, and `all` what counts besides the account's guesses.
    async fn begin_guess(&self, app: &App, email: &str, mut all: Vec<Bucket>) -> Result<SignInAttempt, ApiError> {
        let account = digest(&[email]);
        let shared = all.len();
        all.extend(guesses(&account));
        let unless_marked = self.address.map(|address| {
            let familiar = digest(&[email, &address.to_string()]);
            let own = guesses(&familiar).map(|bucket| bucket.name);
            Marked {
                mark: format!("familiar:{familiar}"),
                names: all[..shared]
                    .iter()
                    .map(|bucket| bucket.name.clone())
                    .chain(own)
                    .collect(),
            }
        });
        let mut buckets = Buckets { all, unless_marked };
        let taken = app.limits.take(&buckets).await;
        self.note.obey(taken.allowance)?;
        let (mark, own) = buckets.unless_marked.map(|marked| (marked.mark, marked.names)).unzip();
        if let Some(names) = own.filter(|_| taken.is_marked) {
            for (bucket, name) in buckets.all.iter_mut().zip(names) {
                bucket.name = name;
            }
        }
        Ok(SignInAttempt {
            counted: buckets.all.split_off(shared),
            mark,
        })
    }

    /// Counts a request of somebody known.
    pub(crate) async fn admit(
        &self,
        app: &App,
        own: Option<Bucket>,
        claim: Claim,
        may_begin_a_job: bool,
    ) -> Result<Standing, ApiError> {
        let (taken, standing) = app.limits.admit(&self.buckets(app, own), claim, may_begin_a_job).await;
        self.note.obey(taken.allowance)?;
        Ok(standing)
    }

    /// Besides, looks for an answer.
    pub(crate) async fn admit_and_find(
        &self,
        app: &App,
        own: Option<Bucket>,
        claim: Claim,
        wanted: (&AnswerKey, &CollectionScope),
    ) -> Result<(Standing, Lookup), ApiError> {
        let (taken, standing, found) = app.limits.admit_and_find(&self.buckets(app, own), claim, wanted).await;
        self.note.obey(taken.allowance)?;
        Ok((standing, found))
    }

    async fn may(&self, app: &App, own: Option<Bucket>) -> Result<(), ApiError> {
        let buckets = self.buckets(app, own);
        if buckets.all.is_empty() {
            return Ok(());
        }
        self.note.obey(app.limits.take(&buckets).await.allowance)
    }

    fn buckets(&self, app: &App, own: Option<Bucket>) -> Buckets {
        Buckets {
            all: self.with_address(app, own),
            unless_marked: None,
        }
    }

    fn with_address(&self, app: &App, own: Option<Bucket>) -> Vec<Bucket> {
        self.counted("address", app.limits.rates.address)
            .into_iter()
            .chain(own)
            .collect()
    }

    /// What the client's address is counted by.
    fn counted(&self, what: &str, rate: Option<Rate>) -> Option<Bucket> {
        bucket(rate, what, self.address?)
    }
}

/// An attempt to sign in that was counted as if it had failed.
#[derive(Debug)]
pub(crate) struct SignInAttempt {
    counted: Vec<Bucket>,
    mark: Option<String>,
}

impl SignInAttempt {
    /// The password was right: the attempt does not count, and the address is known from now on.
    pub(crate) async fn succeeded(self, app: &App) {
        let mark = self.mark.as_deref().map(|mark| (mark, FAMILIAR_FOR));
        app.limits.give_back(&self.counted, mark).await;
    }
}

fn guesses(whose: &str) -> impl Iterator<Item = Bucket> {
    GUESSES.iter().filter_map(move |(what, count, span)| {
        let rate = Rate::new(*count, *span, *count).ok();
        bucket(rate, &format!("guess:{what}"), whose)
    })
}

/// Redis holds no address that somebody signs in with.
fn digest(parts: &[&str]) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(part.len().to_be_bytes());
        digest.update(part);
    }
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
