//! The sidecar, or a worker's VM, dies under load: clients see what the policy names, the limit holds, and afterwards all
//! gauges are at 0 and the books balance.

use futures_util::future::join_all;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};
use weir_e2e::load::{Load, Report, Sample, Schedule, Shot};
use weir_e2e::{Answer, Gateway, Meter, Redis, RedisVersion, chat, panicking_filter};

/// When it happens, from the first request on, for how long, and for how long requests come.
const DIES: Duration = Duration::from_secs(3);
const AWAY: Duration = Duration::from_secs(2);
const LOAD: Duration = Duration::from_secs(9);
/// The waiting room, a call's deadline, and what a small and busy machine takes besides.
const LONGEST: Duration = Duration::from_millis(500 + 200 + 800);
/// When a VM panics.
const PANICS: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(4)];
/// No client waits for longer.
const LEAVES: Duration = Duration::from_secs(5);
const ROOM: &str = "waiting_room: { max_wait: 500ms }\n";
/// Of a lease that is not used, and of a worker that is gone.
const SETTLED: Duration = Duration::from_secs(25);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_the_sidecar_dies_with_its_store_each_envoy_goes_on_with_its_share() {
    sidecar_dies("local", "memory", &[200, 429]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_the_sidecar_dies_closed_refuses_until_it_is_back() {
    let redis = Redis::start(RedisVersion::Eight);
    let reports = sidecar_dies("closed", &redis.url(), &[200, 429, 503]).await;
    let (from, to) = (DIES + Duration::from_millis(1_300), DIES + AWAY - Duration::from_millis(100));
    let samples = reports.iter().flat_map(|report| &report.samples);
    let known: Vec<u16> =
        samples.filter(|sample| (from..to).contains(&sample.scheduled)).map(|sample| sample.status).collect();
    assert!(known.len() > 25 && known.iter().all(|status| *status == 503), "{known:?}");
}

/// Two Envoys and one sidecar, which is killed and started again.
async fn sidecar_dies(policy: &str, store: &str, statuses: &[u16]) -> Vec<Report> {
    let meter = Meter::start().await;
    let setup =
        Meter::setup(&format!("store: {store}\n{ROOM}")).sidecar(&format!("on_outage: {policy}, call_deadline: 200ms"));
    let mut sidecar = setup.serve(&meter.sim).await;
    let fleet = join_all((0..2).map(|_| setup.start_on(&meter.sim, sidecar.address))).await;
    meter.check("nothing");
    let begun = Instant::now();
    let crash = async {
        sleep_until(begun + DIES).await;
        sidecar.kill();
        sleep_until(begun + DIES + AWAY).await;
        sidecar.restart().await;
    };
    let (reports, ()) = watched(&meter, async { tokio::join!(offer(&fleet), crash) }).await;
    for report in &reports {
        check(report, statuses);
    }
    let back = DIES + AWAY + Duration::from_secs(2);
    let served = |report: &Report| report.served().any(|sample| sample.scheduled > back);
    assert!(reports.iter().any(served), "not leased again");
    at_rest(&fleet).await;
    meter.check("all");
    reports
}

/// One worker of four, at two Envoys; what it had under way ends with it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_a_workers_vm_panics_the_limit_holds_and_what_it_had_comes_back() {
    let meter = Meter::start().await;
    let filter = panicking_filter().display().to_string();
    let setup = Meter::setup(ROOM).env("WEIR_FILTER", &filter).sidecar("on_outage: local, call_deadline: 200ms");
    let sidecar = setup.serve(&meter.sim).await;
    let fleet = join_all((0..2).map(|_| setup.start_on(&meter.sim, sidecar.address))).await;
    meter.check("nothing");
    let begun = Instant::now();
    let crashes = async {
        let mut times = Vec::new();
        for at in PANICS {
            sleep_until(begun + at).await;
            let panic = fleet[0].post().header("x-weir-test-panic", "now").json(&chat("smart", "Panic"));
            let before = begun.elapsed();
            assert_eq!(Answer::of(panic).await.status, 503);
            times.push((before, begun.elapsed()));
        }
        times
    };
    let (mut reports, panics) = watched(&meter, async { tokio::join!(offer(&fleet), crashes) }).await;
    // What was under way in the VM that is gone is lost: Envoy says so with a 502 or 503, or, to those who waited, nothing.
    let is_lost = |sample: &Sample| panics.iter().any(|(from, to)| sample.scheduled <= *to && sample.ended() >= *from);
    let samples = std::mem::take(&mut reports[0].samples);
    let (lost, others): (Vec<Sample>, Vec<Sample>) = samples.into_iter().partition(is_lost);
    assert!(lost.len() <= 20, "{lost:?}");
    reports[0].samples = others;
    // Envoy makes a new VM within a second or two; until then that worker says 503.
    check(&reports[0], &[200, 429, 503]);
    let refused = reports[0].with_status(503).count();
    assert!(refused <= reports[0].samples.len() / 4, "{}", reports[0].summary());
    let late = reports[0].with_status(503).find(|sample| sample.scheduled > panics[1].1 + Duration::from_secs(2));
    assert!(late.is_none(), "the VM did not come back: {late:?}");
    check(&reports[1], &[200, 429]);
    at_rest(&fleet).await;
    meter.check("all");
}

/// The limit holds at every moment of it.
async fn watched<T>(meter: &Meter, load: impl Future<Output = T>) -> T {
    tokio::select! {
        done = load => done,
        never = meter.watch("after a crash") => never,
    }
}

/// All gauges are back at 0, and the books of the one sidecar balance.
async fn at_rest(fleet: &[Gateway]) {
    join_all(fleet.iter().map(Gateway::at_rest)).await;
    for resource in ["tokens", "requests"] {
        fleet[0].closed_books(resource, SETTLED).await;
    }
}

async fn offer(fleet: &[Gateway]) -> Vec<Report> {
    let shot = Shot::new(&chat("smart", "Hi")).leaves(LEAVES);
    join_all(fleet.iter().map(|gateway| {
        let (load, shot) = (Load::at(gateway.address), shot.clone());
        async move { load.run(Schedule::rate(100, LOAD), |_| shot.clone()).await }
    }))
    .await
}

/// Whole answers of these kinds only, none of them late.
fn check(report: &Report, statuses: &[u16]) {
    for sample in &report.samples {
        assert!(statuses.contains(&sample.status), "{sample:?}: {}", report.summary());
        assert!(sample.total.saturating_sub(sample.lag) <= LONGEST, "{sample:?}");
    }
}
