//! What all Envoys count together.

use super::exposition::Series;
use super::quantile::quantile;
use super::samples::{MINUTE, SHORT, Samples, Span};
use super::view::{Count, Percentiles};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Of these the largest counts, as any one Envoy sees it; everything else is summed.
const LARGEST: [&str; 6] = [
    "weir_budget_percent",
    "weir_budget_warning",
    "weir_cooldown",
    "weir_oldest_wait_ms",
    "weir_sidecar_outage",
    "weir_vm_memory_bytes",
];

/// Every series by its name.
#[derive(Default)]
pub(super) struct Board {
    rows: HashMap<String, Vec<Row>>,
    /// Seconds that rates are of, and that what is of the last minute is of; the longest of all Envoys, 0 if there is
    /// nothing to compare with.
    pub(super) rate_seconds: f64,
    pub(super) minute_seconds: f64,
}

struct Row {
    series: Arc<Series>,
    count: Count,
}

impl Board {
    pub(super) fn of<'a>(envoys: impl Iterator<Item = &'a Samples>) -> Self {
        let mut counts: HashMap<&Arc<Series>, Count> = HashMap::new();
        let (mut rate_seconds, mut minute_seconds) = (0.0_f64, 0.0_f64);
        for samples in envoys {
            for reading in samples.readings() {
                let count = counts.entry(reading.series).or_default();
                let is_largest = LARGEST.contains(&reading.series.name.as_str());
                count.total = if is_largest { count.total.max(reading.value) } else { count.total + reading.value };
                count.rate += reading.rate;
                count.minute += reading.minute;
            }
            rate_seconds = rate_seconds.max(samples.span(SHORT).map_or(0.0, Span::seconds));
            minute_seconds = minute_seconds.max(samples.span(MINUTE).map_or(0.0, Span::seconds));
        }
        let mut rows: HashMap<String, Vec<Row>> = HashMap::new();
        for (series, count) in counts {
            rows.entry(series.name.clone()).or_default().push(Row { series: series.clone(), count });
        }
        Self { rows, rate_seconds, minute_seconds }
    }

    fn rows<'a>(&'a self, name: &str, labels: &[(&str, &str)]) -> impl Iterator<Item = &'a Row> {
        let carries = |row: &&Row| labels.iter().all(|(label, value)| row.series.label(label) == *value);
        self.rows.get(name).into_iter().flatten().filter(carries)
    }

    /// The sum over the series of that name that carry these labels, whatever others they carry.
    pub(super) fn count(&self, name: &str, labels: &[(&str, &str)]) -> Count {
        self.rows(name, labels).fold(Count::default(), |sum, row| sum + row.count)
    }

    /// Of a gauge, or of one that is not there, 0.
    pub(super) fn gauge(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.count(name, labels).total
    }

    /// The same, or None where there is no such series.
    pub(super) fn find(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        self.rows(name, labels).next().map(|_| self.gauge(name, labels))
    }

    /// The same sums for each value that a label has, by that value.
    pub(super) fn by<'a>(&'a self, name: &str, labels: &[(&str, &str)], label: &str) -> BTreeMap<&'a str, Count> {
        let mut sums: BTreeMap<&str, Count> = BTreeMap::new();
        for row in self.rows(name, labels) {
            let sum = sums.entry(row.series.label(label)).or_default();
            *sum = *sum + row.count;
        }
        sums
    }

    /// Of a histogram: since the start, and of the last minute.
    pub(super) fn percentiles(&self, name: &str, labels: &[(&str, &str)]) -> [Percentiles; 2] {
        let buckets = format!("{name}_bucket");
        let mut by_bound: Vec<(f64, Count)> = Vec::new();
        for row in self.rows(&buckets, labels) {
            let Ok(bound) = row.series.label("le").parse::<f64>() else { continue };
            match by_bound.iter_mut().find(|(have, _)| *have == bound) {
                Some((_, sum)) => *sum = *sum + row.count,
                None => by_bound.push((bound, row.count)),
            }
        }
        by_bound.sort_by(|a, b| a.0.total_cmp(&b.0));
        [|count: &Count| count.total, |count: &Count| count.minute].map(|of| {
            let buckets: Vec<_> = by_bound.iter().map(|(bound, count)| (*bound, of(count))).collect();
            let [p50, p95, p99] = [0.5, 0.95, 0.99].map(|part| quantile(&buckets, part));
            Percentiles { count: buckets.last().map_or(0.0, |(_, count)| *count), p50, p95, p99 }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::time::Instant;

    const BEFORE: &str = include_str!("tests/before.txt");
    const AFTER: &str = include_str!("tests/after.txt");

    /// So many Envoys that counted the same in ten seconds.
    fn board(envoys: usize) -> Board {
        let begun = Instant::now();
        let envoy = || {
            let mut samples = Samples::default();
            samples.add(begun, BEFORE);
            samples.add(begun + Duration::from_secs(10), AFTER);
            samples
        };
        let envoys: Vec<_> = std::iter::repeat_with(envoy).take(envoys).collect();
        Board::of(envoys.iter())
    }

    #[test]
    fn counters_and_what_is_under_way_are_summed_and_states_are_the_worst() {
        let (one, two) = (board(1), board(2));
        let ok = [("outcome", "ok")];
        assert_eq!(one.count("weir_requests", &ok), Count { total: 198.0, rate: 9.3, minute: 93.0 });
        assert_eq!(two.count("weir_requests", &ok), Count { total: 396.0, rate: 18.6, minute: 186.0 });
        assert_eq!(one.gauge("weir_budget_percent", &[]), 6.0);
        assert_eq!(two.gauge("weir_budget_percent", &[]), 6.0);
        assert_eq!((two.gauge("weir_nothing", &[]), two.find("weir_nothing", &[])), (0.0, None));
        assert_eq!((two.rate_seconds, two.minute_seconds), (10.0, 10.0));
    }

    #[test]
    fn sums_are_by_the_values_of_a_label() {
        let board = board(1);
        let by = board.by("weir_attempts", &[("provider", "openai")], "result");
        let totals: Vec<_> = by.iter().map(|(result, count)| (*result, count.total)).collect();
        assert_eq!(totals, [("ok", 30.0), ("rate_limited", 1.0), ("server_error", 10.0)]);
    }

    #[test]
    fn percentiles_are_within_the_bucket_that_envoy_counted_in() {
        let board = board(1);
        let [ever, minute] = board.percentiles("weir_first_token_ms", &[("provider", "claude")]);
        // Of 90 values 63 are at most 1 ms, 85 at most 5 ms and all at most 10 ms; of the minute's 42 31, 39 and all.
        assert_eq!((ever.count, minute.count), (90.0, 42.0));
        let micros = |of: Percentiles| [of.p50, of.p95, of.p99].map(|ms| ms.map(|ms| (ms * 1e3).round()));
        assert_eq!(micros(ever), [Some(714.0), Some(5_500.0), Some(9_100.0)]);
        assert_eq!(micros(minute), [Some(677.0), Some(6_500.0), Some(9_300.0)]);
        let [none, _] = board.percentiles("weir_first_token_ms", &[("provider", "gemini")]);
        assert_eq!(none, Percentiles::default());
    }
}
