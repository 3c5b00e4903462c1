use super::*;
use crate::provider::{anthropic, gemini, openai};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// A failure's class and its rule, in PROVIDERS D.2's letters: R the same target may do better, F fail over, X the
/// client's own; and the cooldown in seconds, when the provider asks for none and when it asks for 20.
fn check(failure: &Failure, expected: &str) {
    let Rule { verdict, retry_same, cool, scope } = failure.class.rule();
    let mut text = format!("{:?}: ", failure.class);
    text.push_str(if retry_same { "R" } else { "" });
    text.push_str(match verdict {
        Verdict::NextHealthy => "F",
        Verdict::NextSick => "F sick",
        Verdict::Return => "X",
    });
    let seconds = |asked| cool.time(asked).map_or(0, |time| time.0 / 1000);
    match (cool, scope) {
        (Cool::No, _) => {}
        (_, Scope::Target) => text.push_str(&format!(" C{}/{}", seconds(None), seconds(Some(Millis(20_000))))),
        (_, Scope::Provider) => text.push_str(&format!(" C{} of all", seconds(Some(Millis(20_000))))),
    }
    assert_eq!(text, expected, "{failure:?}");
}

#[test]
fn openai_row_by_row() {
    let check = |status, kind: &str, code: &str, message: &str, expected| {
        let body = format!(r#"{{"error":{{"message":"{message}","type":"{kind}","param":null,"code":"{code}"}}}}"#);
        check(&openai::error::read(status, body.as_bytes()), expected);
    };
    let invalid = "invalid_request_error";
    for code in ["unsupported_parameter", "unsupported_value", "invalid_type", "empty_array"] {
        check(400, invalid, code, "m", "InvalidRequest: X");
    }
    check(400, invalid, "context_length_exceeded", "m", "ContextTooLong: F");
    for code in ["content_policy_violation", "content_filter", "invalid_prompt", "bio_policy"] {
        check(400, invalid, code, "m", "ContentPolicy: X");
        check(403, invalid, code, "m", "ContentPolicy: X");
    }
    check(401, invalid, "invalid_api_key", "m", "Credential: F C60 of all");
    check(400, "", "400", "API key not valid. Please pass", "Credential: F C60 of all");
    check(403, "request_forbidden", "unsupported_country_region_territory", "m", "Credential: F C60 of all");
    check(403, "", "", "no permission", "Forbidden: F C60/60");
    check(404, invalid, "model_not_found", "m", "ModelNotFound: F C60/60");
    check(400, invalid, "model_not_found", "m", "ModelNotFound: F C60/60");
    check(403, invalid, "model_not_found", "m", "ModelNotFound: F C60/60");
    check(408, "", "", "m", "Timeout: RF sick");
    check(409, "", "", "m", "Conflict: RF");
    check(413, "", "", "m", "TooLarge: X");
    check(422, "", "", "m", "InvalidRequest: X");
    check(405, "", "", "m", "Unexpected: F");
    check(301, "", "", "m", "Unexpected: F");
    for (kind, code) in
        [("requests", "rate_limit_exceeded"), ("tokens", "rate_limit_exceeded"), ("rate_limit_error", "slow_down")]
    {
        check(429, kind, code, "Rate limit reached", "RateLimited: RF C1/20");
    }
    check(400, "rate_limit_error", "", "m", "RateLimited: RF C1/20");
    let large =
        "Request too large for gpt-6 in organization org-1 on tokens per min (TPM): Limit 30000, Requested 31000.";
    check(429, "tokens", "rate_limit_exceeded", large, "OverLimit: F");
    check(413, "tokens", "rate_limit_exceeded", large, "OverLimit: F");
    for code in [
        "insufficient_quota",
        "credit_balance_exhausted",
        "organization_spend_limit_exceeded",
        "project_spend_limit_exceeded",
        "organization_usage_limit_exceeded",
        "a code to come",
    ] {
        check(429, "insufficient_quota", code, "m", "QuotaExhausted: F C600 of all");
    }
    check(402, "", "", "m", "QuotaExhausted: F C600 of all");
    check(500, "server_error", "", "m", "ServerError: RF sick");
    check(502, "", "", "m", "ServerError: RF sick");
    for code in ["server_is_overloaded", "slow_down", ""] {
        check(503, "server_error", code, "m", "Overloaded: RF sick C0/20");
    }
    check(504, "", "", "m", "Timeout: RF sick");
    for status in 520..=527 {
        check(status, "", "", "m", "ServerError: RF sick");
    }
}

#[test]
fn azure_says_it_in_its_own_way() {
    let read = |status, body: &str| openai::error::read(status, body.as_bytes());
    let filtered = |code: &str, inner: &str| {
        format!(
            r#"{{"error":{{"message":"m","type":null,"param":"prompt","code":{code},"status":400,"innererror":{inner}}}}}"#
        )
    };
    let inner = r#"{"code":"ResponsibleAIPolicyViolation","content_filter_result":{"hate":{"filtered":true}}}"#;
    check(&read(400, &filtered(r#""content_filter""#, inner)), "ContentPolicy: X");
    check(&read(400, &filtered("null", inner)), "ContentPolicy: X");
    check(&read(400, &filtered(r#""content_filter""#, r#""odd""#)), "ContentPolicy: X");
    check(&read(429, r#"{"error":{"code":"429","message":"m"}}"#), "RateLimited: RF C1/20");
    check(&read(429, r#"{"statusCode":429,"message":"Rate limit is exceeded."}"#), "RateLimited: RF C1/20");
}

#[test]
fn anthropic_row_by_row() {
    let check = |status, kind: &str, code: &str, message: &str, expected| {
        let body = format!(
            r#"{{"type":"error","error":{{"type":"{kind}","message":"{message}","details":{{"error_code":"{code}"}}}}}}"#
        );
        check(&anthropic::error::read(status, body.as_bytes()), expected);
    };
    let invalid = "invalid_request_error";
    check(400, invalid, "", "messages.0: bad", "InvalidRequest: X");
    for message in ["You have reached your specified API usage limits.", "Your credit balance is too low"] {
        check(400, invalid, "", message, "QuotaExhausted: F C600 of all");
    }
    for message in ["prompt is too long: 2 > 1", "input length and `max_tokens` exceed context limit: 2 > 1"] {
        check(400, invalid, "", message, "ContextTooLong: F");
    }
    check(401, "authentication_error", "", "m", "Credential: F C60 of all");
    check(403, "permission_error", "", "m", "Forbidden: F C60/60");
    for status in [400, 403] {
        check(status, "permission_error", "organization_on_hold", "m", "Credential: F C60 of all");
    }
    check(402, "billing_error", "", "m", "QuotaExhausted: F C600 of all");
    check(402, invalid, "", "m", "QuotaExhausted: F C600 of all");
    check(404, "not_found_error", "", "model: claude-x", "ModelNotFound: F C60/60");
    check(408, "", "", "m", "Timeout: RF sick");
    check(409, "conflict_error", "", "m", "Conflict: RF");
    check(413, "request_too_large", "", "m", "TooLarge: X");
    check(422, "", "", "m", "InvalidRequest: X");
    for code in ["", "ramp_limit_exceeded"] {
        check(429, "rate_limit_error", code, "m", "RateLimited: RF C1/20");
    }
    for code in ["enforced_spend_limit_reached", "contract_spend_limit_reached"] {
        check(429, "rate_limit_error", code, "m", "QuotaExhausted: F C600 of all");
    }
    check(500, "api_error", "", "m", "ServerError: RF sick");
    check(504, "timeout_error", "", "m", "Timeout: RF sick");
    check(529, "overloaded_error", "", "m", "Overloaded: RF sick C0/20");
    check(522, "", "", "m", "ServerError: RF sick");
}

#[test]
fn gemini_row_by_row() {
    let check = |status, name: &str, message: &str, details: &str, expected| {
        let body =
            format!(r#"{{"error":{{"code":{status},"message":"{message}","status":"{name}","details":[{details}]}}}}"#);
        check(&gemini::error::read(status, body.as_bytes()), expected);
    };
    let info = |reason: &str| format!(r#"{{"@type":"google.rpc.ErrorInfo","reason":"{reason}"}}"#);
    let quota = |id: &str| format!(r#"{{"@type":"google.rpc.QuotaFailure","violations":[{{"quotaId":"{id}"}}]}}"#);
    let credential = "Credential: F C60 of all";
    check(400, "INVALID_ARGUMENT", "bad role", "", "InvalidRequest: X");
    check(400, "INVALID_ARGUMENT", "m", &info("API_KEY_INVALID"), credential);
    check(400, "INVALID_ARGUMENT", "API key not valid.", "", credential);
    let long = "The input token count (2) exceeds the maximum number of tokens allowed (1).";
    check(400, "INVALID_ARGUMENT", long, "", "ContextTooLong: F");
    check(400, "INVALID_ARGUMENT", "Corrupted thought signature.", "", "ForeignThought: RF");
    check(400, "INVALID_ARGUMENT", "Function call is missing a thought_signature.", "", "ForeignThought: RF");
    check(400, "FAILED_PRECONDITION", "User location is not supported", "", credential);
    check(401, "UNAUTHENTICATED", "m", "", credential);
    for reason in ["API_KEY_SERVICE_BLOCKED", "SERVICE_DISABLED", "CONSUMER_SUSPENDED"] {
        check(403, "PERMISSION_DENIED", "m", &info(reason), credential);
    }
    check(403, "PERMISSION_DENIED", "m", &info("BILLING_DISABLED"), "QuotaExhausted: F C600 of all");
    check(403, "PERMISSION_DENIED", "m", "", "Forbidden: F C60/60");
    let file = "You do not have permission to access the File abc or it may not exist.";
    check(403, "PERMISSION_DENIED", file, "", "InvalidRequest: X");
    check(402, "FAILED_PRECONDITION", "m", "", "QuotaExhausted: F C600 of all");
    check(404, "NOT_FOUND", "models/x is not found", "", "ModelNotFound: F C60/60");
    check(408, "", "m", "", "Timeout: RF sick");
    check(409, "ABORTED", "m", "", "Conflict: RF");
    check(413, "", "m", "", "TooLarge: X");
    let limited = "RateLimited: RF C1/20";
    check(429, "RESOURCE_EXHAUSTED", "m", "", limited);
    check(429, "RESOURCE_EXHAUSTED", "m", &quota("GenerateRequestsPerMinutePerProjectPerModel"), limited);
    let daily = "DailyQuota: F C600/600";
    check(429, "RESOURCE_EXHAUSTED", "m", &quota("GenerateRequestsPerDayPerProjectPerModel-FreeTier"), daily);
    check(429, "RESOURCE_EXHAUSTED", "Quota exceeded, limit: 0, model: x", "", daily);
    check(499, "CANCELLED", "m", "", "ServerError: RF sick");
    check(500, "INTERNAL", "m", "", "ServerError: RF sick");
    check(503, "UNAVAILABLE", "The model is overloaded.", "", "Overloaded: RF sick C0/20");
    check(504, "DEADLINE_EXCEEDED", "m", "", "Timeout: RF sick");
}

#[test]
fn without_a_providers_words_the_same_rules_hold() {
    let check = |class, expected| check(&Failure::plain(class, None, ""), expected);
    check(Class::Connection, "Connection: RF sick");
    check(Class::Timeout, "Timeout: RF sick");
    check(Class::Unreadable, "Unreadable: RF sick");
    check(Class::Truncated, "Truncated: RF sick");
    check(Class::AnswerTooLarge, "AnswerTooLarge: F");
}

#[test]
fn a_cooldown_is_as_long_as_asked_but_for_a_floor() {
    let hour = Some(Millis(3_600_000));
    assert_eq!(Class::QuotaExhausted.rule().cool.time(hour), hour);
    assert_eq!(Class::RateLimited.rule().cool.time(hour), hour);
    assert_eq!(Class::RateLimited.rule().cool.time(Some(Millis(0))), Some(Millis(0)));
    assert_eq!(Class::Overloaded.rule().cool.time(None), None);
    assert_eq!(Class::ServerError.rule().cool.time(hour), None);
}
