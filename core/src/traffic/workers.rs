//! Which workers live: a VM that traps takes its requests with it, and nobody else can give their slots back.

use serde::{Deserialize, Serialize};

/// Each worker says this often that it lives, in milliseconds.
pub(super) const HEARTBEAT: u64 = 1_000;
/// One that has been silent for so long, in milliseconds, is gone.
const GONE: u64 = 10_000;

/// When each worker was last heard of, in milliseconds since 1970.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Workers(Vec<(u64, u64)>);

impl Workers {
    /// `worker` lives. Those that do not any more are taken off the list and returned.
    pub(super) fn beat(&mut self, worker: u64, now: u64) -> Vec<u64> {
        self.0.retain(|(have, _)| *have != worker);
        let is_gone = |(_, seen): &(u64, u64)| now.saturating_sub(*seen) > GONE;
        let gone = self.0.iter().filter(|entry| is_gone(entry)).map(|(worker, _)| *worker).collect();
        self.0.retain(|entry| !is_gone(entry));
        self.0.push((worker, now));
        gone
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn who_is_silent_for_ten_seconds_is_gone_once() {
        let mut workers = Workers::default();
        assert!(workers.beat(1, 0).is_empty() && workers.beat(2, 5_000).is_empty());
        assert!(workers.beat(2, 10_000).is_empty());
        assert_eq!(workers.beat(2, 10_001), [1]);
        assert!(workers.beat(2, 10_002).is_empty());
        assert!(workers.beat(1, 10_003).is_empty(), "it may come back");
    }
}
