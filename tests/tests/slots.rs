//! A concurrency limit holds, and a slot comes back however its request ends.

use std::time::{Duration, Instant};
use weir_e2e::load::{Load, Schedule, Shot};
use weir_e2e::{Answer, Gateway, OPENAI, Setup, TARGETS, Target, alone, chat, panicking_filter, stream, with};
use weir_sim::{Fault, Stats};

/// Slots of each provider under turmoil.
const SLOTS: u64 = 20;

#[tokio::test]
async fn a_concurrency_limit_holds_over_all_workers_and_all_are_served() {
    let _alone = alone().await;
    for workers in [1, 4] {
        for streamed in [false, true] {
            let what = format!("{workers} workers, streamed={streamed}");
            let gateway = Setup::new("models:\n  smart: [openai/gpt-5.6]\nwaiting_room: { max_wait: 30s }\n")
                .limits("openai", "{ concurrency: 5 }")
                .concurrency(workers)
                .start()
                .await;
            let pace = Duration::from_millis(if streamed { 10 } else { 100 });
            let slow = if streamed { Fault::event_delay(pace) } else { Fault::delay(pace) };
            gateway.sim.set_faults(OPENAI.provider, [slow]).await.expect("a fault");
            let request = Shot::new(&with(chat("smart", "Hi"), serde_json::json!({ "stream": streamed })));
            let report = Load::at(gateway.address).run(Schedule::at_once(50), |_| request.clone()).await;
            assert_eq!(report.served().count(), 50, "{what}: {}", report.summary());
            let stats = gateway.sim.stats().openai;
            assert_eq!((stats.requests, stats.peak_in_flight), (50, 5), "{what}: all slots are used, and no more");
            all_slots_free(&gateway, &what).await;
        }
    }
}

#[tokio::test]
async fn a_slot_comes_back_however_its_request_ends() {
    let _alone = alone().await;
    let targets = TARGETS.map(Target::address).join(", ");
    let mut setup = Setup::new(&format!(
        "models:\n  smart: {{ targets: [{targets}], first_token_timeout: 300ms, answer_timeout: 300ms, deadline: 3s, \
         retries: {{ per_target: 1, backoff: 10ms..50ms }} }}\n\
         waiting_room: {{ max_wait: 1s, max_waiting: 50 }}\n"
    ));
    for target in TARGETS {
        setup = setup.limits(target.name, &format!("{{ concurrency: {SLOTS} }}"));
    }
    let gateway = setup.start().await;
    for target in TARGETS {
        gateway.sim.set_faults(target.provider, turmoil(target)).await.expect("faults");
    }
    let count = std::env::var("WEIR_SLOTS_REQUESTS").map_or(10_000, |count| count.parse().expect("a number"));
    let shots = [Shot::new(&chat("smart", "Hi")), Shot::new(&stream("smart", "Hi"))];
    let schedule = Schedule::rate(300, Duration::from_millis(count * 1000 / 300));
    let report = Load::at(gateway.address)
        .run(schedule, |number| {
            let shot = shots[number % 2].clone();
            // A third of the clients leave: some while they wait, some before the first token, some in mid-stream.
            if number % 3 == 0 { shot.leaves(Duration::from_millis(scattered(number, 120))) } else { shot }
        })
        .await;
    let left = report.samples.iter().filter(|sample| sample.left).count();
    assert!(report.served().count() > 0 && left > schedule.count() / 10, "no turmoil: {}", report.summary());
    all_slots_free(&gateway, &report.summary()).await;

    // None is lost: each provider has all of its slots at once.
    gateway.reset().await;
    for target in TARGETS {
        gateway.sim.set_faults(target.provider, [Fault::delay(Duration::from_millis(150))]).await.expect("a fault");
        let shot = Shot::new(&chat(&target.address(), "Hi"));
        let after = Load::at(gateway.address).run(Schedule::at_once(2 * SLOTS as usize), |_| shot.clone()).await;
        assert_eq!(after.success(), 100.0, "{}: {}", target.name, after.summary());
        assert_eq!(peak(&gateway.sim.stats(), target), SLOTS, "{}", target.name);
    }
    all_slots_free(&gateway, "the last burst").await;
}

/// The module is built with a header that panics; what it had under way is gone with its VM.
#[tokio::test]
async fn slots_of_a_vm_that_panicked_come_back() {
    let _alone = alone().await;
    let filter = panicking_filter().display().to_string();
    let gateway = Setup::new("models:\n  smart: [openai/gpt-5.6]\nwaiting_room: { max_wait: 0s }\n")
        .limits("openai", "{ concurrency: 5 }")
        .env("WEIR_FILTER", &filter)
        .concurrency(1)
        .start()
        .await;
    gateway.sim.set_faults(OPENAI.provider, [Fault::hang()]).await.expect("a fault");
    let hung = Shot::new(&chat("smart", "Hold")).leaves(Duration::from_secs(4));
    let load = Load::at(gateway.address);
    let holders = tokio::spawn(async move { load.run(Schedule::at_once(5), |_| hung.clone()).await });
    gateway.stats_until("five are under way", Duration::from_secs(3), |stats| inflight(stats, "openai") == 5.0).await;
    let refused = gateway.chat(&chat("smart", "One more")).await;
    refused.expect_error(429, "no slot is left");

    let panicked = Answer::of(gateway.post().header("x-weir-test-panic", "now").json(&chat("smart", "Panic"))).await;
    assert_eq!(panicked.status, 503, "{}", panicked.body);
    let begun = Instant::now();
    holders.await.expect("the holders end");
    gateway.sim.set_faults(OPENAI.provider, [Fault::delay(Duration::from_millis(200))]).await.expect("a fault");
    let five = Shot::new(&chat("smart", "Now"));
    loop {
        // Nobody waits, so five at once need all five slots.
        let report = Load::at(gateway.address).run(Schedule::at_once(5), |_| five.clone()).await;
        if report.served().count() == 5 {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "the slots did not come back: {}", report.summary());
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    all_slots_free(&gateway, "the panic").await;
}

/// All that can happen to a request at a provider, each now and then.
fn turmoil(target: Target) -> Vec<Fault> {
    let sometimes = |fault| Fault { probability: Some(0.06), ..fault };
    let midway = target.preamble + 4;
    let retry_soon = Fault { retry_after_ms: Some(50), ..Fault::status(503) };
    let mut faults: Vec<Fault> = [
        Fault::status(500),
        retry_soon,
        Fault::hang(),
        Fault::hang_after(target.preamble),
        Fault::hang_after(midway),
        Fault::reset(),
        Fault::cut_after(0),
        Fault::cut_after(midway),
        Fault::close_after(midway),
        Fault::error_event_after(midway),
    ]
    .map(sometimes)
    .into();
    faults.push(Fault { event_delay_ms: Some(5), ..Fault::delay(Duration::from_millis(15)) });
    faults
}

/// A number from 1 to `most` that looks random and is the same in each run.
fn scattered(number: usize, most: u64) -> u64 {
    1 + (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) % 1009 % most
}

fn inflight(stats: &weir_e2e::Stats, provider: &str) -> f64 {
    stats.value("weir_inflight", &[("provider", provider)])
}

fn peak(stats: &Stats, target: Target) -> u64 {
    match target.name {
        "openai" => stats.openai.peak_in_flight,
        "claude" => stats.anthropic.peak_in_flight,
        _ => stats.gemini.peak_in_flight,
    }
}

/// Waits until nothing is under way and nobody waits, at the gateway and at the providers.
async fn all_slots_free(gateway: &Gateway, after: &str) {
    let what = format!("all gauges are back at 0 after {after}");
    gateway
        .stats_until(&what, Duration::from_secs(8), |stats| {
            let free = TARGETS.iter().all(|target| inflight(stats, target.name) == 0.0);
            free && stats.value("weir_waiting", &[]) == 0.0
        })
        .await;
    let Stats { openai, anthropic, gemini } = gateway.sim.stats();
    assert_eq!([openai, anthropic, gemini].map(|stats| stats.in_flight), [0; 3], "{after}: at the providers");
}
