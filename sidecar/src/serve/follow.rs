//! Coalescing: requests that wait for the answer of another one like them. All that wait here for one key share one
//! look at the store, each 20 to 100 ms; what is put through this sidecar wakes them at once.

use super::cache;
use super::offer::Offer;
use crate::store::{CacheKey, Lookup, Store};
use axum::body::Bytes;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;
use weir_core::wire::{self, Found};

/// Between two looks: at first, and at most.
const SOON: Duration = Duration::from_millis(20);
const LATER: Duration = Duration::from_millis(100);
/// Looks for many keys are so far apart: 20,000 a second for all.
const EACH: Duration = Duration::from_micros(50);
/// A store that does not answer for so long is given up, and all go on alone. It may only be restarting.
const PATIENCE: Duration = Duration::from_secs(1);
/// Who comes beyond goes on alone.
const MOST_WAITERS: usize = 16_384;

pub(super) struct Followers(Arc<Shared>);

/// What a follower is told.
pub(super) enum Told {
    Lead(Offer),
    /// Anything else, as a message: one for all that wait for the same.
    Found {
        kind: &'static str,
        message: Bytes,
    },
}

impl Told {
    fn found(found: &Found) -> Self {
        Self::Found { kind: cache::kind(found), message: wire::encode(found).into() }
    }
}

struct Shared {
    store: Arc<dyn Store>,
    watches: Mutex<Watches>,
}

#[derive(Default)]
struct Watches {
    keys: HashMap<CacheKey, Watch>,
    waiters: usize,
}

/// Those that wait for one key, and who looks for them.
struct Watch {
    waiters: VecDeque<Waiter>,
    wake: Arc<Notify>,
}

struct Waiter {
    token: u64,
    tell: oneshot::Sender<Told>,
}

impl Followers {
    pub(super) fn new(store: Arc<dyn Store>) -> Self {
        Self(Arc::new(Shared { store, watches: Mutex::default() }))
    }

    /// How many wait.
    pub(super) fn count(&self) -> usize {
        self.0.lock().waiters
    }

    /// Something has happened to a key.
    pub(super) fn wake(&self, key: &CacheKey) {
        if let Some(watch) = self.0.lock().keys.get(key) {
            watch.wake.notify_one();
        }
    }

    /// Waits for the answer, for the lead, or until the time is over.
    pub(super) async fn wait(&self, key: CacheKey, token: u64, time: Duration) -> Told {
        let Some(mut place) = self.enter(key, token) else { return Told::found(&Found::Miss) };
        match tokio::time::timeout(time, &mut place.told).await {
            Ok(told) => told.unwrap_or_else(|_| Told::found(&Found::Miss)),
            Err(_) => place.last().unwrap_or_else(|| Told::found(&Found::Follow)),
        }
    }

    fn enter(&self, key: CacheKey, token: u64) -> Option<Place> {
        let (tell, told) = oneshot::channel();
        let mut watches = self.0.lock();
        if watches.waiters >= MOST_WAITERS {
            return None;
        }
        watches.waiters += 1;
        let is_new = !watches.keys.contains_key(&key);
        let watch = watches
            .keys
            .entry(key)
            .or_insert_with(|| Watch { waiters: VecDeque::new(), wake: Arc::new(Notify::new()) });
        watch.waiters.push_back(Waiter { token, tell });
        if is_new {
            let wake = watch.wake.clone();
            tokio::spawn(self.0.clone().look(key, wake));
        }
        Some(Place { shared: self.0.clone(), told })
    }
}

/// A waiter's end of the line. An offer that arrives in it after it was left is dropped, and so given back.
struct Place {
    shared: Arc<Shared>,
    told: oneshot::Receiver<Told>,
}

impl Place {
    /// What was told at the last moment.
    fn last(&mut self) -> Option<Told> {
        self.told.close();
        self.told.try_recv().ok()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.shared.lock().waiters -= 1;
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Watches> {
        self.watches.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks for those that wait for `key`, until nobody does.
    async fn look(self: Arc<Self>, key: CacheKey, wake: Arc<Notify>) {
        let mut pause = SOON;
        let mut answered = Instant::now();
        while let Some((token, least)) = self.first(&key) {
            match self.store.lookup(key, token, true).await {
                Ok(Lookup::Lead) => {
                    let offer = Offer::new(self.store.clone(), key, token, Some(wake.clone()));
                    if let Some(waiter) = self.take(&key, token) {
                        let _ = waiter.tell.send(Told::Lead(offer));
                    }
                    (pause, answered) = (SOON, Instant::now());
                    continue;
                }
                Ok(Lookup::Follow) => answered = Instant::now(),
                Err(_) if answered.elapsed() < PATIENCE => {}
                outcome @ (Ok(Lookup::Hit { .. } | Lookup::Miss) | Err(_)) => {
                    self.tell_all(&key, &cache::found(outcome));
                    continue;
                }
            }
            let _ = tokio::time::timeout(pause.max(least), wake.notified()).await;
            pause = (pause * 3 / 2).min(LATER);
        }
    }

    /// The token of the first that still waits, and the least time between two looks. Without one the watch ends.
    fn first(&self, key: &CacheKey) -> Option<(u64, Duration)> {
        let mut watches = self.lock();
        let least = EACH.saturating_mul(u32::try_from(watches.keys.len()).unwrap_or(u32::MAX));
        let watch = watches.keys.get_mut(key)?;
        watch.waiters.retain(|waiter| !waiter.tell.is_closed());
        let first = watch.waiters.front().map(|waiter| waiter.token);
        if first.is_none() {
            watches.keys.remove(key);
        }
        Some((first?, least))
    }

    fn take(&self, key: &CacheKey, token: u64) -> Option<Waiter> {
        let mut watches = self.lock();
        let waiters = &mut watches.keys.get_mut(key)?.waiters;
        let index = waiters.iter().position(|waiter| waiter.token == token)?;
        waiters.remove(index)
    }

    fn tell_all(&self, key: &CacheKey, found: &Found) {
        let waiters = self.lock().keys.get_mut(key).map(|watch| std::mem::take(&mut watch.waiters));
        let (kind, message) = (cache::kind(found), Bytes::from(wire::encode(found)));
        for waiter in waiters.into_iter().flatten() {
            let _ = waiter.tell.send(Told::Found { kind, message: message.clone() });
        }
    }
}
