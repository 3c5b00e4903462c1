//! `models.json`: rows of what differs from the kind's default.

use super::{Capabilities, Effort, Sampling, Thinking, glob};
use crate::config::Kind;
use serde::Deserialize;

/// What the models of all kinds can do.
#[derive(Clone, Debug)]
pub struct Table {
    open_ai: Models,
    anthropic: Models,
    gemini: Models,
}

#[derive(Clone, Debug)]
struct Models {
    default: Capabilities,
    rows: Vec<(Vec<String>, Capabilities)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTable {
    open_ai: RawModels,
    anthropic: RawModels,
    gemini: RawModels,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawModels {
    default: Row,
    models: Vec<Row>,
}

/// What is not said is as in the default.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    #[serde(default, rename = "match")]
    patterns: Vec<String>,
    sampling: Option<Sampling>,
    thinking: Option<Thinking>,
    thinking_off: Option<bool>,
    budget: Option<(u64, u64)>,
    efforts: Option<Vec<Effort>>,
    forced_tool_choice: Option<bool>,
    prefill: Option<bool>,
    inner_system: Option<bool>,
    refuses_stop: Option<bool>,
    structured_output: Option<bool>,
    penalties: Option<bool>,
    thought_signatures: Option<bool>,
    media_resolution: Option<bool>,
    max_input_tokens: Option<u64>,
    max_output_tokens: Option<u64>,
}

impl Table {
    /// The table that ships with Weir.
    ///
    /// # Errors
    /// Never: a test parses it.
    pub fn builtin() -> Result<Self, String> {
        Self::parse(include_str!("models.json"))
    }

    /// A table of the same form.
    ///
    /// # Errors
    /// In words, when it is not one.
    pub fn parse(json: &str) -> Result<Self, String> {
        let raw: RawTable = serde_json::from_str(json).map_err(|error| error.to_string())?;
        Ok(Self { open_ai: raw.open_ai.into(), anthropic: raw.anthropic.into(), gemini: raw.gemini.into() })
    }

    /// What `model` can do at a provider of that kind.
    pub fn of(&self, kind: Kind, model: &str) -> Capabilities {
        let models = match kind {
            Kind::OpenAi => &self.open_ai,
            Kind::Anthropic => &self.anthropic,
            Kind::Gemini => &self.gemini,
        };
        let model = model.strip_prefix("models/").unwrap_or(model);
        models
            .rows
            .iter()
            .find(|(patterns, _)| patterns.iter().any(|pattern| glob::matches(pattern, model)))
            .map_or(models.default, |(_, capabilities)| *capabilities)
    }
}

impl From<RawModels> for Models {
    fn from(raw: RawModels) -> Self {
        let default = raw.default.over(Capabilities::default());
        let rows = raw.models.into_iter().map(|row| (row.patterns.clone(), row.over(default))).collect();
        Self { default, rows }
    }
}

impl Row {
    fn over(self, base: Capabilities) -> Capabilities {
        Capabilities {
            sampling: self.sampling.unwrap_or(base.sampling),
            thinking: self.thinking.unwrap_or(base.thinking),
            thinking_off: self.thinking_off.unwrap_or(base.thinking_off),
            budget: self.budget.unwrap_or(base.budget),
            efforts: self.efforts.map_or(base.efforts, |efforts| efforts.into_iter().collect()),
            forced_tool_choice: self.forced_tool_choice.unwrap_or(base.forced_tool_choice),
            prefill: self.prefill.unwrap_or(base.prefill),
            inner_system: self.inner_system.unwrap_or(base.inner_system),
            refuses_stop: self.refuses_stop.unwrap_or(base.refuses_stop),
            structured_output: self.structured_output.unwrap_or(base.structured_output),
            penalties: self.penalties.unwrap_or(base.penalties),
            thought_signatures: self.thought_signatures.unwrap_or(base.thought_signatures),
            media_resolution: self.media_resolution.unwrap_or(base.media_resolution),
            max_input_tokens: self.max_input_tokens.or(base.max_input_tokens),
            max_output_tokens: self.max_output_tokens.or(base.max_output_tokens),
        }
    }
}
