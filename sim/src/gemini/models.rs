//! `GET /v1beta/models`.

use serde_json::{Value, json};

use crate::{
    answer::Usage,
    dialect::Answered,
    events::{Events, json as bytes},
};

const MODELS: &[(&str, &[&str])] = &[
    ("gemini-3.8-flash", &["generateContent", "countTokens"]),
    ("gemini-4-argon", &["generateContent", "countTokens"]),
    ("gemini-2.5-flash", &["generateContent", "countTokens"]),
    ("gemini-embedding-001", &["embedContent", "batchEmbedContents"]),
];

pub(super) fn answer() -> Answered {
    let models = MODELS.iter().map(|(id, methods)| {
        json!({
            "name": format!("models/{id}"),
            "version": "001",
            "displayName": id,
            "inputTokenLimit": 1_048_576,
            "outputTokenLimit": 65_536,
            "supportedGenerationMethods": methods,
        })
    });
    let document = json!({ "models": models.collect::<Vec<Value>>() });
    Answered::json(Events::one(bytes(&document)), Usage::default())
}
