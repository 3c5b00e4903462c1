//! What the operator knows better of a model than the table.

use super::{Capabilities, Sampling, Thinking};
use serde::{Deserialize, Serialize};

/// What is said counts, all else is as in the table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Own {
    pub sampling: Option<Sampling>,
    pub thinking: Option<Thinking>,
    pub forced_tool_choice: Option<bool>,
    pub prefill: Option<bool>,
    pub structured_output: Option<bool>,
    pub penalties: Option<bool>,
    pub max_input_tokens: Option<u64>,
    pub max_output_tokens: Option<u64>,
}

impl Own {
    /// What the model can do, which the table says can do `base`.
    pub fn over(self, base: Capabilities) -> Capabilities {
        Capabilities {
            sampling: self.sampling.unwrap_or(base.sampling),
            thinking: self.thinking.unwrap_or(base.thinking),
            forced_tool_choice: self.forced_tool_choice.unwrap_or(base.forced_tool_choice),
            prefill: self.prefill.unwrap_or(base.prefill),
            structured_output: self.structured_output.unwrap_or(base.structured_output),
            penalties: self.penalties.unwrap_or(base.penalties),
            max_input_tokens: self.max_input_tokens.or(base.max_input_tokens),
            max_output_tokens: self.max_output_tokens.or(base.max_output_tokens),
            ..base
        }
    }
}
