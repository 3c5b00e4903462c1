//! The embedded store: in the sidecar's own memory, bounded, gone with the process. For one sidecar.

mod answers;
mod books;
mod clock;
mod limits;

use super::{ApiKey, CacheKey, Debit, Debited, Held, Lookup, Store, Unavailable, Usage, UsageEntry};
use answers::Answers;
use async_trait::async_trait;
use books::Books;
use bytes::Bytes;
use clock::Clock;
use limits::Limits;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Envoys that are counted at once.
const MAX_ENVOYS: usize = 10_000;
/// API keys that are kept.
const MAX_KEYS: usize = 100_000;

/// The embedded store.
pub(crate) struct Memory {
    clock: Clock,
    answers: Answers,
    limits: Mutex<Limits>,
    books: Mutex<Books>,
    /// Until when each lives, in microseconds.
    envoys: Mutex<HashMap<u64, u64>>,
    keys: Mutex<Keys>,
}

#[derive(Default)]
struct Keys {
    version: u64,
    keys: Vec<ApiKey>,
}

impl Memory {
    /// A store whose cached answers take up at most `max_bytes`, with all that is kept about them.
    pub(crate) fn new(max_bytes: usize) -> Self {
        Self {
            clock: Clock::start(),
            answers: Answers::new(max_bytes),
            limits: Mutex::default(),
            books: Mutex::default(),
            envoys: Mutex::default(),
            keys: Mutex::default(),
        }
    }
}

impl Keys {
    /// They are others now, which another version tells: never one that an earlier process had.
    fn changed(&mut self, now: u64) {
        self.version = now.max(self.version + 1);
    }
}

#[async_trait]
impl Store for Memory {
    async fn ping(&self) -> Result<(), Unavailable> {
        Ok(())
    }

    async fn lookup(&self, key: CacheKey, token: u64, leads: bool) -> Result<Lookup, Unavailable> {
        self.answers.lookup(key, token, leads, self.clock.micros())
    }

    async fn put(&self, key: CacheKey, value: Bytes, ttl: u64) -> Result<(), Unavailable> {
        self.answers.put(key, &value, ttl, self.clock.micros());
        Ok(())
    }

    async fn release(&self, key: CacheKey, token: u64) -> Result<(), Unavailable> {
        self.answers.release(key, token);
        Ok(())
    }

    async fn hold(&self, leads: &[(CacheKey, u64)]) -> Result<(), Unavailable> {
        for &(key, token) in leads {
            self.answers.hold(key, token, self.clock.micros());
        }
        Ok(())
    }

    async fn debit(&self, debits: &[Debit]) -> Result<Vec<Debited>, Unavailable> {
        // The clock is read under the lock: it never goes back for a bucket.
        let mut limits = lock(&self.limits);
        limits.debit(debits, self.clock.micros())
    }

    async fn touch(&self, envoy: u64, millis: u64) -> Result<u64, Unavailable> {
        let now = self.clock.micros();
        let mut envoys = lock(&self.envoys);
        envoys.retain(|_, until| *until > now);
        if envoys.len() >= MAX_ENVOYS && !envoys.contains_key(&envoy) {
            return Err(Unavailable(format!("there are {MAX_ENVOYS} Envoys already")));
        }
        envoys.insert(envoy, clock::after(now, millis));
        Ok(envoys.len() as u64)
    }

    async fn add_usage(&self, worker: u64, entries: &[UsageEntry]) -> Result<u64, Unavailable> {
        Ok(lock(&self.books).add(worker, entries, self.clock.micros()))
    }

    async fn usage(&self, first: &str, last: &str) -> Result<Vec<Usage>, Unavailable> {
        Ok(lock(&self.books).usage(first, last))
    }

    async fn spent(&self, periods: &[(String, String)]) -> Result<Vec<u64>, Unavailable> {
        let books = lock(&self.books);
        Ok(periods.iter().map(|(tenant, period)| books.spent(tenant, period)).collect())
    }

    async fn keys(&self) -> Result<(u64, Vec<ApiKey>), Unavailable> {
        let keys = lock(&self.keys);
        Ok((keys.version, keys.keys.clone()))
    }

    async fn keys_version(&self) -> Result<u64, Unavailable> {
        Ok(lock(&self.keys).version)
    }

    async fn add_key(&self, key: ApiKey) -> Result<(), Unavailable> {
        let mut keys = lock(&self.keys);
        match keys.keys.iter().position(|other| other.sha256 == key.sha256) {
            Some(index) => keys.keys[index] = key,
            None if keys.keys.len() >= MAX_KEYS => {
                return Err(Unavailable(format!("there are {MAX_KEYS} keys already")));
            }
            None => keys.keys.push(key),
        }
        keys.changed(self.clock.micros());
        Ok(())
    }

    async fn revoke_key(&self, id: &str) -> Result<bool, Unavailable> {
        let mut keys = lock(&self.keys);
        let before = keys.keys.len();
        keys.keys.retain(|key| key.id != id);
        let revoked = keys.keys.len() != before;
        if revoked {
            keys.changed(self.clock.micros());
        }
        Ok(revoked)
    }

    fn held(&self) -> Option<Held> {
        Some(self.answers.held())
    }
}

/// What a panic under the lock left is as good as any other state: each is whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
