//! A GenerateContentResponse: a whole answer, or a fragment of a streamed one. Any field may be missing or null.

use super::error::Error;
use super::partial::PartialArg;
use crate::json::{Raw, Str};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
pub(super) struct Chunk<'a> {
    pub candidates: Option<Vec<Candidate<'a>>>,
    #[serde(alias = "prompt_feedback")]
    pub prompt_feedback: Option<PromptFeedback<'a>>,
    #[serde(alias = "usage_metadata")]
    pub usage_metadata: Option<UsageMetadata>,
    #[serde(alias = "model_version")]
    pub model_version: Option<Str<'a>>,
    #[serde(alias = "response_id")]
    pub response_id: Option<Str<'a>>,
    pub error: Option<Error<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
pub(super) struct Candidate<'a> {
    /// Absent when 0.
    pub index: Option<u32>,
    pub content: Option<Content<'a>>,
    #[serde(alias = "finish_reason")]
    pub finish_reason: Option<Str<'a>>,
    #[serde(alias = "logprobs_result")]
    pub logprobs_result: Option<Raw<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
pub(super) struct Content<'a> {
    pub parts: Option<Vec<Part<'a>>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
pub(super) struct Part<'a> {
    pub text: Option<Str<'a>>,
    /// The text is a thought.
    pub thought: Option<bool>,
    #[serde(alias = "function_call")]
    pub function_call: Option<FunctionCall<'a>>,
    #[serde(alias = "thought_signature")]
    pub thought_signature: Option<Str<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
pub(super) struct FunctionCall<'a> {
    pub id: Option<Str<'a>>,
    pub name: Option<Str<'a>>,
    pub args: Option<Raw<'a>>,
    #[serde(alias = "partial_args")]
    pub partial_args: Option<Vec<PartialArg<'a>>>,
    /// More pieces of this call follow.
    #[serde(alias = "will_continue")]
    pub will_continue: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
pub(super) struct PromptFeedback<'a> {
    #[serde(alias = "block_reason")]
    pub block_reason: Option<Str<'a>>,
}

/// Cumulative. Cached tokens are part of the prompt; thoughts are not part of the candidates (PROVIDERS B.3).
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UsageMetadata {
    #[serde(alias = "prompt_token_count")]
    pub prompt_token_count: Option<u64>,
    #[serde(alias = "cached_content_token_count")]
    pub cached_content_token_count: Option<u64>,
    #[serde(alias = "tool_use_prompt_token_count")]
    pub tool_use_prompt_token_count: Option<u64>,
    #[serde(alias = "candidates_token_count")]
    pub candidates_token_count: Option<u64>,
    #[serde(alias = "thoughts_token_count")]
    pub thoughts_token_count: Option<u64>,
}

impl UsageMetadata {
    /// Takes what `later` says; what it leaves out stands.
    pub(super) fn overlay(&mut self, later: UsageMetadata) {
        *self = Self {
            prompt_token_count: later.prompt_token_count.or(self.prompt_token_count),
            cached_content_token_count: later.cached_content_token_count.or(self.cached_content_token_count),
            tool_use_prompt_token_count: later.tool_use_prompt_token_count.or(self.tool_use_prompt_token_count),
            candidates_token_count: later.candidates_token_count.or(self.candidates_token_count),
            thoughts_token_count: later.thoughts_token_count.or(self.thoughts_token_count),
        };
    }

    /// In OpenAI's terms.
    pub(super) fn total(&self) -> crate::chat::Usage {
        let sum = |one: Option<u64>, other: Option<u64>| one.unwrap_or(0).saturating_add(other.unwrap_or(0));
        crate::chat::Usage {
            prompt: sum(self.prompt_token_count, self.tool_use_prompt_token_count),
            cached: self.cached_content_token_count.unwrap_or(0),
            cache_write: 0,
            completion: sum(self.candidates_token_count, self.thoughts_token_count),
            reasoning: self.thoughts_token_count.unwrap_or(0),
        }
    }
}

impl Chunk<'_> {
    /// Whether the model failed to make a call, and said nothing else in this chunk.
    pub(super) fn is_malformed(&self) -> bool {
        let candidates = self.candidates.as_deref().unwrap_or_default();
        let is_malformed = |candidate: &Candidate<'_>| {
            candidate.finish_reason.as_ref().is_some_and(|reason| Ending::of(reason) == Ending::Malformed)
        };
        candidates.iter().any(is_malformed) && !candidates.iter().any(Candidate::says_something)
    }
}

impl Candidate<'_> {
    fn says_something(&self) -> bool {
        let parts = self.content.as_ref().and_then(|content| content.parts.as_deref()).unwrap_or_default();
        parts.iter().any(|part| {
            let is_text = part.text.as_ref().is_some_and(|text| !text.is_empty()) && part.thought != Some(true);
            is_text || part.function_call.as_ref().is_some_and(|call| call.name.is_some())
        })
    }
}

/// What a `finishReason` means (PROVIDERS B.1). What it becomes depends on what was said before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Stop,
    Length,
    Filtered,
    /// Filtered, if there was no output.
    Other,
    /// A stop, for all that is known.
    Unknown,
    /// The model failed; nobody asked for what it made.
    Malformed,
}

impl Ending {
    pub(super) fn of(finish_reason: &str) -> Self {
        match finish_reason {
            "MAX_TOKENS" | "CONTINUATION" => Ending::Length,
            "SAFETY"
            | "RECITATION"
            | "LANGUAGE"
            | "BLOCKLIST"
            | "PROHIBITED_CONTENT"
            | "SPII"
            | "IMAGE_SAFETY"
            | "IMAGE_PROHIBITED_CONTENT"
            | "IMAGE_RECITATION"
            | "IMAGE_OTHER"
            | "ESCALATION"
            | "PUP_LIMITED_DISABLED"
            | "MODEL_ARMOR" => Ending::Filtered,
            "OTHER" => Ending::Other,
            "MALFORMED_FUNCTION_CALL"
            | "UNEXPECTED_TOOL_CALL"
            | "TOO_MANY_TOOL_CALLS"
            | "MALFORMED_RESPONSE"
            | "MISSING_THOUGHT_SIGNATURE" => Ending::Malformed,
            "STOP" | "FINISH_REASON_UNSPECIFIED" | "NO_IMAGE" | "" => Ending::Stop,
            _ => Ending::Unknown,
        }
    }
}
