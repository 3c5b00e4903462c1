//! A neutral request as a body for `POST /v1/chat/completions`: what a client of another dialect asks for, said as an
//! OpenAI-kind server reads it (PROVIDERS A.1). A client of this dialect is relayed instead.

mod body;
mod content;
mod messages;
mod tools;

use self::body::{Body, ResponseFormat, StreamOptions};
use crate::capability::{Capabilities, Effort, Sampling, Thinking};
use crate::chat::{self, ChatRequest, Stop};
use crate::config::OnUnsupported;
use crate::json::Str;
use crate::provider::Unsupported;
use crate::provider::unmapped::Dropped;
use sha2::{Digest, Sha256};
use std::borrow::Cow;

/// Most stop sequences.
const MAX_STOPS: usize = 4;

/// Most characters of an id of a user.
const MAX_USER: usize = 64;

/// A translated request, borrowed from the client's.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    body: Body<'a>,
    /// The hints that could not be passed on, each once.
    pub dropped: Vec<&'static str>,
}

impl Request<'_> {
    /// The body, as JSON; `stream_usage`: a stream can be asked for its usage.
    pub fn write(&self, stream_usage: bool) -> Vec<u8> {
        let size = self.body.messages.iter().map(messages::size).fold(4096, usize::saturating_add);
        let mut body = Vec::with_capacity(size);
        // Writing to memory does not fail, and no map has keys that are not strings.
        let _ = match stream_usage {
            true => serde_json::to_writer(&mut body, &self.body),
            false => serde_json::to_writer(&mut body, &Body { stream_options: None, ..self.body.clone() }),
        };
        body
    }
}

/// Translates `chat` for `model`. A stream is asked for its usage, whoever wants it.
///
/// # Errors
/// When the model cannot do what is asked for, and `policy` does not say to do without it.
pub fn translate<'a>(
    chat: &'a ChatRequest<'_>,
    model: &'a str,
    capabilities: &Capabilities,
    policy: OnUnsupported,
) -> Result<Request<'a>, Unsupported> {
    // Taken apart field by field: a new one does not compile until it is placed.
    let ChatRequest {
        model: _,
        messages,
        stream,
        stream_options,
        max_completion_tokens,
        max_tokens,
        temperature,
        top_p,
        top_k,
        stop,
        n,
        seed,
        presence_penalty,
        frequency_penalty,
        logprobs,
        top_logprobs,
        tools: _,
        tool_choice: _,
        parallel_tool_calls: _,
        response_format,
        reasoning_effort,
        // Said by the effort.
        thinking_budget: _,
        service_tier,
        user,
        safety_identifier,
        modalities,
        audio,
        function_call,
        functions,
        logit_bias,
        metadata,
        moderation,
        prediction,
        prompt_cache_key,
        prompt_cache_options,
        prompt_cache_retention,
        store,
        verbosity,
        web_search_options,
    } = chat;

    let mut dropped = Dropped::under(policy);
    let mut messages = messages::translate(messages, capabilities, &mut dropped)?;
    if response_format.as_ref().is_some_and(|format| format.kind.as_str() == "json_object") {
        messages::mention_json(&mut messages);
    }
    let tools::Tools { list, choice, parallel } = tools::translate(chat, &mut dropped)?;
    if top_k.is_some() {
        dropped.add("top_k");
    }
    let limited = |limit: Option<u64>| limit.map(|asked| asked.min(capabilities.max_output_tokens.unwrap_or(asked)));
    let include_obfuscation = stream_options.and_then(|options| options.include_obfuscation);
    let body = Body {
        model,
        messages,
        tools: list,
        tool_choice: choice,
        parallel_tool_calls: parallel,
        stream: *stream,
        stream_options: stream.then_some(StreamOptions { include_usage: true, include_obfuscation }),
        max_completion_tokens: limited(*max_completion_tokens),
        max_tokens: limited(*max_tokens),
        temperature: sampled("temperature", *temperature, capabilities, &mut dropped),
        top_p: sampled("top_p", *top_p, capabilities, &mut dropped),
        stop: stops(stop.as_ref(), capabilities, &mut dropped)?,
        n: *n,
        seed: *seed,
        presence_penalty: *presence_penalty,
        frequency_penalty: *frequency_penalty,
        logprobs: *logprobs,
        top_logprobs: *top_logprobs,
        response_format: match response_format {
            Some(format) => response_format_of(format, &mut dropped)?,
            None => None,
        },
        reasoning_effort: effort(reasoning_effort.as_ref(), capabilities, &mut dropped)?,
        service_tier: service_tier.as_ref().map(Str::as_str),
        user: user.as_ref().map(short),
        safety_identifier: safety_identifier.as_ref().map(short),
        modalities: modalities.as_deref(),
        audio: *audio,
        function_call: *function_call,
        functions: *functions,
        logit_bias: *logit_bias,
        metadata: *metadata,
        moderation: *moderation,
        prediction: *prediction,
        prompt_cache_key: *prompt_cache_key,
        prompt_cache_options: *prompt_cache_options,
        prompt_cache_retention: *prompt_cache_retention,
        store: *store,
        verbosity: *verbosity,
        web_search_options: *web_search_options,
    };
    Ok(Request { body, dropped: dropped.names })
}

/// A parameter of sampling, unless the model takes none. The default, 1, is never missed.
fn sampled(name: &'static str, value: Option<f64>, capabilities: &Capabilities, dropped: &mut Dropped) -> Option<f64> {
    if capabilities.sampling == Sampling::Accepted {
        return value;
    }
    if value.is_some_and(|value| value != 1.0) {
        dropped.add(name);
    }
    None
}

fn stops<'a>(
    stop: Option<&'a Stop<'_>>,
    capabilities: &Capabilities,
    dropped: &mut Dropped,
) -> Result<Vec<&'a str>, Unsupported> {
    let sequences = stop.map(Stop::sequences).unwrap_or_default();
    let mut list: Vec<&str> = sequences.iter().map(Str::as_str).filter(|sequence| !sequence.is_empty()).collect();
    if !list.is_empty() && capabilities.refuses_stop {
        dropped.instead("stop", Unsupported::new("stop", "this model takes no stop sequences"))?;
        list.clear();
    }
    if list.len() > MAX_STOPS {
        dropped.instead("stop", Unsupported::new("stop", "this provider takes at most 4 stop sequences"))?;
        list.truncate(MAX_STOPS);
    }
    Ok(list)
}

/// A model that is not known to reason is not asked to: most of those refuse the parameter.
fn effort(
    asked: Option<&Str<'_>>,
    capabilities: &Capabilities,
    dropped: &mut Dropped,
) -> Result<Option<&'static str>, Unsupported> {
    let asked = match asked.map(Str::as_str) {
        None => return Ok(None),
        Some("none") => None,
        Some(word) => Some(Effort::parse(word).ok_or_else(|| Unsupported::new("reasoning_effort", "unknown effort"))?),
    };
    let level = match (capabilities.thinking, asked) {
        (Thinking::None, None) => None,
        (Thinking::None, Some(_)) => {
            dropped.add("reasoning_effort");
            None
        }
        (_, None) if capabilities.thinking_off => Some("none"),
        (_, None) => {
            dropped.add("reasoning_effort");
            capabilities.efforts.least().map(Effort::as_str)
        }
        (_, Some(effort)) => capabilities.efforts.nearest(effort).map(Effort::as_str),
    };
    Ok(level)
}

fn response_format_of<'a>(
    format: &'a chat::ResponseFormat<'_>,
    dropped: &mut Dropped,
) -> Result<Option<ResponseFormat<'a>>, Unsupported> {
    ResponseFormat::of(format, dropped).map(Some).or_else(|unsupported| {
        dropped.instead("response_format", unsupported)?;
        Ok(None)
    })
}

/// OpenAI wants ids of at most 64 characters: a longer one is hashed, to 64.
fn short<'a>(user: &'a Str<'_>) -> Cow<'a, str> {
    match user.chars().nth(MAX_USER) {
        None => Cow::Borrowed(user),
        Some(_) => Cow::Owned(Sha256::digest(user.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()),
    }
}

#[cfg(test)]
mod tests;
