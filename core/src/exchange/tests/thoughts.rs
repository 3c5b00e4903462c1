//! Signatures of thoughts in a conversation: they are of the model that made them.

use super::*;
use serde_json::Value;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const GEMINIS: &str = "
providers:
  one: { kind: gemini, api_key: $A }
  two: { kind: gemini, api_key: $B }
models:
  smart: [one/gemini-3.8-flash, two/gemini-3.8-flash]
  again: { targets: [one/gemini-3.8-flash], retries: { per_target: 1 } }
";
const TURN: &str = r#"{"model":"smart","messages":[{"role":"user","content":"Hi"},
    {"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"},"extra_content":{"google":{"thought_signature":"c2ln"}}}]},
    {"role":"tool","tool_call_id":"c","content":"x"}]}"#;
const CONTENTS: &str = r#"{"contents":[{"role":"user","parts":[{"text":"Hi"}]},
    {"role":"model","parts":[{"functionCall":{"name":"f","args":{}},"thoughtSignature":"c2ln"}]},
    {"role":"user","parts":[{"functionResponse":{"name":"f","response":{}}}]}]}"#;
const SKIP: &str = "skip_thought_signature_validator";
const CORRUPTED: &str =
    r#"{"error":{"code":400,"message":"Corrupted thought signature.","status":"INVALID_ARGUMENT"}}"#;

/// The signature that the first call of the conversation carries.
fn signature(request: &Done) -> String {
    let body: Value = serde_json::from_str(request.request_body.as_deref().unwrap()).unwrap();
    body["contents"][1]["parts"][0]["thoughtSignature"].as_str().unwrap().to_owned()
}

#[test]
fn another_target_than_the_first_gets_none() {
    for (path, body) in [("/v1/chat/completions", TURN), ("/v1beta/models/smart:generateContent", CONTENTS)] {
        let exchange = admitted_at(gateway(GEMINIS), path, &[], body).1.exchange.unwrap();
        let (mut attempt, first) = sent(&exchange, "one");
        assert_eq!(signature(&first), "c2ln", "{path}");
        assert_eq!(status(&answer(&mut attempt, 503, b"application/json", "{}")), "502");
        assert_eq!(signature(&sent(&exchange, "two").1), SKIP, "{path}");
    }
}

#[test]
fn a_target_that_knows_it_for_anothers_is_asked_again_without() {
    for (path, body) in [("/v1/chat/completions", TURN), ("/v1beta/models/again:generateContent", CONTENTS)] {
        let body = body.replace("smart", "again");
        let (mut front, admitted) = admitted_at(gateway(GEMINIS), path, &[], &body);
        let exchange = admitted.exchange.unwrap();
        let (mut attempt, first) = sent(&exchange, "one");
        assert_eq!(signature(&first), "c2ln", "{path}");
        let failed = answer(&mut attempt, 400, b"application/json", CORRUPTED);
        assert_eq!(status(&failed), "421", "the provider is not to blame");
        let (mut attempt, again) = sent(&exchange, "one");
        assert_eq!(signature(&again), SKIP, "{path}");
        assert_eq!(status(&answer(&mut attempt, 400, b"application/json", CORRUPTED)), "400");
        let event = FrontEvent::ResponseHeaders { status: 400, details: "" };
        let (status, body) = done(front.step(NOW, event)).reply.unwrap();
        assert!(status == 400 && body.contains("Corrupted thought signature."), "{body}");
    }
}
