//! `POST /v1/messages/count_tokens`: the same checks as for a message, without what concerns its answer.

use serde_json::json;

use super::{
    Version,
    invalid::{extra, required, string},
    messages::conversation,
    model::capabilities,
    thinking,
    tools::offer,
};
use crate::{
    answer::Usage,
    dialect::{Answered, Call},
    events::{Events, json},
    fields::unknown,
    refusal::{Checked, Refusal},
};

const KNOWN: &[&str] =
    &["cache_control", "messages", "model", "output_config", "system", "thinking", "tool_choice", "tools"];

pub(super) fn answer(call: &Call<'_>, version: Version) -> Checked<Answered> {
    let Some(body) = call.document.as_object() else { return Err(Refusal::invalid("expected an object")) };
    let name = required(string(body, "model", "")?, "model", "")?;
    if name.starts_with("unknown") {
        return Err(Refusal::new(404, format!("model: {name}")));
    }
    if let Some(field) = unknown(body, KNOWN) {
        return Err(extra(field));
    }
    let model = capabilities(name);
    thinking::check(body, model)?;
    let conversation = conversation(body, version, model)?;
    offer(body, model)?;
    let tokens = (conversation.text_bytes as u64).div_ceil(4);
    Ok(Answered::json(Events::one(json(&json!({ "input_tokens": tokens }))), Usage::default()))
}
