//! What is said of a request to the access log.

use super::super::Note;
use super::*;
use crate::testing::hex_sha256;
use std::collections::BTreeMap;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn told(front: &mut Front) -> BTreeMap<&'static str, String> {
    let notes = front.notes();
    let names: BTreeMap<_, _> = notes.iter().map(|(note, value)| (note.property(), value.clone())).collect();
    assert_eq!(names.len(), notes.len(), "each once");
    assert_eq!(names["weir.path"], "/v1/chat/completions", "without its query");
    assert!(front.notes().is_empty(), "once");
    names
}

fn written(notes: &BTreeMap<&'static str, String>) -> String {
    notes.iter().map(|(name, value)| format!("{name}={value}\n")).collect()
}

#[test]
fn a_request_over_two_attempts_is_told_with_both() {
    let (mut front, done) = admitted(OPEN, &[], CHAT);
    let exchange = done.exchange.unwrap();
    let (mut first, _) = sent(&exchange, "openai");
    let _ = answer(&mut first, 500, b"application/json", "{}");
    let (mut second, _) = sent(&exchange, "claude");
    let claude = r#"{"id":"m","type":"message","model":"claude","content":[{"type":"text","text":"Hi"}],"stop_reason":"max_tokens","usage":{"input_tokens":9,"cache_read_input_tokens":4,"output_tokens":2}}"#;
    let _ = answer(&mut second, 200, b"application/json", claude);
    expect_test::expect![[r#"
        weir.cached_tokens=4
        weir.cost_usd=0.000058
        weir.finish_reason=length
        weir.input_tokens=13
        weir.operation=chat
        weir.outcome=ok
        weir.output_tokens=2
        weir.path=/v1/chat/completions
        weir.request_model=smart
        weir.stream=false
        weir.tries=openai/gpt-5.6: server_error, claude/claude-sonnet-4-6: ok
    "#]]
    .assert_eq(&written(&told(&mut front)));
}

#[test]
fn a_stream_is_told_with_its_first_token_and_its_finish() {
    let (mut front, done) = admitted(OPEN, &[], STREAM);
    let (mut attempt, _) = sent(&done.exchange.unwrap(), "openai");
    let body = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi\"},\"finish_reason\":\"tool_calls\"}]}\n\n\
                data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2}}\n\ndata: [DONE]\n\n";
    let _ = answer(&mut attempt, 200, b"text/event-stream", body);
    let notes = told(&mut front);
    let of = |name| notes.get(name).map(String::as_str);
    assert_eq!((of("weir.first_token_ms"), of("weir.finish_reason")), (Some("0"), Some("tool_calls")));
    assert_eq!(
        (of("weir.input_tokens"), of("weir.output_tokens"), of("weir.stream")),
        (Some("3"), Some("2"), Some("true"))
    );
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
    let notes = told(&mut front);
    assert_eq!(notes["weir.outcome"], "upstream_429");
    assert_eq!(notes["weir.error_type"], "rate_limited");
    assert_eq!(notes["weir.tries"], "openai/gpt-5.6: rate_limited, claude/claude-sonnet-4-6: rate_limited");

    let key = format!("tenants: {{ t: {{ key_sha256: {} }} }}\n", hex_sha256("client-key"));
    let long = "m".repeat(4_000);
    let bearer: &[u8] = b"Bearer client-key";
    let yaml = format!("{OPEN}{key}");
    let (mut front, _) = admitted(&yaml, &[("authorization", bearer)], &CHAT.replace("smart", &long));
    let notes = told(&mut front);
    assert_eq!((notes["weir.outcome"].as_str(), notes["weir.tenant"].as_str()), ("client_error", "t"));
    assert!(notes.get("weir.request_model").is_none_or(|model| model.len() < 1_000), "what a client made up is cut");

    let mut front = Front::new(gateway(OPEN), 1);
    let list: [(&'static str, &[u8]); 2] = [(":method", b"GET"), (":path", b"/healthz")];
    let _ = front.step(NOW, FrontEvent::RequestHeaders { headers: &headers(&list) });
    assert_eq!(front.notes(), [(Note::Path, "/healthz".into())], "what is no request to a model has but its path");
}

#[test]
fn every_note_is_in_the_list_of_all() {
    assert_eq!(Note::ALL.len(), Note::ErrorType as usize + 1);
    assert!(Note::ALL.iter().enumerate().all(|(place, note)| *note as usize == place));
}

#[test]
fn nothing_is_noted_where_nobody_reads() {
    let yaml = format!("{OPEN}telemetry: {{ access_log: off }}\n");
    let (mut front, _) = admitted(&yaml, &[], CHAT);
    assert_eq!(front.notes(), []);
}
