//! What each model can do: data in `models.json`, one row per family, the first that matches counts.
//!
//! A model that no row names is read tolerantly. An unknown `claude-*` is taken for the newest generation, which
//! takes no sampling parameters, but its tool choice and prefill are left for Anthropic to judge; any other model of
//! an Anthropic-kind server gets the parameters as they are and a small output limit, because the field is required.
//! An unknown Gemini model is taken for the newest, which accepts all of low, medium and high.

mod effort;
pub(crate) mod glob;
mod own;
mod table;

pub use effort::{Effort, Efforts};
pub use own::Own;
pub use table::Table;

use serde::{Deserialize, Serialize};

/// What one model can do. A limit is `None` where it is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Capabilities {
    pub sampling: Sampling,
    pub thinking: Thinking,
    /// Whether thinking can be turned off.
    pub thinking_off: bool,
    /// Least and most thinking tokens that can be asked for, where thinking takes a budget.
    pub budget: (u64, u64),
    /// The effort levels that the model knows by name.
    pub efforts: Efforts,
    /// Whether a tool can be required.
    pub forced_tool_choice: bool,
    /// Whether the conversation may end with the beginning of the answer.
    pub prefill: bool,
    /// Whether system messages may stand between others (the translation hoists them anyway).
    pub inner_system: bool,
    /// Whether stop sequences are an error.
    pub refuses_stop: bool,
    /// Whether the answer can be held to a JSON schema.
    pub structured_output: bool,
    /// Whether presence and frequency penalties are accepted.
    pub penalties: bool,
    /// Whether replayed function calls need their thought signature.
    pub thought_signatures: bool,
    /// Whether one image can have a resolution of its own.
    pub media_resolution: bool,
    pub max_input_tokens: Option<u64>,
    pub max_output_tokens: Option<u64>,
}

/// What happens to `temperature`, `top_p` and `top_k`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sampling {
    #[default]
    Accepted,
    /// Taken, without effect.
    Ignored,
    /// An error.
    Refused,
}

/// How thinking is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Thinking {
    /// Not at all.
    #[default]
    None,
    /// By a number of tokens.
    Budget,
    /// By an effort level; the model decides how long (Anthropic).
    Adaptive,
    BudgetOrAdaptive,
    /// By a thinking level (Gemini 3 and later).
    Level,
}

#[cfg(test)]
mod tests;
