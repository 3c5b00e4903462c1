//! Structured output: JSON Schema in the words that Anthropic's grammar knows (PROVIDERS A.2).

use super::body::Format;
use crate::capability::Capabilities;
use crate::chat::ResponseFormat;
use crate::json::Str;
use crate::provider::Unsupported;
use crate::provider::schema::{Tree, for_each_child};

/// What the grammar rejects. A constraint that is lost here can only make the answer less tight.
const REJECTED: &[&str] = &[
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "uniqueItems",
    "contains",
    "minContains",
    "maxContains",
    "prefixItems",
    "unevaluatedItems",
    "patternProperties",
    "propertyNames",
    "minProperties",
    "maxProperties",
    "unevaluatedProperties",
    "dependentRequired",
    "dependentSchemas",
    "if",
    "then",
    "else",
    "not",
];

/// Translates `response_format`; None for plain text.
pub(super) fn translate<'a>(
    format: &'a ResponseFormat<'_>,
    capabilities: &Capabilities,
) -> Result<Option<Format<'a>>, Unsupported> {
    let schema = match format.kind.as_str() {
        "text" => return Ok(None),
        "json_object" => None,
        "json_schema" => format.json_schema.as_ref().and_then(|json_schema| json_schema.schema),
        other => {
            let message = format!("this provider has no response format `{other}`");
            return Err(Unsupported::new("response_format.type", message));
        }
    };
    if !capabilities.structured_output {
        return Err(Unsupported::new("response_format", "this model's answer cannot be held to a schema"));
    }
    let schema = match schema {
        None => any_object(),
        Some(raw) => {
            let refuse = |message| Unsupported::new("response_format.json_schema.schema", message);
            let mut tree = Tree::parse(raw).ok_or_else(|| refuse("the schema is nested too deeply"))?;
            restrict(&mut tree).map_err(refuse)?;
            tree
        }
    };
    Ok(Some(Format { kind: "json_schema", schema }))
}

/// The nearest to `json_object`, which Anthropic does not have.
fn any_object() -> Tree<'static> {
    Tree::Object(vec![("type".into(), "object".into()), ("additionalProperties".into(), Tree::Bool(true))])
}

/// Rewrites a schema, and all below it, for the grammar.
///
/// # Errors
/// For an object of free keys: closed, as the grammar wants it, it could only be empty.
pub(super) fn restrict(schema: &mut Tree<'_>) -> Result<(), &'static str> {
    let is_object = schema.is_type("object") || schema.get("properties").is_some();
    if is_object {
        let has_properties = schema.get("properties").is_some_and(|properties| !properties.is_empty());
        let is_open = matches!(schema.get("additionalProperties"), Some(Tree::Object(_) | Tree::Bool(true)))
            || schema.get("patternProperties").is_some();
        if is_open && !has_properties {
            return Err("this provider cannot answer with an object whose keys are not named in `properties`");
        }
    }
    let Tree::Object(fields) = schema else {
        return Ok(());
    };
    let has_any_of = fields.iter().any(|(key, _)| key.as_str() == "anyOf");
    fields.retain(|(key, value)| !is_rejected(key, value, has_any_of));
    for (key, _) in fields.iter_mut().filter(|(key, _)| key.as_str() == "oneOf") {
        *key = Str::from("anyOf");
    }
    if is_object {
        fields.retain(|(key, _)| key.as_str() != "additionalProperties");
        fields.push(("additionalProperties".into(), Tree::Bool(false)));
    }
    for_each_child(fields, restrict)
}

fn is_rejected(keyword: &str, value: &Tree<'_>, has_any_of: bool) -> bool {
    match keyword {
        // The grammar counts to one.
        "minItems" | "maxItems" => !matches!(value, Tree::Number(number) if number.as_u64().is_some_and(|n| n <= 1)),
        "oneOf" => has_any_of,
        _ => REJECTED.contains(&keyword),
    }
}
