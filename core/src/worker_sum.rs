//! A number that each worker knows for itself, added up over those that live: a gauge is one for all workers of an Envoy,
//! so the last to set it would show its own part as if it were the whole.

use crate::shared::{self, Change, SharedData};
use serde::{Deserialize, Serialize};
use std::rc::Rc;

/// Whoever has been silent for so long, in milliseconds, is gone, and what it had with it.
const GONE: u64 = 10_000;

/// Worker, its number, and when it said so in milliseconds since 1970.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Parts(Vec<(u64, u64, u64)>);

/// One such number.
pub(crate) struct WorkerSum {
    shared: Rc<dyn SharedData>,
    key: &'static str,
    worker: u64,
}

impl WorkerSum {
    /// Kept under `key`. To be called when the configuration is read.
    pub(crate) fn new(shared: Rc<dyn SharedData>, key: &'static str, worker: u64) -> Self {
        shared::create::<Parts>(shared.as_ref(), key);
        Self { shared, key, worker }
    }

    /// Says this worker's part, which is to be repeated each second, and returns the sum. None: other workers were faster
    /// too often.
    pub(crate) fn tell(&self, part: u64, now: u64) -> Option<u64> {
        shared::update(self.shared.as_ref(), self.key, |Parts(parts): &mut Parts| {
            parts.retain(|(worker, _, seen)| *worker != self.worker && now.saturating_sub(*seen) <= GONE);
            parts.push((self.worker, part, now));
            Change::Write(parts.iter().fold(0, |sum: u64, (_, part, _)| sum.saturating_add(*part)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::Local;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn the_sum_is_over_the_workers_that_live() {
        let shared: Rc<dyn SharedData> = Rc::new(Local::default());
        let [a, b] = [1, 2].map(|worker| WorkerSum::new(shared.clone(), "k", worker));
        assert_eq!(a.tell(10, 0), Some(10));
        assert_eq!(b.tell(5, 1_000), Some(15));
        assert_eq!(a.tell(3, 2_000), Some(8), "its part is another now");
        assert_eq!(a.tell(3, 11_000), Some(8));
        assert_eq!(a.tell(3, 11_001), Some(3), "the other is gone");
        assert_eq!(b.tell(0, 11_002), Some(3), "and comes back with nothing");
    }
}
