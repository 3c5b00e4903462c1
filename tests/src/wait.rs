//! Waiting: for what another process does in its own time, and for one's turn.

use std::time::{Duration, Instant};
use tokio::sync::{Mutex, MutexGuard};
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

/// Tests of one binary that hold this run one after another: they measure times, and would measure each other.
pub async fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::const_new(());
    ALONE.lock().await
}
