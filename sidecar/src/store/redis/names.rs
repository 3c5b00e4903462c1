//! Under which keys things lie. What is in braces decides the slot: all keys of one script have the same.

use crate::store::CacheKey;
use std::fmt::Write;

/// Of the keys and of what they hold.
const VERSION: &str = "1";

pub(super) struct Names {
    prefix: String,
}

impl Names {
    pub(super) fn new(prefix: &str) -> Self {
        Self { prefix: format!("{prefix}:{VERSION}:") }
    }

    /// An answer, and who leads to it.
    pub(super) fn answer(&self, key: &CacheKey) -> (String, String) {
        let tag = key.iter().fold(String::with_capacity(64), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        });
        (format!("{}{{{tag}}}:answer", self.prefix), self.lead(&tag))
    }

    fn lead(&self, tag: &str) -> String {
        format!("{}{{{tag}}}:lead", self.prefix)
    }

    pub(super) fn bucket(&self, id: &str) -> String {
        format!("{}{{quota}}:{id}", self.prefix)
    }

    /// Of `worker:7`, `days`, `day:2026-11-26`, `spent:2026-11`.
    pub(super) fn usage(&self, what: impl std::fmt::Display) -> String {
        format!("{}{{usage}}:{what}", self.prefix)
    }

    /// The API keys, and their version.
    pub(super) fn keys(&self) -> (String, String) {
        (format!("{}{{keys}}:all", self.prefix), format!("{}{{keys}}:version", self.prefix))
    }

    pub(super) fn envoys(&self) -> String {
        format!("{}{{envoys}}", self.prefix)
    }

    pub(super) fn ping(&self) -> String {
        format!("{}ping", self.prefix)
    }
}
