//! How an attempt can fail, and what follows from it: one table for all providers.

mod class;
#[cfg(test)]
mod tests;

pub use class::{Class, Cool, Rule, Scope, Verdict};

use crate::config::Millis;

/// Why an attempt gave no answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    pub class: Class,
    /// The provider's status; None when there was no answer at all.
    pub status: Option<u16>,
    /// The provider's own words, bounded to [`MAX_MESSAGE`] bytes. Shown to the client; never logged.
    pub message: String,
    /// The provider's error code or type, when it gave one.
    pub code: Option<String>,
    /// The request field that the provider complained of.
    pub param: Option<String>,
    /// How long the provider asks to be left alone.
    pub retry_after: Option<Millis>,
}

/// Bound of a relayed error message, in bytes.
pub const MAX_MESSAGE: usize = 2048;

impl Failure {
    /// A failure that the provider did not describe itself.
    pub fn plain(class: Class, status: Option<u16>, message: &str) -> Self {
        Self { class, status, message: bounded(message), code: None, param: None, retry_after: None }
    }

    /// An error answer of which only the status can be read.
    pub fn of_status(status: u16) -> Self {
        let class = Class::of_status(status);
        Self::plain(class, Some(status), class.describe())
    }
}

/// `text`, cut at a character boundary within [`MAX_MESSAGE`].
pub fn bounded(text: &str) -> String {
    text.get(..text.floor_char_boundary(MAX_MESSAGE)).unwrap_or_default().to_owned()
}
