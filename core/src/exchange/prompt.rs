//! A conversation as OpenTelemetry writes it into a span, for tenants that want that (`trace_prompts`).
//! <https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/>

use crate::chat::{ChatRequest, Content, Message, Part, Role};
use crate::failure::bounded;
use serde_json::{Value, json};

/// All of it, in bytes of JSON. Of a longer one the newest messages are told, and of the oldest of those its end.
const MOST: usize = 16 << 10;
/// What a message has around its parts, at most.
const FRAME: usize = 1 << 10;
/// One text of it, in bytes; a longer one is cut.
const LONGEST: usize = 4 << 10;

/// `gen_ai.input.messages`. Of what is no text only the kind is told.
pub(super) fn messages(chat: &ChatRequest<'_>) -> String {
    let mut told = Vec::new();
    let mut left = MOST.saturating_sub(2);
    for message in chat.messages.iter().rev() {
        let (parts, is_all) = parts(message, left.saturating_sub(FRAME));
        let text = json!({ "role": role(message.role), "parts": parts }).to_string();
        let Some(rest) = left.checked_sub(text.len().saturating_add(1)) else { break };
        if is_all || !parts.is_empty() {
            left = rest;
            told.push(text);
        }
        if !is_all {
            break;
        }
    }
    told.reverse();
    format!("[{}]", told.join(","))
}

fn role(role: Role) -> &'static str {
    match role {
        Role::System | Role::Developer => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
        Role::Tool | Role::Function => "tool",
    }
}

/// As many as there is room for, the last ones; and whether these are all.
fn parts(message: &Message<'_>, room: usize) -> (Vec<Value>, bool) {
    let mut left = room;
    let mut is_all = true;
    let mut fits = |part: &Value| {
        let rest = left.checked_sub(part.to_string().len().saturating_add(1));
        left = rest.unwrap_or(0);
        is_all &= rest.is_some();
        is_all
    };
    let calls = message.tool_calls.iter().flatten().filter_map(|call| Some((call, call.function.as_ref()?)));
    let calls: Vec<_> = calls.collect();
    let calls = calls.into_iter().rev().map(|(call, function)| {
        json!({
            "type": "tool_call",
            "id": bounded(&call.id),
            "name": bounded(&function.name),
            "arguments": cut(&function.arguments),
        })
    });
    let mut parts: Vec<_> = calls.take_while(&mut fits).collect();
    let said = match &message.content {
        Some(Content::Text(said)) => vec![text(said)].into_iter().take_while(&mut fits).collect(),
        Some(Content::Parts(parts)) => parts.iter().rev().map(part).take_while(&mut fits).collect(),
        None => Vec::new(),
    };
    match &message.tool_call_id {
        Some(id) => {
            let said: Vec<_> = said.into_iter().rev().collect();
            parts.push(json!({ "type": "tool_call_response", "id": bounded(id), "response": said }));
        }
        None => parts.extend(said),
    }
    parts.reverse();
    (parts, is_all)
}

fn part(part: &Part<'_>) -> Value {
    let kind = match part {
        Part::Text(said) | Part::Refusal(said) => return text(said),
        Part::ImageUrl(_) => "image",
        Part::InputAudio(_) => "audio",
        Part::File(_) | Part::Media(_) => "file",
        Part::Other(_) => "other",
    };
    json!({ "type": kind })
}

fn text(said: &str) -> Value {
    json!({ "type": "text", "content": cut(said) })
}

fn cut(text: &str) -> &str {
    text.get(..text.floor_char_boundary(LONGEST)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn a_conversation_is_told_in_the_conventions_words() {
        let body = r#"{"model":"m","messages":[
            {"role":"developer","content":"Be brief."},
            {"role":"user","content":[{"type":"text","text":"What is this?"},{"type":"image_url","image_url":{"url":"data:image/png;base64,c2VjcmV0"}}]},
            {"role":"assistant","tool_calls":[{"id":"c1","type":"function","function":{"name":"look","arguments":"{\"at\":1}"}}]},
            {"role":"tool","tool_call_id":"c1","content":"a cat"}]}"#;
        let chat: ChatRequest<'_> = serde_json::from_str(body).unwrap();
        let told: Value = serde_json::from_str(&messages(&chat)).unwrap();
        let expected = json!([
            { "role": "system", "parts": [{ "type": "text", "content": "Be brief." }] },
            { "role": "user", "parts": [{ "type": "text", "content": "What is this?" }, { "type": "image" }] },
            { "role": "assistant", "parts": [{ "type": "tool_call", "id": "c1", "name": "look", "arguments": "{\"at\":1}" }] },
            { "role": "tool", "parts": [{ "type": "tool_call_response", "id": "c1", "response": [{ "type": "text", "content": "a cat" }] }] },
        ]);
        assert_eq!(told, expected);
    }

    #[test]
    fn a_long_one_is_cut_to_its_end() {
        let long = "é".repeat(LONGEST);
        let message = |number: u32| json!({ "role": "user", "content": format!("{number} {long}") });
        let body = json!({ "model": "m", "messages": (0..9).map(message).collect::<Vec<_>>() }).to_string();
        let chat: ChatRequest<'_> = serde_json::from_str(&body).unwrap();
        let told = messages(&chat);
        assert!(told.len() <= MOST, "{}", told.len());
        let told: Value = serde_json::from_str(&told).unwrap();
        let begin = |told: &Value| told["parts"][0]["content"].as_str().unwrap()[..1].to_owned();
        assert_eq!(told.as_array().unwrap().iter().map(begin).collect::<Vec<_>>(), ["6", "7", "8"]);
    }

    #[test]
    fn one_long_message_is_told_by_its_last_parts() {
        for part in [json!({ "type": "text", "text": "x".repeat(LONGEST) }), json!({ "type": "text", "text": "" })] {
            let mut parts = vec![part; 100_000];
            parts.truncate(if parts[0]["text"] == "" { 100_000 } else { 9 });
            parts.push(json!({ "type": "text", "text": "the end" }));
            let body = json!({ "model": "m", "messages": [{ "role": "user", "content": parts }] }).to_string();
            let chat: ChatRequest<'_> = serde_json::from_str(&body).unwrap();
            let told = messages(&chat);
            assert!(told.len() <= MOST && told.len() > MOST / 2, "{}", told.len());
            let told: Value = serde_json::from_str(&told).unwrap();
            let told = told[0]["parts"].as_array().unwrap();
            assert_eq!(told.last().unwrap()["content"], "the end");
        }
    }
}
