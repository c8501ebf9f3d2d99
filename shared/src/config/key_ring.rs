//! `JWT_SECRET`: one secret, or several with names.

use std::fmt::Write;

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use super::weak_secrets;
use crate::domain::Invalid;

/// More keys than a rotation can need are a mistake.
const AT_MOST: usize = 8;
const NAME_LENGTH: usize = 16;

/// The keys of access tokens: the first signs, each verifies what names it.
#[derive(Debug, Clone, Default)]
pub struct KeyRing(Vec<NamedKey>);

/// One key.
#[derive(Debug, Clone)]
pub struct NamedKey {
    /// What a token's `kid` says.
    pub name: String,
    /// At least 32 bytes.
    pub secret: SecretString,
}

impl KeyRing {
    /// The keys, the one that signs first. There is at least one in every ring that was read.
    #[must_use]
    pub fn keys(&self) -> &[NamedKey] {
        &self.0
    }

    /// Reads a ring: `name:secret` pairs with commas between them if the text begins with a name and a colon, where a
    /// name is 1 to 16 small letters, digits, `-` and `_`. Any other text is one secret, whatever characters it has; its name
    /// is then the beginning of its SHA-256, so that it stays the same in every sandbox and when it moves into a ring. So
    /// a lone secret that begins like a name needs a name of its own in front, and one with a comma cannot be in a ring.
    ///
    /// # Errors
    /// [`Invalid`], which does not tell the secret.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let keys = if named(text).is_some() {
            text.split(',')
                .map(|pair| pair_of(pair.trim()))
                .collect::<Result<Vec<_>, _>>()?
        } else {
            vec![NamedKey {
                name: fingerprint(text),
                secret: SecretString::from(text),
            }]
        };
        check(&keys)?;
        Ok(Self(keys))
    }
}

fn pair_of(text: &str) -> Result<NamedKey, Invalid> {
    let (name, secret) = named(text).ok_or_else(|| {
        Invalid::new("must be one secret, or name:secret pairs separated by commas; a secret in a pair has no comma")
    })?;
    Ok(NamedKey {
        name: name.to_owned(),
        secret: SecretString::from(secret),
    })
}

fn named(text: &str) -> Option<(&str, &str)> {
    let (name, secret) = text.split_once(':')?;
    let is_name = (1..=NAME_LENGTH).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b));
    is_name.then_some((name, secret))
}

/// Eight digits: `printf %s "$JWT_SECRET" | sha256sum | cut -c1-8`.
fn fingerprint(secret: &str) -> String {
    let digest = Sha256::digest(secret.as_bytes());
    digest.iter().take(4).fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn check(keys: &[NamedKey]) -> Result<(), Invalid> {
    if keys.len() > AT_MOST {
        return Err(Invalid::new(format!("must hold at most {AT_MOST} secrets")));
    }
    if keys.iter().any(|key| weak_secrets::is_weak(key.secret.expose_secret())) {
        return Err(Invalid::new(
            "must be at least 32 random bytes, and none that is known; make one with: openssl rand -base64 48",
        ));
    }
    let repeats = |(at, key): (usize, &NamedKey)| {
        let secret = key.secret.expose_secret();
        keys[..at]
            .iter()
            .any(|other| other.name == key.name || other.secret.expose_secret() == secret)
    };
    if keys.iter().enumerate().any(repeats) {
        return Err(Invalid::new("must not hold a name or a secret twice"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ONE: &str = "qN7vKx2LdW9sRf4TbY6hJm1PzC8gUe3A0iOo";
    const TWO: &str = "Zt5/uB3+wXkQ8nE2rVy7Ls0GhDaJ4cMfPi6T==";

    fn names(text: &str) -> Option<Vec<String>> {
        let ring = KeyRing::parse(text).ok()?;
        Some(ring.keys().iter().map(|key| key.name.clone()).collect())
    }

    #[test]
    fn one_secret_is_named_by_its_digest_and_may_have_any_character() {
        assert_eq!(names(ONE).unwrap(), ["3141d626"], "as sha256sum says");
        for secret in [
            format!("{ONE},{TWO}"),
            format!("Qq:{ONE}"),
            format!(":{ONE}"),
            format!("a name:{ONE}"),
        ] {
            let ring = KeyRing::parse(&secret).unwrap();
            assert_eq!(ring.keys().len(), 1);
            assert_eq!(ring.keys()[0].secret.expose_secret(), secret);
        }
    }

    #[test]
    fn pairs_are_a_ring_in_their_order() {
        assert_eq!(names(&format!("b:{ONE}, a-1_x:{TWO}")).unwrap(), ["b", "a-1_x"]);
        let with_colon = KeyRing::parse(&format!("k1:Qq:{ONE}")).unwrap();
        assert_eq!(with_colon.keys()[0].secret.expose_secret(), format!("Qq:{ONE}"));
    }

    #[test]
    fn a_ring_with_a_mistake_is_refused_whole() {
        let many: Vec<String> = (0..9).map(|n| format!("k{n}:{n}{n}{ONE}")).collect();
        for bad in [
            format!("a:{ONE},{TWO}"),
            format!("a:{ONE},"),
            format!("a:{ONE},a:{TWO}"),
            format!("a:{ONE},b:{ONE}"),
            format!("a:{ONE},b:short"),
            format!("a:{}", &ONE[..31]),
            many.join(","),
            String::new(),
        ] {
            let problem = KeyRing::parse(&bad).unwrap_err().0;
            assert!(!problem.contains("qN7v") && !problem.contains("Zt5"), "{problem}");
        }
        assert!(KeyRing::parse(&many[..8].join(",")).is_ok());
    }

    #[test]
    fn a_ring_does_not_show_its_secrets() {
        let shown = format!("{:?}", KeyRing::parse(&format!("a:{ONE}")).unwrap());
        assert!(shown.contains("REDACTED") && !shown.contains("qN7v"), "{shown}");
    }

    proptest! {
        #[test]
        fn every_ring_that_is_read_has_strong_secrets_under_names_of_their_own(text in "([a-z]{0,3}:[A-Za-z0-9,:]{30,40},?){0,3}|\\PC{0,80}") {
            if let Ok(ring) = KeyRing::parse(&text) {
                prop_assert!((1..=AT_MOST).contains(&ring.keys().len()));
                for (at, key) in ring.keys().iter().enumerate() {
                    prop_assert!(key.secret.expose_secret().len() >= 32);
                    prop_assert!((1..=NAME_LENGTH).contains(&key.name.len()));
                    prop_assert!(ring.keys()[..at].iter().all(|other| other.name != key.name));
                }
            }
        }

        #[test]
        fn a_ring_is_read_as_it_was_written(secrets in proptest::collection::vec("[A-Za-z0-9+/:]{48}", 1..4)) {
            let text: Vec<String> = secrets.iter().enumerate().map(|(n, secret)| format!("k{n}:{secret}")).collect();
            if let Ok(ring) = KeyRing::parse(&text.join(",")) {
                let read: Vec<&str> = ring.keys().iter().map(|key| key.secret.expose_secret()).collect();
                prop_assert_eq!(read, secrets);
            }
        }
    }
}
