//! What is said of a request in the access log.

use super::*;
use crate::testing::hex_sha256;
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const KEPT: &str = "smart: { targets: [openai/gpt-5.6], cache: { exact: { ttl: 1h } } }";

/// Weir's part of the line, as it stands behind Envoy's.
fn told(front: &mut Front) -> Value {
    let members = front.log(NOW).expect("a line");
    assert!(front.log(NOW).is_none(), "once");
    assert!(!members.contains('\n'), "one line: {members}");
    serde_json::from_str(&format!("{{\"status\":200{members}}}")).unwrap_or_else(|error| panic!("{error}: {members}"))
}

#[test]
fn a_request_over_two_attempts_is_told_with_both() {
    let (mut front, done) = admitted(OPEN, &[("x-request-id", b"one")], CHAT);
    let exchange = done.exchange.unwrap();
    let (mut first, _) = sent(&exchange, "openai");
    let _ = answer(&mut first, 500, b"application/json", "{}");
    let (mut second, _) = sent(&exchange, "claude");
    let claude = r#"{"id":"m","type":"message","model":"claude","content":[{"type":"text","text":"Hi"}],"stop_reason":"max_tokens","usage":{"input_tokens":9,"cache_read_input_tokens":4,"output_tokens":2}}"#;
    let _ = answer(&mut second, 200, b"application/json", claude);
    let members = front.log(NOW).unwrap();
    expect_test::expect![[r#"
        ,
        "request_id":"0f1e2d3c-0000-4000-8000-000000000001",
        "trace_id":null,
        "method":"POST",
        "path":"/v1/chat/completions",
        "tenant":null,
        "operation":"chat",
        "request_model":"smart",
        "stream":false,
        "outcome":"ok",
        "error_type":null,
        "provider":"claude",
        "model":"claude-sonnet-4-6",
        "tries":["openai/gpt-5.6: server_error",
        "claude/claude-sonnet-4-6: ok"],
        "dropped_params":[],
        "cache":null,
        "wait_ms":null,
        "first_byte_ms":0,
        "first_token_ms":null,
        "finish_reason":"length",
        "input_tokens":13,
        "output_tokens":2,
        "cached_tokens":4,
        "cache_write_tokens":0,
        "reasoning_tokens":0,
        "cost_usd":0.000058"#]]
    .assert_eq(&members.replace(",\"", ",\n\""));
}

#[test]
fn a_stream_is_told_with_its_first_token_and_its_finish() {
    let (mut front, done) = admitted(OPEN, &[], STREAM);
    let (mut attempt, _) = sent(&done.exchange.unwrap(), "openai");
    let body = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi\"},\"finish_reason\":\"tool_calls\"}]}\n\n\
                data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2}}\n\ndata: [DONE]\n\n";
    let _ = answer(&mut attempt, 200, b"text/event-stream", body);
    let line = told(&mut front);
    let of = |names: [&str; 5]| names.map(|name| line[name].clone());
    let names = ["first_token_ms", "finish_reason", "input_tokens", "output_tokens", "stream"];
    assert_eq!(of(names), [json!(0), json!("tool_calls"), json!(3), json!(2), json!(true)]);
}

/// A stream of which the first word has come.
fn begun(front: &mut Front, done: Done) -> Attempt {
    let (mut attempt, _) = sent(&done.exchange.unwrap(), "openai");
    let headers = headers(&[("content-type", b"text/event-stream")]);
    let _ = attempt.step(NOW, AttemptEvent::ResponseHeaders { status: 200, headers: &headers, end: false });
    let text = b"data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi\"}}]}\n\n";
    let _ = attempt.step(NOW + 5, AttemptEvent::ResponseBody { chunk: text, end: false });
    assert!(!front.minds_response());
    attempt
}

#[test]
fn a_stream_that_does_not_come_to_its_end_is_told_with_what_it_cost() {
    for (details, outcome, error, tried) in [
        ("downstream_remote_disconnect", "aborted", Value::Null, "openai/gpt-5.6: cancelled"),
        ("upstream_reset", "cut", json!("truncated"), "openai/gpt-5.6: truncated"),
    ] {
        let (mut front, done) = admitted(OPEN, &[], STREAM);
        let mut attempt = begun(&mut front, done);
        let _ = attempt.step(NOW + 9, AttemptEvent::Closed { details });
        let line = told(&mut front);
        assert_eq!((&line["outcome"], &line["error_type"], &line["tries"]), (&json!(outcome), &error, &json!([tried])));
        assert_eq!((&line["provider"], &line["first_byte_ms"]), (&json!("openai"), &json!(5)));
        assert!(line["input_tokens"].as_u64() > Some(0) && line["cost_usd"].is_number(), "{line}");
    }
}

#[test]
fn what_a_provider_could_not_be_told_is_told_here() {
    let body = r#"{"model":"smart","max_tokens":9,"top_k":4,"messages":[{"role":"user","content":"Hi"}]}"#;
    let (mut front, done) = admitted_at(gateway(OPEN), "/v1/messages", &[], body);
    let (mut attempt, _) = sent(&done.exchange.unwrap(), "openai");
    let _ = answer(&mut attempt, 200, b"application/json", ANSWER);
    let line = told(&mut front);
    assert_eq!((&line["dropped_params"], &line["provider"]), (&json!(["top_k"]), &json!("openai")));
}

#[test]
fn an_answer_from_the_cache_is_told_with_whose_it_is() {
    let gateway = gateway(&OPEN.replace("smart: [openai/gpt-5.6, claude/claude-sonnet-4-6]", KEPT));
    let (_front, done) = admitted_by(gateway.clone(), &[], CHAT);
    let (mut attempt, _) = sent(&done.exchange.unwrap(), "openai");
    let whole = ANSWER.replace(r#""Hello"}"#, r#""Hello"},"finish_reason":"stop""#);
    let _ = answer(&mut attempt, 200, b"application/json", &whole);
    for time in ["near", "the same bytes again"] {
        let (mut front, _) = admitted_by(gateway.clone(), &[], CHAT);
        let line = told(&mut front);
        let whose = ["cache", "outcome", "provider", "model", "request_model"].map(|name| line[name].clone());
        assert_eq!(whose, ["hit", "ok", "openai", "gpt-5.6", "smart"], "{time}");
        assert_eq!(line["tries"], json!([]), "{time}");
    }
}

/// As in Envoy's own duration, which is in the same line.
#[test]
fn the_time_of_a_slow_upload_is_the_requests_too() {
    let mut front = Front::new(gateway(OPEN), 1);
    let list: [(&'static str, &[u8]); 2] = [(":method", b"POST"), (":path", b"/v1/chat/completions")];
    let _ = front.step(NOW, FrontEvent::RequestHeaders { headers: &headers(&list) });
    let complete = NOW + 2_000;
    let whole = FrontEvent::RequestComplete { body: CHAT.as_bytes().to_vec(), micros: COMPLETE };
    let exchange = done(front.step(complete, whole)).exchange.unwrap();
    let mut attempt = Attempt::begin(exchange, "openai", complete).unwrap();
    let _ = attempt.step(complete, AttemptEvent::RequestHeaders { traceparent: None, tracestate: None });
    let _ = attempt.step(complete, AttemptEvent::RequestBody { micros: COMPLETE });
    let headers = headers(&[("content-type", b"application/json")]);
    let _ = attempt.step(complete + 90, AttemptEvent::ResponseHeaders { status: 200, headers: &headers, end: false });
    let _ = attempt.step(complete + 100, AttemptEvent::ResponseBody { chunk: ANSWER.as_bytes(), end: true });
    assert_eq!(told(&mut front)["first_byte_ms"], 2_100);
}

#[test]
fn a_failure_and_a_refusal_are_told_too() {
    let (mut front, done) = admitted(OPEN, &[], CHAT);
    let exchange = done.exchange.unwrap();
    for provider in ["openai", "claude"] {
        let (mut attempt, _) = sent(&exchange, provider);
        let _ = answer(&mut attempt, 429, b"application/json", "{}");
    }
    drop(exchange);
    let _ = front.step(NOW, FrontEvent::ResponseHeaders { status: 400, details: "" });
    let line = told(&mut front);
    assert_eq!((&line["outcome"], &line["error_type"]), (&json!("upstream_429"), &json!("rate_limited")));
    let tries = json!(["openai/gpt-5.6: rate_limited", "claude/claude-sonnet-4-6: rate_limited"]);
    assert_eq!((&line["tries"], &line["provider"]), (&tries, &Value::Null));

    let key = format!("tenants: {{ t: {{ key_sha256: {} }} }}\n", hex_sha256("client-key"));
    let long = "m".repeat(4_000);
    let bearer: &[u8] = b"Bearer client-key";
    let yaml = format!("{OPEN}{key}");
    let (mut front, _) = admitted(&yaml, &[("authorization", bearer)], &CHAT.replace("smart", &long));
    let line = told(&mut front);
    assert_eq!((&line["outcome"], &line["tenant"]), (&json!("client_error"), &json!("t")));
    let said = line["request_model"].as_str().unwrap();
    assert!(long.starts_with(said) && said.len() < 1_000, "what a client made up is cut");

    let (mut front, _) = admitted(&yaml, &[("authorization", b"Bearer another")], CHAT);
    let line = told(&mut front);
    assert_eq!((&line["outcome"], &line["path"]), (&json!("client_error"), &json!("/v1/chat/completions")));
}

#[test]
fn a_client_that_left_is_told_by_what_it_asked() {
    let mut front = Front::new(gateway(OPEN), 1);
    let list: [(&'static str, &[u8]); 2] = [(":method", b"POST"), (":path", b"/v1/chat/completions?key=sk")];
    let _ = front.step(NOW, FrontEvent::RequestHeaders { headers: &headers(&list) });
    let line = told(&mut front);
    assert_eq!((&line["outcome"], &line["operation"]), (&json!("aborted"), &json!("chat")));
    assert_eq!((&line["path"], &line["method"]), (&json!("/v1/chat/completions"), &json!("POST")));
}

#[test]
fn what_a_client_made_up_cannot_break_its_line() {
    let (id, path): (&[u8], &[u8]) = (b"\"},{\"status\":\"7\x01\\", b"/v1/\"quoted\"\\path");
    let mut front = Front::new(gateway(OPEN), 1);
    let list = [(":method", b"PO\"ST".as_slice()), (":path", path), ("x-request-id", id)];
    let _ = front.step(NOW, FrontEvent::RequestHeaders { headers: &headers(&list) });
    let line = told(&mut front);
    assert_eq!(line["status"], 200);
    let said = ["method", "path", "request_id"].map(|name| line[name].as_str().unwrap_or_default().as_bytes());
    assert_eq!(said, [b"PO\"ST".as_slice(), path, id]);
}

#[test]
fn what_is_no_request_to_a_model_has_no_outcome() {
    let mut front = Front::new(gateway(OPEN), 1);
    let list: [(&'static str, &[u8]); 2] = [(":method", b"GET"), (":path", b"/healthz")];
    let _ = front.step(NOW, FrontEvent::RequestHeaders { headers: &headers(&list) });
    let line = told(&mut front);
    assert_eq!((&line["path"], &line["outcome"]), (&json!("/healthz"), &Value::Null));
}

#[test]
fn nothing_is_said_where_nobody_reads() {
    let yaml = format!("{OPEN}telemetry: {{ access_log: off }}\n");
    let (mut front, _) = admitted(&yaml, &[("authorization", b"Bearer another")], CHAT);
    assert_eq!(front.log(NOW), None);
}
