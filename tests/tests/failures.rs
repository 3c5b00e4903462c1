//! When no target answers, the client gets one honest error.

use serde_json::json;
use std::time::{Duration, Instant};
use weir_e2e::{CLIENT_KEY, Gateway, Setup, TARGETS, assert_no_leaks, chat, with};
use weir_sim::Fault;

async fn start() -> Gateway {
    let targets = "[openai/gpt-5.6, claude/claude-sonnet-5-5, gemini/gemini-3.8-flash]";
    Setup::new(&format!(
        "models:\n  smart: {targets}\n  \
         quick: {{ targets: {targets}, first_token_timeout: 400ms, answer_timeout: 400ms }}\n  \
         hasty: {{ targets: {targets}, first_token_timeout: 900ms, answer_timeout: 900ms, deadline: 1500ms }}\n"
    ))
    .start()
    .await
}

/// Gives the three providers these faults.
async fn fail(gateway: &Gateway, faults: [Fault; 3]) {
    gateway.reset().await;
    for (target, fault) in TARGETS.into_iter().zip(faults) {
        gateway.sim.set_faults(target.provider, [fault]).await.expect("a fault");
    }
}

#[tokio::test]
async fn the_error_names_every_target_tried_and_how_it_failed() {
    let gateway = start().await;
    let status = Fault::status;
    for (faults, model, expected, code, says) in [
        ([status(500), status(529), status(503)], "smart", 502, "upstream_failed", ["500", "529", "503"]),
        ([status(529), status(529), status(503)], "smart", 503, "overloaded", ["529", "529", "503"]),
        ([status(401), status(401), status(401)], "smart", 502, "upstream_authentication_error", ["401", "401", "401"]),
        (
            [Fault::refuse(), status(429), status(401)],
            "smart",
            502,
            "upstream_failed",
            ["connection failed", "429", "401"],
        ),
        (
            [Fault::refuse(), Fault::refuse(), Fault::refuse()],
            "smart",
            502,
            "upstream_failed",
            ["connection failed"; 3],
        ),
        (
            [Fault::reset(), Fault::cut_after(0), Fault::body("<html>")],
            "smart",
            502,
            "upstream_failed",
            ["connection failed", "connection failed", "unreadable"],
        ),
        (
            [status(429), Fault::error_event_after(0), Fault::hang()],
            "quick",
            502,
            "upstream_failed",
            ["429", "529", "timeout"],
        ),
        ([Fault::hang(), Fault::hang_after(0), Fault::hang()], "quick", 504, "upstream_timeout", ["timeout"; 3]),
    ] {
        for streamed in [false, true] {
            let what = format!("{faults:?}, streamed={streamed}");
            fail(&gateway, faults.clone()).await;
            let answer = gateway.chat(&with(chat(model, "Hi"), json!({ "stream": streamed }))).await;
            let error = answer.expect_error(expected, &what);
            assert_eq!(error["code"], code, "{what}: {}", answer.body);
            assert_eq!(answer.header("x-weir-attempts"), Some("3"), "{what}");
            assert_eq!(answer.header("x-weir-provider"), None, "{what}");
            let message = answer.message();
            let mut from = 0;
            for (target, says) in TARGETS.into_iter().zip(says) {
                // Each target with its own failure, in the order of the attempts.
                let at = message.get(from..).and_then(|rest| rest.find(&target.address()));
                let at = from + at.unwrap_or_else(|| panic!("{what}: {} is not named: {message}", target.name));
                let end = message.get(at..).and_then(|rest| rest.find(';')).map_or(message.len(), |end| at + end);
                let part = message.get(at..end).unwrap_or_default();
                assert!(part.contains(says), "{what}: {part:?} does not say {says}");
                from = end;
            }
            assert_no_secrets(&answer.body, &what);
            assert_no_leaks(&gateway, &what);
        }
    }
}

#[tokio::test]
async fn a_failed_providers_own_words_stay_here() {
    let gateway = start().await;
    let fault = |status| Fault {
        message: Some("org-4711 of jane@example.com is out of money".into()),
        ..Fault::status(status)
    };
    for status in [401, 403, 429, 500, 503] {
        fail(&gateway, [fault(status), fault(status), fault(status)]).await;
        let answer = gateway.chat(&chat("smart", "Hi")).await;
        assert!(answer.status >= 429, "{}", answer.body);
        assert!(!answer.body.contains("4711") && !answer.body.contains("jane"), "{status}: {}", answer.body);
    }
}

#[tokio::test]
async fn when_all_are_rate_limited_the_client_learns_the_shortest_wait() {
    let gateway = start().await;
    let limited = |seconds| Fault { retry_after: Some(seconds), ..Fault::status(429) };
    for streamed in [false, true] {
        fail(&gateway, [limited(40), limited(27), limited(50)]).await;
        let answer = gateway.chat(&with(chat("smart", "Hi"), json!({ "stream": streamed }))).await;
        let error = answer.expect_error(429, "all 429");
        assert_eq!(error["type"], "rate_limit_error");
        assert_eq!(error["code"], "rate_limit_exceeded");
        assert_eq!(answer.header("retry-after"), Some("27"));
        assert_eq!(answer.header("retry-after-ms"), Some("27000"));
        assert_eq!(answer.header("x-should-retry"), None, "an SDK would not wait and come again");
    }
    // Gemini tells its wait in the body.
    fail(&gateway, [limited(40), limited(40), limited(3)]).await;
    assert_eq!(gateway.chat(&chat("smart", "Hi")).await.header("retry-after"), Some("3"));
    // An hour is no wait that a client should sit out.
    fail(&gateway, [limited(3600), limited(3600), limited(3600)]).await;
    assert_eq!(gateway.chat(&chat("smart", "Hi")).await.header("retry-after"), Some("60"));
}

#[tokio::test]
async fn an_exhausted_quota_is_not_worth_a_retry() {
    let gateway = start().await;
    let billing = |code: &str| Fault { code: Some(code.into()), ..Fault::status(429) };
    gateway.sim.set_faults(TARGETS[0].provider, [billing("insufficient_quota")]).await.expect("a fault");
    let answer = gateway.chat(&chat("openai/gpt-5.6", "Hi")).await;
    assert_eq!(answer.expect_error(429, "quota")["code"], "insufficient_quota");
    assert_eq!(answer.header("x-should-retry"), Some("false"));
    assert_eq!(answer.header("retry-after"), None);
}

#[tokio::test]
async fn when_all_hang_the_deadline_ends_it() {
    let gateway = start().await;
    for streamed in [false, true] {
        fail(&gateway, [Fault::hang(), Fault::hang_after(0), Fault::hang()]).await;
        let begun = Instant::now();
        let answer = gateway.chat(&with(chat("hasty", "Hi"), json!({ "stream": streamed }))).await;
        let took = begun.elapsed();
        let error = answer.expect_error(504, "the deadline");
        assert_eq!(error["code"], "upstream_timeout", "{}", answer.body);
        assert!(took > Duration::from_millis(1_400) && took < Duration::from_millis(2_200), "took {took:?}");
        for name in ["openai", "claude"] {
            assert!(answer.message().contains(name), "{name} is not named: {}", answer.message());
        }
        // Whom the deadline left no time for was not tried, and is not said to have failed.
        assert!(!answer.message().contains("gemini"), "{}", answer.message());
    }
}

#[tokio::test]
async fn an_sdk_is_told_not_to_try_again_what_was_tried_everywhere() {
    let gateway = start().await;
    fail(&gateway, [Fault::status(500), Fault::status(500), Fault::status(500)]).await;
    let answer = gateway.chat(&chat("smart", "Hi")).await;
    assert_eq!(answer.header("x-should-retry"), Some("false"));
    assert_eq!(answer.header("retry-after"), None);
}

fn assert_no_secrets(body: &str, what: &str) {
    for secret in
        TARGETS.map(|target| target.key).into_iter().chain([CLIENT_KEY, "127.0.0.1", "upstream_reset", "wasm"])
    {
        assert!(!body.contains(secret), "{what}: {secret} in {body}");
    }
}
