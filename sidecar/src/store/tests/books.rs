//! What was used.

use crate::store::{Store, Usage, UsageEntry};
use std::sync::Arc;

pub(super) fn entry(number: u64, day: &str, tenant: &str, model: &str, factor: u64) -> UsageEntry {
    let usage = Usage {
        day: day.to_owned(),
        tenant: tenant.to_owned(),
        model: model.to_owned(),
        requests: factor,
        cache_hits: 2 * factor,
        input_tokens: 3 * factor,
        output_tokens: 4 * factor,
        cached_tokens: 5 * factor,
        cache_write_tokens: 6 * factor,
        reasoning_tokens: 7 * factor,
        cost_microusd: 8 * factor,
        unpriced: 9 * factor,
    };
    UsageEntry { number, usage }
}

fn row(day: &str, tenant: &str, model: &str, factor: u64) -> Usage {
    entry(0, day, tenant, model, factor).usage
}

async fn spent(store: &dyn Store, tenant: &str, period: &str) -> u64 {
    store.spent(&[(tenant.to_owned(), period.to_owned())]).await.unwrap()[0]
}

pub(super) async fn usage_adds_up_by_day_tenant_and_model(store: Arc<dyn Store>) {
    let entries = [
        entry(1, "2026-11-26", "b", "openai/gpt-5.6", 1),
        entry(2, "2026-11-26", "a", "openai/gpt-5.6", 10),
        entry(3, "2026-11-26", "b", "openai/gpt-5.6", 100),
        entry(4, "2026-11-26", "b", "claude/claude-sonnet-5-5", 1_000),
        entry(5, "2026-11-27", "-", "smart", 1_000_000_000_000),
        entry(6, "2026-12-01", "b", "openai/gpt-5.6", 5),
    ];
    assert_eq!(store.add_usage(1, &entries).await.unwrap(), 6);
    let all = [
        row("2026-11-26", "a", "openai/gpt-5.6", 10),
        row("2026-11-26", "b", "claude/claude-sonnet-5-5", 1_000),
        row("2026-11-26", "b", "openai/gpt-5.6", 101),
        row("2026-11-27", "-", "smart", 1_000_000_000_000),
        row("2026-12-01", "b", "openai/gpt-5.6", 5),
    ];
    assert_eq!(store.usage("2026-11-26", "2026-12-01").await.unwrap(), all);
    assert_eq!(store.usage("2026-11-01", "2026-11-26").await.unwrap(), all[..3]);
    assert_eq!(store.usage("2026-11-27", "2026-11-30").await.unwrap(), all[3..4]);
    assert_eq!(store.usage("2026-11-28", "2026-11-30").await.unwrap(), []);
    assert_eq!(store.usage("2026-12-01", "2026-11-01").await.unwrap(), []);
}

pub(super) async fn each_entry_is_counted_once_however_often_it_comes(store: Arc<dyn Store>) {
    let all: Vec<UsageEntry> = (1..=6).map(|number| entry(number, "2026-11-26", "a", "m", 1)).collect();
    let counted = async |entries: &[UsageEntry]| store.add_usage(1, entries).await.unwrap();
    assert_eq!(counted(&all[..3]).await, 3);
    assert_eq!(counted(&all[..3]).await, 3, "repeated");
    assert_eq!(counted(&all[1..5]).await, 5, "some of them new");
    assert_eq!(counted(&all[..2]).await, 5, "late");
    assert_eq!(counted(&all).await, 6);
    assert_eq!(counted(&[]).await, 6, "asks only");
    assert_eq!(store.usage("2026-11-26", "2026-11-26").await.unwrap(), [row("2026-11-26", "a", "m", 6)]);
    assert_eq!(spent(&*store, "a", "2026-11-26").await, 6 * 8);
    // Numbers may have gaps, and any size.
    assert_eq!(counted(&[entry(9, "2026-11-26", "a", "m", 1), entry(10, "2026-11-26", "a", "m", 1)]).await, 10);
    assert_eq!(counted(&[entry(u64::MAX - 1, "2026-11-26", "a", "m", 1)]).await, u64::MAX - 1);
    assert_eq!(counted(&[entry(u64::MAX, "2026-11-26", "a", "m", 1)]).await, u64::MAX);
    assert_eq!(store.usage("2026-11-26", "2026-11-26").await.unwrap(), [row("2026-11-26", "a", "m", 10)]);
}

pub(super) async fn workers_count_for_themselves(store: Arc<dyn Store>) {
    for worker in [0, 1, u64::MAX, u64::MAX - 1] {
        assert_eq!(store.add_usage(worker, &[entry(1, "2026-11-26", "a", "m", 1)]).await.unwrap(), 1);
    }
    assert_eq!(store.usage("2026-11-26", "2026-11-26").await.unwrap(), [row("2026-11-26", "a", "m", 4)]);
}

pub(super) async fn what_was_spent_is_told_by_day_and_by_month(store: Arc<dyn Store>) {
    let entries = [
        entry(1, "2026-11-26", "a", "m", 1),
        entry(2, "2026-11-26", "a", "n", 10),
        entry(3, "2026-11-30", "a", "m", 100),
        entry(4, "2026-12-01", "a", "m", 1_000),
        entry(5, "2026-11-26", "b", "m", 10_000),
    ];
    store.add_usage(1, &entries).await.unwrap();
    let asked = [
        ("a", "2026-11-26", 11),
        ("a", "2026-11-27", 0),
        ("a", "2026-11-30", 100),
        ("a", "2026-11", 111),
        ("a", "2026-12", 1_000),
        ("a", "2026-10", 0),
        ("b", "2026-11", 10_000),
        ("c", "2026-11", 0),
    ];
    let periods: Vec<_> =
        asked.iter().map(|(tenant, period, _)| ((*tenant).to_owned(), (*period).to_owned())).collect();
    let expected: Vec<u64> = asked.iter().map(|(_, _, factor)| factor * 8).collect();
    assert_eq!(store.spent(&periods).await.unwrap(), expected);
    assert!(store.spent(&[]).await.unwrap().is_empty());
}

pub(super) async fn a_long_batch_is_counted_whole(store: Arc<dyn Store>) {
    let entry = |number| entry(number, if number % 2 == 0 { "2026-11-26" } else { "2026-11-27" }, "a", "m", 1);
    let entries: Vec<UsageEntry> = (1..=1_201).map(entry).collect();
    assert_eq!(store.add_usage(1, &entries).await.unwrap(), 1_201);
    assert_eq!(store.add_usage(1, &entries).await.unwrap(), 1_201);
    let rows = [row("2026-11-26", "a", "m", 600), row("2026-11-27", "a", "m", 601)];
    assert_eq!(store.usage("2026-11-26", "2026-11-27").await.unwrap(), rows);
}
