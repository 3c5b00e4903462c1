//! The accounts of a provider and its targets, or of a tenant and its models: a request needs room in both.

use super::account::{Account, Ceiling, Ceilings, Lack, Resource, Until};
use super::lease::Regime;
use crate::config::{Limits, ModelLimits};
use crate::wire::{LimitAsk, LimitLeased};
use serde::{Deserialize, Serialize};
use std::cell::Cell;

/// The ceilings of a [`Ledger`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Limiting {
    pub whole: Ceilings,
    /// Of single models, by [`part`].
    pub parts: Vec<(u64, Ceilings)>,
    pub regime: Cell<Regime>,
}

/// How a model is known in a ledger.
pub fn part(model: &str) -> u64 {
    crate::chance::seed(model)
}

impl Limiting {
    /// From a file's limits; `read` makes ceilings of them.
    pub(super) fn new(whole: &Limits, models: &[ModelLimits], read: impl Fn(&Limits) -> Ceilings) -> Self {
        let parts = models.iter().map(|model| (part(&model.model), read(&model.limits))).collect();
        Self { whole: read(whole), parts, regime: Cell::default() }
    }

    /// Whether nothing is limited.
    pub(super) fn is_unlimited(&self) -> bool {
        self.whole.is_unlimited() && self.parts.iter().all(|(_, ceilings)| ceilings.is_unlimited())
    }

    /// What an estimate takes from the whole, and from the model's own account.
    pub(super) fn estimated(&self, part: u64, tokens: u64) -> (u64, u64) {
        (self.whole.estimated(tokens), self.part(part).map_or(0, |ceilings| ceilings.estimated(tokens)))
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

/// Which meter of a ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Meter {
    /// A single model's.
    pub of: Option<u64>,
    pub resource: Resource,
}

/// A worker's requests under way, and the tokens they are expected to use: in all, and by model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct OwnCounts {
    pub whole: (u32, u64),
    pub parts: Vec<(u64, (u32, u64))>,
}

/// A ceiling, and whether it is a single model's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Met {
    pub of_part: bool,
    pub ceiling: Ceiling,
    pub until: Until,
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
        let met = |of_part: bool| move |Lack { ceiling, until }| Met { of_part, ceiling, until };
        let regime = limiting.regime.get();
        let whole = self.whole.lack(&limiting.whole, regime, tokens, ahead, now).map(met(false));
        let own = limiting.part(part).and_then(|ceilings| match self.part(part) {
            Some(account) => account.lack(ceilings, regime, tokens, ahead, now),
            None => Account::default().lack(ceilings, regime, tokens, ahead, now),
        });
        let own = own.map(met(true));
        match (whole, own) {
            (Some(whole), Some(own)) => Some(if own.until.decides(whole.until) { own } else { whole }),
            (whole, own) => whole.or(own),
        }
    }

    /// Takes, whether or not it is there.
    pub(super) fn take(&mut self, limiting: &Limiting, part: u64, worker: u64, tokens: u64, now: u64) {
        let regime = limiting.regime.get();
        self.each(limiting, part, |account, ceilings| account.take(ceilings, regime, worker, tokens, now));
    }

    /// Gives the slot back and corrects the tokens, `(estimated, used)`.
    pub(super) fn settle(&mut self, limiting: &Limiting, part: u64, worker: u64, tokens: (u64, u64), now: u64) {
        let regime = limiting.regime.get();
        self.each(limiting, part, |account, ceilings| account.settle(ceilings, regime, worker, tokens, now));
    }

    /// As if it had not been taken.
    pub(super) fn undo(&mut self, limiting: &Limiting, part: u64, worker: u64, tokens: u64) {
        let regime = limiting.regime.get();
        self.each(limiting, part, |account, ceilings| account.undo(ceilings, regime, worker, tokens));
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
        let regime = limiting.regime.get();
        let own = limiting.part(part);
        let ceilings = own.copied().unwrap_or(limiting.whole);
        let account = if own.is_some() { self.part_mut(part) } else { &mut self.whole };
        for (resource, remaining) in [(Resource::Requests, requests), (Resource::Tokens, tokens)] {
            if let Some(remaining) = remaining {
                account.at_most(&ceilings, regime, resource, remaining, now);
            }
        }
    }

    /// What is left for `part`: of each kind of bucket the one with the smaller share.
    pub(super) fn levels(&self, limiting: &Limiting, part: u64, now: u64) -> Levels {
        let fresh = Account::default();
        let own = limiting.part(part).map(|ceilings| (ceilings, self.part(part).unwrap_or(&fresh)));
        let both = [Some((&limiting.whole, &self.whole)), own];
        let scarcest = |resource: Resource| {
            let level = |(ceilings, account): &(&Ceilings, &Account)| {
                let (rate, remaining, reset) = account.level(ceilings, limiting.regime.get(), resource, now)?;
                Some(Level { limit: rate.per_minute, remaining, reset })
            };
            both.iter().flatten().filter_map(level).min_by_key(|level| {
                u128::from(level.remaining).saturating_mul(1 << 32).checked_div(u128::from(level.limit)).unwrap_or(0)
            })
        };
        Levels { requests: scarcest(Resource::Requests), tokens: scarcest(Resource::Tokens) }
    }

    /// How many requests of `tokens` could be taken at once.
    pub(super) fn capacity(&self, limiting: &Limiting, part: u64, tokens: u64, now: u64) -> u64 {
        let regime = limiting.regime.get();
        let whole = self.whole.capacity(&limiting.whole, regime, tokens, now);
        let fresh = Account::default();
        let own = limiting
            .part(part)
            .map(|ceilings| self.part(part).unwrap_or(&fresh).capacity(ceilings, regime, tokens, now));
        whole.min(own.unwrap_or(u64::MAX))
    }

    /// Whether more should be leased for `part`, before somebody has to wait for it.
    pub(super) fn is_low(&self, limiting: &Limiting, part: u64, now: u64) -> bool {
        if limiting.regime.get() != Regime::Leased {
            return false;
        }
        let fresh = Account::default();
        let own = limiting.part(part).map(|ceilings| self.part(part).unwrap_or(&fresh).is_low(ceilings, now));
        self.whole.is_low(&limiting.whole, now) || own.unwrap_or(false)
    }

    /// What the sidecar is asked for, for a request of `tokens` for `part`; without tokens, for nobody yet. None: it is
    /// being asked, and answers within `patience` milliseconds if at all.
    pub(super) fn ask(
        &mut self,
        limiting: &Limiting,
        part: u64,
        tokens: Option<u64>,
        patience: u64,
        now: u64,
    ) -> Option<Vec<(Meter, LimitAsk)>> {
        let mut is_asked = false;
        self.each(limiting, part, |account, ceilings| is_asked |= account.is_asked(ceilings, patience, now));
        if is_asked {
            return None;
        }
        let mut asks = Vec::new();
        self.each_named(limiting, Some(part), |of, account, ceilings| {
            let own = account.ask(ceilings, tokens, now).into_iter();
            asks.extend(own.map(|(resource, ask)| (Meter { of, resource }, ask)));
        });
        Some(asks)
    }

    /// What the sidecar should hear of, over all models.
    pub(super) fn report(&mut self, limiting: &Limiting, now: u64) -> Vec<(Meter, LimitAsk)> {
        let mut asks = Vec::new();
        let regime = limiting.regime.get();
        let mut report = |of, account: &mut Account, ceilings: &Ceilings| {
            let own = account.report(ceilings, regime, now).into_iter();
            asks.extend(own.map(|(resource, ask)| (Meter { of, resource }, ask)));
        };
        report(None, &mut self.whole, &limiting.whole);
        for (part, ceilings) in &limiting.parts {
            report(Some(*part), self.part_mut(*part), ceilings);
        }
        asks
    }

    /// What the sidecar answered to `ask`; None: it did not.
    pub(super) fn answered(
        &mut self,
        limiting: &Limiting,
        meter: Meter,
        ask: &LimitAsk,
        answer: Option<&LimitLeased>,
        now: u64,
    ) {
        let account = match meter.of {
            Some(part) => self.part_mut(part),
            None => &mut self.whole,
        };
        account.answered(limiting.regime.get(), meter.resource, ask, answer, now);
    }

    /// The sidecar does not answer: what is left here is this Envoy's own from now on, and its share flows in. Whether that
    /// is new.
    pub(super) fn go_local(&mut self, limiting: &Limiting, now: u64) -> bool {
        let regime = limiting.regime.get();
        let whole = self.whole.go_local(&limiting.whole, regime, now);
        limiting
            .parts
            .iter()
            .fold(whole, |is_new, (part, ceilings)| self.part_mut(*part).go_local(ceilings, regime, now) || is_new)
    }

    /// A worker is gone with all that it had taken.
    pub(super) fn lose(&mut self, limiting: &Limiting, worker: u64) {
        self.whole.lose(&limiting.whole, worker);
        for (part, ceilings) in &limiting.parts {
            self.part_mut(*part).lose(ceilings, worker);
        }
    }

    /// Requests under way, over all workers.
    pub(super) fn in_flight(&self) -> u64 {
        self.whole.slots.total()
    }

    /// Sets the slots of one worker to what it knows itself. Whether that changed anything.
    pub(super) fn set_slots(&mut self, limiting: &Limiting, worker: u64, own: &OwnCounts) -> bool {
        let set = |account: &mut Account, (count, tokens): (u32, u64)| {
            let changed = account.slots.of(worker) != (count, tokens);
            account.slots.set(worker, count, tokens);
            changed
        };
        let mut changed = set(&mut self.whole, own.whole);
        for (part, _) in &limiting.parts {
            let counts = own.parts.iter().find(|(have, _)| have == part).map_or((0, 0), |(_, counts)| *counts);
            changed |= set(self.part_mut(*part), counts);
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
        self.each_named(limiting, Some(part), |_, account, ceilings| change(account, ceilings));
    }

    fn each_named(
        &mut self,
        limiting: &Limiting,
        part: Option<u64>,
        mut change: impl FnMut(Option<u64>, &mut Account, &Ceilings),
    ) {
        change(None, &mut self.whole, &limiting.whole);
        if let Some(part) = part
            && let Some(ceilings) = limiting.part(part)
        {
            change(Some(part), self.part_mut(part), ceilings);
        }
    }
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
        assert_eq!((met.of_part, met.ceiling, met.until), (true, Ceiling::Concurrency, Until::Slot));
        ledger.settle(&limiting, small, 1, (0, 0), NOW);
        ledger.take(&limiting, small, 1, 0, NOW);
        let met = ledger.met(&limiting, small, 0, 0, NOW).unwrap();
        assert_eq!((met.of_part, met.ceiling, met.until), (true, Ceiling::Requests, Until::Millis(30_000)));
        assert_eq!(ledger.met(&limiting, other, 0, 0, NOW), None);
        for _ in 0..8 {
            ledger.take(&limiting, other, 1, 0, NOW);
        }
        let met = ledger.met(&limiting, other, 0, 0, NOW).unwrap();
        assert_eq!((met.of_part, met.until), (false, Until::Millis(6_000)));
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
        let own = OwnCounts { whole: (1, 0), parts: vec![(small, (1, 0))] };
        assert!(ledger.set_slots(&limiting, 1, &OwnCounts::default()));
        assert!(!ledger.set_slots(&limiting, 2, &own));
        assert_eq!(ledger.in_flight(), 1);
    }
}
