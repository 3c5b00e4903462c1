//! What a collector, and Prometheus, are told.

use super::{Running, look, whole};
use crate::serve::Options;
use crate::serve::telemetry::Telemetry;
use crate::store::Memory;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::{Router, routing};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use weir_core::config;
use weir_core::wire::{self, Attempted, Beat, LeaseAsk, LimitAsk, Report, Timing, Traced};

/// Paths, headers and bodies.
type Exports = Arc<Mutex<Vec<(String, HeaderMap, Bytes)>>>;

/// A collector that answers `status`.
async fn collector(status: StatusCode) -> (String, Exports) {
    collector_by(move |_| (status, "")).await
}

/// A collector that answers by how many exports to the same path it has seen before: a status, and `retry-after`.
async fn collector_by(
    answer: impl Fn(usize) -> (StatusCode, &'static str) + Clone + Send + Sync + 'static,
) -> (String, Exports) {
    let exports = Exports::default();
    let keep = move |State(exports): State<Exports>, uri: Uri, headers: HeaderMap, body: Bytes| async move {
        let mut exports = exports.lock().unwrap();
        let before = exports.iter().filter(|(path, ..)| path == uri.path()).count();
        exports.push((uri.path().to_owned(), headers, body));
        let (status, after) = answer(before);
        (status, [(RETRY_AFTER, after)])
    };
    let router = Router::new().fallback(routing::post(keep)).with_state(exports.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    (format!("{address}/otlp"), exports)
}

/// A sidecar that exports every 50 ms.
async fn start(collector: Option<&str>) -> Running {
    let collector = collector.map_or(String::new(), |url| format!(", otlp: \"http://{url}\""));
    let yaml = format!(
        "providers: {{ openai: {{ kind: openai, api_key: $K }} }}\nmodels: {{ smart: [openai/gpt-5.6] }}\n\
         telemetry: {{ access_log: stdout{collector} }}\n"
    );
    let variables = |name| match name {
        "OTEL_METRIC_EXPORT_INTERVAL" | "OTEL_BSP_SCHEDULE_DELAY" => Some("50".to_owned()),
        "OTEL_EXPORTER_OTLP_HEADERS" => Some("authorization=Bearer%20k".to_owned()),
        "OTEL_RESOURCE_ATTRIBUTES" => Some("deployment.environment.name=test".to_owned()),
        _ => None,
    };
    let telemetry = Telemetry::by(&config::parse(&yaml).unwrap().0, variables).unwrap();
    Running::with(Arc::new(Memory::new(1 << 20)), Options { telemetry, ..Options::default() }).await
}

fn beat(number: u64) -> Beat {
    let timing = Timing { millis: 300, first: None };
    let attempt = Attempted {
        provider: "openai".into(),
        model: "gpt-5.6".into(),
        timing: timing.clone(),
        is_billed: true,
        ..Attempted::default()
    };
    let report = Report {
        number,
        model: "smart".into(),
        provider: Some("openai".into()),
        input: 100,
        output: 20,
        outcome: "ok".into(),
        operation: "chat".into(),
        attempts: vec![attempt],
        request: Some(timing),
        ..Report::default()
    };
    Beat { envoy: 1, worker: 11, reports: vec![report], ..Beat::default() }
}

/// The last export to `path`, once there is one of which `probe` holds.
async fn exported<T: prost::Message + Default>(exports: &Exports, path: &str, probe: impl Fn(&T) -> bool) -> T {
    for _ in 0..400 {
        let last = exports.lock().unwrap().iter().rev().find(|(at, ..)| at == path).map(|(.., body)| body.clone());
        if let Some(export) = last.and_then(|body| T::decode(body).ok()).filter(&probe) {
            return export;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("no such export to {path}");
}

fn attributes(span: &Span) -> BTreeMap<&str, Value> {
    span.attributes.iter().map(|told| (told.key.as_str(), told.value.clone().unwrap().value.unwrap())).collect()
}

#[tokio::test]
async fn a_collector_is_told_what_prometheus_is_told() {
    let (url, exports) = collector(StatusCode::OK).await;
    let sidecar = start(Some(&url)).await;
    sidecar.beat(&beat(1)).await;
    sidecar.beat(&beat(1)).await;
    sidecar.beat(&beat(2)).await;
    let is_whole = |export: &ExportMetricsServiceRequest| format!("{export:?}").contains("count: 2");
    let export = exported(&exports, "/otlp/v1/metrics", is_whole).await;
    let [resource] = export.resource_metrics.as_slice() else { panic!("{export:?}") };
    let who: Vec<_> = resource.resource.iter().flat_map(|of| &of.attributes).map(|told| told.key.as_str()).collect();
    assert_eq!(who, ["service.name", "service.version", "deployment.environment.name", "service.instance.id"]);
    let names: Vec<_> = resource.scope_metrics[0].metrics.iter().map(|metric| metric.name.as_str()).collect();
    assert_eq!(
        names,
        ["gen_ai.client.operation.duration", "gen_ai.client.token.usage", "gen_ai.server.request.duration"]
    );
    let (_, text) = sidecar.get("/metrics").await;
    let labels = "gen_ai_operation_name=\"chat\",gen_ai_provider_name=\"openai\",gen_ai_request_model=\"gpt-5.6\",\
                  gen_ai_response_model=\"gpt-5.6\",server_address=\"api.openai.com\",server_port=\"443\"";
    for line in [
        "# TYPE gen_ai_client_operation_duration_seconds histogram".to_owned(),
        "# UNIT gen_ai_client_operation_duration_seconds seconds".to_owned(),
        format!("gen_ai_client_operation_duration_seconds_count{{{labels}}} 2"),
        format!("gen_ai_client_operation_duration_seconds_sum{{{labels}}} 0.6"),
        format!("gen_ai_client_operation_duration_seconds_bucket{{le=\"0.16\",{labels}}} 0"),
        format!("gen_ai_client_operation_duration_seconds_bucket{{le=\"0.32\",{labels}}} 2"),
        format!("gen_ai_client_operation_duration_seconds_bucket{{le=\"+Inf\",{labels}}} 2"),
        format!("gen_ai_client_token_usage_sum{{{labels},gen_ai_token_type=\"input\"}} 200.0"),
        "weir_telemetry_export_failures_total{signal=\"metrics\"} 0".to_owned(),
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
    assert!(text.contains("target_info{service_name=\"weir\""), "{text}");
    let (_, headers, _) = exports.lock().unwrap()[0].clone();
    assert_eq!(headers["authorization"], "Bearer k");
    assert_eq!(headers["content-type"], "application/x-protobuf");
}

#[tokio::test]
async fn a_call_of_a_sampled_trace_is_a_span_in_it_and_no_other_is() {
    let (url, exports) = collector(StatusCode::OK).await;
    let sidecar = start(Some(&url)).await;
    let limit = LimitAsk {
        id: "provider/openai/requests".into(),
        per_minute: 60,
        burst: 60,
        need: 1,
        want: 5,
        ..LimitAsk::default()
    };
    let ask = wire::Ask { leases: vec![LeaseAsk { limits: vec![limit] }], ..look(7, 1) };
    let put = wire::Put { key: [7; 32].into(), token: 1, value: Some(b"answer".to_vec()), ttl: 60_000 };
    let wait = wire::Wait { key: [7; 32].into(), token: 2, millis: 1_000 };
    let (trace, parent) = ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331");
    for (path, body) in
        [(wire::ASK, wire::encode(&ask)), (wire::PUT, wire::encode(&put)), (wire::WAIT, wire::encode(&wait))]
    {
        for traceparent in [None, Some("00"), Some("01")] {
            let request = sidecar.client.post(sidecar.url(path)).body(body.clone());
            let request = match traceparent {
                Some(flags) => request.header("traceparent", format!("00-{trace}-{parent}-{flags}")),
                None => request,
            };
            let (status, _) = whole(request.send().await.unwrap()).await;
            assert!(status.is_success(), "{path}: {status}");
        }
    }
    let mut spans: Vec<Span> = Vec::new();
    for _ in 0..400 {
        let bodies: Vec<_> = exports.lock().unwrap().iter().map(|(at, _, body)| (at.clone(), body.clone())).collect();
        let all = bodies.into_iter().filter(|(at, _)| at == "/otlp/v1/traces");
        let all = all.map(|(_, body)| ExportTraceServiceRequest::decode(body).unwrap());
        let scopes = all.flat_map(|export| export.resource_spans).flat_map(|of| of.scope_spans);
        spans = scopes.flat_map(|of| of.spans).collect();
        if spans.len() >= 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let names: Vec<_> = spans.iter().map(|span| span.name.as_str()).collect();
    assert_eq!(names, ["weir.ask", "weir.wait"], "a put is of no request: nobody waits for it");
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    for span in &spans {
        assert_eq!((hex(&span.trace_id).as_str(), hex(&span.parent_span_id).as_str()), (trace, parent));
        assert!(span.span_id.len() == 8 && hex(&span.span_id) != parent);
        assert!(span.start_time_unix_nano <= span.end_time_unix_nano && span.start_time_unix_nano > 0);
        assert_eq!((span.kind().as_str_name(), span.flags & 1), ("SPAN_KIND_SERVER", 1));
    }
    let text = |text: &str| Value::StringValue(text.to_owned());
    let expected = [
        BTreeMap::from([
            // Who asks again while it leads, leads.
            ("weir.cache.result", text("lead")),
            ("weir.leases.asked", Value::IntValue(1)),
            ("weir.leases.granted", Value::IntValue(1)),
        ]),
        BTreeMap::from([("weir.cache.result", text("hit"))]),
    ];
    assert_eq!(spans.iter().map(attributes).collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn an_export_that_fails_is_counted_and_nothing_waits_for_it() {
    for url in [collector(StatusCode::SERVICE_UNAVAILABLE).await.0, "127.0.0.1:1".to_owned()] {
        let sidecar = start(Some(&url)).await;
        sidecar.beat(&beat(1)).await;
        let failed = async {
            loop {
                let (_, text) = sidecar.get("/metrics").await;
                let line = text.lines().find(|line| line.contains("export_failures_total{signal=\"metrics\"}"));
                if line.is_some_and(|line| !line.ends_with(" 0")) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(5), failed).await.expect("a failure is counted");
        assert_eq!(sidecar.beat(&beat(2)).await.counted, 2);
    }
}

#[tokio::test]
async fn spans_that_a_collector_may_take_later_are_sent_again() {
    for (refusal, after, sent, lost) in [
        (StatusCode::SERVICE_UNAVAILABLE, "", 3, 0),
        (StatusCode::TOO_MANY_REQUESTS, "1", 3, 0),
        (StatusCode::BAD_REQUEST, "1", 1, 1),
    ] {
        let answer = move |before| if before < 2 { (refusal, after) } else { (StatusCode::OK, "") };
        let (url, exports) = collector_by(answer).await;
        let sidecar = start(Some(&url)).await;
        sidecar.beat(&Beat { traces: vec![Traced { operation: "chat".into(), ..Traced::default() }], ..beat(1) }).await;
        let spans = || -> Vec<Bytes> {
            let exports = exports.lock().unwrap();
            exports.iter().filter(|(path, ..)| path == "/otlp/v1/traces").map(|(.., body)| body.clone()).collect()
        };
        let told = [
            format!("weir_telemetry_export_failures_total{{signal=\"traces\"}} {lost}"),
            format!("weir_telemetry_spans_lost_total {lost}"),
        ];
        let all = async {
            loop {
                let (_, text) = sidecar.get("/metrics").await;
                if spans().len() >= sent && told.iter().all(|line| text.lines().any(|found| found == line)) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(9), all).await.expect("they come, and it is counted");
        tokio::time::sleep(Duration::from_millis(200)).await;
        let spans = spans();
        assert!(spans.len() == sent && spans.iter().all(|export| *export == spans[0]), "{refusal}");
    }
}

#[tokio::test]
async fn what_is_left_is_exported_at_the_end() {
    let (url, exports) = collector(StatusCode::OK).await;
    let sidecar = start(Some(&url)).await;
    sidecar.serving.abort();
    sidecar.sidecar.telemetry.told(&beat(1));
    exports.lock().unwrap().clear();
    sidecar.sidecar.finish().await;
    assert!(exports.lock().unwrap().iter().any(|(path, ..)| path == "/otlp/v1/metrics"));
}

#[tokio::test]
async fn what_waits_to_be_sent_again_is_not_lost_when_the_sidecar_stops() {
    let (url, exports) =
        collector_by(|before| (if before == 0 { StatusCode::BAD_GATEWAY } else { StatusCode::OK }, "9")).await;
    let sidecar = start(Some(&url)).await;
    let traced = Traced { operation: "chat".into(), ..Traced::default() };
    sidecar.beat(&Beat { traces: vec![traced], ..beat(1) }).await;
    let is_spans = |export: &ExportTraceServiceRequest| !export.resource_spans.is_empty();
    exported(&exports, "/otlp/v1/traces", is_spans).await;
    sidecar.serving.abort();
    exports.lock().unwrap().retain(|(path, ..)| path == "/otlp/v1/traces");
    sidecar.sidecar.finish().await;
    let exports = exports.lock().unwrap();
    let bodies: Vec<_> = exports.iter().filter(|(path, ..)| path == "/otlp/v1/traces").map(|(.., body)| body).collect();
    assert!(bodies.len() == 2 && bodies[0] == bodies[1], "{} exports", bodies.len());
}

#[tokio::test]
async fn without_a_collector_prometheus_is_told_all_the_same() {
    let sidecar = start(None).await;
    sidecar.beat(&beat(1)).await;
    let (_, text) = sidecar.get("/metrics").await;
    assert!(text.contains("gen_ai_server_request_duration_seconds_count{"), "{text}");
    assert!(text.trim_end().ends_with("# EOF"), "{text}");
}
