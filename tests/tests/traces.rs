//! What spans and the access log say of a request.

use serde_json::{Value, json};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use weir_e2e::{Answer, Gateway, Otlp, Setup, Span, SpanKind, Stats, TARGETS, Value as Told, chat, key_sha256, with};
use weir_sim::Fault;

const CLIENTS: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

async fn traced() -> (Otlp, Gateway) {
    let collector = Otlp::start().await;
    let gateway = Setup::smart().otlp(collector.url()).env("OTEL_BSP_SCHEDULE_DELAY", "200").start().await;
    (collector, gateway)
}

fn is_request(span: &Span) -> bool {
    span.kind == SpanKind::Server && span.attributes.text("gen_ai.operation.name").is_some()
}

#[tokio::test]
async fn a_request_over_two_attempts_is_one_trace() {
    let (collector, gateway) = traced().await;
    gateway.sim.set_faults(TARGETS[0].provider, [Fault::status(500)]).await.expect("a fault");
    let request = gateway.post().header("traceparent", CLIENTS).header("x-request-id", "mine-4713");
    let request = request.header("tracestate", "vendor=1");
    let answer = Answer::of(request.json(&chat("smart", "the secret of the pyramids"))).await;
    assert_eq!((answer.status, answer.header("x-weir-attempts")), (200, Some("2")), "{}", answer.body);
    let spans = collector.trace(TRACE, 3).await;
    let of_request = spans.iter().find(|span| is_request(span)).expect("the request's span");
    assert_eq!(of_request.name, "chat smart");
    assert_eq!(of_request.parent.as_deref(), Some("00f067aa0ba902b7"));
    let attempts: Vec<_> = spans.iter().filter(|span| span.kind == SpanKind::Client).collect();
    assert_eq!(attempts.len(), 2);
    for (attempt, system) in attempts.iter().zip(["openai", "anthropic"]) {
        assert_eq!(attempt.parent.as_deref(), Some(of_request.id.as_str()));
        assert_eq!(attempt.attributes.text("gen_ai.provider.name"), Some(system));
        assert_eq!(attempt.resource, of_request.resource);
        assert!(of_request.start <= attempt.start && attempt.end <= of_request.end, "{attempt:?} in {of_request:?}");
    }
    assert_eq!(attempts[0].attributes.text("error.type"), Some("server_error"));
    assert_eq!((attempts[0].is_error, attempts[1].is_error), (true, false));
    let journal = gateway.sim.journal();
    for (entry, attempt) in journal.iter().zip(&attempts) {
        assert_eq!(entry.header("tracestate"), Some("vendor=1"), "the client's");
        let parent = entry.header("traceparent").unwrap_or_default();
        assert_eq!(parent, format!("00-{TRACE}-{}-01", attempt.id), "the provider is told of its own attempt");
    }
    let text = |name: &str| of_request.attributes.text(name).unwrap_or_default().to_owned();
    let usage = &answer.json()["usage"];
    assert_eq!(text("gen_ai.operation.name"), "chat");
    assert_eq!(text("gen_ai.provider.name"), "anthropic");
    assert_eq!(text("gen_ai.request.model"), "smart");
    assert_eq!(text("gen_ai.response.model"), TARGETS[1].model);
    // A sum of `gen_ai.usage` over all spans has each token once.
    for (span, usage_of, unused) in [(of_request, "gen_ai.usage", "weir"), (attempts[1], "weir", "gen_ai.usage")] {
        let of_it = &span.attributes;
        assert_eq!(of_it.int(&format!("{usage_of}.input_tokens")), usage["prompt_tokens"].as_i64());
        assert_eq!(of_it.int(&format!("{usage_of}.output_tokens")), usage["completion_tokens"].as_i64());
        for tokens in ["input_tokens", "output_tokens"] {
            assert_eq!(of_it.get(&format!("{unused}.{tokens}")), None, "{span:?}");
        }
        assert_eq!(of_it.texts("gen_ai.response.finish_reasons"), Some(vec!["stop"]));
    }
    let of_it = &of_request.attributes;
    assert_eq!((text("weir.outcome"), of_it.int("weir.attempts")), ("ok".into(), Some(2)));
    assert_eq!(of_it.int("http.response.status_code"), Some(200));
    let cost = answer.header("x-weir-cost-usd").and_then(|cost| cost.parse().ok()).map(Told::Float);
    assert_eq!(of_it.get("weir.cost_usd"), cost.as_ref());
    assert_eq!(text("weir.request_id"), "mine-4713");
    let all = format!("{spans:?}");
    assert!(!all.contains("pyramids") && !all.contains(TARGETS[0].key), "{all}");
}

#[tokio::test]
async fn the_sidecars_part_is_in_the_requests_trace() {
    let collector = Otlp::start().await;
    let models = "models:\n  smart: { targets: [openai/gpt-5.6], cache: { exact: { ttl: 1h } } }\n";
    let gateway = Setup::new(models).otlp(collector.url()).env("OTEL_BSP_SCHEDULE_DELAY", "200").start().await;
    let answer = gateway.chat(&chat("smart", "Hi")).await;
    let call = collector.span("the sidecar's", |span| span.name == "weir.ask").await;
    assert_eq!(answer.header("x-weir-cache"), Some("miss"), "{}", answer.body);
    let request = collector.span("its request", is_request).await;
    assert_eq!((call.trace.as_str(), call.parent.as_deref()), (request.trace.as_str(), Some(request.id.as_str())));
    assert_eq!(call.attributes.text("weir.cache.result"), Some("lead"));
}

#[tokio::test]
async fn streams_refusals_and_failures_have_spans_that_say_so() {
    let (collector, gateway) = traced().await;
    let stream = gateway.stream(&with(chat("smart", "Hi"), json!({ "stream": true }))).await;
    assert!(!stream.text().is_empty());
    let refused = gateway.chat(&chat("unheard-of", "Hi")).await;
    assert_eq!(refused.status, 404);
    for target in TARGETS {
        gateway.sim.set_faults(target.provider, [Fault::status(503)]).await.expect("a fault");
    }
    let failed = gateway.chat(&chat("smart", "Hi")).await;
    assert!(failed.status >= 500, "{}", failed.body);
    let with_outcome = async |outcome: &str| {
        collector.span(outcome, |span| is_request(span) && span.attributes.text("weir.outcome") == Some(outcome)).await
    };
    let ok = with_outcome("ok").await;
    let first = ok.attributes.get("gen_ai.response.time_to_first_chunk").expect("a stream has a first chunk");
    assert!(matches!(first, Told::Float(seconds) if *seconds < 10.0), "{first:?}");
    assert_eq!(ok.attributes.get("gen_ai.request.stream"), Some(&Told::Bool(true)));
    assert!(!ok.is_error);
    let refused = with_outcome("client_error").await;
    assert_eq!(refused.attributes.int("http.response.status_code"), Some(404));
    assert_eq!(refused.attributes.text("gen_ai.request.model"), Some("unheard-of"));
    assert!(!refused.is_error && !collector.spans().iter().any(|span| span.parent.as_ref() == Some(&refused.id)));
    let failed = with_outcome("upstream_5xx").await;
    assert!(failed.is_error && failed.attributes.text("error.type").is_some(), "{failed:?}");
}

#[tokio::test]
async fn a_client_that_wants_no_trace_gets_none_and_no_key_is_in_any() {
    let (collector, gateway) = traced().await;
    let unsampled = CLIENTS.replace("-01", "-00");
    let request = gateway.post().header("traceparent", unsampled).json(&chat("smart", "Hi"));
    assert_eq!(Answer::of(request).await.status, 200);
    let gemini = gateway.http.post(gateway.url("/v1beta/models/smart:generateContent?key=sk-in-the-query"));
    let body = json!({ "contents": [{ "role": "user", "parts": [{ "text": "Hi" }] }] });
    assert_eq!(Answer::of(gemini.json(&body)).await.status, 200);
    let span = collector.span("Gemini's", |span| span.name == "generate_content smart").await;
    assert_eq!(span.attributes.text("url.path"), Some("/v1beta/models/smart:generateContent"));
    assert!(collector.spans().iter().all(|span| span.trace != TRACE), "it was not to be traced");
    assert!(!format!("{:?}", collector.spans()).contains("sk-in-the-query"));
}

#[tokio::test]
async fn a_prompt_is_in_the_spans_of_a_tenant_that_wants_it_and_in_no_others() {
    let collector = Otlp::start().await;
    let (told, quiet) = ("the-key-of-the-open", "the-key-of-the-quiet");
    let yaml = format!(
        "models:\n  smart: [openai/gpt-5.6]\ntenants:\n  open: {{ key_sha256: \"{}\", trace_prompts: true }}\n  \
         quiet: {{ key_sha256: \"{}\" }}\n",
        key_sha256(told),
        key_sha256(quiet)
    );
    let gateway = Setup::new(&yaml).otlp(collector.url()).env("OTEL_BSP_SCHEDULE_DELAY", "200").start().await;
    for key in [told, quiet] {
        let request = gateway.http.post(gateway.url("/v1/chat/completions")).bearer_auth(key);
        let request = request.json(&chat("smart", "the secret of the pyramids"));
        assert_eq!(Answer::of(request).await.status, 200);
    }
    let of = async |tenant: &str| {
        collector.span(tenant, |span| span.attributes.text("weir.tenant") == Some(tenant)).await.attributes
    };
    let prompt = of("open").await.text("gen_ai.input.messages").expect("a prompt").to_owned();
    let expected = json!([{ "role": "user", "parts": [{ "type": "text", "content": "the secret of the pyramids" }] }]);
    assert_eq!(serde_json::from_str::<Value>(&prompt).ok(), Some(expected), "{prompt}");
    assert!(!format!("{:?}", of("quiet").await).contains("pyramids"));
    let telling = collector.spans().into_iter().filter(|span| format!("{span:?}").contains("pyramids")).count();
    assert_eq!(telling, 1);
}

/// The gateway's access log, by request id. Envoy writes it every now and then, and when it ends.
async fn log(gateway: &mut Gateway) -> (String, impl Fn(&str) -> Value) {
    gateway.process.signal(nix::sys::signal::Signal::SIGTERM);
    let ended = gateway.process.finish(Duration::from_secs(15)).await.stdout;
    let lines: Vec<Value> = ended.lines().filter(|line| line.starts_with('{')).map(read).collect();
    let line = move |id: &str| {
        let line = lines.iter().find(|line| line["request_id"] == id);
        line.unwrap_or_else(|| panic!("no {id} in {lines:?}")).clone()
    };
    (ended, line)
}

fn read(line: &str) -> Value {
    let line: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    assert!(line["time"].is_string() && line["status"].is_u64(), "{line}");
    line
}

#[tokio::test]
async fn the_access_log_says_what_a_stream_cost_that_was_left_or_cut() {
    let mut gateway = Setup::smart().start().await;
    let cases = [("left", Fault::hang_after(3)), ("cut", Fault::cut_after(3))];
    for (id, fault) in cases {
        gateway.sim.set_faults(TARGETS[0].provider, [fault]).await.expect("a fault");
        let stream = with(chat("smart", "Hi"), json!({ "stream": true }));
        let request = gateway.post().header("x-request-id", id).json(&stream);
        let mut response = request.send().await.expect("an answer");
        assert!(response.chunk().await.expect("a part").is_some(), "{id}");
        while id == "cut" && matches!(response.chunk().await, Ok(Some(_))) {}
    }
    let over = |stats: &Stats| {
        ["aborted", "cut"].iter().all(|how| stats.find("weir_requests", &[("outcome", how)]) == Some(1.0))
    };
    gateway.stats_until("both are over", Duration::from_secs(5), over).await;
    let (_, line) = log(&mut gateway).await;
    let target = format!("{}/{}", TARGETS[0].name, TARGETS[0].model);
    for (id, outcome, tried) in [("left", "aborted", "cancelled"), ("cut", "cut", "truncated")] {
        let line = line(id);
        assert_eq!((&line["outcome"], &line["stream"]), (&json!(outcome), &json!(true)), "{line}");
        assert_eq!(line["tries"], json!([format!("{target}: {tried}")]), "{line}");
        assert!(line["output_tokens"].as_u64() > Some(0) && line["cost_usd"].as_f64() > Some(0.0), "{line}");
    }
}

#[tokio::test]
async fn the_access_log_says_all_of_a_request() {
    let tenant = weir_e2e::CLIENT_KEY;
    let mut gateway = Setup::smart().start().await;
    gateway.sim.set_faults(TARGETS[0].provider, [Fault::status(429)]).await.expect("a fault");
    let answer = gateway.chat_with("x-request-id", "logged-2", &chat("smart", "Hi")).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    // What is no HTTP never comes to the filter.
    let mut raw = tokio::net::TcpStream::connect(gateway.address).await.expect("a connection");
    raw.write_all(b"this is not HTTP\r\n\r\n").await.expect("written");
    let _ = raw.read_to_end(&mut Vec::new()).await;
    let left = gateway.chat_with("x-request-id", "logged-3", &chat("unheard-of", "Hi")).await;
    assert_eq!(left.status, 404);
    let (all, line) = log(&mut gateway).await;
    assert!(all.contains(r#""status":400,"flags":"DPE""#), "{all}");
    let (line, refused) = (line("logged-2"), line("logged-3"));
    let usage = &answer.json()["usage"];
    let expected = [
        ("operation", "chat"),
        ("request_model", "smart"),
        ("provider", "claude"),
        ("model", TARGETS[1].model),
        ("outcome", "ok"),
        ("finish_reason", "stop"),
        ("method", "POST"),
        ("chain", "chain:openai+claude+gemini"),
        ("protocol", "HTTP/1.1"),
        ("client", "127.0.0.1"),
        ("details", "via_upstream"),
    ];
    for (name, value) in expected {
        assert_eq!(line[name], value, "{name} in {line}");
    }
    assert_eq!(line["input_tokens"], usage["prompt_tokens"], "{line}");
    assert_eq!(line["output_tokens"], usage["completion_tokens"], "{line}");
    assert_eq!(Some(line["cost_usd"].to_string().as_str()), answer.header("x-weir-cost-usd"), "{line}");
    let [first, second] = [0, 1].map(|target: usize| format!("{}/{}", TARGETS[target].name, TARGETS[target].model));
    assert_eq!(line["tries"], json!([format!("{first}: rate_limited"), format!("{second}: ok")]), "{line}");
    assert_eq!((&line["stream"], &line["attempts"], &line["cache"]), (&json!(false), &json!(2), &Value::Null));
    for name in ["bytes_in", "bytes_out", "duration_ms", "first_byte_ms"] {
        assert!(line[name].as_u64().is_some(), "{name} in {line}");
    }
    assert_eq!(
        (refused["outcome"].as_str(), refused["status"].as_u64(), refused["request_model"].as_str()),
        (Some("client_error"), Some(404), Some("unheard-of")),
        "{refused}"
    );
    assert!(!all.contains(tenant));
}
