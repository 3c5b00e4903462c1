//! `POST /v1/embeddings` (docs of the provider, A.6).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Serialize;
use serde_json::Value;

use super::invalid::{empty_array, integer, missing, one_of, string, wrong_type};
use crate::{
    answer::Usage,
    dialect::{Answered, Call},
    embedding::embed,
    events::{Events, json},
    fields::{Object, present, unknown},
    refusal::{Checked, Refusal},
};

const KNOWN: &[&str] = &["input", "model", "dimensions", "encoding_format", "user"];
/// The API's bound on inputs per request.
const MAX_INPUTS: usize = 2048;

#[derive(Serialize)]
struct Document<'a> {
    object: &'static str,
    data: Vec<Embedding>,
    model: &'a str,
    usage: EmbeddingUsage,
}

#[derive(Serialize)]
struct Embedding {
    object: &'static str,
    index: usize,
    embedding: Vector,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Vector {
    Floats(Vec<f32>),
    /// Little-endian `f32`s in base64: what the official SDKs ask for.
    Base64(String),
}

#[derive(Serialize)]
struct EmbeddingUsage {
    prompt_tokens: u64,
    total_tokens: u64,
}

pub(super) fn answer(call: &Call<'_>) -> Checked<Answered> {
    let Some(body) = call.document.as_object() else { return Err(Refusal::invalid("expected an object")) };
    if let Some(name) = unknown(body, KNOWN) {
        return Err(Refusal::invalid(format!("Unrecognized request argument supplied: {name}")));
    }
    let Some(model) = string(body, "model", "model")? else {
        return Err(Refusal::invalid("you must provide a model parameter"));
    };
    if model.starts_with("unknown") {
        let message = format!("The model `{model}` does not exist or you do not have access to it.");
        return Err(Refusal::new(404, message).with_code("model_not_found"));
    }
    one_of(body, "encoding_format", "encoding_format", &["float", "base64"])?;
    let base64 = body.get("encoding_format").is_some_and(|format| format == "base64");
    let native = if model.ends_with("3-large") { 3072 } else { 1536 };
    let dimensions = integer(body, "dimensions", 1, native)?.unwrap_or(native);
    let dimensions = usize::try_from(dimensions).unwrap_or(0);
    let inputs = inputs(body)?;
    let tokens = inputs.iter().map(|input| input.tokens).sum();
    let data = inputs.iter().enumerate().map(|(index, input)| {
        let floats = embed(&input.text, dimensions);
        let embedding = if base64 {
            let bytes: Vec<u8> = floats.iter().flat_map(|float| float.to_le_bytes()).collect();
            Vector::Base64(STANDARD.encode(bytes))
        } else {
            Vector::Floats(floats)
        };
        Embedding { object: "embedding", index, embedding }
    });
    let usage = EmbeddingUsage { prompt_tokens: tokens, total_tokens: tokens };
    let document = Document { object: "list", data: data.collect(), model, usage };
    Ok(Answered::json(Events::one(json(&document)), Usage { prompt: tokens, ..Usage::default() }))
}

struct Input {
    text: String,
    tokens: u64,
}

impl Input {
    fn text(text: &str) -> Checked<Self> {
        if text.is_empty() {
            return Err(Refusal::invalid("Invalid 'input': input cannot be an empty string.").with_param("input"));
        }
        Ok(Self { text: text.to_owned(), tokens: (text.len() as u64).div_ceil(4) })
    }

    /// Token ids: embedded as the text of their numbers.
    fn tokens(ids: &[Value]) -> Checked<Self> {
        let Some(ids) = ids.iter().map(Value::as_u64).collect::<Option<Vec<_>>>() else {
            return Err(wrong_type("input", "an array of token ids", &Value::Array(ids.to_vec())));
        };
        let text = ids.iter().map(|id| format!("token{id} ")).collect();
        Ok(Self { text, tokens: ids.len() as u64 })
    }
}

fn inputs(body: &Object) -> Checked<Vec<Input>> {
    let expected = "one of a string, an array of strings, an array of integers or an array of integer arrays";
    match present(body, "input") {
        None => Err(missing("input")),
        Some(Value::String(text)) => Ok(vec![Input::text(text)?]),
        Some(Value::Array(list)) => match list.first() {
            None => Err(empty_array("input")),
            Some(Value::Number(_)) => Ok(vec![Input::tokens(list)?]),
            Some(_) if list.len() > MAX_INPUTS => Err(super::invalid::too_long("input", MAX_INPUTS, list.len())),
            Some(_) => list
                .iter()
                .map(|item| match item {
                    Value::String(text) => Input::text(text),
                    Value::Array(ids) if !ids.is_empty() => Input::tokens(ids),
                    other => Err(wrong_type("input", expected, other)),
                })
                .collect(),
        },
        Some(other) => Err(wrong_type("input", expected, other)),
    }
}
