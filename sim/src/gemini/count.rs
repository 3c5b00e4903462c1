//! `countTokens`: of contents, or of a whole request.

use serde_json::json;

use super::{
    contents::{Content, contents},
    fields::{Fields, violation},
    request::ask,
    turns,
};
use crate::{
    answer::Usage,
    dialect::{Answered, Call},
    events::{Events, json},
    refusal::{Checked, Refusal},
};

pub(super) fn answer(call: &Call<'_>, model: &str) -> Checked<Answered> {
    let body = Fields::read(call.document, "", &["contents", "generateContentRequest"])?;
    let bytes = match body.get("generateContentRequest") {
        Some(_) if body.get("contents").is_some() => {
            return Err(Refusal::invalid("Only one of contents and generateContentRequest may be set."));
        }
        // There the model must be named, though the path names it too.
        Some(request) if request.get("model").is_none() => {
            return Err(violation("generate_content_request.model", "model is required"));
        }
        Some(request) => ask(request, model)?.0.prompt_bytes,
        None => {
            let contents = contents(&body)?;
            turns::check(&contents, model)?;
            contents.iter().map(Content::text_bytes).sum()
        }
    };
    let tokens = (bytes as u64).div_ceil(4);
    let document = json!({
        "totalTokens": tokens, "promptTokensDetails": [{ "modality": "TEXT", "tokenCount": tokens }],
    });
    Ok(Answered::json(Events::one(json(&document)), Usage::default()))
}
