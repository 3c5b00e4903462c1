//! The named events of a streamed message (docs of the provider, C.2).

use serde::Serialize;
use serde_json::{Value, json};

use super::chat::{Message, OutputDetails, WireUsage};
use crate::{
    answer::fragments,
    events::{EventWriter, Events},
};

/// Signs every thinking block: base64 of `sim-thinking-signature`.
pub(super) const SIGNATURE: &str = "c2ltLXRoaW5raW5nLXNpZ25hdHVyZQ==";

/// Signatures are bound to who made them: only our own is accepted.
pub(super) fn is_signature(signature: &str) -> bool {
    signature == SIGNATURE
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Event<'a> {
    MessageStart {
        message: Start<'a>,
    },
    Ping,
    ContentBlockStart {
        index: usize,
        content_block: Block<'a>,
    },
    ContentBlockDelta {
        index: usize,
        delta: Delta<'a>,
    },
    ContentBlockStop {
        index: usize,
    },
    MessageDelta {
        delta: Stop<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        usage: Option<DeltaUsage>,
    },
    MessageStop,
}

#[derive(Serialize)]
struct Start<'a> {
    model: &'a str,
    id: String,
    r#type: &'static str,
    role: &'static str,
    content: [(); 0],
    stop_reason: Option<()>,
    stop_sequence: Option<()>,
    stop_details: Option<()>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<WireUsage>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Block<'a> {
    Thinking { thinking: &'static str, signature: &'static str },
    Text { text: &'static str },
    ToolUse { id: String, name: &'a str, input: Value },
}

#[derive(Serialize)]
#[serde(tag = "type")]
enum Delta<'a> {
    #[serde(rename = "thinking_delta")]
    Thinking { thinking: &'a str },
    #[serde(rename = "signature_delta")]
    Signature { signature: &'a str },
    #[serde(rename = "text_delta")]
    Text { text: &'a str },
    #[serde(rename = "input_json_delta")]
    InputJson { partial_json: &'a str },
}

#[derive(Serialize)]
struct Stop<'a> {
    stop_reason: &'a str,
    stop_sequence: Option<&'a str>,
    stop_details: Option<()>,
}

/// Cumulative, like all usage in these streams.
#[derive(Serialize)]
struct DeltaUsage {
    input_tokens: u64,
    cache_creation_input_tokens: u64,
    cache_read_input_tokens: u64,
    output_tokens: u64,
    output_tokens_details: OutputDetails,
}

impl Event<'_> {
    fn name(&self) -> &'static str {
        match self {
            Self::MessageStart { .. } => "event: message_start\ndata: ",
            Self::Ping => "event: ping\ndata: ",
            Self::ContentBlockStart { .. } => "event: content_block_start\ndata: ",
            Self::ContentBlockDelta { .. } => "event: content_block_delta\ndata: ",
            Self::ContentBlockStop { .. } => "event: content_block_stop\ndata: ",
            Self::MessageDelta { .. } => "event: message_delta\ndata: ",
            Self::MessageStop => "event: message_stop\ndata: ",
        }
    }
}

struct Writer {
    events: EventWriter,
    index: usize,
}

impl Writer {
    fn write(&mut self, event: &Event<'_>) {
        self.events.event(event.name(), event, "\n\n");
    }

    fn block<'a>(&mut self, block: Block<'a>, deltas: impl Iterator<Item = Delta<'a>>) {
        let index = self.index;
        self.write(&Event::ContentBlockStart { index, content_block: block });
        for delta in deltas {
            self.write(&Event::ContentBlockDelta { index, delta });
        }
        self.write(&Event::ContentBlockStop { index });
        self.index = index.saturating_add(1);
    }
}

pub(super) fn events(message: &Message<'_>) -> Events {
    let answer = message.answer;
    let expected = usize::try_from(answer.usage.unwrap_or_default().completion).unwrap_or(0);
    let mut writer = Writer { events: EventWriter::with_capacity(expected.saturating_add(8).min(4096)), index: 0 };
    writer.write(&Event::MessageStart {
        message: Start {
            model: message.model,
            id: message.id(),
            r#type: "message",
            role: "assistant",
            content: [],
            stop_reason: None,
            stop_sequence: None,
            stop_details: None,
            usage: answer.usage.map(WireUsage::at_start),
        },
    });
    writer.write(&Event::Ping);
    if let Some(thinking) = message.thinking() {
        let text = fragments(thinking).map(|thinking| Delta::Thinking { thinking });
        let signature = Delta::Signature { signature: SIGNATURE };
        writer.block(Block::Thinking { thinking: "", signature: "" }, text.chain([signature]));
    }
    if !answer.text.is_empty() {
        writer.block(Block::Text { text: "" }, fragments(&answer.text).map(|text| Delta::Text { text }));
    }
    for (index, call) in answer.calls.iter().enumerate() {
        let arguments = call.arguments.to_string();
        // The real one opens with an empty fragment, and sends nothing else for empty arguments.
        let pieces = std::iter::once("").chain(fragments(&arguments).filter(|_| arguments != "{}"));
        let deltas = pieces.map(|partial_json| Delta::InputJson { partial_json });
        let block = Block::ToolUse { id: message.call_id(index), name: &call.name, input: json!({}) };
        writer.block(block, deltas);
    }
    writer.write(&Event::MessageDelta {
        delta: Stop { stop_reason: message.stop_reason(), stop_sequence: message.stop_sequence(), stop_details: None },
        usage: answer.usage.map(|usage| DeltaUsage {
            input_tokens: usage.prompt.saturating_sub(usage.cached),
            cache_creation_input_tokens: 0,
            cache_read_input_tokens: usage.cached,
            output_tokens: usage.completion,
            output_tokens_details: OutputDetails { thinking_tokens: usage.reasoning },
        }),
    });
    writer.write(&Event::MessageStop);
    writer.events.finish()
}
