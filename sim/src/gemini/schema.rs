//! The proto `Schema` of `parameters` and `responseSchema`: an OpenAPI subset that refuses unknown keywords.

use serde_json::Value;

use super::fields::{Fields, violation};
use crate::refusal::Checked;

const KEYWORDS: &[&str] = &[
    "type",
    "format",
    "title",
    "description",
    "nullable",
    "enum",
    "maxItems",
    "minItems",
    "properties",
    "required",
    "minProperties",
    "maxProperties",
    "minLength",
    "maxLength",
    "pattern",
    "example",
    "anyOf",
    "propertyOrdering",
    "default",
    "items",
    "minimum",
    "maximum",
];
const TYPES: &[&str] = &["STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT", "NULL"];

pub(super) fn check(schema: &Value, at: String) -> Checked {
    let fields = Fields::read(schema, at, KEYWORDS)?;
    let kind = fields.one_of("type", TYPES)?;
    let properties = fields.object("properties")?;
    if kind == Some("OBJECT") && properties.is_none_or(|properties| properties.is_empty()) {
        return Err(violation(&fields.at("properties"), "should be non-empty for OBJECT type"));
    }
    for (name, nested) in properties.into_iter().flatten() {
        check(nested, format!("{}.properties[{name}]", fields.here()))?;
    }
    for required in fields.strings("required")? {
        if !properties.is_some_and(|properties| properties.contains_key(required)) {
            return Err(violation(&fields.at("required"), &format!("property is not defined: {required}")));
        }
    }
    for (at, nested) in fields.list("anyOf")? {
        check(nested, at)?;
    }
    match fields.get("items") {
        Some(items) => check(items, fields.at("items")),
        None if kind == Some("ARRAY") => Err(violation(&fields.at("items"), "missing field.")),
        None => Ok(()),
    }
}
