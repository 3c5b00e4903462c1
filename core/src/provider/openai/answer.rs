//! A whole answer: relayed as it is, looked at for its usage and for being an answer at all.

use crate::chat::{FinishReason, Usage};
use crate::failure::{Class, Failure};
use crate::json::{Raw, Str};
use serde::Deserialize;
use serde::de::IgnoredAny;

/// OpenAI's `usage`; any field may be null or missing.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
struct UsageFields {
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
    prompt_tokens_details: Option<PromptDetails>,
    completion_tokens_details: Option<CompletionDetails>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
struct PromptDetails {
    cached_tokens: Option<u64>,
    cache_write_tokens: Option<u64>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
struct CompletionDetails {
    reasoning_tokens: Option<u64>,
}

impl From<UsageFields> for Usage {
    fn from(fields: UsageFields) -> Self {
        let prompt = fields.prompt_tokens_details.unwrap_or_default();
        let completion = fields.completion_tokens_details.unwrap_or_default();
        Self {
            prompt: fields.prompt_tokens.unwrap_or(0),
            cached: prompt.cached_tokens.unwrap_or(0),
            cache_write: prompt.cache_write_tokens.unwrap_or(0),
            completion: fields.completion_tokens.unwrap_or(0),
            reasoning: completion.reasoning_tokens.unwrap_or(0),
        }
    }
}

/// Reads a `usage`. One in a form of its own is none: an answer does not fail for it.
pub(super) fn usage(json: Raw<'_>) -> Option<Usage> {
    json.parse::<UsageFields>().ok().map(Usage::from)
}

/// Reads a `finish_reason`. A word that OpenAI does not have is none.
pub(super) fn finish(json: Raw<'_>) -> Option<FinishReason> {
    FinishReason::parse(json.parse::<Str<'_>>().ok()?.as_str())
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
struct Choice<'a> {
    finish_reason: Option<Raw<'a>>,
}

/// What is known of an answer that is passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// None: it names none.
    pub usage: Option<Usage>,
    /// Of its first choice.
    pub finish: Option<FinishReason>,
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
struct Probe<'a> {
    choices: Option<Vec<Raw<'a>>>,
    usage: Option<Raw<'a>>,
    error: Option<IgnoredAny>,
}

/// Looks at a 2xx answer.
///
/// # Errors
/// A body that is not a chat completion, or an error that came with a 2xx.
pub fn read(body: &[u8]) -> Result<Seen, Failure> {
    let unreadable = |why: &str| Failure::plain(Class::Unreadable, None, why);
    let probe: Probe<'_> =
        serde_json::from_slice(body).map_err(|_| unreadable("the answer is not a chat completion"))?;
    if probe.error.is_some() {
        return Err(super::error::read_in_band(body));
    }
    match probe.choices.as_deref() {
        Some([first, ..]) => {
            // Of any form: what a choice is, is between the server and its client.
            let reason = first.parse::<Choice<'_>>().ok().and_then(|choice| choice.finish_reason);
            Ok(Seen { usage: probe.usage.and_then(usage), finish: reason.and_then(finish) })
        }
        _ => Err(unreadable("the answer has no choices")),
    }
}
