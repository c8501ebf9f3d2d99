//! What a model is asked beside questions: small tasks, answered in plain text.

/// One task. Everything in it that others wrote is escaped by whoever makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task<'a> {
    /// The standing instructions.
    pub instructions: &'static str,
    /// What is shown first, and is the same, byte for byte, in several tasks in a row: the provider keeps it for some
    /// minutes and reads it again for a tenth of the price. It does so from about a thousand tokens on.
    pub shared: Option<&'a str>,
    /// What is shown after it.
    pub own: String,
    /// The most tokens of the reply.
    pub max_tokens: u64,
}
