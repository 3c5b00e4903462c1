//! Leases: what each Envoy was granted of each limit, and what became of it.
//!
//! Envoys tell totals, so a message that is late, lost or repeated changes nothing. The buckets themselves are in the
//! store; what is here is only whose the leased part is, and dies with the sidecar without harm: nobody is granted it
//! twice, it flows in again.

mod account;
mod table;
#[cfg(test)]
mod tests;

use super::metrics::Books;
use crate::store::{Store, Unavailable};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use table::Table;
use tokio::time::Instant;
use weir_core::wire::{LeaseAsk, Leased, LimitAsk};

/// Limits in one ask that needs them together, and in one message.
const MOST_TOGETHER: usize = 64;
const MOST_LIMITS: usize = 50_000;
/// Bytes in the name of a limit.
const LONGEST_ID: usize = 512;
/// Nobody waits longer for an answer: what has not been granted by then is not.
const PATIENCE: Duration = Duration::from_secs(1);

/// Whether an Envoy may ask for these.
pub(super) fn are_proper(asks: &[LeaseAsk]) -> bool {
    let limits = asks.iter().map(|ask| ask.limits.len()).fold(0, usize::saturating_add);
    limits <= MOST_LIMITS
        && asks.iter().all(|ask| ask.limits.len() <= MOST_TOGETHER)
        && asks.iter().flat_map(|ask| &ask.limits).all(|limit| limit.id.len() <= LONGEST_ID)
}

pub(super) struct Leases {
    store: Arc<dyn Store>,
    table: Mutex<Table>,
}

impl Leases {
    pub(super) fn new(store: Arc<dyn Store>, books: Books) -> Self {
        Self { store, table: Mutex::new(Table::new(books, Instant::now())) }
    }

    /// Grants what can be granted: an ask as a whole or not at all. What was granted before a failure is told the next time.
    pub(super) async fn lease(&self, envoy: u64, asks: &[LeaseAsk]) -> Result<Vec<Leased>, Unavailable> {
        let begin = Instant::now();
        let mut leased = Vec::with_capacity(asks.len());
        for group in groups(asks) {
            if begin.elapsed() > PATIENCE {
                return Err(Unavailable("its answers to one message took too long".to_owned()));
            }
            self.debit(envoy, group, &mut leased).await?;
        }
        Ok(leased)
    }

    /// Asks that go to the store as one. Its caller must not be dropped: what the store did would be forgotten.
    async fn debit(&self, envoy: u64, group: &[LeaseAsk], leased: &mut Vec<Leased>) -> Result<(), Unavailable> {
        let limits: Vec<&LimitAsk> = group.iter().flat_map(|ask| &ask.limits).collect();
        if limits.is_empty() {
            leased.extend(group.iter().map(|_| Leased::default()));
            return Ok(());
        }
        let debits = self.lock().prepare(envoy, &limits, Instant::now())?;
        let debited = match self.store.debit(&debits).await {
            Ok(debited) if debited.len() == debits.len() => debited,
            outcome => {
                self.lock().failed(&debits);
                return Err(outcome.err().unwrap_or_else(|| Unavailable("a debit without an answer".to_owned())));
            }
        };
        let mut granted = self.lock().granted(envoy, &limits, &debits, &debited).into_iter();
        leased.extend(group.iter().map(|ask| Leased { limits: granted.by_ref().take(ask.limits.len()).collect() }));
        Ok(())
    }

    /// What is leased now, of [`super::metrics::Resource::ALL`] in their order.
    pub(super) fn outstanding(&self) -> [u64; 2] {
        self.lock().outstanding()
    }

    /// Drops what Envoys that are gone had leased.
    pub(super) fn sweep(&self) {
        let micros = std::time::SystemTime::UNIX_EPOCH.elapsed().map_or(0, |time| time.as_micros());
        self.lock().sweep(Instant::now(), u64::try_from(micros).unwrap_or(u64::MAX));
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// In their order, as few debits as is right: asks without a need cannot keep each other from anything.
fn groups(asks: &[LeaseAsk]) -> impl Iterator<Item = &[LeaseAsk]> {
    let mut rest = asks;
    std::iter::from_fn(move || {
        let (first, others) = rest.split_first()?;
        let mut limits = first.limits.len();
        let more = others.iter().take_while(|ask| {
            limits = limits.saturating_add(ask.limits.len());
            needs_nothing(first) && needs_nothing(ask) && limits <= MOST_TOGETHER
        });
        let (group, left) = rest.split_at(1 + more.count());
        rest = left;
        Some(group)
    })
}

fn needs_nothing(ask: &LeaseAsk) -> bool {
    ask.limits.iter().all(|limit| limit.need == 0)
}
