//! The client's body for a provider of its own kind: another model in it, and everything else as it came, but for what
//! another provider has left in the conversation.

use super::body::{Block, TextOr};
use super::wire::FOREIGN_SIGNATURE;
use crate::chat::Role;
use crate::dialect::Parsed;
use crate::json::{Fields, Raw, Str};
use memchr::memmem;
use serde::Deserialize;
use serde_json::value::{RawValue, to_raw_value};

/// `parsed`'s body with `model` as its model, without thoughts of other providers. Thinking by a budget is left out too
/// where the turn that goes on holds none of Anthropic's own thoughts: Anthropic wants them at its beginning then.
pub fn write(parsed: &Parsed, model: &str) -> Vec<u8> {
    let Ok(Fields(mut fields)) = serde_json::from_slice(parsed.body()) else { return parsed.body().to_vec() };
    let Ok(model) = to_raw_value(model) else { return parsed.body().to_vec() };
    let has_foreign = memmem::find(parsed.body(), FOREIGN_SIGNATURE.as_bytes()).is_some();
    let messages = fields.iter().find(|(name, _)| name.as_str() == "messages").map(|(_, messages)| *messages);
    let kept = messages.filter(|_| has_foreign).and_then(own_thoughts);
    let messages = kept.as_deref().map(Raw).or(messages);
    let is_mid_turn = parsed.chat().messages.iter().rev().find(|message| message.role != Role::User);
    let is_mid_turn = is_mid_turn.is_some_and(|message| message.role == Role::Tool) && !parsed.is_continued();
    if is_mid_turn && parsed.chat().thinking_budget.is_some() && !messages.is_some_and(begins_with_thoughts) {
        fields.retain(|(name, _)| name.as_str() != "thinking");
    }
    for (name, value) in &mut fields {
        match name.as_str() {
            "model" => *value = Raw(&model),
            "messages" => *value = messages.unwrap_or(*value),
            _ => {}
        }
    }
    // Writing to memory does not fail, and no map has keys that are not strings.
    let mut body = Vec::with_capacity(parsed.body().len().saturating_add(model.get().len()));
    let _ = serde_json::to_writer(&mut body, &Fields(fields));
    body
}

/// The messages without blocks of foreign thoughts; a message of nothing else is left out. None when they cannot be
/// read, which they were before.
fn own_thoughts(messages: Raw<'_>) -> Option<Box<RawValue>> {
    #[derive(Deserialize)]
    #[serde(bound(deserialize = "'de: 'a"))]
    struct Signed<'a> {
        signature: Option<Str<'a>>,
    }

    let is_foreign = |block: &Raw<'_>| {
        block
            .parse::<Signed<'_>>()
            .ok()
            .and_then(|block| block.signature)
            .is_some_and(|text| *text == *FOREIGN_SIGNATURE)
    };
    let mut list: Vec<Box<RawValue>> = Vec::new();
    for Fields(mut message) in messages.parse::<Vec<Fields<'_>>>().ok()? {
        let content = message.iter_mut().find(|(name, _)| name.as_str() == "content").map(|(_, content)| content)?;
        let made = match content.parse::<Vec<Raw<'_>>>() {
            // A plain text.
            Err(_) => None,
            Ok(blocks) => {
                let kept: Vec<&Raw<'_>> = blocks.iter().filter(|block| !is_foreign(block)).collect();
                if kept.is_empty() && !blocks.is_empty() {
                    continue;
                }
                to_raw_value(&kept).ok()
            }
        };
        if let Some(made) = &made {
            *content = Raw(made);
        }
        list.push(to_raw_value(&Fields(message)).ok()?);
    }
    to_raw_value(&list).ok()
}

/// Whether the assistant's last message, in which the turn began, begins with thoughts.
fn begins_with_thoughts(messages: Raw<'_>) -> bool {
    #[derive(Deserialize)]
    #[serde(bound(deserialize = "'de: 'a"))]
    struct Message<'a> {
        role: Str<'a>,
        content: TextOr<'a, Block<'a>>,
    }

    let Ok(list) = messages.parse::<Vec<Message<'_>>>() else { return false };
    let last = list.iter().rev().find(|message| message.role.as_str() == "assistant");
    match last.map(|message| &message.content) {
        Some(TextOr::List(blocks)) => {
            blocks.first().is_some_and(|block| matches!(block.kind.as_str(), "thinking" | "redacted_thinking"))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::anthropic::parse;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn check(body: &str, expect: &str) {
        let parsed = parse(body.as_bytes().to_vec()).unwrap();
        assert_eq!(String::from_utf8(write(&parsed, "claude-opus-5")).unwrap(), expect);
    }

    #[test]
    fn only_the_model_changes() {
        check(
            r#"{ "model": "smart", "max_tokens": 5, "tomorrow": [1, {"model": "smart"}], "messages": [{"role": "user", "content": "smart"}] }"#,
            r#"{"model":"claude-opus-5","max_tokens":5,"tomorrow":[1, {"model": "smart"}],"messages":[{"role": "user", "content": "smart"}]}"#,
        );
    }

    #[test]
    fn thoughts_of_another_provider_are_left_out_and_anthropics_own_are_not() {
        let foreign = format!(r#"{{"type":"thinking","thinking":"x","signature":"{FOREIGN_SIGNATURE}"}}"#);
        let own = r#"{"type":"thinking","thinking":"y","signature":"c2ln"}"#;
        let text = r#"{"type":"text","text":"Hi","tomorrow":1}"#;
        let user = r#"{"role":"user","content":"Go"}"#;
        let all = [
            format!(r#"{{"role":"assistant","content":[{foreign},{text}],"tomorrow":2}}"#),
            user.to_owned(),
            format!(r#"{{"role":"assistant","content":[{foreign}]}}"#),
            format!(r#"{{"role":"assistant","content":[{own},{text}]}}"#),
            user.to_owned(),
        ];
        let kept = [
            format!(r#"{{"role":"assistant","content":[{text}],"tomorrow":2}}"#),
            user.to_owned(),
            format!(r#"{{"role":"assistant","content":[{own},{text}]}}"#),
            user.to_owned(),
        ];
        check(
            &format!(r#"{{"model":"smart","max_tokens":5,"messages":[{}]}}"#, all.join(",")),
            &format!(r#"{{"model":"claude-opus-5","max_tokens":5,"messages":[{}]}}"#, kept.join(",")),
        );
    }

    #[test]
    fn a_turn_that_another_provider_began_goes_on_without_a_budget() {
        let thinking = r#""thinking":{"type":"enabled","budget_tokens":2000},"#;
        let result = r#"{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":"x"}]}"#;
        let call = r#"{"type":"tool_use","id":"t","name":"n","input":{}}"#;
        let own = r#"{"type":"thinking","thinking":"y","signature":"c2ln"}"#;
        let body = |model: &str, thinking: &str, blocks: &str| {
            let turn = format!(r#"[{{"role":"assistant","content":[{blocks}]}},{result}]"#);
            format!(r#"{{"model":"{model}","max_tokens":5,{thinking}"messages":{turn}}}"#)
        };
        check(&body("smart", thinking, call), &body("claude-opus-5", "", call));
        let with_own = format!("{own},{call}");
        check(&body("smart", thinking, &with_own), &body("claude-opus-5", thinking, &with_own));
    }

    #[test]
    fn a_turn_whose_beginning_anthropic_keeps_goes_on_as_it_began() {
        let rest = r#""thinking":{"type":"enabled","budget_tokens":2000},"thread":{"type":"continue","previous_message_id":"msg_1"},"messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":"x"}]}]}"#;
        check(
            &format!(r#"{{"model":"smart","max_tokens":5,{rest}"#),
            &format!(r#"{{"model":"claude-opus-5","max_tokens":5,{rest}"#),
        );
    }
}
