//! Reading proto JSON: camelCase and snake_case mean the same, `null` means absent, unknown names are refused.

use std::borrow::Cow;

use serde_json::Value;

use crate::{
    fields::Object,
    refusal::{Checked, Refusal},
};

/// The fields of one message, by their camelCase names.
pub(super) struct Fields<'a> {
    /// Where the message stands, in snake_case: `tools[0].function_declarations[1]`. Empty at the top.
    at: String,
    fields: Vec<(&'static str, &'a Value)>,
}

impl<'a> Fields<'a> {
    pub(super) fn read(value: &'a Value, at: impl Into<String>, known: &'static [&'static str]) -> Checked<Self> {
        let at = at.into();
        let object = value.as_object().ok_or_else(|| wrong_value(&at, "TYPE_MESSAGE", value))?;
        let mut fields = Vec::with_capacity(object.len());
        for (name, value) in object {
            let camel = camel(name);
            let Some(known) = known.iter().find(|known| **known == camel) else {
                return Err(unknown(&at, name));
            };
            if !value.is_null() {
                fields.push((*known, value));
            }
        }
        Ok(Self { at, fields })
    }

    /// The path of a field, as error messages write it.
    pub(super) fn at(&self, name: &str) -> String {
        let name = snake(name);
        if self.at.is_empty() { name } else { format!("{}.{name}", self.at) }
    }

    pub(super) fn here(&self) -> &str {
        &self.at
    }

    pub(super) fn get(&self, name: &str) -> Option<&'a Value> {
        self.fields.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }

    pub(super) fn string(&self, name: &str) -> Checked<Option<&'a str>> {
        self.typed(name, "TYPE_STRING", Value::as_str)
    }

    pub(super) fn boolean(&self, name: &str) -> Checked<Option<bool>> {
        self.typed(name, "TYPE_BOOL", Value::as_bool)
    }

    pub(super) fn number(&self, name: &str) -> Checked<Option<f64>> {
        self.typed(name, "TYPE_FLOAT", Value::as_f64)
    }

    /// Proto JSON also takes an integer in a string.
    pub(super) fn integer(&self, name: &str) -> Checked<Option<i64>> {
        self.typed(name, "TYPE_INT32", |value| value.as_i64().or_else(|| value.as_str()?.parse().ok()))
    }

    pub(super) fn object(&self, name: &str) -> Checked<Option<&'a Object>> {
        self.typed(name, "TYPE_MESSAGE", Value::as_object)
    }

    /// The elements with their paths. One may stand alone.
    pub(super) fn list(&self, name: &str) -> Checked<Vec<(String, &'a Value)>> {
        let at = self.at(name);
        let elements = |value: &'a Value| match value {
            Value::Array(list) => Some(list.as_slice()),
            Value::Object(_) | Value::String(_) => Some(std::slice::from_ref(value)),
            _ => None,
        };
        let list = self.typed(name, "TYPE_MESSAGE", elements)?.into_iter().flatten();
        Ok(list.enumerate().map(|(index, value)| (format!("{at}[{index}]"), value)).collect())
    }

    pub(super) fn strings(&self, name: &str) -> Checked<Vec<&'a str>> {
        let read =
            |(at, value): (String, &'a Value)| value.as_str().ok_or_else(|| wrong_value(&at, "TYPE_STRING", value));
        self.list(name)?.into_iter().map(read).collect()
    }

    /// One of `supported`; the API reads enums in any case.
    pub(super) fn one_of(&self, name: &str, supported: &[&'static str]) -> Checked<Option<&'static str>> {
        let Some(got) = self.string(name)? else { return Ok(None) };
        let found = supported.iter().find(|value| value.eq_ignore_ascii_case(got)).copied();
        found.map(Some).ok_or_else(|| wrong_value(&self.at(name), "TYPE_ENUM", &Value::from(got)))
    }

    fn typed<T>(&self, name: &str, proto: &str, read: impl FnOnce(&'a Value) -> Option<T>) -> Checked<Option<T>> {
        let Some(value) = self.get(name) else { return Ok(None) };
        read(value).map(Some).ok_or_else(|| wrong_value(&self.at(name), proto, value))
    }
}

fn wrong_value(at: &str, proto: &str, value: &Value) -> Refusal {
    Refusal::invalid(format!("Invalid value at '{at}' ({proto}), {value}")).with_param(at)
}

fn unknown(at: &str, name: &str) -> Refusal {
    let place = if at.is_empty() { String::new() } else { format!(" at '{at}'") };
    Refusal::invalid(format!("Invalid JSON payload received. Unknown name \"{name}\"{place}: Cannot find field."))
        .with_param(at)
}

/// A complaint about a field, in the wording of the API's own checks.
pub(super) fn violation(at: &str, complaint: &str) -> Refusal {
    Refusal::invalid(format!("* GenerateContentRequest.{at}: {complaint}\n"))
}

pub(super) fn camel(name: &str) -> Cow<'_, str> {
    // A leading underscore is part of the name: `_responseJsonSchema`.
    let (lead, rest) = name.split_at(usize::from(name.starts_with('_')));
    if !rest.contains('_') {
        return Cow::Borrowed(name);
    }
    let mut words = rest.split('_');
    let mut camel = format!("{lead}{}", words.next().unwrap_or_default());
    for word in words {
        let mut letters = word.chars();
        camel.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
        camel.push_str(letters.as_str());
    }
    Cow::Owned(camel)
}

fn snake(name: &str) -> String {
    let mut snake = String::with_capacity(name.len().saturating_add(4));
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_mean_the_same_field() {
        for (given, expected) in [
            ("max_output_tokens", "maxOutputTokens"),
            ("maxOutputTokens", "maxOutputTokens"),
            ("_response_json_schema", "_responseJsonSchema"),
            ("text", "text"),
        ] {
            assert_eq!(camel(given), expected);
        }
        assert_eq!(snake("functionDeclarations"), "function_declarations");
    }
}
