//! Which reports have been counted: a worker tells each until it hears that, and the answer may be lost.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use weir_core::wire::Report;

/// Workers that are remembered; each Envoy has as many as it has threads.
const MOST: usize = 4_096;
/// A worker tells once a second: one that is silent for so long is gone.
const GONE: Duration = Duration::from_secs(600);

/// The number of each worker's last report, and when it told it.
#[derive(Debug, Default)]
pub(super) struct Once(Mutex<HashMap<u64, (u64, Instant)>>);

impl Once {
    /// Those of the reports that have not been counted, and are to be now.
    pub(super) fn take<'r>(
        &self,
        worker: u64,
        reports: &'r [Report],
        now: Instant,
    ) -> impl Iterator<Item = &'r Report> {
        let before = self.count(worker, reports.iter().map(|report| report.number).max().unwrap_or(0), now);
        reports.iter().filter(move |report| report.number > before)
    }

    fn count(&self, worker: u64, last: u64, now: Instant) -> u64 {
        let mut workers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if workers.len() >= MOST && !workers.contains_key(&worker) {
            workers.retain(|_, (_, told)| now.duration_since(*told) < GONE);
        }
        if workers.len() >= MOST
            && let Some(oldest) = workers.iter().min_by_key(|(_, (_, told))| *told).map(|(worker, _)| *worker)
            && !workers.contains_key(&worker)
        {
            workers.remove(&oldest);
        }
        let known = workers.entry(worker).or_insert((0, now));
        let before = known.0;
        *known = (before.max(last), now);
        before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(once: &Once, worker: u64, numbers: std::ops::RangeInclusive<u64>, now: Instant) -> Vec<u64> {
        let reports: Vec<Report> = numbers.map(|number| Report { number, ..Report::default() }).collect();
        once.take(worker, &reports, now).map(|report| report.number).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn each_report_of_a_worker_is_counted_once() {
        let (once, now) = (Once::default(), Instant::now());
        assert_eq!(told(&once, 1, 1..=3, now), [1, 2, 3]);
        assert_eq!(told(&once, 1, 1..=3, now), [0; 0]);
        assert_eq!(told(&once, 1, 2..=5, now), [4, 5]);
        assert_eq!(told(&once, 1, 1..=2, now), [0; 0], "an old message that comes late");
        assert_eq!(told(&once, 2, 1..=2, now), [1, 2], "another worker counts for itself");
        assert_eq!(told(&once, 1, 8..=8, now), [8], "the worker has lost some");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_remembered_is_bounded() {
        let (once, begun) = (Once::default(), Instant::now());
        for worker in 0..10_000 {
            told(&once, worker, 1..=1, begun + Duration::from_millis(worker));
        }
        assert_eq!(once.0.lock().unwrap().len(), MOST);
        let later = begun + Duration::from_secs(11);
        assert_eq!(told(&once, 9_999, 1..=1, later), [0; 0], "those that told last are known");
        told(&once, 10_000, 1..=1, later + GONE);
        assert_eq!(once.0.lock().unwrap().len(), 1);
    }
}
