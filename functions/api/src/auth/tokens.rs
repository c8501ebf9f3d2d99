//! Access tokens: JWTs that we sign and verify ourselves. The profile is that of RFC 9068, and RFC 8725 is followed: what a
//! token says of how it is to be verified is compared with what we make, and never obeyed.

use std::sync::Arc;
use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use shared::config::{AuthConfig, Env, KeyRing, NamedKey};
use shared::domain::{SessionId, UserId};
use shared::secrets::Rotating;
use time::OffsetDateTime;

/// Who signs, and whom a token is for: a token made for something else with the same secret is refused.
const ISSUER: &str = "docent";
const AUDIENCE: &str = "docent-api";
/// What a token is: no other sort of JWT passes for it (RFC 9068, section 2.1).
const TYPE: &str = "at+jwt";
/// Clocks of the sandboxes that sign and verify may differ by this much.
const LEEWAY_SECONDS: i64 = 5;

/// How often the ring is read again at most because of a token that none of its keys has signed: anybody can send such
/// tokens, and they shall cost next to nothing.
const REST: Duration = Duration::from_mins(1);

/// Signs and verifies.
pub struct Tokens {
    rings: Arc<Rotating<Ring>>,
    validation: Validation,
    lifetime: Duration,
}

/// The keys, prepared once.
struct Ring {
    signing: (Header, EncodingKey),
    verifying: Vec<(String, DecodingKey)>,
}

/// Why a token says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    /// It has the form of ours, and no key of the ring has signed it: one of a newer ring may have.
    NotOfThisRing,
    /// It never says anything.
    Worthless,
}

/// The header, with nothing else: a token that asks for a key of its own (`jku`, `jwk`, `x5u`) or for extensions
/// (`crit`, `b64`) is none of ours.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Protected {
    alg: String,
    typ: String,
    kid: String,
}

/// Each has to be there, once, and of its type; others are ignored, so that a later release may add some.
#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: UserId,
    sid: SessionId,
    iat: i64,
    nbf: i64,
    exp: i64,
}

impl Tokens {
    /// Prepares the keys.
    ///
    /// # Errors
    /// The ring is empty, which no ring is that was read from the settings.
    pub fn new(config: &AuthConfig) -> anyhow::Result<Self> {
        let again = |env: &mut Env| Ring::of(&AuthConfig::from_env(env).keys);
        Ok(Self {
            rings: Rotating::new(&config.source, "JWT_SECRET", REST, Ring::of(&config.keys)?, again),
            validation: validation(),
            lifetime: config.lifetime,
        })
    }

    /// How long a token is valid.
    #[must_use]
    pub fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// A token for a user's session, valid from now for the configured lifetime.
    ///
    /// # Errors
    /// The cryptographic library refused; with a fixed algorithm and key that would be a defect.
    pub fn issue(&self, user: UserId, session: SessionId) -> Result<String, jsonwebtoken::errors::Error> {
        let now = OffsetDateTime::now_utc().unix_timestamp();
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: user,
            sid: session,
            iat: now,
            nbf: now,
            exp: now.saturating_add_unsigned(self.lifetime.as_secs()),
        };
        let (header, key) = &self.rings.current().signing;
        jsonwebtoken::encode(header, &claims, key)
    }

    /// Whose token it is, and in which session; `None` for a token that is not ours, not valid yet or no longer. Why is
    /// nobody's business. Before a token is refused for its signature alone, it is looked whether there are new keys.
    pub async fn verify(&self, token: &str) -> Option<(UserId, SessionId)> {
        let ring = self.rings.current();
        match self.verify_by(&ring, token) {
            Err(Refusal::NotOfThisRing) => {
                let newer = self.rings.instead_of(&ring).await?;
                self.verify_by(&newer, token).ok()
            }
            outcome => outcome.ok(),
        }
    }

    fn verify_by(&self, ring: &Ring, token: &str) -> Result<(UserId, SessionId), Refusal> {
        let header = Protected::read(token).ok_or(Refusal::Worthless)?;
        let key = ring.verifying.iter().find(|(name, _)| *name == header.kid);
        let (_, key) = key.ok_or(Refusal::NotOfThisRing)?;
        let claims = jsonwebtoken::decode::<Claims>(token, key, &self.validation);
        let claims = claims.map_err(|error| match error.kind() {
            ErrorKind::InvalidSignature => Refusal::NotOfThisRing,
            _ => Refusal::Worthless,
        })?;
        let (claims, now) = (claims.claims, OffsetDateTime::now_utc().unix_timestamp());
        let is_good = claims.has_good_times(now);
        is_good.then_some((claims.sub, claims.sid)).ok_or(Refusal::Worthless)
    }
}

impl Ring {
    fn of(keys: &KeyRing) -> anyhow::Result<Self> {
        let first = keys.keys().first();
        let first = first.ok_or_else(|| anyhow::anyhow!("there is no key to sign tokens with"))?;
        let mut header = Header::new(Algorithm::HS256);
        header.typ = Some(TYPE.to_owned());
        header.kid = Some(first.name.clone());
        let secret = |key: &NamedKey| key.secret.expose_secret().as_bytes().to_vec();
        let prepared = keys.keys().iter();
        let prepared = prepared.map(|key| (key.name.clone(), DecodingKey::from_secret(&secret(key))));
        Ok(Self {
            signing: (header, EncodingKey::from_secret(&secret(first))),
            verifying: prepared.collect(),
        })
    }
}

/// The algorithm is ours to say, never the token's (RFC 8725, section 3.1).
fn validation() -> Validation {
    let mut validation = Validation::new(Algorithm::HS256);
    validation.set_issuer(&[ISSUER]);
    validation.set_audience(&[AUDIENCE]);
    validation.set_required_spec_claims(&["iss", "aud", "sub", "exp", "nbf"]);
    validation.validate_nbf = true;
    validation.leeway = LEEWAY_SECONDS.unsigned_abs();
    validation
}

impl Protected {
    /// Reads the header of a token that has three parts, each in the one spelling that base64url gives it.
    fn read(token: &str) -> Option<Self> {
        let parts: Vec<&str> = token.split('.').collect();
        let [header, payload, signature] = parts[..] else {
            return None;
        };
        let decoded = BASE64URL_NOPAD.decode(header.as_bytes()).ok()?;
        let are_plain = [payload, signature]
            .iter()
            .all(|part| BASE64URL_NOPAD.decode(part.as_bytes()).is_ok());
        let read: Self = serde_json::from_slice(&decoded).ok()?;
        (are_plain && read.alg == "HS256" && read.typ == TYPE).then_some(read)
    }
}

impl Claims {
    /// The library has compared `exp` and `nbf` with the clock. Besides, it has to have been made before now, and for no
    /// longer than we make any.
    fn has_good_times(&self, now: i64) -> bool {
        let longest = AuthConfig::LONGEST.as_secs().cast_signed();
        let spans = [self.iat, self.nbf].map(|start| self.exp.checked_sub(start));
        self.iat <= now + LEEWAY_SECONDS
            && self.exp > now - LEEWAY_SECONDS
            && spans
                .iter()
                .all(|span| span.is_some_and(|span| (1..=longest).contains(&span)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use shared::config::Source;

    use super::*;

    const ONE: &str = "qN7vKx2LdW9sRf4TbY6hJm1PzC8gUe3A0iOo";
    const TWO: &str = "Zt5wB3yXkQ8nE2rVh7Ls0GjDaJ4cMfPi6TuR";

    fn tokens(ring: &str) -> Tokens {
        let config = AuthConfig {
            keys: KeyRing::parse(ring).unwrap(),
            lifetime: Duration::from_secs(60),
            refresh_lifetime: Duration::from_secs(60),
            session_lifetime: Duration::from_secs(60),
            source: Source::default(),
        };
        Tokens::new(&config).unwrap()
    }

    fn verify(tokens: &Tokens, token: &str) -> Option<(UserId, SessionId)> {
        tokens.verify_by(&tokens.rings.current(), token).ok()
    }

    #[test]
    fn a_token_names_its_user_and_its_session() {
        let (user, session) = (UserId::new(), SessionId::new());
        let tokens = tokens(ONE);
        assert_eq!(
            verify(&tokens, &tokens.issue(user, session).unwrap()),
            Some((user, session))
        );
    }

    #[test]
    fn the_first_key_signs_and_all_verify() {
        let (user, session) = (UserId::new(), SessionId::new());
        let old = tokens(&format!("old:{ONE}")).issue(user, session).unwrap();
        let rotated = tokens(&format!("new:{TWO},old:{ONE}"));
        assert!(verify(&rotated, &old).is_some());
        let new = rotated.issue(user, session).unwrap();
        assert!(verify(&tokens(&format!("new:{TWO}")), &new).is_some());
        assert_eq!(verify(&tokens(&format!("old:{ONE}")), &new), None);
        assert_eq!(
            verify(&tokens(&format!("old:{TWO}")), &old),
            None,
            "another key of the same name"
        );
    }

    #[test]
    fn a_lone_secret_moves_into_a_ring_under_its_name() {
        let lone = tokens(ONE).issue(UserId::new(), SessionId::new()).unwrap();
        assert!(verify(&tokens(&format!("new:{TWO},3141d626:{ONE}")), &lone).is_some());
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic_or_passes(text in "\\PC{0,80}|[A-Za-z0-9_-]{0,40}(\\.[A-Za-z0-9_-]{0,40}){0,4}") {
            prop_assert_eq!(verify(&tokens(ONE), &text), None);
        }

        #[test]
        fn a_token_with_one_changed_byte_is_none(at in any::<prop::sample::Index>(), byte in prop::sample::select(b"AZaz09-_.=".to_vec())) {
            let tokens = tokens(ONE);
            let mut token = tokens.issue(UserId::new(), SessionId::new()).unwrap().into_bytes();
            let at = at.index(token.len());
            prop_assume!(token[at] != byte);
            token[at] = byte;
            prop_assert_eq!(verify(&tokens, std::str::from_utf8(&token).unwrap()), None);
        }
    }
}
