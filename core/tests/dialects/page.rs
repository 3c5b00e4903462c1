//! `docs/translation.md`, written by the translators themselves: each field of a client, one at a time, and where it
//! goes.

use crate::answers;
use crate::requests::{parse, translate_chat};
use serde_json::{Value, json};
use std::fmt::Write;
use std::path::Path;
use weir_core::config::Kind;
use weir_core::dialect::{Dialect, openai};
use weir_core::failure::{Class, Cool, Scope, Verdict};
use weir_core::refusal::ErrorBody;

/// Of each kind one that takes much.
const OPENAI: (Kind, &str) = (Kind::OpenAi, "gpt-5.6");
const ANTHROPIC: (Kind, &str) = (Kind::Anthropic, "claude-sonnet-4-6");
const GEMINI: (Kind, &str) = (Kind::Gemini, "gemini-3-pro");

const GENERATE: &str = "/v1/models/smart:generateContent";

/// What of `after` is not in `before`: the places, and what stands there.
fn changes(before: &Value, after: &Value, path: &str, list: &mut Vec<String>) {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => {
            for (name, value) in after {
                let dot = if path.is_empty() { "" } else { "." };
                changes(before.get(name).unwrap_or(&Value::Null), value, &format!("{path}{dot}{name}"), list);
            }
        }
        (Value::Array(before), Value::Array(after)) => {
            for (index, value) in after.iter().enumerate() {
                changes(before.get(index).unwrap_or(&Value::Null), value, &format!("{path}[{index}]"), list);
            }
        }
        (before, after) if before == after => {}
        (_, after) => list.push(format!("`{path}: {}`", after.to_string().replace('|', "\\|"))),
    }
}

/// A body as a target gets it, and what it does not get; or the refusal.
struct Outcome(Result<(Value, Vec<String>), String>);

fn outcome(dialect: Dialect, body: &Value, (kind, model): (Kind, &str)) -> Outcome {
    let bytes = serde_json::to_vec(body).unwrap();
    let shown = |translated: Result<(Vec<u8>, Vec<String>), weir_core::provider::Unsupported>| match translated {
        Ok((written, dropped)) => Ok((serde_json::from_slice(&written).unwrap(), dropped)),
        Err(unsupported) => Err(format!("400 `{}`", unsupported.param)),
    };
    Outcome(match dialect {
        Dialect::OpenAi => {
            let parsed = openai::parse(bytes).unwrap();
            let named = |dropped: Vec<&'static str>| dropped.into_iter().map(str::to_owned).collect();
            shown(translate_chat(parsed.chat(), kind, model).map(|(written, dropped)| (written, named(dropped))))
        }
        Dialect::Anthropic | Dialect::Gemini => {
            let parsed = parse(dialect, GENERATE, &bytes).unwrap();
            if let Some(own) = parsed.own_kind().first() {
                return Outcome(Err(format!("400 `{}`", own.param)));
            }
            let translated = translate_chat(parsed.chat(), kind, model);
            shown(translated.map_err(|unsupported| parsed.locate(unsupported)).map(|(written, dropped)| {
                let hints = parsed.hints().iter().map(|hint| (*hint).to_owned());
                (written, hints.chain(dropped.into_iter().map(|name| parsed.name(name))).collect())
            }))
        }
    })
}

/// What the field brings: what is new or other, or that it is dropped, or refused.
fn cell(without: &Outcome, with: &Outcome) -> String {
    let (before, (after, dropped)) = match (&without.0, &with.0) {
        (_, Err(refusal)) => return refusal.clone(),
        (Ok((before, _)), Ok(after)) => (before, after),
        (Err(refusal), Ok(_)) => panic!("the plain body is refused: {refusal}"),
    };
    let mut parts = Vec::new();
    changes(before, after, "", &mut parts);
    if !dropped.is_empty() {
        parts.push("dropped".to_owned());
    }
    if parts.is_empty() { "–".to_owned() } else { parts.join(", ") }
}

/// Rows of a table of fields: each is what is merged into the plain body.
fn fields(dialect: Dialect, plain: &Value, rows: &[Value], targets: &[(Kind, &str)], text: &mut String) {
    let merged = |into: &Value, row: &Value| {
        let mut body = into.clone();
        row.as_object().unwrap().iter().for_each(|(name, value)| body[name] = value.clone());
        body
    };
    for row in rows {
        // Of a row of two fields, the first is there in any case.
        let (given, shown) = match row.as_array().map(Vec::as_slice) {
            Some([given, shown]) => (merged(plain, given), shown),
            _ => (plain.clone(), row),
        };
        let body = merged(&given, shown);
        let shown = shown.to_string();
        let shown = shown.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or(&shown);
        let _ = write!(text, "| `{}` |", shown.replace('|', "\\|"));
        for target in targets {
            let _ = write!(text, " {} |", cell(&outcome(dialect, &given, *target), &outcome(dialect, &body, *target)));
        }
        text.push('\n');
    }
}

fn openai_fields(text: &mut String) {
    let plain = json!({"model": "smart", "messages": [{"role": "user", "content": "Hi"}]});
    let tool = json!({"type": "function", "function": {"name": "f", "description": "d", "strict": true,
        "parameters": {"type": "object", "properties": {"a": {"type": "string"}}}}});
    let one = |name: &str, value: Value| json!({ name: value });
    let chosen =
        |choice: Value| json!([{"tools": [{"type": "function", "function": {"name": "f"}}]}, {"tool_choice": choice}]);
    let user = |part: Value| json!({"messages": [{"role": "user", "content": [part]}]});
    let turn = json!([
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": null, "tool_calls": [
            {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{\"a\":1}"}}]},
        {"role": "tool", "tool_call_id": "c", "content": "18C"},
    ]);
    let schema = json!({"type": "json_schema", "json_schema": {"name": "x", "strict": true,
        "schema": {"type": "object", "properties": {"a": {"type": "string", "minLength": 1}}, "required": ["a"]}}});
    let rows = [
        one("max_completion_tokens", json!(100)),
        one("max_tokens", json!(100)),
        one("temperature", json!(0.5)),
        one("temperature", json!(1.5)),
        one("top_p", json!(0.5)),
        one("stop", json!(["END"])),
        one("stream", json!(true)),
        one("n", json!(2)),
        one("seed", json!(7)),
        one("presence_penalty", json!(0.5)),
        one("frequency_penalty", json!(0.5)),
        one("reasoning_effort", json!("high")),
        one("reasoning_effort", json!("none")),
        one("response_format", json!({"type": "json_object"})),
        one("response_format", schema),
        one("tools", json!([tool])),
        one("tools", json!([{"type": "custom", "custom": {"name": "c"}}])),
        chosen(json!("none")),
        chosen(json!("auto")),
        chosen(json!("required")),
        chosen(json!({"type": "function", "function": {"name": "f"}})),
        chosen(
            json!({"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [{"type": "function", "function": {"name": "f"}}]}}),
        ),
        json!([{"tools": [{"type": "function", "function": {"name": "f"}}]}, {"parallel_tool_calls": false}]),
        one("messages", json!([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}])),
        one("messages", turn),
        user(json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA", "detail": "low"}})),
        user(json!({"type": "image_url", "image_url": {"url": "https://x/y.png"}})),
        user(
            json!({"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0="}}),
        ),
        user(json!({"type": "file", "file": {"file_id": "file-1"}})),
        user(json!({"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}})),
        one("user", json!("u-1")),
        one("safety_identifier", json!("u-1")),
        one("metadata", json!({"a": "b"})),
        one("service_tier", json!("default")),
        one("service_tier", json!("flex")),
        one("store", json!(true)),
        one("verbosity", json!("low")),
        one("prediction", json!({"type": "content", "content": "x"})),
        one("prompt_cache_key", json!("k")),
        one("prompt_cache_retention", json!("24h")),
        one("moderation", json!({"model": "m"})),
        one("logprobs", json!(true)),
        json!({"logprobs": true, "top_logprobs": 2}),
        one("top_logprobs", json!(2)),
        one("logit_bias", json!({"1": 2})),
        one("modalities", json!(["text", "audio"])),
        one("audio", json!({"voice": "ash", "format": "wav"})),
        one("web_search_options", json!({})),
        one("functions", json!([{"name": "f"}])),
    ];
    text.push_str("| field | Anthropic | Gemini |\n|---|---|---|\n");
    fields(Dialect::OpenAi, &plain, &rows, &[ANTHROPIC, GEMINI], text);
}

fn anthropic_fields(text: &mut String) {
    let plain = json!({"model": "smart", "max_tokens": 5, "messages": [{"role": "user", "content": "Hi"}]});
    let one = |name: &str, value: Value| json!({ name: value });
    let tool = json!({"name": "f", "description": "d", "input_schema": {"type": "object", "properties": {"a": {"type": "string"}}}});
    let chosen = |choice: Value| json!([{"tools": [tool]}, {"tool_choice": choice}]);
    let user = |block: Value| json!({"messages": [{"role": "user", "content": [block]}]});
    let turn = json!([
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": [
            {"type": "thinking", "thinking": "hm", "signature": "s"},
            {"type": "tool_use", "id": "c", "name": "f", "input": {"a": 1}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c", "content": "18C", "is_error": true}]},
    ]);
    let rows = [
        one("system", json!([{"type": "text", "text": "Be brief."}])),
        one("temperature", json!(0.5)),
        one("top_p", json!(0.5)),
        one("top_k", json!(5)),
        one("stop_sequences", json!(["END"])),
        one("stream", json!(true)),
        one("thinking", json!({"type": "enabled", "budget_tokens": 2048})),
        one("thinking", json!({"type": "adaptive"})),
        one("thinking", json!({"type": "disabled"})),
        one("output_config", json!({"effort": "low"})),
        one(
            "output_config",
            json!({"format": {"type": "json_schema", "schema": {"type": "object", "properties": {"a": {"type": "string"}}}}}),
        ),
        one("tools", json!([tool])),
        one("tools", json!([{"type": "web_search_20250305", "name": "web_search"}])),
        chosen(json!({"type": "any"})),
        chosen(json!({"type": "tool", "name": "f"})),
        chosen(json!({"type": "none"})),
        chosen(json!({"type": "auto", "disable_parallel_tool_use": true})),
        one("messages", turn),
        user(json!({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}})),
        user(json!({"type": "image", "source": {"type": "url", "url": "https://x/y.png"}})),
        user(
            json!({"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="}}),
        ),
        user(json!({"type": "document", "source": {"type": "file", "file_id": "file_1"}})),
        one("metadata", json!({"user_id": "u-1"})),
        one("service_tier", json!("standard_only")),
        one("cache_control", json!({"type": "ephemeral"})),
        one("container", json!("c")),
        one("mcp_servers", json!([{"type": "url", "url": "https://x", "name": "n"}])),
    ];
    text.push_str("| field | OpenAI | Gemini |\n|---|---|---|\n");
    fields(Dialect::Anthropic, &plain, &rows, &[OPENAI, GEMINI], text);
}

fn gemini_fields(text: &mut String) {
    let plain = json!({"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]});
    let one = |name: &str, value: Value| json!({ name: value });
    let config = |name: &str, value: Value| json!({"generationConfig": { name: value }});
    let tools = json!([{"functionDeclarations": [{"name": "f", "description": "d",
        "parameters": {"type": "OBJECT", "properties": {"a": {"type": "STRING"}}}}]}]);
    let chosen = |calling: Value| json!([{"tools": tools}, {"toolConfig": {"functionCallingConfig": calling}}]);
    let user = |part: Value| json!({"contents": [{"role": "user", "parts": [part]}]});
    let turn = json!([
        {"role": "user", "parts": [{"text": "Hi"}]},
        {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {"a": 1}}, "thoughtSignature": "c2ln"}]},
        {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"output": "18C"}}}]},
    ]);
    let rows = [
        one("systemInstruction", json!({"parts": [{"text": "Be brief."}]})),
        config("maxOutputTokens", json!(100)),
        config("temperature", json!(0.5)),
        config("topP", json!(0.5)),
        config("topK", json!(5)),
        config("stopSequences", json!(["END"])),
        config("candidateCount", json!(2)),
        config("seed", json!(7)),
        config("presencePenalty", json!(0.5)),
        config("responseMimeType", json!("application/json")),
        json!({"generationConfig": {"responseMimeType": "application/json", "responseSchema": {"type": "OBJECT", "properties": {"a": {"type": "STRING"}}}}}),
        config("thinkingConfig", json!({"thinkingLevel": "high"})),
        config("thinkingConfig", json!({"thinkingBudget": 0})),
        config("responseModalities", json!(["IMAGE"])),
        config("responseLogprobs", json!(true)),
        json!({"generationConfig": {"responseLogprobs": true, "logprobs": 2}}),
        one("tools", tools.clone()),
        one("tools", json!([{"googleSearch": {}}])),
        chosen(json!({"mode": "ANY"})),
        chosen(json!({"mode": "ANY", "allowedFunctionNames": ["f"]})),
        chosen(json!({"mode": "NONE"})),
        one("contents", turn),
        user(json!({"inlineData": {"mimeType": "image/png", "data": "AAAA"}})),
        user(json!({"inlineData": {"mimeType": "audio/wav", "data": "AAAA"}})),
        user(json!({"fileData": {"mimeType": "image/png", "fileUri": "https://x/y.png"}})),
        one("safetySettings", json!([{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}])),
        one("labels", json!({"a": "b"})),
        one("serviceTier", json!("flex")),
        one("cachedContent", json!("cachedContents/x")),
    ];
    text.push_str("| field | OpenAI | Anthropic |\n|---|---|---|\n");
    fields(Dialect::Gemini, &plain, &rows, &[OPENAI, ANTHROPIC], text);
}

/// Why an answer ended, as each client reads it.
fn endings(text: &mut String) {
    let with_call = |reason: &str| {
        format!(
            r#"{{"id":"m","content":[{{"type":"tool_use","id":"c","name":"f","input":{{}}}}],"stop_reason":"{reason}"}}"#
        )
    };
    let message =
        |reason: &str| format!(r#"{{"id":"m","content":[{{"type":"text","text":"x"}}],"stop_reason":"{reason}"}}"#);
    let candidate = |part: &str, reason: &str| {
        format!(r#"{{"candidates":[{{"content":{{"parts":[{part}]}},"finishReason":"{reason}"}}]}}"#)
    };
    let (said, call) = (r#"{"text":"x"}"#, r#"{"functionCall":{"name":"f"}}"#);
    let openai = |reason: &str| {
        format!(
            r#"{{"id":"c","choices":[{{"index":0,"message":{{"role":"assistant","content":"x"}},"finish_reason":"{reason}"}}]}}"#
        )
    };
    let mut rows = Vec::new();
    for reason in ["stop", "length", "content_filter", "of_tomorrow"] {
        rows.push(("openai", format!("OpenAI `{reason}`"), openai(reason)));
    }
    for reason in [
        "end_turn",
        "stop_sequence",
        "max_tokens",
        "model_context_window_exceeded",
        "refusal",
        "pause_turn",
        "of_tomorrow",
    ] {
        rows.push(("anthropic", format!("Anthropic `{reason}`"), message(reason)));
    }
    rows.push(("anthropic", "Anthropic `tool_use`".to_owned(), with_call("tool_use")));
    rows.push(("gemini", "Gemini `STOP` after a call".to_owned(), candidate(call, "STOP")));
    for reason in [
        "STOP",
        "FINISH_REASON_UNSPECIFIED",
        "MAX_TOKENS",
        "CONTINUATION",
        "SAFETY",
        "RECITATION",
        "LANGUAGE",
        "BLOCKLIST",
        "PROHIBITED_CONTENT",
        "SPII",
        "IMAGE_SAFETY",
        "IMAGE_PROHIBITED_CONTENT",
        "IMAGE_RECITATION",
        "IMAGE_OTHER",
        "ESCALATION",
        "PUP_LIMITED_DISABLED",
        "MODEL_ARMOR",
        "OTHER",
        "NO_IMAGE",
        "MALFORMED_FUNCTION_CALL",
        "UNEXPECTED_TOOL_CALL",
        "TOO_MANY_TOOL_CALLS",
        "MALFORMED_RESPONSE",
        "MISSING_THOUGHT_SIGNATURE",
        "OF_TOMORROW",
    ] {
        rows.push(("gemini", format!("Gemini `{reason}`"), candidate(said, reason)));
    }
    rows.push(("gemini", "Gemini `OTHER` without output".to_owned(), candidate("", "OTHER")));
    rows.push(("gemini", "Gemini `MALFORMED_RESPONSE` without output".to_owned(), candidate("", "MALFORMED_RESPONSE")));
    rows.push((
        "gemini",
        "Gemini blocks the prompt".to_owned(),
        r#"{"promptFeedback":{"blockReason":"SAFETY"}}"#.to_owned(),
    ));
    text.push_str("| the provider says | OpenAI's client | Anthropic's | Gemini's |\n|---|---|---|---|\n");
    for (kind, name, body) in rows {
        let cells = match answers::seen(kind, body.as_bytes()) {
            Ok(list) => {
                let reasons = list.map(|(client, answer)| {
                    let answer: Value = serde_json::from_slice(&answer).unwrap();
                    let reason = match client {
                        "openai" => &answer["choices"][0]["finish_reason"],
                        "anthropic" => &answer["stop_reason"],
                        _ => &answer["candidates"][0]["finishReason"],
                    };
                    format!("`{}`", reason.as_str().unwrap_or("null"))
                });
                reasons.join(" | ")
            }
            Err(failure) => format!("a failure: {} | | ", failure.class.describe()),
        };
        let _ = writeln!(text, "| {name} | {cells} |");
    }
}

/// The table of failures.
fn failures(text: &mut String) {
    text.push_str(
        "| an attempt fails by | then | the same target again | left alone for | which is |\n|---|---|---|---|---|\n",
    );
    for class in Class::ALL {
        let rule = class.rule();
        let then = match rule.verdict {
            Verdict::NextHealthy if class == Class::ContextTooLong => {
                "the next target, while one is left whose context is larger, or not known; else the client gets it"
            }
            Verdict::NextHealthy => "the next target",
            Verdict::NextSick => "the next target; counts for the breaker",
            Verdict::Return => "the client gets it",
        };
        let cool = match rule.cool {
            Cool::No => "–".to_owned(),
            Cool::Asked { otherwise: None } => "as long as it asks".to_owned(),
            Cool::Asked { otherwise: Some(millis) } => {
                format!("as long as it asks, else {}", weir_core::config::show(millis))
            }
            Cool::AtLeast(millis) => format!("at least {}", weir_core::config::show(millis)),
        };
        let scope = match (rule.cool, rule.scope) {
            (Cool::No, _) => "",
            (_, Scope::Target) => "the model there",
            (_, Scope::Provider) => "the provider",
        };
        let retry = if rule.retry_same { "may do better" } else { "–" };
        let _ = writeln!(text, "| {} | {then} | {retry} | {cool} | {scope} |", class.describe());
    }
}

/// The names of errors in each dialect.
fn errors(text: &mut String) {
    text.push_str("| status | Anthropic's `type` | Gemini's `status` |\n|---|---|---|\n");
    for status in [400, 401, 402, 403, 404, 408, 409, 413, 422, 429, 500, 502, 503, 504, 529] {
        let error = ErrorBody { status, kind: "x", code: None, param: None, message: String::new() };
        let said = |dialect: Dialect, field: &str| {
            let value: Value = serde_json::from_slice(&dialect.error_json(&error)).unwrap();
            value["error"][field].as_str().unwrap().to_owned()
        };
        let _ = writeln!(
            text,
            "| {status} | `{}` | `{}` |",
            said(Dialect::Anthropic, "type"),
            said(Dialect::Gemini, "status")
        );
    }
}

const INTRODUCTION: &str = "# What maps to what

This page is written by the translators: `UPDATE_EXPECT=1 cargo test -p weir-core --test dialects page` runs them, and without the variable the
test fails when the page is not what they do. The golden files in [`core/tests/golden`](../core/tests/golden) show whole requests, answers and streams.

A target of the client's own kind gets the body as it came ([dialects.md](dialects.md)). For the others: *dropped* stands in
`x-weir-dropped-params`; *400* leaves the target out of the chain, and is the client's answer when no target is left. With `on_unsupported: drop` in
the model, a parameter that would be a 400 is dropped instead (of too many stop sequences or answers as many as there may be are kept, a forced call
becomes `auto`); content of messages never is. – is nothing, because nothing need be said.

The models here are `gpt-5.6`, `claude-sonnet-4-6` and `gemini-3-pro`; for others the table of what models can do makes a difference
([models.md](models.md)).
";

#[test]
fn the_page_says_what_the_code_does() {
    let mut text = INTRODUCTION.to_owned();
    type Section = fn(&mut String);
    let sections: [(&str, Section); 6] = [
        ("OpenAI's client", openai_fields),
        ("Anthropic's client", anthropic_fields),
        ("Gemini's client", gemini_fields),
        ("How an answer ends", endings),
        ("How an attempt fails", failures),
        ("Errors", errors),
    ];
    for (title, section) in sections {
        let _ = write!(text, "\n## {title}\n\n");
        section(&mut text);
    }
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/translation.md");
    expect_test::expect_file![page].assert_eq(&text);
}
