//! An error answer, or an error inside a stream, as a failure (PROVIDERS D.2).

use crate::config::Millis;
use crate::failure::{Class, Failure, bounded};
use crate::json::{Raw, Str};
use crate::limit_headers;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
struct Envelope<'a> {
    error: Error<'a>,
}

/// A `google.rpc.Status`.
#[derive(Clone, Debug, Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
pub(super) struct Error<'a> {
    code: Option<u16>,
    message: Option<Str<'a>>,
    status: Option<Str<'a>>,
    /// Raw: one of a type to come must not hide the others.
    details: Option<Vec<Raw<'a>>>,
}

/// The fields of `ErrorInfo`, `RetryInfo`, `QuotaFailure` and `BadRequest`, which do not overlap.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
struct Detail<'a> {
    reason: Option<Str<'a>>,
    retry_delay: Option<Str<'a>>,
    violations: Option<Vec<Violation<'a>>>,
    field_violations: Option<Vec<FieldViolation<'a>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
struct Violation<'a> {
    quota_id: Option<Str<'a>>,
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
struct FieldViolation<'a> {
    field: Option<Str<'a>>,
}

/// What the details say, all together.
#[derive(Default)]
struct Facts<'a> {
    reason: Option<Str<'a>>,
    retry_delay: Option<Millis>,
    is_daily: bool,
    field: Option<Str<'a>>,
}

/// Reads an answer that is not 2xx. Without `alt=sse` a streaming endpoint wraps it in an array.
pub fn read(status: u16, body: &[u8]) -> Failure {
    let error = match body.trim_ascii_start().first() {
        Some(b'[') => serde_json::from_slice::<Vec<Envelope<'_>>>(body).ok().and_then(|list| list.into_iter().next()),
        _ => serde_json::from_slice::<Envelope<'_>>(body).ok(),
    };
    match error {
        Some(Envelope { error }) => failure(Some(status), &error),
        None => Failure { class: by_status(status), ..Failure::of_status(status) },
    }
}

/// An error that came with `status`, or inside a stream, where it names its own.
pub(super) fn failure(status: Option<u16>, error: &Error<'_>) -> Failure {
    let name = error.status.as_ref().map_or("", Str::as_str);
    let message = error.message.as_ref().map_or("", Str::as_str);
    let status = status.or(error.code.filter(|code| *code >= 400)).unwrap_or_else(|| status_of(name));
    let facts = Facts::of(error);
    let class = classify(status, name, message, &facts);
    // A daily quota comes with a delay of seconds too; waiting that long is of no use.
    let retry_after = match class {
        Class::RateLimited | Class::Overloaded => facts.retry_delay.or_else(|| delay_in_words(message)),
        _ => None,
    };
    let code = facts.reason.as_ref().or(error.status.as_ref()).filter(|code| !code.is_empty());
    let code = code.map(|code| bounded(code));
    let message = if message.is_empty() { class.describe() } else { message };
    Failure {
        code,
        param: facts.field.map(|field| bounded(&field)),
        retry_after,
        ..Failure::plain(class, Some(status), message)
    }
}

impl<'a> Facts<'a> {
    fn of(error: &Error<'a>) -> Self {
        let mut facts = Self::default();
        let details = error.details.iter().flatten().filter_map(|raw| raw.parse::<Detail<'a>>().ok());
        for detail in details {
            facts.reason = facts.reason.or(detail.reason);
            facts.retry_delay = facts.retry_delay.or_else(|| limit_headers::duration(&detail.retry_delay?));
            facts.is_daily |= detail
                .violations
                .iter()
                .flatten()
                .any(|violation| violation.quota_id.as_ref().is_some_and(|id| id.contains("PerDay")));
            let field = detail.field_violations.and_then(|list| list.into_iter().find_map(|violation| violation.field));
            facts.field = facts.field.or(field);
        }
        facts
    }
}

fn classify(status: u16, name: &str, message: &str, facts: &Facts<'_>) -> Class {
    let says = |words| message.contains(words);
    let reason = facts.reason.as_ref().map_or("", Str::as_str);
    match (status, reason) {
        // The reasons are `google.api.ErrorReason`'s.
        (400..=499, "BILLING_DISABLED") => Class::QuotaExhausted,
        (400..=499, "SERVICE_DISABLED" | "CONSUMER_SUSPENDED" | "CONSUMER_INVALID") => Class::Credential,
        // A bad key is a bad argument at Google.
        (400..=499, reason) if reason.starts_with("API_KEY_") => Class::Credential,
        (400, _) if says("API key not valid") || says("API key expired") => Class::Credential,
        // The region, or billing, of our account.
        (400, _) if name == "FAILED_PRECONDITION" => Class::Credential,
        (400, _) if says("exceeds the maximum number of tokens") => Class::ContextTooLong,
        // "Invalid thought signature", "Corrupted thought signature", "… is missing a thought_signature".
        (400, _) if says("hought signature") || says("thought_signature") => Class::ForeignThought,
        // A file that the client named: https://github.com/googleapis/python-genai/issues/1218
        (403, _) if says("permission to access the File") => Class::InvalidRequest,
        (429, _) if facts.is_daily || says("limit: 0") => Class::DailyQuota,
        _ => by_status(status),
    }
}

/// `CANCELLED` is theirs, as nobody here cancels a request and still reads its answer.
fn by_status(status: u16) -> Class {
    if status == 499 { Class::ServerError } else { Class::of_status(status) }
}

/// The HTTP status that belongs to a gRPC one.
fn status_of(name: &str) -> u16 {
    match name {
        "INVALID_ARGUMENT" | "FAILED_PRECONDITION" | "OUT_OF_RANGE" => 400,
        "UNAUTHENTICATED" => 401,
        "PERMISSION_DENIED" => 403,
        "NOT_FOUND" => 404,
        "ABORTED" | "ALREADY_EXISTS" => 409,
        "RESOURCE_EXHAUSTED" => 429,
        "CANCELLED" => 499,
        "UNAVAILABLE" => 503,
        "DEADLINE_EXCEEDED" => 504,
        _ => 500,
    }
}

/// `Please retry in 46.1s.`, `… in 873.4ms.`, `… in 22h13m4.5s.`
fn delay_in_words(message: &str) -> Option<Millis> {
    let (_, rest) = message.split_once("retry in ")?;
    let end = rest.find('s')?;
    limit_headers::duration(rest.get(..=end)?)
}
