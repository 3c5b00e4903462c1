//! OpenAI's errors as failures (PROVIDERS D.1, D.2).

use crate::failure::{Class, Failure, bounded};
use crate::json::{Raw, Str};
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
    /// Azure's; raw, so that another shape hides nothing.
    innererror: Option<Raw<'a>>,
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
struct Inner<'a> {
    code: Option<Str<'a>>,
}

/// How compatible servers say it too: `{"message": …}`, `{"detail": …}`, `{"error": "…"}`.
#[derive(Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
struct Other<'a> {
    message: Option<Raw<'a>>,
    detail: Option<Raw<'a>>,
    error: Option<Raw<'a>>,
}

impl<'a> Other<'a> {
    fn message(self) -> Option<Str<'a>> {
        [self.message, self.detail, self.error].into_iter().flatten().find_map(|text| text.parse().ok())
    }
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
const POLICY_CODES: [&str; 5] =
    ["content_policy_violation", "content_filter", "invalid_prompt", "bio_policy", "ResponsibleAIPolicyViolation"];

/// Reads an error object that came with a 200: its own code or type says what status it stands for.
pub fn read_in_band(body: &[u8]) -> Failure {
    let fields = serde_json::from_slice::<Envelope<'_>>(body).map(|envelope| envelope.error).unwrap_or_default();
    let number = match &fields.code {
        Some(Code::Number(number)) => u16::try_from(*number).ok(),
        Some(Code::Text(text)) => text.parse().ok(),
        None => None,
    };
    let kind = fields.kind.as_deref().unwrap_or_default();
    let status = number.filter(|status| (400..600).contains(status)).unwrap_or(match kind {
        "invalid_request_error" | "BadRequestError" => 400,
        "authentication_error" => 401,
        "rate_limit_error" | "rate_limit_exceeded" | "insufficient_quota" => 429,
        "slow_down" => 503,
        _ => 500,
    });
    read(status, body)
}

/// Reads an error of the Responses API that came with a 200: `code` says what status it stands for (openai SDK 3.54,
/// `ResponseError`).
pub fn read_code(code: Option<&str>, message: Option<&str>) -> Failure {
    let name = code.unwrap_or_default();
    let is_mistake = ["invalid_", "image_", "unsupported_", "empty_", "failed_to_download_"];
    let status = match name {
        "rate_limit_exceeded" | "insufficient_quota" => 429,
        "bio_policy" | "misalignment_policy_violation" | "data_residency_mismatch" => 400,
        _ if is_mistake.iter().any(|start| name.starts_with(start)) => 400,
        _ => 500,
    };
    let message = message.unwrap_or_default();
    let class = classify(status, [name, "", ""], message);
    Failure {
        class,
        status: Some(status),
        message: bounded(if message.is_empty() { class.describe() } else { message }),
        code: code.map(str::to_owned),
        param: None,
        retry_after: None,
    }
}

/// Reads an error answer. One in another shape than OpenAI's is told in its own words, or by its status.
pub fn read(status: u16, body: &[u8]) -> Failure {
    let envelope = serde_json::from_slice::<Envelope<'_>>(body);
    let fields = envelope.map(|envelope| envelope.error).unwrap_or_else(|_| ErrorFields {
        message: serde_json::from_slice::<Other<'_>>(body).ok().and_then(Other::message),
        ..ErrorFields::default()
    });
    let code = fields.code.map(|code| match code {
        Code::Text(text) => text.into_owned(),
        Code::Number(number) => number.to_string(),
    });
    let kind = fields.kind.as_deref().unwrap_or_default();
    let message = fields.message.as_deref().unwrap_or_default();
    let inner: Option<Inner<'_>> = fields.innererror.and_then(|inner| inner.parse().ok());
    let inner = inner.and_then(|inner| inner.code);
    let told = [code.as_deref(), Some(kind), inner.as_deref()].map(Option::unwrap_or_default);
    let class = classify(status, told, message);
    Failure {
        class,
        status: Some(status),
        message: bounded(if message.is_empty() { class.describe() } else { message }),
        code,
        param: fields.param.map(Str::into_owned),
        retry_after: None,
    }
}

/// `told`: the code, the type and Azure's inner code; servers differ in which of them says it.
fn classify(status: u16, told: [&str; 3], message: &str) -> Class {
    let says = |words: &[&str]| told.iter().any(|word| words.contains(word));
    let is_limit = status == 429 || says(&["rate_limit_exceeded", "rate_limit_error"]);
    match status {
        _ if says(&BILLING_CODES) => Class::QuotaExhausted,
        400..=499 if says(&["context_length_exceeded"]) => Class::ContextTooLong,
        400..=499 if says(&POLICY_CODES) => Class::ContentPolicy,
        400..=499 if says(&["model_not_found"]) => Class::ModelNotFound,
        400..=499 if says(&["invalid_api_key", "unsupported_country_region_territory"]) => Class::Credential,
        // Google's compatible endpoint.
        400 if message.contains("API key not valid") => Class::Credential,
        // Groq's is a 413: https://github.com/HunorLaczko/ha-groq-cloud-api/issues/27
        _ if is_limit && message.starts_with("Request too large") => Class::OverLimit,
        _ if is_limit => Class::RateLimited,
        _ if says(&["server_is_overloaded", "slow_down"]) => Class::Overloaded,
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
            (408, "", "", Class::Timeout),
            (409, "", "", Class::Conflict),
            (413, "", "", Class::TooLarge),
            (405, "", "", Class::Unexpected),
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
    fn an_error_with_a_200_stands_for_a_status_of_its_own() {
        for (error, class) in [
            (r#"{"code": 400, "type": "BadRequestError", "message": "too long"}"#, Class::InvalidRequest),
            (r#"{"code": "429", "message": "m"}"#, Class::RateLimited),
            (r#"{"type": "invalid_request_error", "code": "context_length_exceeded"}"#, Class::ContextTooLong),
            (r#"{"message": "boom"}"#, Class::ServerError),
        ] {
            assert_eq!(read_in_band(format!(r#"{{"error":{error}}}"#).as_bytes()).class, class, "{error}");
        }
    }

    #[test]
    fn every_client_error_says_something() {
        let message = |body: &str| read(400, body.as_bytes()).message;
        assert_eq!(message(r#"{"object": "error", "message": "no"}"#), "no");
        assert_eq!(message(r#"{"detail": "no"}"#), "no");
        assert_eq!(message(r#"{"error": "no"}"#), "no");
        assert_eq!(message("<html>"), "invalid request");
    }

    #[test]
    fn any_body_is_an_error() {
        for body in ["", "<html>", "[]", r#"{"error": "text"}"#, r#"{"error": {"code": 429}}"#] {
            assert_eq!(read(500, body.as_bytes()).class, Class::ServerError);
        }
    }
}
