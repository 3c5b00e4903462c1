//! The top-level parameters of a chat completion (docs of the provider, A.1).

use serde_json::Value;

use super::invalid::{
    array, boolean, decimal, integer, object, one_of, required, string, too_long, unsupported, wrong_type,
};
use crate::{
    fields::{Object, is_tool_name, present, unknown},
    refusal::{Checked, Refusal},
};

const KNOWN: &[&str] = &[
    "audio",
    "frequency_penalty",
    "function_call",
    "functions",
    "logit_bias",
    "logprobs",
    "max_completion_tokens",
    "max_tokens",
    "messages",
    "metadata",
    "modalities",
    "model",
    "moderation",
    "n",
    "parallel_tool_calls",
    "prediction",
    "presence_penalty",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "reasoning_effort",
    "response_format",
    "safety_identifier",
    "seed",
    "service_tier",
    "stop",
    "store",
    "stream",
    "stream_options",
    "temperature",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "user",
    "verbosity",
    "web_search_options",
];

const EFFORTS: &[&str] = &["none", "minimal", "low", "medium", "high", "xhigh", "max"];

pub(super) fn check(body: &Object) -> Checked {
    if let Some(name) = unknown(body, KNOWN) {
        return Err(Refusal::invalid(format!("Unrecognized request argument supplied: {name}")));
    }
    let Some(model) = string(body, "model", "model")? else {
        return Err(Refusal::invalid("you must provide a model parameter"));
    };
    decimal(body, "temperature", 0.0, 2.0)?;
    decimal(body, "top_p", 0.0, 1.0)?;
    decimal(body, "frequency_penalty", -2.0, 2.0)?;
    decimal(body, "presence_penalty", -2.0, 2.0)?;
    integer(body, "n", 1, 128)?;
    integer(body, "max_tokens", 1, i64::MAX)?;
    integer(body, "max_completion_tokens", 1, i64::MAX)?;
    integer(body, "seed", i64::MIN, i64::MAX)?;
    logprobs(body)?;
    limits(body, model)?;
    stop(body, model)?;
    stream(body)?;
    response_format(body)?;
    metadata(body)?;
    for name in ["store", "parallel_tool_calls"] {
        boolean(body, name, name)?;
    }
    for name in ["user", "safety_identifier", "prompt_cache_key"] {
        string(body, name, name)?;
    }
    for name in ["logit_bias", "prediction", "audio", "web_search_options", "prompt_cache_options"] {
        object(body, name, name)?;
    }
    one_of(body, "reasoning_effort", "reasoning_effort", EFFORTS)?;
    one_of(body, "verbosity", "verbosity", &["low", "medium", "high"])?;
    one_of(body, "service_tier", "service_tier", &["auto", "default", "flex", "scale", "priority", "fast"])
}

/// o-series, gpt-5 and gpt-6: they think before they answer.
pub(super) fn is_reasoning_model(model: &str) -> bool {
    let o_series = model.strip_prefix('o').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    o_series || model.starts_with("gpt-5") || model.starts_with("gpt-6")
}

fn limits(body: &Object, model: &str) -> Checked {
    let old = present(body, "max_tokens").is_some();
    if old && present(body, "max_completion_tokens").is_some() {
        return Err(Refusal::invalid(
            "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.",
        ));
    }
    if old && is_reasoning_model(model) {
        return Err(unsupported("max_tokens", " Use 'max_completion_tokens' instead."));
    }
    Ok(())
}

fn logprobs(body: &Object) -> Checked {
    let wanted = boolean(body, "logprobs", "logprobs")?.unwrap_or(false);
    if integer(body, "top_logprobs", 0, 20)?.is_some() && !wanted {
        let message = "The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled.";
        return Err(Refusal::invalid(message).with_param("top_logprobs"));
    }
    Ok(())
}

fn stop(body: &Object, model: &str) -> Checked {
    let Some(stop) = present(body, "stop") else { return Ok(()) };
    if is_reasoning_model(model) {
        return Err(unsupported("stop", ""));
    }
    match stop {
        Value::String(_) => Ok(()),
        Value::Array(list) if list.len() > 4 => Err(too_long("stop", 4, list.len())),
        Value::Array(list) => match list.iter().position(|item| !item.is_string()) {
            Some(index) => Err(wrong_type(&format!("stop[{index}]"), "a string", &list[index])),
            None => Ok(()),
        },
        other => Err(wrong_type("stop", "a string or an array of strings", other)),
    }
}

fn stream(body: &Object) -> Checked {
    let streams = boolean(body, "stream", "stream")?.unwrap_or(false);
    let Some(options) = object(body, "stream_options", "stream_options")? else { return Ok(()) };
    if !streams {
        let message = "The 'stream_options' parameter is only allowed when 'stream' is enabled.";
        return Err(Refusal::invalid(message).with_param("stream_options"));
    }
    if let Some(name) = unknown(options, &["include_usage", "include_obfuscation"]) {
        return Err(super::invalid::unknown_field(&format!("stream_options.{name}")));
    }
    boolean(options, "include_usage", "stream_options.include_usage")?;
    boolean(options, "include_obfuscation", "stream_options.include_obfuscation")?;
    Ok(())
}

fn response_format(body: &Object) -> Checked {
    let Some(format) = object(body, "response_format", "response_format")? else { return Ok(()) };
    one_of(format, "type", "response_format.type", &["text", "json_object", "json_schema"])?;
    let kind = required(string(format, "type", "response_format.type")?, "response_format.type")?;
    if kind != "json_schema" {
        return Ok(());
    }
    let at = "response_format.json_schema";
    let json_schema = required(object(format, "json_schema", at)?, at)?;
    let name = format!("{at}.name");
    if !is_tool_name(required(string(json_schema, "name", &name)?, &name)?, 64) {
        return Err(super::invalid::no_tool_name(&name));
    }
    boolean(json_schema, "strict", &format!("{at}.strict"))?;
    match object(json_schema, "schema", &format!("{at}.schema"))? {
        Some(schema) if schema.get("type").and_then(Value::as_str) != Some("object") => {
            let name = string(json_schema, "name", &name)?.unwrap_or_default();
            let got = schema.get("type").and_then(Value::as_str).unwrap_or("None");
            let message = format!(
                "Invalid schema for response_format '{name}': schema must be a JSON Schema of 'type: \"object\"', got \
                 'type: \"{got}\"'."
            );
            Err(Refusal::invalid(message).with_param("response_format"))
        }
        _ => Ok(()),
    }
}

fn metadata(body: &Object) -> Checked {
    let Some(metadata) = object(body, "metadata", "metadata")? else { return Ok(()) };
    if metadata.len() > 16 {
        let message =
            format!("Invalid 'metadata': too many properties. Expected at most 16, but got {}.", metadata.len());
        return Err(Refusal::invalid(message).with_param("metadata").with_code("object_above_max_properties"));
    }
    match metadata.iter().find(|(_, value)| !value.is_string()) {
        Some((key, value)) => Err(wrong_type(&format!("metadata.{key}"), "a string", value)),
        None => array(body, "modalities", "modalities").map(|_| ()),
    }
}
