//! `GET /v1/models`.

use serde_json::{Value, json};

use super::model::capabilities;
use crate::{
    answer::Usage,
    dialect::Answered,
    events::{Events, json as bytes},
};

const MODELS: &[&str] =
    &["claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5", "claude-sonnet-4-6", "claude-haiku-4-5"];

pub(super) fn answer() -> Answered {
    let data: Vec<Value> = MODELS.iter().map(|id| model(id)).collect();
    let document = json!({
        "data": data,
        "has_more": false,
        "first_id": MODELS.first(),
        "last_id": MODELS.last(),
    });
    Answered::json(Events::one(bytes(&document)), Usage::default())
}

fn model(id: &str) -> Value {
    let can = capabilities(id);
    let max_input = if can.max_output > 64_000 { 1_000_000 } else { 200_000 };
    json!({
        "type": "model",
        "id": id,
        "display_name": id.replace("claude-", "Claude "),
        "created_at": "2026-01-01T00:00:00Z",
        "max_input_tokens": max_input,
        "max_tokens": can.max_output,
        "capabilities": {
            "effort": { "supported": !can.efforts.is_empty(), "levels": can.efforts },
            "thinking": { "types": { "enabled": can.thinking.legacy(), "adaptive": can.thinking.adaptive() } },
        },
    })
}
