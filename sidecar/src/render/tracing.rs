//! Envoy's own tracer: a span for each request, and one for each of its attempts, told to the collector over OTLP/HTTP.
//!
//! What the filter knows of a request it leaves as filter state ([`Note`]); it becomes attributes in OpenTelemetry's words for
//! generative AI (PROVIDERS H). Envoy's tracer has text attributes only.

use super::{Inputs, typed, upstream};
use serde_json::{Value, json};
use weir_core::config::Telemetry;
use weir_core::exchange::{Note, TRACE};

/// A name that no provider can have.
const CLUSTER: &str = "collector:otlp";
/// A batch of spans that the collector does not take in this time is lost.
const TIMEOUT: &str = "5s";

/// For the connection manager; None: there are no traces.
pub(super) fn tracing(telemetry: &Telemetry) -> Option<Value> {
    let url = telemetry.collector()?;
    let scheme = if url.tls { "https" } else { "http" };
    let service = json!({ "http_uri": {
        "uri": format!("{scheme}://{}{}/v1/traces", url.authority(), url.path),
        "cluster": CLUSTER,
        "timeout": TIMEOUT,
    } });
    let tracer = json!({ "http_service": service, "service_name": "weir" });
    Some(json!({
        "provider": {
            "name": "envoy.tracers.opentelemetry",
            "typed_config": typed("envoy.config.trace.v3.OpenTelemetryConfig", tracer),
        },
        "random_sampling": { "value": telemetry.trace_percent },
        "spawn_upstream_span": true,
        "operation": state(Note::Span),
        "upstream_operation": "POST %UPSTREAM_METADATA(weir:provider)%",
        // A Gemini client's query may hold its key: `http.url` is written over by the path alone.
        "max_path_tag_length": 1,
        "custom_tags": tags().map(|(tag, value)| json!({ "tag": tag, "value": value })).collect::<Vec<_>>(),
    }))
}

fn state(note: Note) -> String {
    format!("%FILTER_STATE(wasm.{}:PLAIN)%", note.property())
}

fn tags() -> impl Iterator<Item = (&'static str, String)> {
    let notes = [
        ("http.url", Note::Path),
        ("gen_ai.operation.name", Note::Operation),
        ("gen_ai.request.model", Note::RequestModel),
        ("gen_ai.request.stream", Note::Stream),
        ("gen_ai.usage.input_tokens", Note::InputTokens),
        ("gen_ai.usage.output_tokens", Note::OutputTokens),
        ("gen_ai.usage.cache_read.input_tokens", Note::CachedTokens),
        ("gen_ai.usage.cache_creation.input_tokens", Note::CacheWriteTokens),
        ("gen_ai.usage.reasoning.output_tokens", Note::ReasoningTokens),
        ("gen_ai.response.finish_reasons", Note::FinishReason),
        ("gen_ai.response.time_to_first_chunk", Note::FirstToken),
        ("error.type", Note::ErrorType),
        ("weir.tenant", Note::Tenant),
        ("weir.outcome", Note::Outcome),
        ("weir.tries", Note::Tries),
        ("weir.wait_ms", Note::WaitMs),
        ("weir.cost_usd", Note::Cost),
    ];
    let others = [
        ("gen_ai.provider.name", "%UPSTREAM_METADATA(weir:system)%"),
        ("gen_ai.response.model", "%RESP(x-weir-model)%"),
        ("weir.provider", "%UPSTREAM_METADATA(weir:provider)%"),
        ("weir.attempts", "%RESP(x-weir-attempts)%"),
        ("weir.cache", "%RESP(x-weir-cache)%"),
    ];
    let notes = notes.into_iter().map(|(tag, note)| (tag, state(note)));
    notes.chain(others.into_iter().map(|(tag, value)| (tag, value.to_owned())))
}

/// Before the filter: it cannot ask Envoy for the request's span, so a header tells it. Whether the span is sampled Envoy cannot
/// be made to say; the filter knows it from the client, or where all are.
pub(super) fn filter() -> Value {
    let value = "00-%TRACE_ID%-%SPAN_ID%-01";
    let append = json!({
        "header": { "key": TRACE, "value": value },
        "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
    });
    let fields = json!({ "mutations": { "request_mutations": [{ "append": append }] } });
    let kind = "envoy.extensions.filters.http.header_mutation.v3.HeaderMutation";
    json!({ "name": "trace", "typed_config": typed(kind, fields) })
}

/// Client's ids are kept as they are, and any id can be traced.
pub(super) fn request_ids() -> Value {
    let fields = json!({ "pack_trace_reason": false, "use_request_id_for_trace_sampling": false });
    json!({ "typed_config": typed("envoy.extensions.request_id.uuid.v3.UuidRequestIdConfig", fields) })
}

/// The collector's cluster.
pub(super) fn cluster(inputs: Inputs<'_>) -> Option<Value> {
    let url = inputs.config.telemetry.collector()?;
    let mut cluster = json!({
        "name": CLUSTER,
        "connect_timeout": "1s",
        "load_assignment": upstream::endpoint(CLUSTER, &url.host, url.port, None),
        "circuit_breakers": upstream::breakers(None),
    });
    upstream::reach(&mut cluster, &url, inputs.ca_file);
    Some(cluster)
}
