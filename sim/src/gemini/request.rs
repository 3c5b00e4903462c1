//! A `GenerateContentRequest`, checked.

use serde_json::Value;

use super::{
    config::{Config, config},
    contents::{Content, content, contents, last},
    fields::Fields,
    tools::{choice, tools},
    turns,
};
use crate::{
    ask::Ask,
    provider::Provider,
    refusal::{Checked, Refusal},
};

/// `labels` is Vertex's only and unknown here.
const KNOWN: &[&str] = &[
    "model",
    "contents",
    "systemInstruction",
    "tools",
    "toolConfig",
    "safetySettings",
    "generationConfig",
    "cachedContent",
    "serviceTier",
    "store",
];

/// What is asked, and how many candidates shall answer.
pub(super) fn ask<'a>(document: &'a Value, model: &'a str) -> Checked<(Ask<'a>, u64)> {
    let request = Fields::read(document, "", KNOWN)?;
    if let Some(named) = request.string("model")?
        && named.strip_prefix("models/").unwrap_or(named) != model
    {
        return Err(Refusal::invalid("The model in the body does not match the model in the URL."));
    }
    let system = match request.get("systemInstruction") {
        Some(value) => content(value, "system_instruction".to_owned())?.text_bytes(),
        None => 0,
    };
    let contents = contents(&request)?;
    turns::check(&contents, model)?;
    for (at, setting) in request.list("safetySettings")? {
        Fields::read(setting, at, &["category", "threshold", "method"])?;
    }
    request.string("cachedContent")?;
    request.string("serviceTier")?;
    let Config { candidates, max_tokens, stop, format, include_thoughts } = config(&request, model)?;
    let tools = tools(&request)?;
    let choice = choice(&request, &tools)?;
    let prompt: usize = contents.iter().map(Content::text_bytes).sum();
    let ask = Ask {
        provider: Provider::Gemini,
        model,
        last: last(&contents),
        tools,
        choice,
        parallel: true,
        format,
        max_tokens,
        stop,
        prompt_bytes: prompt.saturating_add(system),
        reasons: include_thoughts,
    };
    Ok((ask, candidates))
}
