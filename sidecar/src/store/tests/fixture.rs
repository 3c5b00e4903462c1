//! The stores under test.

use super::cluster::Cluster;
use super::server::{Server, Version};
use crate::store::{Memory, Redis, Store};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

/// Generous: these tests are about what a call does, and two processors run them all.
pub(crate) const DEADLINE: Duration = Duration::from_secs(5);

/// A store, and what it stands on.
pub(crate) struct Fixture {
    pub(crate) store: Arc<dyn Store>,
    _ground: Option<Ground>,
}

enum Ground {
    Server { _held: Arc<Server> },
    Cluster { _held: Arc<Cluster> },
}

impl Fixture {
    pub(crate) async fn memory() -> Self {
        Self { store: Arc::new(Memory::new(64 << 20)), _ground: None }
    }

    pub(crate) async fn redis_7() -> Self {
        static SHARED: Mutex<Weak<Server>> = Mutex::new(Weak::new());
        let server = shared(&SHARED, || Server::start(Version::Seven, &[]));
        Self { store: connected(&own(&server.url())).await, _ground: Some(Ground::Server { _held: server }) }
    }

    pub(crate) async fn redis_8() -> Self {
        static SHARED: Mutex<Weak<Server>> = Mutex::new(Weak::new());
        let server = shared(&SHARED, || Server::start(Version::Eight, &[]));
        Self { store: connected(&own(&server.url())).await, _ground: Some(Ground::Server { _held: server }) }
    }

    pub(crate) async fn cluster() -> Self {
        static SHARED: Mutex<Weak<Cluster>> = Mutex::new(Weak::new());
        let cluster = shared(&SHARED, || Cluster::start(Version::Seven));
        Self { store: connected(&own(&cluster.url())).await, _ground: Some(Ground::Cluster { _held: cluster }) }
    }
}

/// A store at `url` that can be used.
pub(crate) async fn connected(url: &str) -> Arc<dyn Store> {
    let store = Redis::connect(url, DEADLINE).expect("the URL is one");
    usable_within(&store, Duration::from_secs(10)).await;
    Arc::new(store)
}

pub(crate) async fn usable_within(store: &dyn Store, limit: Duration) {
    let usable = async {
        while store.ping().await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    if tokio::time::timeout(limit, usable).await.is_err() {
        panic!("not usable after {limit:?}: {:?}", store.ping().await);
    }
}

/// Keys that no other test has.
fn own(url: &str) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    format!("{url}?prefix=test-{}", COUNT.fetch_add(1, Ordering::Relaxed))
}

/// One for all tests that run now; it ends with the last of them.
fn shared<T>(place: &Mutex<Weak<T>>, start: impl FnOnce() -> T) -> Arc<T> {
    let mut place = place.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    place.upgrade().unwrap_or_else(|| {
        let started = Arc::new(start());
        *place = Arc::downgrade(&started);
        started
    })
}
