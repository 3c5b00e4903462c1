use crate::provider::gemini::error;
use crate::provider::testing::shown;
use expect_test::{Expect, expect};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn check(status: u16, body: &str, expect: Expect) {
    expect.assert_eq(&shown(&error::read(status, body.as_bytes())));
}

fn of(status: u16, name: &str, message: &str, details: &str) -> String {
    format!(r#"{{"error":{{"code":{status},"message":"{message}","status":"{name}","details":[{details}]}}}}"#)
}

#[test]
fn each_status_has_its_class() {
    for (status, name, message, expect) in [
        (
            400,
            "INVALID_ARGUMENT",
            "Please use a valid role: user, model.",
            expect!["failure: InvalidRequest 400 code=INVALID_ARGUMENT: Please use a valid role: user, model."],
        ),
        (
            400,
            "INVALID_ARGUMENT",
            "API key not valid. Please pass a valid API key.",
            expect!["failure: Credential 400 code=INVALID_ARGUMENT: API key not valid. Please pass a valid API key."],
        ),
        (
            400,
            "INVALID_ARGUMENT",
            "The input token count (2000000) exceeds the maximum number of tokens allowed (1048576).",
            expect![[
                r#"failure: ContextTooLong 400 code=INVALID_ARGUMENT: The input token count (2000000) exceeds the maximum number of tokens allowed (1048576)."#
            ]],
        ),
        (
            400,
            "FAILED_PRECONDITION",
            "User location is not supported for the API use.",
            expect![[
                r#"failure: Credential 400 code=FAILED_PRECONDITION: User location is not supported for the API use."#
            ]],
        ),
        (401, "UNAUTHENTICATED", "m", expect!["failure: Credential 401 code=UNAUTHENTICATED: m"]),
        (402, "FAILED_PRECONDITION", "m", expect!["failure: QuotaExhausted 402 code=FAILED_PRECONDITION: m"]),
        (403, "PERMISSION_DENIED", "m", expect!["failure: Forbidden 403 code=PERMISSION_DENIED: m"]),
        (
            404,
            "NOT_FOUND",
            "models/x is not found",
            expect!["failure: ModelNotFound 404 code=NOT_FOUND: models/x is not found"],
        ),
        (409, "ABORTED", "m", expect!["failure: Conflict 409 code=ABORTED: m"]),
        (413, "", "", expect!["failure: TooLarge 413: request too large"]),
        (
            429,
            "RESOURCE_EXHAUSTED",
            "Slow down. Please retry in 46.1s.",
            expect![[
                r#"failure: RateLimited 429 code=RESOURCE_EXHAUSTED retry_after=46100ms: Slow down. Please retry in 46.1s."#
            ]],
        ),
        (
            429,
            "RESOURCE_EXHAUSTED",
            "Please retry in 1m0.25s.",
            expect!["failure: RateLimited 429 code=RESOURCE_EXHAUSTED retry_after=60250ms: Please retry in 1m0.25s."],
        ),
        (
            429,
            "RESOURCE_EXHAUSTED",
            "Quota exceeded for metric: x, limit: 0, model: y\\nPlease retry in 46.1s.",
            expect![[r#"
                failure: DailyQuota 429 code=RESOURCE_EXHAUSTED: Quota exceeded for metric: x, limit: 0, model: y
                Please retry in 46.1s."#]],
        ),
        (499, "CANCELLED", "m", expect!["failure: ServerError 499 code=CANCELLED: m"]),
        (500, "INTERNAL", "m", expect!["failure: ServerError 500 code=INTERNAL: m"]),
        (
            503,
            "UNAVAILABLE",
            "The model is overloaded.",
            expect!["failure: Overloaded 503 code=UNAVAILABLE: The model is overloaded."],
        ),
        (504, "DEADLINE_EXCEEDED", "m", expect!["failure: Timeout 504 code=DEADLINE_EXCEEDED: m"]),
    ] {
        check(status, &of(status, name, message, ""), expect);
    }
}

const INFO: &str =
    r#"{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID","domain":"googleapis.com"}"#;

#[test]
fn a_bad_key_is_told_by_its_reason() {
    check(400, &of(400, "INVALID_ARGUMENT", "m", INFO), expect!["failure: Credential 400 code=API_KEY_INVALID: m"]);
}

#[test]
fn a_quota_of_a_minute_is_waited_for_and_one_of_a_day_is_not() {
    let quota = |id: &str, delay: &str| {
        let details = format!(
            r#"{{"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{{"quotaMetric":"m","quotaId":"{id}","quotaValue":"10"}}]}},
               {{"@type":"type.googleapis.com/google.rpc.Help","links":[{{"url":"x"}}]}},
               {{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"{delay}"}}"#
        );
        of(429, "RESOURCE_EXHAUSTED", "Quota exceeded.", &details)
    };
    let minute = "GenerateRequestsPerMinutePerProjectPerModel-FreeTier";
    check(
        429,
        &quota(minute, "34.4s"),
        expect!["failure: RateLimited 429 code=RESOURCE_EXHAUSTED retry_after=34400ms: Quota exceeded."],
    );
    check(
        429,
        &quota(minute, "34s"),
        expect!["failure: RateLimited 429 code=RESOURCE_EXHAUSTED retry_after=34000ms: Quota exceeded."],
    );
    check(
        429,
        &quota(minute, "0.0001s"),
        expect!["failure: RateLimited 429 code=RESOURCE_EXHAUSTED retry_after=1ms: Quota exceeded."],
    );
    check(429, &quota(minute, "soon"), expect!["failure: RateLimited 429 code=RESOURCE_EXHAUSTED: Quota exceeded."]);
    check(
        429,
        &quota(minute, "99999999999999999999s"),
        expect!["failure: RateLimited 429 code=RESOURCE_EXHAUSTED retry_after=86400000ms: Quota exceeded."],
    );
    check(
        429,
        &quota("GenerateRequestsPerDayPerProjectPerModel-FreeTier", "34s"),
        expect!["failure: DailyQuota 429 code=RESOURCE_EXHAUSTED: Quota exceeded."],
    );
}

#[test]
fn the_field_that_is_wrong_is_named() {
    let details = r#"{"@type":"type.googleapis.com/google.rpc.BadRequest","fieldViolations":[{"field":"generation_config.temperature","description":"d"}]},{"reason":7},"odd""#;
    check(
        400,
        &of(400, "INVALID_ARGUMENT", "m", details),
        expect!["failure: InvalidRequest 400 code=INVALID_ARGUMENT param=generation_config.temperature: m"],
    );
}

#[test]
fn an_error_may_be_wrapped_in_an_array() {
    check(
        400,
        &format!("\n[{}\n]", of(400, "INVALID_ARGUMENT", "m", INFO)),
        expect!["failure: Credential 400 code=API_KEY_INVALID: m"],
    );
    check(503, "[]", expect!["failure: Overloaded 503: overloaded"]);
}

#[test]
fn without_words_the_status_tells() {
    for (status, expect) in [
        (302, expect!["failure: Unexpected 302: unexpected status"]),
        (400, expect!["failure: InvalidRequest 400: invalid request"]),
        (403, expect!["failure: Forbidden 403: the gateway's credential is not permitted to do this"]),
        (408, expect!["failure: Timeout 408: timeout"]),
        (429, expect!["failure: RateLimited 429: rate limited"]),
        (502, expect!["failure: ServerError 502: server error"]),
        (503, expect!["failure: Overloaded 503: overloaded"]),
    ] {
        check(status, "<html>", expect);
    }
    check(500, r#"{"error":"a string"}"#, expect!["failure: ServerError 500: server error"]);
}
