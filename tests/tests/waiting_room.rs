//! A short peak waits instead of failing: in order of priority, fairly between tenants, bounded in time, number and bytes.

use std::time::{Duration, Instant};
use weir_e2e::load::{Load, Report, Sample, Schedule, Shot};
use weir_e2e::{Gateway, OPENAI, Setup, alone, chat, key_sha256};
use weir_sim::Fault;

const ALICE: &str = "key-of-team-a";
const BOB: &str = "key-of-team-b";

fn setup(limits: &str, waiting_room: &str) -> Setup {
    Setup::new(&format!(
        "models:\n  smart: {{ targets: [openai/gpt-5.6], deadline: 60s, first_token_timeout: 50s, answer_timeout: 50s }}\n\
         waiting_room: {waiting_room}\n"
    ))
    .limits("openai", limits)
}

/// A gateway whose one slot is taken, for longer than any test here takes.
async fn full(waiting_room: &str) -> Gateway {
    occupied(setup("{ concurrency: 1 }", waiting_room)).await
}

async fn occupied(setup: Setup) -> Gateway {
    let gateway = setup.start().await;
    gateway.sim.set_faults(OPENAI.provider, [Fault::hang().times(1)]).await.expect("a fault");
    let load = Load::at(gateway.address);
    let holder = Shot::new(&chat("smart", "Hold")).leaves(Duration::from_secs(50));
    tokio::spawn(async move { load.one(holder).await });
    let taken = |stats: &weir_e2e::Stats| stats.value("weir_inflight", &[("provider", OPENAI.name)]) == 1.0;
    gateway.stats_until("the slot is taken", Duration::from_secs(3), taken).await;
    gateway
}

async fn waiting(gateway: &Gateway, count: usize, patience: Duration) {
    let reached = |stats: &weir_e2e::Stats| stats.value("weir_waiting", &[]) == count as f64;
    gateway.stats_until(&format!("{count} wait"), patience, reached).await;
}

/// When it was let through, from the start of the load: the provider answers at once.
fn admitted(sample: &Sample) -> Duration {
    sample.scheduled + sample.first_byte.unwrap_or(Duration::MAX / 2)
}

#[tokio::test]
async fn a_burst_of_ten_times_the_rate_is_served_whole() {
    let _alone = alone().await;
    let gateway =
        setup("{ requests_per_minute: 1200, burst: 20 }", "{ max_wait: 40s, max_waiting: 1000 }").start().await;
    let shot = Shot::new(&chat("smart", "Hi"));
    let load = Load::at(gateway.address);
    let burst =
        tokio::spawn(async move { load.run(Schedule::rate(200, Duration::from_secs(2)), |_| shot.clone()).await });
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    let waiting_now = gateway.stats().await.value("weir_waiting", &[]);
    assert!((280.0..=350.0).contains(&waiting_now), "{waiting_now} wait, of 400 less 20 and 20 per second");
    let report = burst.await.expect("the burst ends");
    assert_eq!(report.success(), 100.0, "{}", report.summary());
    assert!(report.samples.iter().all(|sample| sample.total < Duration::from_secs(60)), "past its deadline");
    // 20 at once and 380 at 20 per second: 19 s. Sooner would break the limit, later would waste it.
    assert!(report.took > Duration::from_millis(18_900), "took {:?}", report.took);
    assert!(report.took < Duration::from_secs(21), "took {:?}", report.took);
    let late =
        report.samples.windows(2).filter(|pair| admitted(&pair[0]) > admitted(&pair[1]) + Duration::from_millis(200));
    assert!(late.count() < 20, "who came first waits longer");
    waiting(&gateway, 0, Duration::from_secs(1)).await;
    // Envoy merges histograms every five seconds.
    let counted = |stats: &weir_e2e::Stats| stats.value("weir_wait_ms_count", &[]) >= 370.0;
    gateway.stats_until("the waits are counted", Duration::from_secs(8), counted).await;
}

#[tokio::test]
async fn high_goes_before_normal_and_normal_before_low() {
    let _alone = alone().await;
    let gateway =
        setup("{ requests_per_minute: 1800, burst: 1 }", "{ max_wait: 30s, max_waiting: 1000 }").start().await;
    let shots = ["low", "normal", "high"].map(|priority| {
        let shot = Shot::new(&chat("smart", "Hi")).tag(priority);
        // Who says nothing is normal.
        if priority == "normal" { shot } else { shot.header("x-weir-priority", priority) }
    });
    let report = Load::at(gateway.address)
        .run(Schedule::rate(300, Duration::from_millis(400)), |number| shots[number % 3].clone())
        .await;
    assert_eq!(report.success(), 100.0, "{}", report.summary());
    let [low, normal, high] = ["low", "normal", "high"].map(|priority| report.tagged(priority));
    let mean = |report: &Report| {
        report.samples.iter().map(admitted).sum::<Duration>() / u32::try_from(report.samples.len()).expect("some")
    };
    assert!(mean(&high) < mean(&normal) && mean(&normal) < mean(&low), "{:?}", [&high, &normal, &low].map(mean));
    let overtaken = low
        .samples
        .iter()
        .filter(|low| high.samples.iter().any(|high| high.scheduled < low.scheduled && admitted(high) > admitted(low)));
    let overtaken = overtaken.count();
    assert!(overtaken * 20 <= low.samples.len(), "{overtaken} low ones went before a high one that had come earlier");
}

#[tokio::test]
async fn two_tenants_share_alike_while_both_wait() {
    let _alone = alone().await;
    let tenants = format!(
        "{{ max_wait: 30s, max_waiting: 1000 }}\ntenants:\n  team-a: {{ key_sha256: \"{}\" }}\n  team-b: {{ key_sha256: \"{}\" }}",
        key_sha256(ALICE),
        key_sha256(BOB)
    );
    // Of a bucket that holds one alone, what comes in before the next tick is lost.
    let gateway = setup("{ requests_per_minute: 3600, burst: 2 }", &tenants).start().await;
    let request = Shot::new(&chat("smart", "Hi"));
    let (alice, bob) = (request.clone().key(ALICE).tag("a"), request.key(BOB).tag("b"));
    // Four of the one for each of the other, and of the other still more than half of what is let through.
    let report = Load::at(gateway.address)
        .run(
            Schedule::rate(200, Duration::from_secs(2)),
            |number| if number % 5 == 4 { bob.clone() } else { alice.clone() },
        )
        .await;
    assert_eq!(report.success(), 100.0, "{}", report.summary());
    let window = Duration::from_millis(500)..Duration::from_millis(2_000);
    let [a, b] = ["a", "b"].map(|tag| {
        let report = report.tagged(tag);
        report.samples.iter().filter(|sample| window.contains(&admitted(sample))).count() as f64
    });
    assert!(a + b > 80.0, "{a} + {b} of 90 in 1.5 s");
    let share = a / (a + b);
    assert!((share - 0.5).abs() <= 0.05, "{a} of the one and {b} of the other were let through");
}

#[tokio::test]
async fn who_finds_the_room_full_is_refused_at_once() {
    let _alone = alone().await;
    let gateway = full("{ max_wait: 20s, max_waiting: 10 }").await;
    let shot = Shot::new(&chat("smart", "Hi")).leaves(Duration::from_secs(2));
    let report = Load::at(gateway.address).run(Schedule::at_once(30), |_| shot.clone()).await;
    assert_eq!(report.with_status(429).count(), 20, "ten may wait: {}", report.summary());
    for sample in report.with_status(429) {
        assert!(sample.total < Duration::from_millis(500), "{sample:?}");
        assert!(sample.retry_after.is_some() && sample.retry_after_ms.is_some(), "{sample:?}");
    }
    assert_eq!(report.samples.iter().filter(|sample| sample.left).count(), 10, "{}", report.summary());
}

#[tokio::test]
async fn bodies_that_wait_are_bounded_together() {
    let _alone = alone().await;
    let room = "{ max_wait: 20s, max_waiting: 1000, max_bytes: 1MiB }";
    let gateway = occupied(setup("{ concurrency: 1 }", room).concurrency(1)).await;
    let shot = Shot::new(&chat("smart", &"x".repeat(400 << 10))).leaves(Duration::from_secs(2));
    let report = Load::at(gateway.address).run(Schedule::at_once(8), |_| shot.clone()).await;
    assert_eq!(report.with_status(429).count(), 6, "two fit: {}", report.summary());
    assert_eq!(report.samples.iter().filter(|sample| sample.left).count(), 2, "{}", report.summary());
}

#[tokio::test]
async fn who_has_waited_long_enough_is_told_when_to_come_again() {
    let _alone = alone().await;
    let gateway = full("{ max_wait: 1s, max_waiting: 10 }").await;
    let begun = Instant::now();
    let answer = gateway.chat(&chat("smart", "Hi")).await;
    let took = begun.elapsed();
    let error = answer.expect_error(429, "max_wait has passed");
    assert_eq!((&error["type"], &error["code"]), (&"rate_limit_error".into(), &"rate_limit_exceeded".into()));
    assert!(answer.header("retry-after").is_some() && answer.header("retry-after-ms").is_some(), "{answer:?}");
    assert!(took > Duration::from_millis(950) && took < Duration::from_millis(1_500), "took {took:?}");
    waiting(&gateway, 0, Duration::from_secs(1)).await;
}

#[tokio::test]
async fn nobody_waits_when_nobody_may() {
    let _alone = alone().await;
    let gateway = full("{ max_wait: 0s }").await;
    let begun = Instant::now();
    gateway.chat(&chat("smart", "Hi")).await.expect_error(429, "no waiting");
    assert!(begun.elapsed() < Duration::from_millis(500), "took {:?}", begun.elapsed());
}

#[tokio::test]
async fn a_client_that_leaves_frees_its_place_at_once() {
    let _alone = alone().await;
    let gateway = full("{ max_wait: 20s, max_waiting: 5 }").await;
    for round in 0..3 {
        let load = Load::at(gateway.address);
        let shot = Shot::new(&chat("smart", "Hi")).leaves(Duration::from_secs(1));
        let crowd = tokio::spawn(async move { load.run(Schedule::at_once(5), |_| shot.clone()).await });
        waiting(&gateway, 5, Duration::from_millis(900)).await;
        let report = crowd.await.expect("the crowd ends");
        assert!(report.samples.iter().all(|sample| sample.left), "round {round}: {}", report.summary());
        waiting(&gateway, 0, Duration::from_millis(300)).await;
    }
    assert_eq!(gateway.sim.stats().openai.requests, 1, "a provider was asked for a client that has left");
}

#[tokio::test]
async fn a_clients_deadline_is_shorter_than_its_wait() {
    let _alone = alone().await;
    let gateway = full("{ max_wait: 20s, max_waiting: 10 }").await;
    let begun = Instant::now();
    let answer = gateway.chat_with("x-weir-deadline-ms", "500", &chat("smart", "Hi")).await;
    let took = begun.elapsed();
    // Limited until its time was up: both are true.
    assert!([429, 504].contains(&answer.status), "{}", answer.body);
    assert!(took < Duration::from_millis(900), "took {took:?}");
    waiting(&gateway, 0, Duration::from_secs(1)).await;
}
