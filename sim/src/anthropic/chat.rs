//! `POST /v1/messages`: check, compose, answer.

use serde::Serialize;
use serde_json::Value;

use super::{
    Version,
    invalid::{required, string},
    messages::conversation,
    model::capabilities,
    params,
    stream::{self, SIGNATURE},
    thinking::{Shown, shown},
    tools::{Offer, offer},
};
use crate::{
    answer::{Answer, Finish, Usage},
    ask::{Ask, Format},
    compose::compose,
    dialect::{Answered, Call},
    events::{Events, json},
    provider::Provider,
    refusal::{Checked, Refusal},
};

pub(super) fn answer(call: &Call<'_>, version: Version) -> Checked<Answered> {
    let Some(body) = call.document.as_object() else { return Err(Refusal::invalid("expected an object")) };
    let name = required(string(body, "model", "")?, "model", "")?;
    if name.starts_with("unknown") {
        return Err(Refusal::new(404, format!("model: {name}")));
    }
    let model = capabilities(name);
    params::check(body, call.parts, version, model, name)?;
    params::cache_breakpoints(body)?;
    let conversation = conversation(body, version, model)?;
    let Offer { tools, choice, parallel } = offer(body, model)?;
    let shown = shown(body);
    let stops = body.get("stop_sequences").and_then(Value::as_array).into_iter().flatten();
    let ask = Ask {
        provider: Provider::Anthropic,
        model: name,
        last: conversation.last,
        tools,
        choice,
        parallel,
        format: super::format::wanted(body).map_or(Format::Text, Format::JsonSchema),
        max_tokens: body.get("max_tokens").and_then(Value::as_u64),
        stop: stops.filter_map(Value::as_str).collect(),
        prompt_bytes: conversation.text_bytes,
        reasons: shown != Shown::Nothing,
    };
    let answer = compose(&ask, call.reply);
    let message = Message { serial: call.serial, model: name, answer: &answer, blank_thinking: shown == Shown::Blank };
    let usage = answer.usage.unwrap_or_default();
    if body.get("stream").and_then(Value::as_bool).unwrap_or(false) {
        return Ok(Answered::stream(stream::events(&message), usage));
    }
    Ok(Answered::json(Events::one(json(&document(&message))), usage))
}

/// Everything that a message says, streamed or not.
pub(super) struct Message<'a> {
    pub(super) serial: u64,
    pub(super) model: &'a str,
    pub(super) answer: &'a Answer,
    /// The thinking block carries its signature only.
    pub(super) blank_thinking: bool,
}

impl Message<'_> {
    pub(super) fn id(&self) -> String {
        format!("msg_sim{:012}", self.serial)
    }

    pub(super) fn call_id(&self, index: usize) -> String {
        format!("toolu_sim{:012}_{index}", self.serial)
    }

    pub(super) fn thinking(&self) -> Option<&str> {
        let text = self.answer.reasoning.as_deref()?;
        Some(if self.blank_thinking { "" } else { text })
    }

    pub(super) fn stop_reason(&self) -> &str {
        match &self.answer.finish {
            _ if self.answer.finish_override.is_some() => self.answer.finish_override.as_deref().unwrap_or_default(),
            Finish::Stop => "end_turn",
            Finish::StopSequence(_) => "stop_sequence",
            Finish::Length => "max_tokens",
            Finish::ToolCalls => "tool_use",
        }
    }

    pub(super) fn stop_sequence(&self) -> Option<&str> {
        match &self.answer.finish {
            Finish::StopSequence(stop) => Some(stop),
            _ => None,
        }
    }
}

#[derive(Serialize)]
struct Document<'a> {
    model: &'a str,
    id: String,
    r#type: &'static str,
    role: &'static str,
    content: Vec<Content<'a>>,
    stop_reason: &'a str,
    stop_sequence: Option<&'a str>,
    stop_details: Option<()>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<WireUsage>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Content<'a> {
    Thinking { thinking: &'a str, signature: &'a str },
    Text { text: &'a str },
    ToolUse { id: String, name: &'a str, input: &'a Value },
}

/// Usage with every detail field the provider sends. Cached tokens are not part of `input_tokens`.
#[derive(Serialize)]
pub(super) struct WireUsage {
    input_tokens: u64,
    cache_creation_input_tokens: u64,
    cache_read_input_tokens: u64,
    cache_creation: CacheCreation,
    pub(super) output_tokens: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_tokens_details: Option<OutputDetails>,
    service_tier: &'static str,
}

#[derive(Serialize)]
struct CacheCreation {
    ephemeral_5m_input_tokens: u64,
    ephemeral_1h_input_tokens: u64,
}

#[derive(Clone, Copy, Serialize)]
pub(super) struct OutputDetails {
    pub(super) thinking_tokens: u64,
}

impl From<Usage> for WireUsage {
    fn from(usage: Usage) -> Self {
        Self {
            input_tokens: usage.prompt.saturating_sub(usage.cached),
            cache_creation_input_tokens: 0,
            cache_read_input_tokens: usage.cached,
            cache_creation: CacheCreation { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 0 },
            output_tokens: usage.completion,
            output_tokens_details: Some(OutputDetails { thinking_tokens: usage.reasoning }),
            service_tier: "standard",
        }
    }
}

impl WireUsage {
    /// As `message_start` tells it: one output token and no details yet.
    pub(super) fn at_start(usage: Usage) -> Self {
        Self { output_tokens: 1, output_tokens_details: None, ..usage.into() }
    }
}

fn document<'a>(message: &'a Message<'a>) -> Document<'a> {
    let answer = message.answer;
    let mut content = Vec::new();
    if let Some(thinking) = message.thinking() {
        content.push(Content::Thinking { thinking, signature: SIGNATURE });
    }
    if !answer.text.is_empty() {
        content.push(Content::Text { text: &answer.text });
    }
    content.extend(answer.calls.iter().enumerate().map(|(index, call)| Content::ToolUse {
        id: message.call_id(index),
        name: &call.name,
        input: &call.arguments,
    }));
    Document {
        model: message.model,
        id: message.id(),
        r#type: "message",
        role: "assistant",
        content,
        stop_reason: message.stop_reason(),
        stop_sequence: message.stop_sequence(),
        stop_details: None,
        usage: answer.usage.map(WireUsage::from),
    }
}
