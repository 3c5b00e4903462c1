//! A store that fails, or takes its time, where a test says so.

use crate::store::{ApiKey, CacheKey, Debit, Debited, Lookup, Memory, Store, Unavailable, Usage, UsageEntry};
use async_trait::async_trait;
use axum::body::Bytes;
use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// In front of the embedded store.
pub(crate) struct Flaky {
    store: Mutex<Arc<Memory>>,
    failing: Mutex<HashSet<&'static str>>,
    /// Fails after it has done what it was asked.
    deaf: Mutex<HashSet<&'static str>>,
    stalls: AtomicU64,
    pub(crate) lookups: AtomicUsize,
    pub(crate) debits: AtomicUsize,
}

impl Flaky {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            store: Mutex::new(Arc::new(Memory::new(64 << 20))),
            failing: Mutex::default(),
            deaf: Mutex::default(),
            stalls: AtomicU64::new(0),
            lookups: AtomicUsize::new(0),
            debits: AtomicUsize::new(0),
        })
    }

    /// These fail from now on, and no others.
    pub(crate) fn fail(&self, operations: &[&'static str]) {
        *self.failing.lock().unwrap() = operations.iter().copied().collect();
    }

    /// These are done from now on, but nobody hears of it.
    pub(crate) fn deafen(&self, operations: &[&'static str]) {
        *self.deaf.lock().unwrap() = operations.iter().copied().collect();
    }

    /// Each operation takes so long from now on.
    pub(crate) fn stall(&self, time: Duration) {
        self.stalls.store(time.as_millis() as u64, Ordering::SeqCst);
    }

    /// Forgets everything.
    pub(crate) fn restart(&self) {
        *self.store.lock().unwrap() = Arc::new(Memory::new(64 << 20));
    }

    async fn run<T, F: Future<Output = Result<T, Unavailable>>>(
        &self,
        operation: &'static str,
        work: impl FnOnce(Arc<Memory>) -> F,
    ) -> Result<T, Unavailable> {
        let stall = self.stalls.load(Ordering::SeqCst);
        if stall > 0 {
            tokio::time::sleep(Duration::from_millis(stall)).await;
        }
        if self.failing.lock().unwrap().contains(operation) {
            return Err(Unavailable("a test says so".to_owned()));
        }
        let store = self.store.lock().unwrap().clone();
        let outcome = work(store).await;
        if self.deaf.lock().unwrap().contains(operation) {
            return Err(Unavailable("a test says so".to_owned()));
        }
        outcome
    }
}

#[async_trait]
impl Store for Flaky {
    async fn ping(&self) -> Result<(), Unavailable> {
        self.run("ping", |store| async move { store.ping().await }).await
    }

    async fn lookup(&self, key: CacheKey, token: u64, leads: bool) -> Result<Lookup, Unavailable> {
        self.lookups.fetch_add(1, Ordering::SeqCst);
        self.run("lookup", |store| async move { store.lookup(key, token, leads).await }).await
    }

    async fn put(&self, key: CacheKey, value: Bytes, ttl: u64) -> Result<(), Unavailable> {
        self.run("put", |store| async move { store.put(key, value, ttl).await }).await
    }

    async fn release(&self, key: CacheKey, token: u64) -> Result<(), Unavailable> {
        self.run("release", |store| async move { store.release(key, token).await }).await
    }

    async fn hold(&self, leads: &[(CacheKey, u64)]) -> Result<(), Unavailable> {
        self.run("hold", |store| async move { store.hold(leads).await }).await
    }

    async fn debit(&self, debits: &[Debit]) -> Result<Vec<Debited>, Unavailable> {
        self.debits.fetch_add(1, Ordering::SeqCst);
        self.run("debit", |store| async move { store.debit(debits).await }).await
    }

    async fn touch(&self, envoy: u64, millis: u64) -> Result<u64, Unavailable> {
        self.run("touch", |store| async move { store.touch(envoy, millis).await }).await
    }

    async fn add_usage(&self, worker: u64, entries: &[UsageEntry]) -> Result<u64, Unavailable> {
        self.run("add_usage", |store| async move { store.add_usage(worker, entries).await }).await
    }

    async fn usage(&self, first: &str, last: &str) -> Result<Vec<Usage>, Unavailable> {
        self.run("usage", |store| async move { store.usage(first, last).await }).await
    }

    async fn spent(&self, periods: &[(String, String)]) -> Result<Vec<u64>, Unavailable> {
        self.run("spent", |store| async move { store.spent(periods).await }).await
    }

    async fn keys(&self) -> Result<(u64, Vec<ApiKey>), Unavailable> {
        self.run("keys", |store| async move { store.keys().await }).await
    }

    async fn keys_version(&self) -> Result<u64, Unavailable> {
        self.run("keys_version", |store| async move { store.keys_version().await }).await
    }

    async fn add_key(&self, key: ApiKey) -> Result<(), Unavailable> {
        self.run("add_key", |store| async move { store.add_key(key).await }).await
    }

    async fn revoke_key(&self, id: &str) -> Result<bool, Unavailable> {
        self.run("revoke_key", |store| async move { store.revoke_key(id).await }).await
    }
}
