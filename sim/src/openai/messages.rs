//! The messages of a chat completion and their order.

use serde_json::Value;

use super::{
    content::{Allowed, content},
    invalid::{array, empty_array, object, required, string, wrong_type, wrong_value},
};
use crate::{
    ask::Last,
    fields::{Object, present},
    refusal::{Checked, Refusal},
};

const ROLES: &[&str] = &["system", "assistant", "user", "function", "tool", "developer"];

/// What matters of the messages once they are checked.
pub(super) struct Conversation {
    pub(super) last: Last,
    pub(super) text_bytes: usize,
}

pub(super) fn conversation(body: &Object) -> Checked<Conversation> {
    let messages = required(array(body, "messages", "messages")?, "messages")?;
    if messages.is_empty() {
        return Err(empty_array("messages"));
    }
    let mut open_calls = OpenCalls::default();
    let mut last = Last::UserText(String::new());
    let mut text_bytes = 0_usize;
    for (index, message) in messages.iter().enumerate() {
        let at = format!("messages[{index}]");
        let message = message.as_object().ok_or_else(|| wrong_type(&at, "an object", message))?;
        let role_at = format!("{at}.role");
        let role = required(string(message, "role", &role_at)?, &role_at)?;
        if role != "tool" {
            open_calls.all_answered()?;
        }
        let text = match role {
            "system" | "developer" => content(message, &at, Allowed::Text, true)?,
            "user" => content(message, &at, Allowed::User, true)?,
            "assistant" => {
                let calls = tool_calls(message, &at)?;
                open_calls.begin(&calls);
                let optional = !calls.is_empty() || present(message, "function_call").is_some();
                content(message, &at, Allowed::Assistant, !optional && present(message, "refusal").is_none())?
            }
            "tool" => {
                let id_at = format!("{at}.tool_call_id");
                let id = required(string(message, "tool_call_id", &id_at)?, &id_at)?;
                open_calls.answer(id, &at)?;
                content(message, &at, Allowed::Text, true)?
            }
            "function" => content(message, &at, Allowed::Text, true)?,
            other => return Err(wrong_value(&role_at, other, ROLES)),
        };
        text_bytes = text_bytes.saturating_add(text.len());
        last = match (role, last) {
            // Parallel results stand next to each other and are answered together.
            ("tool" | "function", Last::ToolResults(mut before)) => {
                before.push_str(", ");
                before.push_str(&text);
                Last::ToolResults(before)
            }
            ("tool" | "function", _) => Last::ToolResults(text),
            ("user", _) => Last::UserText(text),
            // A system message at the end does not change what was asked.
            (_, last @ Last::UserText(_)) => last,
            (_, Last::ToolResults(_)) => Last::UserText(text),
        };
    }
    open_calls.all_answered()?;
    Ok(Conversation { last, text_bytes })
}

fn tool_calls<'a>(message: &'a Object, at: &str) -> Checked<Vec<&'a str>> {
    let at = format!("{at}.tool_calls");
    let Some(calls) = array(message, "tool_calls", &at)? else { return Ok(Vec::new()) };
    if calls.is_empty() {
        return Err(empty_array(&at));
    }
    calls.iter().enumerate().map(|(index, call)| tool_call(call, &format!("{at}[{index}]"))).collect()
}

fn tool_call<'a>(call: &'a Value, at: &str) -> Checked<&'a str> {
    let call = call.as_object().ok_or_else(|| wrong_type(at, "an object", call))?;
    let (id_at, kind_at) = (format!("{at}.id"), format!("{at}.type"));
    let id = required(string(call, "id", &id_at)?, &id_at)?;
    let kind = required(string(call, "type", &kind_at)?, &kind_at)?;
    let input = match kind {
        "function" => "arguments",
        "custom" => "input",
        other => return Err(wrong_value(&kind_at, other, &["function", "custom"])),
    };
    let function_at = format!("{at}.{kind}");
    let function = required(object(call, kind, &function_at)?, &function_at)?;
    for field in ["name", input] {
        let field_at = format!("{function_at}.{field}");
        required(string(function, field, &field_at)?, &field_at)?;
    }
    Ok(id)
}

/// Tool calls that the next messages must answer.
#[derive(Default)]
struct OpenCalls<'a> {
    asked: Vec<&'a str>,
    open: Vec<&'a str>,
}

impl<'a> OpenCalls<'a> {
    fn begin(&mut self, calls: &[&'a str]) {
        self.asked = calls.to_vec();
        self.open = calls.to_vec();
    }

    fn answer(&mut self, id: &str, at: &str) -> Checked {
        if !self.asked.contains(&id) {
            let message = "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with \
                           'tool_calls'.";
            return Err(Refusal::invalid(message).with_param(format!("{at}.role")));
        }
        self.open.retain(|open| *open != id);
        Ok(())
    }

    fn all_answered(&mut self) -> Checked {
        self.asked.clear();
        if self.open.is_empty() {
            return Ok(());
        }
        Err(Refusal::invalid(format!(
            "An assistant message with 'tool_calls' must be followed by tool messages responding to each \
             'tool_call_id'. The following tool_call_ids did not have response messages: {}",
            self.open.join(", ")
        ))
        .with_param("messages"))
    }
}
