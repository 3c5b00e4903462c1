//! The token bucket, kept as one instant: when it will be full again (GCRA: ITU-T I.371). It needs no refill, and a
//! changed limit keeps what was taken.

use crate::config::Limits;
use serde::{Deserialize, Serialize};

const MINUTE: u128 = 60_000_000_000;
const MILLI: u64 = 1_000_000;
/// A bucket is never further from being full than so many times what it holds.
const MOST_DEBT: u64 = 10;

/// How fast a bucket fills, and how much it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rate {
    /// What flows in within a minute.
    pub per_minute: u64,
    /// What a full bucket holds.
    pub burst: u64,
}

/// A bucket of a [`Rate`]. May be in debt: what a provider was given is counted even if it should have waited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Bucket {
    /// Nanoseconds since 1970.
    full_at: u64,
}

impl Rate {
    /// Requests per minute of `limits`.
    pub(super) fn requests(limits: &Limits) -> Option<Self> {
        let per_minute = limits.requests_per_minute?;
        Some(Self { per_minute, burst: limits.burst.unwrap_or(per_minute) })
    }

    /// Tokens per minute of `limits`.
    pub(super) fn tokens(limits: &Limits) -> Option<Self> {
        let per_minute = limits.tokens_per_minute?;
        Some(Self { per_minute, burst: limits.burst_tokens.unwrap_or(per_minute) })
    }

    /// One of so many equal parts; never nothing.
    pub(super) fn share(self, parts: u64) -> Self {
        let part = |whole: u64| whole.checked_div(parts).unwrap_or(whole).max(1);
        Self { per_minute: part(self.per_minute), burst: part(self.burst) }
    }

    /// Milliseconds in which `amount` flows in.
    pub(super) fn millis(self, amount: u64) -> u64 {
        self.span(amount).checked_div(MILLI).unwrap_or(0)
    }

    /// What flows in within so many milliseconds, rounded down.
    pub(super) fn flow(self, millis: u64) -> u64 {
        self.per_minute.saturating_mul(millis).checked_div(60_000).unwrap_or(0)
    }

    /// Nanoseconds in which `amount` flows in, rounded up.
    fn span(self, amount: u64) -> u64 {
        let nanos = u128::from(amount).saturating_mul(MINUTE).div_ceil(u128::from(self.per_minute).max(1));
        u64::try_from(nanos).unwrap_or(u64::MAX)
    }
}

impl Bucket {
    /// One that will be full in so many milliseconds.
    pub(super) fn full_in_millis(millis: u64, now: u64) -> Self {
        Self { full_at: now.saturating_add(millis).saturating_mul(MILLI) }
    }

    /// Milliseconds until `amount` is there, rounded up; 0 when it is. `now` is in milliseconds since 1970.
    ///
    /// More than the bucket holds is there when it has been full and then been in debt for the rest: the answer to
    /// "when will the last of so many be served".
    pub(super) fn wait(self, rate: Rate, amount: u64, now: u64) -> u64 {
        let now = now.saturating_mul(MILLI);
        // Unless the clock was set back, no debt is that large.
        let full_at = self.full_at.min(now.saturating_add(rate.span(rate.burst.saturating_mul(MOST_DEBT))));
        let ready = full_at.max(now).saturating_add(rate.span(amount)).saturating_sub(rate.span(rate.burst));
        ready.saturating_sub(now).div_ceil(MILLI)
    }

    /// Nothing flows in for so many milliseconds from now.
    pub(super) fn pause(&mut self, millis: u64, now: u64) {
        self.full_at = self.full_at.max(now.saturating_mul(MILLI)).saturating_add(millis.saturating_mul(MILLI));
    }

    /// Takes `amount`, whether or not it is there.
    pub(super) fn take(&mut self, rate: Rate, amount: u64, now: u64) {
        self.full_at = self.full_at.max(now.saturating_mul(MILLI)).saturating_add(rate.span(amount));
    }

    /// Puts `amount` back. What does not fit is lost.
    pub(super) fn give_back(&mut self, rate: Rate, amount: u64) {
        self.full_at = self.full_at.saturating_sub(rate.span(amount));
    }

    /// Leaves at most `remaining`.
    pub(super) fn at_most(&mut self, rate: Rate, remaining: u64, now: u64) {
        let missing = rate.span(rate.burst.saturating_sub(remaining));
        self.full_at = self.full_at.max(now.saturating_mul(MILLI).saturating_add(missing));
    }

    /// Of two, the one with less.
    pub(super) fn emptier(self, other: Self) -> Self {
        Self { full_at: self.full_at.max(other.full_at) }
    }

    /// What is missing for it to be full, rounded up; more than it holds in debt.
    pub(super) fn missing(self, rate: Rate, now: u64) -> u64 {
        let missing = u128::from(self.full_at.saturating_sub(now.saturating_mul(MILLI)));
        let missing = missing.saturating_mul(u128::from(rate.per_minute)).div_ceil(MINUTE);
        u64::try_from(missing).unwrap_or(u64::MAX)
    }

    /// What is left, whole; 0 in debt.
    pub(super) fn level(self, rate: Rate, now: u64) -> u64 {
        rate.burst.saturating_sub(self.missing(rate, now))
    }

    /// Milliseconds until it is full.
    pub(super) fn full_in(self, now: u64) -> u64 {
        self.full_at.saturating_sub(now.saturating_mul(MILLI)).div_ceil(MILLI)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    const NOW: u64 = 1_700_000_000_000;
    const HUNDRED: Rate = Rate { per_minute: 100, burst: 100 };

    #[test]
    fn a_hundred_at_once_and_then_one_each_600_ms() {
        let mut bucket = Bucket::default();
        for _ in 0..100 {
            assert_eq!(bucket.wait(HUNDRED, 1, NOW), 0);
            bucket.take(HUNDRED, 1, NOW);
        }
        assert_eq!(bucket.wait(HUNDRED, 1, NOW), 600);
        assert_eq!(bucket.level(HUNDRED, NOW), 0);
        assert_eq!(bucket.wait(HUNDRED, 1, NOW + 599), 1);
        assert_eq!(bucket.wait(HUNDRED, 1, NOW + 600), 0);
        assert_eq!(bucket.wait(HUNDRED, 10, NOW), 6_000, "the tenth in a queue");
        assert_eq!(bucket.full_in(NOW), 60_000);
    }

    #[test]
    fn no_window_ever_sees_more_than_the_burst_and_what_flowed_in() {
        let rate = Rate { per_minute: 6_000, burst: 50 };
        let mut bucket = Bucket::default();
        let mut taken = 0;
        for at in 0..10_000 {
            while bucket.wait(rate, 1, NOW + at) == 0 {
                bucket.take(rate, 1, NOW + at);
                taken += 1;
            }
            assert!(taken <= 50 + at / 10, "{taken} after {at} ms");
        }
        assert_eq!(taken, 50 + 999);
    }

    #[test]
    fn what_is_given_back_can_be_taken_again_and_no_more() {
        let mut bucket = Bucket::default();
        bucket.take(HUNDRED, 100, NOW);
        bucket.give_back(HUNDRED, 30);
        assert_eq!(bucket.level(HUNDRED, NOW), 30);
        bucket.give_back(HUNDRED, 1_000);
        assert_eq!(bucket.level(HUNDRED, NOW), 100);
        bucket.take(HUNDRED, 150, NOW);
        assert_eq!(bucket.level(HUNDRED, NOW), 0);
        assert_eq!(bucket.wait(HUNDRED, 1, NOW), 51 * 600, "a debt is paid first");
    }

    #[test]
    fn a_provider_that_says_less_is_believed_and_one_that_says_more_is_not() {
        let mut bucket = Bucket::default();
        bucket.at_most(HUNDRED, 10, NOW);
        assert_eq!(bucket.level(HUNDRED, NOW), 10);
        bucket.at_most(HUNDRED, 50, NOW);
        assert_eq!(bucket.level(HUNDRED, NOW), 10);
        bucket.at_most(HUNDRED, 0, NOW);
        assert_eq!(bucket.wait(HUNDRED, 1, NOW), 600);
    }

    #[test]
    fn a_changed_limit_keeps_what_was_taken() {
        let mut bucket = Bucket::default();
        bucket.take(HUNDRED, 100, NOW);
        let double = Rate { per_minute: 200, burst: 200 };
        assert_eq!(bucket.level(double, NOW), 0);
        assert_eq!(bucket.level(double, NOW + 30_000), 100);
    }

    #[test]
    fn a_clock_that_was_set_back_closes_no_bucket_for_long() {
        let mut bucket = Bucket::default();
        bucket.take(HUNDRED, 100, NOW);
        let hour = 3_600_000;
        assert!(bucket.wait(HUNDRED, 1, NOW - hour) <= 10 * 60_000);
    }

    #[test]
    fn the_largest_numbers_do_no_harm() {
        let rate = Rate { per_minute: 1, burst: u64::MAX };
        let mut bucket = Bucket::default();
        bucket.take(rate, u64::MAX, u64::MAX);
        bucket.at_most(rate, 0, u64::MAX);
        let _ = (bucket.wait(rate, u64::MAX, 0), bucket.level(rate, 0), bucket.full_in(0));
        bucket.give_back(rate, u64::MAX);
    }
}
