//! A chat request as a body for `:generateContent`. The model and whether to stream stand in the path.

use super::body::{Body, Data, GenerationConfig, Instruction, Output, Part};
use super::{contents, format, thinking, tools};
use crate::capability::{Capabilities, Effort, Sampling};
use crate::chat::ChatRequest;
use crate::config::OnUnsupported;
use crate::json::Str;
use crate::provider::Unsupported;
use crate::provider::unmapped::{self, Dropped};

/// Most answers to one request, and most stop sequences.
const MAX_CANDIDATES: u64 = 8;
const MAX_STOPS: usize = 5;

/// A translated request, borrowed from the client's.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    body: Body<'a>,
    /// The hints that could not be passed on, each once.
    pub dropped: Vec<&'static str>,
}

impl Request<'_> {
    /// The body, as JSON; `forgets_thoughts`: without the signatures of thoughts, which are another model's.
    pub fn write(&self, forgets_thoughts: bool) -> Vec<u8> {
        if forgets_thoughts && self.has_signatures() {
            let mut unsigned = self.clone();
            unsigned.body.contents.iter_mut().for_each(contents::forget_thoughts);
            return unsigned.write(false);
        }
        let instructions = self.body.system_instruction.iter().flat_map(|instruction| &instruction.parts);
        let parts = self.body.contents.iter().flat_map(|content| &content.parts).chain(instructions);
        let mut body = Vec::with_capacity(parts.map(size).fold(1024, usize::saturating_add));
        // Writing to memory does not fail, and no map has keys that are not strings.
        let _ = serde_json::to_writer(&mut body, &self.body);
        body
    }

    fn has_signatures(&self) -> bool {
        let mut parts = self.body.contents.iter().flat_map(|content| &content.parts);
        parts.any(|part| part.thought_signature.is_some())
    }
}

/// Translates `chat`.
///
/// # Errors
/// When the model cannot do what is asked for, and `policy` does not say to do without it.
pub fn translate<'a>(
    chat: &'a ChatRequest<'_>,
    _model: &'a str,
    capabilities: &Capabilities,
    policy: OnUnsupported,
) -> Result<Request<'a>, Unsupported> {
    let mut dropped = Dropped::under(policy);
    unmapped::review(chat, &mut dropped)?;
    if chat.n.is_some_and(|n| n > MAX_CANDIDATES) {
        dropped.instead("n", Unsupported::new("n", "this provider gives at most 8 answers to a request"))?;
    }

    let conversation = contents::translate(&chat.messages, capabilities, &mut dropped)?;
    let tools = tools::translate(chat, &mut dropped)?;
    let format = match &chat.response_format {
        Some(wish) => format::translate(wish).or_else(|unsupported| {
            dropped.instead("response_format", unsupported)?;
            Ok(format::Format::default())
        })?,
        None => format::Format::default(),
    };
    let thinking = match chat.reasoning_effort.as_ref().map(Str::as_str) {
        None => thinking::Decision::default(),
        Some("none") => thinking::decide(None, None, capabilities),
        Some(word) => {
            let effort = Effort::parse(word);
            let effort = effort.ok_or_else(|| Unsupported::new("reasoning_effort", "unknown effort"))?;
            thinking::decide(Some(effort), chat.thinking_budget, capabilities)
        }
    };
    if thinking.dropped {
        dropped.add("reasoning_effort");
    }
    let generation_config = GenerationConfig {
        candidate_count: chat.n.map(|n| n.min(MAX_CANDIDATES)).filter(|n| *n > 1),
        max_output_tokens: max_tokens(chat, capabilities),
        response_mime_type: format.mime_type,
        response_json_schema: format.schema,
        thinking_config: thinking.config,
        stop_sequences: stop_sequences(chat, &mut dropped)?,
        response_logprobs: chat.logprobs == Some(true),
        logprobs: top_logprobs(chat, &mut dropped)?,
        ..numbers(chat, capabilities, &mut dropped)
    };
    hints(chat, &mut dropped);

    let has_system = !conversation.system.is_empty();
    let body = Body {
        system_instruction: has_system.then_some(Instruction { parts: conversation.system }),
        contents: conversation.contents,
        tools: tools.list,
        tool_config: tools.config,
        generation_config,
        service_tier: service_tier(chat, &mut dropped),
    };
    Ok(Request { body, dropped: dropped.names })
}

/// What the client asks for, within what the model can give; Gemini has a default of its own.
fn max_tokens(chat: &ChatRequest<'_>, capabilities: &Capabilities) -> Option<u64> {
    chat.output_limit().map(|asked| capabilities.max_output_tokens.map_or(asked, |most| asked.min(most)))
}

/// How many likely tokens to tell of in the place of each. OpenAI refuses them alone, as Gemini does.
fn top_logprobs(chat: &ChatRequest<'_>, dropped: &mut Dropped) -> Result<Option<u64>, Unsupported> {
    let top = chat.top_logprobs.filter(|top| *top > 0);
    if top.is_some() && chat.logprobs != Some(true) {
        dropped.instead("top_logprobs", Unsupported::new("top_logprobs", "it is only allowed with `logprobs`"))?;
        return Ok(None);
    }
    Ok(top)
}

/// The parameters of sampling that have the same scale on both sides.
fn numbers<'a>(chat: &ChatRequest<'_>, capabilities: &Capabilities, dropped: &mut Dropped) -> GenerationConfig<'a> {
    let mut config = GenerationConfig {
        temperature: chat.temperature,
        top_p: chat.top_p,
        top_k: chat.top_k,
        seed: chat.seed.and_then(|seed| i32::try_from(seed).ok()),
        presence_penalty: chat.presence_penalty,
        frequency_penalty: chat.frequency_penalty,
        ..GenerationConfig::default()
    };
    if chat.seed.is_some() && config.seed.is_none() {
        dropped.add("seed");
    }
    if capabilities.sampling != Sampling::Accepted {
        if config.temperature.take().is_some_and(|value| value != 1.0) {
            dropped.add("temperature");
        }
        if config.top_p.take().is_some_and(|value| value != 1.0) {
            dropped.add("top_p");
        }
        if config.top_k.take().is_some() {
            dropped.add("top_k");
        }
    }
    if !capabilities.penalties {
        if config.presence_penalty.take().is_some_and(|value| value != 0.0) {
            dropped.add("presence_penalty");
        }
        if config.frequency_penalty.take().is_some_and(|value| value != 0.0) {
            dropped.add("frequency_penalty");
        }
    }
    config
}

fn stop_sequences<'a>(chat: &'a ChatRequest<'_>, dropped: &mut Dropped) -> Result<Vec<&'a str>, Unsupported> {
    let sequences = chat.stop.as_ref().map(|stop| stop.sequences()).unwrap_or_default();
    let mut list: Vec<&str> = sequences.iter().map(Str::as_str).filter(|sequence| !sequence.is_empty()).collect();
    if list.len() > MAX_STOPS {
        dropped.instead("stop", Unsupported::new("stop", "this provider takes at most 5 stop sequences"))?;
        list.truncate(MAX_STOPS);
    }
    Ok(list)
}

fn hints(chat: &ChatRequest<'_>, dropped: &mut Dropped) {
    if chat.user.is_some() {
        dropped.add("user");
    }
    if chat.safety_identifier.is_some() {
        dropped.add("safety_identifier");
    }
}

/// The tiers that both have. Without one it is the standard tier, which is OpenAI's default.
fn service_tier(chat: &ChatRequest<'_>, dropped: &mut Dropped) -> Option<&'static str> {
    match chat.service_tier.as_ref()?.as_str() {
        "auto" | "default" => None,
        "flex" => Some("flex"),
        "priority" => Some("priority"),
        _ => {
            dropped.add("service_tier");
            None
        }
    }
}

/// Bytes that the written part holds apart from its JSON syntax.
fn size(part: &Part<'_>) -> usize {
    let data = match &part.data {
        Data::Text(text) => text.len(),
        Data::InlineData(inline) => inline.data.len(),
        Data::FileData(file) => file.file_uri.len(),
        Data::FunctionCall(call) => call.args.get().len(),
        Data::FunctionResponse(result) => match result.response.says() {
            Output::Json(raw) => raw.get().len(),
            Output::Text(texts) => texts.iter().map(|text| text.len()).fold(0, usize::saturating_add),
        },
    };
    let signature = part.thought_signature.as_ref().map_or(0, |signature| signature.len());
    data.saturating_add(signature).saturating_add(64)
}
