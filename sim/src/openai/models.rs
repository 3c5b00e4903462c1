//! `GET /v1/models`.

use serde_json::json;

use crate::{
    answer::Usage,
    dialect::Answered,
    events::{Events, json as bytes},
};

const MODELS: &[&str] = &["gpt-6-astra", "gpt-5.6", "gpt-4o-mini", "text-embedding-3-small", "text-embedding-3-large"];

pub(super) fn answer() -> Answered {
    let models =
        MODELS.iter().map(|id| json!({ "id": id, "object": "model", "created": 1_767_225_600, "owned_by": "openai" }));
    let document = json!({ "object": "list", "data": models.collect::<Vec<_>>() });
    Answered::json(Events::one(bytes(&document)), Usage::default())
}
