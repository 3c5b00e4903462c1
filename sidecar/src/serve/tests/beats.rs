//! What a worker tells once a second, and is told.

use super::{Running, flaky};
use crate::store::{ApiKey, Memory, Usage};
use jiff::Timestamp;
use jiff::tz::Offset;
use sha2::{Digest as _, Sha256};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;
use weir_core::wire::{Beat, Beaten, BudgetAsk, Found, Lead, LeaseAsk, LimitAsk, Report};

fn beat(reports: Vec<Report>) -> Beat {
    Beat { envoy: 1, worker: 11, reports, ..Beat::default() }
}

fn report(number: u64, tenant: &str) -> Report {
    Report {
        number,
        tenant: Some(tenant.to_owned()),
        model: "smart".to_owned(),
        provider: Some("openai".to_owned()),
        provider_model: Some("gpt-5.6".to_owned()),
        input: 100,
        output: 20,
        cached: 30,
        cost_microusd: Some(5_000),
        ..Report::default()
    }
}

fn day(ago: i64) -> String {
    let then = Timestamp::now().as_second() - ago * 86_400;
    Offset::UTC.to_datetime(Timestamp::from_second(then).unwrap()).date().to_string()
}

async fn usage(sidecar: &Running) -> Vec<Usage> {
    let (_, text) = sidecar.get(&format!("/admin/v1/usage?from={}&to={}", day(5), day(0))).await;
    serde_json::from_str(&text).expect("rows")
}

#[tokio::test]
async fn each_report_is_counted_once_however_often_it_is_told() {
    let sidecar = Running::start(Arc::new(Memory::new(1 << 20))).await;
    let reports = vec![report(1, "team-a"), report(2, "team-a"), report(3, "team-b")];
    assert_eq!(sidecar.beat(&beat(reports.clone())).await.counted, 3);
    assert_eq!(sidecar.beat(&beat(reports)).await.counted, 3);
    assert_eq!(sidecar.beat(&beat(vec![report(3, "team-b"), report(4, "team-b")])).await.counted, 4);
    let requests: Vec<_> = usage(&sidecar).await.into_iter().map(|row| (row.tenant, row.requests)).collect();
    assert_eq!(requests, [("team-a".to_owned(), 2), ("team-b".to_owned(), 2)]);
}

#[tokio::test]
async fn a_request_counts_on_the_day_it_ended_under_who_answered_it() {
    let sidecar = Running::start(Arc::new(Memory::new(1 << 20))).await;
    let reports = vec![
        Report { age: 2 * 86_400_000, ..report(1, "team-a") },
        Report { provider: None, provider_model: None, cost_microusd: None, ..report(2, "team-a") },
        Report { from_cache: true, more: 9, cost_microusd: Some(0), ..report(3, "team-a") },
        Report { tenant: None, cost_microusd: None, ..report(4, "") },
        Report { is_further: true, ..report(5, "team-a") },
        Report { age: u64::MAX, ..report(6, "team-a") },
    ];
    sidecar.beat(&beat(reports)).await;
    let rows: Vec<_> = usage(&sidecar)
        .await
        .into_iter()
        .map(|row| {
            (
                row.day,
                row.tenant,
                row.model,
                [row.requests, row.cache_hits, row.input_tokens, row.cost_microusd, row.unpriced],
            )
        })
        .collect();
    let row = |day, tenant: &str, model: &str, numbers| (day, tenant.to_owned(), model.to_owned(), numbers);
    assert_eq!(
        rows,
        [
            row(day(2), "team-a", "openai/gpt-5.6", [1, 0, 100, 5_000, 0]),
            row(day(0), "-", "openai/gpt-5.6", [1, 0, 100, 0, 1]),
            row(day(0), "team-a", "openai/gpt-5.6", [10, 10, 100, 5_000, 0]),
            row(day(0), "team-a", "smart", [1, 0, 100, 0, 0]),
        ]
    );
}

#[tokio::test]
async fn a_budget_is_told_with_what_this_very_beat_reported_and_when_it_begins_anew() {
    let sidecar = Running::start(Arc::new(Memory::new(1 << 20))).await;
    let of = |tenant: &str, monthly| BudgetAsk { tenant: tenant.to_owned(), monthly };
    let budgets = vec![of("team-a", false), of("team-a", true), of("team-b", false)];
    let beaten = sidecar.beat(&Beat { budgets, ..beat(vec![report(1, "team-a")]) }).await;
    let spent: Vec<u64> = beaten.budgets.iter().map(|budget| budget.microusd).collect();
    assert_eq!(spent, [5_000, 5_000, 0]);
    let [today, month] = [&beaten.budgets[0], &beaten.budgets[1]].map(|budget| budget.left);
    let second = Timestamp::now().as_second() as u64;
    let midnight = (86_400 - second % 86_400) * 1_000;
    assert!(today.abs_diff(midnight) < 5_000, "{today} {midnight}");
    assert!(month >= today && month <= 31 * 86_400_000 && (month - today) % 86_400_000 == 0, "{month} {today}");
}

#[tokio::test]
async fn a_worker_is_told_the_keys_when_they_are_others_than_its_own() {
    let sidecar = Running::start(Arc::new(Memory::new(1 << 20))).await;
    let digest = Sha256::digest(b"weir_key");
    let sha256: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let now = Timestamp::now().as_second() as u64;
    let key = ApiKey {
        id: sha256[..12].to_owned(),
        sha256,
        tenant: "team-a".into(),
        expires: Some(now + 60),
        ..<_>::default()
    };
    let old = ApiKey { sha256: "0".repeat(64), id: "0".repeat(12), expires: Some(now - 1), ..key.clone() };
    for key in [key, old] {
        sidecar.sidecar.store.add_key(key).await.unwrap();
    }
    let keys = sidecar.beat(&beat(vec![])).await.keys.expect("they are others");
    assert_eq!(keys.keys.len(), 1, "one has expired: {keys:?}");
    assert_eq!(keys.keys[0].sha256[..], digest[..]);
    assert!(keys.keys[0].left.is_some_and(|left| (50_000..=60_000).contains(&left)));
    let known = Beat { keys_version: keys.version, ..beat(vec![]) };
    assert_eq!(sidecar.beat(&known).await.keys, None);
    sidecar.sidecar.store.revoke_key(&"0".repeat(12)).await.unwrap();
    assert!(sidecar.beat(&known).await.keys.is_some_and(|after| after.version != keys.version));
}

#[tokio::test]
async fn a_lead_that_is_held_outlives_its_time() {
    let sidecar = Running::start(Arc::new(Memory::new(1 << 20))).await;
    for (key, token) in [(1, 1), (2, 2)] {
        assert_eq!(sidecar.look(key, token).await, Some(Found::Lead));
    }
    let lead = Lead { key: [1; 32].into(), token: 1 };
    for _ in 0..5 {
        sleep(Duration::from_secs(1)).await;
        sidecar.beat(&Beat { leads: vec![lead.clone()], ..beat(vec![]) }).await;
    }
    assert_eq!(sidecar.look(1, 3).await, Some(Found::Follow));
    assert_eq!(sidecar.look(2, 4).await, Some(Found::Lead), "nobody held it");
}

#[tokio::test]
async fn envoys_that_live_are_counted() {
    let sidecar = Running::start(Arc::new(Memory::new(1 << 20))).await;
    let of = |envoy| Beat { envoy, ..Beat::default() };
    assert_eq!(sidecar.beat(&of(1)).await.envoys, 1);
    assert_eq!(sidecar.beat(&of(2)).await.envoys, 2);
    assert_eq!(sidecar.beat(&of(1)).await.envoys, 2);
}

/// Which parts of a beat are answered when one operation of the store fails.
async fn parts(failing: &'static str) -> [bool; 5] {
    let store = flaky();
    let sidecar = Running::start(store.clone()).await;
    store.fail(&[failing]);
    let limit = LimitAsk { id: "a/tokens".into(), per_minute: 60, burst: 60, ..<_>::default() };
    let beat = Beat {
        leases: vec![LeaseAsk { limits: vec![limit] }],
        budgets: vec![BudgetAsk { tenant: "team-a".to_owned(), monthly: false }],
        leads: vec![Lead { key: [1; 32].into(), token: 1 }],
        ..beat(vec![report(1, "team-a")])
    };
    let Beaten { envoys, leases, counted, keys, budgets } = sidecar.beat(&beat).await;
    [envoys == 1, leases.len() == 1, counted == 1, keys.is_some(), budgets.len() == 1]
}

#[tokio::test]
async fn each_part_fails_by_itself() {
    assert_eq!(parts("none").await, [true; 5]);
    assert_eq!(parts("touch").await, [false, true, true, true, true]);
    assert_eq!(parts("debit").await, [true, false, true, true, true]);
    assert_eq!(parts("add_usage").await, [true, true, false, true, true]);
    assert_eq!(parts("keys_version").await, [true, true, true, false, true]);
    assert_eq!(parts("keys").await, [true, true, true, false, true]);
    assert_eq!(parts("spent").await, [true, true, true, true, false]);
    assert_eq!(parts("hold").await, [true; 5]);
}
