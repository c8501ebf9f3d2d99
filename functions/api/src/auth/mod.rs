//! Who is calling: passwords, tokens, and the [`CurrentUser`] that a handler asks for.

mod admission;
mod common_passwords;
mod current_user;
mod known_keys;
mod passwords;
mod plain_password;
mod tokens;

pub(crate) use admission::Action;
pub use current_user::CurrentUser;
pub use known_keys::KnownKeys;
pub use passwords::{Comparison, HashingFailed, Passwords};
pub use plain_password::PlainPassword;
pub use tokens::Tokens;
