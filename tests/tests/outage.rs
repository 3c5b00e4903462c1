//! Redis is killed under load and comes back empty: each policy does what docs/sharing.md says, and afterwards all is as
//! if it had not happened.

use futures_util::future::join_all;
use std::time::Duration;
use tokio::time::{Instant, sleep, sleep_until};
use weir_e2e::load::{Load, Report, Sample, Schedule, Shot};
use weir_e2e::{Gateway, Meter, Redis, RedisVersion, chat};

const WAITING_ROOM: Duration = Duration::from_millis(500);
const CALL_DEADLINE: Duration = Duration::from_millis(200);
/// Providers answer at once; the machine is small and busy.
const SLACK: Duration = Duration::from_millis(800);
/// When Redis dies, from the first request on, for how long, and for how long requests come.
const DIES: Duration = Duration::from_secs(2);
const AWAY: Duration = Duration::from_secs(2);
const LOAD: Duration = Duration::from_secs(8);
/// After so long every worker knows of it: each asks once a second.
const KNOWN: Duration = Duration::from_millis(1_300);
/// After so long limits are leased again.
const RECOVERY: Duration = Duration::from_secs(3);

/// What a policy admits while Redis is away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Policy {
    Local,
    Open,
    Closed,
}

/// What came of it: times are from the first request on.
struct Outage {
    /// Before the kill, and when it was done.
    dies: Duration,
    died: Duration,
    back: Duration,
    /// Of all requests.
    samples: Vec<Sample>,
    /// Tokens that the provider was given while every worker knew.
    spent: u64,
    /// The part of the limit that was used by all of them; None: everything was admitted.
    used: Option<f64>,
}

impl Outage {
    /// The requests that came when every worker knew that Redis is away.
    fn known(&self) -> impl Iterator<Item = &Sample> {
        let (from, to) = (self.died + KNOWN, self.died + AWAY - Duration::from_millis(100));
        self.samples.iter().filter(move |sample| (from..to).contains(&sample.scheduled))
    }

    /// The requests that came when limits were leased again.
    fn afterwards(&self) -> impl Iterator<Item = &Sample> {
        self.samples.iter().filter(|sample| sample.scheduled > self.back + RECOVERY)
    }

    /// Fails unless every answer is one of these.
    fn statuses(&self, expected: &[u16]) {
        let other = self.samples.iter().find(|sample| !expected.contains(&sample.status));
        assert_eq!(other.map(|sample| (sample.status, sample.scheduled, &sample.broken)), None);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn local_goes_on_with_its_share_and_never_exceeds_the_limit() {
    let outage = redis_dies(Policy::Local).await;
    outage.statuses(&[200, 429]);
    assert!(outage.spent > 0, "each Envoy goes on with its share");
    assert!(outage.used.is_some_and(|used| used >= 0.9), "only {:?} of the limit", outage.used);
    assert!(outage.afterwards().any(Sample::served));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closed_refuses_what_has_a_limit_until_redis_is_back() {
    let outage = redis_dies(Policy::Closed).await;
    outage.statuses(&[200, 429, 503]);
    let known: Vec<u16> = outage.known().map(|sample| sample.status).collect();
    assert!(known.len() > 50 && known.iter().all(|status| *status == 503), "{known:?}");
    assert_eq!(outage.spent, 0, "nothing is admitted");
    let early = outage.samples.iter().find(|sample| sample.status == 503 && sample.ended() < outage.dies);
    assert!(early.is_none(), "before anything happened: {early:?}");
    assert!(outage.afterwards().all(|sample| sample.status != 503));
    assert!(outage.afterwards().any(Sample::served));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn open_admits_everything_until_redis_is_back() {
    let outage = redis_dies(Policy::Open).await;
    outage.statuses(&[200, 429]);
    let known: Vec<u16> = outage.known().map(|sample| sample.status).collect();
    assert!(known.len() > 50 && known.iter().all(|status| *status == 200), "{known:?}");
    // What was admitted counts, and the limit holds again.
    assert!(outage.afterwards().all(|sample| sample.status == 429));
}

/// Four Envoys, each with a sidecar of its own; and after it, gauges at 0 and books that balance.
async fn redis_dies(policy: Policy) -> Outage {
    let mut redis = Redis::start(RedisVersion::Seven);
    let meter = Meter::start().await;
    let on_outage = format!("{policy:?}").to_lowercase();
    // What is asked for less than its limit is served whenever it is leased.
    let rest = format!(
        "  other: [claude/claude-sonnet-5-5]\nstore: {}\nwaiting_room: {{ max_wait: {}ms }}\n",
        redis.url(),
        WAITING_ROOM.as_millis()
    );
    let setup = Meter::setup(&rest)
        .limits("claude", "{ requests_per_minute: 6000 }")
        .sidecar(&format!("on_outage: {on_outage}, call_deadline: {}ms", CALL_DEADLINE.as_millis()));
    let fleet = join_all((0..4).map(|_| setup.start_at(&meter.sim))).await;
    meter.check("nothing");
    let begun = Instant::now();
    let outage = async {
        sleep_until(begun + DIES).await;
        let dies = begun.elapsed();
        redis.kill();
        let died = begun.elapsed();
        sleep_until(begun + died + KNOWN).await;
        let before = meter.spent();
        join_all(fleet.iter().map(|gateway| ask_while_away(gateway, policy))).await;
        sleep_until(begun + died + AWAY).await;
        let spent = meter.spent() - before;
        tokio::task::block_in_place(|| redis.restart());
        let back = begun.elapsed();
        join_all(fleet.iter().map(leased_again)).await;
        ((dies, died), back, spent)
    };
    let holds = async {
        match policy {
            Policy::Local | Policy::Closed => meter.watch("while Redis is away").await,
            Policy::Open => std::future::pending().await,
        }
    };
    let (reports, ((dies, died), back, spent)) = tokio::select! {
        done = async { tokio::join!(offer(&fleet), outage) } => done,
        never = holds => never,
    };
    let used = (policy != Policy::Open).then(|| meter.check("all"));
    for report in &reports {
        let slowest = report.samples.iter().max_by_key(|sample| sample.total.saturating_sub(sample.lag));
        let took = slowest.map(|sample| sample.total.saturating_sub(sample.lag)).unwrap_or_default();
        assert!(took <= WAITING_ROOM + CALL_DEADLINE + SLACK, "{slowest:?}");
    }
    join_all(fleet.iter().map(Gateway::at_rest)).await;
    let books = join_all(fleet.iter().map(|gateway| gateway.closed_books("tokens", Duration::from_secs(12)))).await;
    let settled: u64 = books.iter().map(|books| books.settled).sum();
    assert_eq!(settled, meter.spent(), "what the sidecars have settled is what the provider was given: {books:?}");
    join_all(fleet.iter().map(|gateway| gateway.closed_books("requests", Duration::from_secs(12)))).await;
    Outage { dies, died, back, samples: reports.into_iter().flat_map(|report| report.samples).collect(), spent, used }
}

async fn offer(fleet: &[Gateway]) -> Vec<Report> {
    let shot = Shot::new(&chat("smart", "Hi"));
    join_all(fleet.iter().map(|gateway| {
        let (load, shot) = (Load::at(gateway.address), shot.clone());
        async move { load.run(Schedule::rate(50, LOAD), |_| shot.clone()).await }
    }))
    .await
}

async fn ask_while_away(gateway: &Gateway, policy: Policy) {
    let answer = gateway.chat(&chat("smart", "Is anybody there?")).await;
    match policy {
        Policy::Local => assert!([200, 429].contains(&answer.status), "{}", answer.body),
        Policy::Open => assert_eq!(answer.status, 200, "{}", answer.body),
        Policy::Closed => {
            assert_eq!(answer.expect_error(503, "Redis is away")["code"], "limits_unavailable");
        }
    }
    assert_eq!(gateway.stats().await.value("weir_sidecar_outage", &[]), 1.0);
}

async fn leased_again(gateway: &Gateway) {
    let begun = Instant::now();
    let before = gateway.books("requests").await.reserved;
    loop {
        let answer = gateway.chat(&chat("other", "And now?")).await;
        let reserved = gateway.books("requests").await.reserved;
        let outage = gateway.stats().await.value("weir_sidecar_outage", &[]);
        if answer.status == 200 && reserved > before && outage == 0.0 {
            return;
        }
        let state = (answer.status, before, reserved, outage);
        assert!(begun.elapsed() < RECOVERY, "not leased again: {state:?}: {}", answer.body);
        sleep(Duration::from_millis(50)).await;
    }
}
