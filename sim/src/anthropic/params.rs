//! The top-level parameters of a message (docs of the provider, A.2 and A.5).

use hyper::http::request::Parts;
use serde_json::Value;

use super::{
    Version, format,
    invalid::{array, boolean, extra, integer, invalid, object, one_of, only, ranged, required, string},
    model::Capabilities,
    thinking,
};
use crate::{
    fields::{Object, present},
    refusal::{Checked, Refusal},
};

const KNOWN: &[&str] = &[
    "cache_control",
    "inference_geo",
    "max_tokens",
    "messages",
    "metadata",
    "model",
    "output_config",
    "service_tier",
    "stop_sequences",
    "stream",
    "system",
    "temperature",
    "thinking",
    "tool_choice",
    "tools",
    "top_k",
    "top_p",
];
/// Known only with an `anthropic-beta` header.
const BETA: &[&str] = &["container", "context_management", "mcp_servers", "output_format", "speed", "thread"];

pub(super) fn check(body: &Object, parts: &Parts, version: Version, model: Capabilities, name: &str) -> Checked {
    let beta = parts.headers.contains_key("anthropic-beta");
    if let Some(field) = body.keys().find(|field| {
        let known = KNOWN.contains(&field.as_str()) || (beta && BETA.contains(&field.as_str()));
        !known
    }) {
        return Err(extra(field));
    }
    thread(body)?;
    max_tokens(body, model, name)?;
    sampling(body, version, model)?;
    stop_sequences(body)?;
    boolean(body, "stream", "")?;
    metadata(body)?;
    if let Some(tier) = string(body, "service_tier", "")? {
        one_of(tier, &["auto", "standard_only"], "service_tier")?;
    }
    thinking::check(body, model)?;
    format::check(body, model)
}

/// Threads are kept as long as it suits the provider: here not at all.
fn thread(body: &Object) -> Checked {
    let Some(thread) = object(body, "thread", "")? else { return Ok(()) };
    match required(string(thread, "type", "thread")?, "type", "thread")? {
        "create" => Ok(()),
        "continue" => {
            required(string(thread, "previous_message_id", "thread")?, "previous_message_id", "thread")?;
            let message = "thread: no thread was found for this `previous_message_id`";
            Err(Refusal::new(404, message).with_code("thread_not_found"))
        }
        other => one_of(other, &["create", "continue"], "thread.type"),
    }
}

fn max_tokens(body: &Object, model: Capabilities, name: &str) -> Checked {
    let max = required(integer(body, "max_tokens", "")?, "max_tokens", "")?;
    let most = i64::try_from(model.max_output).unwrap_or(i64::MAX);
    // 0 is legal: it warms the prompt cache.
    if max < 0 {
        return Err(invalid("max_tokens", "Input should be greater than or equal to 0"));
    }
    if max > most {
        let complaint = format!("{max} > {most}, which is the maximum allowed number of output tokens for {name}");
        return Err(invalid("max_tokens", complaint));
    }
    Ok(())
}

fn sampling(body: &Object, version: Version, model: Capabilities) -> Checked {
    let refused = version == Version::V2026 || !model.sampling;
    // Even a default value is refused.
    if refused && let Some(name) = ["temperature", "top_p", "top_k"].into_iter().find(|name| body.contains_key(*name)) {
        return Err(extra(name));
    }
    ranged(body, "temperature", 0.0, 1.0)?;
    ranged(body, "top_p", 0.0, 1.0)?;
    if integer(body, "top_k", "")?.is_some_and(|k| k < 0) {
        return Err(invalid("top_k", "Input should be greater than or equal to 0"));
    }
    Ok(())
}

fn stop_sequences(body: &Object) -> Checked {
    for (index, stop) in array(body, "stop_sequences", "")?.into_iter().flatten().enumerate() {
        match stop.as_str() {
            None => return Err(invalid(format!("stop_sequences.{index}"), "Input should be a valid string")),
            Some(text) if text.trim().is_empty() => {
                return Err(invalid("stop_sequences", "each stop sequence must contain non-whitespace"));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

fn metadata(body: &Object) -> Checked {
    let Some(metadata) = object(body, "metadata", "")? else { return Ok(()) };
    only(metadata, &["user_id"], "metadata")?;
    match string(metadata, "user_id", "metadata")? {
        Some(id) if id.contains('@') => Err(invalid("metadata.user_id", "user_id appears to contain an email address")),
        Some(id) if id.len() > 256 => Err(invalid("metadata.user_id", "String should have at most 256 characters")),
        _ => Ok(()),
    }
}

/// Cache breakpoints anywhere in the prompt: at most four.
pub(super) fn cache_breakpoints(body: &Object) -> Checked {
    let count: usize = ["system", "messages", "tools"].into_iter().filter_map(|name| body.get(name)).map(count).sum();
    if count > 4 {
        let complaint = format!("A maximum of 4 blocks with cache_control may be provided. Found {count}.");
        return Err(crate::refusal::Refusal::invalid(complaint));
    }
    Ok(())
}

fn count(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(block) => {
            let own = usize::from(present(block, "cache_control").is_some());
            own.saturating_add(block.get("content").map_or(0, count))
        }
        _ => 0,
    }
}
