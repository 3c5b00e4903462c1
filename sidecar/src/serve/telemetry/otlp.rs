//! The same numbers, and spans, as OTLP's messages. <https://opentelemetry.io/docs/specs/otlp/>

use super::environment::Pairs;
use super::instrument::{Metric, Shape};
use super::table::{self, Attributes, Numbers, Table};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::{self as metrics, metric, number_data_point};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use std::time::{SystemTime, UNIX_EPOCH};

/// All numbers since `start`, both in nanoseconds since 1970; None: there are none.
pub(super) fn metrics(table: &Table, resource: &Pairs, start: u64, now: u64) -> Option<ExportMetricsServiceRequest> {
    let metrics: Vec<_> = table
        .read()
        .into_iter()
        .filter_map(|(metric, series)| {
            // A collector needs no beginning.
            let counted: Vec<_> =
                series.into_iter().filter(|(_, numbers)| numbers.count > 0 || numbers.sum > 0.0).collect();
            (!counted.is_empty()).then_some((metric, counted))
        })
        .map(|(metric, series)| metrics::Metric {
            name: metric.name().to_owned(),
            description: metric.description().to_owned(),
            unit: metric.unit().ucum().to_owned(),
            data: Some(data(metric, series, start, now)),
            ..Default::default()
        })
        .collect();
    if metrics.is_empty() {
        return None;
    }
    let scope_metrics = vec![metrics::ScopeMetrics { scope: Some(scope()), metrics, ..Default::default() }];
    let resource = Some(of(resource));
    let resource_metrics = vec![metrics::ResourceMetrics { resource, scope_metrics, ..Default::default() }];
    Some(ExportMetricsServiceRequest { resource_metrics })
}

pub(super) fn spans(spans: Vec<Span>, resource: &Pairs) -> ExportTraceServiceRequest {
    let scope_spans = vec![ScopeSpans { scope: Some(scope()), spans, ..Default::default() }];
    let resource = Some(of(resource));
    ExportTraceServiceRequest { resource_spans: vec![ResourceSpans { resource, scope_spans, ..Default::default() }] }
}

fn data(metric: Metric, series: impl IntoIterator<Item = (Attributes, Numbers)>, start: u64, now: u64) -> metric::Data {
    let aggregation_temporality = metrics::AggregationTemporality::Cumulative.into();
    let series = series.into_iter();
    match metric.shape() {
        Shape::Histogram(bounds) => {
            let point = |(attributes, numbers): (Attributes, Numbers)| metrics::HistogramDataPoint {
                attributes: key_values(attributes),
                start_time_unix_nano: start,
                time_unix_nano: now,
                count: numbers.count,
                sum: Some(numbers.sum),
                bucket_counts: numbers.buckets,
                explicit_bounds: bounds.to_vec(),
                ..Default::default()
            };
            metric::Data::Histogram(metrics::Histogram {
                data_points: series.map(point).collect(),
                aggregation_temporality,
            })
        }
        Shape::Counter => {
            let point = |(attributes, numbers): (Attributes, Numbers)| metrics::NumberDataPoint {
                attributes: key_values(attributes),
                start_time_unix_nano: start,
                time_unix_nano: now,
                // What is counted is whole.
                value: Some(number_data_point::Value::AsInt(numbers.sum as i64)),
                ..Default::default()
            };
            let data_points = series.map(point).collect();
            metric::Data::Sum(metrics::Sum { data_points, aggregation_temporality, is_monotonic: true })
        }
    }
}

pub(super) fn key_values(attributes: Attributes) -> Vec<KeyValue> {
    let value = |value| match value {
        table::Value::Text(text) => any_value::Value::StringValue(text.to_string()),
        table::Value::Int(number) => any_value::Value::IntValue(number),
    };
    attributes.into_iter().map(|(name, told)| key_value(name, value(told))).collect()
}

fn of(resource: &Pairs) -> Resource {
    let text = |value: &String| any_value::Value::StringValue(value.clone());
    let attributes = resource.iter().map(|(name, value)| key_value(name, text(value))).collect();
    Resource { attributes, ..Default::default() }
}

pub(super) fn key_value(name: &str, value: any_value::Value) -> KeyValue {
    KeyValue { key: name.to_owned(), value: Some(AnyValue { value: Some(value) }), ..Default::default() }
}

fn scope() -> InstrumentationScope {
    let (name, version) = (env!("CARGO_PKG_NAME").to_owned(), env!("CARGO_PKG_VERSION").to_owned());
    InstrumentationScope { name, version, ..Default::default() }
}

/// Nanoseconds since 1970.
pub(super) fn nanos(at: SystemTime) -> u64 {
    at.duration_since(UNIX_EPOCH).map_or(0, |since| u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
}
