//! Counting tokens: by a target of the client's own kind, else an estimate.

use super::*;
use crate::traffic::Size;
use serde_json::Value;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const YAML: &str = "
providers:
  openai: { kind: openai, api_key: $OPENAI_API_KEY }
  claude: { kind: anthropic, api_key: $ANTHROPIC_API_KEY }
  gemini: { kind: gemini, api_key: $GEMINI_API_KEY }
models:
  smart: [openai/gpt-5.6, claude/claude-sonnet-4-6, gemini/gemini-3.8-flash]
  other: [openai/gpt-5.6]
";
const MESSAGES: &str = "/v1/messages/count_tokens";
const CONTENTS: &str = "/v1beta/models/smart:countTokens?key=client-key";
const MESSAGE: &str = r#"{"model":"smart","messages":[{"role":"user","content":"Hi"}],"tomorrow":1}"#;
const CONTENT: &str = r#"{"contents":[{"role":"user","parts":[{"text":"Hi"}]}],"tomorrow":1}"#;

fn asked(path: &str, extra: &[(&'static str, &[u8])], body: &str) -> Done {
    admitted_at(gateway(YAML), path, extra, body).1
}

#[test]
fn the_target_of_the_clients_own_kind_counts_and_nothing_is_paid() {
    for (path, body, provider, own_path, answered) in [
        (MESSAGES, MESSAGE, "claude", "/v1/messages/count_tokens", r#"{"input_tokens":9,"tomorrow":1}"#),
        (CONTENTS, CONTENT, "gemini", "/v1beta/models/gemini-3.8-flash:countTokens", r#"{"totalTokens":9}"#),
    ] {
        let exchange = asked(path, &[("anthropic-version", b"2026-10-21")], body).exchange.unwrap();
        let slots: Vec<_> = exchange.slots.iter().map(|slot| slot.provider.as_str()).collect();
        assert_eq!(slots, [provider]);
        assert_eq!(exchange.size, Size { prompt_bytes: 0, output_limit: Some(0), choices: 1 });
        let (mut attempt, request) = sent(&exchange, provider);
        let headers = request.request_headers.unwrap();
        assert_eq!(headers.text(":path"), Some(own_path));
        let version = (provider == "claude").then_some("2026-10-21");
        assert_eq!(headers.text("anthropic-version"), version);
        assert_eq!(request.request_body.unwrap(), body.replace("smart", "claude-sonnet-4-6"));
        let done = answer(&mut attempt, 200, b"application/json", answered);
        assert_eq!(done.response_body.as_deref(), Some(answered));
        let headers = done.response_headers.unwrap();
        assert_eq!((headers.text("x-weir-cost-usd"), headers.text("x-weir-estimate")), (Some("0"), None));
    }
}

#[test]
fn what_is_no_count_goes_on_like_any_failure() {
    let exchange = asked(MESSAGES, &[], MESSAGE).exchange.unwrap();
    let (mut attempt, _) = sent(&exchange, "claude");
    assert_eq!(status(&answer(&mut attempt, 200, b"application/json", r#"{"totalTokens":9}"#)), "501");
}

#[test]
fn without_one_the_count_is_an_estimate_and_says_so() {
    let long = "word ".repeat(400);
    for (path, body, field) in [
        (MESSAGES, MESSAGE.replace("smart", "other"), "input_tokens"),
        ("/v1/models/other:countTokens", CONTENT.to_owned(), "totalTokens"),
    ] {
        let done = asked(path, &[], &body.replace("Hi", &long));
        let (status, text) = done.reply.unwrap();
        let json: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(status, 200, "{text}");
        assert!((500..540).contains(&json[field].as_u64().unwrap()), "{text}");
        assert_eq!(done.reply_headers.unwrap().text("x-weir-estimate"), Some("true"));
    }
}

#[test]
fn a_count_is_refused_in_its_dialect() {
    for (path, body, status, part) in [
        (MESSAGES, r#"{"model":"smart"}"#, 400, r#""type":"invalid_request_error""#),
        (MESSAGES, r#"{"model":"nothing","messages":[{"role":"user","content":"Hi"}]}"#, 404, r#""not_found_error""#),
        (CONTENTS, r#"{"contents":3}"#, 400, r#""INVALID_ARGUMENT""#),
        ("/v1beta/models/nothing:countTokens", CONTENT, 404, r#""NOT_FOUND""#),
    ] {
        let (found, text) = asked(path, &[], body).reply.unwrap();
        assert_eq!(found, status, "{path} {body}");
        assert!(text.contains(part), "{text}");
    }
}
