//! OpenAI's error shape: all four fields are always there (docs of the provider, D.1).

use std::{borrow::Cow, time::Duration};

use serde_json::json;

use crate::{refusal::Refusal, route::Framing};

/// The codes of billing errors; their `type` is `insufficient_quota` and waiting does not help.
const BILLING: [&str; 5] = [
    "insufficient_quota",
    "credit_balance_exhausted",
    "organization_spend_limit_exceeded",
    "project_spend_limit_exceeded",
    "organization_usage_limit_exceeded",
];

pub(crate) fn document(refusal: &Refusal) -> (Vec<u8>, &'static str) {
    if (520..=526).contains(&refusal.status) {
        let page =
            format!("<html><head><title>{0}</title></head><body>error code: {0}</body></html>\n", refusal.status);
        return (page.into_bytes(), "text/html; charset=UTF-8");
    }
    (error(refusal).into_bytes(), "application/json")
}

/// The error as it stands in a stream after `events` events: a `data:` line like any other, and no `[DONE]` after it; a
/// named event with fields of its own in the Responses API.
pub(crate) fn event(refusal: &Refusal, framing: Framing, events: u32) -> Vec<u8> {
    if framing == Framing::Named {
        let code = refusal.code.as_deref().unwrap_or("server_error");
        let data = json!({
            "type": "error", "code": code, "message": refusal.message, "param": refusal.param, "sequence_number": events,
        });
        return format!("event: error\ndata: {data}\n\n").into_bytes();
    }
    format!("data: {}\n\n", error(refusal)).into_bytes()
}

fn error(refusal: &Refusal) -> String {
    let error_type = refusal.error_type.as_deref().unwrap_or_else(|| implied_type(refusal.status));
    // `json!` sorts the keys; OpenAI writes the message first.
    format!(
        r#"{{"error":{{"message":{},"type":{},"param":{},"code":{}}}}}"#,
        json!(refusal.message),
        json!(error_type),
        json!(refusal.param),
        json!(refusal.code)
    )
}

fn implied_type(status: u16) -> &'static str {
    match status {
        403 => "permission_error",
        429 => "requests",
        500.. => "server_error",
        _ => "invalid_request_error",
    }
}

/// What OpenAI says for a status (docs of the provider, D.2).
pub(crate) fn failure(status: u16, code: Option<&str>) -> Refusal {
    let billing = status == 429 && code.is_some_and(|code| BILLING.contains(&code));
    let (message, implied) = match (status, code) {
        (400, Some("context_length_exceeded")) => (
            "This model's maximum context length is 128000 tokens. However, your messages resulted in more tokens. \
             Please reduce the length of the messages.",
            None,
        ),
        (400, Some("content_filter" | "content_policy_violation" | "invalid_prompt")) => {
            ("Your request was rejected as a result of our safety system.", None)
        }
        (400, _) => ("Invalid request.", None),
        (401, _) => (
            "Incorrect API key provided: sk-***. You can find your API key at \
             https://platform.openai.com/account/api-keys.",
            Some("invalid_api_key"),
        ),
        (403, _) => ("Country, region, or territory not supported", Some("unsupported_country_region_territory")),
        (404, _) => ("The model does not exist or you do not have access to it.", Some("model_not_found")),
        (413, _) => ("Request body too large.", None),
        (429, _) if billing => ("You exceeded your current quota, please check your plan and billing details.", None),
        (429, _) => ("Rate limit reached. Please try again later.", Some("rate_limit_exceeded")),
        (502, _) => ("Bad gateway.", None),
        (503, _) => ("The engine is currently overloaded, please try again later.", Some("server_is_overloaded")),
        (504, _) => ("Gateway timeout.", None),
        (500.., _) => ("The server had an error while processing your request. Sorry about that!", None),
        _ => ("The request failed.", None),
    };
    let mut refusal = Refusal::new(status, message);
    refusal.code = code.map(|code| Cow::Owned(code.to_owned())).or(implied.map(Cow::Borrowed));
    if billing {
        refusal = refusal.with_type("insufficient_quota");
    } else if status == 429 {
        refusal.retry_after = Some(Duration::from_secs(1));
    }
    refusal
}
