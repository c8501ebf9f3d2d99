//! Which secrets are refused. Length alone would let through `aaaa…`, the placeholders of examples, and what every list for
//! breaking tokens begins with.

use std::collections::HashSet;

use data_encoding::{BASE64, BASE64URL_NOPAD, HEXLOWER};
use sha2::{Digest, Sha256};

/// A key is as strong as the hash that uses it (RFC 7518, section 3.2).
const SHORTEST: usize = 32;
/// 32 random bytes, written in whatever way, show more than this.
const DISTINCT: usize = 10;

/// Words of placeholders. They are long enough not to come up in random text: six given letters in a secret of 64 do so
/// once in ten million.
const WORDS: [&str; 16] = [
    "change",
    "secret",
    "example",
    "password",
    "passwd",
    "default",
    "placeholder",
    "insert",
    "replace",
    "qwerty",
    "development",
    "letmein",
    "jwttoken",
    "supersafe",
    "yourkey",
    "docent",
];

/// Keys that stand in specifications, and so in the lists: RFC 7515 (appendix A.1) and RFC 7520 (section 3.5).
const PUBLISHED: [&str; 2] = [
    "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
    "hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg",
];

/// Words of which a hash is no secret either.
const HASHED: [&str; 12] = [
    "", "secret", "password", "test", "admin", "root", "jwt", "token", "123456", "changeme", "key", "hello",
];

/// MD5 of the same, of which there is no implementation here: of the first four.
const MD5: [&str; 4] = [
    "d41d8cd98f00b204e9800998ecf8427e",
    "5ebe2294ecd0e0f08eab7690d2a6ee69",
    "5f4dcc3b5aa765d61d8327deb882cf99",
    "098f6bcd4621d373cade4e832627b4f6",
];

/// Whether a secret must not sign tokens.
pub(super) fn is_weak(secret: &str) -> bool {
    if secret.len() < SHORTEST || PUBLISHED.contains(&secret.trim_end_matches('=')) {
        return true;
    }
    is_simple(secret) || is_hash_of_a_word(secret) || decoded(secret).is_some_and(|text| is_simple(&text))
}

fn is_simple(text: &str) -> bool {
    let lower: String = text.to_lowercase();
    let letters: String = lower.chars().filter(|c| c.is_alphanumeric()).collect();
    text.bytes().collect::<HashSet<u8>>().len() < DISTINCT
        || WORDS.iter().any(|word| letters.contains(word))
        || is_repetition(lower.as_bytes())
        || is_sequence(lower.as_bytes())
}

/// The same again and again: it is no longer than its period.
fn is_repetition(text: &[u8]) -> bool {
    (1..=text.len() / 2).any(|period| text[period..] == text[..text.len() - period])
}

/// Mostly steps to a neighbour, as in `0123456789abcdef`.
fn is_sequence(text: &[u8]) -> bool {
    let steps = text.windows(2).filter(|pair| pair[0].abs_diff(pair[1]) <= 1).count();
    2 * steps >= text.len()
}

fn is_hash_of_a_word(secret: &str) -> bool {
    let lower = secret.to_lowercase();
    let is_digest = |word: &&str| HEXLOWER.encode(&Sha256::digest(word.as_bytes())) == lower;
    MD5.contains(&lower.as_str()) || HASHED.iter().any(is_digest)
}

/// What a secret says, if it is text that was only written in base64.
fn decoded(secret: &str) -> Option<String> {
    let bytes = BASE64
        .decode(secret.as_bytes())
        .or_else(|_| BASE64URL_NOPAD.decode(secret.as_bytes()))
        .ok()?;
    let text = String::from_utf8(bytes).ok()?;
    text.chars().all(|c| c.is_ascii_graphic() || c == ' ').then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_short_known_or_has_a_pattern_is_weak() {
        for secret in [
            "",
            "change-me",
            "qN7vKx2LdW9sRf4TbY6hJm1PzC8gUe3",
            "this-is-an-example-value-1234567890-abcdef",
            "your-256-bit-secret-your-256-bit-secret",
            "a-string-secret-at-least-256-bits-long",
            "C.h.A.n.G.e--M.e--9x8y7z6w5v4u3t2s1r0q",
            "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
            "abcdefghijklmnopqrstuvwxyz0123456789",
            "0123456789abcdef0123456789abcdef",
            "9fK2xQ7LmZ9fK2xQ7LmZ9fK2xQ7LmZ9fK2xQ7LmZ",
            "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "5F4DCC3B5AA765D61D8327DEB882CF99",
            "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA==",
            &"a".repeat(64),
            &"ab".repeat(40),
        ] {
            assert!(is_weak(secret), "{secret}");
        }
    }

    #[test]
    fn random_secrets_in_every_spelling_are_strong() {
        for _ in 0..200 {
            let bytes: [u8; 48] = std::array::from_fn(|_| uuid::Uuid::new_v4().as_bytes()[0]);
            for secret in [
                HEXLOWER.encode(&bytes[..32]),
                BASE64.encode(&bytes),
                BASE64URL_NOPAD.encode(&bytes[..32]),
            ] {
                assert!(!is_weak(&secret), "{secret}");
            }
        }
    }
}
