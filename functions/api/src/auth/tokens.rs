//! Access tokens: JWTs that we sign and verify ourselves.

use std::time::Duration;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use shared::config::AuthConfig;
use shared::domain::UserId;
use time::OffsetDateTime;

/// Who signs, and whom a token is for: a token made for something else with the same secret is refused.
const ISSUER: &str = "docent";
const AUDIENCE: &str = "docent-api";
/// Clocks of the sandboxes that sign and verify may differ by this much.
const LEEWAY_SECONDS: u64 = 5;

/// Signs and verifies. The keys are prepared once.
pub struct Tokens {
    signing: EncodingKey,
    verifying: DecodingKey,
    validation: Validation,
    lifetime: Duration,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: UserId,
    iat: i64,
    nbf: i64,
    exp: i64,
}

impl Tokens {
    /// Prepares the keys.
    #[must_use]
    pub fn new(config: &AuthConfig) -> Self {
        let secret = config.secret.expose_secret().as_bytes();
        // The algorithm is ours to say, never the token's (RFC 8725, section 3.1).
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["iss", "aud", "sub", "exp", "nbf"]);
        validation.validate_nbf = true;
        validation.leeway = LEEWAY_SECONDS;
        Self {
            signing: EncodingKey::from_secret(secret),
            verifying: DecodingKey::from_secret(secret),
            validation,
            lifetime: config.lifetime,
        }
    }

    /// A token for a user, valid from now for the configured lifetime.
    ///
    /// # Errors
    /// The cryptographic library refused; with a fixed algorithm and key that would be a defect.
    pub fn issue(&self, user: UserId) -> Result<String, jsonwebtoken::errors::Error> {
        let now = OffsetDateTime::now_utc().unix_timestamp();
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: user,
            iat: now,
            nbf: now,
            exp: now.saturating_add_unsigned(self.lifetime.as_secs()),
        };
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.signing)
    }

    /// Whose token it is; `None` for a token that is not ours, not valid yet or no longer. Why is nobody's business.
    #[must_use]
    pub fn verify(&self, token: &str) -> Option<UserId> {
        let data = jsonwebtoken::decode::<Claims>(token, &self.verifying, &self.validation).ok()?;
        Some(data.claims.sub)
    }
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;

    use super::*;

    fn tokens(secret: &str) -> Tokens {
        Tokens::new(&AuthConfig {
            secret: SecretString::from(secret),
            lifetime: Duration::from_secs(60),
        })
    }

    fn signed(claims: &serde_json::Value, algorithm: Algorithm) -> String {
        let key = EncodingKey::from_secret(b"secret one");
        jsonwebtoken::encode(&Header::new(algorithm), claims, &key).unwrap()
    }

    fn claims() -> serde_json::Value {
        let now = OffsetDateTime::now_utc().unix_timestamp();
        serde_json::json!({"iss": ISSUER, "aud": AUDIENCE, "sub": UserId::new(), "iat": now, "nbf": now, "exp": now + 60})
    }

    #[test]
    fn a_token_names_its_user() {
        let user = UserId::new();
        let tokens = tokens("secret one");
        assert_eq!(tokens.verify(&tokens.issue(user).unwrap()), Some(user));
        assert!(
            tokens.verify(&signed(&claims(), Algorithm::HS256)).is_some(),
            "the base of the next test must be valid"
        );
    }

    #[test]
    fn tokens_of_another_secret_or_algorithm_are_refused() {
        let ours = tokens("secret one");
        assert_eq!(ours.verify(&tokens("secret two").issue(UserId::new()).unwrap()), None);
        assert_eq!(ours.verify(&signed(&claims(), Algorithm::HS512)), None);
        let unsigned = "eyJhbGciOiJub25lIn0.eyJzdWIiOiIwMTg5MGE1ZC1hYzk2LTc3NGItYmNjZS1iMzAyMDk5YTgwNTcifQ.";
        assert_eq!(ours.verify(unsigned), None);
    }

    #[test]
    fn every_claim_is_checked() {
        let now = OffsetDateTime::now_utc().unix_timestamp();
        let wrong = [
            ("exp", serde_json::json!(now - 6)),
            ("exp", serde_json::json!((now + 60).to_string())),
            ("nbf", serde_json::json!(now + 30)),
            ("iss", serde_json::json!("somebody")),
            ("aud", serde_json::json!("something")),
            ("sub", serde_json::json!("not a uuid")),
        ];
        for (claim, value) in wrong {
            let mut bad = claims();
            bad[claim] = value;
            assert_eq!(
                tokens("secret one").verify(&signed(&bad, Algorithm::HS256)),
                None,
                "{claim}"
            );
            let mut without = claims();
            without.as_object_mut().unwrap().remove(claim);
            assert_eq!(
                tokens("secret one").verify(&signed(&without, Algorithm::HS256)),
                None,
                "no {claim}"
            );
        }
    }
}
