use super::*;
use crate::config::Millis;
use crate::traffic::{Ceiling, Levels, Owner, Until};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// What the client reads when these attempts failed, each with what it was asked to wait, in milliseconds:
/// status, code, `retry-after-ms` and `x-should-retry`.
fn told(attempts: &[(Class, Option<u64>)]) -> String {
    let attempts = attempts.iter().map(|&(class, wait)| Attempted {
        target: Target { provider: "p".into(), model: "m".into(), weight: None },
        failure: Failure { retry_after: wait.map(Millis), ..Failure::plain(class, Some(429), "") },
    });
    let refusal = Refusal::Failed(attempts.collect());
    let reply = refusal.reply(Dialect::OpenAi);
    let header = |name: &str| {
        let value = reply.headers.iter().find(|(have, _)| have == name).map(|(_, value)| value.clone());
        String::from_utf8(value.unwrap_or_else(|| b"-".to_vec())).unwrap()
    };
    let code = refusal.error().code.unwrap();
    format!("{} {code} {} {}", reply.status, header("retry-after-ms"), header("x-should-retry"))
}

#[test]
fn only_a_limit_that_its_client_has_met_counts_as_one() {
    let limited = |until| {
        let (owner, ceiling) = (Owner::Tenant, Ceiling::Requests);
        Refusal::Limited(Obstacle::Limited { owner, ceiling, until, levels: Levels::default() })
    };
    let cooling = |passes| Refusal::Limited(Obstacle::Cooling { wait: 9_000, passes });
    for (refusal, status, outcome) in [
        (limited(Until::Millis(5)), 429, Outcome::Limited),
        (limited(Until::Slot), 429, Outcome::Limited),
        (Refusal::Limited(Obstacle::Queued { wait: None }), 429, Outcome::Limited),
        // The providers have refused, not we.
        (cooling(true), 429, Outcome::Upstream429),
        (cooling(false), 503, Outcome::Upstream5xx),
        // Nobody can tell, or hold it.
        (limited(Until::Closed), 503, Outcome::Upstream5xx),
        (Refusal::BudgetUnknown, 503, Outcome::Upstream5xx),
        (Refusal::OutOfMemory, 503, Outcome::Upstream5xx),
        (Refusal::KeysNotKnown, 503, Outcome::Upstream5xx),
    ] {
        assert_eq!((refusal.error().status, refusal.outcome()), (status, outcome), "{refusal:?}");
    }
}

#[test]
fn a_bill_is_not_worth_a_retry_whatever_the_provider_says() {
    use Class::{DailyQuota, QuotaExhausted, RateLimited};
    for wait in [None, Some(20_000)] {
        assert_eq!(told(&[(QuotaExhausted, wait)]), "429 insufficient_quota - false");
        assert_eq!(told(&[(DailyQuota, wait), (QuotaExhausted, wait)]), "429 insufficient_quota - false");
    }
    // Where one target only asks for a moment, the request may come again.
    assert_eq!(told(&[(QuotaExhausted, Some(1)), (RateLimited, Some(20_000))]), "429 rate_limit_exceeded 20000 -");
}

#[test]
fn a_gemini_client_reads_the_wait_in_the_body() {
    let attempted = |class, wait: Option<u64>| Attempted {
        target: Target { provider: "p".into(), model: "m".into(), weight: None },
        failure: Failure { retry_after: wait.map(Millis), ..Failure::plain(class, Some(429), "") },
    };
    let details = |refusal: &Refusal, dialect| {
        let body: serde_json::Value = serde_json::from_slice(&refusal.reply(dialect).body).unwrap();
        body["error"]["details"].clone()
    };
    let limited = Refusal::Failed(vec![attempted(Class::RateLimited, Some(34_400))]);
    let info = serde_json::json!([{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.400s"}]);
    assert_eq!(details(&limited, Dialect::Gemini), info);
    assert!(details(&limited, Dialect::OpenAi).is_null() && details(&limited, Dialect::Anthropic).is_null());
    let spent = Refusal::Failed(vec![attempted(Class::QuotaExhausted, Some(34_400))]);
    assert!(details(&spent, Dialect::Gemini).is_null(), "a wait would not help");
}

#[test]
fn a_request_over_the_limit_is_not_worth_a_retry() {
    assert_eq!(told(&[(Class::OverLimit, Some(1_000))]), "429 rate_limit_exceeded - false");
    assert_eq!(told(&[(Class::RateLimited, None)]), "429 rate_limit_exceeded - false");
    assert_eq!(told(&[(Class::RateLimited, Some(3_600_000))]), "429 rate_limit_exceeded 60000 -");
}

#[test]
fn one_class_of_failure_is_told_as_what_it_is() {
    for (class, expected) in [
        (Class::ContextTooLong, "400 context_length_exceeded"),
        (Class::ModelNotFound, "404 model_not_found"),
        (Class::Credential, "502 upstream_authentication_error"),
        (Class::Forbidden, "502 upstream_authentication_error"),
        (Class::Conflict, "409 upstream_conflict"),
        (Class::Timeout, "504 upstream_timeout"),
        (Class::Overloaded, "503 overloaded"),
        (Class::ServerError, "502 upstream_failed"),
        (Class::Unexpected, "502 upstream_failed"),
    ] {
        assert_eq!(told(&[(class, None), (class, None)]), format!("{expected} - false"));
    }
}

/// Status and body in a dialect.
fn worded(refusal: &Refusal, dialect: Dialect) -> String {
    let reply = refusal.reply(dialect);
    format!("{} {}", reply.status, String::from_utf8(reply.body).unwrap())
}

#[test]
fn a_parameter_that_no_target_takes_is_named_in_each_dialect() {
    let refusal =
        Refusal::Unsupported(Unsupported { param: "messages.0.content.1".into(), message: "no sound".into() });
    for dialect in [Dialect::OpenAi, Dialect::Anthropic, Dialect::Gemini] {
        assert!(worded(&refusal, dialect).contains("messages.0.content.1"), "{dialect:?}");
    }
}

#[test]
fn a_thread_that_is_kept_nowhere_is_told_as_its_sdk_knows_it() {
    assert_eq!(
        worded(&Refusal::ThreadNotFound, Dialect::Anthropic),
        r#"404 {"error":{"details":{"error_code":"thread_not_found"},"message":"No target keeps this conversation. Send all of it, with `thread: {\"type\": \"create\"}`.","type":"not_found_error"},"type":"error"}"#
    );
    // And so is what Anthropic itself says of one.
    let failure = crate::provider::anthropic::error::read(
        400,
        br#"{"type":"error","error":{"type":"invalid_request_error","message":"m","details":{"error_code":"thread_fingerprint_mismatch"}}}"#,
    );
    let target = Target { provider: "p".into(), model: "m".into(), weight: None };
    assert_eq!(
        worded(&Refusal::Failed(vec![Attempted { target, failure }]), Dialect::Anthropic),
        r#"400 {"error":{"details":{"error_code":"thread_fingerprint_mismatch"},"message":"m","type":"invalid_request_error"},"type":"error"}"#
    );
}

#[test]
fn an_anthropic_client_is_told_of_overload_by_its_own_status() {
    assert!(worded(&Refusal::OutOfMemory, Dialect::Anthropic).starts_with("529 "));
    assert!(worded(&Refusal::OutOfMemory, Dialect::OpenAi).starts_with("503 "));
}
