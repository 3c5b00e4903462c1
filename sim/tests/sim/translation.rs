//! What core makes of a valid OpenAI request, in the eyes of the provider that gets it: accepted, or refused before
//! it is sent, with the parameter named.

use std::cell::Cell;

use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use serde_json::{Map, Value, json};
use weir_core::{
    capability::Table,
    config::{Kind, OnUnsupported},
    dialect::openai,
    provider::{self, Unsupported},
};
use weir_sim::Provider;

use crate::common::Rig;

/// Who gets it: of each family one model that takes much and one that refuses much.
const TARGETS: [(Kind, &str); 6] = [
    (Kind::Anthropic, "claude-haiku-4-5"),
    (Kind::Anthropic, "claude-sonnet-4-6"),
    (Kind::Anthropic, "claude-sonnet-5-5"),
    (Kind::Gemini, "gemini-2.5-flash"),
    (Kind::Gemini, "gemini-3-pro"),
    (Kind::Gemini, "gemini-3.8-flash"),
];

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("Hi".to_owned()),
        Just("Use all tools".to_owned()),
        Just(" größer \"🌊\"\n".to_owned()),
        "[a-z ]{1,30}[a-z]",
    ]
}

fn part() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => text().prop_map(|text| json!({"type": "text", "text": text})),
        1 => Just(json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo=", "detail": "low"}})),
        1 => Just(json!({"type": "image_url", "image_url": {"url": "https://example.com/a.jpg"}})),
        1 => Just(json!({"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}})),
        1 => Just(json!({"type": "file", "file": {"file_data": "data:application/pdf;base64,JVBERi0=", "filename": "a.pdf"}})),
        1 => Just(json!({"type": "file", "file": {"file_id": "file-1"}})),
    ]
}

fn user() -> impl Strategy<Value = Value> {
    let content = prop_oneof![text().prop_map(Value::from), prop::collection::vec(part(), 1..4).prop_map(Value::from)];
    (content, prop::option::weighted(0.2, Just("ada"))).prop_map(|(content, name)| match name {
        Some(name) => json!({"role": "user", "content": content, "name": name}),
        None => json!({"role": "user", "content": content}),
    })
}

/// What the assistant says, and the results of its calls.
fn assistant() -> impl Strategy<Value = Vec<Value>> {
    let arguments =
        prop_oneof![Just("{}"), Just(r#"{"city": "Paris"}"#), Just(r#"{"deep": {"list": [1, null, "x"]}}"#)];
    let result = prop_oneof![
        text().prop_map(Value::from),
        Just(json!(r#"{"degrees": 18}"#)),
        text().prop_map(|text| json!([{"type": "text", "text": text}])),
    ];
    let call = (prop::sample::select(vec!["weather", "clock"]), arguments, result, "[a-zA-Z0-9_.:-]{4,12}");
    let calls =
        (prop::option::of(text()), prop::collection::vec(call, 1..4)).prop_map(|(text, calls)| {
            let id = |at: usize, id: &str| format!("call_{at}_{id}");
            let wire: Vec<Value> = calls
            .iter()
            .enumerate()
            .map(|(at, (name, arguments, _, own))| {
                json!({"id": id(at, own), "type": "function", "function": {"name": name, "arguments": arguments}})
            })
            .collect();
            let mut turn = vec![json!({"role": "assistant", "content": text, "tool_calls": wire})];
            turn.extend(calls.iter().enumerate().map(
                |(at, (_, _, result, own))| json!({"role": "tool", "tool_call_id": id(at, own), "content": result}),
            ));
            turn
        });
    prop_oneof![
        text().prop_map(|text| vec![json!({"role": "assistant", "content": text})]),
        Just(vec![json!({"role": "assistant", "content": [{"type": "refusal", "refusal": "I cannot."}]})]),
        calls,
    ]
}

fn messages() -> impl Strategy<Value = Vec<Value>> {
    let system = (prop::sample::select(vec!["system", "developer"]), text());
    let instructions = prop::collection::vec(system, 0..3).prop_map(|list| {
        list.into_iter().map(|(role, text)| json!({"role": role, "content": text})).collect::<Vec<_>>()
    });
    let turns = prop::collection::vec((user(), assistant()), 0..3);
    (instructions, turns, prop::option::weighted(0.9, user())).prop_map(|(mut messages, turns, last)| {
        let is_empty = turns.is_empty();
        for (user, assistant) in turns {
            messages.push(user);
            messages.extend(assistant);
        }
        messages.extend(last);
        if is_empty && messages.is_empty() {
            messages.push(json!({"role": "user", "content": "Hi"}));
        }
        messages
    })
}

fn tools() -> impl Strategy<Value = Map<String, Value>> {
    let weather = json!({"type": "function", "function": {"name": "weather", "description": "The weather.", "strict": true,
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": ["integer", "null"], "minimum": 1}},
        "required": ["city", "days"], "additionalProperties": false}}});
    let clock = json!({"type": "function", "function": {"name": "clock"}});
    let custom = json!({"type": "custom", "custom": {"name": "shell"}});
    let choice = prop::option::of(prop_oneof![
        Just(json!("auto")),
        Just(json!("none")),
        Just(json!("required")),
        Just(json!({"type": "function", "function": {"name": "weather"}})),
        Just(json!({"type": "allowed_tools", "allowed_tools": {"mode": "auto",
            "tools": [{"type": "function", "function": {"name": "weather"}}]}})),
    ]);
    let lists =
        prop::sample::select(vec![vec![], vec![weather.clone()], vec![weather.clone(), clock], vec![weather, custom]]);
    (lists, choice, prop::option::of(any::<bool>())).prop_map(|(list, choice, parallel)| {
        let mut fields = Map::new();
        if !list.is_empty() {
            fields.insert("tools".to_owned(), list.into());
            fields.extend(choice.map(|choice| ("tool_choice".to_owned(), choice)));
            fields.extend(parallel.map(|parallel| ("parallel_tool_calls".to_owned(), parallel.into())));
        }
        fields
    })
}

fn parameters() -> impl Strategy<Value = Map<String, Value>> {
    let schema = json!({"type": "object", "properties": {"name": {"type": "string", "maxLength": 9}, "tags": {"type": "array",
        "items": {"enum": ["a", "b"]}, "minItems": 2}, "next": {"anyOf": [{"$ref": "#/$defs/n"}, {"type": "null"}]}},
        "required": ["name", "tags", "next"], "additionalProperties": false, "$defs": {"n": {"type": "integer"}}});
    let all = [
        ("temperature", json!(0)),
        ("temperature", json!(1)),
        ("temperature", json!(1.9)),
        ("top_p", json!(0.5)),
        ("max_tokens", json!(50)),
        ("max_completion_tokens", json!(2000)),
        ("stop", json!("END")),
        ("stop", json!(["a", " ", "c", "d"])),
        ("n", json!(1)),
        ("n", json!(2)),
        ("seed", json!(7)),
        ("seed", json!(-9_000_000_000_i64)),
        ("presence_penalty", json!(1)),
        ("frequency_penalty", json!(-0.5)),
        ("logprobs", json!(false)),
        ("logit_bias", json!({"5": 1})),
        ("response_format", json!({"type": "text"})),
        ("response_format", json!({"type": "json_object"})),
        (
            "response_format",
            json!({"type": "json_schema", "json_schema": {"name": "n", "strict": true, "schema": schema}}),
        ),
        ("reasoning_effort", json!("none")),
        ("reasoning_effort", json!("minimal")),
        ("reasoning_effort", json!("high")),
        ("service_tier", json!("auto")),
        ("service_tier", json!("flex")),
        ("user", json!("ada@example.com")),
        ("safety_identifier", json!("s")),
        ("metadata", json!({"a": "b"})),
        ("store", json!(true)),
        ("verbosity", json!("low")),
        ("prediction", json!({"type": "content", "content": "x"})),
        ("stream", json!(true)),
        ("modalities", json!(["text"])),
        ("prompt_cache_key", json!("k")),
    ];
    prop::sample::subsequence(all.to_vec(), 0..6)
        .prop_map(|chosen| chosen.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

fn request() -> impl Strategy<Value = Value> {
    (messages(), tools(), parameters()).prop_map(|(messages, tools, parameters)| {
        let mut body = json!({"model": "smart", "messages": messages});
        let fields = body.as_object_mut().unwrap();
        fields.extend(tools);
        fields.extend(parameters);
        body
    })
}

fn policy() -> impl Strategy<Value = OnUnsupported> {
    prop_oneof![Just(OnUnsupported::Error), Just(OnUnsupported::Drop)]
}

/// The body for a target.
fn translate(body: &Value, kind: Kind, model: &str, policy: OnUnsupported) -> Result<Vec<u8>, Unsupported> {
    let parsed = openai::parse(serde_json::to_vec(body).unwrap()).unwrap();
    let capabilities = Table::builtin().unwrap().of(kind, model);
    let chat = parsed.chat();
    match kind {
        Kind::Anthropic => Ok(provider::anthropic::request::translate(chat, model, &capabilities, policy)?.write()),
        Kind::Gemini => Ok(provider::gemini::request::translate(chat, model, &capabilities, policy)?.write(false)),
        Kind::OpenAi => unreachable!("it gets the body as it came"),
    }
}

#[test]
fn a_valid_request_is_accepted_everywhere_or_refused_by_name() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let rig = runtime.block_on(Rig::start());
    let (accepted, refused) = (Cell::new(0), Cell::new(0));
    let send = |provider, path: &str, body: Vec<u8>| {
        runtime.block_on(async {
            let request = rig.post(provider, path).header("content-type", "application/json").body(body);
            let response = request.send().await.unwrap();
            (response.status().as_u16(), response.text().await.unwrap())
        })
    };
    let mut runner =
        TestRunner::new(Config { cases: 400, max_shrink_iters: 200, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&(request(), policy()), |(body, policy)| {
        let mut own = body.clone();
        own["model"] = json!("gpt-5.6");
        let valid = [
            "temperature",
            "top_p",
            "stop",
            "logprobs",
            "max_tokens",
            "presence_penalty",
            "frequency_penalty",
            "logit_bias",
        ];
        // Its own reasoning models take fewer parameters than its contract has.
        valid.iter().for_each(|name| drop(own.as_object_mut().unwrap().remove(*name)));
        let (status, said) = send(Provider::OpenAi, "/v1/chat/completions", serde_json::to_vec(&own).unwrap());
        prop_assert_eq!(status, 200, "the generator makes valid requests: {}\n{}", said, body);
        for (kind, model) in TARGETS {
            let written = match translate(&body, kind, model, policy) {
                Ok(written) => written,
                Err(Unsupported { param, message }) => {
                    refused.set(refused.get() + 1);
                    let field = param.split(['.', '[']).next().unwrap_or_default();
                    prop_assert!(
                        body.get(field).is_some(),
                        "{model} refuses a field that is not there: {param}: {message}"
                    );
                    continue;
                }
            };
            let is_stream = body["stream"] == json!(true);
            let (provider, path) = match kind {
                Kind::Gemini if is_stream => {
                    (Provider::Gemini, format!("/v1beta/models/{model}:streamGenerateContent?alt=sse"))
                }
                Kind::Gemini => (Provider::Gemini, format!("/v1beta/models/{model}:generateContent")),
                _ => (Provider::Anthropic, "/v1/messages".to_owned()),
            };
            let text = String::from_utf8_lossy(&written).into_owned();
            let (status, said) = send(provider, &path, written);
            prop_assert_eq!(status, 200, "{} refuses {}: {}\nmade of {}", model, text, said, body);
            accepted.set(accepted.get() + 1);
        }
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
    // Neither is the rare case that would make this test say nothing.
    assert!(accepted.get() > 500 && refused.get() > 100, "{} accepted, {} refused", accepted.get(), refused.get());
}
