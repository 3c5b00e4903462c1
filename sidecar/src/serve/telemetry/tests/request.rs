use super::*;
use std::collections::BTreeMap;
use weir_core::config;

const YAML: &str = "providers:\n  openai: { kind: openai, api_key: $K }\n  claude: { kind: anthropic, api_key: $K }\n\
                    models: { smart: [openai/gpt-5.6, claude/claude-sonnet-4-6] }\n";

fn known() -> Known {
    Known::new(&config::parse(YAML).unwrap().0)
}

fn traced() -> Traced {
    let one = |span, provider: &str, model: &str, error: Option<&str>| Try {
        span,
        provider: provider.into(),
        model: model.into(),
        after: 5 * span,
        millis: 20,
        error: error.map(str::to_owned),
        ..Try::default()
    };
    let tokens = Tokens { input: 13, output: 2, cached: 4, ..Tokens::default() };
    let failed = one(1, "openai", "gpt-5.6", Some("server_error"));
    let served = Try {
        first: Some(7),
        tokens: Some(tokens.clone()),
        is_served: true,
        ..one(2, "claude", "claude-sonnet-4-6", None)
    };
    Traced {
        trace: [9; 16].into(),
        span: 8,
        parent: Some(7),
        began: 1_700_000_000_000,
        millis: 40,
        operation: "chat".into(),
        model: Some("smart".into()),
        path: "/v1/chat/completions".into(),
        scheme: Some("http".into()),
        state: Some("vendor=1".into()),
        status: 200,
        outcome: "ok".into(),
        stream: Some(true),
        request_id: Some("mine".into()),
        waited: 3,
        first: Some(17),
        tokens: Some(tokens),
        cost_microusd: Some(58),
        finish: Some("stop".into()),
        tries: vec![failed, served],
        ..Traced::default()
    }
}

/// One line per attribute.
fn written(span: &Span) -> String {
    let told: BTreeMap<_, _> =
        span.attributes.iter().map(|told| (&told.key, told.value.clone().unwrap().value.unwrap())).collect();
    told.into_iter().map(|(name, value)| format!("{name}={value:?}\n")).collect()
}

#[test]
fn the_requests_span_says_what_became_of_it_in_the_conventions_words_and_types() {
    let spans = spans(&known(), &traced());
    let own = &spans[0];
    assert_eq!((own.name.as_str(), own.kind(), own.flags), ("chat smart", SpanKind::Server, 0x301));
    assert_eq!((own.trace_id.as_slice(), own.span_id[7], own.parent_span_id[7]), ([9; 16].as_slice(), 8, 7));
    assert_eq!(
        (own.start_time_unix_nano, own.end_time_unix_nano),
        (1_700_000_000_000_000_000, 1_700_000_000_040_000_000)
    );
    assert_eq!(own.status.as_ref().unwrap().code(), StatusCode::Unset);
    expect_test::expect![[r#"
        gen_ai.operation.name=StringValue("chat")
        gen_ai.provider.name=StringValue("anthropic")
        gen_ai.request.model=StringValue("smart")
        gen_ai.request.stream=BoolValue(true)
        gen_ai.response.finish_reasons=ArrayValue(ArrayValue { values: [AnyValue { value: Some(StringValue("stop")) }] })
        gen_ai.response.model=StringValue("claude-sonnet-4-6")
        gen_ai.response.time_to_first_chunk=DoubleValue(0.017)
        gen_ai.usage.cache_read.input_tokens=IntValue(4)
        gen_ai.usage.input_tokens=IntValue(13)
        gen_ai.usage.output_tokens=IntValue(2)
        http.request.method=StringValue("POST")
        http.response.status_code=IntValue(200)
        url.path=StringValue("/v1/chat/completions")
        url.scheme=StringValue("http")
        weir.attempts=IntValue(2)
        weir.cost_usd=DoubleValue(5.8e-5)
        weir.outcome=StringValue("ok")
        weir.provider=StringValue("claude")
        weir.request_id=StringValue("mine")
        weir.wait_ms=IntValue(3)
    "#]].assert_eq(&written(own));
}

#[test]
fn each_attempt_has_a_span_of_its_own_below_it() {
    let spans = spans(&known(), &traced());
    let [_, failed, served] = spans.as_slice() else { panic!("{spans:?}") };
    for (span, id, name, code) in
        [(failed, 1, "chat gpt-5.6", StatusCode::Error), (served, 2, "chat claude-sonnet-4-6", StatusCode::Unset)]
    {
        assert_eq!((span.name.as_str(), span.kind(), span.flags), (name, SpanKind::Client, 1));
        assert_eq!((span.span_id[7], span.parent_span_id[7]), (id, 8));
        assert_eq!(span.status.as_ref().unwrap().code(), code);
        assert_eq!(span.end_time_unix_nano - span.start_time_unix_nano, 20_000_000);
    }
    assert_eq!(served.start_time_unix_nano, 1_700_000_000_010_000_000);
    expect_test::expect![[r#"
        error.type=StringValue("server_error")
        gen_ai.operation.name=StringValue("chat")
        gen_ai.provider.name=StringValue("openai")
        gen_ai.request.model=StringValue("gpt-5.6")
        server.address=StringValue("api.openai.com")
        server.port=IntValue(443)
        weir.provider=StringValue("openai")
    "#]]
    .assert_eq(&written(failed));
    expect_test::expect![[r#"
        gen_ai.operation.name=StringValue("chat")
        gen_ai.provider.name=StringValue("anthropic")
        gen_ai.request.model=StringValue("claude-sonnet-4-6")
        gen_ai.response.finish_reasons=ArrayValue(ArrayValue { values: [AnyValue { value: Some(StringValue("stop")) }] })
        gen_ai.response.model=StringValue("claude-sonnet-4-6")
        gen_ai.response.time_to_first_chunk=DoubleValue(0.007)
        server.address=StringValue("api.anthropic.com")
        server.port=IntValue(443)
        weir.input_tokens=IntValue(13)
        weir.output_tokens=IntValue(2)
        weir.provider=StringValue("claude")
    "#]].assert_eq(&written(served));
}

#[test]
fn a_model_that_is_not_configured_has_its_name_in_each_span() {
    let mut traced = traced();
    traced.tries[1].model = "claude-next".into();
    let spans = spans(&known(), &traced);
    assert_eq!(spans[2].name, "chat claude-next");
    for (span, name) in [
        (&spans[0], "gen_ai.response.model"),
        (&spans[2], "gen_ai.request.model"),
        (&spans[2], "gen_ai.response.model"),
    ] {
        assert!(written(span).contains(&format!("{name}=StringValue(\"claude-next\")")), "{}", written(span));
    }
}

#[test]
fn a_request_that_went_to_nobody_has_one_span() {
    let refused = Traced { model: None, outcome: "limited".into(), status: 429, tries: vec![], ..traced() };
    let [span] = spans(&known(), &refused).try_into().expect("one");
    assert_eq!((span.name.as_str(), span.trace_state.as_str()), ("chat", "vendor=1"));
    assert!(written(&span).contains("weir.outcome=StringValue(\"limited\")"), "{}", written(&span));
}

#[test]
fn an_answer_from_the_cache_is_told_with_whose_it_is() {
    let (answered, answered_model) = (Some("claude".into()), Some("claude-sonnet-4-6".into()));
    let hit = Traced { answered, answered_model, cache: Some("hit".into()), tries: vec![], tokens: None, ..traced() };
    let [span] = spans(&known(), &hit).try_into().expect("one");
    let told = written(&span);
    for one in
        ["gen_ai.provider.name=StringValue(\"anthropic\")", "gen_ai.response.model=StringValue(\"claude-sonnet-4-6\")"]
    {
        assert!(told.contains(one) && !told.contains("gen_ai.usage"), "{told}");
    }
}

#[test]
fn only_what_the_server_could_not_do_is_an_error_of_its_span() {
    for (status, outcome, is_error) in [
        (200, "ok", false),
        (404, "client_error", false),
        (429, "limited", false),
        (0, "aborted", false),
        (200, "aborted", false),
        (200, "cut", true),
        (502, "upstream_5xx", true),
        (504, "timeout", true),
    ] {
        let spans = spans(&known(), &Traced { status, outcome: outcome.into(), ..traced() });
        let span = &spans[0];
        let error = format!("error.type=StringValue({outcome:?})");
        let told = (span.status.as_ref().unwrap().code() == StatusCode::Error, written(span).contains(&error));
        assert_eq!(told, (is_error, is_error), "{status} {outcome}");
    }
}

#[test]
fn who_answered_is_told_though_its_stream_was_cut_and_a_rival_given_up() {
    let mut cut = Traced { outcome: "cut".into(), ..traced() };
    cut.tries.reverse();
    cut.tries[0].error = Some("truncated".into());
    cut.tries[1].error = Some("cancelled".into());
    let own = written(&spans(&known(), &cut)[0]);
    assert!(own.contains("weir.provider=StringValue(\"claude\")"), "{own}");
    assert!(own.contains("gen_ai.response.model=StringValue(\"claude-sonnet-4-6\")"), "{own}");
}
