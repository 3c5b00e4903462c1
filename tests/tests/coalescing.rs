//! Of identical requests at once, over all Envoys, one asks a provider.

use futures_util::future::join_all;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use weir_e2e::load::{Load, Report, Schedule, Shot};
use weir_e2e::{Gateway, OPENAI, Setup, alone, chat, eventually, stream};
use weir_sim::{Fault, Sim, SimConfig};

fn setup() -> Setup {
    let cache = "cache: { exact: { ttl: 1h } }";
    Setup::new(&format!("models:\n  kept: {{ targets: [openai/gpt-5.6], {cache}, deadline: 30s }}\n"))
}

/// Two Envoys that share a sidecar, at a provider that takes its time.
async fn two() -> (Arc<Sim>, Vec<Gateway>) {
    let sim = Arc::new(Sim::start(SimConfig::free_ports()).await.expect("the simulator starts"));
    let first = setup().start_at(&sim).await;
    let second = setup().start_beside(&first).await;
    (sim, vec![first, second])
}

async fn slow(sim: &Sim) {
    sim.set_faults(OPENAI.provider, [Fault::delay(Duration::from_millis(1_500))]).await.expect("a fault");
}

/// A hundred at each, all at once.
async fn all_at_once(fleet: &[Gateway], request: &Value) -> Vec<Report> {
    let shot = Shot::new(request);
    join_all(fleet.iter().map(|gateway| {
        let shot = shot.clone();
        async move {
            let load = Load::at(gateway.address).connected(100).await;
            load.run(Schedule::at_once(100), |_| shot.clone()).await
        }
    }))
    .await
}

#[tokio::test]
async fn two_hundred_at_once_are_one_upstream_call() {
    let _alone = alone().await;
    let (sim, fleet) = two().await;
    slow(&sim).await;
    for request in [chat("kept", "All at once?"), stream("kept", "All at once, in pieces?")] {
        sim.clear_journal();
        let reports = all_at_once(&fleet, &request).await;
        for report in &reports {
            assert_eq!(report.served().count(), 100, "{}", report.summary());
        }
        assert_eq!(sim.journal_of(OPENAI.provider).len(), 1);
    }
    let coalesced: f64 = join_all(fleet.iter().map(Gateway::stats))
        .await
        .iter()
        .map(|stats| stats.value("weir_cache", &[("result", "coalesced")]))
        .sum();
    assert_eq!(coalesced, 398.0);
}

#[tokio::test]
async fn when_the_leader_leaves_another_takes_over_at_once() {
    let _alone = alone().await;
    let (sim, fleet) = two().await;
    slow(&sim).await;
    let request = chat("kept", "Who brings it?");
    let leader = tokio::spawn(fleet[0].post().json(&request).send());
    eventually("the leader's request", Duration::from_secs(5), || {
        (sim.journal_of(OPENAI.provider).len() == 1).then_some(())
    })
    .await;
    let others = all_at_once(&fleet, &request);
    let leaving = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        leader.abort();
    };
    let (reports, ()) = tokio::join!(others, leaving);
    for report in &reports {
        assert_eq!(report.served().count(), 100, "{}", report.summary());
        let slowest = report.percentile(100.0, |sample| sample.total);
        assert!(slowest < Duration::from_millis(3_500), "{slowest:?}");
    }
    assert_eq!(sim.journal_of(OPENAI.provider).len(), 2);
}

#[tokio::test]
async fn a_leader_that_fails_hands_over() {
    let _alone = alone().await;
    let (sim, fleet) = two().await;
    let fault = Fault { status: Some(400), delay_ms: Some(800), ..Fault::default() };
    sim.set_faults(OPENAI.provider, [fault.times(1)]).await.expect("a fault");
    let reports = all_at_once(&fleet, &chat("kept", "Once more?")).await;
    let served: usize = reports.iter().map(|report| report.served().count()).sum();
    let refused: usize = reports.iter().map(|report| report.with_status(400).count()).sum();
    assert_eq!((served, refused), (199, 1), "one client hears of its error, the others are served");
    assert_eq!(sim.journal_of(OPENAI.provider).len(), 2);
}

#[tokio::test]
async fn when_the_leaders_envoy_dies_another_takes_over() {
    let _alone = alone().await;
    let (sim, fleet) = two().await;
    slow(&sim).await;
    let request = chat("kept", "And when it dies?");
    let leader = tokio::spawn(fleet[1].post().json(&request).send());
    eventually("the leader's request", Duration::from_secs(5), || {
        (sim.journal_of(OPENAI.provider).len() == 1).then_some(())
    })
    .await;
    let others = all_at_once(&fleet[..1], &request);
    let dying = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        fleet[1].process.signal(nix::sys::signal::Signal::SIGKILL);
    };
    let (reports, ()) = tokio::join!(others, dying);
    assert!(leader.await.expect("a task").is_err());
    assert_eq!(reports[0].served().count(), 100, "{}", reports[0].summary());
    assert_eq!(sim.journal_of(OPENAI.provider).len(), 2);
}
