//! A prompt that is too long for a target goes on only to one that may hold it.

use super::*;
use serde_json::Value;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const TARGETS: &str = "
providers:
  a: { kind: openai, api_key: $A }
  b: { kind: anthropic, api_key: $B }
  c: { kind: gemini, api_key: $C }
models:
  down: [a/large, b/small]
  same: [a/large, b/large]
  up: [a/small, b/large]
  known-to-unknown: [a/large, b/unknown]
  unknown-to-known: [a/unknown, b/small]
  over-a-hill: [a/middle, b/small, c/large]
  past-the-top: [a/middle, b/unknown, c/middle]
  again: { targets: [a/small], retries: { per_target: 2 } }
capabilities:
  a/small: { max_input_tokens: 1000 }
  b/small: { max_input_tokens: 1000 }
  a/middle: { max_input_tokens: 5000 }
  c/middle: { max_input_tokens: 5000 }
  a/large: { max_input_tokens: 9000 }
  b/large: { max_input_tokens: 9000 }
  c/large: { max_input_tokens: 9000 }
";

/// What each provider says of a prompt that is too long.
fn too_long(provider: &str) -> &'static str {
    match provider {
        "a" => {
            r#"{"error":{"message":"This model's maximum context length is 9 tokens.","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}"#
        }
        "b" => {
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 12 tokens > 9 maximum"}}"#
        }
        _ => {
            r#"{"error":{"code":400,"message":"The input token count (12) exceeds the maximum number of tokens allowed (9).","status":"INVALID_ARGUMENT"}}"#
        }
    }
}

/// The statuses that Envoy sees of attempts at these providers, each of which finds the prompt too long, and what the
/// client reads at `path`.
fn refused_at(path: &str, model: &str, providers: &[&str]) -> (String, u16, Value) {
    let body = format!(r#"{{"model":"{model}","max_tokens":9,"messages":[{{"role":"user","content":"Hi"}}]}}"#);
    let (mut front, admitted) = admitted_at(gateway(TARGETS), path, &[], &body);
    let exchange = admitted.exchange.unwrap();
    let statuses = providers.iter().map(|provider| {
        let (mut attempt, _) = sent(&exchange, provider);
        status(&answer(&mut attempt, 400, b"application/json", too_long(provider))).to_owned()
    });
    let statuses = statuses.collect::<Vec<_>>().join(" ");
    let event = FrontEvent::ResponseHeaders { status: 400, details: "" };
    let (status, body) = done(front.step(NOW, event)).reply.unwrap();
    (statuses, status, serde_json::from_str(&body).unwrap())
}

#[test]
fn it_goes_on_only_while_a_target_is_left_that_may_hold_more() {
    for (model, providers, expected) in [
        ("down", ["a"].as_slice(), "400"),
        ("same", &["a"], "400"),
        ("up", &["a", "b"], "421 400"),
        ("known-to-unknown", &["a", "b"], "421 400"),
        ("unknown-to-known", &["a", "b"], "421 400"),
        ("over-a-hill", &["a", "b", "c"], "421 421 400"),
        ("past-the-top", &["a", "b"], "421 400"),
        ("again", &["a"], "400"),
    ] {
        assert_eq!(refused_at("/v1/chat/completions", model, providers).0, expected, "{model}");
    }
}

#[test]
fn when_none_is_left_the_client_gets_the_last_ones_own_words_in_its_dialect() {
    let (_, status, error) = refused_at("/v1/chat/completions", "up", &["a", "b"]);
    let message = "prompt is too long: 12 tokens > 9 maximum";
    let expected = serde_json::json!({"error": {"message": message, "type": "invalid_request_error", "param": null,
        "code": "context_length_exceeded"}});
    assert_eq!((status, error), (400, expected));

    let (_, status, error) = refused_at("/v1/messages", "down", &["a"]);
    assert_eq!((status, &error["error"]["type"]), (400, &"invalid_request_error".into()));
    assert_eq!(error["error"]["message"], "This model's maximum context length is 9 tokens.");
}

#[test]
fn a_target_that_failed_otherwise_leaves_it_open_whether_the_prompt_is_too_long() {
    let body = CHAT.replace("smart", "down");
    let (mut front, admitted) = admitted(TARGETS, &[], &body);
    let exchange = admitted.exchange.unwrap();
    let (mut large, _) = sent(&exchange, "a");
    assert_eq!(status(&answer(&mut large, 503, b"application/json", "{}")), "502");
    let (mut small, _) = sent(&exchange, "b");
    assert_eq!(status(&answer(&mut small, 400, b"application/json", too_long("b"))), "400");
    let event = FrontEvent::ResponseHeaders { status: 400, details: "" };
    let (status, body) = done(front.step(NOW, event)).reply.unwrap();
    assert_eq!(status, 502);
    assert!(body.contains("b/small: 400 context length exceeded"), "{body}");
}
