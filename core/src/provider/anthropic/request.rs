//! A chat request as a body for `POST /v1/messages`.

use super::body::{Block, Body, Message, Metadata, OutputConfig, Role, Thinking};
use super::thinking::{self, Situation};
use super::{content, format, messages, tools};
use crate::capability::{Capabilities, Effort, Sampling};
use crate::chat::ChatRequest;
use crate::config::OnUnsupported;
use crate::json::Str;
use crate::provider::Unsupported;
use crate::provider::unmapped::{self, Dropped};
use sha2::{Digest, Sha256};
use std::borrow::Cow;

/// Output limit of a model that the table does not know; the field is required.
const DEFAULT_MAX_TOKENS: u64 = 8192;

/// A translated request, borrowed from the client's.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    body: Body<'a>,
    /// The hints that could not be passed on, each once.
    pub dropped: Vec<&'static str>,
}

impl Request<'_> {
    /// The body, as JSON.
    pub fn write(&self) -> Vec<u8> {
        let blocks = self.body.messages.iter().flat_map(|message| &message.content).chain(&self.body.system);
        let size = blocks.map(content::size).fold(1024, usize::saturating_add);
        let mut body = Vec::with_capacity(size);
        // Writing to memory does not fail, and no map has keys that are not strings.
        let _ = serde_json::to_writer(&mut body, &self.body);
        body
    }
}

/// Translates `chat` for `model`.
///
/// # Errors
/// When the model cannot do what is asked for, and `policy` does not say to do without it.
pub fn translate<'a>(
    chat: &'a ChatRequest<'_>,
    model: &'a str,
    capabilities: &Capabilities,
    policy: OnUnsupported,
) -> Result<Request<'a>, Unsupported> {
    let mut dropped = Dropped::under(policy);
    no_logprobs(chat, &mut dropped)?;
    unmapped::review(chat, &mut dropped)?;
    if chat.n.is_some_and(|n| n > 1) {
        dropped.instead("n", Unsupported::new("n", "this provider gives one answer to a request"))?;
    }

    let conversation = messages::translate(&chat.messages, capabilities, &mut dropped)?;
    let tools = tools::translate(chat, &conversation.messages, capabilities, &mut dropped)?;
    let format = match &chat.response_format {
        Some(wish) => format::translate(wish, capabilities).or_else(|unsupported| {
            dropped.instead("response_format", unsupported)?;
            Ok(None)
        })?,
        None => None,
    };
    let max_tokens = max_tokens(chat, capabilities);
    let situation = Situation {
        max_tokens,
        budget: chat.thinking_budget,
        forced: tools.is_forced(),
        mid_turn: is_mid_turn(&conversation.messages),
    };
    let thinking = match chat.reasoning_effort.as_ref().map(Str::as_str) {
        None => thinking::Decision::default(),
        Some("none") => thinking::decide(None, capabilities, &situation),
        Some(word) => {
            let effort = Effort::parse(word);
            let effort = effort.ok_or_else(|| Unsupported::new("reasoning_effort", "unknown effort"))?;
            thinking::decide(Some(effort), capabilities, &situation)
        }
    };
    if thinking.dropped {
        dropped.add("reasoning_effort");
    }
    let by_budget = matches!(thinking.thinking, Some(Thinking::Enabled { .. }));
    let Sampled { temperature, top_p, top_k } = sampling(chat, capabilities, by_budget, &mut dropped);
    hints(chat, &mut dropped);

    let has_config = thinking.effort.is_some() || format.is_some();
    let body = Body {
        model,
        max_tokens,
        system: conversation.system,
        messages: conversation.messages,
        tools: tools.list,
        tool_choice: tools.choice,
        stop_sequences: stop_sequences(chat, &mut dropped),
        stream: chat.stream,
        temperature,
        top_p,
        top_k,
        thinking: thinking.thinking,
        output_config: has_config.then_some(OutputConfig { effort: thinking.effort, format }),
        metadata: user(chat).map(|user_id| Metadata { user_id }),
        service_tier: service_tier(chat, &mut dropped),
    };
    Ok(Request { body, dropped: dropped.names })
}

/// Claude does not tell how probable its tokens were.
fn no_logprobs(chat: &ChatRequest<'_>, dropped: &mut Dropped) -> Result<(), Unsupported> {
    let asked =
        [("logprobs", chat.logprobs == Some(true)), ("top_logprobs", chat.top_logprobs.is_some_and(|top| top > 0))];
    asked.into_iter().filter(|(_, is_asked)| *is_asked).try_for_each(|(name, _)| {
        dropped.instead(name, Unsupported::new(name, "log probabilities are not available from this provider"))
    })
}

/// What the client asks for, within what the model can give.
fn max_tokens(chat: &ChatRequest<'_>, capabilities: &Capabilities) -> u64 {
    match (chat.output_limit(), capabilities.max_output_tokens) {
        (Some(asked), Some(most)) => asked.min(most),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => DEFAULT_MAX_TOKENS,
    }
}

/// Whether the last turn stands between a call and its answer, or begins the answer.
fn is_mid_turn(messages: &[Message<'_>]) -> bool {
    messages.last().is_some_and(|last| {
        last.role == Role::Assistant || last.content.iter().any(|block| matches!(block, Block::ToolResult { .. }))
    })
}

struct Sampled {
    temperature: Option<f64>,
    top_p: Option<f64>,
    top_k: Option<u64>,
}

/// The parameters of sampling. The default, 1, is left out; of both only the temperature is sent, because many models
/// refuse them together; 1 to 2 is clamped to 1, as Anthropic's own OpenAI layer does.
fn sampling(chat: &ChatRequest<'_>, capabilities: &Capabilities, by_budget: bool, dropped: &mut Dropped) -> Sampled {
    let mut temperature = chat.temperature.filter(|value| *value != 1.0);
    let mut top_p = chat.top_p.filter(|value| *value != 1.0);
    let mut top_k = chat.top_k;
    // Thinking by budget wants a temperature of 1.
    if capabilities.sampling != Sampling::Accepted || by_budget {
        if temperature.take().is_some() {
            dropped.add("temperature");
        }
        if top_p.take().is_some() {
            dropped.add("top_p");
        }
        if top_k.take().is_some() {
            dropped.add("top_k");
        }
    }
    if temperature.is_some_and(|value| value > 1.0) {
        temperature = Some(1.0);
        dropped.add("temperature");
    }
    if temperature.is_some() && top_p.take().is_some() {
        dropped.add("top_p");
    }
    Sampled { temperature, top_p, top_k }
}

/// Sequences of blanks alone are refused upstream.
fn stop_sequences<'a>(chat: &'a ChatRequest<'_>, dropped: &mut Dropped) -> Vec<&'a str> {
    let sequences = chat.stop.as_ref().map(|stop| stop.sequences()).unwrap_or_default();
    let mut list = Vec::with_capacity(sequences.len());
    for sequence in sequences {
        match sequence.trim().is_empty() {
            true => dropped.add("stop"),
            false => list.push(sequence.as_str()),
        }
    }
    list
}

fn service_tier(chat: &ChatRequest<'_>, dropped: &mut Dropped) -> Option<&'static str> {
    match chat.service_tier.as_ref()?.as_str() {
        "auto" => Some("auto"),
        "default" => Some("standard_only"),
        _ => {
            dropped.add("service_tier");
            None
        }
    }
}

/// Anthropic wants an opaque id and refuses what looks like an address or a phone number: such a one is hashed.
fn user<'a>(chat: &'a ChatRequest<'_>) -> Option<Cow<'a, str>> {
    let user = chat.safety_identifier.as_ref().or(chat.user.as_ref())?.as_str();
    let is_number = user.bytes().all(|byte| byte.is_ascii_digit() || b"+-() .".contains(&byte));
    if user.is_empty() {
        return None;
    }
    if user.contains('@') || is_number || user.len() > 256 {
        return Some(Cow::Owned(Sha256::digest(user).iter().map(|byte| format!("{byte:02x}")).collect()));
    }
    Some(Cow::Borrowed(user))
}

fn hints(chat: &ChatRequest<'_>, dropped: &mut Dropped) {
    if chat.seed.is_some() {
        dropped.add("seed");
    }
    if chat.presence_penalty.is_some_and(|penalty| penalty != 0.0) {
        dropped.add("presence_penalty");
    }
    if chat.frequency_penalty.is_some_and(|penalty| penalty != 0.0) {
        dropped.add("frequency_penalty");
    }
}
