//! The conversation: instructions hoisted, roles merged, calls and their results paired.

use super::body::{Block, Message, Role};
use super::content::{self, Speaker};
use crate::capability::Capabilities;
use crate::chat;
use crate::provider::unmapped::Dropped;
use crate::provider::{Unsupported, arguments, mint};

pub(super) struct Conversation<'a> {
    pub system: Vec<Block<'a>>,
    pub messages: Vec<Message<'a>>,
}

/// Translates all messages.
pub(super) fn translate<'a>(
    list: &'a [chat::Message<'_>],
    capabilities: &Capabilities,
    dropped: &mut Dropped,
) -> Result<Conversation<'a>, Unsupported> {
    let mut writer = Writer { system: Vec::new(), done: Vec::new(), role: Role::User, turn: Vec::new() };
    for (index, message) in list.iter().enumerate() {
        writer.add(index, message, dropped)?;
    }
    let Conversation { system, mut messages } = writer.finish();
    if !messages.iter().any(|message| message.role == Role::User) {
        return Err(Unsupported::new("messages", "this provider needs at least one user message"));
    }
    if messages.first().is_some_and(|first| first.role != Role::User) {
        let first = list.iter().position(|message| message.role == chat::Role::Assistant).unwrap_or(0);
        let message = "this provider needs the conversation to begin with a user message";
        return Err(Unsupported::new(format!("messages[{first}].role"), message));
    }
    if let Some(Message { role: Role::Assistant, content }) = messages.last_mut() {
        check_prefill(list.len().saturating_sub(1), content, capabilities)?;
    }
    Ok(Conversation { system, messages })
}

/// A conversation that ends with the assistant asks for a continuation: not every model gives one, and none after
/// trailing blanks.
fn check_prefill(last: usize, content: &mut [Block<'_>], capabilities: &Capabilities) -> Result<(), Unsupported> {
    if !capabilities.prefill {
        let message = "this model does not continue an answer that was begun for it: end with a user message";
        return Err(Unsupported::new(format!("messages[{last}].role"), message));
    }
    if let Some(Block::Text { text }) = content.last_mut() {
        *text = text.trim_end();
    }
    Ok(())
}

struct Writer<'a> {
    system: Vec<Block<'a>>,
    done: Vec<Message<'a>>,
    /// Who has the turn, and what was said in it so far.
    role: Role,
    turn: Vec<Block<'a>>,
}

impl<'a> Writer<'a> {
    fn add(&mut self, index: usize, message: &'a chat::Message<'_>, dropped: &mut Dropped) -> Result<(), Unsupported> {
        if message.name.is_some() {
            dropped.add("name");
        }
        let content = message.content.as_ref();
        match message.role {
            chat::Role::System | chat::Role::Developer => {
                if let Some(content) = content {
                    content::push(&mut self.system, Speaker::System, index, content, dropped)?;
                }
            }
            chat::Role::User => {
                let blocks = self.turn(Role::User);
                let before = blocks.len();
                if let Some(content) = content {
                    content::push(blocks, Speaker::User, index, content, dropped)?;
                }
                if blocks.len() == before {
                    let message = "this provider does not take an empty user message";
                    return Err(Unsupported::new(format!("messages[{index}].content"), message));
                }
            }
            chat::Role::Assistant => self.add_assistant(index, message, dropped)?,
            chat::Role::Tool => {
                let Some(id) = &message.tool_call_id else {
                    let message = "a tool message must name the call that it answers";
                    return Err(Unsupported::new(format!("messages[{index}].tool_call_id"), message));
                };
                let mut result = Vec::new();
                if let Some(content) = content {
                    content::push(&mut result, Speaker::Tool, index, content, dropped)?;
                }
                let tool_use_id = mint::plain_id(id);
                self.turn(Role::User).push(Block::ToolResult {
                    tool_use_id,
                    content: result,
                    is_error: message.failed,
                });
            }
            chat::Role::Function => {
                let message = "the `function` role is deprecated; use `tool`";
                return Err(Unsupported::new(format!("messages[{index}].role"), message));
            }
        }
        Ok(())
    }

    fn add_assistant(
        &mut self,
        index: usize,
        message: &'a chat::Message<'_>,
        dropped: &mut Dropped,
    ) -> Result<(), Unsupported> {
        if message.function_call.is_some() {
            let text = "`function_call` is deprecated; use `tool_calls`";
            return Err(Unsupported::new(format!("messages[{index}].function_call"), text));
        }
        let mut blocks = Vec::new();
        if let Some(content) = &message.content {
            content::push(&mut blocks, Speaker::Assistant, index, content, dropped)?;
        }
        if let Some(refusal) = &message.refusal {
            content::push_text(&mut blocks, refusal);
        }
        for (at, call) in message.tool_calls.iter().flatten().enumerate() {
            let path = |field: &str| format!("messages[{index}].tool_calls[{at}]{field}");
            let Some(function) = &call.function else {
                return Err(Unsupported::new(path(".type"), "this provider has function calls only"));
            };
            let Some(input) = arguments::object(&function.arguments) else {
                let text = "the arguments must be a JSON object";
                return Err(Unsupported::new(path(".function.arguments"), text));
            };
            blocks.push(Block::ToolUse { id: mint::plain_id(&call.id), name: &function.name, input });
        }
        if !blocks.is_empty() {
            self.turn(Role::Assistant).append(&mut blocks);
        }
        Ok(())
    }

    /// What `role` says in its turn: all results of one turn must stand in one user message, and what the user says
    /// after them too.
    fn turn(&mut self, role: Role) -> &mut Vec<Block<'a>> {
        if self.role != role {
            self.end_turn();
            self.role = role;
        }
        &mut self.turn
    }

    fn end_turn(&mut self) {
        if !self.turn.is_empty() {
            self.done.push(Message { role: self.role, content: std::mem::take(&mut self.turn) });
        }
    }

    fn finish(mut self) -> Conversation<'a> {
        self.end_turn();
        Conversation { system: self.system, messages: self.done }
    }
}
