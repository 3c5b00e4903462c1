//! Parameters that a target has no place for: it is left out, or does without them (`on_unsupported`).

use super::*;
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// The model `smart`, and what becomes of what its targets cannot do.
fn config(behaviour: &str) -> String {
    format!(
        "
providers:
  openai: {{ kind: openai, api_key: $OPENAI_API_KEY }}
  claude: {{ kind: anthropic, api_key: $ANTHROPIC_API_KEY }}
  gemini: {{ kind: gemini, api_key: $GEMINI_API_KEY }}
models:
  smart: {{ targets: [claude/claude-sonnet-5-5, gemini/gemini-3.8-flash, openai/gpt-5.6], on_unsupported: {behaviour} }}
  others: {{ targets: [claude/claude-sonnet-5-5, gemini/gemini-3.8-flash], on_unsupported: {behaviour} }}
"
    )
}

/// A chat for `model` with these fields.
fn chat(model: &str, fields: &Value) -> String {
    let mut body = json!({"model": model, "messages": [{"role": "user", "content": "Hi"}]});
    for (name, value) in fields.as_object().unwrap() {
        body[name] = value.clone();
    }
    body.to_string()
}

/// The chain of a request, or the parameter that its error names.
fn chain(behaviour: &str, model: &str, fields: &Value) -> String {
    let done = admitted(&config(behaviour), &[], &chat(model, fields)).1;
    match done.reply {
        Some((status, body)) => {
            let error: Value = serde_json::from_str(&body).unwrap();
            format!("{status} {} {}", error["error"]["code"], error["error"]["param"])
        }
        None => done.request_headers.unwrap().text("x-weir-chain").unwrap().to_owned(),
    }
}

#[test]
fn a_target_without_a_place_for_a_parameter_is_left_out_and_the_last_ones_error_is_the_clients() {
    let forced = json!({"tools": [{"type": "function", "function": {"name": "f"}}], "tool_choice": "required"});
    for (fields, smart, others) in [
        (json!({"logprobs": true}), "chain:gemini+openai", "chain:gemini"),
        (json!({"logit_bias": {"1": 2}}), "chain:openai", r#"400 "unsupported_parameter" "logit_bias""#),
        (json!({"n": 2}), "chain:gemini+openai", "chain:gemini"),
        (forced, "chain:gemini+openai", "chain:gemini"),
        (json!({"seed": 7}), "chain:claude+gemini+openai", "chain:claude+gemini"),
    ] {
        assert_eq!(chain("error", "smart", &fields), smart, "{fields}");
        assert_eq!(chain("error", "others", &fields), others, "{fields}");
    }
}

#[test]
fn a_target_may_do_without_and_says_so() {
    let tools = json!([{"type": "function", "function": {"name": "f"}}, {"type": "custom", "custom": {"name": "c"}}]);
    let fields = json!({
        "n": 9, "logprobs": true, "top_logprobs": 2, "logit_bias": {"1": 2}, "modalities": ["text", "audio"],
        "audio": {"voice": "ash"}, "web_search_options": {}, "seed": 7, "tools": tools, "tool_choice": "required",
        "stop": ["a", "b", "c", "d"],
        "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"allOf": [true, true]}}},
    });
    let all = "chain:claude+gemini+openai";
    assert_eq!(chain("drop", "smart", &fields), all);
    let exchange = admitted(&config("drop"), &[], &chat("smart", &fields)).1.exchange.unwrap();
    let message = r#"{"id":"msg_1","content":[{"type":"text","text":"Hi"}],"stop_reason":"end_turn","usage":{}}"#;
    let candidate = r#"{"candidates":[{"content":{"parts":[{"text":"Hi"}]},"finishReason":"STOP"}]}"#;
    for (provider, answered, dropped, gone) in [
        (
            "claude",
            message,
            "logprobs,top_logprobs,logit_bias,modalities,audio,web_search_options,n,tools,tool_choice,seed",
            ["logprobs", "logit_bias", "\"n\":", "custom"],
        ),
        (
            "gemini",
            candidate,
            "logit_bias,modalities,audio,web_search_options,n,tools,response_format",
            ["logit_bias", "web_search", "responseMimeType", "custom"],
        ),
    ] {
        let (mut attempt, request) = sent(&exchange, provider);
        let body = request.request_body.unwrap();
        assert!(gone.iter().all(|name| !body.contains(name)), "{provider}: {body}");
        let headers = answer(&mut attempt, 200, b"application/json", answered).response_headers.unwrap();
        assert_eq!(headers.text("x-weir-dropped-params"), Some(dropped), "{provider}");
    }
    let (mut attempt, own) = sent(&exchange, "openai");
    assert!(own.request_body.unwrap().contains("logit_bias"), "its own kind gets the body as it came");
    let headers = answer(&mut attempt, 200, b"application/json", ANSWER).response_headers.unwrap();
    assert_eq!(headers.text("x-weir-dropped-params"), None);
}

#[test]
fn content_and_what_is_wrong_everywhere_are_never_dropped() {
    let audio = json!([{"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}}]}]);
    assert_eq!(chain("drop", "smart", &json!({ "messages": audio })), "chain:gemini+openai");
    let unknown = json!({"tools": [{"type": "function", "function": {"name": "f"}}],
        "tool_choice": {"type": "function", "function": {"name": "g"}}});
    assert_eq!(chain("drop", "others", &unknown), r#"400 "unsupported_parameter" "tool_choice.function.name""#);
    assert_eq!(chain("drop", "others", &json!({"max_tokens": 0})), r#"400 "invalid_value" "max_tokens""#);
}
