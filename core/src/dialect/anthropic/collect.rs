//! An answer as one `message`.

use super::wire::{FOREIGN_SIGNATURE, Stop, UsageBody};
use crate::chat::{ChatEvent, Delta, FinishReason, Usage};
use crate::dialect::calls;
use serde::Serialize;
use serde_json::value::RawValue;

/// Gathers events into one answer. The client has asked for one: other choices than 0 are passed over.
#[derive(Debug, Default)]
pub struct Collector {
    shows_thoughts: bool,
    id: String,
    model: String,
    blocks: Vec<Block>,
    refusal: Option<String>,
    finish: Option<FinishReason>,
    usage: Option<Usage>,
}

/// In the order in which they began.
#[derive(Debug)]
enum Block {
    Text(String),
    Thinking(String),
    Call { call: u32, id: String, name: String, arguments: String },
}

impl Collector {
    /// `shows_thoughts`: the client asked for them.
    pub fn new(shows_thoughts: bool) -> Self {
        Self { shows_thoughts, ..Self::default() }
    }

    /// Takes one event in.
    pub fn take(&mut self, event: ChatEvent<'_>) {
        match event {
            ChatEvent::Started { id, model } => {
                self.id = id.into_owned();
                self.model = model.into_owned();
            }
            ChatEvent::Usage(usage) => self.usage = Some(usage),
            ChatEvent::Finished { choice: 0, reason } => self.finish = Some(reason),
            ChatEvent::Delta { choice: 0, delta } => self.delta(delta),
            ChatEvent::Finished { .. }
            | ChatEvent::Delta { .. }
            | ChatEvent::Logprobs { .. }
            | ChatEvent::UnknownFinish { .. } => {}
        }
    }

    /// The usage, if the provider gave any.
    pub fn usage(&self) -> Option<Usage> {
        self.usage
    }

    /// The whole answer; `fallback_id` if the provider gave no id.
    pub fn finish(self, fallback_id: &str) -> Vec<u8> {
        let body = Message {
            id: if self.id.is_empty() { fallback_id } else { &self.id },
            kind: "message",
            role: "assistant",
            model: &self.model,
            content: self.blocks.iter().map(BlockBody::from).collect(),
            stop: Stop::new(self.finish, self.refusal.as_deref()),
            usage: self.usage.unwrap_or_default().into(),
        };
        // No map has keys that are not strings.
        serde_json::to_vec(&body).unwrap_or_default()
    }

    fn delta(&mut self, delta: Delta<'_>) {
        match delta {
            Delta::Text(text) if text.is_empty() => {}
            Delta::Text(text) => match self.blocks.last_mut() {
                Some(Block::Text(before)) => before.push_str(&text),
                _ => self.blocks.push(Block::Text(text.into_owned())),
            },
            Delta::Reasoning(text) if text.is_empty() || !self.shows_thoughts => {}
            Delta::Reasoning(text) => match self.blocks.last_mut() {
                Some(Block::Thinking(before)) => before.push_str(&text),
                _ => self.blocks.push(Block::Thinking(text.into_owned())),
            },
            Delta::Refusal(text) => self.refusal.get_or_insert_default().push_str(&text),
            Delta::ToolCall { index, id, name, arguments, signature: _ } => self.blocks.push(Block::Call {
                call: index,
                id: id.into_owned(),
                name: name.into_owned(),
                arguments: arguments.into_owned(),
            }),
            Delta::Arguments { index, fragment } => {
                let found = self.blocks.iter_mut().rev().find_map(|block| match block {
                    Block::Call { call, arguments, .. } if *call == index => Some(arguments),
                    _ => None,
                });
                if let Some(arguments) = found {
                    arguments.push_str(&fragment);
                }
            }
        }
    }
}

#[derive(Serialize)]
struct Message<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    role: &'static str,
    model: &'a str,
    content: Vec<BlockBody<'a>>,
    #[serde(flatten)]
    stop: Stop<'a>,
    usage: UsageBody,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum BlockBody<'a> {
    Text { text: &'a str },
    Thinking { thinking: &'a str, signature: &'a str },
    ToolUse { id: &'a str, name: &'a str, input: Option<Box<RawValue>> },
}

impl<'a> From<&'a Block> for BlockBody<'a> {
    fn from(block: &'a Block) -> Self {
        match block {
            Block::Text(text) => BlockBody::Text { text },
            Block::Thinking(thinking) => BlockBody::Thinking { thinking, signature: FOREIGN_SIGNATURE },
            Block::Call { id, name, arguments, .. } => BlockBody::ToolUse { id, name, input: calls::object(arguments) },
        }
    }
}
