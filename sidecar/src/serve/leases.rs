//! Leases: what each Envoy was granted of each limit, and what became of it.
//!
//! Envoys tell totals, so a message that is late, lost or repeated changes nothing. The buckets themselves are in the
//! store; what is here is only whose the leased part is, and dies with the sidecar without harm: nobody is granted it
//! twice, it flows in again. Where the store dies with it, each Envoy's first message says how full the bucket was.

use super::metrics::{Books, Resource};
use crate::store::{Debit, Debited, Store, Unavailable};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use weir_core::wire::{LeaseAsk, Leased, LimitAsk, LimitLeased};

/// An Envoy that was not heard of for so long has lost its leases.
const GONE: Duration = Duration::from_secs(10);
/// Accounts that are kept, of all Envoys and limits.
const MOST_ACCOUNTS: usize = 200_000;
/// Limits in one ask, and bytes in the name of one.
const MOST_LIMITS: usize = 64;
const LONGEST_ID: usize = 512;

pub(super) struct Leases {
    store: Arc<dyn Store>,
    books: Books,
    table: Mutex<Table>,
    born: Instant,
}

#[derive(Default)]
struct Table {
    accounts: HashMap<(u64, String), Account>,
    /// What each bucket was when it was last seen: a store that has forgotten it goes on from here.
    mirrors: HashMap<String, Mirror>,
}

/// `full_at` and `changes` of [`Debited`].
type Mirror = (u64, u64);

/// One limit of one Envoy, in totals since that started.
struct Account {
    granted: u64,
    spent: u64,
    returned: u64,
    /// Spent without a grant, and not debited yet: the store did not answer.
    unpaid: u64,
    heard: Instant,
}

impl Account {
    fn outstanding(&self) -> u64 {
        self.granted.saturating_sub(self.spent).saturating_sub(self.returned)
    }
}

impl Leases {
    pub(super) fn new(store: Arc<dyn Store>, books: Books) -> Self {
        Self { store, books, table: Mutex::default(), born: Instant::now() }
    }

    /// Grants what can be granted. Each ask is one debit, of all its limits or of none.
    pub(super) async fn lease(&self, envoy: u64, asks: &[LeaseAsk]) -> Result<Vec<Leased>, Unavailable> {
        let mut leased = Vec::with_capacity(asks.len());
        for ask in asks {
            leased.push(self.one(envoy, ask).await?);
        }
        Ok(leased)
    }

    async fn one(&self, envoy: u64, ask: &LeaseAsk) -> Result<Leased, Unavailable> {
        if ask.limits.len() > MOST_LIMITS || ask.limits.iter().any(|limit| limit.id.len() > LONGEST_ID) {
            return Err(Unavailable("an ask that is too large".to_owned()));
        }
        let debits = self.prepare(envoy, ask)?;
        let debited = match self.store.debit(&debits).await {
            Ok(debited) if debited.len() == debits.len() => debited,
            outcome => {
                self.failed(envoy, &debits);
                return Err(outcome.err().unwrap_or_else(|| Unavailable("a debit without an answer".to_owned())));
            }
        };
        Ok(self.granted(envoy, ask, &debits, &debited))
    }

    /// Takes in what the Envoy says, and what is to be debited for it.
    fn prepare(&self, envoy: u64, ask: &LeaseAsk) -> Result<Vec<Debit>, Unavailable> {
        let mut table = self.lock();
        if table.accounts.len().saturating_add(ask.limits.len()) > MOST_ACCOUNTS {
            return Err(Unavailable("too many limits are leased".to_owned()));
        }
        // Later, who is not known is new, or was silent for long, and what it says of the bucket is old.
        let is_young = self.born.elapsed() < GONE;
        Ok(ask.limits.iter().map(|limit| table.debit(envoy, limit, is_young, &self.books)).collect())
    }

    /// What was owed is debited the next time. What came back may have arrived, so it does not come back again.
    fn failed(&self, envoy: u64, debits: &[Debit]) {
        let mut table = self.lock();
        for debit in debits {
            if let Some(account) = table.accounts.get_mut(&(envoy, debit.id.clone())) {
                account.unpaid = account.unpaid.saturating_add(debit.owed);
            }
        }
    }

    fn granted(&self, envoy: u64, ask: &LeaseAsk, debits: &[Debit], debited: &[Debited]) -> Leased {
        let mut table = self.lock();
        let limits = ask.limits.iter().zip(debits).zip(debited).map(|((limit, debit), debited)| {
            table.mirrors.insert(limit.id.clone(), (debited.full_at, debited.changes));
            let account = table.accounts.get_mut(&(envoy, limit.id.clone()));
            if let Some(account) = account {
                account.granted = account.granted.saturating_add(debited.granted);
                self.books.reserve(Resource::of(&limit.id), debited.granted);
                let granted = account.granted;
                let wait = if debit.need == 0 { 0 } else { debited.wait };
                return LimitLeased { granted, level: debited.level, full_in: debited.full_in, wait };
            }
            // It was swept away meanwhile: what was debited is lost to it.
            self.books.reserve(Resource::of(&limit.id), debited.granted);
            self.books.expire(Resource::of(&limit.id), debited.granted);
            LimitLeased { granted: limit.known, level: debited.level, full_in: debited.full_in, wait: debited.wait }
        });
        Leased { limits: limits.collect() }
    }

    /// What is leased now, of [`Resource::ALL`] in their order.
    pub(super) fn outstanding(&self) -> [u64; 2] {
        self.lock().outstanding()
    }

    /// Drops the accounts of Envoys that are gone. What they had leased may have been spent, so it does not go back.
    pub(super) fn sweep(&self) {
        let mut table = self.lock();
        let now = Instant::now();
        table.accounts.retain(|(_, id), account| {
            let lives = now.duration_since(account.heard) < GONE;
            if !lives {
                self.books.expire(Resource::of(id), account.outstanding());
            }
            lives
        });
        let now = std::time::SystemTime::UNIX_EPOCH.elapsed().map_or(0, |time| time.as_micros());
        table.mirrors.retain(|_, (full_at, _)| u128::from(*full_at) > now);
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn debit(&mut self, envoy: u64, limit: &LimitAsk, is_young: bool, books: &Books) -> Debit {
        let resource = Resource::of(&limit.id);
        let heard = Instant::now();
        let mut is_first = false;
        let account = self.accounts.entry((envoy, limit.id.clone())).or_insert_with(|| {
            // The sidecar was restarted: what the Envoy has of its time before is taken over.
            is_first = true;
            let used = limit.spent.saturating_add(limit.returned).min(limit.known);
            let spent = limit.spent.min(limit.known);
            books.reserve(resource, limit.known.saturating_sub(used));
            Account { granted: limit.known, spent, returned: used.saturating_sub(spent), unpaid: 0, heard }
        });
        account.heard = heard;
        let spent = limit.spent.saturating_sub(account.spent);
        let returned = limit.returned.saturating_sub(account.returned);
        account.spent = account.spent.saturating_add(spent);
        account.returned = account.returned.saturating_add(returned);
        let used = account.spent.saturating_add(account.returned);
        let owed = used.saturating_sub(account.granted);
        account.granted = account.granted.saturating_add(owed);
        books.reserve(resource, owed);
        books.settle(resource, spent);
        books.expire(resource, returned);
        let owed = owed.saturating_add(std::mem::take(&mut account.unpaid));
        let known = if is_first && is_young { level(limit, owed) } else { None };
        let (full_at, changes) = self.mirrors.get(&limit.id).copied().unwrap_or_default();
        // What it has been granted and has not heard of serves its need first.
        let unheard = account.granted.saturating_sub(limit.known.max(used));
        Debit {
            id: limit.id.clone(),
            per_minute: limit.per_minute.max(1),
            burst: limit.burst.max(1),
            owed,
            returned,
            at_most: limit.at_most.into_iter().chain(known).min(),
            need: limit.need.saturating_sub(unheard),
            want: limit.want.saturating_sub(unheard),
            full_at,
            changes,
        }
    }

    fn outstanding(&self) -> [u64; 2] {
        let of = |resource| {
            let own = self.accounts.iter().filter(|((_, id), _)| Resource::of(id) == resource);
            own.map(|(_, account)| account.outstanding()).fold(0, u64::saturating_add)
        };
        Resource::ALL.map(of)
    }
}

/// What an Envoy knows to be left in the bucket, at most, when it has used `owed` without asking.
fn level(limit: &LimitAsk, owed: u64) -> Option<u64> {
    let missing = (u128::from(limit.full_in?) * u128::from(limit.per_minute)).div_ceil(60_000);
    let missing = u64::try_from(missing).unwrap_or(u64::MAX);
    Some(limit.burst.saturating_sub(missing.saturating_add(owed)))
}
