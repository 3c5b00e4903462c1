//! The messages, their roles, and the pairing of tool calls and results.

use serde_json::Value;

use super::{
    Version,
    blocks::{Block, blocks},
    invalid::{array, as_object, invalid, one_of, only, required, string},
    model::Capabilities,
};
use crate::{
    ask::Last,
    fields::{Object, present, text_bytes},
    refusal::{Checked, Refusal},
};

/// What matters of the messages once they are checked.
pub(super) struct Conversation {
    pub(super) last: Last,
    pub(super) text_bytes: usize,
}

struct Message<'a> {
    role: &'a str,
    blocks: Vec<Block<'a>>,
}

pub(super) fn conversation(body: &Object, version: Version, model: Capabilities) -> Checked<Conversation> {
    let list = required(array(body, "messages", "")?, "messages", "")?;
    if list.is_empty() {
        return Err(invalid("messages", "at least one message is required"));
    }
    let messages = list.iter().enumerate().map(|(index, message)| self::message(message, index, version, model));
    let messages = messages.collect::<Checked<Vec<_>>>()?;
    if messages.first().is_some_and(|first| first.role != "user") {
        return Err(invalid("messages", "first message must use the \"user\" role"));
    }
    pairing(&messages)?;
    ending(&messages, model)?;
    let system = system(body)?;
    let text_bytes = messages.iter().flat_map(|message| &message.blocks).map(Block::text_bytes).sum::<usize>();
    Ok(Conversation { last: last(&messages), text_bytes: text_bytes.saturating_add(system) })
}

fn message(message: &Value, index: usize, version: Version, model: Capabilities) -> Checked<Message<'_>> {
    let at = format!("messages.{index}");
    let message = as_object(message, &at)?;
    only(message, &["role", "content"], &at)?;
    let role = required(string(message, "role", &at)?, "role", &at)?;
    if model.system_turns && index > 0 {
        one_of(role, &["user", "assistant", "system"], &format!("{at}.role"))?;
    } else if !matches!(role, "user" | "assistant") {
        // The real wording: system prompts in `messages` are the commonest mistake.
        let complaint = "Unexpected role \"system\". The Messages API accepts a top-level `system` parameter, not \
                         \"system\" as an input message role.";
        return Err(match role {
            "system" => invalid("messages", complaint),
            _ => invalid(format!("{at}.role"), "Input should be 'user' or 'assistant'"),
        });
    }
    let content = required(present(message, "content"), "content", &at)?;
    Ok(Message { role, blocks: blocks(content, role, &format!("{at}.content"), version)? })
}

/// Every result must refer to a call of the message before, every call be answered in the message behind it, and the
/// results stand first there.
fn pairing(messages: &[Message<'_>]) -> Checked {
    for (index, message) in messages.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|before| messages.get(before));
        let calls = |id: &str| {
            before.is_some_and(|m| {
                m.blocks.iter().any(|block| matches!(block, Block::ToolUse { id: call, .. } if *call == id))
            })
        };
        for (at, block) in message.blocks.iter().enumerate() {
            let Block::ToolResult { id, .. } = block else { continue };
            if !calls(id) {
                return Err(Refusal::invalid(format!(
                    "messages.{index}.content.{at}: unexpected `tool_use_id` found in `tool_result` blocks: {id}. Each \
                     `tool_result` block must have a corresponding `tool_use` block in the previous message."
                )));
            }
        }
        let results: Vec<&str> = messages.get(index.saturating_add(1)).map_or_else(Vec::new, leading_results);
        let open = message.blocks.iter().filter_map(|block| match block {
            Block::ToolUse { id, .. } if !results.contains(id) => Some(*id),
            _ => None,
        });
        let open: Vec<&str> = open.collect();
        if !open.is_empty() {
            return Err(Refusal::invalid(format!(
                "messages.{index}: `tool_use` ids were found without `tool_result` blocks immediately after: {}. Each \
                 `tool_use` block must have a corresponding `tool_result` block in the next message.",
                open.join(", ")
            )));
        }
    }
    Ok(())
}

fn leading_results<'a>(message: &Message<'a>) -> Vec<&'a str> {
    let ids = message.blocks.iter().map_while(|block| match block {
        Block::ToolResult { id, .. } => Some(*id),
        _ => None,
    });
    ids.collect()
}

fn ending(messages: &[Message<'_>], model: Capabilities) -> Checked {
    let Some(last) = messages.last().filter(|last| last.role == "assistant") else { return Ok(()) };
    if !model.prefill {
        return Err(Refusal::invalid(
            "This model does not support assistant message prefill. The conversation must end with a user message.",
        ));
    }
    match last.blocks.last() {
        Some(Block::Text(text)) if text.ends_with(char::is_whitespace) => {
            Err(invalid("messages", "final assistant content cannot end with trailing whitespace"))
        }
        _ => Ok(()),
    }
}

/// Text bytes of the system prompt, checked.
fn system(body: &Object) -> Checked<usize> {
    match present(body, "system") {
        None => Ok(0),
        Some(Value::String(text)) => Ok(text.len()),
        Some(Value::Array(list)) => {
            for (index, block) in list.iter().enumerate() {
                let at = format!("system.{index}");
                let block = as_object(block, &at)?;
                only(block, &["type", "text", "cache_control", "citations"], &at)?;
                one_of(required(string(block, "type", &at)?, "type", &at)?, &["text"], &format!("{at}.type"))?;
                if required(string(block, "text", &at)?, "text", &at)?.is_empty() {
                    return Err(invalid("system", "text content blocks must be non-empty"));
                }
            }
            Ok(list.iter().filter_map(|block| block.get("text")).map(text_bytes).sum())
        }
        Some(_) => Err(invalid("system", "Input should be a valid string or list")),
    }
}

/// The results of the last message if it has any, else the last user's text.
fn last(messages: &[Message<'_>]) -> Last {
    let Some(user) = messages.iter().rev().find(|message| message.role == "user") else {
        return Last::UserText(String::new());
    };
    let results: Vec<&str> = user
        .blocks
        .iter()
        .filter_map(|block| match block {
            Block::ToolResult { text, .. } => Some(text.as_str()),
            _ => None,
        })
        .collect();
    if !results.is_empty() {
        return Last::ToolResults(results.join(", "));
    }
    let texts = user.blocks.iter().filter_map(|block| match block {
        Block::Text(text) => Some(*text),
        _ => None,
    });
    Last::UserText(texts.collect())
}
