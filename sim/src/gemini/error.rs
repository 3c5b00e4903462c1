//! Gemini's error shape: `google.rpc.Status` with typed details (docs of the provider, D.1).

use std::time::Duration;

use serde_json::{Value, json};

use crate::{refusal::Refusal, route::Framing};

pub(crate) fn document(refusal: &Refusal, framing: Framing) -> (Vec<u8>, &'static str) {
    let error = error(refusal);
    // Without `alt=sse` even an error is an element of the streamed array.
    let document = if framing == Framing::JsonArray { json!([error]) } else { error };
    (serde_json::to_vec_pretty(&document).unwrap_or_default(), "application/json; charset=UTF-8")
}

/// The error after `events` chunks of a stream.
pub(crate) fn event(refusal: &Refusal, framing: Framing, events: u32) -> Vec<u8> {
    let error = error(refusal);
    match framing {
        Framing::Json | Framing::Sse | Framing::Named => format!("data: {error}\r\n\r\n"),
        Framing::JsonArray if events == 0 => format!("[{error}]"),
        Framing::JsonArray => format!(",\r\n{error}]"),
    }
    .into_bytes()
}

fn error(refusal: &Refusal) -> Value {
    let status = refusal.error_type.as_deref().unwrap_or_else(|| implied_status(refusal.status));
    let details = details(refusal);
    let mut message = refusal.message.clone();
    if refusal.status == 429
        && let Some(delay) = refusal.retry_after
    {
        message.push_str(&format!("\nPlease retry in {}s.", delay.as_secs_f64()));
    }
    let mut error = json!({ "code": refusal.status, "message": message, "status": status });
    if let Some(error) = error.as_object_mut().filter(|_| !details.is_empty()) {
        error.insert("details".to_owned(), Value::Array(details));
    }
    json!({ "error": error })
}

fn details(refusal: &Refusal) -> Vec<Value> {
    let mut details = Vec::new();
    if refusal.status == 429 {
        let quota = refusal.code.as_deref().unwrap_or("GenerateRequestsPerMinutePerProjectPerModel");
        details.push(json!({
            "@type": "type.googleapis.com/google.rpc.QuotaFailure",
            "violations": [{
                "quotaMetric": "generativelanguage.googleapis.com/generate_content_requests",
                "quotaId": quota,
                "quotaDimensions": { "location": "global" },
                "quotaValue": "1000",
            }],
        }));
    } else if let Some(reason) = &refusal.code {
        details.push(json!({
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": reason,
            "domain": "googleapis.com",
            "metadata": { "service": "generativelanguage.googleapis.com" },
        }));
    }
    if let Some(field) = &refusal.param {
        details.push(json!({
            "@type": "type.googleapis.com/google.rpc.BadRequest",
            "fieldViolations": [{ "field": field, "description": refusal.message }],
        }));
    }
    if let Some(delay) = refusal.retry_after {
        details.push(json!({
            "@type": "type.googleapis.com/google.rpc.RetryInfo",
            "retryDelay": format!("{}s", delay.as_secs_f64()),
        }));
    }
    details
}

fn implied_status(status: u16) -> &'static str {
    match status {
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        405 | 501 => "UNIMPLEMENTED",
        409 => "ABORTED",
        402 | 429 => "RESOURCE_EXHAUSTED",
        499 => "CANCELLED",
        408 | 504 => "DEADLINE_EXCEEDED",
        502 | 503 | 529 => "UNAVAILABLE",
        500.. => "INTERNAL",
        _ => "INVALID_ARGUMENT",
    }
}

/// What Gemini says for a status (docs of the provider, D.2).
pub(crate) fn failure(status: u16, code: Option<&str>) -> Refusal {
    let per_day = code.is_some_and(|code| code.contains("PerDay"));
    let message = match status {
        400 => "Request contains an invalid argument.",
        401 => "Request had invalid authentication credentials.",
        402 => "Your prepaid credit is used up. Please add credit to continue.",
        403 => "The caller does not have permission",
        404 => "Requested entity was not found.",
        413 => "Request payload size exceeds the limit.",
        429 => "You exceeded your current quota, please check your plan and billing details.",
        499 => "The operation was cancelled.",
        503 => "The model is overloaded. Please try again later.",
        504 => "The request timed out. Please try again.",
        _ => "An internal error has occurred. Please retry.",
    };
    let mut refusal = Refusal::new(status, message);
    refusal.code = code.map(|code| code.to_owned().into());
    if status == 429 && !per_day {
        refusal.retry_after = Some(Duration::from_secs(1));
    }
    refusal
}
