//! A value beside a field's name in a line.

use std::borrow::Cow;

/// What a line says of its request or job that is no metric: an id, an outcome, a number to look at.
#[derive(Debug, Clone, PartialEq)]
pub enum Note {
    /// A text.
    Text(Cow<'static, str>),
    /// A whole number.
    Whole(i64),
    /// Any other number; one that is none is left out.
    Number(f64),
    /// Yes or no.
    Flag(bool),
}

impl From<&'static str> for Note {
    fn from(text: &'static str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Note {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl From<i32> for Note {
    fn from(number: i32) -> Self {
        Self::Whole(number.into())
    }
}

impl From<u16> for Note {
    fn from(number: u16) -> Self {
        Self::Whole(number.into())
    }
}

impl From<i64> for Note {
    fn from(number: i64) -> Self {
        Self::Whole(number)
    }
}

impl From<usize> for Note {
    fn from(number: usize) -> Self {
        Self::Whole(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<f64> for Note {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<bool> for Note {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}
