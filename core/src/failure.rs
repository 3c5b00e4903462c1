//! How an attempt can fail, and what follows from it: one table for all providers.

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

/// What went wrong (PROVIDERS D.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// The request itself is wrong; it would be wrong everywhere.
    InvalidRequest,
    /// The prompt does not fit this model.
    ContextTooLong,
    /// The provider will not answer this content.
    ContentPolicy,
    TooLarge,
    /// Our credential is bad or not permitted: never the client's fault.
    Credential,
    ModelNotFound,
    RateLimited,
    /// Billing or a spend cap: time alone does not heal it.
    QuotaExhausted,
    Overloaded,
    ServerError,
    /// A lock or a request timeout on their side: the same may work at once.
    Conflict,
    Timeout,
    /// Refused, reset, TLS: no HTTP answer.
    Connection,
    /// A status that no provider of the kind gives: the base URL is wrong, or something stands in between.
    Unexpected,
    /// The answer is over this gateway's own bound.
    AnswerTooLarge,
    /// A 2xx that is no answer.
    Unreadable,
    /// The answer ended before its end.
    Truncated,
}

/// What to do with a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Go on with the next target; this provider is not to blame.
    NextHealthy,
    /// Go on with the next target; count against this provider.
    NextSick,
    /// The client's to mend.
    Return,
}

impl Class {
    /// What a status says when the body says no more.
    pub fn of_status(status: u16) -> Self {
        match status {
            401 | 403 => Class::Credential,
            402 => Class::QuotaExhausted,
            404 => Class::ModelNotFound,
            408 | 409 => Class::Conflict,
            413 => Class::TooLarge,
            429 => Class::RateLimited,
            503 | 529 => Class::Overloaded,
            504 => Class::Timeout,
            400 | 422 => Class::InvalidRequest,
            500..=599 => Class::ServerError,
            _ => Class::Unexpected,
        }
    }

    /// The table.
    pub fn verdict(self) -> Verdict {
        match self {
            Class::InvalidRequest | Class::TooLarge | Class::ContentPolicy => Verdict::Return,
            Class::ContextTooLong
            | Class::Credential
            | Class::ModelNotFound
            | Class::RateLimited
            | Class::QuotaExhausted
            | Class::Conflict
            | Class::Unexpected
            | Class::AnswerTooLarge => Verdict::NextHealthy,
            Class::Overloaded
            | Class::ServerError
            | Class::Timeout
            | Class::Connection
            | Class::Unreadable
            | Class::Truncated => Verdict::NextSick,
        }
    }

    /// In words, for the client's error message.
    pub fn describe(self) -> &'static str {
        match self {
            Class::InvalidRequest => "invalid request",
            Class::ContextTooLong => "context length exceeded",
            Class::ContentPolicy => "content policy",
            Class::TooLarge => "request too large",
            Class::Credential => "the gateway's credential was refused",
            Class::ModelNotFound => "model not found",
            Class::RateLimited => "rate limited",
            Class::QuotaExhausted => "quota exhausted",
            Class::Overloaded => "overloaded",
            Class::ServerError => "server error",
            Class::Conflict => "conflict",
            Class::Timeout => "timeout",
            Class::Connection => "connection failed",
            Class::Unexpected => "unexpected status",
            Class::AnswerTooLarge => "answer larger than this gateway takes",
            Class::Unreadable => "unreadable answer",
            Class::Truncated => "answer cut short",
        }
    }
}

impl Failure {
    /// A failure that the provider did not describe itself.
    pub fn plain(class: Class, status: Option<u16>, message: &str) -> Self {
        Self { class, status, message: bounded(message), code: None, param: None, retry_after: None }
    }
}

/// `text`, cut at a character boundary within [`MAX_MESSAGE`].
pub fn bounded(text: &str) -> String {
    text.get(..text.floor_char_boundary(MAX_MESSAGE)).unwrap_or_default().to_owned()
}
