use super::*;
use crate::serve::telemetry::table::Numbers;
use weir_core::config;

const YAML: &str = "
providers:
  openai: { kind: openai, api_key: $K }
  azure: { kind: openai, api_key: $K, base_url: \"https://eu.openai.azure.com/openai/v1\" }
  claude: { kind: anthropic, api_key: $K, base_url: \"http://127.0.0.1:8080\" }
  gemini: { kind: gemini, api_key: $K }
models:
  smart: [openai/gpt-5.6, azure/gpt-5.6, claude/claude-sonnet-5-5, gemini/gemini-3.8-flash]
";

fn genai(is_latest: bool) -> GenAi {
    GenAi::new(Known::new(&config::parse(YAML).unwrap().0), is_latest)
}

fn attempt(provider: &str, model: &str) -> Attempted {
    let timing = Timing { millis: 300, first: None };
    Attempted { provider: provider.into(), model: model.into(), timing, ..Attempted::default() }
}

/// A request that OpenAI answered.
fn report(number: u64) -> Report {
    Report {
        number,
        model: "smart".into(),
        provider: Some("openai".into()),
        provider_model: Some("gpt-5.6".into()),
        input: 100,
        output: 21,
        cached: 30,
        cache_write: 2,
        reasoning: 5,
        outcome: "ok".into(),
        operation: "chat".into(),
        attempts: vec![Attempted { is_billed: true, ..attempt("openai", "gpt-5.6") }],
        request: Some(Timing { millis: 310, first: None }),
        ..Report::default()
    }
}

fn told(genai: &GenAi, reports: &[Report]) {
    genai.told(1, reports, Instant::now());
}

/// The series of a metric: attributes as text, observations, sum.
fn series(genai: &GenAi, metric: Metric) -> Vec<(String, u64, f64)> {
    let text = |attributes: &Attributes| {
        let one = |(name, value): &(&str, Value)| match value {
            Value::Text(text) => format!("{name}={text}"),
            Value::Int(number) => format!("{name}=int:{number}"),
        };
        attributes.iter().map(one).collect::<Vec<_>>().join(" ")
    };
    let series = genai.table().read().remove(&metric).unwrap_or_default();
    series.iter().map(|(of, Numbers { count, sum, .. })| (text(of), *count, *sum)).collect()
}

const AT_OPENAI: &str = "gen_ai.operation.name=chat gen_ai.provider.name=openai gen_ai.request.model=gpt-5.6 \
                         gen_ai.response.model=gpt-5.6 server.address=api.openai.com server.port=int:443";
const AT_WEIR: &str = "gen_ai.operation.name=chat gen_ai.provider.name=openai gen_ai.request.model=smart";

#[tokio::test]
async fn an_answer_is_an_operation_of_the_client_and_a_request_to_the_server() {
    let genai = genai(false);
    told(&genai, &[report(1)]);
    assert_eq!(series(&genai, Metric::OperationDuration), [(AT_OPENAI.to_owned(), 1, 0.3)]);
    assert_eq!(series(&genai, Metric::RequestDuration), [(AT_WEIR.to_owned(), 1, 0.31)]);
    assert_eq!(
        series(&genai, Metric::TokenUsage),
        [
            (format!("{AT_OPENAI} gen_ai.token.type=input"), 1, 100.0),
            (format!("{AT_OPENAI} gen_ai.token.type=output"), 1, 21.0)
        ]
    );
    for metric in [Metric::TimeToFirstChunk, Metric::TimePerOutputChunk, Metric::TimeToFirstToken] {
        assert_eq!(series(&genai, metric), [], "no stream, no {}", metric.name());
    }
}

#[tokio::test]
async fn a_stream_tells_when_it_began_and_its_pace() {
    let genai = genai(false);
    let streamed = Attempted {
        timing: Timing { millis: 300, first: Some(100) },
        gaps: vec![2, 0, 1],
        gap_millis: 45,
        is_billed: true,
        ..attempt("openai", "gpt-5.6")
    };
    let request = Some(Timing { millis: 310, first: Some(110) });
    told(&genai, &[Report { attempts: vec![streamed], request, ..report(1) }]);
    assert_eq!(series(&genai, Metric::TimeToFirstChunk), [(AT_OPENAI.to_owned(), 1, 0.1)]);
    assert_eq!(series(&genai, Metric::TimePerOutputChunk), [(AT_OPENAI.to_owned(), 3, 0.045)]);
    assert_eq!(series(&genai, Metric::TimeToFirstToken), [(AT_WEIR.to_owned(), 1, 0.11)]);
    assert_eq!(series(&genai, Metric::TimePerOutputToken), [(AT_WEIR.to_owned(), 1, 0.01)], "0.2 s for 20 more");
}

#[tokio::test]
async fn each_attempt_of_a_fallback_is_an_operation_and_only_a_failure_has_an_error() {
    let genai = genai(false);
    let failed =
        |provider: &str, model, error: &str| Attempted { error: Some(error.into()), ..attempt(provider, model) };
    let attempts = vec![
        failed("openai", "gpt-5.6", "rate_limited"),
        failed("azure", "gpt-5.6", "timeout"),
        failed("claude", "claude-sonnet-5-5", "cancelled"),
        Attempted { is_billed: true, ..attempt("gemini", "gemini-3.8-flash") },
    ];
    told(&genai, &[Report { attempts, provider: Some("gemini".into()), ..report(1) }]);
    let chat = "gen_ai.operation.name=chat gen_ai.provider.name";
    let mut expected = [
        format!(
            "{chat}=openai gen_ai.request.model=gpt-5.6 server.address=api.openai.com server.port=int:443 \
             error.type=rate_limited"
        ),
        format!(
            "{chat}=azure.ai.openai gen_ai.request.model=gpt-5.6 server.address=eu.openai.azure.com \
             server.port=int:443 error.type=timeout"
        ),
        format!(
            "{chat}=anthropic gen_ai.request.model=claude-sonnet-5-5 server.address=127.0.0.1 server.port=int:8080 \
             error.type=cancelled"
        ),
        format!(
            "{chat}=gcp.gemini gen_ai.request.model=gemini-3.8-flash gen_ai.response.model=gemini-3.8-flash \
             server.address=generativelanguage.googleapis.com server.port=int:443"
        ),
    ];
    expected.sort();
    let mut found: Vec<_> = series(&genai, Metric::OperationDuration).into_iter().map(|(of, ..)| of).collect();
    found.sort();
    assert_eq!(found, expected);
    assert_eq!(
        series(&genai, Metric::TokenUsage).len(),
        2,
        "only who was paid has tokens: {:?}",
        series(&genai, Metric::TokenUsage)
    );
}

#[tokio::test]
async fn a_request_that_nobody_served_has_the_clients_error_and_an_estimate_is_no_usage() {
    let genai = genai(false);
    let attempts = vec![Attempted { error: Some("server_error".into()), ..attempt("openai", "gpt-5.6") }];
    let failed = Report { provider: None, outcome: "upstream_5xx".into(), attempts, ..report(1) };
    let cut = Report { estimated: true, outcome: "cut".into(), ..report(2) };
    told(&genai, &[failed, cut]);
    let of = |error| (format!("{AT_WEIR} error.type={error}"), 1, 0.31);
    assert_eq!(series(&genai, Metric::RequestDuration), [of("cut"), of("upstream_5xx")]);
    assert_eq!(series(&genai, Metric::TokenUsage), []);
}

#[tokio::test]
async fn what_is_told_again_is_counted_once() {
    let genai = genai(false);
    told(&genai, &[report(1), report(2)]);
    told(&genai, &[report(1), report(2), report(3)]);
    genai.told(2, &[report(1)], Instant::now());
    assert_eq!(series(&genai, Metric::OperationDuration)[0].1, 4);
    assert_eq!(series(&genai, Metric::RequestDuration)[0].1, 4);
}

#[tokio::test]
async fn hits_are_no_operation_and_a_further_report_is_no_request() {
    let genai = genai(false);
    let hits = Report { from_cache: true, more: 9, outcome: "ok".into(), number: 1, ..Report::default() };
    told(&genai, &[hits, Report { request: None, is_further: true, ..report(2) }]);
    assert_eq!(series(&genai, Metric::OperationDuration)[0].1, 1);
    assert_eq!(series(&genai, Metric::RequestDuration), []);
}

#[tokio::test]
async fn whatever_is_reported_the_number_of_series_is_bounded() {
    let genai = genai(false);
    for number in 1..=1_000 {
        let made_up = format!("made-up-{number}");
        let attempts = vec![
            Attempted { error: Some(made_up.clone()), ..attempt(&made_up, &made_up) },
            Attempted { is_billed: true, ..attempt("openai", &made_up) },
        ];
        let (model, operation, outcome) = (made_up.clone(), made_up.clone(), made_up.clone());
        let provider = Some(made_up);
        told(&genai, &[Report { model, operation, outcome, provider, attempts, ..report(number) }]);
    }
    let operations = series(&genai, Metric::OperationDuration);
    let of = "gen_ai.operation.name=_OTHER gen_ai.provider.name";
    let expected = [
        (format!("{of}=_OTHER gen_ai.request.model=other error.type=_OTHER"), 1_000),
        (
            format!(
                "{of}=openai gen_ai.request.model=other gen_ai.response.model=other server.address=api.openai.com \
                 server.port=int:443"
            ),
            1_000,
        ),
    ];
    assert_eq!(operations.into_iter().map(|(of, count, _)| (of, count)).collect::<Vec<_>>(), expected);
    let requests = series(&genai, Metric::RequestDuration);
    assert_eq!(requests[0].0, format!("{of}=_OTHER gen_ai.request.model=direct error.type=_OTHER"));
    assert_eq!(requests.len(), 1);
}

#[tokio::test]
async fn the_next_generation_has_other_names_and_counts_each_kind_of_token() {
    let genai = genai(true);
    told(&genai, &[report(1), report(2)]);
    assert_eq!(series(&genai, Metric::OperationDuration), []);
    assert_eq!(series(&genai, Metric::TokenUsage), []);
    assert_eq!(series(&genai, Metric::InferenceDuration), [(AT_OPENAI.to_owned(), 2, 0.6)]);
    assert_eq!(series(&genai, Metric::OperationInputTokens), [(AT_OPENAI.to_owned(), 2, 200.0)]);
    let of = format!("{AT_OPENAI} gen_ai.token.modality=unknown");
    for (metric, tokens) in [
        (Metric::InputTokens, 200.0),
        (Metric::OutputTokens, 42.0),
        (Metric::CacheReadTokens, 60.0),
        (Metric::CacheWriteTokens, 4.0),
        (Metric::ReasoningTokens, 10.0),
    ] {
        assert_eq!(series(&genai, metric), [(of.clone(), 0, tokens)], "{}", metric.name());
    }
    assert_eq!(series(&genai, Metric::RequestDuration).len(), 1, "what Weir's client saw keeps its names");
}
