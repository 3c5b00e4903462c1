//! The proto `Schema`, OpenAPI's subset in Google's words, as the JSON Schema that the others read (PROVIDERS A.3).

use crate::json::{Raw, Str};
use crate::provider::schema::{Tree, for_each_child};
use serde_json::value::{RawValue, to_raw_value};

/// What a schema is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Of {
    /// A call's arguments.
    Arguments,
    /// An answer. Gemini's hold the properties of their schema and no others, which JSON Schema must be told.
    Answer,
}

/// The JSON Schema that `raw` says; None when it is no object, or is nested too deeply.
pub(super) fn json_schema(raw: Raw<'_>, of: Of) -> Option<Box<RawValue>> {
    let mut tree = Tree::parse(raw).filter(|tree| matches!(tree, Tree::Object(_)))?;
    let Ok(()) = rewrite(&mut tree, of);
    to_raw_value(&tree).ok()
}

fn rewrite(schema: &mut Tree<'_>, of: Of) -> Result<(), std::convert::Infallible> {
    let Tree::Object(fields) = schema else { return Ok(()) };
    for (key, _) in fields.iter_mut() {
        if let Some(camel) = camel(key) {
            *key = camel.into();
        }
    }
    let is_nullable = take(fields, "nullable").is_some_and(|value| value == Tree::Bool(true));
    let order = take(fields, "propertyOrdering");
    for (key, value) in fields.iter_mut() {
        match (key.as_str(), value) {
            ("type", Tree::Text(word)) => *word = word.to_ascii_lowercase().into(),
            ("example", value) => {
                *key = "examples".into();
                *value = Tree::List(vec![std::mem::replace(value, Tree::Null)]);
            }
            // 64-bit numbers are strings in proto's JSON.
            (
                "minItems" | "maxItems" | "minLength" | "maxLength" | "minProperties" | "maxProperties",
                value @ Tree::Text(_),
            ) => {
                if let Tree::Text(text) = value
                    && let Ok(number) = text.parse::<u64>()
                {
                    *value = Tree::Number(number.into());
                }
            }
            _ => {}
        }
    }
    fields.retain(|(key, value)| match (key.as_str(), value) {
        ("type", Tree::Text(word)) => word.as_str() != "type_unspecified",
        // It only says that there is an `enum`.
        ("format", Tree::Text(word)) => word.as_str() != "enum",
        _ => true,
    });
    if is_nullable {
        allow_null(fields);
    }
    if let (Some(Tree::List(order)), Some((_, Tree::Object(properties)))) =
        (order, fields.iter_mut().find(|(key, _)| key.as_str() == "properties"))
    {
        let place =
            |name: &str| order.iter().position(|tree| matches!(tree, Tree::Text(text) if text.as_str() == name));
        // Stable: those that are not named stay behind, as they were.
        properties.sort_by_key(|(name, _)| place(name).unwrap_or(usize::MAX));
    }
    let has = |name: &str| fields.iter().any(|(key, _)| key.as_str() == name);
    if of == Of::Answer && has("properties") && !has("additionalProperties") {
        fields.push(("additionalProperties".into(), Tree::Bool(false)));
    }
    for_each_child(fields, |child| rewrite(child, of))
}

fn allow_null(fields: &mut Vec<(Str<'_>, Tree<'_>)>) {
    for (key, value) in fields.iter_mut() {
        match (key.as_str(), value) {
            ("type", value @ Tree::Text(_)) => {
                let word = std::mem::replace(value, Tree::Null);
                *value = Tree::List(vec![word, "null".into()]);
            }
            ("enum", Tree::List(words)) if !words.contains(&Tree::Null) => words.push(Tree::Null),
            ("anyOf", Tree::List(schemas)) => {
                schemas.push(Tree::Object(vec![("type".into(), "null".into())]));
            }
            _ => {}
        }
    }
}

fn take<'a>(fields: &mut Vec<(Str<'a>, Tree<'a>)>, name: &str) -> Option<Tree<'a>> {
    let at = fields.iter().position(|(key, _)| key.as_str() == name)?;
    Some(fields.remove(at).1)
}

/// The JSON Schema keyword that a key of the proto means, where they differ.
fn camel(key: &str) -> Option<&'static str> {
    Some(match key {
        "any_of" => "anyOf",
        "max_items" => "maxItems",
        "min_items" => "minItems",
        "max_length" => "maxLength",
        "min_length" => "minLength",
        "max_properties" => "maxProperties",
        "min_properties" => "minProperties",
        "property_ordering" => "propertyOrdering",
        "additional_properties" => "additionalProperties",
        "prefix_items" => "prefixItems",
        "ref" => "$ref",
        "defs" => "$defs",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn check(proto: &str, expect: &str) {
        let raw: Box<RawValue> = RawValue::from_string(proto.to_owned()).unwrap();
        assert_eq!(json_schema(Raw(&raw), Of::Arguments).map(|made| made.get().to_owned()).as_deref(), Some(expect));
    }

    #[test]
    fn googles_words_become_json_schemas() {
        check(
            r#"{"type":"OBJECT","properties":{"a":{"type":"STRING","nullable":true,"format":"enum","enum":["x"]},
               "b":{"type":"ARRAY","items":{"type":"INTEGER","format":"int32"},"min_items":"2"}},"required":["a"]}"#,
            r#"{"type":"object","properties":{"a":{"type":["string","null"],"enum":["x",null]},"b":{"type":"array","items":{"type":"integer","format":"int32"},"minItems":2}},"required":["a"]}"#,
        );
        check(
            r#"{"type":"OBJECT","properties":{"z":{"any_of":[{"type":"NUMBER"}],"nullable":true},"a":{"example":1}},"propertyOrdering":["a","z"]}"#,
            r#"{"type":"object","properties":{"a":{"examples":[1]},"z":{"anyOf":[{"type":"number"},{"type":"null"}]}}}"#,
        );
    }

    #[test]
    fn a_property_may_have_any_name() {
        check(
            r#"{"type":"OBJECT","properties":{"type":{"type":"STRING"},"nullable":{"type":"BOOLEAN"},"any_of":{"type":"STRING"}}}"#,
            r#"{"type":"object","properties":{"type":{"type":"string"},"nullable":{"type":"boolean"},"any_of":{"type":"string"}}}"#,
        );
    }

    #[test]
    fn the_objects_of_an_answer_are_closed() {
        let proto = r#"{"properties":{"a":{"type":"OBJECT","properties":{"b":{}}},"c":{"type":"OBJECT"}}}"#;
        let raw = RawValue::from_string(proto.to_owned()).unwrap();
        let expect = r#"{"properties":{"a":{"type":"object","properties":{"b":{}},"additionalProperties":false},"c":{"type":"object"}},"additionalProperties":false}"#;
        assert_eq!(json_schema(Raw(&raw), Of::Answer).unwrap().get(), expect);
    }

    #[test]
    fn what_is_no_schema_is_none() {
        let raw = RawValue::from_string("[1]".to_owned()).unwrap();
        assert!(json_schema(Raw(&raw), Of::Answer).is_none());
    }
}
