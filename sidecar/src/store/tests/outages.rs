//! Redis that is not there, dies, comes back, or is slow.

use super::answers::key;
use super::fixture::{connected, usable_within};
use super::limits::{one, slow};
use super::millis;
use super::server::{Server, Version};
use crate::store::{Debit, Lookup, Redis, Store};
use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Of the calls here.
pub(super) const DEADLINE: Duration = Duration::from_millis(250);
/// After which a call has certainly ended. What is above the deadline is this machine's.
pub(super) const SURELY: Duration = Duration::from_millis(1_200);
/// Within which a store works again.
pub(super) const BACK: Duration = Duration::from_secs(2);

pub(super) fn connect(url: &str) -> Arc<Redis> {
    Arc::new(Redis::connect(url, DEADLINE).expect("the URL is one"))
}

/// Tasks that ask all the time, until it is dropped.
pub(super) struct Load {
    stop: Arc<AtomicBool>,
    served: Arc<AtomicU64>,
    failed: Arc<AtomicU64>,
    tasks: Vec<tokio::task::JoinHandle<Duration>>,
}

impl Load {
    pub(super) fn start(store: &Arc<Redis>) -> Self {
        let (stop, served, failed) =
            (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default(), Arc::<AtomicU64>::default());
        let tasks = (0..8_u64).map(|number| {
            let (store, stop, served, failed) =
                (Arc::clone(store), Arc::clone(&stop), Arc::clone(&served), Arc::clone(&failed));
            tokio::spawn(async move {
                let mut longest = Duration::ZERO;
                for round in 0_u64.. {
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    let began = Instant::now();
                    let result = match (number + round) % 4 {
                        0 => store.put(key(round as u8), Bytes::from(vec![0; 2_000]), 60_000).await,
                        1 => store.debit(&[Debit { need: 1, ..slow("load") }]).await.map(drop),
                        2 => store.touch(number, 1_000).await.map(drop),
                        _ => store.lookup(key(round as u8), number, true).await.map(drop),
                    };
                    longest = longest.max(began.elapsed());
                    match result {
                        Ok(()) => served.fetch_add(1, Ordering::Relaxed),
                        Err(_) => failed.fetch_add(1, Ordering::Relaxed),
                    };
                    millis(2).await;
                }
                longest
            })
        });
        let tasks = tasks.collect();
        Self { stop, served, failed, tasks }
    }

    pub(super) fn served(&self) -> u64 {
        self.served.load(Ordering::Relaxed)
    }

    pub(super) fn failed(&self) -> u64 {
        self.failed.load(Ordering::Relaxed)
    }

    /// No call took longer than it may.
    pub(super) async fn end(self) {
        self.stop.store(true, Ordering::Relaxed);
        for task in self.tasks {
            let longest = task.await.expect("no call panics");
            assert!(longest < SURELY, "a call took {longest:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_is_made_without_redis_and_works_when_it_comes() {
    let mut server = Server::start(Version::Seven, &[]);
    server.kill();
    let store = connect(&server.url());
    millis(100).await;
    for _ in 0..20 {
        let began = Instant::now();
        let error = store.lookup(key(1), 1, true).await.unwrap_err();
        assert!(began.elapsed() < DEADLINE / 2, "it does not wait for what is not there");
        assert!(error.0.contains("not connected"), "{error:?}");
    }
    server.restart();
    usable_within(&*store, BACK).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_may_be_killed_and_restarted_under_load() {
    for version in [Version::Seven, Version::Eight] {
        let mut server = Server::start(version, &[]);
        let store = connect(&server.url());
        usable_within(&*store, BACK).await;
        let load = Load::start(&store);
        for _ in 0..2 {
            let served = load.served();
            millis(300).await;
            assert!(load.served() > served + 10, "it is under load");
            server.kill();
            let failed = load.failed();
            millis(300).await;
            assert!(load.failed() > failed + 10, "calls fail, rather than wait");
            server.restart();
            usable_within(&*store, BACK).await;
        }
        // Its scripts are gone with it, and it has them again.
        assert_eq!(store.lookup([1; 32], 1, true).await, Ok(Lookup::Lead));
        load.end().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_outlasts_its_deadline_however_slow_redis_is() {
    for stall in [&["CLIENT", "PAUSE", "2500", "ALL"][..], &["DEBUG", "SLEEP", "2.5"]] {
        let server = Arc::new(Server::start(Version::Seven, &[]));
        let store = connect(&server.url());
        usable_within(&*store, BACK).await;
        let load = Load::start(&store);
        let stalled = tokio::task::spawn_blocking({
            let server = Arc::clone(&server);
            move || server.say(stall)
        });
        millis(2_000).await;
        let failed = load.failed();
        assert!(failed > 10, "{failed} failed");
        stalled.await.expect("it answers in the end");
        millis(500).await;
        usable_within(&*store, BACK).await;
        load.end().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_redis_has_not_answered_is_bounded() {
    let server = Server::start(Version::Seven, &[]);
    let store = connect(&server.url());
    usable_within(&*store, BACK).await;
    server.say(&["CLIENT", "PAUSE", "5000", "ALL"]);
    // 100 MB of answers to be put.
    let value = Bytes::from(vec![0; 1 << 20]);
    let began = Instant::now();
    let calls: Vec<_> = (0..100)
        .map(|number| {
            let (store, value) = (Arc::clone(&store), value.clone());
            tokio::spawn(async move { store.put(key(number), value, 60_000).await })
        })
        .collect();
    let mut refused = 0;
    for call in calls {
        let error = call.await.expect("it does not panic").unwrap_err();
        refused += u32::from(error.0.contains("too many"));
    }
    // Most of it is the copying of a debug build.
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    assert!((30..=60).contains(&refused), "{refused}: 64 MiB may be under way");
    let small = store.debit(&[slow("a")]).await.unwrap_err();
    assert!(small.0.contains("no answer"), "answers do not take the room of the books: {small:?}");
    usable_within(&*store, Duration::from_secs(10)).await;
    store.put(key(0), value, 60_000).await.expect("there is room again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_script_that_redis_has_forgotten_is_told_again() {
    let server = Server::start(Version::Eight, &[]);
    let store = connected(&server.url()).await;
    store.put(key(1), Bytes::from_static(b"answer"), 60_000).await.unwrap();
    let told = |server: &Server| server.say(&["INFO", "commandstats"]).contains("cmdstat_eval:");
    server.say(&["SCRIPT", "FLUSH"]);
    server.say(&["CONFIG", "RESETSTAT"]);
    assert!(matches!(store.lookup(key(1), 1, false).await, Ok(Lookup::Hit { .. })));
    assert!(told(&server));
    server.say(&["CONFIG", "RESETSTAT"]);
    assert!(matches!(store.lookup(key(1), 1, false).await, Ok(Lookup::Hit { .. })));
    assert!(!told(&server), "once is enough");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restarted_redis_grants_nothing_twice() {
    let mut server = Server::start(Version::Seven, &[]);
    let store = connected(&server.url()).await;
    one(&*store, Debit { need: 1_000, ..slow("in the snapshot") }).await;
    server.say(&["SAVE"]);
    let old = one(&*store, Debit { need: 4_000, ..slow("in the snapshot") }).await;
    let new = one(&*store, Debit { need: 5_000, ..slow("not in it") }).await;
    server.kill();
    server.restart();
    usable_within(&*store, BACK).await;

    let ask = async |id: &str, full_at, changes| one(&*store, Debit { full_at, changes, ..slow(id) }).await.level;
    assert!(ask("in the snapshot", 0, 0).await >= 5_000, "by itself Redis knows no better");
    assert!(ask("in the snapshot", old.full_at, old.changes).await < 1_020);
    assert!(ask("not in it", new.full_at, new.changes).await < 1_020);
    assert!(ask("in the snapshot", 0, 0).await < 1_020, "now it does");
}
