//! The conversation.

use super::body::{Content, Function, Message, Part, ToolCall};
use super::content;
use crate::capability::Capabilities;
use crate::chance;
use crate::chat::{self, Role};
use crate::json::Str;
use crate::provider::Unsupported;
use crate::provider::unmapped::Dropped;
use std::borrow::Cow;

/// Most characters of a call's id.
const MAX_ID: usize = 40;

/// Translates all messages.
pub(super) fn translate<'a>(
    list: &'a [chat::Message<'_>],
    capabilities: &Capabilities,
    dropped: &mut Dropped,
) -> Result<Vec<Message<'a>>, Unsupported> {
    let mut done = Vec::with_capacity(list.len());
    // What the results of this turn show: a tool message holds text only.
    let mut shown: Vec<Part<'a>> = Vec::new();
    for (index, message) in list.iter().enumerate() {
        let path = |field: &str| format!("messages[{index}].{field}");
        if message.role != Role::Tool {
            done.extend(user(std::mem::take(&mut shown)));
        }
        let content = match &message.content {
            Some(said) => content::content(index, message.role, said)?,
            None => None,
        };
        let mut translated = Message {
            role: word(message.role),
            content,
            refusal: message.refusal.as_ref().map(Str::as_str),
            name: message.name.as_ref().map(Str::as_str),
            tool_calls: calls(index, message)?,
            tool_call_id: message.tool_call_id.as_ref().map(|id| call_id(id)),
            function_call: message
                .function_call
                .as_ref()
                .map(|call| Function { name: &call.name, arguments: &call.arguments }),
        };
        let is_silent = translated.content.is_none()
            && translated.refusal.is_none()
            && translated.tool_calls.is_empty()
            && translated.function_call.is_none();
        match message.role {
            Role::Assistant | Role::System | Role::Developer if is_silent => continue,
            Role::User if is_silent => {
                return Err(Unsupported::new(path("content"), "this provider does not take an empty user message"));
            }
            Role::Tool => {
                if message.tool_call_id.is_none() {
                    let text = "a tool message must name the call that it answers";
                    return Err(Unsupported::new(path("tool_call_id"), text));
                }
                if message.failed {
                    dropped.add("is_error");
                }
                for (at, part) in message.content.iter().flat_map(chat::Content::list).enumerate() {
                    if let chat::Part::Media(media) = part {
                        let at = || format!("messages[{index}].content[{at}].media");
                        shown.push(content::medium(media).map_err(|text| Unsupported::new(at(), text))?);
                    }
                }
                translated.content.get_or_insert(Content::Text(""));
            }
            _ => {}
        }
        done.push(translated);
    }
    done.extend(user(shown));
    if done.is_empty() {
        return Err(Unsupported::new("messages", "this provider needs at least one message"));
    }
    if done.last().is_some_and(|last| last.role == "assistant") && !capabilities.prefill {
        let message = "this provider does not continue an answer that was begun for it: end with a user message";
        return Err(Unsupported::new(format!("messages[{}].role", list.len().saturating_sub(1)), message));
    }
    Ok(done)
}

/// OpenAI refuses `json_object` unless a message holds the word "json", which the other dialects do not ask for.
pub(super) fn mention_json(messages: &mut Vec<Message<'_>>) {
    let says = |text: &str| text.as_bytes().windows(4).any(|word| word.eq_ignore_ascii_case(b"json"));
    let is_said = messages.iter().any(|message| match &message.content {
        None => false,
        Some(Content::Text(text)) => says(text),
        Some(Content::Parts(parts)) => {
            parts.iter().any(|part| if let Part::Text { text } = part { says(text) } else { false })
        }
    });
    if !is_said {
        messages.insert(0, Message { role: "system", ..said(Content::Text("Answer with a JSON object.")) });
    }
}

fn user(parts: Vec<Part<'_>>) -> Option<Message<'_>> {
    (!parts.is_empty()).then(|| said(Content::Parts(parts)))
}

/// A user's message.
fn said(content: Content<'_>) -> Message<'_> {
    Message {
        role: "user",
        content: Some(content),
        refusal: None,
        name: None,
        tool_calls: Vec::new(),
        tool_call_id: None,
        function_call: None,
    }
}

fn calls<'a>(index: usize, message: &'a chat::Message<'_>) -> Result<Vec<ToolCall<'a>>, Unsupported> {
    let call = |(at, call): (usize, &'a chat::ToolCall<'_>)| {
        let Some(function) = &call.function else {
            let path = format!("messages[{index}].tool_calls[{at}].type");
            return Err(Unsupported::new(path, "this provider has function calls only"));
        };
        let arguments = if function.arguments.trim_ascii().is_empty() { "{}" } else { &function.arguments };
        Ok(ToolCall { id: call_id(&call.id), kind: "function", function: Function { name: &function.name, arguments } })
    };
    message.tool_calls.iter().flatten().enumerate().map(call).collect()
}

/// OpenAI wants ids of at most 40 characters: a longer one is told by its hash, in the call and in its result alike.
fn call_id(id: &str) -> Cow<'_, str> {
    match id.chars().nth(MAX_ID) {
        None => Cow::Borrowed(id),
        Some(_) => Cow::Owned(format!("call_{:016x}{:016x}", chance::seed(id), chance::mix(chance::seed(id)))),
    }
}

fn word(role: Role) -> &'static str {
    match role {
        Role::System => "system",
        Role::Developer => "developer",
        Role::User => "user",
        Role::Assistant => "assistant",
        Role::Tool => "tool",
        Role::Function => "function",
    }
}

/// Bytes that the written message holds apart from its JSON syntax.
pub(super) fn size(message: &Message<'_>) -> usize {
    let content = match &message.content {
        None => 0,
        Some(Content::Text(text)) => text.len(),
        Some(Content::Parts(parts)) => parts.iter().map(content::size).fold(0, usize::saturating_add),
    };
    let arguments = message.tool_calls.iter().map(|call| call.function.arguments.len().saturating_add(128));
    arguments.fold(content.saturating_add(128), usize::saturating_add)
}
