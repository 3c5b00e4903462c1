//! Limits hold exactly, over all workers of an Envoy, and who is refused learns when to come again.

use std::time::Duration;
use weir_e2e::load::{Load, Report, Schedule, Shot};
use weir_e2e::{Answer, Gateway, OPENAI, Setup, TARGETS, alone, chat, key_sha256};
use weir_sim::{Provider, Reply};

const ALICE: &str = "key-of-team-a";
const BOB: &str = "key-of-team-b";
/// Nobody waits: what is over a limit is refused at once.
const NO_WAITING: &str = "waiting_room: { max_wait: 0s }\n";
const MODELS: &str = "models:\n  smart: [openai/gpt-5.6]\n  cheap: [openai/gpt-6-astra]\n";

/// `smart` and `cheap`, both at OpenAI, nobody waiting, with `rest`.
fn setup(rest: &str) -> Setup {
    Setup::new(&format!("{MODELS}{NO_WAITING}{rest}"))
}

/// The same for two tenants; `a` is more of the first's keys, `, limits: { … }`.
fn tenants(a: &str) -> Setup {
    setup(&format!(
        "tenants:\n  team-a: {{ key_sha256: \"{}\"{a} }}\n  team-b: {{ key_sha256: \"{}\" }}\n",
        key_sha256(ALICE),
        key_sha256(BOB)
    ))
}

async fn ask(gateway: &Gateway, key: &str, model: &str) -> Answer {
    Answer::of(gateway.http.post(gateway.url("/v1/chat/completions")).bearer_auth(key).json(&chat(model, "Hi"))).await
}

/// 2000 requests at once against 100 per minute: what was there and what came back meanwhile, and not one more.
async fn check_hundred(setup: Setup, workers: u32) {
    let what = format!("{workers} workers");
    let gateway = setup.concurrency(workers).start().await;
    let shot = Shot::new(&chat("smart", "Hi")).key(ALICE);
    let load = Load::at(gateway.address).connected(2000).await;
    let report = load.run(Schedule::at_once(2000), |_| shot.clone()).await;

    let admitted = gateway.sim.stats().openai.requests as f64;
    let refill = (report.took.as_secs_f64() * 100.0 / 60.0).floor();
    let most = 100.0 + refill;
    assert!(admitted <= most, "{what}: {admitted} of at most {most}: {}", report.summary());
    assert!(admitted >= most - 2.0, "{what}: only {admitted} of {most}: {}", report.summary());

    assert_eq!(report.served().count() as f64, admitted, "{what}: {}", report.summary());
    let refused = report.with_status(429).count();
    assert_eq!(report.served().count() + refused, 2000, "{what}: {}", report.summary());
    for sample in report.with_status(429) {
        let (Some(seconds), Some(millis)) = (sample.retry_after, sample.retry_after_ms) else {
            panic!("{what}: a refusal that does not say when to come again: {sample:?}");
        };
        assert!(millis > Duration::ZERO && millis <= seconds, "{what}: {sample:?}");
        assert!(seconds - millis < Duration::from_secs(1), "{what}: rounded up to whole seconds: {sample:?}");
    }
    assert_eq!(gateway.stats().await.value("weir_limited", &[]), refused as f64, "{what}");
}

#[tokio::test]
async fn a_providers_limit_holds_over_all_workers() {
    let _alone = alone().await;
    for workers in [8, 1, 2] {
        check_hundred(setup("").limits("openai", "{ requests_per_minute: 100 }"), workers).await;
    }
}

#[tokio::test]
async fn a_tenants_limit_holds_over_all_workers() {
    let _alone = alone().await;
    for workers in [8, 1, 2] {
        check_hundred(tenants(", limits: { requests_per_minute: 100 }"), workers).await;
    }
}

#[tokio::test]
async fn who_comes_again_when_told_is_served() {
    let _alone = alone().await;
    let limits = "{ requests_per_minute: 120, burst: 2 }";
    for setup in [setup("").limits("openai", limits), tenants(&format!(", limits: {limits}"))] {
        let gateway = setup.start().await;
        for header in ["retry-after-ms", "retry-after", "retry-after-ms", "retry-after-ms"] {
            let mut answer = ask(&gateway, ALICE, "smart").await;
            for _ in 0..5 {
                if answer.status == 429 {
                    break;
                }
                answer = ask(&gateway, ALICE, "smart").await;
            }
            let error = answer.expect_error(429, "two at once, and two per second");
            assert_eq!(error["type"], "rate_limit_error");
            assert_eq!(error["code"], "rate_limit_exceeded");
            assert_eq!(answer.header("x-should-retry"), None, "the SDKs come again by themselves");
            let number = |name| answer.header(name).and_then(|value| value.parse::<u64>().ok());
            assert!(number("retry-after-ms").is_some_and(|millis| (1..=500).contains(&millis)), "{answer:?}");
            assert_eq!(number("retry-after"), Some(1));
            let wait = number(header).expect("a number") * if header == "retry-after" { 1000 } else { 1 };
            tokio::time::sleep(Duration::from_millis(wait)).await;
            let again = ask(&gateway, ALICE, "smart").await;
            assert_eq!(again.status, 200, "after {wait} ms of {header}: {}", again.body);
        }
    }
}

#[tokio::test]
async fn a_token_limit_holds_once_estimates_are_learnt() {
    let _alone = alone().await;
    let gateway = setup("").limits("openai", "{ tokens_per_minute: 600000 }").start().await;
    let usage = Reply { prompt_tokens: Some(900), completion_tokens: Some(100), ..Reply::text("Yes.") };
    gateway.sim.set_reply(Provider::OpenAi, usage).expect("a reply");
    // About 900 tokens.
    let shot = Shot::new(&chat("smart", &"lorem ipsum dolor ".repeat(200)));
    let load = Load::at(gateway.address);
    let learnt = load.run(Schedule::rate(20, Duration::from_secs(1)), |_| shot.clone()).await;

    let report = load.run(Schedule::rate(200, Duration::from_secs(9)), |_| shot.clone()).await;
    let stats = gateway.sim.stats().openai;
    let spent = (stats.tokens_in + stats.tokens_out) as f64;
    let allowed = 600_000.0 + 10_000.0 * (learnt.took + report.took).as_secs_f64();
    assert!(spent <= allowed * 1.03, "{spent} tokens of {allowed}: {}", report.summary());
    assert!(spent >= allowed * 0.97, "only {spent} tokens of {allowed}: {}", report.summary());
    assert!(report.with_status(429).all(|sample| sample.retry_after_ms.is_some()), "{}", report.summary());

    // Full, and so each second lets through ten requests of a thousand tokens.
    let before = gateway.sim.stats().openai.requests;
    let steady = load.run(Schedule::rate(100, Duration::from_secs(5)), |_| shot.clone()).await;
    let admitted = gateway.sim.stats().openai.requests - before;
    assert!((48..=52).contains(&admitted), "{admitted} in 5 s: {}", steady.summary());
}

#[tokio::test]
async fn a_target_has_a_limit_of_its_own() {
    let _alone = alone().await;
    let gateway = Setup::new(&format!(
        "models:\n  small: [openai/gpt-5.6]\n  pair: [openai/gpt-5.6, openai/gpt-6-astra]\n{NO_WAITING}"
    ))
    .key("openai", "models: { gpt-5.6: { limits: { requests_per_minute: 6, burst: 5 } } }")
    .start()
    .await;
    let burst = burst(&gateway, "small", ALICE, 10).await;
    assert_eq!(burst.served().count(), 5, "{}", burst.summary());
    assert_eq!(burst.with_status(429).count(), 5, "{}", burst.summary());
    for _ in 0..10 {
        let answer = ask(&gateway, ALICE, "pair").await;
        assert_eq!(answer.header("x-weir-model"), Some("gpt-6-astra"), "{}", answer.body);
        assert_eq!(answer.header("x-weir-attempts"), Some("1"), "a full target is no attempt");
    }
    assert_eq!(gateway.journal(OPENAI.provider).len(), 15);
}

#[tokio::test]
async fn a_full_provider_is_passed_over_without_a_request() {
    let _alone = alone().await;
    let targets = TARGETS.map(|target| target.address()).join(", ");
    let gateway = Setup::new(&format!("models:\n  smart: [{targets}]\n{NO_WAITING}"))
        .limits("openai", "{ requests_per_minute: 6, burst: 3 }")
        .limits("claude", "{ requests_per_minute: 6, burst: 4 }")
        .start()
        .await;
    let burst = burst(&gateway, "smart", ALICE, 20).await;
    assert_eq!(burst.success(), 100.0, "{}", burst.summary());
    assert!(burst.served().all(|sample| sample.attempts == Some(1)), "{:?}", burst.samples);
    let stats = gateway.sim.stats();
    assert_eq!((stats.openai.requests, stats.anthropic.requests, stats.gemini.requests), (3, 4, 13));
}

#[tokio::test]
async fn a_tenant_has_a_limit_for_a_model() {
    let _alone = alone().await;
    let gateway =
        tenants(", models: [smart, { model: cheap, limits: { requests_per_minute: 6, burst: 3 } }]").start().await;
    let refused = burst(&gateway, "cheap", ALICE, 8).await;
    assert_eq!(refused.served().count(), 3, "{}", refused.summary());
    assert_eq!(refused.with_status(429).count(), 5, "{}", refused.summary());
    assert_eq!(burst(&gateway, "smart", ALICE, 8).await.success(), 100.0, "another model");
    assert_eq!(burst(&gateway, "cheap", BOB, 8).await.success(), 100.0, "another tenant");
}

#[tokio::test]
async fn a_client_sees_its_limit_in_openais_headers() {
    let _alone = alone().await;
    let gateway = tenants(", limits: { requests_per_minute: 60, tokens_per_minute: 60000 }").start().await;
    for remaining in [59, 58] {
        let answer = ask(&gateway, ALICE, "smart").await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(answer.header("x-ratelimit-limit-requests"), Some("60"));
        assert_eq!(answer.header("x-ratelimit-remaining-requests"), Some(remaining.to_string().as_str()));
        let reset = go_duration(&answer, "x-ratelimit-reset-requests");
        assert!(reset > Duration::ZERO && reset <= Duration::from_secs(60 - remaining), "{reset:?}");
        assert_eq!(answer.header("x-ratelimit-limit-tokens"), Some("60000"));
        let tokens = answer.header("x-ratelimit-remaining-tokens").and_then(|value| value.parse::<u64>().ok());
        assert!(tokens.is_some_and(|tokens| tokens > 30_000 && tokens < 60_000), "{tokens:?}");
        assert!(go_duration(&answer, "x-ratelimit-reset-tokens") < Duration::from_secs(30));
    }
    let refused = burst(&gateway, "smart", ALICE, 80).await;
    assert!(refused.with_status(429).count() > 0, "{}", refused.summary());
    let answer = ask(&gateway, ALICE, "smart").await;
    answer.expect_error(429, "the 83rd");
    assert_eq!(answer.header("x-ratelimit-limit-requests"), Some("60"));
    assert_eq!(answer.header("x-ratelimit-remaining-requests"), Some("0"));
    let reset = go_duration(&answer, "x-ratelimit-reset-requests");
    assert!(reset > Duration::from_secs(55) && reset <= Duration::from_secs(60), "until it is full again: {reset:?}");
}

async fn burst(gateway: &Gateway, model: &str, key: &'static str, count: usize) -> Report {
    let shot = Shot::new(&chat(model, "Hi")).key(key);
    Load::at(gateway.address).run(Schedule::at_once(count), |_| shot.clone()).await
}

/// A header as Go writes a duration: `1h2m3.5s`, `6m0s`, `120ms`, `0s`.
fn go_duration(answer: &Answer, name: &str) -> Duration {
    let text = answer.header(name).unwrap_or_else(|| panic!("no {name}: {:?}", answer.headers));
    let mut rest = text;
    let mut total = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|letter: char| letter != '.' && !letter.is_ascii_digit()).unwrap_or(rest.len());
        let (number, tail) = rest.split_at(digits);
        let letters = tail.find(|letter: char| letter.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(letters);
        let seconds = match unit {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 0.001,
            _ => panic!("{name}: {text} is no duration of Go"),
        };
        total += seconds * number.parse::<f64>().unwrap_or_else(|error| panic!("{name}: {text}: {error}"));
        rest = tail;
    }
    assert!(!text.is_empty(), "{name} is empty");
    Duration::from_secs_f64(total)
}
