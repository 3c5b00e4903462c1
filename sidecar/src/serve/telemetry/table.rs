//! The numbers, by metric and attributes: one place, from which `/metrics` and the collector are told the same.

use super::instrument::{Metric, Shape};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Of a metric or a span, in the order in which they are written.
pub(super) type Attributes = Vec<(&'static str, Value)>;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Value {
    Text(Arc<str>),
    Int(i64),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

/// Since the sidecar started.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Numbers {
    /// Of a histogram, its observations.
    pub(super) count: u64,
    pub(super) sum: f64,
    /// Of a histogram: observations in each bucket alone, the one without a bound last.
    pub(super) buckets: Vec<u64>,
}

#[derive(Debug, Default)]
pub(super) struct Table(Mutex<BTreeMap<Metric, BTreeMap<Attributes, Numbers>>>);

impl Table {
    /// One observation, or what a counter grows by.
    pub(super) fn add(&self, metric: Metric, attributes: Attributes, value: f64) {
        match metric.shape() {
            Shape::Counter => self.entry(metric, attributes, |numbers| numbers.sum += value),
            Shape::Histogram(bounds) => {
                let mut buckets = vec![0; bounds.iter().take_while(|bound| **bound < value).count()];
                buckets.push(1);
                self.merge(metric, attributes, &buckets, value);
            }
        }
    }

    /// Observations that are counted already: `buckets` from the first on, those left out are empty.
    pub(super) fn merge(&self, metric: Metric, attributes: Attributes, buckets: &[u64], sum: f64) {
        let Shape::Histogram(bounds) = metric.shape() else { return };
        self.entry(metric, attributes, |numbers| {
            numbers.buckets.resize(bounds.len() + 1, 0);
            for (bucket, count) in numbers.buckets.iter_mut().zip(buckets) {
                *bucket = bucket.saturating_add(*count);
                numbers.count = numbers.count.saturating_add(*count);
            }
            numbers.sum += sum;
        });
    }

    /// A series from the beginning on, so that its first observation is an increase to whoever reads it.
    pub(super) fn begin(&self, metric: Metric, attributes: Attributes) {
        self.merge(metric, attributes, &[], 0.0);
    }

    /// All of it now.
    pub(super) fn read(&self) -> BTreeMap<Metric, BTreeMap<Attributes, Numbers>> {
        self.lock().clone()
    }

    fn entry(&self, metric: Metric, attributes: Attributes, change: impl FnOnce(&mut Numbers)) {
        change(self.lock().entry(metric).or_default().entry(attributes).or_default());
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Metric, BTreeMap<Attributes, Numbers>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(table: &Table, metric: Metric) -> Numbers {
        table.read()[&metric][&Attributes::new()].clone()
    }

    #[test]
    fn a_bucket_holds_what_is_not_above_its_bound() {
        let table = Table::default();
        for value in [0.0, 0.01, 0.011, 81.92, 82.0] {
            table.add(Metric::OperationDuration, Attributes::new(), value);
        }
        let Numbers { count, sum, buckets } = numbers(&table, Metric::OperationDuration);
        assert_eq!((count, sum), (5, 163.941));
        let mut expected = vec![0; 15];
        (expected[0], expected[1], expected[13], expected[14]) = (2, 1, 1, 1);
        assert_eq!(buckets, expected);
    }

    #[test]
    fn what_is_counted_already_is_added_bucket_by_bucket() {
        let table = Table::default();
        table.merge(Metric::TimePerOutputChunk, Attributes::new(), &[3, 0, 1], 0.1);
        table.merge(Metric::TimePerOutputChunk, Attributes::new(), &[1], 0.0);
        table.merge(Metric::TimePerOutputChunk, Attributes::new(), &[0; 99], 0.0);
        let Numbers { count, sum, buckets } = numbers(&table, Metric::TimePerOutputChunk);
        assert_eq!((count, sum, buckets.len(), &buckets[..3]), (5, 0.1, 15, &[4, 0, 1][..]));
    }

    #[test]
    fn a_counter_has_no_buckets() {
        let table = Table::default();
        table.add(Metric::InputTokens, Attributes::new(), 7.0);
        table.add(Metric::InputTokens, Attributes::new(), 5.0);
        assert_eq!(numbers(&table, Metric::InputTokens), Numbers { sum: 12.0, ..Numbers::default() });
    }
}
