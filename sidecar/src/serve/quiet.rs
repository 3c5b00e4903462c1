//! What would be in the log with every call is there once a minute: one line for each kind of trouble.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Between two lines about the same.
const QUIET: Duration = Duration::from_secs(60);

/// When each kind was last told. Kinds are literals, so there are few.
#[derive(Default)]
pub(super) struct Quiet(Mutex<HashMap<&'static str, Instant>>);

impl Quiet {
    /// Whether this may be told now, and so was.
    pub(super) fn tells(&self, kind: &'static str) -> bool {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let may = told.get(kind).is_none_or(|before| now.duration_since(*before) >= QUIET);
        if may {
            told.insert(kind, now);
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_kind_is_told_once_a_minute() {
        let quiet = Quiet::default();
        assert_eq!(
            [quiet.tells("a"), quiet.tells("a"), quiet.tells("b"), quiet.tells("b")],
            [true, false, true, false]
        );
        tokio::time::advance(QUIET - Duration::from_millis(1)).await;
        assert!(!quiet.tells("a"));
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(quiet.tells("a"));
    }
}
