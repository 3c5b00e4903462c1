//! What one owner of limits has left: a provider, one of its targets, a tenant, one of its models.

use super::bucket::{Bucket, Rate};
use crate::config::Limits;
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
    /// Milliseconds until there will be enough; None for a slot, which comes when it comes.
    pub wait: Option<u64>,
}

/// Buckets and slots.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Account {
    pub requests: Bucket,
    pub tokens: Bucket,
    pub slots: Slots,
}

impl Account {
    /// What a request of `tokens` that stands behind `ahead` others like it has to wait for: the longest wait, if any.
    pub(super) fn lack(&self, ceilings: &Ceilings, tokens: u64, ahead: u64, now: u64) -> Option<Lack> {
        let place = ahead.saturating_add(1);
        let requests = ceilings.requests.map(|rate| (Ceiling::Requests, self.requests.wait(rate, place, now)));
        let tokens = ceilings.tokens.map(|rate| {
            // More than fits is admitted by a full bucket, which is then in debt.
            let tokens = tokens.min(rate.burst);
            (Ceiling::Tokens, self.tokens.wait(rate, tokens.saturating_mul(place), now))
        });
        let timed =
            [requests, tokens].into_iter().flatten().filter(|(_, wait)| *wait > 0).max_by_key(|(_, wait)| *wait);
        let full = ceilings.concurrency.is_some_and(|most| self.slots.total() >= most);
        match timed {
            Some((ceiling, wait)) => Some(Lack { ceiling, wait: Some(wait) }),
            None if full => Some(Lack { ceiling: Ceiling::Concurrency, wait: None }),
            None => None,
        }
    }

    /// Takes a slot, a request and its tokens, whether or not they are there. A client can ask for any number of tokens:
    /// an estimate never takes more than a full bucket, real usage does.
    pub(super) fn take(&mut self, ceilings: &Ceilings, worker: u64, tokens: u64, now: u64) {
        if let Some(rate) = ceilings.requests {
            self.requests.take(rate, 1, now);
        }
        if let Some(rate) = ceilings.tokens {
            self.tokens.take(rate, tokens.min(rate.burst), now);
        }
        self.slots.add(worker);
    }

    /// Gives the slot back, and of the estimated tokens what was not used; more than estimated is taken now.
    pub(super) fn settle(&mut self, ceilings: &Ceilings, worker: u64, estimated: u64, used: u64, now: u64) {
        if let Some(rate) = ceilings.tokens {
            let estimated = estimated.min(rate.burst);
            self.tokens.give_back(rate, estimated.saturating_sub(used));
            if used > estimated {
                self.tokens.take(rate, used.saturating_sub(estimated), now);
            }
        }
        self.slots.remove(worker);
    }

    /// As if [`Self::take`] had never been.
    pub(super) fn undo(&mut self, ceilings: &Ceilings, worker: u64, tokens: u64) {
        if let Some(rate) = ceilings.requests {
            self.requests.give_back(rate, 1);
        }
        if let Some(rate) = ceilings.tokens {
            self.tokens.give_back(rate, tokens.min(rate.burst));
        }
        self.slots.remove(worker);
    }
}

/// Requests under way, by worker: when a worker's VM is gone, so are its requests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Slots(Vec<(u64, u32)>);

impl Slots {
    /// Over all workers.
    pub(super) fn total(&self) -> u64 {
        self.0.iter().map(|(_, count)| u64::from(*count)).fold(0, u64::saturating_add)
    }

    /// Of one worker.
    pub(super) fn of(&self, worker: u64) -> u32 {
        self.0.iter().find(|(have, _)| *have == worker).map_or(0, |(_, count)| *count)
    }

    /// Sets the count of one worker; 0 forgets it.
    pub(super) fn set(&mut self, worker: u64, count: u32) {
        self.0.retain(|(have, _)| *have != worker);
        if count > 0 {
            self.0.push((worker, count));
        }
    }

    fn add(&mut self, worker: u64) {
        match self.0.iter_mut().find(|(have, _)| *have == worker) {
            Some((_, count)) => *count = count.saturating_add(1),
            None => self.0.push((worker, 1)),
        }
    }

    fn remove(&mut self, worker: u64) {
        if let Some((_, count)) = self.0.iter_mut().find(|(have, _)| *have == worker) {
            *count = count.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    const NOW: u64 = 1_700_000_000_000;

    fn ceilings(requests: u64, tokens: u64, concurrency: u64) -> Ceilings {
        let rate = |limit| Some(Rate { per_minute: limit, burst: limit });
        Ceilings { requests: rate(requests), tokens: rate(tokens), concurrency: Some(concurrency) }
    }

    #[test]
    fn the_longest_wait_is_the_true_one() {
        let limits = ceilings(60, 600, 10);
        let mut account = Account::default();
        account.take(&limits, 1, 600, NOW);
        assert_eq!(account.lack(&limits, 100, 0, NOW), Some(Lack { ceiling: Ceiling::Tokens, wait: Some(10_000) }));
        assert_eq!(account.lack(&limits, 100, 2, NOW), Some(Lack { ceiling: Ceiling::Tokens, wait: Some(30_000) }));
        assert_eq!(account.lack(&limits, 100, 0, NOW + 10_000), None);
    }

    #[test]
    fn slots_are_counted_over_all_workers_and_go_with_theirs() {
        let limits = ceilings(100, 100_000, 3);
        let mut account = Account::default();
        for worker in [1, 2, 2] {
            assert_eq!(account.lack(&limits, 1, 0, NOW), None);
            account.take(&limits, worker, 1, NOW);
        }
        assert_eq!(account.lack(&limits, 1, 0, NOW), Some(Lack { ceiling: Ceiling::Concurrency, wait: None }));
        account.settle(&limits, 1, 1, 1, NOW);
        assert_eq!((account.slots.total(), account.lack(&limits, 1, 0, NOW)), (2, None));
        account.slots.set(2, 0);
        assert_eq!(account.slots.total(), 0);
        account.settle(&limits, 2, 1, 1, NOW);
        assert_eq!(account.slots.total(), 0, "what is not there is not given back");
    }

    #[test]
    fn the_real_usage_replaces_the_estimate() {
        let limits = ceilings(100, 1_000, 10);
        let rate = limits.tokens.unwrap();
        for (estimated, used, left) in [(500, 100, 900), (100, 500, 500), (100, 100, 900)] {
            let mut account = Account::default();
            account.take(&limits, 1, estimated, NOW);
            account.settle(&limits, 1, estimated, used, NOW);
            assert_eq!(account.tokens.level(rate, NOW), left);
        }
        let mut account = Account::default();
        account.take(&limits, 1, 500, NOW);
        account.undo(&limits, 1, 500);
        assert_eq!(account.tokens.level(rate, NOW), 1_000);
        assert_eq!(account.requests.level(limits.requests.unwrap(), NOW), 100);
    }

    #[test]
    fn a_request_larger_than_the_bucket_waits_for_a_full_one() {
        let limits = ceilings(100, 1_000, 10);
        let mut account = Account::default();
        assert_eq!(account.lack(&limits, 5_000, 0, NOW), None);
        account.take(&limits, 1, 5_000, NOW);
        assert_eq!(account.lack(&limits, 1, 0, NOW).unwrap().wait, Some(60), "an estimate makes no debt");
        account.settle(&limits, 1, 5_000, 5_000, NOW);
        assert_eq!(account.lack(&limits, 1, 0, NOW).unwrap().wait, Some(240_060), "usage does");
    }
}
