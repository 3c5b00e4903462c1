//! All accounts, and what the buckets were when they were last seen. Pure but for the metrics that it counts in.

use super::account::Account;
use crate::serve::metrics::{Books, Resource};
use crate::store::{Debit, Debited, Unavailable};
use std::collections::HashMap;
use std::time::Duration;
use tokio::time::Instant;
use weir_core::wire::{LimitAsk, LimitLeased};

/// An Envoy that has not told of a limit for so long has lost what it had leased of it.
const GONE: Duration = Duration::from_secs(10);
/// Accounts that are kept: of one Envoy, and of all; and buckets.
const MOST_OF_ENVOY: usize = 50_000;
const MOST_ACCOUNTS: usize = 200_000;
const MOST_BUCKETS: usize = 200_000;

pub(super) struct Table {
    books: Books,
    envoys: HashMap<u64, HashMap<String, Kept>>,
    /// Of all Envoys.
    accounts: usize,
    /// A store that has forgotten a bucket goes on from here.
    mirrors: HashMap<String, Mirror>,
    /// Of each limit, used without a grant and not debited yet: the store did not answer. Whoever asks next pays, so that
    /// it is not lost with its Envoy.
    unpaid: HashMap<String, u64>,
    born: Instant,
}

struct Kept {
    account: Account,
    heard: Instant,
}

/// Of [`Debited`].
#[derive(Clone, Copy, Default)]
struct Mirror {
    full_at: u64,
    changes: u64,
}

impl Table {
    pub(super) fn new(books: Books, now: Instant) -> Self {
        Self { books, envoys: HashMap::new(), accounts: 0, mirrors: HashMap::new(), unpaid: HashMap::new(), born: now }
    }

    /// Takes in what an Envoy says, and what is to be debited for it.
    pub(super) fn prepare(&mut self, envoy: u64, asks: &[&LimitAsk], now: Instant) -> Result<Vec<Debit>, Unavailable> {
        let own = self.envoys.get(&envoy);
        let new = asks.iter().filter(|ask| own.is_none_or(|own| !own.contains_key(&ask.id))).count();
        let of_envoy = own.map_or(0, HashMap::len);
        if new > 0 && (of_envoy + new > MOST_OF_ENVOY || self.accounts + new > MOST_ACCOUNTS) {
            return Err(Unavailable("too many limits are leased".to_owned()));
        }
        // Later, who is not known is new, or was silent for long, and what it says of the bucket is old.
        let is_young = now.saturating_duration_since(self.born) < GONE;
        let own = self.envoys.entry(envoy).or_default();
        let debits = asks.iter().map(|ask| {
            let resource = Resource::of(&ask.id);
            let is_first = !own.contains_key(&ask.id);
            let kept = own.entry(ask.id.clone()).or_insert_with(|| {
                let account = Account::adopt(ask);
                self.books.reserve(resource, account.outstanding());
                Kept { account, heard: now }
            });
            kept.heard = now;
            let news = kept.account.hear(ask);
            self.books.reserve(resource, news.reserved);
            self.books.settle(resource, news.spent);
            self.books.expire(resource, news.returned);
            let owed = news.owed.saturating_add(self.unpaid.remove(&ask.id).unwrap_or(0));
            let known = if is_first && is_young { level(ask, owed) } else { None };
            let Mirror { full_at, changes } = self.mirrors.get(&ask.id).copied().unwrap_or_default();
            Debit {
                id: ask.id.clone(),
                per_minute: ask.per_minute.max(1),
                burst: ask.burst.max(1),
                owed,
                returned: news.back,
                at_most: ask.at_most.into_iter().chain(known).min(),
                need: ask.need.saturating_sub(news.unheard),
                want: ask.want.saturating_sub(news.unheard),
                full_at,
                changes,
            }
        });
        let debits = debits.collect();
        self.accounts = self.accounts - of_envoy + own.len();
        Ok(debits)
    }

    /// The store did not answer. What was owed is debited the next time; what came back may have arrived, so it does not come
    /// back again.
    pub(super) fn failed(&mut self, debits: &[Debit]) {
        for debit in debits.iter().filter(|debit| debit.owed > 0) {
            if let Some(unpaid) = self.unpaid.get_mut(&debit.id) {
                *unpaid = unpaid.saturating_add(debit.owed);
            } else if self.unpaid.len() < MOST_BUCKETS {
                self.unpaid.insert(debit.id.clone(), debit.owed);
            }
        }
    }

    /// What the store did, as it is told to the Envoy.
    pub(super) fn granted(
        &mut self,
        envoy: u64,
        asks: &[&LimitAsk],
        debits: &[Debit],
        debited: &[Debited],
    ) -> Vec<LimitLeased> {
        let limits = asks.iter().zip(debits).zip(debited).map(|((ask, debit), debited)| {
            self.saw(&ask.id, debited);
            let resource = Resource::of(&ask.id);
            self.books.reserve(resource, debited.granted);
            let granted = match self.envoys.get_mut(&envoy).and_then(|own| own.get_mut(&ask.id)) {
                Some(kept) => {
                    kept.account.grant(debited.granted);
                    kept.account.granted()
                }
                // It was given up meanwhile: what was debited is lost to it.
                None => {
                    self.books.expire(resource, debited.granted);
                    ask.known
                }
            };
            let wait = if debit.need == 0 { 0 } else { debited.wait };
            LimitLeased { granted, level: debited.level, full_in: debited.full_in, wait }
        });
        limits.collect()
    }

    /// What is leased now, of [`Resource::ALL`] in their order.
    pub(super) fn outstanding(&self) -> [u64; 2] {
        Resource::ALL.map(|resource| {
            let accounts = self.envoys.values().flatten().filter(|(id, _)| Resource::of(id) == resource);
            accounts.map(|(_, kept)| kept.account.outstanding()).fold(0, u64::saturating_add)
        })
    }

    /// Drops the accounts that were not heard of for long. What they had leased may have been spent, so it does not go
    /// back. `micros` are those since 1970.
    pub(super) fn sweep(&mut self, now: Instant, micros: u64) {
        for own in self.envoys.values_mut() {
            own.retain(|id, kept| {
                let lives = now.saturating_duration_since(kept.heard) < GONE;
                if !lives {
                    self.books.expire(Resource::of(id), kept.account.outstanding());
                }
                lives
            });
        }
        self.envoys.retain(|_, own| !own.is_empty());
        self.accounts = self.envoys.values().map(HashMap::len).sum();
        self.mirrors.retain(|_, mirror| mirror.full_at > micros);
    }

    /// Answers may come in another order than the store gave them.
    fn saw(&mut self, id: &str, debited: &Debited) {
        let mirror = Mirror { full_at: debited.full_at, changes: debited.changes };
        if let Some(known) = self.mirrors.get_mut(id) {
            if known.changes <= mirror.changes {
                *known = mirror;
            }
        } else if self.mirrors.len() < MOST_BUCKETS {
            self.mirrors.insert(id.to_owned(), mirror);
        }
    }
}

/// What an Envoy knows to be left in the bucket, at most, when it has used `owed` without asking: where the store died with
/// the sidecar, each Envoy's first message says how full it was.
fn level(ask: &LimitAsk, owed: u64) -> Option<u64> {
    let missing = (u128::from(ask.full_in?) * u128::from(ask.per_minute)).div_ceil(60_000);
    let missing = u64::try_from(missing).unwrap_or(u64::MAX);
    Some(ask.burst.saturating_sub(missing.saturating_add(owed)))
}
