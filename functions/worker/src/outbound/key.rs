//! The key that a service is sent with every call.

use std::sync::Arc;

use reqwest::header::{HeaderName, HeaderValue, InvalidHeaderValue};
use reqwest::{RequestBuilder, Response, StatusCode};
use secrecy::SecretString;
use shared::config::{Env, Source};
use shared::secrets::{self, Rotating};

/// A key, and the header that it goes into. Cheap to clone; all clones get to know of a new key.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    header: HeaderName,
    values: Arc<Rotating<HeaderValue>>,
}

impl Key {
    /// `first` was made of the variable's value, and `written` makes the header's value of another key.
    pub(crate) fn new(
        source: &Source,
        variable: &'static str,
        header: HeaderName,
        first: HeaderValue,
        written: fn(&SecretString) -> Result<HeaderValue, InvalidHeaderValue>,
    ) -> Self {
        let again = move |env: &mut Env| written(&env.secret(variable)).map(sensitive);
        Self {
            header,
            values: Rotating::new(source, variable, secrets::REST, sensitive(first), again),
        }
    }

    /// Sends a request with the key. If the key is refused and there is a new one, the call is made once more with that: a
    /// call with a refused key has done nothing, and nobody pays for it.
    ///
    /// # Errors
    /// There is no reply.
    pub(crate) async fn send(&self, request: RequestBuilder) -> Result<Response, reqwest::Error> {
        let key = self.values.current();
        let with = |request: RequestBuilder, key: &HeaderValue| request.header(self.header.clone(), key.clone());
        // A body that was given as a whole is shared and not copied.
        let once_more = request.try_clone();
        let response = with(request, &key).send().await?;
        if is_refused(response.status())
            && let Some(request) = once_more
            && let Some(key) = self.values.instead_of(&key).await
        {
            return with(request, &key).send().await;
        }
        Ok(response)
    }
}

fn is_refused(status: StatusCode) -> bool {
    matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
}

/// No debug output shows it.
fn sensitive(mut key: HeaderValue) -> HeaderValue {
    key.set_sensitive(true);
    key
}
