//! Answers in a worker's own memory, by recency, bounded in bytes.

use crate::wire::Key;
use lru::LruCache;
use std::rc::Rc;

/// What an entry costs besides its value: the key, the list's links, the map's slot, the counts of the `Rc`.
const OVERHEAD: usize = 160;

/// No value takes more of the bound than this part of it, so that one answer does not drive out all others.
const LARGEST_PART: usize = 8;

/// The entries. Times are in milliseconds; a `now` is on the caller's clock, which only has to be the same each time.
#[derive(Debug)]
pub struct L1 {
    entries: LruCache<[u8; 32], Kept>,
    bytes: usize,
    max_bytes: usize,
    /// Of the last entry.
    serial: u64,
}

#[derive(Debug)]
struct Kept {
    value: Rc<[u8]>,
    serial: u64,
    /// How old it was when it was put.
    age: u64,
    put: u64,
    expires: u64,
}

/// An entry that may be served.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    pub value: Rc<[u8]>,
    /// No other entry has it, not even a later one of the same key.
    pub serial: u64,
    /// Since the answer was made.
    pub age: u64,
    /// For which it may still be served; never 0.
    pub left: u64,
}

impl L1 {
    /// A cache of at most `max_bytes`, overhead included; 0 keeps nothing.
    pub fn new(max_bytes: usize) -> Self {
        Self { entries: LruCache::unbounded(), bytes: 0, max_bytes, serial: 0 }
    }

    /// The entry of `key`, which is then the last to go. One that has expired is dropped.
    pub fn get(&mut self, key: &Key, now: u64) -> Option<Hit> {
        let kept = self.entries.get(&**key)?;
        let left = kept.expires.saturating_sub(now);
        if left == 0 {
            self.remove(key);
            return None;
        }
        let age = kept.age.saturating_add(now.saturating_sub(kept.put));
        Some(Hit { value: kept.value.clone(), serial: kept.serial, age, left })
    }

    /// Keeps a value in place of the key's last one, `age` old and to be served for `left`; those that were not used for
    /// longest go for it. A value that is too large, or of which nothing is left, is not taken, and the last one goes.
    pub fn put(&mut self, key: Key, value: Rc<[u8]>, age: u64, left: u64, now: u64) {
        self.remove(&key);
        let weight = weight(&value);
        if left == 0 || weight > self.max_bytes.checked_div(LARGEST_PART).unwrap_or(0) {
            return;
        }
        while self.bytes.saturating_add(weight) > self.max_bytes
            && let Some((_, oldest)) = self.entries.pop_lru()
        {
            self.bytes = self.bytes.saturating_sub(self::weight(&oldest.value));
        }
        self.bytes = self.bytes.saturating_add(weight);
        self.serial = self.serial.wrapping_add(1);
        let kept = Kept { value, serial: self.serial, age, put: now, expires: now.saturating_add(left) };
        self.entries.push(*key, kept);
    }

    /// What is held, overhead included.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    fn remove(&mut self, key: &Key) {
        if let Some(kept) = self.entries.pop(&**key) {
            self.bytes = self.bytes.saturating_sub(weight(&kept.value));
        }
    }
}

fn weight(value: &[u8]) -> usize {
    value.len().saturating_add(OVERHEAD)
}
