//! An answer as named events (PROVIDERS C.2). A block is closed before the next begins, as Anthropic's clients expect it,
//! however the provider mixes its deltas: what comes while a call is unfinished waits for it.

use super::wire::{FOREIGN_SIGNATURE, Stop, UsageBody};
use crate::chat::{ChatEvent, Delta, FinishReason, Usage};
use crate::dialect::Dialect;
use crate::dialect::calls::Extent;
use crate::refusal::ErrorBody;
use serde::Serialize;
use std::collections::VecDeque;

/// Writes events as server-sent events of Anthropic's form. The client has asked for one answer: other choices than 0
/// are passed over.
#[derive(Debug)]
pub struct StreamWriter {
    fallback_id: String,
    shows_thoughts: bool,
    started: bool,
    /// The number of the next block.
    next: u32,
    open: Option<Block>,
    waiting: VecDeque<Waiting>,
    refusal: Option<String>,
    finish: Option<FinishReason>,
    usage: Option<Usage>,
}

/// The block that is being written; its number is one less than `next`.
#[derive(Debug)]
enum Block {
    Text,
    Thinking,
    Call { call: u32, extent: Extent, is_empty: bool },
}

/// A block that came too early.
#[derive(Debug)]
enum Waiting {
    Text(String),
    Thinking(String),
    Call { call: u32, id: String, name: String, arguments: String },
}

impl StreamWriter {
    /// `fallback_id` is the id of the answer if the provider gives none; `shows_thoughts`: the client asked for them.
    pub fn new(fallback_id: String, shows_thoughts: bool) -> Self {
        Self {
            fallback_id,
            shows_thoughts,
            started: false,
            next: 0,
            open: None,
            waiting: VecDeque::new(),
            refusal: None,
            finish: None,
            usage: None,
        }
    }

    /// Appends what `event` looks like to `out`. Usage and the reason of the end are kept for the end.
    pub fn write(&mut self, event: &ChatEvent<'_>, out: &mut Vec<u8>) {
        match event {
            ChatEvent::Started { id, model } => self.start(id, model, out),
            ChatEvent::Usage(usage) => self.usage = Some(*usage),
            ChatEvent::Finished { choice: 0, reason } => self.finish = Some(*reason),
            ChatEvent::Delta { choice: 0, delta } => self.delta(delta, out),
            ChatEvent::Finished { .. }
            | ChatEvent::Delta { .. }
            | ChatEvent::Logprobs { .. }
            | ChatEvent::UnknownFinish { .. } => {}
        }
    }

    /// Appends the end: the last blocks, why the answer ended, and what it took.
    pub fn end(&mut self, out: &mut Vec<u8>) {
        self.start("", "", out);
        self.close(out);
        while let Some(waiting) = self.waiting.pop_front() {
            self.begin(waiting, out);
            self.close(out);
        }
        let delta = Stop::new(self.finish, self.refusal.as_deref());
        let usage = UsageBody::from(self.usage.unwrap_or_default());
        frame(out, "message_delta", &MessageDelta { kind: "message_delta", delta, usage });
        frame(out, "message_stop", &Bare { kind: "message_stop" });
    }

    /// The usage seen so far.
    pub fn usage(&self) -> Option<Usage> {
        self.usage
    }

    fn start(&mut self, id: &str, model: &str, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.started, true) {
            return;
        }
        let id = if id.is_empty() { &self.fallback_id } else { id };
        let message = Message {
            id,
            kind: "message",
            role: "assistant",
            model,
            content: [],
            stop_reason: None,
            stop_sequence: None,
            usage: UsageBody::default(),
        };
        frame(out, "message_start", &MessageStart { kind: "message_start", message });
    }

    fn delta(&mut self, delta: &Delta<'_>, out: &mut Vec<u8>) {
        self.start("", "", out);
        match delta {
            Delta::Text(text) => self.text(text, false, out),
            Delta::Reasoning(text) if self.shows_thoughts => self.text(text, true, out),
            Delta::Reasoning(_) => {}
            Delta::Refusal(text) => self.refusal.get_or_insert_default().push_str(text),
            Delta::ToolCall { index, id, name, arguments, signature: _ } => {
                self.waiting.push_back(Waiting::Call {
                    call: *index,
                    id: id.clone().into_owned(),
                    name: name.clone().into_owned(),
                    arguments: arguments.clone().into_owned(),
                });
                self.advance(out);
            }
            Delta::Arguments { index, fragment } => self.arguments(*index, fragment, out),
        }
    }

    fn text(&mut self, text: &str, is_thought: bool, out: &mut Vec<u8>) {
        if text.is_empty() {
            return;
        }
        match (&self.open, is_thought) {
            (Some(Block::Text), false) | (Some(Block::Thinking), true) => self.piece(text, out),
            _ => {
                match (self.waiting.back_mut(), is_thought) {
                    (Some(Waiting::Text(before)), false) | (Some(Waiting::Thinking(before)), true) => {
                        before.push_str(text);
                    }
                    (_, false) => self.waiting.push_back(Waiting::Text(text.to_owned())),
                    (_, true) => self.waiting.push_back(Waiting::Thinking(text.to_owned())),
                }
                self.advance(out);
            }
        }
    }

    fn arguments(&mut self, index: u32, fragment: &str, out: &mut Vec<u8>) {
        if fragment.is_empty() {
            return;
        }
        if matches!(&self.open, Some(Block::Call { call, .. }) if *call == index) {
            self.piece(fragment, out);
            self.advance(out);
            return;
        }
        let early = self.waiting.iter_mut().find_map(|waiting| match waiting {
            Waiting::Call { call, arguments, .. } if *call == index => Some(arguments),
            _ => None,
        });
        if let Some(arguments) = early {
            arguments.push_str(fragment);
        }
    }

    /// Writes what waits, as far as nothing unfinished stands before it.
    fn advance(&mut self, out: &mut Vec<u8>) {
        loop {
            let is_busy = matches!(&self.open, Some(Block::Call { extent, .. }) if !extent.is_whole());
            if is_busy {
                return;
            }
            let Some(waiting) = self.waiting.pop_front() else { return };
            self.close(out);
            self.begin(waiting, out);
        }
    }

    fn begin(&mut self, waiting: Waiting, out: &mut Vec<u8>) {
        let (open, content_block, first) = match &waiting {
            Waiting::Text(text) => (Block::Text, ContentBlock::Text { text: "" }, text),
            Waiting::Thinking(text) => (Block::Thinking, ContentBlock::Thinking { thinking: "", signature: "" }, text),
            Waiting::Call { call, id, name, arguments } => {
                let open = Block::Call { call: *call, extent: Extent::default(), is_empty: true };
                (open, ContentBlock::ToolUse { id, name, input: Empty {} }, arguments)
            }
        };
        let start = BlockStart { kind: "content_block_start", index: self.next, content_block };
        frame(out, "content_block_start", &start);
        self.open = Some(open);
        self.next = self.next.saturating_add(1);
        if !first.is_empty() {
            self.piece(first, out);
        }
    }

    /// A piece of the open block.
    fn piece(&mut self, text: &str, out: &mut Vec<u8>) {
        let change = match &mut self.open {
            None => return,
            Some(Block::Text) => Change::TextDelta { text },
            Some(Block::Thinking) => Change::ThinkingDelta { thinking: text },
            Some(Block::Call { extent, is_empty, .. }) => {
                extent.push(text);
                *is_empty = false;
                Change::InputJsonDelta { partial_json: text }
            }
        };
        self.change(change, out);
    }

    fn close(&mut self, out: &mut Vec<u8>) {
        let Some(open) = self.open.take() else { return };
        match open {
            Block::Thinking => self.change(Change::SignatureDelta { signature: FOREIGN_SIGNATURE }, out),
            Block::Call { is_empty: true, .. } => self.change(Change::InputJsonDelta { partial_json: "{}" }, out),
            Block::Text | Block::Call { .. } => {}
        }
        let stop = BlockStop { kind: "content_block_stop", index: self.next.saturating_sub(1) };
        frame(out, "content_block_stop", &stop);
    }

    fn change(&self, delta: Change<'_>, out: &mut Vec<u8>) {
        let index = self.next.saturating_sub(1);
        frame(out, "content_block_delta", &BlockDelta { kind: "content_block_delta", index, delta });
    }
}

/// Appends an error frame, on which the SDKs raise; a stream that only ends looks complete to them.
pub fn error_frame(error: &ErrorBody, out: &mut Vec<u8>) {
    out.extend_from_slice(b"event: error\ndata: ");
    out.extend_from_slice(&Dialect::Anthropic.error_json(error));
    out.extend_from_slice(b"\n\n");
}

/// Appends a ping, which keeps a connection alive and may stand between any two events.
pub fn ping(out: &mut Vec<u8>) {
    frame(out, "ping", &Bare { kind: "ping" });
}

/// An event; the name stands before it too, without which the SDKs do not see it.
fn frame(out: &mut Vec<u8>, name: &str, event: &impl Serialize) {
    out.extend_from_slice(b"event: ");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\ndata: ");
    // Writing to memory does not fail, and no map has keys that are not strings.
    let _ = serde_json::to_writer(&mut *out, event);
    out.extend_from_slice(b"\n\n");
}

#[derive(Serialize)]
struct Bare {
    #[serde(rename = "type")]
    kind: &'static str,
}

#[derive(Serialize)]
struct MessageStart<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    message: Message<'a>,
}

#[derive(Serialize)]
struct Message<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    role: &'static str,
    model: &'a str,
    content: [&'a str; 0],
    stop_reason: Option<&'a str>,
    stop_sequence: Option<&'a str>,
    usage: UsageBody,
}

#[derive(Serialize)]
struct BlockStart<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    index: u32,
    content_block: ContentBlock<'a>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ContentBlock<'a> {
    Text { text: &'a str },
    Thinking { thinking: &'a str, signature: &'a str },
    ToolUse { id: &'a str, name: &'a str, input: Empty },
}

#[derive(Serialize)]
struct Empty {}

#[derive(Serialize)]
struct BlockDelta<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    index: u32,
    delta: Change<'a>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[expect(clippy::enum_variant_names, reason = "as they are called on the wire")]
enum Change<'a> {
    TextDelta { text: &'a str },
    ThinkingDelta { thinking: &'a str },
    SignatureDelta { signature: &'a str },
    InputJsonDelta { partial_json: &'a str },
}

#[derive(Serialize)]
struct BlockStop {
    #[serde(rename = "type")]
    kind: &'static str,
    index: u32,
}

#[derive(Serialize)]
struct MessageDelta<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    delta: Stop<'a>,
    usage: UsageBody,
}
