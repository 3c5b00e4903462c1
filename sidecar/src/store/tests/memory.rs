//! What the embedded store promises besides: that it is bounded.

use super::millis;
use crate::store::{Debit, Lookup, Memory, Store, Usage, UsageEntry};
use bytes::Bytes;
use std::sync::Arc;
use std::time::Instant;
use weir_core::chance::mix;

const HOUR: u64 = 3_600_000;

/// As even as a digest.
fn key(number: u64) -> [u8; 32] {
    let mut key = [0; 32];
    for (part, chunk) in key.chunks_mut(8).enumerate() {
        chunk.copy_from_slice(&mix(number * 4 + part as u64 + 1).to_be_bytes());
    }
    key
}

async fn is_kept(store: &Memory, key: [u8; 32]) -> bool {
    matches!(store.lookup(key, 1, false).await, Ok(Lookup::Hit { .. }))
}

/// Held by those that need much memory: one of them measures it.
static MUCH_MEMORY: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

#[allow(clippy::print_stdout, reason = "the number is of interest")]
#[tokio::test]
async fn a_million_answers_stay_within_the_bound() {
    const PUT: u64 = 1_200_000;
    const BOUND: usize = 294 << 20;
    // For what other tests hold meanwhile.
    const SLACK: usize = BOUND / 10;
    let _alone = MUCH_MEMORY.lock().await;
    let before = resident_bytes();
    let store = Memory::new(BOUND);
    for number in 0..PUT {
        store.put(key(number), Bytes::from(vec![b'x'; 100]), HOUR).await.unwrap();
    }
    let held = store.held().unwrap();
    assert!(held.bytes <= BOUND, "{held:?}");
    assert!((990_000..=1_010_000).contains(&held.answers), "the room is used: {held:?}");
    let mut times = Vec::with_capacity(200_000);
    for number in 0..200_000 {
        let key = key(PUT - 1 - mix(number) % 950_000);
        let began = Instant::now();
        let found = store.lookup(key, 1, false).await;
        times.push(began.elapsed());
        assert!(matches!(found, Ok(Lookup::Hit { .. })), "the latest are kept: {found:?}");
    }
    let mut grown = resident_bytes().saturating_sub(before);
    for _ in 0..60 {
        if grown <= BOUND + SLACK {
            break;
        }
        // Others let go of theirs.
        millis(500).await;
        grown = resident_bytes().saturating_sub(before);
    }
    assert!(grown <= BOUND + SLACK, "{grown} bytes resident");
    assert!(!is_kept(&store, key(0)).await, "the oldest are gone");
    times.sort_unstable();
    println!(
        "{} answers in {} MiB of {}, {} MiB resident; a lookup takes {:?}, P99 {:?}",
        held.answers,
        held.bytes >> 20,
        BOUND >> 20,
        grown >> 20,
        times[times.len() / 2],
        times[times.len() * 99 / 100],
    );
}

/// Of this process.
fn resident_bytes() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux");
    let pages: usize = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).expect("a number of pages");
    pages * 4_096
}

#[tokio::test(start_paused = true)]
async fn what_was_not_used_for_longest_goes_first() {
    let store = Memory::new(100_000);
    let value = Bytes::from(vec![0; 9_000]);
    for number in 0..10 {
        store.put(key(number), value.clone(), HOUR).await.unwrap();
    }
    assert!(is_kept(&store, key(0)).await, "and is used");
    store.put(key(10), value.clone(), HOUR).await.unwrap();
    assert!(!is_kept(&store, key(1)).await);
    assert!(is_kept(&store, key(0)).await && is_kept(&store, key(2)).await && is_kept(&store, key(10)).await);
}

#[tokio::test(start_paused = true)]
async fn what_does_not_fit_is_not_kept_and_takes_nothing_with_it() {
    let store = Memory::new(100_000);
    store.put(key(1), Bytes::from_static(b"small"), HOUR).await.unwrap();
    assert_eq!(store.lookup(key(2), 1, true).await, Ok(Lookup::Lead));
    store.put(key(2), Bytes::from(vec![0; 100_000]), HOUR).await.unwrap();
    assert!(is_kept(&store, key(1)).await && !is_kept(&store, key(2)).await);
    assert_eq!(store.lookup(key(2), 2, true).await, Ok(Lookup::Lead), "the first lead ended all the same");
}

#[tokio::test(start_paused = true)]
async fn answers_whose_time_is_over_make_room() {
    let store = Memory::new(1 << 20);
    for number in 0..100 {
        store.put(key(number), Bytes::from_static(b"short"), 1_000).await.unwrap();
    }
    millis(1_001).await;
    for number in 100..200 {
        store.put(key(number), Bytes::from_static(b"long"), HOUR).await.unwrap();
    }
    assert_eq!(store.held().unwrap().answers, 100);
    millis(HOUR).await;
    assert!(!is_kept(&store, key(150)).await);
    assert_eq!(store.held().unwrap().answers, 99, "one that is looked at goes");
    for number in 100..200 {
        assert!(!is_kept(&store, key(number)).await);
    }
    assert_eq!(store.held().unwrap().bytes, 0, "to the byte");
}

#[tokio::test(start_paused = true)]
async fn leads_limits_envoys_and_workers_are_bounded() {
    let _alone = MUCH_MEMORY.lock().await;
    let store = Memory::new(1 << 20);
    for number in 0..100_000 {
        store.lookup(key(number), 1, true).await.unwrap();
    }
    assert!(store.lookup(key(100_000), 1, true).await.is_err(), "too many lead");
    millis(4_001).await;
    assert_eq!(store.lookup(key(100_000), 1, true).await, Ok(Lookup::Lead), "they are dead");

    let limit = |number| Debit { id: format!("{number}"), per_minute: 60, burst: 60, need: 1, ..Debit::default() };
    let fill = async |numbers: std::ops::Range<u32>| {
        let debits: Vec<Debit> = numbers.map(limit).collect();
        store.debit(&debits).await
    };
    fill(0..200_000).await.unwrap();
    assert!(fill(200_000..200_001).await.is_err(), "too many limits in use");
    assert!(store.debit(&[limit(0)]).await.is_ok(), "those that are go on");
    millis(2_001).await;
    fill(200_000..200_001).await.unwrap();

    for envoy in 0..10_000 {
        store.touch(envoy, 1_000).await.unwrap();
    }
    assert!(store.touch(10_000, 1_000).await.is_err());
    millis(1_001).await;
    assert_eq!(store.touch(10_000, 1_000).await, Ok(1));
}

#[tokio::test(start_paused = true)]
async fn days_are_kept_for_more_than_a_year_and_then_go() {
    let store: Arc<dyn Store> = Arc::new(Memory::new(1 << 20));
    let first: jiff::civil::Date = "2025-01-01".parse().unwrap();
    for number in 0..500_u32 {
        let day = first.saturating_add(jiff::Span::new().days(i64::from(number))).to_string();
        let usage = Usage { day, tenant: "a".to_owned(), model: "m".to_owned(), requests: 1, ..Usage::default() };
        store.add_usage(1, &[UsageEntry { number: u64::from(number) + 1, usage }]).await.unwrap();
    }
    let rows = store.usage("2025-01-01", "2030-01-01").await.unwrap();
    assert_eq!(rows.len(), 400);
    assert_eq!(rows[0].day, "2025-04-11");
}
