//! A provider that says when to come back is left alone until then.

use std::time::{Duration, Instant};
use weir_e2e::load::{Load, Report, Schedule, Shot};
use weir_e2e::{CLAUDE, GEMINI, Gateway, OPENAI, Piece, Scripted, Setup, TARGETS, Target, alone, chat};
use weir_sim::Fault;

/// No breaker opens, but a target is left alone for as long as it asks.
const COOLING: &str = "{ consecutive_failures: 100000, failure_rate: 100% }";

/// Who stands in for whom.
fn after(target: Target) -> Target {
    if target == OPENAI { CLAUDE } else { OPENAI }
}

async fn start() -> Gateway {
    let targets = TARGETS.map(Target::address).join(", ");
    let rest = format!("models:\n  smart: [{targets}]\nwaiting_room: {{ max_wait: 0s }}\n");
    Setup::new(&rest).breaker(COOLING).start().await
}

/// Some requests at once, so that every worker has one, to `first` and then to its stand-in.
async fn ask(gateway: &Gateway, first: Target) -> Report {
    let shot = Shot::new(&chat("smart", "Hi")).header("x-weir-route", format!("{},{}", first.name, after(first).name));
    let report = Load::at(gateway.address).run(Schedule::at_once(8), |_| shot.clone()).await;
    assert_eq!(report.success(), 100.0, "{}", report.summary());
    report
}

/// Fails unless all were served by this target, and at once.
fn assert_by(report: &Report, target: Target, what: &str) {
    for sample in &report.samples {
        assert_eq!((sample.provider.as_str(), sample.attempts), (target.name, Some(1)), "{what}: {sample:?}");
    }
}

async fn cooling(gateway: &Gateway, target: Target) -> bool {
    gateway.stats().await.value("weir_cooldown", &[("provider", target.name)]) > 0.0
}

/// One request that fails at `target` and is served elsewhere.
async fn fail_once(gateway: &Gateway, target: Target, fault: Fault) {
    gateway.reset().await;
    gateway.sim.set_faults(target.provider, [fault.times(1)]).await.expect("a fault");
    let route = format!("{},{}", target.name, after(target).name);
    let answer = gateway.chat_with("x-weir-route", &route, &chat("smart", "Hi")).await;
    assert_eq!(answer.status, 200, "{}: {}", target.name, answer.body);
    assert_eq!(answer.header("x-weir-attempts"), Some("2"), "{}", target.name);
}

/// OpenAI and Anthropic say it in a header, Gemini in its body.
#[tokio::test]
async fn a_provider_that_asks_for_three_seconds_gets_them() {
    let _alone = alone().await;
    let gateway = start().await;
    for target in TARGETS {
        let begun = Instant::now();
        fail_once(&gateway, target, Fault { retry_after: Some(3), ..Fault::status(429) }).await;
        let told = begun.elapsed();
        while begun.elapsed() < Duration::from_millis(2_700) {
            assert_by(&ask(&gateway, target).await, after(target), "it cools");
            assert!(cooling(&gateway, target).await, "{}: the gauge", target.name);
            tokio::time::sleep(Duration::from_millis(400)).await;
        }
        assert_eq!(gateway.journal(target.provider).len(), 1, "{} was asked while it cools", target.name);
        tokio::time::sleep((Duration::from_millis(3_300) + told).saturating_sub(begun.elapsed())).await;
        assert_by(&ask(&gateway, target).await, target, "it has cooled");
        assert!(!cooling(&gateway, target).await, "{}: the gauge", target.name);
    }
}

#[tokio::test]
async fn a_wait_in_milliseconds_is_no_second() {
    let _alone = alone().await;
    let gateway = start().await;
    fail_once(&gateway, OPENAI, Fault { retry_after_ms: Some(400), ..Fault::status(429) }).await;
    assert_by(&ask(&gateway, OPENAI).await, CLAUDE, "it cools");
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_by(&ask(&gateway, OPENAI).await, OPENAI, "it has cooled");
}

/// Nothing that a moment's wait would mend.
#[tokio::test]
async fn an_exhausted_quota_cools_long() {
    let _alone = alone().await;
    let gateway = start().await;
    fail_once(&gateway, OPENAI, Fault { code: Some("insufficient_quota".into()), ..Fault::status(429) }).await;
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(6) {
        assert_by(&ask(&gateway, OPENAI).await, CLAUDE, "it cools");
        assert!(cooling(&gateway, OPENAI).await, "the gauge");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(gateway.journal(OPENAI.provider).len(), 1);
}

#[tokio::test]
async fn a_provider_that_refuses_the_credential_cools() {
    let _alone = alone().await;
    for target in TARGETS {
        let setup = Setup::smart().breaker(COOLING).env(target.variable, "sk-this-key-is-wrong");
        let gateway = setup.start().await;
        let route = format!("{},{}", target.name, after(target).name);
        let first = gateway.chat_with("x-weir-route", &route, &chat("smart", "Hi")).await;
        assert_eq!((first.status, first.header("x-weir-attempts")), (200, Some("2")), "{}", first.body);
        assert_by(&ask(&gateway, target).await, after(target), "it cools");
        assert!(cooling(&gateway, target).await, "{}: the gauge", target.name);
        assert_eq!(gateway.journal(target.provider).len(), 1, "{} was asked again", target.name);
    }
}

#[tokio::test]
async fn when_all_cool_the_client_learns_how_long() {
    let _alone = alone().await;
    let gateway = start().await;
    for (target, seconds) in TARGETS.into_iter().zip([20, 7, 30]) {
        let fault = Fault { retry_after: Some(seconds), ..Fault::status(429) };
        gateway.sim.set_faults(target.provider, [fault]).await.expect("a fault");
    }
    gateway.chat(&chat("smart", "Hi")).await.expect_error(429, "all refuse");
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    let answer = gateway.chat(&chat("smart", "Hi")).await;
    let error = answer.expect_error(429, "all cool");
    assert_eq!(error["code"], "rate_limit_exceeded");
    assert_eq!(answer.header("retry-after"), Some("6"), "what is left of the shortest");
    let millis = answer.header("retry-after-ms").and_then(|value| value.parse::<u64>().ok());
    assert!(millis.is_some_and(|millis| millis > 5_000 && millis <= 5_800), "{millis:?}");
    assert_eq!(gateway.sim.journal().len(), 3, "a provider was asked while it cools");
}

const OPENAI_ANSWER: &str = r#"{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}"#;
const ANTHROPIC_ANSWER: &str = r#"{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":"Hi"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":1}}"#;

/// Others share the account: what the provider counts is nearer the truth than what Weir counts.
#[tokio::test]
async fn a_provider_that_says_nothing_is_left_is_believed() {
    let _alone = alone().await;
    let openai = [("x-ratelimit-limit-requests", "20"), ("x-ratelimit-remaining-requests", "0")];
    let anthropic = [("anthropic-ratelimit-requests-limit", "20"), ("anthropic-ratelimit-requests-remaining", "0")];
    for (kind, body, headers) in [("openai", OPENAI_ANSWER, openai), ("anthropic", ANTHROPIC_ANSWER, anthropic)] {
        for limited in [true, false] {
            let what = format!("{kind}, limited={limited}");
            let headers: Vec<_> = [("content-type", "application/json")].into_iter().chain(headers).collect();
            let server = Scripted::answering(200, &headers, Piece::Bytes(body.into())).await;
            let yaml = "models:\n  smart: [odd/model, gemini/gemini-3.8-flash]\nwaiting_room: { max_wait: 0s }\n";
            let mut setup = Setup::new(yaml).provider("odd", kind, server.url());
            if limited {
                setup = setup.limits("odd", "{ requests_per_minute: 20 }");
            }
            let gateway = setup.start().await;
            let asked = async || {
                let answer = gateway.chat(&chat("smart", "Hi")).await;
                assert_eq!(answer.status, 200, "{what}: {}", answer.body);
                answer.header("x-weir-provider").unwrap_or_default().to_owned()
            };
            assert_eq!(asked().await, "odd", "{what}");
            let then = if limited { GEMINI.name } else { "odd" };
            for _ in 0..5 {
                assert_eq!(asked().await, then, "{what}: of its 20 it says none is left");
            }
            if limited {
                // One comes back every three seconds.
                tokio::time::sleep(Duration::from_millis(3_300)).await;
                assert_eq!(asked().await, "odd", "{what}: one has come back");
            }
        }
    }
}
