//! The shared token bucket: one instant, when it will be full (GCRA: ITU-T I.371), in microseconds, by the store's
//! clock. Pure: the embedded store runs it, and `redis/debit.lua` says the same in Lua; the contract suite holds the
//! two against each other.
//!
//! Unlike the local bucket of `weir_core::traffic` it is a whole number that a double holds exactly (Lua has no other
//! numbers), and what comes back is rounded down where what is taken is rounded up: over many Envoys and any split of
//! amounts, no more goes out than flowed in.

use super::{Debit, Debited};

const MINUTE: u64 = 60_000_000;
const MILLI: u64 = 1_000;
/// Neither a limit nor an amount is larger. Up to 150 million the Lua is exact; above, it may be off by a microsecond.
pub(super) const MOST: u64 = 1 << 53;
/// No time is longer: 35 years.
const LONGEST: u64 = 1 << 50;
/// No bucket is further from being full than the time in which so many times its burst, or what flows in within a
/// minute if that is more, flows in: a clock that was set back, or a mad account, closes no limit for good.
const MOST_DEBT: u64 = 10;

/// A bucket; that of which nothing is known is full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Bucket {
    /// Microseconds since 1970.
    pub(super) full_at: u64,
    /// How often it was changed.
    pub(super) changes: u64,
}

/// Does to `buckets` what `debits` say, each to the bucket at its index. `now` is in microseconds since 1970.
pub(super) fn debit(buckets: &mut [Bucket], debits: &[(usize, &Debit)], now: u64) -> Vec<Debited> {
    let begin: Vec<u64> = buckets.iter().map(|bucket| bucket.full_at.max(now)).collect();
    for &(index, debit) in debits {
        let rate = Rate::of(debit);
        let bucket = &mut buckets[index];
        bucket.remember(debit);
        bucket.full_at = bucket.full_at.min(rate.latest(now)).max(now);
        bucket.take(rate, debit.owed, now);
        bucket.give_back(rate, debit.returned, now);
        bucket.at_most(rate, debit.at_most, now);
    }
    let settled = buckets.to_vec();
    let mut debited = vec![Debited::default(); debits.len()];
    for (&(index, debit), debited) in debits.iter().zip(&mut debited) {
        let rate = Rate::of(debit);
        debited.wait = buckets[index].wait(rate, debit.need, now).div_ceil(MILLI);
        if debited.wait == 0 {
            buckets[index].take(rate, debit.need, now);
        }
    }
    if debited.iter().all(|debited| debited.wait == 0) {
        for (&(index, debit), debited) in debits.iter().zip(&mut debited) {
            let rate = Rate::of(debit);
            let more = debit.want.saturating_sub(debit.need).min(buckets[index].level(rate, now) / 4);
            buckets[index].take(rate, more, now);
            debited.granted = debit.need.min(MOST).saturating_add(more);
        }
    } else {
        buckets.copy_from_slice(&settled);
    }
    for (bucket, begin) in buckets.iter_mut().zip(begin) {
        bucket.changes = bucket.changes.saturating_add(u64::from(bucket.full_at.max(now) != begin));
    }
    for (&(index, debit), debited) in debits.iter().zip(&mut debited) {
        let bucket = &buckets[index];
        debited.level = bucket.level(Rate::of(debit), now);
        debited.full_in = (bucket.full_at - now).div_ceil(MILLI);
        debited.full_at = bucket.full_at;
        debited.changes = bucket.changes;
    }
    debited
}

#[derive(Clone, Copy)]
struct Rate {
    per_minute: u64,
    burst: u64,
}

impl Rate {
    fn of(debit: &Debit) -> Self {
        Self { per_minute: debit.per_minute.clamp(1, MOST), burst: debit.burst.clamp(1, MOST) }
    }

    /// Microseconds in which `amount` flows in, rounded up.
    fn span(self, amount: u64) -> u64 {
        self.ticks(amount).div_ceil(self.per_minute.into()).try_into().map_or(LONGEST, |span: u64| span.min(LONGEST))
    }

    /// The same, rounded down.
    fn span_down(self, amount: u64) -> u64 {
        let span = self.ticks(amount) / u128::from(self.per_minute);
        span.try_into().map_or(LONGEST, |span: u64| span.min(LONGEST))
    }

    fn ticks(self, amount: u64) -> u128 {
        u128::from(amount.min(MOST)) * u128::from(MINUTE)
    }

    /// No bucket is full later than this.
    fn latest(self, now: u64) -> u64 {
        now.saturating_add(self.span(self.burst.max(self.per_minute).saturating_mul(MOST_DEBT)))
    }
}

impl Bucket {
    /// Where the caller knows of later changes than the store, or the store of none, it was restarted: nothing is
    /// granted again of what had been.
    fn remember(&mut self, debit: &Debit) {
        if self.changes == 0 || debit.changes > self.changes {
            self.full_at = self.full_at.max(debit.full_at);
            self.changes = self.changes.max(debit.changes);
        }
    }

    fn take(&mut self, rate: Rate, amount: u64, now: u64) {
        self.full_at = self.full_at.saturating_add(rate.span(amount)).min(rate.latest(now));
    }

    fn give_back(&mut self, rate: Rate, amount: u64, now: u64) {
        self.full_at = self.full_at.saturating_sub(rate.span_down(amount)).max(now);
    }

    fn at_most(&mut self, rate: Rate, most: Option<u64>, now: u64) {
        let missing = most.map_or(0, |most| rate.span(rate.burst.saturating_sub(most)));
        self.full_at = self.full_at.max(now.saturating_add(missing));
    }

    /// Microseconds until `need` is there.
    fn wait(self, rate: Rate, need: u64, now: u64) -> u64 {
        match need {
            0 => 0,
            need => (self.full_at + rate.span(need.min(rate.burst))).saturating_sub(rate.span(rate.burst) + now),
        }
    }

    /// What is left, whole; 0 in debt.
    fn level(self, rate: Rate, now: u64) -> u64 {
        let missing = u128::from(self.full_at - now) * u128::from(rate.per_minute);
        let missing = missing.div_ceil(MINUTE.into());
        rate.burst.saturating_sub(missing.try_into().unwrap_or(u64::MAX))
    }
}
