//! Many at once.

use super::answers::key;
use super::books::entry;
use crate::store::{Debit, Lookup, Store, UsageEntry};
use std::sync::Arc;
use std::time::{Duration, Instant};

const TASKS: u64 = 8;

/// What each of a crowd brought.
async fn crowd<T: Send + 'static, F: Future<Output = T> + Send + 'static>(member: impl Fn(u64) -> F) -> Vec<T> {
    let tasks: Vec<_> = (0..TASKS).map(|number| tokio::spawn(member(number))).collect();
    let mut results = Vec::new();
    for task in tasks {
        results.push(task.await.expect("it does not panic"));
    }
    results
}

pub(super) async fn of_a_crowd_at_most_one_leads(store: Arc<dyn Store>) {
    const KEYS: u8 = 60;
    let leads = crowd(|number| {
        let store = Arc::clone(&store);
        async move {
            let mut leads = Vec::new();
            for name in 0..KEYS {
                match store.lookup(key(name), number + 1, true).await.unwrap() {
                    Lookup::Lead => leads.push(name),
                    Lookup::Follow => {}
                    other => panic!("{other:?}"),
                }
            }
            leads
        }
    });
    let mut leads = leads.await.concat();
    leads.sort_unstable();
    assert_eq!(leads, (0..KEYS).collect::<Vec<u8>>(), "each once");
}

struct Grant {
    asked: Duration,
    answered: Duration,
    amount: u64,
}

pub(super) async fn a_crowd_never_gets_more_than_flowed_in(store: Arc<dyn Store>) {
    const FOR: Duration = Duration::from_millis(1_500);
    const BURST: u64 = 300;
    const PER_MINUTE: u64 = 60_000;
    // The embedded store's clock may stand still while nobody waits; then only the burst is there.
    let began = tokio::time::Instant::now();
    let real = Instant::now();
    let grants = crowd(|number| {
        let store = Arc::clone(&store);
        async move {
            let mut grants = Vec::new();
            while began.elapsed() < FOR && real.elapsed() < FOR * 4 {
                let need = 1 + number % 3;
                let debit = Debit {
                    id: "a".to_owned(),
                    per_minute: PER_MINUTE,
                    burst: BURST,
                    need,
                    want: 20,
                    ..Debit::default()
                };
                let asked = began.elapsed();
                let debited = store.debit(&[debit]).await.unwrap().remove(0);
                if debited.granted > 0 {
                    grants.push(Grant { asked, answered: began.elapsed(), amount: debited.granted });
                } else {
                    super::millis(1).await;
                }
            }
            grants
        }
    });
    let mut grants: Vec<Grant> = grants.await.into_iter().flatten().collect();
    grants.sort_by_key(|grant| grant.answered);
    for first in &grants {
        let mut sum = 0;
        for grant in grants.iter().filter(|grant| grant.asked >= first.asked) {
            sum += grant.amount;
            // The store's clock was read between question and answer; it counts microseconds.
            let window = (grant.answered - first.asked).as_micros() as u64 + 2;
            assert!(sum <= BURST + window * PER_MINUTE / 60_000_000 + 1, "{sum} in {window} µs");
        }
    }
    let all: u64 = grants.iter().map(|grant| grant.amount).sum();
    assert!(all >= (BURST + 1_500) * 9 / 10, "only {all} were granted");
}

pub(super) async fn a_crowd_debits_all_or_none(store: Arc<dyn Store>) {
    let limit = |id: &str, burst, need| Debit { id: id.to_owned(), per_minute: 1, burst, need, ..Debit::default() };
    let granted = crowd(|_| {
        let store = Arc::clone(&store);
        async move {
            let mut granted = 0;
            for _ in 0..60 {
                let debits = [limit("wide", 10_000, 10), limit("narrow", 1_000, 10), limit("wider", 20_000, 10)];
                let debited = store.debit(&debits).await.unwrap();
                assert!(debited.iter().all(|debited| debited.granted == debited.granted.min(10)));
                assert!(debited.iter().all(|other| other.granted == debited[0].granted), "{debited:?}");
                granted += debited[0].granted;
            }
            granted
        }
    });
    let granted: u64 = granted.await.iter().sum();
    assert_eq!(granted, 1_000, "as the narrowest allows");
    let rest = store.debit(&[limit("wide", 10_000, 0), limit("wider", 20_000, 0)]).await.unwrap();
    assert_eq!((rest[0].level, rest[1].level), (9_000, 19_000), "who got nothing took nothing");
}

pub(super) async fn a_crowd_that_repeats_itself_is_counted_once(store: Arc<dyn Store>) {
    let entries: Vec<UsageEntry> = (1..=40).map(|number| entry(number, "2026-11-26", "a", "m", 1)).collect();
    let entries = Arc::new(entries);
    crowd(|_| {
        let (store, entries) = (Arc::clone(&store), Arc::clone(&entries));
        async move {
            for last in 1..=entries.len() {
                store.add_usage(1, &entries[last.saturating_sub(5)..last]).await.unwrap();
            }
        }
    })
    .await;
    let rows = store.usage("2026-11-26", "2026-11-26").await.unwrap();
    assert_eq!(rows, [entry(0, "2026-11-26", "a", "m", 40).usage]);
    assert_eq!(store.spent(&[("a".to_owned(), "2026-11".to_owned())]).await.unwrap(), [320]);
}
