//! What whole answers and streams have in common (PROVIDERS B.1 and B.3 in reverse).

use super::logprobs::LogprobsResult;
use crate::chat::{FinishReason, Usage};
use crate::dialect::calls;
use serde::Serialize;
use serde_json::value::RawValue;

/// Gemini refuses a replayed call without its signature, except with this in its place, which Google documents for calls
/// that another model made. It is base64 for URLs, as the SDKs want signatures to be.
pub(super) const SKIP_SIGNATURE: &str = "skip_thought_signature_validator";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Response<'a> {
    pub candidates: Vec<Candidate<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage_metadata: Option<UsageMetadata>,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub model_version: &'a str,
    pub response_id: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Candidate<'a> {
    pub content: Content<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finish_reason: Option<&'static str>,
    /// In words, why the model would not answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finish_message: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logprobs_result: Option<LogprobsResult<'a>>,
    pub index: u32,
}

#[derive(Serialize)]
pub(super) struct Content<'a> {
    pub parts: Vec<Part<'a>>,
    pub role: &'static str,
}

impl<'a> Content<'a> {
    pub(super) fn of(parts: Vec<Part<'a>>) -> Self {
        Self { parts, role: "model" }
    }
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Part<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    thought: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    function_call: Option<FunctionCall<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thought_signature: Option<&'a str>,
}

#[derive(Serialize)]
struct FunctionCall<'a> {
    id: &'a str,
    name: &'a str,
    args: Option<Box<RawValue>>,
}

impl<'a> Part<'a> {
    pub(super) fn text(text: &'a str, thought: bool) -> Self {
        Self { text: Some(text), thought, ..Self::default() }
    }
}

/// A call while its arguments come, and after.
#[derive(Debug)]
pub(super) struct Call {
    pub index: u32,
    pub id: String,
    pub name: String,
    pub arguments: String,
    pub signature: Option<String>,
}

impl Call {
    /// The first call of an answer must have a signature, its own or none's.
    pub(super) fn part(&self, is_first: bool) -> Part<'_> {
        let args = calls::object(&self.arguments);
        Part {
            function_call: Some(FunctionCall { id: &self.id, name: &self.name, args }),
            thought_signature: self.signature.as_deref().or(is_first.then_some(SKIP_SIGNATURE)),
            ..Part::default()
        }
    }
}

/// OpenAI tells of a refusal beside the reason `stop`.
pub(super) fn finish_reason(finish: Option<FinishReason>, is_refusal: bool) -> &'static str {
    match finish {
        _ if is_refusal => "SAFETY",
        Some(FinishReason::ContentFilter) => "SAFETY",
        Some(FinishReason::Length) => "MAX_TOKENS",
        // There is no reason of its own for calls.
        Some(FinishReason::Stop | FinishReason::ToolCalls) | None => "STOP",
    }
}

/// Thoughts are not part of the candidates.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UsageMetadata {
    prompt_token_count: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    cached_content_token_count: Option<u64>,
    candidates_token_count: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    thoughts_token_count: Option<u64>,
    total_token_count: u64,
}

impl From<Usage> for UsageMetadata {
    fn from(usage: Usage) -> Self {
        let some = |count: u64| (count > 0).then_some(count);
        Self {
            prompt_token_count: usage.prompt,
            cached_content_token_count: some(usage.cached),
            candidates_token_count: usage.completion.saturating_sub(usage.reasoning),
            thoughts_token_count: some(usage.reasoning),
            total_token_count: usage.total(),
        }
    }
}
