//! Anthropic's error shape (docs of the provider, D.1 and D.3).

use std::time::Duration;

use serde_json::{Value, json};

use crate::refusal::Refusal;

pub(crate) fn document(refusal: &Refusal, serial: u64) -> (Vec<u8>, &'static str) {
    let error = error(refusal);
    // `json!` sorts the keys; Anthropic writes the type first.
    let text = format!(r#"{{"type":"error","error":{error},"request_id":"req_sim{serial:012}"}}"#);
    (text.into_bytes(), "application/json")
}

pub(crate) fn event(refusal: &Refusal) -> Vec<u8> {
    let error = error(refusal);
    format!("event: error\ndata: {{\"type\":\"error\",\"error\":{error}}}\n\n").into_bytes()
}

fn error(refusal: &Refusal) -> String {
    let error_type = refusal.error_type.as_deref().unwrap_or_else(|| implied_type(refusal.status));
    let details = match &refusal.code {
        Some(code) => json!({ "error_code": code }),
        None => Value::Null,
    };
    format!(r#"{{"details":{details},"type":{},"message":{}}}"#, json!(error_type), json!(refusal.message))
}

fn implied_type(status: u16) -> &'static str {
    match status {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        409 => "conflict_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        504 => "timeout_error",
        529 => "overloaded_error",
        500.. => "api_error",
        _ => "invalid_request_error",
    }
}

/// What Anthropic says for a status (docs of the provider, D.2).
pub(crate) fn failure(status: u16, code: Option<&str>) -> Refusal {
    let spend_limit = matches!(code, Some("enforced_spend_limit_reached" | "contract_spend_limit_reached"));
    let message = match status {
        400 if spend_limit => "You have reached your specified API usage limits.",
        400 => "Invalid request.",
        401 => "invalid x-api-key",
        402 => "Your credit balance is too low to access the Anthropic API.",
        403 => "Your API key does not have permission to use the specified resource.",
        404 => "Not Found",
        409 => "The request conflicts with the current state of the resource.",
        413 => "Request exceeds the maximum size",
        429 if spend_limit => "You have reached your spend limit.",
        429 => "This request would exceed your organization's rate limit.",
        504 => "Request timed out.",
        529 => "Overloaded",
        _ => "Internal server error",
    };
    let mut refusal = Refusal::new(status, message);
    refusal.code = code.map(|code| code.to_owned().into());
    if status == 429 && !spend_limit {
        refusal.retry_after = Some(Duration::from_secs(1));
    }
    refusal
}
