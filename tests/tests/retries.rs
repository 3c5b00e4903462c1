//! Attempts are bounded: by the request's deadline, and by a budget that all requests share.

use serde_json::json;
use std::time::{Duration, Instant};
use weir_e2e::load::{Load, Schedule, Shot};
use weir_e2e::{CLAUDE, GEMINI, Gateway, OPENAI, Setup, TARGETS, Target, alone, chat, eventually, with};
use weir_sim::{Fault, Outcome};

/// `smart` with all three targets and these further keys, and `rest` at the top level.
fn setup(keys: &str, rest: &str) -> Setup {
    let targets = TARGETS.map(Target::address).join(", ");
    Setup::new(&format!("models:\n  smart: {{ targets: [{targets}], {keys} }}\n{rest}"))
}

async fn fail_all(gateway: &Gateway, fault: Fault) {
    gateway.reset().await;
    for target in TARGETS {
        gateway.sim.set_faults(target.provider, [fault.clone()]).await.expect("a fault");
    }
}

fn attempts(gateway: &Gateway) -> u64 {
    let stats = gateway.sim.stats();
    stats.openai.requests + stats.anthropic.requests + stats.gemini.requests
}

#[tokio::test]
async fn all_attempts_together_stay_within_the_deadline() {
    let _alone = alone().await;
    let keys = "first_token_timeout: 400ms, answer_timeout: 400ms, deadline: 1s, \
                retries: { per_target: 1, backoff: 50ms..500ms }";
    let gateway = setup(keys, "waiting_room: { max_wait: 500ms }\n").start().await;
    for (what, fault) in [
        ("they hang", Fault::hang()),
        ("they are slow to fail", Fault { delay_ms: Some(300), ..Fault::status(500) }),
        ("they fail at once", Fault::status(500)),
        ("they ask for a wait", Fault { retry_after: Some(30), ..Fault::status(429) }),
    ] {
        for streamed in [false, true] {
            let what = format!("{what}, streamed={streamed}");
            fail_all(&gateway, fault.clone()).await;
            let begun = Instant::now();
            let answer = gateway.chat(&with(chat("smart", "Hi"), json!({ "stream": streamed }))).await;
            let took = begun.elapsed();
            assert!(took < Duration::from_millis(1_500), "{what}: took {took:?}");
            assert!(answer.status >= 429, "{what}: {}", answer.body);
            answer.expect_error(answer.status, &what);
            assert!(attempts(&gateway) <= 6, "{what}: {} attempts", attempts(&gateway));
        }
    }
}

#[tokio::test]
async fn retries_add_a_fifth_to_the_load_and_no_more() {
    let _alone = alone().await;
    // All fail, and nearly all: a breaker may open when all do.
    for probability in [1.0, 0.9] {
        let keys = "retries: { per_target: 1, backoff: 10ms..50ms }";
        let gateway = setup(keys, "retry_budget: { percent: 20, reserve: 20 }\n").start().await;
        fail_all(&gateway, Fault { probability: Some(probability), ..Fault::status(500) }).await;
        let shot = Shot::new(&chat("smart", "Hi"));
        let report = Load::at(gateway.address).run(Schedule::rate(250, Duration::from_secs(2)), |_| shot.clone()).await;
        let refilled = (report.took.as_secs_f64() * 2.0).floor() as u64;
        let (made, most) = (attempts(&gateway), 500 + 100 + 20 + refilled);
        assert!(made <= most, "{made} attempts of at most {most} for 500 requests: {}", report.summary());
        assert!(probability == 1.0 || made >= 590, "the budget is for use: {made} attempts: {}", report.summary());
        assert_eq!(report.samples.iter().filter(|sample| sample.status == 0).count(), 0, "{}", report.summary());
    }
}

#[tokio::test]
async fn a_few_failures_are_all_retried() {
    let _alone = alone().await;
    let gateway = setup("retries: { per_target: 0 }", "retry_budget: { percent: 20, reserve: 20 }\n").start().await;
    fail_all(&gateway, Fault { probability: Some(0.1), ..Fault::status(500) }).await;
    let shot = Shot::new(&chat("smart", "Hi"));
    let report = Load::at(gateway.address).run(Schedule::rate(250, Duration::from_secs(2)), |_| shot.clone()).await;
    // One in a thousand fails at all three.
    assert!(report.success() >= 99.4, "{}", report.summary());
}

#[tokio::test]
async fn the_same_target_is_tried_again_before_the_next() {
    let _alone = alone().await;
    let gateway = setup("retries: { per_target: 1, backoff: 10ms..50ms }", "").start().await;
    gateway.sim.set_faults(OPENAI.provider, [Fault::status(500)]).await.expect("a fault");
    gateway.sim.set_faults(CLAUDE.provider, [Fault::status(529)]).await.expect("a fault");
    let answer = gateway.chat(&chat("smart", "Hi")).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.header("x-weir-attempts"), Some("5"));
    let order: Vec<_> = gateway.sim.journal().iter().map(|entry| entry.provider).collect();
    let [first, second, third] = [OPENAI, CLAUDE, GEMINI].map(|target| target.provider);
    assert_eq!(order, [first, first, second, second, third]);
}

#[tokio::test]
async fn the_only_target_is_given_the_time_it_asks_for() {
    let _alone = alone().await;
    let yaml = "models:\n  alone: { targets: [openai/gpt-5.6], retries: { per_target: 1, backoff: 50ms..2s } }\n";
    let gateway = Setup::new(yaml).start().await;
    for streamed in [false, true] {
        gateway.reset().await;
        let wait = Fault { retry_after: Some(1), ..Fault::status(429) };
        gateway.sim.set_faults(OPENAI.provider, [wait.times(1)]).await.expect("a fault");
        let begun = Instant::now();
        let answer = gateway.chat(&with(chat("alone", "Hi"), json!({ "stream": streamed }))).await;
        let took = begun.elapsed();
        assert_eq!(answer.status, 200, "streamed={streamed}: {}", answer.body);
        assert!(took < Duration::from_secs(3), "streamed={streamed}: took {took:?}");
        let times: Vec<_> = gateway.journal(OPENAI.provider).iter().map(|entry| entry.at_ms).collect();
        assert_eq!(times.len(), 2, "streamed={streamed}");
        assert!(times[1] - times[0] >= 1_000, "streamed={streamed}: again after {} ms", times[1] - times[0]);
    }
}

#[tokio::test]
async fn a_slow_first_target_is_overtaken_and_dropped() {
    let _alone = alone().await;
    let gateway = setup("hedge_after: 300ms", "").start().await;
    for streamed in [false, true] {
        let what = format!("streamed={streamed}");
        gateway.reset().await;
        let slow = Fault { first_event_delay_ms: Some(3_000), ..Fault::default() };
        gateway.sim.set_faults(OPENAI.provider, [slow]).await.expect("a fault");
        let begun = Instant::now();
        let request = with(chat("smart", "Hi"), json!({ "stream": streamed }));
        let answer = gateway.chat(&request).await;
        let took = begun.elapsed();
        assert_eq!(answer.status, 200, "{what}: {}", answer.body);
        assert_eq!(answer.header("x-weir-provider"), Some("claude"), "{what}");
        assert!(took > Duration::from_millis(290) && took < Duration::from_millis(1_500), "{what}: took {took:?}");
        let ended = || gateway.journal(OPENAI.provider).pop()?.outcome;
        let (outcome, _) = eventually("the loser's connection is closed", Duration::from_secs(1), ended).await;
        assert_eq!(outcome, Outcome::ClientClosed, "{what}");
        assert!(gateway.journal(GEMINI.provider).is_empty(), "{what}: one hedge is enough");
    }
    // Who is quick is not hedged.
    gateway.reset().await;
    for _ in 0..10 {
        assert_eq!(gateway.chat(&chat("smart", "Hi")).await.header("x-weir-attempts"), Some("1"));
    }
    assert_eq!(attempts(&gateway), 10);
}
