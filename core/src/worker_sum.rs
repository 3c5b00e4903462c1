//! A number that each worker knows for itself, over all that live: a gauge is one for all workers of an Envoy, so the last
//! to set it would show its own part as if it were the whole.

use crate::shared::{self, Change, SharedData};
use serde::{Deserialize, Serialize};
use std::rc::Rc;

/// Whoever has been silent for so long, in milliseconds, is gone, and what it had with it.
const GONE: u64 = 10_000;

/// Worker, its number, and when it said so in milliseconds since 1970.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Parts(Vec<(u64, u64, u64)>);

/// What the parts of all workers come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Over {
    pub(crate) sum: u64,
    pub(crate) largest: u64,
}

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

    /// Says this worker's part, which is to be repeated each second, and returns what all have. None: other workers were
    /// faster too often.
    pub(crate) fn tell(&self, part: u64, now: u64) -> Option<Over> {
        shared::update(self.shared.as_ref(), self.key, |Parts(parts): &mut Parts| {
            parts.retain(|(worker, _, seen)| *worker != self.worker && now.saturating_sub(*seen) <= GONE);
            parts.push((self.worker, part, now));
            let parts = parts.iter().map(|(_, part, _)| *part);
            let sum = parts.clone().fold(0, u64::saturating_add);
            Change::Write(Over { sum, largest: parts.max().unwrap_or(0) })
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
        let over = |sum, largest| Some(Over { sum, largest });
        assert_eq!(a.tell(10, 0), over(10, 10));
        assert_eq!(b.tell(5, 1_000), over(15, 10));
        assert_eq!(a.tell(3, 2_000), over(8, 5), "its part is another now");
        assert_eq!(a.tell(3, 11_000), over(8, 5));
        assert_eq!(a.tell(3, 11_001), over(3, 3), "the other is gone");
        assert_eq!(b.tell(0, 11_002), over(3, 3), "and comes back with nothing");
    }
}
