//! Percentiles from a histogram's buckets, as Prometheus' `histogram_quantile` computes them: the page and a
//! dashboard show the same number.

/// A bucket: its upper bound (the last one's is infinite), and how many values are at or below it.
pub(super) type Bucket = (f64, f64);

/// The value below which the part `part` (0 to 1) of all values is, taken as evenly spread within a bucket. `buckets` in
/// the order of their bounds. Beyond the largest finite bound nothing is known but that: it is the answer then. None:
/// there is no value.
pub(super) fn quantile(buckets: &[Bucket], part: f64) -> Option<f64> {
    let all = buckets.last()?.1;
    if all <= 0.0 {
        return None;
    }
    let rank = part * all;
    let place = buckets.iter().position(|(_, count)| *count >= rank)?;
    let (bound, count) = *buckets.get(place)?;
    let (below, before) = place.checked_sub(1).and_then(|place| buckets.get(place)).copied().unwrap_or_default();
    if bound.is_infinite() {
        return Some(below);
    }
    let within = count - before;
    if within <= 0.0 { Some(bound) } else { Some(below + (bound - below) * (rank - before) / within) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INFINITE: f64 = f64::INFINITY;

    #[test]
    fn values_are_evenly_spread_within_a_bucket() {
        let buckets = [(10.0, 0.0), (20.0, 50.0), (40.0, 100.0), (INFINITE, 100.0)];
        for (part, expected) in [(0.25, 15.0), (0.5, 20.0), (0.75, 30.0), (0.95, 38.0), (1.0, 40.0)] {
            assert_eq!(quantile(&buckets, part), Some(expected), "{part}");
        }
        assert_eq!(quantile(&[(1.0, 10.0), (INFINITE, 10.0)], 0.5), Some(0.5), "the first bucket begins at nothing");
    }

    #[test]
    fn beyond_the_last_bound_only_that_is_known() {
        let buckets = [(10.0, 1.0), (20.0, 1.0), (INFINITE, 100.0)];
        assert_eq!(quantile(&buckets, 0.5), Some(20.0));
        assert_eq!(quantile(&[(INFINITE, 3.0)], 0.5), Some(0.0));
    }

    #[test]
    fn nothing_has_no_percentile() {
        assert_eq!(quantile(&[], 0.5), None);
        assert_eq!(quantile(&[(1.0, 0.0), (INFINITE, 0.0)], 0.99), None);
    }

    #[test]
    fn no_buckets_make_it_leave_their_bounds() {
        // Differences of two samples of an Envoy that counts meanwhile need not grow from bucket to bucket.
        for buckets in [[(1.0, 5.0), (2.0, 3.0), (INFINITE, 4.0)], [(1.0, 0.0), (2.0, -1.0), (INFINITE, 1.0)]] {
            for part in [0.0, 0.5, 0.95, 1.0] {
                let value = quantile(&buckets, part).expect("a value");
                assert!((0.0..=2.0).contains(&value), "{buckets:?} {part}: {value}");
            }
        }
    }
}
