//! What whole answers and streams have in common: usage, and why an answer ended (PROVIDERS B.1 and B.3 in reverse).

use crate::chat::{FinishReason, Usage};
use serde::Serialize;

/// Stands where the maker's signature of thoughts would: those of another provider have none, and a client sends back
/// what it got. Whoever hands a conversation on to Anthropic must leave out the blocks that are signed so.
pub const FOREIGN_SIGNATURE: &str = "weir:thoughts-of-another-provider";

/// Cached and written tokens are not part of `input_tokens`.
#[derive(Debug, Default, Serialize)]
pub(super) struct UsageBody {
    input_tokens: u64,
    cache_creation_input_tokens: u64,
    cache_read_input_tokens: u64,
    output_tokens: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_tokens_details: Option<OutputDetails>,
}

#[derive(Debug, Serialize)]
struct OutputDetails {
    thinking_tokens: u64,
}

impl From<Usage> for UsageBody {
    fn from(usage: Usage) -> Self {
        Self {
            input_tokens: usage.prompt.saturating_sub(usage.cached).saturating_sub(usage.cache_write),
            cache_creation_input_tokens: usage.cache_write,
            cache_read_input_tokens: usage.cached,
            output_tokens: usage.completion,
            output_tokens_details: (usage.reasoning > 0).then_some(OutputDetails { thinking_tokens: usage.reasoning }),
        }
    }
}

/// `stop_reason` and what goes with it. Which stop sequence it was, no other provider tells.
#[derive(Debug, Serialize)]
pub(super) struct Stop<'a> {
    stop_reason: &'static str,
    stop_sequence: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop_details: Option<StopDetails<'a>>,
}

#[derive(Debug, Serialize)]
struct StopDetails<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    category: Option<&'a str>,
    explanation: Option<&'a str>,
}

impl<'a> Stop<'a> {
    /// OpenAI tells of a refusal beside the reason `stop`.
    pub(super) fn new(finish: Option<FinishReason>, refusal: Option<&'a str>) -> Self {
        let is_refusal = refusal.is_some() || finish == Some(FinishReason::ContentFilter);
        let stop_reason = match finish {
            _ if is_refusal => "refusal",
            Some(FinishReason::Length) => "max_tokens",
            Some(FinishReason::ToolCalls) => "tool_use",
            Some(FinishReason::Stop | FinishReason::ContentFilter) | None => "end_turn",
        };
        let details = StopDetails { kind: "refusal", category: None, explanation: refusal };
        Self { stop_reason, stop_sequence: None, stop_details: is_refusal.then_some(details) }
    }
}
