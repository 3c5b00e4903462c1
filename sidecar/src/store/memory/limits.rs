//! The buckets of the embedded store.

use crate::store::bucket::{self, Bucket};
use crate::store::{Debit, Debited, Unavailable};
use std::collections::HashMap;

/// Buckets that are not full: limits are few, and named in the configuration.
const MAX_BUCKETS: usize = 200_000;

#[derive(Default)]
pub(super) struct Limits {
    buckets: HashMap<String, Kept>,
    /// Full buckets go when there are so many.
    sweep_at: usize,
}

#[derive(Clone, Copy, Default)]
struct Kept {
    bucket: Bucket,
    /// The latest [`Bucket::full_at`] that was told: a caller must not tell the store of it once it is forgotten.
    until: u64,
}

impl Limits {
    pub(super) fn debit(&mut self, debits: &[Debit], now: u64) -> Result<Vec<Debited>, Unavailable> {
        let mut ids: Vec<&str> = debits.iter().map(|debit| debit.id.as_str()).collect();
        ids.sort_unstable();
        ids.dedup();
        self.make_room(ids.iter().filter(|id| !self.buckets.contains_key(**id)).count(), now)?;
        let mut buckets: Vec<Bucket> =
            ids.iter().map(|id| self.buckets.get(*id).map_or_else(Bucket::default, |kept| kept.bucket)).collect();
        let placed: Vec<(usize, &Debit)> = debits
            .iter()
            .map(|debit| (ids.binary_search(&debit.id.as_str()).expect("each is among them"), debit))
            .collect();
        let debited = bucket::debit(&mut buckets, &placed, now);
        for (id, bucket) in ids.into_iter().zip(buckets) {
            match self.buckets.get_mut(id) {
                Some(kept) => *kept = Kept { bucket, until: kept.until.max(bucket.full_at) },
                None if bucket.full_at > now => {
                    self.buckets.insert(id.to_owned(), Kept { bucket, until: bucket.full_at });
                }
                None => {}
            }
        }
        Ok(debited)
    }

    fn make_room(&mut self, more: usize, now: u64) -> Result<(), Unavailable> {
        if more == 0 || self.buckets.len() + more <= self.sweep_at {
            return Ok(());
        }
        self.buckets.retain(|_, kept| kept.until > now);
        let len = self.buckets.len() + more;
        if len > MAX_BUCKETS {
            return Err(Unavailable(format!("more than {MAX_BUCKETS} limits are in use")));
        }
        // Twice as many before the next sweep: it costs a constant for each new bucket.
        self.sweep_at = (len * 2).clamp(1_000, MAX_BUCKETS);
        Ok(())
    }
}
