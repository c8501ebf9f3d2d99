//! The client: who it is and how it calls.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::http::{self, Reply};
use crate::{interrupt, secrets};

/// How long the documents, and the answer, may take.
const LIMIT: Duration = Duration::from_secs(120);
/// A server on this machine may be polled more often than its `Retry-After` tells clients to.
const POLL: Duration = Duration::from_millis(50);

/// A user who can log in.
#[derive(Debug)]
pub(crate) struct User {
    pub(crate) email: String,
    pub(crate) password: String,
}

impl User {
    /// The demo user of this data directory.
    ///
    /// # Errors
    /// If the password can be neither read nor made.
    pub(crate) fn demo(directory: &Path) -> Result<Self> {
        let secret = secrets::get_or_make(directory, "demo_password")?;
        // A part of the name comes from the secret, too: a database that outlives this directory knows the old demo
        // user, whose password is lost.
        let (name, password) = secret.split_at(6);
        let email = format!("demo-{name}@docent.example");
        Ok(Self {
            email,
            password: password.to_owned(),
        })
    }
}

/// A logged-in client.
pub(super) struct Client {
    base: String,
    authorization: String,
}

impl Client {
    /// Registers the user, or logs in if that has happened before; the client, and what was done.
    ///
    /// # Errors
    /// If the server refuses.
    pub(super) fn log_in(base: &str, user: &User) -> Result<(Self, String)> {
        let User { email, password } = user;
        let registration = json!({"email": email, "password": password, "name": "Demo"});
        let reply = http::post(&format!("{base}/api/auth/register"), &[], &registration)?;
        let (body, what) = if reply.status == 409 {
            let credentials = json!({"email": email, "password": password});
            let reply = http::post(&format!("{base}/api/auth/login"), &[], &credentials)?;
            (reply.expect("POST /api/auth/login", &[200])?, "logged in")
        } else {
            (reply.expect("POST /api/auth/register", &[201])?, "registered")
        };
        let token = body["token"].as_str().context("no token in the answer")?;
        let client = Self {
            base: base.to_owned(),
            authorization: format!("Bearer {token}"),
        };
        Ok((client, format!("{what} as {email}")))
    }

    /// `GET path`
    pub(super) fn get(&self, path: &str) -> Result<Reply> {
        http::get(&self.url(path), &self.headers())
    }

    /// `POST path`
    pub(super) fn post(&self, path: &str, body: &Value) -> Result<Reply> {
        http::post(&self.url(path), &self.headers(), body)
    }

    /// `POST path` with bytes of this type.
    pub(super) fn post_bytes(&self, path: &str, content_type: &str, body: &[u8]) -> Result<Reply> {
        let [authorization] = self.headers();
        http::post_bytes(&self.url(path), &[authorization, ("content-type", content_type)], body)
    }

    /// `DELETE path`
    pub(super) fn delete(&self, path: &str) -> Result<Reply> {
        http::delete(&self.url(path), &self.headers())
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    fn headers(&self) -> [(&str, &str); 1] {
        [("authorization", &self.authorization)]
    }
}

/// Looks again and again until there is a result.
///
/// # Errors
/// If a look fails, or the limit passes.
pub(super) fn poll(what: &str, mut look: impl FnMut() -> Result<Option<Value>>) -> Result<Value> {
    let start = Instant::now();
    loop {
        if let Some(result) = look()? {
            return Ok(result);
        }
        if start.elapsed() > LIMIT {
            bail!("{what} is not done after {} s", LIMIT.as_secs());
        }
        interrupt::sleep(POLL)?;
    }
}

#[cfg(test)]
mod tests {
    use super::User;

    #[test]
    fn the_demo_user_keeps_its_password() {
        let directory = std::env::temp_dir().join(format!("xtask-demo-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let (first, second) = (User::demo(&directory).unwrap(), User::demo(&directory).unwrap());
        std::fs::remove_dir_all(&directory).unwrap();
        assert_eq!((&first.email, &first.password), (&second.email, &second.password));
        assert!(first.email.ends_with("@docent.example") && first.password.len() > 40);
    }
}
