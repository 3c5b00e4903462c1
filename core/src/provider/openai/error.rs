//! OpenAI's errors as failures (PROVIDERS D.1, D.2).

use crate::failure::{Class, Failure, bounded};
use crate::json::Str;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
struct Envelope<'a> {
    error: ErrorFields<'a>,
}

#[derive(Deserialize, Default)]
#[serde(bound(deserialize = "'de: 'a"))]
struct ErrorFields<'a> {
    message: Option<Str<'a>>,
    #[serde(rename = "type")]
    kind: Option<Str<'a>>,
    param: Option<Str<'a>>,
    code: Option<Code<'a>>,
}

/// A string by contract; compatible servers send numbers too.
#[derive(Deserialize)]
#[serde(untagged, bound(deserialize = "'de: 'a"))]
enum Code<'a> {
    Text(Str<'a>),
    Number(i64),
}

/// Billing, not rate: time alone does not heal these.
const BILLING_CODES: [&str; 5] = [
    "insufficient_quota",
    "credit_balance_exhausted",
    "organization_spend_limit_exceeded",
    "project_spend_limit_exceeded",
    "organization_usage_limit_exceeded",
];
const POLICY_CODES: [&str; 4] = ["content_policy_violation", "content_filter", "invalid_prompt", "bio_policy"];

/// Reads an error answer, or an error object inside a stream (then `status` is what it stands for).
pub fn read(status: u16, body: &[u8]) -> Failure {
    let fields = serde_json::from_slice::<Envelope<'_>>(body).map(|envelope| envelope.error).unwrap_or_default();
    let code = fields.code.map(|code| match code {
        Code::Text(text) => text.into_owned(),
        Code::Number(number) => number.to_string(),
    });
    let kind = fields.kind.as_deref().unwrap_or_default();
    Failure {
        class: class(status, kind, code.as_deref().unwrap_or_default()),
        status: Some(status),
        message: bounded(fields.message.as_deref().unwrap_or_default()),
        code,
        param: fields.param.map(Str::into_owned),
        retry_after: None,
    }
}

fn class(status: u16, kind: &str, code: &str) -> Class {
    if BILLING_CODES.contains(&code) || BILLING_CODES.contains(&kind) {
        return Class::QuotaExhausted;
    }
    match (status, code) {
        (400..=499, "context_length_exceeded") => Class::ContextTooLong,
        (400..=499, code) if POLICY_CODES.contains(&code) => Class::ContentPolicy,
        (400..=499, "model_not_found") => Class::ModelNotFound,
        (400..=499, "invalid_api_key") => Class::Credential,
        (429, _) | (_, "rate_limit_exceeded") => Class::RateLimited,
        (503, _) | (_, "server_is_overloaded" | "slow_down") => Class::Overloaded,
        _ => Class::of_status(status),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn the_table() {
        for (status, kind, code, class) in [
            (400, "invalid_request_error", "unsupported_parameter", Class::InvalidRequest),
            (400, "invalid_request_error", "context_length_exceeded", Class::ContextTooLong),
            (400, "invalid_request_error", "content_policy_violation", Class::ContentPolicy),
            (401, "invalid_request_error", "invalid_api_key", Class::Credential),
            (403, "request_forbidden", "unsupported_country_region_territory", Class::Credential),
            (404, "invalid_request_error", "model_not_found", Class::ModelNotFound),
            (400, "invalid_request_error", "model_not_found", Class::ModelNotFound),
            (408, "", "", Class::Conflict),
            (409, "", "", Class::Conflict),
            (413, "", "", Class::TooLarge),
            (422, "", "", Class::InvalidRequest),
            (429, "requests", "rate_limit_exceeded", Class::RateLimited),
            (429, "insufficient_quota", "insufficient_quota", Class::QuotaExhausted),
            (429, "insufficient_quota", "project_spend_limit_exceeded", Class::QuotaExhausted),
            (500, "server_error", "", Class::ServerError),
            (502, "", "", Class::ServerError),
            (503, "server_error", "server_is_overloaded", Class::Overloaded),
            (504, "", "", Class::Timeout),
            (520, "", "", Class::ServerError),
            (529, "", "", Class::Overloaded),
        ] {
            let body = format!(r#"{{"error":{{"message":"m","type":"{kind}","param":null,"code":"{code}"}}}}"#);
            assert_eq!(read(status, body.as_bytes()).class, class, "{status} {kind} {code}");
        }
    }

    #[test]
    fn any_body_is_an_error() {
        for body in ["", "<html>", "[]", r#"{"error": "text"}"#, r#"{"error": {"code": 429}}"#] {
            assert_eq!(read(500, body.as_bytes()).class, Class::ServerError);
        }
    }
}
