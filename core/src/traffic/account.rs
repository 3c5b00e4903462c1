//! What one owner of limits has left: a provider, one of its targets, a tenant, one of its models.

use super::bucket::Rate;
use super::lease::{Meter, Regime, Short, Terms};
use crate::config::Limits;
use crate::wire::{LimitAsk, LimitLeased};
use serde::{Deserialize, Serialize};

/// Ceilings as an [`Account`] keeps them; None means unlimited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Ceilings {
    pub requests: Option<Rate>,
    pub tokens: Option<Rate>,
    pub concurrency: Option<u64>,
}

impl From<&Limits> for Ceilings {
    fn from(limits: &Limits) -> Self {
        Self { requests: Rate::requests(limits), tokens: Rate::tokens(limits), concurrency: limits.concurrency }
    }
}

impl Ceilings {
    /// The rate of one resource; None: unlimited.
    pub(super) fn rate(&self, resource: Resource) -> Option<Rate> {
        match resource {
            Resource::Requests => self.requests,
            Resource::Tokens => self.tokens,
        }
    }

    /// What an estimate takes: never more than a full bucket. 0 where tokens are not limited.
    pub(super) fn estimated(&self, tokens: u64) -> u64 {
        self.tokens.map_or(0, |rate| tokens.min(rate.burst))
    }

    /// Whether nothing is limited.
    pub(super) fn is_unlimited(&self) -> bool {
        *self == Self::default()
    }

    /// A provider's. Of its burst a little is kept back: a fiftieth of the tokens for what estimates get wrong, and one in
    /// two hundred of the requests, for those that overtake each other on their way. Its rates are not touched.
    pub(super) fn of_provider(limits: &Limits) -> Self {
        let keep_back = |rate: Rate, part: u64| Rate {
            burst: rate.burst.saturating_sub(rate.burst.checked_div(part).unwrap_or(0)),
            ..rate
        };
        let all = Self::from(limits);
        Self {
            requests: all.requests.map(|rate| keep_back(rate, 200)),
            tokens: all.tokens.map(|rate| keep_back(rate, 50)),
            ..all
        }
    }
}

/// Which of its ceilings a request met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ceiling {
    Requests,
    Tokens,
    Concurrency,
}

/// What stands against a request now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lack {
    pub ceiling: Ceiling,
    pub until: Until,
}

/// When it will not stand against it any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// In so many milliseconds.
    Millis(u64),
    /// When a slot comes back: nobody can know.
    Slot,
    /// When those before it have been served, who wait for the sidecar's answer.
    Turn,
    /// When the sidecar has leased more, which it has to be asked for.
    Leased,
    /// When the sidecar answers again.
    Closed,
}

impl Until {
    /// Milliseconds; None when nobody can know.
    pub fn wait(self) -> Option<u64> {
        match self {
            Until::Millis(wait) => Some(wait),
            Until::Slot | Until::Turn | Until::Leased | Until::Closed => None,
        }
    }

    /// Whether it is over in a moment: as soon as the sidecar has answered, or its call's deadline has come.
    pub fn is_brief(self) -> bool {
        matches!(self, Until::Leased | Until::Turn)
    }

    /// Of two, the one that decides: a time that is known, the later of two, before an answer that is not.
    fn rank(self) -> (u8, u64) {
        match self {
            Until::Slot => (0, 0),
            Until::Turn => (1, 0),
            Until::Leased => (2, 0),
            Until::Millis(wait) => (3, wait),
            Until::Closed => (4, 0),
        }
    }

    /// Whether this is what a request has to wait for, rather than `other`.
    pub(super) fn decides(self, other: Self) -> bool {
        self.rank() > other.rank()
    }
}

impl From<Short> for Until {
    fn from(short: Short) -> Self {
        match short {
            Short::Wait(millis) => Until::Millis(millis),
            Short::Ask => Until::Leased,
            Short::Closed => Until::Closed,
        }
    }
}

/// Meters and slots.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Account {
    requests: Meter,
    tokens: Meter,
    pub slots: Slots,
}

/// One of the two meters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Resource {
    Requests,
    Tokens,
}

impl Resource {
    pub(super) const BOTH: [Resource; 2] = [Resource::Requests, Resource::Tokens];

    /// In the name of a limit.
    pub(super) fn name(self) -> &'static str {
        match self {
            Resource::Requests => "requests",
            Resource::Tokens => "tokens",
        }
    }
}

impl Account {
    /// What a request of `tokens` that stands behind `ahead` others like it has to wait for: the longest wait, if any.
    pub(super) fn lack(&self, ceilings: &Ceilings, regime: Regime, tokens: u64, ahead: u64, now: u64) -> Option<Lack> {
        let place = ahead.saturating_add(1);
        let lack = |resource: Resource, ceiling, amount| {
            let terms = Terms { regime, rate: ceilings.rate(resource)? };
            let short = self.meter(resource).lacks(terms, self.held(resource), amount, place, now)?;
            Some(Lack { ceiling, until: short.into() })
        };
        let requests = lack(Resource::Requests, Ceiling::Requests, 1);
        let tokens = lack(Resource::Tokens, Ceiling::Tokens, tokens);
        let full = ceilings.concurrency.is_some_and(|most| self.slots.total() >= most);
        let slot = full.then_some(Lack { ceiling: Ceiling::Concurrency, until: Until::Slot });
        let all = [requests, tokens, slot].into_iter().flatten();
        all.reduce(|first, other| if other.until.decides(first.until) { other } else { first })
    }

    /// What is left here is this Envoy's own from now on, and its share flows in. Whether that is new.
    pub(super) fn go_local(&mut self, ceilings: &Ceilings, regime: Regime, now: u64) -> bool {
        Resource::BOTH.into_iter().fold(false, |is_new, resource| {
            let Some(rate) = ceilings.rate(resource) else { return is_new };
            let held = self.held(resource);
            self.meter_mut(resource).go_local(Terms { regime, rate }, held, now) || is_new
        })
    }

    /// Takes a slot, a request and its tokens, whether or not they are there. A client can ask for any number of tokens:
    /// an estimate never takes more than a full bucket, real usage does.
    pub(super) fn take(&mut self, ceilings: &Ceilings, regime: Regime, worker: u64, tokens: u64, now: u64) {
        let tokens = ceilings.estimated(tokens);
        let (requests_held, tokens_held) = (self.held(Resource::Requests), self.held(Resource::Tokens));
        if let Some(rate) = ceilings.requests {
            self.requests.take(Terms { regime, rate }, requests_held, 1, now);
        }
        if let Some(rate) = ceilings.tokens {
            self.tokens.take(Terms { regime, rate }, tokens_held, tokens, now);
        }
        self.slots.add(worker, tokens);
    }

    /// Gives the slot back, and of the estimated tokens what was not used; more than estimated is taken now.
    pub(super) fn settle(
        &mut self,
        ceilings: &Ceilings,
        regime: Regime,
        worker: u64,
        (estimated, used): (u64, u64),
        now: u64,
    ) {
        let estimated = ceilings.estimated(estimated);
        if let Some(rate) = ceilings.requests {
            self.requests.settle(Terms { regime, rate }, 1, 1, now);
        }
        if let Some(rate) = ceilings.tokens {
            self.tokens.settle(Terms { regime, rate }, estimated, used, now);
        }
        self.slots.remove(worker, estimated);
    }

    /// As if [`Self::take`] had never been.
    pub(super) fn undo(&mut self, ceilings: &Ceilings, regime: Regime, worker: u64, tokens: u64) {
        let tokens = ceilings.estimated(tokens);
        if let Some(rate) = ceilings.requests {
            self.requests.undo(Terms { regime, rate }, 1);
        }
        if let Some(rate) = ceilings.tokens {
            self.tokens.undo(Terms { regime, rate }, tokens);
        }
        self.slots.remove(worker, tokens);
    }

    /// A worker is gone with all that it had taken.
    pub(super) fn lose(&mut self, ceilings: &Ceilings, worker: u64) {
        let (count, tokens) = self.slots.of(worker);
        if ceilings.requests.is_some() {
            self.requests.lose(u64::from(count));
        }
        if ceilings.tokens.is_some() {
            self.tokens.lose(tokens);
        }
        self.slots.set(worker, 0, 0);
    }

    /// The provider says that no more is left.
    pub(super) fn at_most(
        &mut self,
        ceilings: &Ceilings,
        regime: Regime,
        resource: Resource,
        remaining: u64,
        now: u64,
    ) {
        let held = self.held(resource);
        if let Some(rate) = ceilings.rate(resource) {
            self.meter_mut(resource).at_most(Terms { regime, rate }, remaining, held, now);
        }
    }

    /// What is left, and the milliseconds until all of it is there.
    pub(super) fn level(
        &self,
        ceilings: &Ceilings,
        regime: Regime,
        resource: Resource,
        now: u64,
    ) -> Option<(Rate, u64, u64)> {
        let rate = ceilings.rate(resource)?;
        let (level, full_in) = self.meter(resource).level(Terms { regime, rate }, self.held(resource), now);
        Some((rate, level, full_in))
    }

    /// How many requests of `tokens` could be taken at once.
    pub(super) fn capacity(&self, ceilings: &Ceilings, regime: Regime, tokens: u64, now: u64) -> u64 {
        let room = |resource| {
            let rate = ceilings.rate(resource)?;
            Some(self.meter(resource).room(Terms { regime, rate }, self.held(resource), now))
        };
        let by_tokens = room(Resource::Tokens)
            .map(|room| room.checked_div(ceilings.estimated(tokens)).unwrap_or(u64::MAX))
            .unwrap_or(u64::MAX);
        let slots = ceilings.concurrency.map_or(u64::MAX, |most| most.saturating_sub(self.slots.total()));
        room(Resource::Requests).unwrap_or(u64::MAX).min(by_tokens).min(slots)
    }

    /// Whether more of a limit should be leased before somebody has to wait for it.
    pub(super) fn is_low(&self, ceilings: &Ceilings, now: u64) -> bool {
        let is_low =
            |resource| ceilings.rate(resource).is_some() && self.meter(resource).is_low(self.held(resource), now);
        Resource::BOTH.into_iter().any(is_low)
    }

    /// Whether the sidecar is being asked for more, and answers within `patience` milliseconds if at all.
    pub(super) fn is_asked(&self, ceilings: &Ceilings, patience: u64, now: u64) -> bool {
        let is_asked = |resource| ceilings.rate(resource).is_some() && self.meter(resource).is_asked(patience, now);
        Resource::BOTH.into_iter().any(is_asked)
    }

    /// What the sidecar is asked for: what a request of `tokens` needs; None: it only would be of use.
    pub(super) fn ask(&mut self, ceilings: &Ceilings, tokens: Option<u64>, now: u64) -> Vec<(Resource, LimitAsk)> {
        let ask = |account: &mut Self, resource: Resource| {
            let rate = ceilings.rate(resource)?;
            let amount = tokens.map_or(0, |tokens| match resource {
                Resource::Requests => 1,
                Resource::Tokens => ceilings.estimated(tokens),
            });
            let held = account.held(resource);
            Some((resource, account.meter_mut(resource).ask(rate, held, amount, now)))
        };
        Resource::BOTH.into_iter().filter_map(|resource| ask(self, resource)).collect()
    }

    /// What the sidecar should hear of.
    pub(super) fn report(&mut self, ceilings: &Ceilings, regime: Regime, now: u64) -> Vec<(Resource, LimitAsk)> {
        let report = |account: &mut Self, resource: Resource| {
            let rate = ceilings.rate(resource)?;
            let held = account.held(resource);
            Some((resource, account.meter_mut(resource).report(Terms { regime, rate }, held, now)?))
        };
        Resource::BOTH.into_iter().filter_map(|resource| report(self, resource)).collect()
    }

    /// What the sidecar answered to `ask`; None: it did not.
    pub(super) fn answered(
        &mut self,
        regime: Regime,
        resource: Resource,
        ask: &LimitAsk,
        answer: Option<&LimitLeased>,
        now: u64,
    ) {
        let rate = Rate { per_minute: ask.per_minute, burst: ask.burst };
        let meter = self.meter_mut(resource);
        match answer {
            Some(answer) => meter.leased(Terms { regime, rate }, ask, answer, now),
            None => meter.unanswered(),
        }
    }

    fn meter(&self, resource: Resource) -> &Meter {
        match resource {
            Resource::Requests => &self.requests,
            Resource::Tokens => &self.tokens,
        }
    }

    fn meter_mut(&mut self, resource: Resource) -> &mut Meter {
        match resource {
            Resource::Requests => &mut self.requests,
            Resource::Tokens => &mut self.tokens,
        }
    }

    /// Of requests under way.
    fn held(&self, resource: Resource) -> u64 {
        match resource {
            Resource::Requests => self.slots.total(),
            Resource::Tokens => self.slots.tokens(),
        }
    }
}

/// Requests under way and the tokens they are expected to use, by worker: when a worker's VM is gone, so are its requests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Slots(Vec<Slot>);

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Slot {
    worker: u64,
    count: u32,
    tokens: u64,
}

impl Slots {
    /// Over all workers.
    pub(super) fn total(&self) -> u64 {
        self.0.iter().map(|slot| u64::from(slot.count)).fold(0, u64::saturating_add)
    }

    /// Over all workers.
    fn tokens(&self) -> u64 {
        self.0.iter().map(|slot| slot.tokens).fold(0, u64::saturating_add)
    }

    /// Requests and tokens of one worker.
    pub(super) fn of(&self, worker: u64) -> (u32, u64) {
        self.0.iter().find(|slot| slot.worker == worker).map_or((0, 0), |slot| (slot.count, slot.tokens))
    }

    /// Sets the counts of one worker; 0 forgets it.
    pub(super) fn set(&mut self, worker: u64, count: u32, tokens: u64) {
        self.0.retain(|slot| slot.worker != worker);
        if count > 0 {
            self.0.push(Slot { worker, count, tokens });
        }
    }

    fn add(&mut self, worker: u64, tokens: u64) {
        match self.0.iter_mut().find(|slot| slot.worker == worker) {
            Some(slot) => {
                slot.count = slot.count.saturating_add(1);
                slot.tokens = slot.tokens.saturating_add(tokens);
            }
            None => self.0.push(Slot { worker, count: 1, tokens }),
        }
    }

    fn remove(&mut self, worker: u64, tokens: u64) {
        if let Some(slot) = self.0.iter_mut().find(|slot| slot.worker == worker) {
            slot.count = slot.count.saturating_sub(1);
            slot.tokens = if slot.count == 0 { 0 } else { slot.tokens.saturating_sub(tokens) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    const NOW: u64 = 1_700_000_000_000;
    const ALONE: Regime = Regime::Local { envoys: 1 };

    fn ceilings(requests: u64, tokens: u64, concurrency: u64) -> Ceilings {
        let rate = |limit| Some(Rate { per_minute: limit, burst: limit });
        Ceilings { requests: rate(requests), tokens: rate(tokens), concurrency: Some(concurrency) }
    }

    #[test]
    fn the_longest_wait_is_the_true_one() {
        let limits = ceilings(60, 600, 10);
        let mut account = Account::default();
        account.take(&limits, ALONE, 1, 600, NOW);
        assert_eq!(
            account.lack(&limits, ALONE, 100, 0, NOW),
            Some(Lack { ceiling: Ceiling::Tokens, until: Until::Millis(10_000) })
        );
        assert_eq!(
            account.lack(&limits, ALONE, 100, 2, NOW),
            Some(Lack { ceiling: Ceiling::Tokens, until: Until::Millis(30_000) })
        );
        assert_eq!(account.lack(&limits, ALONE, 100, 0, NOW + 10_000), None);
    }

    #[test]
    fn slots_are_counted_over_all_workers_and_go_with_theirs() {
        let limits = ceilings(100, 100_000, 3);
        let mut account = Account::default();
        for worker in [1, 2, 2] {
            assert_eq!(account.lack(&limits, ALONE, 1, 0, NOW), None);
            account.take(&limits, ALONE, worker, 1, NOW);
        }
        assert_eq!(
            account.lack(&limits, ALONE, 1, 0, NOW),
            Some(Lack { ceiling: Ceiling::Concurrency, until: Until::Slot })
        );
        account.settle(&limits, ALONE, 1, (1, 1), NOW);
        assert_eq!((account.slots.total(), account.lack(&limits, ALONE, 1, 0, NOW)), (2, None));
        account.slots.set(2, 0, 0);
        assert_eq!(account.slots.total(), 0);
        account.settle(&limits, ALONE, 2, (1, 1), NOW);
        assert_eq!(account.slots.total(), 0, "what is not there is not given back");
    }

    #[test]
    fn the_real_usage_replaces_the_estimate() {
        let limits = ceilings(100, 1_000, 10);
        let level = |account: &Account, resource| account.level(&limits, ALONE, resource, NOW).unwrap().1;
        for (estimated, used, left) in [(500, 100, 900), (100, 500, 500), (100, 100, 900)] {
            let mut account = Account::default();
            account.take(&limits, ALONE, 1, estimated, NOW);
            account.settle(&limits, ALONE, 1, (estimated, used), NOW);
            assert_eq!(level(&account, Resource::Tokens), left);
        }
        let mut account = Account::default();
        account.take(&limits, ALONE, 1, 500, NOW);
        account.undo(&limits, ALONE, 1, 500);
        assert_eq!(level(&account, Resource::Tokens), 1_000);
        assert_eq!(level(&account, Resource::Requests), 100);
    }

    #[test]
    fn a_request_larger_than_the_bucket_waits_for_a_full_one() {
        let limits = ceilings(100, 1_000, 10);
        let mut account = Account::default();
        assert_eq!(account.lack(&limits, ALONE, 5_000, 0, NOW), None);
        account.take(&limits, ALONE, 1, 5_000, NOW);
        assert_eq!(
            account.lack(&limits, ALONE, 1, 0, NOW).unwrap().until,
            Until::Millis(60),
            "an estimate makes no debt"
        );
        account.settle(&limits, ALONE, 1, (5_000, 5_000), NOW);
        assert_eq!(account.lack(&limits, ALONE, 1, 0, NOW).unwrap().until, Until::Millis(240_060), "usage does");
    }
}
