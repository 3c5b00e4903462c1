//! When the chunks of a stream come, as a histogram: what OpenTelemetry asks for is the time between each two.

use crate::wire::GAPS;

/// Of one attempt. Only chunks with content count.
#[derive(Debug, Default)]
pub(in crate::exchange) struct Pace {
    chunks: u64,
    /// When the first and the latest came, in milliseconds since 1970.
    times: Option<(u64, u64)>,
    /// How many times between two fell into each bucket.
    gaps: [u64; GAPS.len() + 1],
}

impl Pace {
    /// There are so many chunks now. Those that came together have no time between them.
    pub(super) fn came(&mut self, chunks: u64, now: u64) {
        let new = chunks.saturating_sub(self.chunks);
        if new == 0 {
            return;
        }
        self.chunks = chunks;
        let mut together = new.saturating_sub(1);
        match &mut self.times {
            None => self.times = Some((now, now)),
            Some((_, latest)) => {
                let gap = now.saturating_sub(*latest);
                *latest = now.max(*latest);
                if gap == 0 {
                    together = new;
                } else {
                    self.add(gap, 1);
                }
            }
        }
        self.add(0, together);
    }

    fn add(&mut self, gap: u64, count: u64) {
        let bucket = GAPS.iter().position(|bound| gap <= *bound).unwrap_or(GAPS.len());
        if let Some(bucket) = self.gaps.get_mut(bucket) {
            *bucket = bucket.saturating_add(count);
        }
    }

    /// When the first came.
    pub(in crate::exchange) fn first(&self) -> Option<u64> {
        self.times.map(|(first, _)| first)
    }

    /// The buckets but for empty ones at the end, and the sum of what is in them, in milliseconds.
    pub(in crate::exchange) fn take(&mut self) -> (Vec<u64>, u64) {
        let gaps = std::mem::take(&mut self.gaps);
        let used = gaps.iter().rposition(|count| *count > 0).map_or(0, |last| last.saturating_add(1));
        let sum = self.times.map_or(0, |(first, latest)| latest.saturating_sub(first));
        (gaps.get(..used).unwrap_or_default().to_vec(), sum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn each_time_between_two_chunks_is_counted() {
        let mut pace = Pace::default();
        assert_eq!((pace.first(), pace.take()), (None, (vec![], 0)));
        for (chunks, at) in [(0, 5), (1, 100), (1, 105), (2, 110), (5, 121), (5, 900), (6, 100_121), (7, 100_121)] {
            pace.came(chunks, at);
        }
        assert_eq!(pace.first(), Some(100));
        let (gaps, sum) = pace.take();
        assert_eq!((gaps.iter().sum::<u64>(), sum), (6, 100_021));
        let mut expected = vec![0; GAPS.len() + 1];
        // 10 ms is within 10 ms; two came with another; the last came at once.
        (expected[0], expected[1], expected[GAPS.len()]) = (4, 1, 1);
        assert_eq!(gaps, expected);
    }

    #[test]
    fn a_clock_that_goes_back_makes_no_time() {
        let mut pace = Pace::default();
        for (chunks, at) in [(1, 100), (2, 50), (3, 100)] {
            pace.came(chunks, at);
        }
        assert_eq!(pace.take(), (vec![2], 0));
    }
}
