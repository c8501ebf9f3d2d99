//! Who is calling: passwords, tokens, and the [`CurrentUser`] that a handler asks for.

mod current_user;
mod passwords;
mod tokens;

pub use current_user::CurrentUser;
pub use passwords::{HashingFailed, Passwords, PlainPassword};
pub use tokens::Tokens;
