//! An error answer, or an error event, as a failure (PROVIDERS D.2).

use crate::failure::{Class, Failure, bounded};
use crate::json::{Raw, Str};
use serde::Deserialize;

/// `{"type": "error", "error": {…}}`
#[derive(Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
struct Envelope<'a> {
    error: Error<'a>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
pub(super) struct Error<'a> {
    #[serde(rename = "type")]
    kind: Option<Str<'a>>,
    message: Option<Str<'a>>,
    details: Option<Raw<'a>>,
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
struct Details<'a> {
    error_code: Option<Str<'a>>,
}

/// Reads an answer that is not 2xx.
pub fn read(status: u16, body: &[u8]) -> Failure {
    match serde_json::from_slice::<Envelope<'_>>(body) {
        Ok(Envelope { error }) => failure(Some(status), &error),
        Err(_) => Failure::of_status(status),
    }
}

/// An error that came with `status`, or inside a stream, where it takes the status that belongs to its type.
pub(super) fn failure(status: Option<u16>, error: &Error<'_>) -> Failure {
    let kind = error.kind.as_ref().map_or("", Str::as_str);
    let message = error.message.as_ref().map_or("", Str::as_str);
    let status = status.unwrap_or_else(|| status_of(kind));
    let details: Option<Details<'_>> = error.details.and_then(|details| details.parse().ok());
    let error_code = details.and_then(|details| details.error_code);
    let class = classify(status, kind, message, error_code.as_ref().map_or("", Str::as_str));
    let code = error_code.or_else(|| error.kind.clone()).map(|code| bounded(&code));
    let message = if message.is_empty() { class.describe() } else { message };
    Failure { code, ..Failure::plain(class, Some(status), message) }
}

fn classify(status: u16, kind: &str, message: &str, error_code: &str) -> Class {
    match error_code {
        // Enforced, or of the contract: until the month ends, or somebody raises it.
        code if code.ends_with("spend_limit_reached") => return Class::QuotaExhausted,
        // Their guard against a steep rise, which time heals.
        "ramp_limit_exceeded" => return Class::RateLimited,
        "organization_on_hold" => return Class::Credential,
        // Not the model is missing: the client has to send all of its conversation again, or to wait for its own request.
        code if code.starts_with("thread_") => return Class::InvalidRequest,
        _ => {}
    }
    match kind {
        "overloaded_error" => Class::Overloaded,
        "rate_limit_error" => Class::RateLimited,
        "billing_error" => Class::QuotaExhausted,
        "authentication_error" => Class::Credential,
        "permission_error" => Class::Forbidden,
        "not_found_error" => Class::ModelNotFound,
        "conflict_error" => Class::Conflict,
        "request_too_large" => Class::TooLarge,
        "timeout_error" => Class::Timeout,
        "api_error" => Class::ServerError,
        "invalid_request_error" if status == 400 => invalid(message),
        _ => Class::of_status(status),
    }
}

/// Anthropic has one type for all of these, so that only the words tell them apart.
fn invalid(message: &str) -> Class {
    let says = |words| message.contains(words);
    if says("specified API usage limits") || says("credit balance is too low") {
        Class::QuotaExhausted
    } else if says("prompt is too long") || says("exceed context limit") || says("exceeds context limit") {
        Class::ContextTooLong
    } else {
        Class::InvalidRequest
    }
}

/// The status that an error type has outside a stream.
fn status_of(kind: &str) -> u16 {
    match kind {
        "invalid_request_error" => 400,
        "authentication_error" => 401,
        "billing_error" => 402,
        "permission_error" => 403,
        "not_found_error" => 404,
        "conflict_error" => 409,
        "request_too_large" => 413,
        "rate_limit_error" => 429,
        "timeout_error" => 504,
        "overloaded_error" => 529,
        _ => 500,
    }
}
