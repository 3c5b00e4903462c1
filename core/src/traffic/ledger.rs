//! The accounts of a provider and its targets, or of a tenant and its models: a request needs room in both.

use super::account::{Account, Ceiling, Ceilings, Lack};
use super::bucket::Rate;
use crate::config::{Limits, ModelLimits};
use serde::{Deserialize, Serialize};

/// The ceilings of a [`Ledger`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Limiting {
    pub whole: Ceilings,
    /// Of single models, by [`part`].
    pub parts: Vec<(u64, Ceilings)>,
}

/// How a model is known in a ledger.
pub fn part(model: &str) -> u64 {
    crate::chance::seed(model)
}

impl Limiting {
    /// From a file's limits; `read` makes ceilings of them.
    pub(super) fn new(whole: &Limits, models: &[ModelLimits], read: impl Fn(&Limits) -> Ceilings) -> Self {
        let parts = models.iter().map(|model| (part(&model.model), read(&model.limits))).collect();
        Self { whole: read(whole), parts }
    }

    /// Whether nothing is limited.
    pub(super) fn is_unlimited(&self) -> bool {
        self.whole.is_unlimited() && self.parts.iter().all(|(_, ceilings)| ceilings.is_unlimited())
    }

    fn part(&self, part: u64) -> Option<&Ceilings> {
        self.parts.iter().find(|(have, _)| *have == part).map(|(_, ceilings)| ceilings)
    }
}

/// Accounts of the whole, and of each model that has ceilings of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ledger {
    whole: Account,
    parts: Vec<(u64, Account)>,
}

/// A ceiling, and whether it is a single model's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Met {
    pub of_part: bool,
    pub ceiling: Ceiling,
    /// Milliseconds; None when nobody can know.
    pub wait: Option<u64>,
}

/// One bucket as it is shown to a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    pub limit: u64,
    pub remaining: u64,
    /// Milliseconds until the bucket is full.
    pub reset: u64,
}

/// The scarcest buckets that a request met.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Levels {
    pub requests: Option<Level>,
    pub tokens: Option<Level>,
}

impl Ledger {
    /// What a request of `tokens` for `part`, behind `ahead` others, waits for; None: nothing.
    pub(super) fn met(&self, limiting: &Limiting, part: u64, tokens: u64, ahead: u64, now: u64) -> Option<Met> {
        let met = |of_part: bool| move |Lack { ceiling, wait }| Met { of_part, ceiling, wait };
        let whole = self.whole.lack(&limiting.whole, tokens, ahead, now).map(met(false));
        let own = limiting.part(part).and_then(|ceilings| match self.part(part) {
            Some(account) => account.lack(ceilings, tokens, ahead, now),
            None => Account::default().lack(ceilings, tokens, ahead, now),
        });
        let own = own.map(met(true));
        match (whole, own) {
            (Some(whole), Some(own)) => Some(if own.wait > whole.wait { own } else { whole }),
            (whole, own) => whole.or(own),
        }
    }

    /// Takes, whether or not it is there.
    pub(super) fn take(&mut self, limiting: &Limiting, part: u64, worker: u64, tokens: u64, now: u64) {
        self.each(limiting, part, |account, ceilings| account.take(ceilings, worker, tokens, now));
    }

    /// Gives the slot back and corrects the tokens.
    pub(super) fn settle(&mut self, limiting: &Limiting, part: u64, worker: u64, tokens: (u64, u64), now: u64) {
        let (estimated, used) = tokens;
        self.each(limiting, part, |account, ceilings| account.settle(ceilings, worker, estimated, used, now));
    }

    /// As if it had not been taken.
    pub(super) fn undo(&mut self, limiting: &Limiting, part: u64, worker: u64, tokens: u64) {
        self.each(limiting, part, |account, ceilings| account.undo(ceilings, worker, tokens));
    }

    /// Leaves at most so much: in the model's own buckets where it has some, else in those of the whole.
    pub(super) fn at_most(
        &mut self,
        limiting: &Limiting,
        part: u64,
        requests: Option<u64>,
        tokens: Option<u64>,
        now: u64,
    ) {
        let own = limiting.part(part);
        let ceilings = own.copied().unwrap_or(limiting.whole);
        let account = if own.is_some() { self.part_mut(part) } else { &mut self.whole };
        if let (Some(rate), Some(requests)) = (ceilings.requests, requests) {
            account.requests.at_most(rate, requests, now);
        }
        if let (Some(rate), Some(tokens)) = (ceilings.tokens, tokens) {
            account.tokens.at_most(rate, tokens, now);
        }
    }

    /// What is left for `part`: of each kind of bucket the one with the smaller share.
    pub(super) fn levels(&self, limiting: &Limiting, part: u64, now: u64) -> Levels {
        let fresh = Account::default();
        let own = limiting.part(part).map(|ceilings| (ceilings, self.part(part).unwrap_or(&fresh)));
        let both = [Some((&limiting.whole, &self.whole)), own];
        let scarcest = |pick: fn(&Ceilings, &Account, u64) -> Option<Level>| {
            let levels = both.iter().flatten().filter_map(|(ceilings, account)| pick(ceilings, account, now));
            levels.min_by_key(|level| {
                u128::from(level.remaining).saturating_mul(1 << 32).checked_div(u128::from(level.limit)).unwrap_or(0)
            })
        };
        Levels {
            requests: scarcest(|ceilings, account, now| level(ceilings.requests?, account.requests, now)),
            tokens: scarcest(|ceilings, account, now| level(ceilings.tokens?, account.tokens, now)),
        }
    }

    /// How many requests of `tokens` could be taken at once.
    pub(super) fn capacity(&self, limiting: &Limiting, part: u64, tokens: u64, now: u64) -> u64 {
        let levels = self.levels(limiting, part, now);
        let requests = levels.requests.map_or(u64::MAX, |level| level.remaining);
        let by_tokens = levels.tokens.map_or(u64::MAX, |level| level.remaining.checked_div(tokens).unwrap_or(u64::MAX));
        let free = |most: Option<u64>, account: &Account| most.map(|most| most.saturating_sub(account.slots.total()));
        let own = limiting.part(part).zip(self.part(part)).and_then(|(c, account)| free(c.concurrency, account));
        let slots = free(limiting.whole.concurrency, &self.whole).into_iter().chain(own).min().unwrap_or(u64::MAX);
        requests.min(by_tokens).min(slots)
    }

    /// Requests under way, over all workers.
    pub(super) fn in_flight(&self) -> u64 {
        self.whole.slots.total()
    }

    /// Sets the slots of one worker to what it knows itself. Whether that changed anything.
    pub(super) fn set_slots(&mut self, limiting: &Limiting, worker: u64, whole: u32, parts: &[(u64, u32)]) -> bool {
        let mut changed = self.whole.slots.of(worker) != whole;
        self.whole.slots.set(worker, whole);
        for (part, _) in &limiting.parts {
            let count = parts.iter().find(|(have, _)| have == part).map_or(0, |(_, count)| *count);
            let account = self.part_mut(*part);
            changed |= account.slots.of(worker) != count;
            account.slots.set(worker, count);
        }
        changed
    }

    fn part(&self, part: u64) -> Option<&Account> {
        self.parts.iter().find(|(have, _)| *have == part).map(|(_, account)| account)
    }

    fn part_mut(&mut self, part: u64) -> &mut Account {
        let at = self.parts.iter().position(|(have, _)| *have == part).unwrap_or(self.parts.len());
        if at == self.parts.len() {
            self.parts.push((part, Account::default()));
        }
        self.parts.get_mut(at).map_or(&mut self.whole, |(_, account)| account)
    }

    fn each(&mut self, limiting: &Limiting, part: u64, mut change: impl FnMut(&mut Account, &Ceilings)) {
        change(&mut self.whole, &limiting.whole);
        if let Some(ceilings) = limiting.part(part) {
            change(self.part_mut(part), ceilings);
        }
    }
}

fn level(rate: Rate, bucket: super::bucket::Bucket, now: u64) -> Option<Level> {
    Some(Level { limit: rate.per_minute, remaining: bucket.level(rate, now), reset: bucket.full_in(now) })
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    const NOW: u64 = 1_700_000_000_000;

    fn limiting() -> Limiting {
        let limits = |requests, concurrency| Limits { requests_per_minute: requests, concurrency, ..Limits::default() };
        let models = [ModelLimits { model: "small".into(), limits: limits(Some(2), Some(1)) }];
        Limiting::new(&limits(Some(10), None), &models, |limits| Ceilings::from(limits))
    }

    #[test]
    fn a_request_needs_room_in_both_accounts() {
        let (limiting, small, other) = (limiting(), part("small"), part("other"));
        let mut ledger = Ledger::default();
        ledger.take(&limiting, small, 1, 0, NOW);
        let met = ledger.met(&limiting, small, 0, 0, NOW).unwrap();
        assert_eq!((met.of_part, met.ceiling, met.wait), (true, Ceiling::Concurrency, None));
        ledger.settle(&limiting, small, 1, (0, 0), NOW);
        ledger.take(&limiting, small, 1, 0, NOW);
        let met = ledger.met(&limiting, small, 0, 0, NOW).unwrap();
        assert_eq!((met.of_part, met.ceiling, met.wait), (true, Ceiling::Requests, Some(30_000)));
        assert_eq!(ledger.met(&limiting, other, 0, 0, NOW), None);
        for _ in 0..8 {
            ledger.take(&limiting, other, 1, 0, NOW);
        }
        let met = ledger.met(&limiting, other, 0, 0, NOW).unwrap();
        assert_eq!((met.of_part, met.wait), (false, Some(6_000)));
        assert_eq!(ledger.in_flight(), 9);
    }

    #[test]
    fn the_scarcest_bucket_is_shown() {
        let (limiting, small) = (limiting(), part("small"));
        let mut ledger = Ledger::default();
        let shown = |ledger: &Ledger, part| ledger.levels(&limiting, part, NOW).requests.unwrap();
        ledger.take(&limiting, small, 1, 0, NOW);
        assert_eq!(shown(&ledger, small), Level { limit: 2, remaining: 1, reset: 30_000 });
        assert_eq!(shown(&ledger, part("other")), Level { limit: 10, remaining: 9, reset: 6_000 });
        assert_eq!(ledger.levels(&limiting, small, NOW).tokens, None);
        assert_eq!(ledger.capacity(&limiting, small, 5, NOW), 0, "its one slot is taken");
    }

    #[test]
    fn a_worker_that_knows_better_corrects_its_slots() {
        let (limiting, small) = (limiting(), part("small"));
        let mut ledger = Ledger::default();
        ledger.take(&limiting, small, 1, 0, NOW);
        ledger.take(&limiting, small, 2, 0, NOW);
        assert!(ledger.set_slots(&limiting, 1, 0, &[]));
        assert!(!ledger.set_slots(&limiting, 2, 1, &[(small, 1)]));
        assert_eq!(ledger.in_flight(), 1);
    }
}
