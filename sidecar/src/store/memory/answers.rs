//! Cached answers, and who is about to bring one, in the embedded store: in shards, each behind a lock of its own that
//! is held for a few hundred nanoseconds.

use super::{clock, lock};
use crate::store::{CacheKey, Held, LEAD_MILLIS, Lookup, Unavailable};
use bytes::Bytes;
use lru::LruCache;
use std::collections::HashMap;
use std::hash::RandomState;
use std::sync::Mutex;

/// A shard is worth its while from so many bytes, so that a large answer still fits.
const SHARD_BYTES: usize = 8 << 20;
const MAX_SHARDS: usize = 16;
/// What an answer costs besides its bytes: the node (112), its place in the table when that has just grown (39), what
/// `Bytes` counts its users with (32), and what the allocator adds to the value (16);
/// measured by `a_million_answers_stay_within_the_bound`.
const OVERHEAD: usize = 208;
/// Answers at the old end that a put looks at, and drops if their time is over.
const SWEPT: usize = 4;
/// Leads of a shard: one for each cacheable request in flight.
const MAX_LEADS: usize = 100_000;

pub(super) struct Answers {
    shards: Vec<Mutex<Shard>>,
    /// Of each shard.
    max_bytes: usize,
}

struct Shard {
    answers: LruCache<CacheKey, Answer, RandomState>,
    bytes: usize,
    leads: HashMap<CacheKey, Lead>,
    /// Dead leads go when there are so many.
    sweep_at: usize,
}

/// Times are in microseconds.
struct Answer {
    value: Bytes,
    put_at: u64,
    until: u64,
}

#[derive(Clone, Copy)]
struct Lead {
    token: u64,
    until: u64,
}

impl Answers {
    pub(super) fn new(max_bytes: usize) -> Self {
        let shards = (max_bytes / SHARD_BYTES).clamp(1, MAX_SHARDS);
        let shard = || Shard {
            answers: LruCache::unbounded_with_hasher(RandomState::new()),
            bytes: 0,
            leads: HashMap::new(),
            sweep_at: 0,
        };
        Self { shards: (0..shards).map(|_| Mutex::new(shard())).collect(), max_bytes: max_bytes / shards }
    }

    pub(super) fn lookup(&self, key: CacheKey, token: u64, leads: bool, now: u64) -> Result<Lookup, Unavailable> {
        let mut shard = lock(self.shard(&key));
        if let Some(hit) = shard.hit(&key, now) {
            return Ok(hit);
        }
        if !leads {
            return Ok(Lookup::Miss);
        }
        if shard.leads.get(&key).is_some_and(|lead| lead.until > now && lead.token != token) {
            return Ok(Lookup::Follow);
        }
        shard.make_room_for_a_lead(now)?;
        shard.leads.insert(key, Lead { token, until: clock::after(now, LEAD_MILLIS) });
        Ok(Lookup::Lead)
    }

    pub(super) fn put(&self, key: CacheKey, value: &[u8], ttl: u64, now: u64) {
        // A copy: what comes may be a part of something larger, which it would keep alive.
        let answer = Answer { value: Bytes::copy_from_slice(value), put_at: now, until: clock::after(now, ttl) };
        let dropped = lock(self.shard(&key)).put(key, answer, self.max_bytes, now);
        // Freed here, where nobody waits for the lock.
        drop(dropped);
    }

    pub(super) fn release(&self, key: CacheKey, token: u64) {
        let mut shard = lock(self.shard(&key));
        if shard.leads.get(&key).is_some_and(|lead| lead.token == token) {
            shard.leads.remove(&key);
        }
    }

    pub(super) fn hold(&self, key: CacheKey, token: u64, now: u64) {
        let mut shard = lock(self.shard(&key));
        if let Some(lead) = shard.leads.get_mut(&key).filter(|lead| lead.token == token && lead.until > now) {
            lead.until = clock::after(now, LEAD_MILLIS);
        }
    }

    pub(super) fn held(&self) -> Held {
        self.shards.iter().fold(Held::default(), |held, shard| {
            let shard = lock(shard);
            Held { answers: held.answers + shard.answers.len(), bytes: held.bytes + shard.bytes }
        })
    }

    fn shard(&self, key: &CacheKey) -> &Mutex<Shard> {
        &self.shards[usize::from(key[0]) % self.shards.len()]
    }
}

impl Shard {
    fn hit(&mut self, key: &CacheKey, now: u64) -> Option<Lookup> {
        let Answer { value, put_at, until } = self.answers.get(key)?;
        if *until <= now {
            self.forget(key);
            return None;
        }
        Some(Lookup::Hit { value: value.clone(), age: (now - put_at) / 1_000, left: (until - now).div_ceil(1_000) })
    }

    /// What has to go for it.
    fn put(&mut self, key: CacheKey, answer: Answer, max_bytes: usize, now: u64) -> Vec<Answer> {
        self.leads.remove(&key);
        let mut dropped: Vec<Answer> = self.forget(&key).into_iter().collect();
        let more = cost(&answer);
        if answer.until <= now || more > max_bytes {
            dropped.push(answer);
            return dropped;
        }
        let mut swept = 0;
        while let Some((oldest, answer)) = self.answers.peek_lru() {
            let expired = answer.until <= now && swept < SWEPT;
            if !expired && self.bytes + more <= max_bytes {
                break;
            }
            swept += 1;
            let oldest = *oldest;
            dropped.extend(self.forget(&oldest));
        }
        self.bytes += more;
        self.answers.put(key, answer);
        dropped
    }

    fn forget(&mut self, key: &CacheKey) -> Option<Answer> {
        let answer = self.answers.pop(key)?;
        self.bytes -= cost(&answer);
        Some(answer)
    }

    fn make_room_for_a_lead(&mut self, now: u64) -> Result<(), Unavailable> {
        if self.leads.len() < self.sweep_at {
            return Ok(());
        }
        self.leads.retain(|_, lead| lead.until > now);
        if self.leads.len() >= MAX_LEADS {
            return Err(Unavailable(format!("more than {MAX_LEADS} requests lead")));
        }
        // Twice as many before the next sweep: it costs a constant for each new lead.
        self.sweep_at = (self.leads.len() * 2).clamp(100, MAX_LEADS);
        Ok(())
    }
}

fn cost(answer: &Answer) -> usize {
    answer.value.len() + OVERHEAD
}
