//! How OpenAI words what is wrong with a request, and the checks that need nothing but the value.

use std::fmt::Display;

use serde_json::Value;

use crate::{
    fields::{Object, kind, present},
    refusal::{Checked, Refusal},
};

pub(super) fn missing(param: &str) -> Refusal {
    Refusal::invalid(format!("Missing required parameter: '{param}'."))
        .with_param(param)
        .with_code("missing_required_parameter")
}

pub(super) fn wrong_type(param: &str, expected: &str, got: &Value) -> Refusal {
    Refusal::invalid(format!("Invalid type for '{param}': expected {expected}, but got {} instead.", kind(got)))
        .with_param(param)
        .with_code("invalid_type")
}

pub(super) fn wrong_value(param: &str, got: &str, supported: &[&str]) -> Refusal {
    let list = supported.iter().map(|value| format!("'{value}'")).collect::<Vec<_>>().join(", ");
    Refusal::invalid(format!("Invalid value: '{got}'. Supported values are: {list}."))
        .with_param(param)
        .with_code("invalid_value")
}

pub(super) fn unknown_field(param: &str) -> Refusal {
    Refusal::invalid(format!("Unknown parameter: '{param}'.")).with_param(param).with_code("unknown_parameter")
}

pub(super) fn unsupported(param: &str, hint: &str) -> Refusal {
    Refusal::invalid(format!("Unsupported parameter: '{param}' is not supported with this model.{hint}"))
        .with_param(param)
        .with_code("unsupported_parameter")
}

pub(super) fn string<'a>(object: &'a Object, name: &str, param: &str) -> Checked<Option<&'a str>> {
    typed(object, name, param, "a string", Value::as_str)
}

pub(super) fn boolean(object: &Object, name: &str, param: &str) -> Checked<Option<bool>> {
    typed(object, name, param, "a boolean", Value::as_bool)
}

pub(super) fn object<'a>(object: &'a Object, name: &str, param: &str) -> Checked<Option<&'a Object>> {
    typed(object, name, param, "an object", Value::as_object)
}

pub(super) fn array<'a>(object: &'a Object, name: &str, param: &str) -> Checked<Option<&'a Vec<Value>>> {
    typed(object, name, param, "an array", Value::as_array)
}

fn typed<'a, T>(
    object: &'a Object,
    name: &str,
    param: &str,
    expected: &str,
    read: impl FnOnce(&'a Value) -> Option<T>,
) -> Checked<Option<T>> {
    let Some(value) = present(object, name) else { return Ok(None) };
    read(value).map(Some).ok_or_else(|| wrong_type(param, expected, value))
}

pub(super) fn required<T>(value: Option<T>, param: &str) -> Checked<T> {
    value.ok_or_else(|| missing(param))
}

pub(super) fn one_of(object: &Object, name: &str, param: &str, supported: &[&str]) -> Checked {
    match string(object, name, param)? {
        Some(value) if !supported.contains(&value) => Err(wrong_value(param, value, supported)),
        _ => Ok(()),
    }
}

pub(super) fn decimal(object: &Object, name: &str, least: f64, most: f64) -> Checked {
    let Some(value) = typed(object, name, name, "a decimal", Value::as_f64)? else { return Ok(()) };
    if value < least {
        return Err(below(name, "decimal", least, value));
    }
    if value > most {
        return Err(above(name, "decimal", most, value));
    }
    Ok(())
}

pub(super) fn integer(object: &Object, name: &str, least: i64, most: i64) -> Checked<Option<i64>> {
    let Some(value) = typed(object, name, name, "an integer", Value::as_i64)? else { return Ok(None) };
    if value < least {
        return Err(below(name, "integer", least, value));
    }
    if value > most {
        return Err(above(name, "integer", most, value));
    }
    Ok(Some(value))
}

fn below(param: &str, what: &str, least: impl Display, got: impl Display) -> Refusal {
    let message =
        format!("Invalid '{param}': {what} below minimum value. Expected a value >= {least}, but got {got} instead.");
    Refusal::invalid(message).with_param(param).with_code(format!("{what}_below_min_value"))
}

fn above(param: &str, what: &str, most: impl Display, got: impl Display) -> Refusal {
    let message =
        format!("Invalid '{param}': {what} above maximum value. Expected a value <= {most}, but got {got} instead.");
    Refusal::invalid(message).with_param(param).with_code(format!("{what}_above_max_value"))
}

pub(super) fn empty_array(param: &str) -> Refusal {
    Refusal::invalid(format!(
        "Invalid '{param}': empty array. Expected an array with minimum length 1, but got an empty array instead."
    ))
    .with_param(param)
    .with_code("empty_array")
}

pub(super) fn too_long(param: &str, most: usize, got: usize) -> Refusal {
    Refusal::invalid(format!(
        "Invalid '{param}': array too long. Expected an array with maximum length {most}, but got an array with \
         length {got} instead."
    ))
    .with_param(param)
    .with_code("array_above_max_length")
}

pub(super) fn no_tool_name(param: &str) -> Refusal {
    Refusal::invalid(format!(
        "Invalid '{param}': string does not match pattern. Expected a string of at most 64 characters that matches \
         the pattern '^[a-zA-Z0-9_-]+$'."
    ))
    .with_param(param)
    .with_code("invalid_value")
}
