//! Structured output: JSON Schema in the keywords that Gemini knows (PROVIDERS A.3).

use crate::chat::ResponseFormat;
use crate::json::Str;
use crate::provider::Unsupported;
use crate::provider::schema::{Tree, for_each_child};
use std::collections::BTreeSet;

const NO_ALL_OF: &str = "this provider has no `allOf`";

/// What `responseJsonSchema` reads, as the SDK documents it.
const KNOWN: &[&str] = &[
    "$id",
    "$defs",
    "$ref",
    "$anchor",
    "type",
    "format",
    "title",
    "description",
    "enum",
    "items",
    "prefixItems",
    "minItems",
    "maxItems",
    "minimum",
    "maximum",
    "anyOf",
    "oneOf",
    "properties",
    "additionalProperties",
    "required",
    "propertyOrdering",
];

/// Whether the answer shall be JSON, and of which schema.
#[derive(Default)]
pub(super) struct Format<'a> {
    pub mime_type: Option<&'static str>,
    pub schema: Option<Tree<'a>>,
}

/// Translates `response_format`.
pub(super) fn translate<'a>(format: &'a ResponseFormat<'_>) -> Result<Format<'a>, Unsupported> {
    let schema = match format.kind.as_str() {
        "text" => return Ok(Format::default()),
        "json_object" => None,
        "json_schema" => format.json_schema.as_ref().and_then(|json_schema| json_schema.schema),
        other => {
            let message = format!("this provider has no response format `{other}`");
            return Err(Unsupported::new("response_format.type", message));
        }
    };
    let schema = match schema {
        None => None,
        Some(raw) => {
            let refuse = |message| Unsupported::new("response_format.json_schema.schema", message);
            let mut tree = Tree::parse(raw).ok_or_else(|| refuse("the schema is nested too deeply"))?;
            restrict(&mut tree).map_err(refuse)?;
            Some(tree)
        }
    };
    Ok(Format { mime_type: Some("application/json"), schema })
}

/// Leaves the keywords that Gemini knows, and says in them what can be said so.
fn restrict(schema: &mut Tree<'_>) -> Result<(), &'static str> {
    let Tree::Object(fields) = schema else {
        return Ok(());
    };
    // A wrapper that some generators put around a reference.
    while let Some(at) = fields.iter().position(|(key, _)| key.as_str() == "allOf") {
        let (_, parts) = fields.remove(at);
        let Tree::List(parts) = parts else { return Err(NO_ALL_OF) };
        let [Tree::Object(part)] = <[Tree<'_>; 1]>::try_from(parts).map_err(|_| NO_ALL_OF)? else {
            return Err(NO_ALL_OF);
        };
        let names: BTreeSet<&str> = part.iter().map(|(key, _)| key.as_str()).collect();
        fields.retain(|(key, _)| !names.contains(key.as_str()));
        fields.extend(part);
    }
    if fields.iter().any(|(key, _)| key.as_str() == "const") {
        fields.retain(|(key, _)| key.as_str() != "enum");
    }
    for (key, value) in fields.iter_mut() {
        match key.as_str() {
            "const" => {
                *key = Str::from("enum");
                *value = Tree::List(vec![std::mem::replace(value, Tree::Null)]);
            }
            "definitions" => *key = Str::from("$defs"),
            "$ref" => {
                if let Tree::Text(target) = value
                    && let Some(name) = target.strip_prefix("#/definitions/")
                {
                    *target = format!("#/$defs/{name}").into();
                }
            }
            _ => {}
        }
    }
    fields.retain(|(key, _)| KNOWN.contains(&key.as_str()));
    for_each_child(fields, restrict)
}
