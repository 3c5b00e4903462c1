//! What clients speak. A dialect parses their requests, writes their answers and words their errors.

mod answer;
pub mod anthropic;
mod calls;
mod count;
mod explain;
pub mod gemini;
mod limits;
mod models;
mod neutral;
pub mod openai;
mod passage;
mod request;

pub use answer::{Collector, StreamWriter};
pub use count::{CountForm, Counted};
pub use models::{ModelCard, model_of_path};
pub use neutral::{Feature, OwnKind, Parsed};
pub use passage::Passage;
pub use request::{Form, Request};

use crate::headers::HeaderList;
use crate::refusal::ErrorBody;
use serde_json::{Value, json};

/// The API a client was written for, known by the path it calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    OpenAi,
    Anthropic,
    Gemini,
}

impl Dialect {
    /// The dialect of a request, by its path, query and all; OpenAI's where that says nothing. `has_header`: whether the
    /// request has a header of that name.
    pub fn of_request(path: &str, has_header: impl Fn(&str) -> bool) -> Self {
        if path.starts_with("/v1/messages") {
            Dialect::Anthropic
        } else if path.starts_with("/v1beta/") {
            Dialect::Gemini
        } else if !path.starts_with("/v1/models") {
            Dialect::OpenAi
        } else if path.starts_with("/v1/models/") && gemini::Call::is_method(path) {
            Dialect::Gemini
        } else {
            Dialect::of_models_request(path, has_header)
        }
    }

    /// The start of the ids of answers that this dialect's providers give.
    pub fn id_prefix(self) -> &'static str {
        match self {
            Dialect::OpenAi => "chatcmpl-",
            Dialect::Anthropic => "msg_",
            Dialect::Gemini => "",
        }
    }

    /// The id of a request where this dialect's SDKs look for it, but for `x-request-id`, which Envoy adds itself.
    pub fn id_header(self, request_id: &str) -> HeaderList {
        match self {
            Dialect::Anthropic if !request_id.is_empty() => vec![("request-id".into(), request_id.into())],
            _ => HeaderList::new(),
        }
    }

    /// An error as this dialect's SDKs read it (PROVIDERS D.1, D.3).
    pub fn error_json(self, error: &ErrorBody) -> Vec<u8> {
        self.error_json_with(error, None)
    }

    /// The same; `wait`: after how many milliseconds the request may come again, which Gemini says in the body.
    pub fn error_json_with(self, error: &ErrorBody, wait: Option<u64>) -> Vec<u8> {
        let mut value = match self {
            Dialect::OpenAi => json!({ "error": {
                "message": error.message, "type": error.kind, "param": error.param, "code": error.code,
            }}),
            Dialect::Anthropic => json!({ "type": "error", "error": {
                "type": match error.status {
                    401 => "authentication_error",
                    402 => "billing_error",
                    403 => "permission_error",
                    404 => "not_found_error",
                    409 => "conflict_error",
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
                    409 => "ABORTED",
                    429 => "RESOURCE_EXHAUSTED",
                    400..=499 => "INVALID_ARGUMENT",
                    502 | 503 | 529 => "UNAVAILABLE",
                    504 => "DEADLINE_EXCEEDED",
                    _ => "INTERNAL",
                },
            }}),
        };
        let details = match (self, error.code.as_deref(), wait) {
            // Of all codes Anthropic's SDK acts on these only: it sends the conversation again.
            (Dialect::Anthropic, Some(code), _) if code.starts_with("thread_") => Some(json!({ "error_code": code })),
            (Dialect::Gemini, _, Some(wait)) => {
                let delay = limits::seconds(wait);
                Some(json!([{ "@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay }]))
            }
            _ => None,
        };
        if let (Some(details), Some(fields)) = (details, value.get_mut("error").and_then(Value::as_object_mut)) {
            fields.insert("details".to_owned(), details);
        }
        serde_json::to_vec(&value).unwrap_or_default()
    }
}

/// Appends JSON as one line. What came in several goes out in one: between JSON's tokens a space is as good.
fn append_line(json: &[u8], out: &mut Vec<u8>) {
    out.extend(json.iter().map(|byte| if *byte == b'\n' { b' ' } else { *byte }));
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn a_path_tells_the_dialect_and_a_list_of_models_the_headers() {
        let of = |path: &str, header: &str| Dialect::of_request(path, |name| name == header);
        for (path, header, dialect) in [
            ("/v1/chat/completions?key=k", "anthropic-version", Dialect::OpenAi),
            ("/v1/messages", "", Dialect::Anthropic),
            ("/v1/messages/count_tokens", "", Dialect::Anthropic),
            ("/v1beta/models", "", Dialect::Gemini),
            ("/v1beta/models/smart:generateContent", "", Dialect::Gemini),
            ("/v1/models/smart:countTokens", "", Dialect::Gemini),
            ("/v1/models/smart%3AgenerateContent", "", Dialect::Gemini),
            ("/v1/models", "", Dialect::OpenAi),
            ("/v1/models?limit=5", "anthropic-version", Dialect::Anthropic),
            ("/v1/models", "x-goog-api-key", Dialect::Gemini),
            ("/v1/models/smart?key=k", "", Dialect::Gemini),
            ("/v1/models/smart", "anthropic-version", Dialect::Anthropic),
            ("/v1/models/local/model:tag", "", Dialect::OpenAi),
            ("/nowhere", "", Dialect::OpenAi),
        ] {
            assert_eq!(of(path, header), dialect, "{path} {header}");
        }
    }
}
