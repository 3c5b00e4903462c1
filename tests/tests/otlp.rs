//! OpenTelemetry's metrics of generative AI: names, units, buckets and attributes are the conventions', and the numbers
//! are those of the simulator.

use serde_json::json;
use weir_e2e::{
    Attributes, CLAUDE, Gateway, Instrument, Metric, OPENAI, Otlp, Point, Setup, Stream, TARGETS, Target, chat, stream,
    with,
};
use weir_sim::{Fault, JournalEntry, Provider};

const DURATIONS: &[f64] = &[0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];
const FIRST_TOKEN: &[f64] =
    &[0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];
const PER_TOKEN: &[f64] = &[0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5];

/// Of tokens.
fn bounds() -> Vec<f64> {
    (0..14).map(|power| 4_f64.powi(power)).collect()
}

/// With a collector that is told five times a second.
async fn start(variables: &[(&str, &str)]) -> (Gateway, Otlp) {
    let otlp = Otlp::start().await;
    let mut setup = Setup::smart().otlp(otlp.url()).env("OTEL_METRIC_EXPORT_INTERVAL", "200");
    for (variable, value) in variables {
        setup = setup.env(variable, value);
    }
    (setup.start().await, otlp)
}

fn kind(target: Target) -> &'static str {
    match target.provider {
        Provider::OpenAi => "openai",
        Provider::Anthropic => "anthropic",
        Provider::Gemini => "gcp.gemini",
    }
}

/// Of what Weir saw of a provider.
fn at(target: Target) -> [(&'static str, &'static str); 3] {
    [("gen_ai.operation.name", "chat"), ("gen_ai.provider.name", kind(target)), ("gen_ai.request.model", target.model)]
}

fn with_error<'a>(mut of: Vec<(&'a str, &'a str)>, error: &'a str) -> Vec<(&'a str, &'a str)> {
    of.push(("error.type", error));
    of
}

/// The only point of a metric with these attributes, once it counts `count`.
async fn point(otlp: &Otlp, name: &str, attributes: &[(&str, &str)], count: u64) -> Point {
    let points = otlp.points(name, attributes, count).await;
    let [point] = <[Point; 1]>::try_from(points).unwrap_or_else(|points| panic!("{name}: {points:?}"));
    point
}

fn metric(otlp: &Otlp, name: &str) -> Metric {
    let mut found: Vec<Metric> = otlp.metrics().into_iter().filter(|metric| metric.name == name).collect();
    assert_eq!(found.len(), 1, "{name}: {:?}", names(otlp));
    found.remove(0)
}

fn names(otlp: &Otlp) -> Vec<String> {
    let mut names: Vec<String> = otlp.metrics().into_iter().map(|metric| metric.name).collect();
    names.sort();
    names
}

fn assert_shape(otlp: &Otlp, name: &str, unit: &str, bounds: &[f64]) {
    let metric = metric(otlp, name);
    assert_eq!((metric.unit.as_str(), metric.instrument), (unit, Instrument::Histogram), "{name}");
    assert!(!metric.description.is_empty() && metric.scope == "weir-sidecar", "{metric:?}");
    for point in &metric.points {
        assert_eq!(point.bounds, bounds, "{name}");
        assert_eq!(point.buckets.len(), bounds.len() + 1, "{name}");
        assert_eq!(point.buckets.iter().sum::<u64>(), point.count, "{name}");
    }
}

async fn via(gateway: &Gateway, route: &str, request: &serde_json::Value) -> u16 {
    gateway.chat_with("x-weir-route", route, request).await.status
}

/// What a provider's answers took together, in seconds.
fn seconds(entries: &[JournalEntry]) -> f64 {
    entries.iter().filter_map(|entry| entry.duration_ms).sum::<u64>() as f64 / 1_000.0
}

#[tokio::test]
async fn each_operation_and_request_is_told_with_the_simulators_numbers() {
    let (gateway, otlp) = start(&[("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=e2e")]).await;
    let mut chunks = Vec::new();
    for target in TARGETS {
        let slow = [Fault::delay(std::time::Duration::from_millis(60))];
        gateway.sim.set_faults(target.provider, slow).await.expect("a delay");
        for _ in 0..2 {
            assert_eq!(via(&gateway, target.name, &chat("smart", "How are you?")).await, 200);
        }
        let slow = [Fault::event_delay(std::time::Duration::from_millis(30))];
        gateway.sim.set_faults(target.provider, slow).await.expect("a delay");
        let request = gateway.post().header("x-weir-route", target.name).json(&stream("smart", "How are you?"));
        let streamed = Stream::read(request.send().await.expect("an answer")).await;
        streamed.assert_complete(target.name);
        chunks.push(pieces(&streamed));
    }
    gateway.sim.clear().await.expect("no faults");
    for (target, chunks) in TARGETS.into_iter().zip(chunks) {
        let of = at(target);
        let durations = point(&otlp, "gen_ai.client.operation.duration", &of, 3).await;
        assert_eq!(
            durations.attributes.names(),
            [
                "gen_ai.operation.name",
                "gen_ai.provider.name",
                "gen_ai.request.model",
                "gen_ai.response.model",
                "server.address",
                "server.port"
            ],
            "no error where there is none"
        );
        assert_eq!(durations.attributes.text("gen_ai.response.model"), Some(target.model));
        assert_at_simulator(&gateway, target, &durations.attributes);
        let took = seconds(&gateway.journal(target.provider));
        assert!((took - 0.05..took + 1.0).contains(&durations.sum), "{}: {} {took}", target.name, durations.sum);
        assert_eq!(durations.buckets[..3].iter().sum::<u64>(), 0, "each takes 60 ms at least: {durations:?}");

        let counted = match target.provider {
            Provider::OpenAi => gateway.sim.stats().openai,
            Provider::Anthropic => gateway.sim.stats().anthropic,
            Provider::Gemini => gateway.sim.stats().gemini,
        };
        for (kind, tokens) in [("input", counted.tokens_in), ("output", counted.tokens_out)] {
            let of = [of.as_slice(), &[("gen_ai.token.type", kind)]].concat();
            let used = point(&otlp, "gen_ai.client.token.usage", &of, 3).await;
            assert_eq!(used.sum, tokens as f64, "{} {kind}", target.name);
            assert_at_simulator(&gateway, target, &used.attributes);
        }
        let first = point(&otlp, "gen_ai.client.operation.time_to_first_chunk", &of, 1).await;
        assert!(first.sum < 1.0, "{first:?}");
        let gaps = point(&otlp, "gen_ai.client.operation.time_per_output_chunk", &of, chunks - 1).await;
        let expected = (chunks - 1) as f64 * 0.03;
        assert!((expected * 0.9..expected + 1.0).contains(&gaps.sum), "{}: {} {expected}", target.name, gaps.sum);

        let of = [("gen_ai.operation.name", "chat"), ("gen_ai.provider.name", kind(target))];
        let requests = point(&otlp, "gen_ai.server.request.duration", &of, 3).await;
        assert_eq!(requests.attributes.text("gen_ai.request.model"), Some("smart"), "as the client names it");
        assert!((durations.sum..durations.sum + 0.5).contains(&requests.sum), "{requests:?} {durations:?}");
        let first_token = point(&otlp, "gen_ai.server.time_to_first_token", &of, 1).await;
        assert!((first.sum..first.sum + 0.5).contains(&first_token.sum), "{first_token:?} {first:?}");
        let per_token = point(&otlp, "gen_ai.server.time_per_output_token", &of, 1).await;
        assert!(per_token.sum > 0.0 && per_token.sum < gaps.sum.max(0.03), "{per_token:?} {gaps:?}");
    }
    for name in ["operation.duration", "operation.time_to_first_chunk", "operation.time_per_output_chunk"] {
        assert_shape(&otlp, &format!("gen_ai.client.{name}"), "s", DURATIONS);
    }
    assert_shape(&otlp, "gen_ai.client.token.usage", "{token}", &bounds());
    assert_shape(&otlp, "gen_ai.server.request.duration", "s", DURATIONS);
    assert_shape(&otlp, "gen_ai.server.time_to_first_token", "s", FIRST_TOKEN);
    assert_shape(&otlp, "gen_ai.server.time_per_output_token", "s", PER_TOKEN);
    assert_eq!(names(&otlp).len(), 7, "nothing else: {:?}", names(&otlp));
    let resource = metric(&otlp, "gen_ai.client.token.usage").resource;
    for (name, value) in [("service.name", "weir"), ("deployment.environment.name", "e2e")] {
        assert_eq!(resource.text(name), Some(value), "{resource:?}");
    }
    assert!(resource.text("service.version").is_some() && resource.text("service.instance.id").is_some());

    // Prometheus is told the same.
    let shown = gateway.sidecar_stats().await;
    let labels = [("gen_ai_provider_name", "anthropic"), ("gen_ai_token_type", "output")];
    let output = gateway.sim.stats().anthropic.tokens_out as f64;
    assert_eq!(shown.find("gen_ai_client_token_usage_sum", &labels), Some(output));
    assert_eq!(shown.find("gen_ai_client_operation_duration_seconds_count", &labels[..1]), Some(3.0));
}

/// The address that the attempt was sent to, as it is written in the configuration.
fn assert_at_simulator(gateway: &Gateway, target: Target, attributes: &Attributes) {
    let address = gateway.sim.addr(target.provider);
    assert_eq!(attributes.text("server.address"), Some(address.ip().to_string().as_str()));
    assert_eq!(attributes.int("server.port"), Some(address.port().into()), "a number: {attributes:?}");
}

/// Chunks of a stream that brought text.
fn pieces(stream: &Stream) -> u64 {
    let text =
        |event: &&serde_json::Value| event["choices"][0]["delta"]["content"].as_str().is_some_and(|t| !t.is_empty());
    stream.chunks().iter().filter(text).count() as u64
}

#[tokio::test]
async fn a_fallback_is_two_operations_of_one_request_and_a_failure_has_its_class() {
    let (gateway, otlp) = start(&[]).await;
    let route = format!("{},{}", OPENAI.name, CLAUDE.name);
    gateway.sim.set_faults(OPENAI.provider, [Fault::status(500)]).await.expect("a fault");
    assert_eq!(via(&gateway, &route, &chat("smart", "Hi")).await, 200);
    gateway.sim.set_faults(OPENAI.provider, [Fault::status(400)]).await.expect("a fault");
    assert_eq!(via(&gateway, OPENAI.name, &chat("smart", "Hi")).await, 400);
    gateway.sim.clear().await.expect("no faults");
    gateway.sim.set_faults(CLAUDE.provider, [Fault::cut_after(CLAUDE.preamble + 2)]).await.expect("a fault");
    let request = gateway.post().header("x-weir-route", CLAUDE.name).json(&stream("smart", "Hi"));
    let _ = request.send().await.expect("an answer").text().await;

    let (name, at_openai, at_claude) = ("gen_ai.client.operation.duration", at(OPENAI).to_vec(), at(CLAUDE).to_vec());
    for (of, error) in [(&at_openai, "server_error"), (&at_openai, "invalid_request"), (&at_claude, "truncated")] {
        point(&otlp, name, &with_error(of.clone(), error), 1).await;
    }
    assert_eq!(otlp.points(name, &at_claude, 2).await.len(), 2, "one that failed, one that did not");
    assert_eq!(otlp.points(name, &at_openai, 2).await.len(), 2);
    let server = "gen_ai.server.request.duration";
    let of = |provider: Target| vec![("gen_ai.operation.name", "chat"), ("gen_ai.provider.name", kind(provider))];
    point(&otlp, server, &with_error(of(OPENAI), "client_error"), 1).await;
    point(&otlp, server, &with_error(of(CLAUDE), "cut"), 1).await;
    otlp.points(server, &[], 3).await;
    let served =
        otlp.points_now(server, &of(CLAUDE)).into_iter().find(|point| point.attributes.get("error.type").is_none());
    assert_eq!(served.map(|point| point.count), Some(1), "the fallback is the answer of Claude");
    let used = otlp.points("gen_ai.client.token.usage", &[("gen_ai.token.type", "output")], 1).await;
    assert_eq!(
        used[0].attributes.text("gen_ai.provider.name"),
        Some("anthropic"),
        "a cut one has an estimate: {used:?}"
    );
}

#[tokio::test]
async fn the_next_generation_is_there_for_who_opts_in() {
    let (gateway, otlp) = start(&[("OTEL_SEMCONV_STABILITY_OPT_IN", "gen_ai_latest_experimental")]).await;
    for text in ["Hi", "How are you?"] {
        assert_eq!(via(&gateway, OPENAI.name, &chat("smart", text)).await, 200);
    }
    let of = at(OPENAI);
    let duration = point(&otlp, "gen_ai.client.inference.duration", &of, 2).await;
    assert_eq!(duration.bounds, DURATIONS);
    let counted = gateway.sim.stats().openai;
    for (kind, tokens) in [("input", counted.tokens_in), ("output", counted.tokens_out)] {
        let used = point(&otlp, &format!("gen_ai.client.inference.operation.{kind}_tokens"), &of, 2).await;
        assert_eq!((used.sum, used.bounds), (tokens as f64, bounds()));
        let name = format!("gen_ai.client.inference.usage.{kind}_tokens");
        let of = [of.as_slice(), &[("gen_ai.token.modality", "unknown")]].concat();
        assert_eq!(point(&otlp, &name, &of, tokens).await.sum, tokens as f64);
        let metric = metric(&otlp, &name);
        assert_eq!((metric.unit.as_str(), metric.instrument), ("{token}", Instrument::Counter));
    }
    let released = names(&otlp).into_iter().filter(|name| {
        ["gen_ai.client.operation.", "gen_ai.client.token."].iter().any(|start| name.starts_with(start))
    });
    assert_eq!(released.collect::<Vec<_>>(), Vec::<String>::new());
    assert!(names(&otlp).contains(&"gen_ai.server.request.duration".to_owned()));
}

#[tokio::test]
async fn embeddings_hits_and_made_up_models_make_no_series_of_their_own() {
    let otlp = Otlp::start().await;
    let setup = Setup::new(
        "models:\n  smart: { targets: [openai/gpt-5.6], cache: { exact: { ttl: 1h } } }\n  near: [openai/text-embedding-3-small]\n",
    );
    let gateway = setup.otlp(otlp.url()).env("OTEL_METRIC_EXPORT_INTERVAL", "200").start().await;
    let deterministic = with(chat("smart", "Hi"), json!({ "temperature": 0 }));
    for _ in 0..5 {
        assert_eq!(gateway.chat(&deterministic).await.status, 200);
    }
    let embed = gateway.http.post(gateway.url("/v1/embeddings")).json(&json!({ "model": "near", "input": "Hi" }));
    assert_eq!(embed.send().await.expect("an answer").status(), 200);
    for number in 0..20 {
        let _ = gateway.chat(&chat(&format!("openai/made-up-{number}"), "Hi")).await;
        let _ = gateway.chat(&chat(&format!("made-up-{number}"), "Hi")).await;
    }
    let name = "gen_ai.client.operation.duration";
    point(&otlp, name, &at(OPENAI), 1).await;
    point(&otlp, name, &[("gen_ai.operation.name", "embeddings")], 1).await;
    otlp.points(name, &[("gen_ai.request.model", "other")], 20).await;
    otlp.points("gen_ai.server.request.duration", &[("gen_ai.request.model", "direct")], 20).await;
    let text = format!("{:?}", otlp.metrics());
    assert!(!text.contains("made-up"), "{text}");
}

#[tokio::test]
async fn a_collector_that_refuses_is_counted_and_told_all_when_it_takes_it() {
    let (gateway, otlp) = start(&[]).await;
    otlp.refuse(Some(503));
    assert_eq!(via(&gateway, OPENAI.name, &chat("smart", "Hi")).await, 200);
    let failures =
        |stats: &weir_e2e::Stats| stats.find("weir_telemetry_export_failures_total", &[("signal", "metrics")]);
    let begun = std::time::Instant::now();
    while !failures(&gateway.sidecar_stats().await).is_some_and(|count| count >= 1.0) {
        assert!(begun.elapsed().as_secs() < 20, "no failure is counted");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    otlp.refuse(None);
    point(&otlp, "gen_ai.client.operation.duration", &at(OPENAI), 1).await;
}
