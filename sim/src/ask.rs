//! What a chat request asks for, in no provider's words.

use serde_json::Value;

use crate::provider::Provider;

/// Everything that decides the answer. Each provider's module fills it from its own, already validated body.
#[derive(Debug)]
pub(crate) struct Ask<'a> {
    pub(crate) provider: Provider,
    pub(crate) model: &'a str,
    pub(crate) last: Last,
    pub(crate) tools: Vec<Tool<'a>>,
    pub(crate) choice: Choice<'a>,
    /// Whether one answer may call several tools.
    pub(crate) parallel: bool,
    pub(crate) format: Format<'a>,
    pub(crate) max_tokens: Option<u64>,
    pub(crate) stop: Vec<&'a str>,
    /// UTF-8 bytes of all text in the prompt.
    pub(crate) prompt_bytes: usize,
    /// Whether the answer begins with reasoning.
    pub(crate) reasons: bool,
}

/// What the model has to react to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Last {
    UserText(String),
    ToolResults(String),
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Tool<'a> {
    pub(crate) name: &'a str,
    pub(crate) schema: Option<&'a Value>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Choice<'a> {
    /// The model decides: the simulator calls the first tool.
    Auto,
    None,
    /// Some tool must be called.
    Any,
    /// One of these must be called.
    Named(Vec<&'a str>),
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Format<'a> {
    Text,
    JsonObject,
    JsonSchema(&'a Value),
}
