//! `/v1/responses`: passed on to OpenAI's kind, and to no other.

use super::*;
use crate::stats::Outcome;
use serde_json::Value;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const YAML: &str = "
providers:
  openai: { kind: openai, api_key: $OPENAI_API_KEY }
  azure: { kind: openai, api_key: $AZURE_API_KEY, base_url: \"https://x.azure.example/openai/v1\" }
  claude: { kind: anthropic, api_key: $ANTHROPIC_API_KEY }
models:
  smart: [openai/gpt-5.6, claude/claude-sonnet-4-6, azure/gpt-5.6]
  cached: { targets: [openai/gpt-5.6], cache: { exact: { ttl: 1h } } }
  none: [claude/claude-sonnet-4-6]
";
const BODY: &str =
    r#"{ "model": "smart", "input": "Hi", "tools": [{"type":"web_search"}], "tomorrow": {"model": "smart"} }"#;
const STREAM: &str = r#"{"model":"smart","input":"Hi","stream":true}"#;

fn admitted_to(extra: &[(&'static str, &[u8])], body: &str) -> Done {
    admitted_at(gateway(YAML), "/v1/responses", extra, body).1
}

fn event(kind: &str, number: u64, rest: &str) -> String {
    format!("event: {kind}\ndata: {{\"type\":\"{kind}\",\"sequence_number\":{number}{rest}}}\n\n")
}

fn created() -> String {
    event("response.created", 0, r#","response":{"id":"resp_1"}"#)
}

fn delta() -> String {
    event("response.output_text.delta", 1, r#","delta":"Hello""#)
}

#[test]
fn it_goes_to_openais_kind_as_it_came_and_comes_back_so() {
    let exchange = admitted_to(&[], BODY).exchange.unwrap();
    let providers: Vec<_> = exchange.slots.iter().map(|slot| slot.provider.as_str()).collect();
    assert_eq!(providers, ["openai", "azure"]);
    let body = r#"{"id":"resp_1","object":"response","status":"completed","error":null,"output":[{"type":"tomorrow"}],"usage":{"input_tokens":1000000,"input_tokens_details":{"cached_tokens":0},"output_tokens":0}}"#;
    for (provider, path) in [("openai", "/v1/responses"), ("azure", "/openai/v1/responses")] {
        let (mut attempt, request) = sent(&exchange, provider);
        assert_eq!(request.request_headers.unwrap().text(":path"), Some(path));
        assert_eq!(request.request_body.unwrap(), BODY.replacen(r#""smart""#, r#""gpt-5.6""#, 1));
        let done = answer(&mut attempt, 200, b"application/json", body);
        assert_eq!(done.response_body.as_deref(), Some(body));
        assert_eq!(done.response_headers.unwrap().text("x-weir-provider"), Some(provider));
    }
    assert_eq!(exchange.outcome.get(), Some(Outcome::Ok));
}

#[test]
fn its_usage_is_paid_for() {
    let exchange = admitted_to(&[], BODY).exchange.unwrap();
    let (mut attempt, _) = sent(&exchange, "openai");
    let body = r#"{"status":"completed","output":[],"usage":{"input_tokens":100000,"output_tokens":0}}"#;
    let done = answer(&mut attempt, 200, b"application/json", body);
    assert_eq!(done.response_headers.unwrap().text("x-weir-cost-usd"), Some("0.4"));
}

#[test]
fn a_stream_is_held_until_its_first_content_and_passes_byte_for_byte() {
    let exchange = admitted_to(&[], STREAM).exchange.unwrap();
    let (mut attempt, request) = sent(&exchange, "openai");
    assert_eq!(request.request_headers.unwrap().text("accept"), Some("text/event-stream"));
    let head = headers(&[("content-type", b"text/event-stream")]);
    let event_of = |chunk: &str, end: bool, attempt: &mut Attempt| {
        attempt.step(NOW, AttemptEvent::ResponseBody { chunk: chunk.as_bytes(), end })
    };
    let _ = attempt.step(NOW, AttemptEvent::ResponseHeaders { status: 200, headers: &head, end: false });
    let held = event_of(&created(), false, &mut attempt);
    assert_eq!(held.flow, Flow::Wait(Waker::ResponseBody));
    let shown = done(event_of(&delta(), false, &mut attempt));
    assert_eq!(shown.response_body.unwrap(), created() + &delta());
    assert_eq!(shown.response_headers.unwrap().text("content-type"), Some("text/event-stream; charset=utf-8"));
    let end = event("response.completed", 2, r#","response":{"status":"completed","usage":{"input_tokens":3}}"#);
    assert_eq!(done(event_of(&end, true, &mut attempt)).response_body.unwrap(), end);
    assert_eq!(exchange.outcome.get(), Some(Outcome::Ok));
}

#[test]
fn an_error_before_the_content_goes_to_the_next_target_of_the_kind() {
    let failed = event("response.failed", 1, r#","response":{"status":"failed","error":{"code":"server_error"}}"#);
    for stream in [created() + &failed, created(), created() + &event("error", 1, r#","code":"server_error""#)] {
        let exchange = admitted_to(&[], STREAM).exchange.unwrap();
        let (mut attempt, _) = sent(&exchange, "openai");
        let done = answer(&mut attempt, 200, b"text/event-stream", &stream);
        assert_eq!(status(&done), "502", "{stream}");
        let (mut attempt, _) = sent(&exchange, "azure");
        let whole = created() + &delta() + &event("response.completed", 2, r#","response":{}"#);
        let done = answer(&mut attempt, 200, b"text/event-stream", &whole);
        assert_eq!(done.response_body.as_deref(), Some(&*whole));
    }
}

#[test]
fn a_cut_stream_ends_in_an_error_event_that_continues_the_numbers() {
    let exchange = admitted_to(&[], STREAM).exchange.unwrap();
    let (mut attempt, _) = sent(&exchange, "openai");
    let done = answer(&mut attempt, 200, b"text/event-stream", &(created() + &delta()));
    let text = done.response_body.unwrap();
    let (_, data) = text.rsplit_once("event: error\ndata: ").unwrap();
    let data: Value = serde_json::from_str(data).unwrap();
    assert_eq!((&data["type"], &data["sequence_number"]), (&Value::from("error"), &Value::from(2)));
    assert_eq!((&data["code"], &data["error"]["code"]), (&"stream_interrupted".into(), &"stream_interrupted".into()));
    assert_eq!(exchange.outcome.get(), Some(Outcome::Cut));
}

#[test]
fn what_one_account_holds_goes_to_that_account_or_nowhere() {
    let bound = BODY.replacen('{', r#"{"previous_response_id":"resp_1","#, 1);
    let (status, text) = admitted_to(&[], &bound).reply.unwrap();
    assert_eq!(status, 400);
    assert!(text.contains("previous_response_id") && text.contains("x-weir-route"), "{text}");
    for provider in ["openai", "azure"] {
        let exchange = admitted_to(&[("x-weir-route", provider.as_bytes())], &bound).exchange.unwrap();
        assert!(exchange.slots.iter().all(|slot| slot.provider == provider));
    }
    let one = bound.replace("smart", "cached");
    assert!(admitted_to(&[], &one).exchange.is_some(), "there is only one");
}

#[test]
fn no_other_kind_serves_it_and_no_cache() {
    let (status, text) = admitted_to(&[], &BODY.replace("smart", "none")).reply.unwrap();
    let error: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((status, &error["error"]["code"]), (400, &Value::from("unsupported_parameter")));
    assert_eq!(error["error"]["param"], "model");
    let exchange = admitted_to(&[], &BODY.replace("smart", "cached")).exchange.unwrap();
    let (mut attempt, _) = sent(&exchange, "openai");
    let body = r#"{"status":"completed","output":[]}"#;
    let done = answer(&mut attempt, 200, b"application/json", body);
    assert_eq!(done.response_headers.unwrap().text("x-weir-cache"), Some("bypass"));
}
