//! The retry budget: retries may add so many percent to the load, over all targets, so that a failing provider is not
//! drowned by the same requests again (as Finagle and linkerd do it).

use super::bucket::{Bucket, Rate};
use crate::config::RetryBudget;
use crate::shared::{Change, SharedData, create, update};
use std::cell::Cell;

const KEY: &str = "weir.1.retries";
/// The bucket counts in hundredths of a retry, so that a percentage of one request is a whole number.
const RETRY: u64 = 100;
/// Without a reserve, what requests bring must have some room all the same, in retries.
const LEAST: u64 = 10;

/// One worker's view of the budget that all share.
#[derive(Debug)]
pub(super) struct Retries {
    rate: Rate,
    percent: u64,
    /// Requests that have not been paid in yet.
    requests: Cell<u64>,
    last: Cell<Bucket>,
}

impl Retries {
    /// `budget.reserve` retries at first, a tenth of them each second, and `budget.percent` of a retry per request.
    pub(super) fn new(budget: &RetryBudget, shared: &dyn SharedData) -> Self {
        create::<Bucket>(shared, KEY);
        let reserve = u64::from(budget.reserve);
        let rate = Rate {
            per_minute: reserve.saturating_mul(6).saturating_mul(RETRY).max(1),
            burst: reserve.max(LEAST).saturating_mul(RETRY),
        };
        Self { rate, percent: u64::from(budget.percent), requests: Cell::new(0), last: Cell::default() }
    }

    /// One more request: it brings its share.
    pub(super) fn request(&self) {
        self.requests.set(self.requests.get().saturating_add(1));
    }

    /// Takes one retry if there is one.
    pub(super) fn withdraw(&self, shared: &dyn SharedData, now: u64) -> bool {
        self.change(shared, |bucket, rate| {
            let is_there = bucket.wait(rate, RETRY, now) == 0;
            if is_there {
                bucket.take(rate, RETRY, now);
            }
            is_there
        })
    }

    /// Envoy has begun a retry without asking (a timeout, a refused connection). The debt has a floor: a provider that let
    /// thousands time out at once shall not cost those that follow their retries for long.
    pub(super) fn overdraw(&self, shared: &dyn SharedData, now: u64) {
        self.change(shared, |bucket, rate| {
            if bucket.missing(rate, now) < rate.burst.saturating_mul(2) {
                bucket.take(rate, RETRY, now);
            }
            true
        });
    }

    /// Whether a retry could be had.
    pub(super) fn is_left(&self, shared: &dyn SharedData, now: u64) -> bool {
        self.last.get().wait(self.rate, RETRY, now) == 0
            || self.change(shared, |bucket, rate| bucket.wait(rate, RETRY, now) == 0)
    }

    /// Pays in what requests brought, and learns what is left.
    pub(super) fn sync(&self, shared: &dyn SharedData) {
        self.change(shared, |_, _| true);
    }

    fn change(&self, shared: &dyn SharedData, mut change: impl FnMut(&mut Bucket, Rate) -> bool) -> bool {
        let requests = self.requests.get();
        let paid_in = requests.saturating_mul(self.percent);
        let done = update(shared, KEY, |bucket: &mut Bucket| {
            let before = *bucket;
            bucket.give_back(self.rate, paid_in);
            let outcome = change(bucket, self.rate);
            if *bucket == before { Change::Keep((outcome, before)) } else { Change::Write((outcome, *bucket)) }
        });
        let Some((outcome, bucket)) = done else { return false };
        self.requests.set(self.requests.get().saturating_sub(requests));
        self.last.set(bucket);
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::Local;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    const NOW: u64 = 1_700_000_000_000;

    #[test]
    fn a_storm_of_retries_adds_a_fifth_and_the_reserve() {
        let shared = Local::default();
        let budget = RetryBudget { percent: 20, reserve: 20 };
        let workers = [Retries::new(&budget, &shared), Retries::new(&budget, &shared)];
        let mut retries = 0;
        for request in 0..2_000 {
            let worker = &workers[request % 2];
            worker.request();
            while worker.withdraw(&shared, NOW) {
                retries += 1;
            }
        }
        assert_eq!(retries, 20 + 399, "what the first request brings finds the bucket full");
        assert!(!workers[0].is_left(&shared, NOW));
        assert!(workers[0].is_left(&shared, NOW + 600), "two a second flow in");
    }

    #[test]
    fn what_envoy_took_unasked_is_missing_afterwards() {
        let shared = Local::default();
        let retries = Retries::new(&RetryBudget { percent: 0, reserve: 10 }, &shared);
        for _ in 0..1_000 {
            retries.overdraw(&shared, NOW);
        }
        assert!(!retries.is_left(&shared, NOW + 10_000), "as much as the reserve");
        assert!(retries.is_left(&shared, NOW + 11_000), "and no more");
    }
}
