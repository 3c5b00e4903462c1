//! `embedContent` and `batchEmbedContents` (docs of the provider, A.6). The API reports no usage for them.

use serde::Serialize;
use serde_json::Value;

use super::{
    contents::content,
    fields::{Fields, violation},
    parts::Part,
};
use crate::{
    answer::Usage,
    dialect::{Answered, Call},
    embedding::embed,
    events::{Events, json},
    refusal::{Checked, Refusal},
};

const KNOWN: &[&str] = &["model", "content", "taskType", "title", "outputDimensionality"];
const NATIVE_DIMENSIONS: i64 = 3072;
/// The API's bound on requests per batch.
const MAX_BATCH: usize = 100;

#[derive(Serialize)]
struct Embedding {
    values: Vec<f32>,
}

#[derive(Serialize)]
struct One {
    embedding: Embedding,
}

#[derive(Serialize)]
struct Batch {
    embeddings: Vec<Embedding>,
}

pub(super) fn one(call: &Call<'_>, model: &str) -> Checked<Answered> {
    let (embedding, tokens) = embedding(call.document, String::new(), model)?;
    Ok(answered(&One { embedding }, tokens))
}

pub(super) fn batch(call: &Call<'_>, model: &str) -> Checked<Answered> {
    let body = Fields::read(call.document, "", &["requests"])?;
    let requests = body.list("requests")?;
    if requests.is_empty() {
        return Err(Refusal::invalid("* BatchEmbedContentsRequest.requests: at least one request is required\n"));
    }
    if requests.len() > MAX_BATCH {
        let message = "* BatchEmbedContentsRequest.requests: at most 100 requests can be in one batch\n";
        return Err(Refusal::invalid(message));
    }
    let mut embeddings = Vec::with_capacity(requests.len());
    let mut total = 0_u64;
    for (at, request) in requests {
        if request.get("model").is_none() {
            return Err(violation(&format!("{at}.model"), "model is required"));
        }
        let (embedding, tokens) = embedding(request, at, model)?;
        total = total.saturating_add(tokens);
        embeddings.push(embedding);
    }
    Ok(answered(&Batch { embeddings }, total))
}

fn embedding(request: &Value, at: String, model: &str) -> Checked<(Embedding, u64)> {
    let request = Fields::read(request, at, KNOWN)?;
    if request.string("model")?.is_some_and(|named| named != format!("models/{model}")) {
        return Err(Refusal::invalid("The model in the body does not match the model in the URL."));
    }
    let value = request.get("content").ok_or_else(|| violation(&request.at("content"), "content is required"))?;
    let content = content(value, request.at("content"))?;
    let text: String = content
        .parts
        .iter()
        .filter_map(|part| match part {
            Part::Text(text) => Some(*text),
            _ => None,
        })
        .collect();
    let dimensions = request.integer("outputDimensionality")?.unwrap_or(NATIVE_DIMENSIONS);
    if !(1..=NATIVE_DIMENSIONS).contains(&dimensions) {
        let complaint = format!("must be in the range [1, {NATIVE_DIMENSIONS}]");
        return Err(violation(&request.at("outputDimensionality"), &complaint));
    }
    request.string("taskType")?;
    let values = embed(&text, usize::try_from(dimensions).unwrap_or(0));
    Ok((Embedding { values }, (text.len() as u64).div_ceil(4)))
}

fn answered(document: &impl Serialize, tokens: u64) -> Answered {
    Answered::json(Events::one(json(document)), Usage { prompt: tokens, ..Usage::default() })
}
