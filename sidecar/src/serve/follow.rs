//! Coalescing: requests that wait for the answer of another one like them. All that wait here for one key share one
//! look at the store, each 20 to 100 ms; what is put through this sidecar wakes them at once.

use super::cache;
use crate::store::{CacheKey, Store};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, oneshot};
use weir_core::wire::Found;

/// Between two looks: at first, and at most.
const SOON: Duration = Duration::from_millis(20);
const LATER: Duration = Duration::from_millis(100);
/// Who comes beyond goes on alone.
const MOST_WAITERS: usize = 16_384;

pub(super) struct Followers(Arc<Shared>);

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
    tell: oneshot::Sender<Found>,
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

    /// Waits for the answer, for the lead, or until the time is over. Dropped, it leaves no lead behind.
    pub(super) async fn wait(&self, key: CacheKey, token: u64, time: Duration) -> Found {
        let Some(told) = self.enter(key, token) else { return Found::Miss };
        let mut place = Place { shared: self.0.clone(), key, token, told };
        match tokio::time::timeout(time, &mut place.told).await {
            Ok(found) => found.unwrap_or(Found::Miss),
            Err(_) => place.leave().unwrap_or(Found::Follow),
        }
    }

    fn enter(&self, key: CacheKey, token: u64) -> Option<oneshot::Receiver<Found>> {
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
        Some(told)
    }
}

/// A waiter's end of the line.
struct Place {
    shared: Arc<Shared>,
    key: CacheKey,
    token: u64,
    told: oneshot::Receiver<Found>,
}

impl Place {
    /// What was told at the last moment.
    fn leave(&mut self) -> Option<Found> {
        self.told.close();
        self.told.try_recv().ok()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.shared.lock().waiters -= 1;
        if let Some(Found::Lead) = self.leave() {
            // It was given the lead and does not know: the next one takes it.
            let (shared, key, token) = (self.shared.clone(), self.key, self.token);
            tokio::spawn(async move {
                let _ = shared.store.release(key, token).await;
            });
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Watches> {
        self.watches.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks for those that wait for `key`, until nobody does.
    async fn look(self: Arc<Self>, key: CacheKey, wake: Arc<Notify>) {
        let mut pause = SOON;
        while let Some(token) = self.first(&key) {
            match cache::found(self.store.lookup(key, token, true).await) {
                Found::Follow => {
                    let _ = tokio::time::timeout(pause, wake.notified()).await;
                    pause = (pause * 3 / 2).min(LATER);
                }
                Found::Lead => {
                    let leads = self.take(&key, token).is_some_and(|waiter| waiter.tell.send(Found::Lead).is_ok());
                    if !leads {
                        let _ = self.store.release(key, token).await;
                    }
                    pause = SOON;
                }
                found @ (Found::Hit(_) | Found::Miss) => self.tell_all(&key, &found),
            }
        }
    }

    /// The token of the first that still waits. Without one the watch ends.
    fn first(&self, key: &CacheKey) -> Option<u64> {
        let mut watches = self.lock();
        let watch = watches.keys.get_mut(key)?;
        watch.waiters.retain(|waiter| !waiter.tell.is_closed());
        let first = watch.waiters.front().map(|waiter| waiter.token);
        if first.is_none() {
            watches.keys.remove(key);
        }
        first
    }

    fn take(&self, key: &CacheKey, token: u64) -> Option<Waiter> {
        let mut watches = self.lock();
        let waiters = &mut watches.keys.get_mut(key)?.waiters;
        let index = waiters.iter().position(|waiter| waiter.token == token)?;
        waiters.remove(index)
    }

    fn tell_all(&self, key: &CacheKey, found: &Found) {
        let waiters = self.lock().keys.get_mut(key).map(|watch| std::mem::take(&mut watch.waiters));
        for waiter in waiters.into_iter().flatten() {
            let _ = waiter.tell.send(found.clone());
        }
    }
}
