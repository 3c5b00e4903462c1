//! The smallest instance of a JSON schema: the arguments of a simulated tool call, the document of a JSON answer.

use serde_json::{Map, Value, json};

/// Recursive schemas end here; what is deeper becomes `null`.
const MAX_DEPTH: usize = 16;

/// A document that fits the schema: required properties only, first enum value, `"sim"`, `1`, `true`.
///
/// Understands the keywords that the three providers accept in schemas, in JSON Schema's spelling and in Gemini's
/// upper-case type names. Patterns are not satisfied.
pub(crate) fn instance(schema: &Value) -> Value {
    build(schema, schema, 0)
}

fn build(schema: &Value, root: &Value, depth: usize) -> Value {
    if depth > MAX_DEPTH {
        return Value::Null;
    }
    let deeper = |schema: &Value| build(schema, root, depth.saturating_add(1));
    if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
        return target.strip_prefix('#').and_then(|pointer| root.pointer(pointer)).map_or(Value::Null, deeper);
    }
    if let Some(fixed) = schema.get("const") {
        return fixed.clone();
    }
    if let Some(first) = first(schema, "enum") {
        return first.clone();
    }
    if let Some(option) = first(schema, "anyOf").or_else(|| first(schema, "oneOf")) {
        return deeper(option);
    }
    if let Some(all) = schema.get("allOf").and_then(Value::as_array) {
        return all.iter().map(deeper).reduce(merge).unwrap_or(Value::Null);
    }
    match type_of(schema).as_str() {
        "object" => object(schema, deeper),
        "array" => array(schema, deeper),
        "integer" => number(schema),
        "number" => number(schema),
        "boolean" => json!(true),
        "null" => Value::Null,
        _ => string(schema),
    }
}

fn first<'a>(schema: &'a Value, keyword: &str) -> Option<&'a Value> {
    schema.get(keyword).and_then(Value::as_array).and_then(|list| list.first())
}

fn type_of(schema: &Value) -> String {
    let named = match schema.get("type") {
        Some(Value::String(name)) => Some(name.as_str()),
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).find(|name| *name != "null"),
        _ => None,
    };
    match named {
        Some(name) => name.to_ascii_lowercase(),
        None if schema.get("properties").is_some() => "object".to_owned(),
        None if schema.get("items").is_some() => "array".to_owned(),
        None => "string".to_owned(),
    }
}

fn object(schema: &Value, build: impl Fn(&Value) -> Value) -> Value {
    let names = schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let property = |name: &str| schema.get("properties").and_then(|properties| properties.get(name));
    Value::Object(
        names.map(|name| (name.to_owned(), property(name).map_or_else(|| json!("sim"), &build))).collect::<Map<_, _>>(),
    )
}

fn array(schema: &Value, build: impl Fn(&Value) -> Value) -> Value {
    if let Some(prefix) = schema.get("prefixItems").and_then(Value::as_array) {
        return prefix.iter().map(build).collect();
    }
    // Gemini writes int64 values such as minItems as strings, too.
    let least = schema.get("minItems").and_then(|n| n.as_u64().or_else(|| n.as_str()?.parse().ok())).unwrap_or(0);
    let item = schema.get("items").map_or_else(|| json!("sim"), build);
    Value::Array(vec![item; usize::try_from(least.min(100)).unwrap_or(0)])
}

fn number(schema: &Value) -> Value {
    let bound = |keyword: &str| schema.get(keyword).and_then(Value::as_f64);
    let mut number = 1.0_f64;
    if let Some(least) = bound("minimum") {
        number = number.max(least.ceil());
    }
    if let Some(above) = bound("exclusiveMinimum") {
        number = number.max(above.floor() + 1.0);
    }
    if let Some(most) = bound("maximum") {
        number = number.min(most);
    }
    if number.fract() == 0.0 { json!(number as i64) } else { json!(number) }
}

fn string(schema: &Value) -> Value {
    let text = match schema.get("format").and_then(Value::as_str) {
        Some("date") => "2026-11-22",
        Some("date-time") => "2026-11-22T12:00:00Z",
        Some("time") => "12:00:00Z",
        Some("email") => "sim@example.com",
        Some("uri" | "url") => "https://example.com/",
        Some("uuid") => "00000000-0000-4000-8000-000000000000",
        Some("ipv4") => "127.0.0.1",
        _ => "sim",
    };
    let bound = |keyword: &str| schema.get(keyword).and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok());
    let mut text = text.to_owned();
    if let Some(least) = bound("minLength") {
        while text.len() < least.min(10_000) {
            text.push_str("sim");
        }
    }
    if let Some(most) = bound("maxLength") {
        text.truncate(most);
    }
    Value::String(text)
}

fn merge(mut left: Value, right: Value) -> Value {
    match (&mut left, right) {
        (Value::Object(left), Value::Object(right)) => left.extend(right),
        (left, right) => *left = right,
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_instance_fits_its_schema() {
        for (schema, expected) in [
            (json!({"type": "string"}), json!("sim")),
            (json!({"type": "string", "enum": ["c", "f"]}), json!("c")),
            (json!({"type": ["null", "integer"], "minimum": 5}), json!(5)),
            (json!({"type": "number", "maximum": 0.5}), json!(0.5)),
            (json!({"type": "array", "items": {"type": "boolean"}, "minItems": 2}), json!([true, true])),
            (json!({"type": "array", "items": {"type": "boolean"}}), json!([])),
            (json!({"anyOf": [{"type": "integer"}, {"type": "null"}]}), json!(1)),
            (
                json!({"allOf": [{"type": "object", "required": ["a"]}, {"type": "object", "required": ["b"]}]}),
                json!({"a": "sim", "b": "sim"}),
            ),
            (json!({"type": "OBJECT", "properties": {"n": {"type": "INTEGER"}}, "required": ["n"]}), json!({"n": 1})),
            (json!({"type": "object", "properties": {"n": {"type": "integer"}}}), json!({})),
            (json!({"$ref": "#/$defs/a", "$defs": {"a": {"const": 7}}}), json!(7)),
            (json!({"type": "string", "minLength": 5, "maxLength": 5}), json!("simsi")),
        ] {
            assert_eq!(instance(&schema), expected, "{schema}");
        }
    }

    #[test]
    fn a_schema_that_contains_itself_ends() {
        let schema = json!({"type": "object", "properties": {"next": {"$ref": "#"}}, "required": ["next"]});
        assert!(instance(&schema).is_object());
    }
}
