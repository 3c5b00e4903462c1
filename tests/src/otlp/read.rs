//! From the messages of OTLP.

use super::values::{Attributes, Instrument, Metric, Point, Span, SpanKind, Value};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, HistogramDataPoint, Metric as Told, NumberDataPoint, number_data_point,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{Span as Spanned, span, status};

/// What is wrong with an export.
type Read<T> = Result<T, String>;

pub(super) fn spans(export: ExportTraceServiceRequest) -> Read<Vec<Span>> {
    let mut spans = Vec::new();
    for of_resource in export.resource_spans {
        let resource = resource(of_resource.resource)?;
        for of_scope in of_resource.scope_spans {
            let scope = scope(of_scope.scope);
            for told in of_scope.spans {
                spans.push(one_span(told, &resource, &scope)?);
            }
        }
    }
    Ok(spans)
}

pub(super) fn metrics(export: ExportMetricsServiceRequest) -> Read<Vec<Metric>> {
    let mut metrics = Vec::new();
    for of_resource in export.resource_metrics {
        let resource = resource(of_resource.resource)?;
        for of_scope in of_resource.scope_metrics {
            let scope = scope(of_scope.scope);
            for told in of_scope.metrics {
                metrics.push(metric(told, &resource, &scope)?);
            }
        }
    }
    Ok(metrics)
}

fn one_span(told: Spanned, resource: &Attributes, scope: &str) -> Read<Span> {
    Ok(Span {
        kind: match told.kind() {
            span::SpanKind::Internal => SpanKind::Internal,
            span::SpanKind::Server => SpanKind::Server,
            span::SpanKind::Client => SpanKind::Client,
            _ => SpanKind::Other,
        },
        name: told.name,
        trace: hex(&told.trace_id),
        id: hex(&told.span_id),
        parent: Some(hex(&told.parent_span_id)).filter(|id| !id.is_empty()),
        attributes: attributes(told.attributes)?,
        is_error: told.status.is_some_and(|status| status.code() == status::StatusCode::Error),
        events: told.events.into_iter().map(|event| event.name).collect(),
        start: told.start_time_unix_nano,
        end: told.end_time_unix_nano,
        resource: resource.clone(),
        scope: scope.to_owned(),
    })
}

fn metric(told: Told, resource: &Attributes, scope: &str) -> Read<Metric> {
    let is_total = |temporality: AggregationTemporality| temporality == AggregationTemporality::Cumulative;
    let (instrument, points) = match told.data {
        Some(Data::Histogram(histogram)) => {
            let is_total = is_total(histogram.aggregation_temporality());
            let instrument = if is_total { Instrument::Histogram } else { Instrument::Other };
            (instrument, histogram.data_points.into_iter().map(observed).collect::<Read<_>>()?)
        }
        Some(Data::Sum(sum)) => {
            let instrument = match (is_total(sum.aggregation_temporality()), sum.is_monotonic) {
                (true, true) => Instrument::Counter,
                (true, false) => Instrument::UpDownCounter,
                (false, _) => Instrument::Other,
            };
            (instrument, sum.data_points.into_iter().map(number).collect::<Read<_>>()?)
        }
        Some(Data::Gauge(gauge)) => {
            (Instrument::Gauge, gauge.data_points.into_iter().map(number).collect::<Read<_>>()?)
        }
        _ => (Instrument::Other, Vec::new()),
    };
    Ok(Metric {
        name: told.name,
        unit: told.unit,
        description: told.description,
        instrument,
        points,
        resource: resource.clone(),
        scope: scope.to_owned(),
    })
}

fn observed(point: HistogramDataPoint) -> Read<Point> {
    Ok(Point {
        attributes: attributes(point.attributes)?,
        count: point.count,
        sum: point.sum.unwrap_or_default(),
        bounds: point.explicit_bounds,
        buckets: point.bucket_counts,
    })
}

fn number(point: NumberDataPoint) -> Read<Point> {
    let sum = match point.value {
        Some(number_data_point::Value::AsInt(value)) => value as f64,
        Some(number_data_point::Value::AsDouble(value)) => value,
        None => 0.0,
    };
    Ok(Point { attributes: attributes(point.attributes)?, count: sum as u64, sum, ..Point::default() })
}

fn resource(resource: Option<Resource>) -> Read<Attributes> {
    attributes(resource.unwrap_or_default().attributes)
}

fn scope(scope: Option<InstrumentationScope>) -> String {
    scope.unwrap_or_default().name
}

/// A name may not stand there twice, says the specification.
fn attributes(told: Vec<KeyValue>) -> Read<Attributes> {
    let mut attributes = Attributes::default();
    for KeyValue { key, value: told, .. } in told {
        if attributes.0.insert(key.clone(), value(told)).is_some() {
            return Err(format!("the attribute {key} stands there twice"));
        }
    }
    Ok(attributes)
}

fn value(told: Option<AnyValue>) -> Value {
    match told.and_then(|any| any.value) {
        Some(any_value::Value::StringValue(text)) => Value::Text(text),
        Some(any_value::Value::BoolValue(is)) => Value::Bool(is),
        Some(any_value::Value::IntValue(number)) => Value::Int(number),
        Some(any_value::Value::DoubleValue(number)) => Value::Float(number),
        Some(any_value::Value::ArrayValue(list)) => {
            Value::List(list.values.into_iter().map(|any| value(Some(any))).collect())
        }
        _ => Value::Other,
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
