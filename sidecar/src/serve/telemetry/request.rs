//! The spans of a request: its own, and one of each attempt, as the filter tells of them when it is over. Names and
//! attributes are OpenTelemetry's for HTTP and for generative AI, or begin with `weir.`.

use super::known::{self, Known};
use super::otlp::{key_value, key_values};
use super::table;
use super::trace::REMOTE;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::trace::v1::{Span, Status, span::SpanKind, status::StatusCode};
use weir_core::stats;
use weir_core::wire::{Tokens, Traced, Try};

/// In nanoseconds.
const MILLI: u64 = 1_000_000;
/// Micro-dollars in a dollar.
const DOLLAR: f64 = 1_000_000.0;

/// The request's span, and those of its attempts.
pub(super) fn spans(known: &Known, traced: &Traced) -> Vec<Span> {
    let own = span(
        traced,
        (traced.span, traced.parent, SpanKind::Server),
        name(&traced.operation, traced.model.as_deref()),
        (traced.began, traced.millis),
        of_request(known, traced),
        is_error(traced).then(|| known::outcome(&traced.outcome)),
    );
    let of_try = |one: &Try| {
        span(
            traced,
            (one.span, Some(traced.span), SpanKind::Client),
            name(&traced.operation, Some(&one.model)),
            (traced.began.saturating_add(one.after), one.millis),
            of_attempt(known, traced, one),
            one.error.as_deref().map(known::failure),
        )
    };
    std::iter::once(own).chain(traced.tries.iter().map(of_try)).collect()
}

/// A server's span is an error by what the server could not do: not for a request that the client got wrong or gave up.
/// <https://opentelemetry.io/docs/specs/semconv/http/http-spans/#status>
fn is_error(traced: &Traced) -> bool {
    traced.status >= 500 || traced.outcome == stats::Outcome::Cut.name()
}

fn span(
    traced: &Traced,
    (id, parent, kind): (u64, Option<u64>, SpanKind),
    name: String,
    (began, millis): (u64, u64),
    mut attributes: Vec<KeyValue>,
    error: Option<&'static str>,
) -> Span {
    attributes.extend(error.map(|error| text("error.type", error)));
    let code = if error.is_some() { StatusCode::Error } else { StatusCode::Unset };
    Span {
        trace_id: traced.trace.to_vec(),
        span_id: id.to_be_bytes().to_vec(),
        parent_span_id: parent.map(|parent| parent.to_be_bytes().to_vec()).unwrap_or_default(),
        // Sampled; and the client's span is another process's, the request's is not.
        flags: if kind == SpanKind::Server { 1 | REMOTE } else { 1 },
        trace_state: traced.state.clone().unwrap_or_default(),
        name,
        kind: kind.into(),
        start_time_unix_nano: began.saturating_mul(MILLI),
        end_time_unix_nano: began.saturating_add(millis).saturating_mul(MILLI),
        attributes,
        status: Some(Status { code: code.into(), ..Default::default() }),
        ..Default::default()
    }
}

fn name(operation: &str, model: Option<&str>) -> String {
    model.map_or_else(|| operation.to_owned(), |model| format!("{operation} {model}"))
}

fn of_request(known: &Known, traced: &Traced) -> Vec<KeyValue> {
    let mut list = vec![
        text("gen_ai.operation.name", &traced.operation),
        text("http.request.method", "POST"),
        text("url.path", &traced.path),
        text("weir.outcome", &traced.outcome),
        int("weir.attempts", traced.tries.len() as u64),
    ];
    let told = [
        ("gen_ai.request.model", &traced.model),
        ("weir.tenant", &traced.tenant),
        ("weir.cache", &traced.cache),
        ("weir.request_id", &traced.request_id),
        ("gen_ai.input.messages", &traced.prompt),
        ("url.scheme", &traced.scheme),
    ];
    list.extend(told.into_iter().filter_map(|(name, value)| Some(text(name, value.as_deref()?))));
    list.extend(traced.stream.map(|stream| key_value("gen_ai.request.stream", Value::BoolValue(stream))));
    if traced.status > 0 {
        list.push(int("http.response.status_code", traced.status.into()));
    }
    if traced.waited > 0 {
        list.push(int("weir.wait_ms", traced.waited));
    }
    if let Some(cost) = traced.cost_microusd {
        list.push(key_value("weir.cost_usd", Value::DoubleValue(cost as f64 / DOLLAR)));
    }
    let served = traced.tries.iter().find(|one| one.is_served);
    let last = served.or(traced.tries.last()).map(|one| &one.provider);
    if let Some(provider) = last.or(traced.answered.as_ref()) {
        list.push(text("gen_ai.provider.name", known.system(provider)));
        list.push(text("weir.provider", provider));
    }
    let model = served.map(|one| &one.model).or(traced.answered_model.as_ref());
    list.extend(model.map(|model| text("gen_ai.response.model", model)));
    usage(&mut list, traced.tokens.as_ref());
    list.extend(traced.finish.as_deref().map(finish));
    list.extend(traced.first.map(first_chunk));
    list
}

fn of_attempt(known: &Known, traced: &Traced, one: &Try) -> Vec<KeyValue> {
    let model = table::Value::Text(one.model.as_str().into());
    let mut list = key_values(known.of_model(&traced.operation, &one.provider, model, one.is_served));
    list.push(text("weir.provider", &one.provider));
    // Not as gen_ai.usage: that is the request's, and a sum over all spans shall have it once.
    if let Some(tokens) = &one.tokens {
        list.push(int("weir.input_tokens", tokens.input));
        list.push(int("weir.output_tokens", tokens.output));
    }
    list.extend(traced.finish.as_deref().filter(|_| one.is_served).map(finish));
    list.extend(one.first.map(first_chunk));
    list
}

fn usage(list: &mut Vec<KeyValue>, tokens: Option<&Tokens>) {
    let Some(tokens) = tokens else { return };
    list.push(int("gen_ai.usage.input_tokens", tokens.input));
    list.push(int("gen_ai.usage.output_tokens", tokens.output));
    let parts = [
        ("gen_ai.usage.cache_read.input_tokens", tokens.cached),
        ("gen_ai.usage.cache_creation.input_tokens", tokens.cache_write),
        ("gen_ai.usage.reasoning.output_tokens", tokens.reasoning),
    ];
    list.extend(parts.into_iter().filter(|(_, count)| *count > 0).map(|(name, count)| int(name, count)));
}

fn finish(reason: &str) -> KeyValue {
    let values = vec![AnyValue { value: Some(Value::StringValue(reason.to_owned())) }];
    key_value("gen_ai.response.finish_reasons", Value::ArrayValue(ArrayValue { values }))
}

fn first_chunk(millis: u64) -> KeyValue {
    key_value("gen_ai.response.time_to_first_chunk", Value::DoubleValue(millis as f64 / 1_000.0))
}

fn text(name: &str, value: &str) -> KeyValue {
    key_value(name, Value::StringValue(value.to_owned()))
}

fn int(name: &str, value: u64) -> KeyValue {
    key_value(name, Value::IntValue(i64::try_from(value).unwrap_or(i64::MAX)))
}

#[cfg(test)]
#[path = "tests/request.rs"]
mod tests;
