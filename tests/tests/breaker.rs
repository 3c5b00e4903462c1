//! A provider that keeps failing is not asked for a while, however it fails, and one probe tells when it is well again.

use serde_json::json;
use std::time::{Duration, Instant};
use weir_e2e::load::{Load, Report, Sample, Schedule, Shot};
use weir_e2e::{CLAUDE, Gateway, OPENAI, Setup, alone, chat, with};
use weir_sim::Fault;

const MODELS: &str = "models:\n  \
    smart: { targets: [openai/gpt-5.6, claude/claude-sonnet-5-5], first_token_timeout: 300ms, answer_timeout: 300ms }\n  \
    alone: { targets: [openai/gpt-5.6], first_token_timeout: 300ms, answer_timeout: 300ms }\n";

async fn start(breaker: &'static str) -> Gateway {
    Setup::new(MODELS).breaker(breaker).start().await
}

async fn set(gateway: &Gateway, fault: Fault) {
    gateway.sim.set_faults(OPENAI.provider, [fault]).await.expect("a fault");
}

/// One request over a connection of its own, so of any worker.
async fn ask(gateway: &Gateway, model: &str, streamed: bool) -> Sample {
    let request = with(chat(model, "Hi"), json!({ "stream": streamed }));
    Load::at(gateway.address).one(Shot::new(&request)).await
}

async fn burst(gateway: &Gateway) -> Report {
    let shot = Shot::new(&chat("smart", "Hi"));
    let report = Load::at(gateway.address).run(Schedule::at_once(10), |_| shot.clone()).await;
    assert_eq!(report.success(), 100.0, "{}", report.summary());
    report
}

fn by(report: &Report, provider: &str) -> usize {
    report.samples.iter().filter(|sample| sample.provider == provider).count()
}

fn asked(gateway: &Gateway) -> usize {
    gateway.journal(OPENAI.provider).len()
}

#[tokio::test]
async fn five_failures_in_a_row_open_it_and_the_sixth_request_goes_elsewhere() {
    let _alone = alone().await;
    let midway = OPENAI.preamble + 4;
    for (what, fault, streamed) in [
        ("500", Fault::status(500), false),
        ("503 of a stream", Fault::status(503), true),
        ("a refused connection", Fault::refuse(), false),
        ("a reset", Fault::reset(), true),
        ("no answer in time", Fault::hang(), false),
        ("no first token in time", Fault::hang_after(OPENAI.preamble), true),
        ("a stream that was cut", Fault::cut_after(midway), true),
        ("a stream that ended early", Fault::close_after(midway), true),
    ] {
        let gateway = start("{ consecutive_failures: 5, eject_for: 30s }").await;
        set(&gateway, fault.clone()).await;
        let cut = fault.cut_after_events.or(fault.close_after_events).is_some();
        for number in 1..=5 {
            let sample = ask(&gateway, "smart", streamed).await;
            let expected = if cut { (false, OPENAI.name, Some(1)) } else { (true, CLAUDE.name, Some(2)) };
            let seen = (sample.served(), sample.provider.as_str(), sample.attempts);
            assert_eq!(seen, expected, "{what}, failure {number}: {sample:?}");
        }
        // Well again, but nobody knows.
        gateway.sim.clear().await.expect("no faults");
        for _ in 0..4 {
            let sample = ask(&gateway, "smart", streamed).await;
            assert!(sample.served(), "{what}: {sample:?}");
            assert_eq!((sample.provider.as_str(), sample.attempts), (CLAUDE.name, Some(1)), "{what}");
        }
        assert_eq!(asked(&gateway), if fault.refuse { 0 } else { 5 }, "{what}: requests at the first");
    }
}

#[tokio::test]
async fn failures_that_are_not_in_a_row_leave_it_shut() {
    let _alone = alone().await;
    let gateway = start("{ consecutive_failures: 5, failure_rate: 100%, eject_for: 30s }").await;
    for _ in 0..3 {
        gateway.sim.set_faults(OPENAI.provider, [Fault::status(500).times(4)]).await.expect("a fault");
        for attempts in [2, 2, 2, 2, 1] {
            assert_eq!(ask(&gateway, "smart", false).await.attempts, Some(attempts));
        }
    }
}

#[tokio::test]
async fn a_provider_that_mostly_fails_is_left_out_too() {
    let _alone = alone().await;
    let gateway = start("{ consecutive_failures: 100000, failure_rate: 50%, eject_for: 30s }").await;
    set(&gateway, Fault { probability: Some(0.8), ..Fault::status(500) }).await;
    let shot = Shot::new(&chat("smart", "Hi"));
    let report = Load::at(gateway.address).run(Schedule::rate(100, Duration::from_secs(4)), |_| shot.clone()).await;
    assert_eq!(report.success(), 100.0, "{}", report.summary());
    let before = asked(&gateway);
    assert!(before < 400, "it is asked each time");
    assert_eq!(by(&burst(&gateway).await, CLAUDE.name), 10);
    assert_eq!(asked(&gateway), before, "it is asked although it is left out");
}

#[tokio::test]
async fn the_only_target_is_answered_for_at_once() {
    let _alone = alone().await;
    for (what, fault) in [("hung", Fault::hang()), ("dead", Fault::refuse())] {
        let gateway = start("{ consecutive_failures: 5, eject_for: 30s }").await;
        set(&gateway, fault).await;
        for _ in 0..5 {
            let status = ask(&gateway, "alone", false).await.status;
            assert!(status >= 500, "{what}: {status}");
        }
        let before = asked(&gateway);
        for streamed in [false, true] {
            let begun = Instant::now();
            let answer = gateway.chat(&with(chat("alone", "Hi"), json!({ "stream": streamed }))).await;
            assert!(begun.elapsed() < Duration::from_millis(500), "{what}: took {:?}", begun.elapsed());
            answer.expect_error(503, what);
        }
        assert_eq!(asked(&gateway), before, "{what}: it is asked although it is left out");
    }
}

#[tokio::test]
async fn a_single_probe_closes_it() {
    let _alone = alone().await;
    let gateway = start("{ consecutive_failures: 5, eject_for: 1s }").await;
    set(&gateway, Fault::status(500)).await;
    for _ in 0..5 {
        ask(&gateway, "smart", false).await;
    }
    set(&gateway, Fault::delay(Duration::from_millis(200))).await;
    assert_eq!(by(&burst(&gateway).await, CLAUDE.name), 10, "open");
    // Envoy's own ejection ends at its next look, within a second more.
    tokio::time::sleep(Duration::from_millis(2_300)).await;
    let probed = burst(&gateway).await;
    assert_eq!((by(&probed, OPENAI.name), by(&probed, CLAUDE.name)), (1, 9), "{}", probed.summary());
    assert_eq!(by(&burst(&gateway).await, OPENAI.name), 10, "shut again");
}

#[tokio::test]
async fn a_probe_that_fails_leaves_it_open() {
    let _alone = alone().await;
    let gateway = start("{ consecutive_failures: 5, eject_for: 1s }").await;
    set(&gateway, Fault::status(500)).await;
    for _ in 0..5 {
        ask(&gateway, "smart", false).await;
    }
    set(&gateway, Fault { delay_ms: Some(200), ..Fault::status(500) }).await;
    tokio::time::sleep(Duration::from_millis(2_300)).await;
    assert_eq!(by(&burst(&gateway).await, CLAUDE.name), 10);
    assert_eq!(asked(&gateway), 6, "one probe");
    burst(&gateway).await;
    assert_eq!(asked(&gateway), 6, "and no other at once");
}

#[tokio::test]
async fn envoy_shows_the_ejection_among_its_own_stats() {
    let _alone = alone().await;
    let gateway = start("{ consecutive_failures: 5, eject_for: 30s }").await;
    let ejected = |stats: &weir_e2e::Stats| {
        let name = "envoy_cluster_outlier_detection_ejections_active";
        stats.value(name, &[("envoy_cluster_name", OPENAI.name)])
    };
    assert_eq!(ejected(&gateway.stats().await), 0.0);
    set(&gateway, Fault::status(500)).await;
    for _ in 0..5 {
        ask(&gateway, "smart", false).await;
    }
    gateway.stats_until("one is ejected", Duration::from_secs(2), |stats| ejected(stats) == 1.0).await;
}
