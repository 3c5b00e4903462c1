//! What a request asks for, once its method and path are known.

/// The operation behind a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Chat,
    Embed,
    BatchEmbed,
    /// OpenAI's Responses API.
    Respond,
    /// How many tokens a chat has.
    Count,
    Models,
}

/// How the path and query frame an answer, and an error in it. Whether they stream, OpenAI and Anthropic say in the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// One JSON document.
    Json,
    /// Server-sent events (`alt=sse`).
    Sse,
    /// A streamed JSON array: what `streamGenerateContent` answers without `alt=sse`.
    JsonArray,
    /// Named events: what OpenAI's Responses API streams.
    Named,
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
