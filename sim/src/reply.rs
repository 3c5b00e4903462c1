//! What the control API makes the model say.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Overrides of an answer; what is not set stays as the request implies.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Reply {
    /// The text of the answer.
    pub text: Option<String>,
    /// An answer of this many words instead of a text, at most 1,000,000.
    pub words: Option<u32>,
    /// Call this tool, whatever the request offers.
    pub tool_call: Option<ToolCall>,
    /// Reasoning ("thinking") text before the answer, in the provider's own form.
    pub reasoning: Option<String>,
    /// The provider's own finish reason, such as `content_filter`, `refusal` or `SAFETY`.
    pub finish_reason: Option<String>,
    /// Prompt tokens to report, cached ones included.
    pub prompt_tokens: Option<u64>,
    /// Completion tokens to report, reasoning included.
    pub completion_tokens: Option<u64>,
    /// How many of the prompt tokens were read from the provider's prompt cache.
    pub cached_tokens: Option<u64>,
    /// Report no usage at all.
    pub no_usage: bool,
}

/// A tool call to answer with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolCall {
    /// The function's name.
    pub name: String,
    /// Its arguments, an object.
    #[serde(default = "no_arguments")]
    pub arguments: Value,
}

const MAX_WORDS: u32 = 1_000_000;

impl Reply {
    /// Answers with this text.
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: Some(text.into()), ..Self::default() }
    }

    /// Answers with this many words.
    pub fn words(words: u32) -> Self {
        Self { words: Some(words), ..Self::default() }
    }

    pub(crate) fn check(&self) -> Result<(), String> {
        if self.words.is_some_and(|words| words > MAX_WORDS) {
            return Err(format!("words must be at most {MAX_WORDS}"));
        }
        if self.words.is_some() && self.text.is_some() {
            return Err("set text or words, not both".to_owned());
        }
        if self.tool_call.as_ref().is_some_and(|call| !call.arguments.is_object()) {
            return Err("tool_call.arguments must be an object".to_owned());
        }
        Ok(())
    }
}

fn no_arguments() -> Value {
    Value::Object(serde_json::Map::new())
}
