//! Two gateways, each with a sidecar of its own, on one Redis: cached answers, coalescing and limits are those of one.

use futures_util::future::join_all;
use std::sync::Arc;
use std::time::Duration;
use weir_e2e::load::{Load, Report, Schedule, Shot};
use weir_e2e::{CLAUDE, Gateway, OPENAI, Redis, RedisCluster, RedisVersion, Setup, alone, chat};
use weir_sim::{Fault, Sim, SimConfig};

/// At each gateway, at once.
const CROWD: usize = 100;
const LIMIT: f64 = 100.0;

#[tokio::test]
async fn two_gateways_are_one_on_redis_7() {
    let redis = Redis::start(RedisVersion::Seven);
    check(&redis.url()).await;
}

#[tokio::test]
async fn two_gateways_are_one_on_redis_8() {
    let redis = Redis::start(RedisVersion::Eight);
    check(&redis.url()).await;
}

#[tokio::test]
async fn two_gateways_are_one_on_a_cluster() {
    let cluster = RedisCluster::start(RedisVersion::Eight);
    check(&cluster.url()).await;
}

async fn check(store: &str) {
    let _alone = alone().await;
    let sim = Arc::new(Sim::start(SimConfig::free_ports()).await.expect("the simulator starts"));
    let setup = Setup::new(&format!(
        "models:\n  kept: {{ targets: [openai/gpt-5.6], cache: {{ exact: {{ ttl: 1h }} }} }}\n  \
         limited: [claude/claude-sonnet-5-5]\nstore: {store}\nwaiting_room: {{ max_wait: 0s }}\n"
    ))
    .limits("claude", &format!("{{ requests_per_minute: {LIMIT} }}"))
    // A small machine has two hundred requests to read before it reads an answer.
    .sidecar("call_deadline: 500ms");
    let fleet = join_all((0..2).map(|_| setup.start_at(&sim))).await;
    one_puts_what_the_other_finds(store, &fleet).await;
    a_crowd_is_one_upstream_call(store, &fleet).await;
    a_limit_is_for_both(store, &fleet).await;
}

async fn one_puts_what_the_other_finds(store: &str, fleet: &[Gateway]) {
    let request = chat("kept", "Who has it?");
    let first = fleet[0].chat(&request).await;
    assert_eq!((first.status, first.header("x-weir-cache")), (200, Some("miss")), "{store}: {}", first.body);
    // Nobody waits until it is put.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let second = fleet[1].chat(&request).await;
    assert_eq!((second.status, second.header("x-weir-cache")), (200, Some("hit")), "{store}: {}", second.body);
    assert_eq!(second.json()["choices"], first.json()["choices"], "{store}");
    assert_eq!(fleet[0].journal(OPENAI.provider).len(), 1, "{store}");
}

async fn a_crowd_is_one_upstream_call(store: &str, fleet: &[Gateway]) {
    fleet[0].reset().await;
    let slow = Fault::delay(Duration::from_millis(1_500));
    fleet[0].sim.set_faults(OPENAI.provider, [slow]).await.expect("a fault");
    for report in at_once(fleet, "kept").await {
        assert_eq!(report.served().count(), CROWD, "{store}: {}", report.summary());
    }
    assert_eq!(fleet[0].journal(OPENAI.provider).len(), 1, "{store}");
}

async fn a_limit_is_for_both(store: &str, fleet: &[Gateway]) {
    let reports = at_once(fleet, "limited").await;
    let took = reports.iter().map(|report| report.took.as_secs_f64()).fold(0.0, f64::max);
    let admitted = fleet[0].journal(CLAUDE.provider).len() as f64;
    let most = LIMIT + (took * LIMIT / 60.0).floor();
    let summary: Vec<String> = reports.iter().map(Report::summary).collect();
    assert!(admitted <= most, "{store}: {admitted} of {most}: {summary:?}");
    assert!(admitted >= LIMIT - 2.0, "{store}: only {admitted}: {summary:?}");
    for report in &reports {
        assert_eq!(report.served().count() + report.with_status(429).count(), CROWD, "{store}: {}", report.summary());
    }
}

async fn at_once(fleet: &[Gateway], model: &str) -> Vec<Report> {
    let shot = Shot::new(&chat(model, "All of us?"));
    join_all(fleet.iter().map(|gateway| {
        let shot = shot.clone();
        async move {
            let load = Load::at(gateway.address).connected(CROWD).await;
            load.run(Schedule::at_once(CROWD), |_| shot.clone()).await
        }
    }))
    .await
}
