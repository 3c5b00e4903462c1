//! The three wire contracts. Each provider is a folder of the same files:
//!
//! - `request.rs`: a [`ChatRequest`](crate::chat::ChatRequest) in the provider's terms, or what stands against it;
//! - `answer.rs`: a whole answer as [`ChatEvent`](crate::chat::ChatEvent)s;
//! - `stream.rs`: the same, event by event;
//! - `error.rs`: an error answer as a [`Failure`](crate::failure::Failure).

pub mod anthropic;
pub mod gemini;
pub mod openai;

use crate::config::{Kind, Provider};

/// The path of a chat request for `model`.
pub fn path(provider: &Provider, model: &str, stream: bool) -> String {
    let base = &provider.base_url.path;
    match provider.kind {
        Kind::OpenAi => openai::path(base),
        Kind::Anthropic => anthropic::path(base, model, stream),
        Kind::Gemini => gemini::path(base, model, stream),
    }
}

/// The headers that carry the credential, and those without which the provider does not answer.
pub fn credential_headers(provider: &Provider, key: &str) -> Vec<(&'static str, String)> {
    match provider.kind {
        Kind::OpenAi => openai::credential_headers(provider.credential, key).into(),
        Kind::Anthropic => anthropic::credential_headers(key).into(),
        Kind::Gemini => gemini::credential_headers(key).into(),
    }
}

pub(crate) mod arguments;
pub(crate) mod media;
mod mint;
pub(crate) mod schema;
#[cfg(test)]
mod testing;
pub(crate) mod unmapped;

/// Why a request cannot be sent to a provider without changing what it asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsupported {
    /// The field, as a path: `messages[2].content[0].input_audio`.
    pub param: String,
    /// What stands against it, for the client to read.
    pub message: String,
}

impl Unsupported {
    fn new(param: impl Into<String>, message: impl Into<String>) -> Self {
        Self { param: param.into(), message: message.into() }
    }
}
