//! Why an answer ended (PROVIDERS B.1).

use crate::chat::FinishReason;
use crate::json::Str;
use serde::Deserialize;

/// Present for a refusal.
#[derive(Clone, Debug, Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
pub(super) struct Details<'a> {
    pub explanation: Option<Str<'a>>,
}

/// `stop_reason` as a finish reason; an unknown one never fails an answer.
pub(super) fn reason(stop_reason: &str, calls: u32) -> FinishReason {
    match stop_reason {
        "max_tokens" | "model_context_window_exceeded" | "pause_turn" => FinishReason::Length,
        // Without a call to answer, a client could not go on.
        "tool_use" if calls > 0 => FinishReason::ToolCalls,
        "refusal" => FinishReason::ContentFilter,
        _ => FinishReason::Stop,
    }
}

/// Whether Anthropic's enum has it. An answer without a reason has no unknown one.
pub(super) fn is_known(stop_reason: &str) -> bool {
    matches!(
        stop_reason,
        "" | "end_turn"
            | "stop_sequence"
            | "max_tokens"
            | "model_context_window_exceeded"
            | "pause_turn"
            | "tool_use"
            | "refusal"
    )
}
