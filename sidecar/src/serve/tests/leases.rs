//! Leases over the port.

use super::{Running, flaky};
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::time::sleep;
use weir_core::wire::{Ask, Beat, LeaseAsk, Leased, LimitAsk};

fn limit(id: &str, known: u64, need: u64) -> LimitAsk {
    LimitAsk { id: id.to_owned(), per_minute: 60, burst: 1_000, known, need, want: need, ..LimitAsk::default() }
}

fn ask(limits: Vec<LimitAsk>) -> Ask {
    Ask { envoy: 1, lookup: None, leases: vec![LeaseAsk { limits }] }
}

fn granted(leases: &[Leased]) -> Vec<Vec<u64>> {
    leases.iter().map(|leased| leased.limits.iter().map(|limit| limit.granted).collect()).collect()
}

#[tokio::test]
async fn a_lost_answer_is_made_up_for_before_anything_more_is_debited() {
    let sidecar = Running::start(flaky()).await;
    let first = ask(vec![limit("a/tokens", 0, 100)]);
    assert_eq!(granted(&sidecar.ask(&first).await.leases), [[100]]);
    let again = sidecar.ask(&first).await.leases;
    assert_eq!(granted(&again), [[100]], "the same message again");
    assert_eq!(again[0].limits[0].level, 900);
    assert_eq!(granted(&sidecar.ask(&ask(vec![limit("a/tokens", 0, 150)])).await.leases), [[150]]);
}

#[tokio::test]
async fn all_that_a_request_needs_is_granted_or_nothing() {
    let sidecar = Running::start(flaky()).await;
    let both = ask(vec![limit("a/tokens", 0, 100), limit("b/tokens", 0, 2_000)]);
    assert_eq!(
        granted(&sidecar.ask(&both).await.leases),
        [[100, 2_000]],
        "what is more than a bucket holds comes from a full one"
    );
    let leases = sidecar.ask(&ask(vec![limit("a/tokens", 100, 100), limit("b/tokens", 2_000, 1)])).await.leases;
    assert_eq!(granted(&leases), [[100, 2_000]]);
    let limits = &leases[0].limits;
    assert_eq!((limits[0].wait, limits[0].level), (0, 900));
    assert!(limits[1].wait > 900_000, "it is in debt: {}", limits[1].wait);
}

#[tokio::test]
async fn what_is_only_told_goes_to_the_store_as_one_however_many_limits_it_is() {
    let store = flaky();
    let sidecar = Running::start(store.clone()).await;
    let told = |n: u64| LeaseAsk { limits: vec![limit(&format!("tenant/{n}/tokens"), 0, 0)] };
    let mut leases: Vec<LeaseAsk> = (0..100).map(told).collect();
    leases.insert(50, LeaseAsk { limits: vec![limit("needed/tokens", 0, 5)] });
    leases.insert(0, LeaseAsk::default());
    let beaten = sidecar.beat(&Beat { envoy: 1, worker: 1, leases, ..Beat::default() }).await;
    assert_eq!(beaten.leases.len(), 102);
    assert!(beaten.leases[0].limits.is_empty());
    assert!(beaten.leases[1..].iter().all(|leased| leased.limits.len() == 1));
    assert_eq!(beaten.leases[51].limits[0].granted, 5);
    assert_eq!(store.debits.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_call_that_is_dropped_forgets_nothing_that_the_store_did() {
    let store = flaky();
    let sidecar = Running::start(store.clone()).await;
    let over = LimitAsk { spent: 400, ..limit("a/tokens", 0, 100) };
    store.stall(Duration::from_millis(100));
    let dropped = tokio::time::timeout(Duration::from_millis(50), sidecar.ask(&ask(vec![over.clone()]))).await;
    assert!(dropped.is_err());
    sleep(Duration::from_millis(200)).await;
    store.stall(Duration::ZERO);
    let leases = sidecar.ask(&ask(vec![over])).await.leases;
    assert_eq!(granted(&leases), [[500]]);
    assert_eq!(leases[0].limits[0].level, 500, "it was debited once");
}

#[tokio::test]
async fn what_was_spent_while_the_store_was_away_is_debited_when_it_is_back() {
    let store = flaky();
    let sidecar = Running::start(store.clone()).await;
    let spent = LimitAsk { spent: 300, ..limit("a/tokens", 0, 0) };
    store.fail(&["debit"]);
    assert_eq!(sidecar.ask(&ask(vec![spent.clone()])).await.leases, []);
    store.fail(&[]);
    assert_eq!(sidecar.ask(&ask(vec![spent.clone()])).await.leases[0].limits[0].level, 700);
    assert_eq!(sidecar.ask(&ask(vec![spent])).await.leases[0].limits[0].level, 700, "and once only");
}

#[tokio::test]
async fn what_an_envoy_owed_is_debited_even_if_it_does_not_come_again() {
    let store = flaky();
    let sidecar = Running::start(store.clone()).await;
    store.fail(&["debit"]);
    sidecar.ask(&ask(vec![LimitAsk { spent: 300, ..limit("a/tokens", 0, 0) }])).await;
    store.fail(&[]);
    let other = Ask { envoy: 2, ..ask(vec![limit("a/tokens", 0, 0)]) };
    for _ in 0..2 {
        let leases = sidecar.ask(&other).await.leases;
        assert_eq!(
            (granted(&leases), leases[0].limits[0].level),
            (vec![vec![0]], 700),
            "another one's call pays, once"
        );
    }
}

#[tokio::test]
async fn a_late_message_to_a_restarted_sidecar_makes_nobody_pay_twice() {
    let store = flaky();
    let sidecar = Running::start(store.clone()).await;
    sidecar.ask(&ask(vec![limit("a/tokens", 0, 500)])).await;
    drop(sidecar);
    let sidecar = Running::start(store).await;
    sidecar.ask(&ask(vec![LimitAsk { spent: 50, ..limit("a/tokens", 100, 0) }])).await;
    let now = LimitAsk { spent: 300, returned: 100, ..limit("a/tokens", 500, 0) };
    let leases = sidecar.ask(&ask(vec![now])).await.leases;
    assert_eq!(
        (granted(&leases), leases[0].limits[0].level),
        (vec![vec![500]], 500),
        "what comes back may have done so before: it flows in again"
    );
    let (_, metrics) = sidecar.get("/metrics").await;
    assert!(metrics.contains(r#"weir_quota_outstanding{resource="tokens"} 100"#), "{metrics}");
}

#[tokio::test]
async fn who_has_only_come_is_told_to_come_again_and_what_it_tells_counts() {
    let sidecar = Running::start(flaky()).await;
    let beat = |envoy| Beat { envoy, worker: envoy, ..Beat::default() };
    let newcomer = |limit| Ask { envoy: 2, ..ask(vec![limit]) };
    sidecar.beat(&beat(1)).await;
    assert_eq!(sidecar.beat(&beat(2)).await.envoys, 2);
    let used = LimitAsk { spent: 300, ..limit("a/tokens", 0, 100) };
    let held = sidecar.ask(&newcomer(used)).await.leases[0].limits[0].clone();
    assert_eq!((held.granted, held.level), (300, 700), "only what it has used");
    assert!((1..=1_500).contains(&held.wait), "{held:?}");
    assert_eq!(
        granted(&sidecar.ask(&ask(vec![limit("a/tokens", 0, 100)])).await.leases),
        [[100]],
        "who was here first"
    );
    sleep(Duration::from_millis(held.wait)).await;
    let again = LimitAsk { spent: 300, ..limit("a/tokens", 300, 100) };
    assert_eq!(granted(&sidecar.ask(&newcomer(again)).await.leases), [[400]]);
}

#[tokio::test]
async fn a_store_that_was_restarted_goes_on_where_its_buckets_were_even_after_an_outage() {
    let store = flaky();
    let sidecar = Running::start(store.clone()).await;
    sidecar.ask(&ask(vec![limit("a/tokens", 0, 800)])).await;
    store.fail(&["debit"]);
    assert_eq!(sidecar.ask(&ask(vec![limit("a/tokens", 800, 10)])).await.leases, []);
    store.restart();
    store.fail(&[]);
    let leases = sidecar.ask(&ask(vec![limit("a/tokens", 800, 10)])).await.leases;
    assert_eq!(granted(&leases), [[810]]);
    assert!((190..=191).contains(&leases[0].limits[0].level), "{leases:?}");
}

#[tokio::test]
async fn the_books_are_on_the_metrics_and_balance() {
    let sidecar = Running::start(flaky()).await;
    sidecar.ask(&ask(vec![limit("a/tokens", 0, 100), limit("a/requests", 0, 3)])).await;
    let used = LimitAsk { spent: 60, returned: 15, ..limit("a/tokens", 100, 0) };
    let leases = sidecar.ask(&ask(vec![used])).await.leases;
    assert_eq!(leases[0].limits[0].level, 915, "what came back is there again");
    let (_, metrics) = sidecar.get("/metrics").await;
    for line in [
        r#"weir_quota_reserved_total{resource="tokens"} 100"#,
        r#"weir_quota_settled_total{resource="tokens"} 60"#,
        r#"weir_quota_expired_total{resource="tokens"} 15"#,
        r#"weir_quota_outstanding{resource="tokens"} 25"#,
        r#"weir_quota_reserved_total{resource="requests"} 3"#,
        r#"weir_quota_outstanding{resource="requests"} 3"#,
    ] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
}
