//! How Anthropic words what is wrong with a request: `<path>: <complaint>`, the path with dots.

use std::fmt::Display;

use serde_json::Value;

use crate::{
    fields::{Object, present, unknown},
    refusal::{Checked, Refusal},
};

pub(super) fn invalid(at: impl Display, complaint: impl Display) -> Refusal {
    Refusal::invalid(format!("{at}: {complaint}"))
}

pub(super) fn missing(at: impl Display) -> Refusal {
    invalid(at, "Field required")
}

pub(super) fn extra(at: impl Display) -> Refusal {
    invalid(at, "Extra inputs are not permitted")
}

/// Refuses the first field that is not in `known`; `at` is empty at the top.
pub(super) fn only(object: &Object, known: &[&str], at: &str) -> Checked {
    match unknown(object, known) {
        None => Ok(()),
        Some(name) => Err(extra(join(at, name))),
    }
}

pub(super) fn join(at: &str, name: &str) -> String {
    if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") }
}

pub(super) fn as_object<'a>(value: &'a Value, at: &str) -> Checked<&'a Object> {
    value.as_object().ok_or_else(|| invalid(at, "Input should be a valid dictionary"))
}

pub(super) fn string<'a>(object: &'a Object, name: &str, at: &str) -> Checked<Option<&'a str>> {
    typed(object, name, at, "Input should be a valid string", Value::as_str)
}

pub(super) fn boolean(object: &Object, name: &str, at: &str) -> Checked<Option<bool>> {
    typed(object, name, at, "Input should be a valid boolean", Value::as_bool)
}

pub(super) fn integer(object: &Object, name: &str, at: &str) -> Checked<Option<i64>> {
    typed(object, name, at, "Input should be a valid integer", Value::as_i64)
}

pub(super) fn object<'a>(object: &'a Object, name: &str, at: &str) -> Checked<Option<&'a Object>> {
    typed(object, name, at, "Input should be a valid dictionary", Value::as_object)
}

pub(super) fn array<'a>(object: &'a Object, name: &str, at: &str) -> Checked<Option<&'a Vec<Value>>> {
    typed(object, name, at, "Input should be a valid list", Value::as_array)
}

pub(super) fn required<T>(value: Option<T>, name: &str, at: &str) -> Checked<T> {
    value.ok_or_else(|| missing(join(at, name)))
}

fn typed<'a, T>(
    object: &'a Object,
    name: &str,
    at: &str,
    complaint: &str,
    read: impl FnOnce(&'a Value) -> Option<T>,
) -> Checked<Option<T>> {
    let Some(value) = present(object, name) else { return Ok(None) };
    read(value).map(Some).ok_or_else(|| invalid(join(at, name), complaint))
}

/// A number between `least` and `most`.
pub(super) fn ranged(object: &Object, name: &str, least: f64, most: f64) -> Checked<Option<f64>> {
    let Some(value) = typed(object, name, "", "Input should be a valid number", Value::as_f64)? else {
        return Ok(None);
    };
    if value < least {
        return Err(invalid(name, format!("Input should be greater than or equal to {least}")));
    }
    if value > most {
        return Err(invalid(name, format!("Input should be less than or equal to {most}")));
    }
    Ok(Some(value))
}

pub(super) fn one_of(got: &str, supported: &[&str], at: &str) -> Checked {
    if supported.contains(&got) {
        return Ok(());
    }
    let list = supported.iter().map(|value| format!("'{value}'")).collect::<Vec<_>>().join(", ");
    Err(invalid(at, format!("Input should be {list}")))
}
