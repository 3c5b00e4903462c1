//! A whole answer: relayed as it is, looked at for its usage and for being an answer at all.

use crate::chat::Usage;
use crate::failure::{Class, Failure};
use crate::json::Raw;
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

#[derive(Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
struct Probe<'a> {
    choices: Option<Vec<IgnoredAny>>,
    usage: Option<Raw<'a>>,
    error: Option<IgnoredAny>,
}

/// The usage of a 2xx answer, None when it names none.
///
/// # Errors
/// A body that is not a chat completion, or an error that came with a 2xx.
pub fn read(body: &[u8]) -> Result<Option<Usage>, Failure> {
    let unreadable = |why: &str| Failure::plain(Class::Unreadable, None, why);
    let probe: Probe<'_> =
        serde_json::from_slice(body).map_err(|_| unreadable("the answer is not a chat completion"))?;
    if probe.error.is_some() {
        return Err(super::error::read_in_band(body));
    }
    match probe.choices {
        Some(choices) if !choices.is_empty() => Ok(probe.usage.and_then(usage)),
        _ => Err(unreadable("the answer has no choices")),
    }
}
