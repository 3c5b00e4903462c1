//! `output_config`: effort, and the JSON schema of the answer with the keywords its grammar cannot enforce.

use serde_json::Value;

use super::{
    invalid::{invalid, object, one_of, only, required, string},
    model::Capabilities,
};
use crate::{
    fields::Object,
    refusal::{Checked, Refusal},
};

/// Keywords that the grammar refuses (docs of the provider, A.2). `minItems` of 0 and 1 is allowed.
const REFUSED: &[&str] = &[
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "uniqueItems",
    "maxItems",
    "minProperties",
    "maxProperties",
    "patternProperties",
    "propertyNames",
    "if",
    "then",
    "else",
    "not",
    "prefixItems",
    "oneOf",
];

pub(super) fn check(body: &Object, model: Capabilities) -> Checked {
    let Some(config) = object(body, "output_config", "")? else { return Ok(()) };
    only(config, &["effort", "format", "task_budget"], "output_config")?;
    if let Some(effort) = string(config, "effort", "output_config")? {
        if model.efforts.is_empty() {
            return Err(Refusal::invalid("This model does not support the effort parameter."));
        }
        one_of(effort, model.efforts, "output_config.effort")?;
    }
    let at = "output_config.format";
    let Some(format) = object(config, "format", "output_config")? else { return Ok(()) };
    only(format, &["type", "schema"], at)?;
    one_of(required(string(format, "type", at)?, "type", at)?, &["json_schema"], "output_config.format.type")?;
    let schema = required(format.get("schema"), "schema", at)?;
    self::schema(schema)
}

/// Walks schemas only: a property that is called `minimum` is no keyword.
fn schema(schema: &Value) -> Checked {
    let Some(object) = schema.as_object() else {
        return match schema {
            Value::Bool(_) => Ok(()),
            _ => Err(invalid("output_config.format.schema", "Input should be a valid dictionary")),
        };
    };
    let kind = object.get("type").and_then(Value::as_str).unwrap_or("schema");
    let unsupported = |keyword: &str| {
        invalid("output_config.format.schema", format!("For '{kind}' type, property '{keyword}' is not supported"))
    };
    if let Some(keyword) = object.keys().find(|keyword| REFUSED.contains(&keyword.as_str())) {
        return Err(unsupported(keyword));
    }
    if object.get("minItems").and_then(Value::as_u64).is_some_and(|least| least > 1) {
        return Err(unsupported("minItems"));
    }
    if kind == "object" && object.get("additionalProperties") != Some(&Value::Bool(false)) && !is_permissive(object) {
        let complaint = "For 'object' type, 'additionalProperties' must be explicitly set to false";
        return Err(invalid("output_config.format.schema", complaint));
    }
    for keyword in ["properties", "$defs", "definitions"] {
        for nested in object.get(keyword).and_then(Value::as_object).into_iter().flat_map(Object::values) {
            self::schema(nested)?;
        }
    }
    for keyword in ["anyOf", "allOf"] {
        for nested in object.get(keyword).and_then(Value::as_array).into_iter().flatten() {
            self::schema(nested)?;
        }
    }
    object.get("items").map_or(Ok(()), self::schema)
}

/// `{"type":"object","additionalProperties":true}`, any object at all: how gateways ask for "some JSON".
fn is_permissive(object: &Object) -> bool {
    !object.contains_key("properties") && object.get("additionalProperties") == Some(&Value::Bool(true))
}

/// The schema the answer must fit.
pub(super) fn wanted(body: &Object) -> Option<&Value> {
    body.get("output_config")?.get("format")?.get("schema")
}
