//! The store's clock: that of the system when it began, and from there on one that is never set back, and that tests
//! can move (`tokio::time::pause`).

use std::time::{SystemTime, UNIX_EPOCH};
use tokio::time::Instant;

pub(super) struct Clock {
    began: Instant,
    /// Microseconds since 1970.
    at: u64,
}

impl Clock {
    pub(super) fn start() -> Self {
        let at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros();
        Self { began: Instant::now(), at: at.try_into().unwrap_or(u64::MAX) }
    }

    /// Microseconds since 1970.
    pub(super) fn micros(&self) -> u64 {
        self.at.saturating_add(self.began.elapsed().as_micros().try_into().unwrap_or(u64::MAX))
    }
}

/// `millis` milliseconds after `now`, in microseconds.
pub(super) fn after(now: u64, millis: u64) -> u64 {
    now.saturating_add(millis.saturating_mul(1_000))
}
