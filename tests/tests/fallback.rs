//! When one target fails, the next one answers; the client sees that in two headers and nowhere else.

use serde_json::json;
use std::time::{Duration, Instant};
use weir_e2e::{
    Answer, CLAUDE, GEMINI, Gateway, OPENAI, Piece, Scripted, Setup, TARGETS, Target, assert_no_leaks, chat, stream,
    with,
};
use weir_sim::{Fault, Outcome};

/// How a provider fails, and whether the model with short timeouts is needed to see it.
struct Case {
    name: &'static str,
    fault: Fault,
    quick: bool,
}

fn case(name: &'static str, fault: Fault) -> Case {
    Case { name, fault, quick: false }
}

fn slow(name: &'static str, fault: Fault) -> Case {
    Case { name, fault, quick: true }
}

fn faults(first: Target, streamed: bool) -> Vec<Case> {
    let mut cases = vec![
        case("429", Fault::status(429)),
        case("429 of billing", Fault { code: Some("insufficient_quota".into()), ..Fault::status(429) }),
        case("429 that asks for an hour", Fault { retry_after: Some(3600), ..Fault::status(429) }),
        case("500", Fault::status(500)),
        case("502", Fault::status(502)),
        case("503", Fault::status(503)),
        case("520, as a proxy before it says", Fault::status(520)),
        case("529", Fault::status(529)),
        case("401", Fault::status(401)),
        case("403", Fault::status(403)),
        case("404 of the model", Fault { code: Some("model_not_found".into()), ..Fault::status(404) }),
        case("connection refused", Fault::refuse()),
        case("reset before the status line", Fault::reset()),
        case("200 and an error event", Fault::error_event_after(0)),
        case("200 and no JSON", Fault::body("<html>Bad gateway</html>")),
        case("200 and JSON that is no answer", Fault::body("{}")),
        case(
            "200 and an error object",
            Fault::body(r#"{"error":{"message":"boom","type":"server_error","code":null}}"#),
        ),
        case("200 and a reset", Fault::cut_after(0)),
        slow("silence", Fault::hang()),
        slow("200 and then silence", Fault::hang_after(0)),
    ];
    if streamed {
        cases.push(case("200 and the end", Fault::close_after(0)));
        cases.push(case("an end before the first text", Fault::close_after(first.preamble)));
        cases.push(case("a reset before the first text", Fault::cut_after(first.preamble)));
        cases.push(case("an error event before the first text", Fault::error_event_after(first.preamble)));
        cases.push(slow("silence before the first text", Fault::hang_after(first.preamble)));
        let events = |body: &str| Fault { content_type: Some("text/event-stream".into()), ..Fault::body(body) };
        cases.push(case("events that are no JSON", events("data: oops\n\n")));
        cases.push(case("events that say nothing", events(": hello\n\n")));
    } else {
        cases.push(case("half an answer and a reset", Fault::cut_after(1)));
        cases.push(case("half an answer and the end", Fault::close_after(1)));
    }
    cases
}

/// `smart` and, with 400 ms for the first token and for a whole answer, `quick`.
async fn start() -> Gateway {
    let targets = "[openai/gpt-5.6, claude/claude-sonnet-5-5, gemini/gemini-3.8-flash]";
    Setup::new(&format!(
        "models:\n  smart: {targets}\n  quick: {{ targets: {targets}, first_token_timeout: 400ms, answer_timeout: 400ms }}\n"
    ))
    .start()
    .await
}

/// Fails `first` in every way; `second` must answer each time.
async fn check(first: Target, second: Target) {
    let gateway = start().await;
    let route = format!("{},{}", first.name, second.name);
    for streamed in [false, true] {
        for Case { name, fault, quick } in faults(first, streamed) {
            let what = format!("{name} at {}, streamed={streamed}", first.name);
            gateway.reset().await;
            gateway.sim.set_faults(first.provider, [fault.clone()]).await.expect("a fault");
            let model = if quick { "quick" } else { "smart" };
            let request = with(chat(model, "Hi"), json!({ "stream": streamed }));
            let begun = Instant::now();
            let response =
                gateway.post().header("x-weir-route", &route).json(&request).send().await.expect("an answer");
            if streamed {
                let stream = weir_e2e::Stream::read(response).await;
                stream.assert_complete(&what);
                assert!(stream.text().starts_with(&second.greeting()), "{what}: {}", stream.text());
                assert_served(&what, second, |name| stream.header(name).map(str::to_owned));
            } else {
                assert_eq!(response.status(), 200, "{what}: {}", response.text().await.unwrap_or_default());
                let header = |name: &str| Some(response.headers().get(name)?.to_str().ok()?.to_owned());
                assert_served(&what, second, header);
                let body = response.text().await.expect("a whole answer");
                assert!(body.contains(&second.greeting()), "{what}: {body}");
            }
            let bound = Duration::from_millis(if quick { 3_000 } else { 2_500 });
            assert!(begun.elapsed() < bound, "{what}: took {:?}", begun.elapsed());
            let asked = usize::from(!fault.refuse);
            assert_eq!(gateway.journal(first.provider).len(), asked, "{what}: requests at the first");
            let entries = gateway.journal(second.provider);
            assert_eq!(entries.len(), 1, "{what}: requests at the second");
            assert_eq!((entries[0].status, entries[0].outcome), (Some(200), Some(Outcome::Complete)), "{what}");
            assert_no_leaks(&gateway, &what);
        }
    }
}

fn assert_served(what: &str, by: Target, header: impl Fn(&str) -> Option<String>) {
    assert_eq!(header("x-weir-provider").as_deref(), Some(by.name), "{what}");
    assert_eq!(header("x-weir-model").as_deref(), Some(by.model), "{what}");
    assert_eq!(header("x-weir-attempts").as_deref(), Some("2"), "{what}");
}

#[tokio::test]
async fn whatever_fails_at_openai_claude_answers() {
    check(OPENAI, CLAUDE).await;
}

#[tokio::test]
async fn whatever_fails_at_claude_gemini_answers() {
    check(CLAUDE, GEMINI).await;
}

#[tokio::test]
async fn whatever_fails_at_gemini_openai_answers() {
    check(GEMINI, OPENAI).await;
}

#[tokio::test]
async fn two_failures_in_a_row_lead_to_the_third_target() {
    let gateway = start().await;
    let pairs = [
        (Fault::status(429), Fault::status(529), "smart"),
        (Fault::refuse(), Fault::error_event_after(0), "smart"),
        (Fault::body("<html>"), Fault::refuse(), "smart"),
        (Fault::status(500), Fault::hang(), "quick"),
        (Fault::hang_after(0), Fault::reset(), "quick"),
    ];
    for (first, second, model) in pairs {
        for streamed in [false, true] {
            let what = format!("{first:?}, {second:?}, streamed={streamed}");
            gateway.reset().await;
            gateway.sim.set_faults(OPENAI.provider, [first.clone()]).await.expect("a fault");
            gateway.sim.set_faults(CLAUDE.provider, [second.clone()]).await.expect("a fault");
            let request = with(chat(model, "Hi"), json!({ "stream": streamed }));
            let (attempts, provider, complete) = if streamed {
                let stream = gateway.stream(&request).await;
                stream.assert_complete(&what);
                let header = |name| stream.header(name).map(str::to_owned);
                (header("x-weir-attempts"), header("x-weir-provider"), stream.text().starts_with(&GEMINI.greeting()))
            } else {
                let answer = gateway.chat(&request).await;
                assert_eq!(answer.status, 200, "{what}: {}", answer.body);
                let header = |name| answer.header(name).map(str::to_owned);
                (header("x-weir-attempts"), header("x-weir-provider"), answer.text().starts_with(&GEMINI.greeting()))
            };
            assert!(complete, "{what}: another answer");
            assert_eq!(provider.as_deref(), Some("gemini"), "{what}");
            assert_eq!(attempts.as_deref(), Some("3"), "{what}");
            assert_no_leaks(&gateway, &what);
        }
    }
}

#[tokio::test]
async fn a_wrong_credential_at_a_provider_is_not_the_clients_trouble() {
    for target in TARGETS {
        let gateway = Setup::smart().env(target.variable, "sk-this-key-is-wrong").start().await;
        let route = format!("{},{}", target.name, if target == OPENAI { "gemini" } else { "openai" });
        let answer = gateway.chat_with("x-weir-route", &route, &chat("smart", "Hi")).await;
        assert_eq!(answer.status, 200, "{}: {}", target.name, answer.body);
        assert_eq!(answer.header("x-weir-attempts"), Some("2"), "{}", target.name);
        assert_eq!(gateway.journal(target.provider)[0].status, Some(if target == GEMINI { 400 } else { 401 }));
        for entry in gateway.sim.journal().iter().filter(|entry| entry.provider != target.provider) {
            assert!(!format!("{entry:?}").contains("sk-this-key-is-wrong"), "{}: {entry:?}", target.name);
        }
        // Alone, it is the gateway's fault and not the client's: no 401, and not a word of the key.
        let alone = gateway.chat(&chat(&target.address(), "Hi")).await;
        let error = alone.expect_error(502, target.name);
        assert_eq!(error["code"], "upstream_authentication_error", "{}", target.name);
        assert!(!alone.body.contains("sk-this"), "{}: {}", target.name, alone.body);
    }
}

#[tokio::test]
async fn a_clients_own_mistake_is_not_tried_elsewhere() {
    let gateway = start().await;
    for target in TARGETS {
        for streamed in [false, true] {
            gateway.reset().await;
            let fault = Fault { message: Some("Your thing is wrong.".into()), ..Fault::status(400) };
            gateway.sim.set_faults(target.provider, [fault]).await.expect("a fault");
            let route = format!("{},{}", target.name, if target == OPENAI { "gemini" } else { "openai" });
            let request = with(chat("smart", "Hi"), json!({ "stream": streamed }));
            let answer = gateway.chat_with("x-weir-route", &route, &request).await;
            let error = answer.expect_error(400, target.name);
            assert_eq!(error["message"], "Your thing is wrong.", "{}", target.name);
            assert_eq!(error["type"], "invalid_request_error", "{}", target.name);
            assert_eq!(gateway.sim.journal().len(), 1, "{}: asked elsewhere", target.name);
        }
    }
}

#[tokio::test]
async fn a_target_is_asked_again_before_the_next() {
    let gateway = Setup::new(
        "models:\n  smart: { targets: [openai/gpt-5.6, claude/claude-sonnet-5-5], retries: { per_target: 1, backoff: 10ms..50ms } }\n",
    )
    .start()
    .await;
    for streamed in [false, true] {
        for (failures, provider, attempts) in [(1, "openai", "2"), (2, "claude", "3")] {
            let what = format!("{failures} failures, streamed={streamed}");
            gateway.reset().await;
            gateway.sim.set_faults(OPENAI.provider, [Fault::status(500).times(failures)]).await.expect("a fault");
            let answer = gateway.chat(&with(chat("smart", "Hi"), json!({ "stream": streamed }))).await;
            assert_eq!(answer.status, 200, "{what}: {}", answer.body);
            assert_eq!(answer.header("x-weir-provider"), Some(provider), "{what}");
            assert_eq!(answer.header("x-weir-attempts"), Some(attempts), "{what}");
            assert_eq!(gateway.journal(OPENAI.provider).len(), 2, "{what}");
        }
    }
}

#[tokio::test]
async fn a_provider_stands_twice_in_a_chain_with_two_models() {
    let gateway =
        Setup::new("models:\n  smart: [openai/gpt-5.6, claude/claude-sonnet-5-5, openai/gpt-6-astra]\n").start().await;
    gateway.sim.set_faults(OPENAI.provider, [Fault::status(500).for_model("gpt-5.6")]).await.expect("a fault");
    gateway.sim.set_faults(CLAUDE.provider, [Fault::status(529)]).await.expect("a fault");
    for streamed in [false, true] {
        let answer = gateway.chat(&with(chat("smart", "Hi"), json!({ "stream": streamed }))).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(answer.header("x-weir-model"), Some("gpt-6-astra"));
        assert_eq!(answer.header("x-weir-provider"), Some("openai"));
        assert_eq!(answer.header("x-weir-attempts"), Some("3"));
        assert!(answer.body.contains("gpt-6-astra"), "{}", answer.body);
    }
    let models = gateway.journal(OPENAI.provider).into_iter().filter_map(|entry| Some(entry.json()?["model"].clone()));
    assert_eq!(models.collect::<Vec<_>>(), ["gpt-5.6", "gpt-6-astra", "gpt-5.6", "gpt-6-astra"]);
}

#[tokio::test]
async fn two_models_of_one_provider_follow_each_other() {
    let gateway = Setup::new("models:\n  smart: [openai/gpt-5.6, openai/gpt-6-astra]\n").start().await;
    gateway.sim.set_faults(OPENAI.provider, [Fault::status(500).for_model("gpt-5.6")]).await.expect("a fault");
    let answer = gateway.chat(&chat("smart", "Hi")).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.header("x-weir-model"), Some("gpt-6-astra"));
    assert_eq!(answer.header("x-weir-attempts"), Some("2"));
}

#[tokio::test]
async fn a_provider_that_keeps_failing_is_left_out_for_a_while() {
    let gateway = Setup::smart().breaker("{ consecutive_failures: 3, eject_for: 2s }").concurrency(1).start().await;
    gateway.sim.set_faults(OPENAI.provider, [Fault::status(500).times(3)]).await.expect("a fault");
    for _ in 0..3 {
        let answer = gateway.chat(&chat("smart", "Hi")).await;
        assert_eq!((answer.status, answer.header("x-weir-attempts")), (200, Some("2")), "{}", answer.body);
    }
    // Healthy again, but out: not asked, and not counted as an attempt.
    let answer = gateway.chat(&chat("smart", "Hi")).await;
    assert_eq!(answer.header("x-weir-provider"), Some("claude"), "{}", answer.body);
    assert_eq!(answer.header("x-weir-attempts"), Some("1"));
    assert_eq!(gateway.journal(OPENAI.provider).len(), 3);
    tokio::time::sleep(Duration::from_millis(3_500)).await;
    let answer = gateway.chat(&chat("smart", "Hi")).await;
    assert_eq!(answer.header("x-weir-provider"), Some("openai"), "{}", answer.body);
}

#[tokio::test]
async fn rate_limits_and_wrong_keys_open_no_breaker() {
    let breaker = "{ consecutive_failures: 2, eject_for: 30s, max_cooldown: 1ms }";
    let gateway = Setup::smart().breaker(breaker).concurrency(1).start().await;
    for status in [429, 401, 404] {
        gateway.sim.set_faults(OPENAI.provider, [Fault::status(status).times(4)]).await.expect("a fault");
        for _ in 0..4 {
            assert_eq!(gateway.chat(&chat("smart", "Hi")).await.header("x-weir-attempts"), Some("2"), "{status}");
        }
    }
    assert_eq!(gateway.chat(&chat("smart", "Hi")).await.header("x-weir-provider"), Some("openai"));
}

#[tokio::test]
async fn with_every_target_left_out_the_gateway_says_so() {
    let gateway = Setup::smart().breaker("{ consecutive_failures: 1, eject_for: 30s }").concurrency(1).start().await;
    gateway.sim.set_faults(OPENAI.provider, [Fault::status(500)]).await.expect("a fault");
    let request = chat("openai/gpt-5.6", "Hi");
    gateway.chat(&request).await.expect_error(502, "the failure that ejects it");
    let answer = gateway.chat(&request).await;
    assert_eq!(gateway.journal(OPENAI.provider).len(), 1, "it was asked although it is left out");
    // Not the client's rate: nothing was limited.
    answer.expect_error(503, "no target is left");
}

#[tokio::test]
async fn an_answer_that_weir_cannot_read_is_a_failure() {
    let gzip = [("content-type", "application/json"), ("content-encoding", "gzip")];
    let html = [("content-type", "text/html")];
    let huge = format!("{{\"choices\":[{{\"message\":{{\"content\":\"{}\"}}}}]}}", "x".repeat(3 << 20));
    for (what, headers, body) in [
        ("gzip", &gzip[..], Piece::Bytes(vec![0x1f, 0x8b, 8, 0, 0, 0])),
        ("a login page", &html[..], Piece::Bytes(b"<html>Welcome to the hotel</html>".to_vec())),
        ("no body", &html[..], Piece::Bytes(vec![])),
        ("more than the bound", &html[..], Piece::Bytes(huge.into_bytes())),
    ] {
        let server = Scripted::answering(200, headers, body).await;
        let gateway = Setup::new("max_response_bytes: 2MiB\nmodels:\n  smart: [odd/model, gemini/gemini-3.8-flash]\n")
            .provider("odd", "openai", server.url())
            .start()
            .await;
        for request in [chat("smart", "Hi"), stream("smart", "Hi")] {
            let answer: Answer = gateway.chat(&request).await;
            assert_eq!(answer.status, 200, "{what}: {}", answer.body);
            assert_eq!(answer.header("x-weir-provider"), Some("gemini"), "{what}");
            assert_eq!(answer.header("x-weir-attempts"), Some("2"), "{what}");
        }
        assert_eq!(server.received().len(), 2, "{what}");
    }
}
