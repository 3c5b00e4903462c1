//! Waiting for what another process does in its own time.

use std::time::{Duration, Instant};
use tokio::time::sleep;

/// Asks until `probe` answers, and gives that answer and how long it took.
///
/// # Panics
/// If nothing came within `patience`; `what` says what was waited for.
pub async fn eventually<T>(what: &str, patience: Duration, mut probe: impl FnMut() -> Option<T>) -> (T, Duration) {
    let begun = Instant::now();
    loop {
        if let Some(found) = probe() {
            return (found, begun.elapsed());
        }
        assert!(begun.elapsed() < patience, "not within {patience:?}: {what}");
        sleep(Duration::from_millis(5)).await;
    }
}
