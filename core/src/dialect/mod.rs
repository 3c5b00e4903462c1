//! What clients speak. A dialect parses their requests, writes their answers and words their errors.

pub mod anthropic;
mod calls;
mod explain;
pub mod gemini;
mod limits;
mod models;
mod neutral;
pub mod openai;

pub use models::ModelCard;
pub use neutral::{Feature, OwnKind, Parsed};

use crate::refusal::ErrorBody;
use serde_json::json;

/// The API a client was written for, known by the path it calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    OpenAi,
    Anthropic,
    Gemini,
}

impl Dialect {
    /// The dialect of a path; OpenAI's where the path says nothing.
    pub fn of_path(path: &str) -> Self {
        if path.starts_with("/v1/messages") {
            Dialect::Anthropic
        } else if path.starts_with("/v1beta/") || path.starts_with("/v1/models/") && path.contains(':') {
            Dialect::Gemini
        } else {
            Dialect::OpenAi
        }
    }

    /// An error as this dialect's SDKs read it (PROVIDERS D.1, D.3).
    pub fn error_json(self, error: &ErrorBody) -> Vec<u8> {
        let value = match self {
            Dialect::OpenAi => json!({ "error": {
                "message": error.message, "type": error.kind, "param": error.param, "code": error.code,
            }}),
            Dialect::Anthropic => json!({ "type": "error", "error": {
                "type": match error.status {
                    401 => "authentication_error",
                    402 => "billing_error",
                    403 => "permission_error",
                    404 => "not_found_error",
                    413 => "request_too_large",
                    429 => "rate_limit_error",
                    503 | 529 => "overloaded_error",
                    504 => "timeout_error",
                    400..=499 => "invalid_request_error",
                    _ => "api_error",
                },
                "message": error.message,
            }}),
            Dialect::Gemini => json!({ "error": {
                "code": error.status,
                "message": error.message,
                "status": match error.status {
                    401 => "UNAUTHENTICATED",
                    403 => "PERMISSION_DENIED",
                    404 => "NOT_FOUND",
                    429 => "RESOURCE_EXHAUSTED",
                    400..=499 => "INVALID_ARGUMENT",
                    502 | 503 | 529 => "UNAVAILABLE",
                    504 => "DEADLINE_EXCEEDED",
                    _ => "INTERNAL",
                },
            }}),
        };
        serde_json::to_vec(&value).unwrap_or_default()
    }
}
