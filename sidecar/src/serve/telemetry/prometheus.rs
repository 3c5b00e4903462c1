//! The same numbers on `/metrics`, by the names that OpenTelemetry's rules give them there.
//! <https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/>

use super::count::GenAi;
use super::environment::Pairs;
use super::instrument::{Metric, Shape, Unit};
use super::table::{Attributes, Numbers, Value};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry;
use std::fmt;
use std::sync::Arc;

#[derive(Debug)]
pub(super) struct Shown(pub(super) Arc<GenAi>);

impl Collector for Shown {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        for (metric, series) in self.0.table().read() {
            let unit = match metric.unit() {
                Unit::Seconds => Some(registry::Unit::Seconds),
                // A unit in braces is a remark, and no part of the name.
                Unit::Tokens => None,
            };
            let kind = match metric.shape() {
                Shape::Histogram(_) => MetricType::Histogram,
                Shape::Counter => MetricType::Counter,
            };
            let name = underscored(metric.name());
            let mut family = encoder.encode_descriptor(&name, metric.description(), unit.as_ref(), kind)?;
            for (attributes, numbers) in series {
                let one = Series { metric, numbers };
                one.encode(family.encode_family(&labels(&attributes))?)?;
            }
        }
        Ok(())
    }
}

struct Series {
    metric: Metric,
    numbers: Numbers,
}

impl EncodeMetric for Series {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> Result<(), fmt::Error> {
        let Self { metric, numbers: Numbers { count, sum, buckets } } = self;
        match metric.shape() {
            Shape::Counter => encoder.encode_counter::<NoLabelSet, f64, f64>(sum, None),
            Shape::Histogram(bounds) => {
                let bounds = bounds.iter().copied().chain([f64::INFINITY]);
                let buckets: Vec<(f64, u64)> = bounds.zip(buckets.iter().copied()).collect();
                encoder.encode_histogram::<NoLabelSet>(*sum, *count, &buckets, None)
            }
        }
    }

    fn metric_type(&self) -> MetricType {
        match self.metric.shape() {
            Shape::Histogram(_) => MetricType::Histogram,
            Shape::Counter => MetricType::Counter,
        }
    }
}

fn labels(attributes: &Attributes) -> Vec<(String, String)> {
    let text = |value: &Value| match value {
        Value::Text(text) => text.to_string(),
        Value::Int(number) => number.to_string(),
    };
    attributes.iter().map(|(name, value)| (underscored(name), text(value))).collect()
}

/// The labels of a resource. Names that are the same to Prometheus are one label with all their values, in the order of
/// the names. <https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/#metric-attributes>
pub(super) fn info(resource: &Pairs) -> Pairs {
    let mut labels = Pairs::new();
    for (name, _) in resource {
        let label = underscored(name);
        if labels.iter().all(|(have, _)| *have != label) {
            let mut same: Vec<_> = resource.iter().filter(|(name, _)| underscored(name) == label).collect();
            same.sort();
            let values: Vec<_> = same.into_iter().map(|(_, value)| value.as_str()).collect();
            labels.push((label, values.join(";")));
        }
    }
    labels
}

/// What Prometheus allows in the name of a metric or label.
fn underscored(name: &str) -> String {
    let one = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '_' };
    let name: String = name.chars().map(one).collect();
    if name.starts_with(|first: char| first.is_ascii_digit()) { format!("key_{name}") } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_label_is_told_twice() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let resource = vec![pair("service.name", "weir"), pair("a_b", "2"), pair("a.b", "1"), pair("1st", "3")];
        let expected = [pair("service_name", "weir"), pair("a_b", "1;2"), pair("key_1st", "3")];
        assert_eq!(info(&resource), expected);
    }
}
