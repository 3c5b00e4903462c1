//! What a request asks for, once its method and path are known.

/// The operation behind a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Chat,
    Embed,
    BatchEmbed,
    Models,
}

/// How Gemini's path and query frame the answer. OpenAI and Anthropic say it in the body instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// One JSON document.
    Json,
    /// Server-sent events (`alt=sse`).
    Sse,
    /// A streamed JSON array: what `streamGenerateContent` answers without `alt=sse`.
    JsonArray,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) operation: Operation,
    /// Only Gemini names the model in the path.
    pub(crate) model: Option<String>,
    pub(crate) framing: Framing,
}

impl Route {
    pub(crate) fn new(operation: Operation) -> Self {
        Self { operation, model: None, framing: Framing::Json }
    }
}
