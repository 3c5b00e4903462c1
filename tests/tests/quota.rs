//! One limit over several Envoys: never exceeded, nearly all of it used, and hardly anybody waits for the sidecar.

use futures_util::future::join_all;
use std::sync::Arc;
use std::time::{Duration, Instant};
use weir_e2e::load::{Load, Report, Schedule, Shot};
use weir_e2e::{Gateway, Meter, Setup, alone, chat};
use weir_sim::{Sim, SimConfig};

async fn offer(fleet: &[Gateway], per_second: u32, time: Duration) -> Vec<Report> {
    let shot = Shot::new(&chat("smart", "Hi")).header("x-weir-deadline-ms", "3000");
    let loads = fleet.iter().map(|gateway| {
        let (load, shot) = (Load::at(gateway.address), shot.clone());
        async move { load.run(Schedule::rate(per_second, time), |_| shot.clone()).await }
    });
    join_all(loads).await
}

#[tokio::test]
async fn four_envoys_and_one_sidecar_share_a_limit() {
    let _alone = alone().await;
    let meter = Meter::start().await;
    let setup = Meter::setup("waiting_room: { max_wait: 500ms }\n");
    let first = setup.start_at(&meter.sim).await;
    let mut fleet = vec![first];
    for _ in 0..3 {
        let next = setup.start_beside(&fleet[0]).await;
        fleet.push(next);
    }
    meter.check("nothing");
    let reports = offer(&fleet, 250, Duration::from_secs(20)).await;
    let used = meter.check("20,000 requests");
    let summary: Vec<String> = reports.iter().map(Report::summary).collect();
    assert!(used >= 0.95, "only {used} of the limit: {summary:?}");
    for report in &reports {
        assert_eq!(report.served().count() + report.with_status(429).count(), 5000, "{}", report.summary());
    }
}

/// Calls to the sidecar for leases, so far.
async fn asks(gateway: &Gateway) -> f64 {
    let stats = gateway.sidecar_stats().await;
    // What was never called is not there yet.
    stats.find("weir_filter_calls_total", &[("call", "ask")]).unwrap_or(0.0)
}

#[tokio::test]
async fn a_limit_that_is_used_up_costs_few_calls_to_the_sidecar() {
    const PER_SECOND: u64 = 400;
    const TIME: Duration = Duration::from_secs(8);
    let _alone = alone().await;
    let sim = Arc::new(Sim::start(SimConfig::free_ports()).await.expect("the simulator starts"));
    let limits = format!("{{ requests_per_minute: {}, burst: {PER_SECOND} }}", PER_SECOND * 60);
    let setup = Setup::new("models:\n  smart: [openai/gpt-5.6]\nwaiting_room: { max_wait: 500ms }\n")
        .limits("openai", &limits)
        .concurrency(2);
    let first = setup.start_at(&sim).await;
    let second = setup.start_beside(&first).await;
    let fleet = [first, second];
    // By then both know of each other, and who came second is granted something.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let (before, began) = (asks(&fleet[0]).await, Instant::now());
    let reports = offer(&fleet, 300, TIME).await;
    let took = began.elapsed();
    let asked = asks(&fleet[0]).await - before;
    let served: Vec<_> = reports.iter().map(|report| report.served().count() as u64).collect();
    let total: u64 = served.iter().sum();
    let what = format!("{served:?} served with {asked} calls in {took:?}: {}", reports[0].summary());
    let allowed = |time: Duration| PER_SECOND as f64 * (1.0 + time.as_secs_f64());
    assert!(total as f64 <= allowed(took), "{what}");
    assert!(total as f64 >= 0.95 * allowed(TIME), "{what}");
    assert!(served.iter().all(|one| one * 5 >= total * 2), "a fair share: {what}");
    assert!(asked * 3.0 <= total as f64, "{what}");
}
