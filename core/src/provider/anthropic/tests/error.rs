use crate::provider::anthropic::error;
use crate::provider::testing::shown;
use expect_test::{Expect, expect};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn check(status: u16, body: &str, expect: Expect) {
    expect.assert_eq(&shown(&error::read(status, body.as_bytes())));
}

fn of(kind: &str, message: &str) -> String {
    format!(r#"{{"type":"error","error":{{"type":"{kind}","message":"{message}"}},"request_id":"req_1"}}"#)
}

#[test]
fn each_type_has_its_class() {
    for (status, kind, message, expect) in [
        (
            400,
            "invalid_request_error",
            "messages.0: bad",
            expect!["failure: InvalidRequest 400 code=invalid_request_error: messages.0: bad"],
        ),
        (
            400,
            "invalid_request_error",
            "You have reached your specified API usage limits. You will regain access on 2026-12-01",
            expect![[
                r#"failure: QuotaExhausted 400 code=invalid_request_error: You have reached your specified API usage limits. You will regain access on 2026-12-01"#
            ]],
        ),
        (
            400,
            "invalid_request_error",
            "Your credit balance is too low to access the Anthropic API.",
            expect![[
                r#"failure: QuotaExhausted 400 code=invalid_request_error: Your credit balance is too low to access the Anthropic API."#
            ]],
        ),
        (
            400,
            "invalid_request_error",
            "prompt is too long: 210000 tokens > 200000 maximum",
            expect![[
                r#"failure: ContextTooLong 400 code=invalid_request_error: prompt is too long: 210000 tokens > 200000 maximum"#
            ]],
        ),
        (
            400,
            "invalid_request_error",
            "input length and `max_tokens` exceed context limit: 1 + 2 > 2",
            expect![[
                r#"failure: ContextTooLong 400 code=invalid_request_error: input length and `max_tokens` exceed context limit: 1 + 2 > 2"#
            ]],
        ),
        (
            401,
            "authentication_error",
            "invalid x-api-key",
            expect!["failure: Credential 401 code=authentication_error: invalid x-api-key"],
        ),
        (402, "billing_error", "pay", expect!["failure: QuotaExhausted 402 code=billing_error: pay"]),
        (403, "permission_error", "no", expect!["failure: Forbidden 403 code=permission_error: no"]),
        (
            404,
            "not_found_error",
            "model: claude-x",
            expect!["failure: ModelNotFound 404 code=not_found_error: model: claude-x"],
        ),
        (409, "conflict_error", "again", expect!["failure: Conflict 409 code=conflict_error: again"]),
        (413, "request_too_large", "32 MB", expect!["failure: TooLarge 413 code=request_too_large: 32 MB"]),
        (429, "rate_limit_error", "slow down", expect!["failure: RateLimited 429 code=rate_limit_error: slow down"]),
        (500, "api_error", "oops", expect!["failure: ServerError 500 code=api_error: oops"]),
        (504, "timeout_error", "late", expect!["failure: Timeout 504 code=timeout_error: late"]),
        (529, "overloaded_error", "Overloaded", expect!["failure: Overloaded 529 code=overloaded_error: Overloaded"]),
        (418, "something_new", "tea", expect!["failure: Unexpected 418 code=something_new: tea"]),
    ] {
        check(status, &of(kind, message), expect);
    }
}

#[test]
fn a_spend_cap_is_no_rate_limit() {
    for (code, expect) in [
        ("enforced_spend_limit_reached", expect!["failure: QuotaExhausted 429 code=enforced_spend_limit_reached: m"]),
        ("contract_spend_limit_reached", expect!["failure: QuotaExhausted 429 code=contract_spend_limit_reached: m"]),
        ("ramp_limit_exceeded", expect!["failure: RateLimited 429 code=ramp_limit_exceeded: m"]),
    ] {
        let body = format!(
            r#"{{"type":"error","error":{{"type":"rate_limit_error","message":"m","details":{{"error_code":"{code}"}}}}}}"#
        );
        check(429, &body, expect);
    }
}

#[test]
fn a_lost_thread_is_no_missing_model() {
    for (status, kind, code, expect) in [
        (404, "not_found_error", "thread_not_found", expect!["failure: InvalidRequest 404 code=thread_not_found: m"]),
        (
            400,
            "invalid_request_error",
            "thread_fingerprint_mismatch",
            expect!["failure: InvalidRequest 400 code=thread_fingerprint_mismatch: m"],
        ),
        (
            409,
            "conflict_error",
            "thread_continue_in_flight",
            expect!["failure: InvalidRequest 409 code=thread_continue_in_flight: m"],
        ),
    ] {
        let body = format!(
            r#"{{"type":"error","error":{{"type":"{kind}","message":"m","details":{{"error_code":"{code}"}}}}}}"#
        );
        check(status, &body, expect);
    }
}

#[test]
fn without_words_the_status_tells() {
    for (status, expect) in [
        (400, expect!["failure: InvalidRequest 400: invalid request"]),
        (401, expect!["failure: Credential 401: the gateway's credential was refused"]),
        (408, expect!["failure: Timeout 408: timeout"]),
        (422, expect!["failure: InvalidRequest 422: invalid request"]),
        (429, expect!["failure: RateLimited 429: rate limited"]),
        (502, expect!["failure: ServerError 502: server error"]),
        (503, expect!["failure: Overloaded 503: overloaded"]),
        (522, expect!["failure: ServerError 522: server error"]),
        (302, expect!["failure: Unexpected 302: unexpected status"]),
    ] {
        check(status, "<html>", expect);
    }
    check(529, r#"{"error":"a string"}"#, expect!["failure: Overloaded 529: overloaded"]);
    check(500, r#"{"error":{}}"#, expect!["failure: ServerError 500: server error"]);
}

#[test]
fn a_long_message_is_bounded() {
    let failure = error::read(400, of("invalid_request_error", &"ü".repeat(5000)).as_bytes());
    assert_eq!(failure.message.len(), crate::failure::MAX_MESSAGE);
}
