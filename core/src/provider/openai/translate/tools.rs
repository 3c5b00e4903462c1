//! Tools on offer, and which of them may or must be called.

use super::body::{Declaration, Named, Tool, ToolChoice};
use crate::chat::{self, ChatRequest, FunctionDef};
use crate::json::{Raw, Str};
use crate::provider::Unsupported;
use crate::provider::schema::{Tree, for_each_child};
use crate::provider::unmapped::Dropped;
use serde::Serialize;
use std::collections::BTreeSet;

#[derive(Default)]
pub(super) struct Tools<'a> {
    pub list: Vec<Tool<'a>>,
    pub choice: Option<ToolChoice<'a>>,
    pub parallel: Option<bool>,
}

/// A schema as the client wrote it, or completed.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Schema<'a> {
    Raw(Raw<'a>),
    Tree(Tree<'a>),
}

/// Translates tools, choice and whether calls may come in parallel, which is an error without tools.
pub(super) fn translate<'a>(chat: &'a ChatRequest<'_>, dropped: &mut Dropped) -> Result<Tools<'a>, Unsupported> {
    let mut list = Vec::new();
    for (index, tool) in chat.tools.iter().flatten().enumerate() {
        let Some(function) = tool.function.as_ref().filter(|_| tool.kind.as_str() == "function") else {
            let message = format!("this provider has no tools of type `{}`", tool.kind.as_str());
            dropped.instead("tools", Unsupported::new(format!("tools[{index}].type"), message))?;
            continue;
        };
        list.push(Tool { kind: "function", function: declaration(index, function, dropped)? });
    }
    if list.is_empty() {
        if !matches!(&chat.tool_choice, Some(chat::ToolChoice::None | chat::ToolChoice::Auto) | None) {
            dropped.instead("tool_choice", Unsupported::new("tool_choice", "there are no tools to choose from"))?;
        }
        return Ok(Tools::default());
    }
    let choice = match &chat.tool_choice {
        Some(choice) => choose(choice, &mut list, dropped)?,
        None => None,
    };
    Ok(Tools { list, choice, parallel: chat.parallel_tool_calls })
}

fn declaration<'a>(
    index: usize,
    function: &'a FunctionDef<'_>,
    dropped: &mut Dropped,
) -> Result<Declaration<'a>, Unsupported> {
    let path = |field: &str| format!("tools[{index}].function.{field}");
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if !(1..=64).contains(&function.name.len()) || !function.name.bytes().all(is_plain) {
        let message = "the name must be 1 to 64 letters, digits, `_` or `-`";
        return Err(Unsupported::new(path("name"), message));
    }
    let mut strict = function.strict;
    if strict == Some(true) && !function.parameters.is_some_and(fits_strict) {
        strict = None;
        dropped.add("strict");
    }
    let parameters = match function.parameters {
        Some(raw) => Some(parameters(raw).map_err(|message| Unsupported::new(path("parameters"), message))?),
        None => None,
    };
    let description = function.description.as_ref().map(Str::as_str).filter(|text| !text.is_empty());
    Ok(Declaration { name: &function.name, description, parameters, strict })
}

/// "object schema missing properties" is an error at OpenAI, unlike at the others.
fn parameters(raw: Raw<'_>) -> Result<Schema<'_>, &'static str> {
    let tree = Tree::parse(raw).ok_or("the schema is nested too deeply")?;
    let Tree::Object(mut fields) = tree else { return Err("the schema must be an object") };
    let has = |fields: &[(Str<'_>, Tree<'_>)], name: &str| fields.iter().any(|(key, _)| key.as_str() == name);
    if has(&fields, "type") && has(&fields, "properties") {
        return Ok(Schema::Raw(raw));
    }
    if !has(&fields, "type") {
        fields.insert(0, ("type".into(), "object".into()));
    }
    if !has(&fields, "properties") {
        fields.push(("properties".into(), Tree::Object(Vec::new())));
    }
    Ok(Schema::Tree(Tree::Object(fields)))
}

/// Whether the schema is of objects, as far as it says so at its root.
pub(super) fn is_of_objects(raw: Raw<'_>) -> bool {
    Tree::parse(raw).is_some_and(|tree| tree.is_type("object"))
}

/// Whether OpenAI can hold an answer to the schema: each object closed and all its properties required.
pub(super) fn fits_strict(raw: Raw<'_>) -> bool {
    Tree::parse(raw).is_some_and(|mut tree| is_strict(&mut tree).is_ok())
}

fn is_strict(schema: &mut Tree<'_>) -> Result<(), ()> {
    const UNKNOWN: [&str; 9] =
        ["oneOf", "allOf", "not", "if", "then", "else", "patternProperties", "dependentRequired", "dependentSchemas"];
    if schema.is_type("object") || schema.get("properties").is_some() {
        let is_closed = matches!(schema.get("additionalProperties"), Some(Tree::Bool(false)));
        let is_required = |name: &str| match schema.get("required") {
            Some(Tree::List(names)) => {
                names.iter().any(|tree| matches!(tree, Tree::Text(text) if text.as_str() == name))
            }
            _ => false,
        };
        let all_required = match schema.get("properties") {
            Some(Tree::Object(properties)) => properties.iter().all(|(name, _)| is_required(name)),
            _ => true,
        };
        if !is_closed || !all_required {
            return Err(());
        }
    }
    let Tree::Object(fields) = schema else { return Ok(()) };
    if fields.iter().any(|(key, _)| UNKNOWN.contains(&key.as_str())) {
        return Err(());
    }
    for_each_child(fields, is_strict)
}

fn choose<'a>(
    choice: &'a chat::ToolChoice<'_>,
    list: &mut Vec<Tool<'a>>,
    dropped: &mut Dropped,
) -> Result<Option<ToolChoice<'a>>, Unsupported> {
    Ok(Some(match choice {
        chat::ToolChoice::None => ToolChoice::Word("none"),
        chat::ToolChoice::Auto => ToolChoice::Word("auto"),
        chat::ToolChoice::Required => ToolChoice::Word("required"),
        chat::ToolChoice::Function(name) if list.iter().any(|tool| tool.function.name == name.as_str()) => {
            ToolChoice::Function { kind: "function", function: Named { name } }
        }
        chat::ToolChoice::Function(_) => {
            return Err(Unsupported::new("tool_choice.function.name", "no tool has this name"));
        }
        chat::ToolChoice::Allowed { required, names } => {
            // Not every compatible server knows `allowed_tools`; what is not offered cannot be called either.
            let names: BTreeSet<&str> = names.iter().map(Str::as_str).collect();
            list.retain(|tool| names.contains(tool.function.name));
            if list.is_empty() {
                return Err(Unsupported::new("tool_choice.allowed_tools.tools", "none of these tools is offered"));
            }
            ToolChoice::Word(if *required { "required" } else { "auto" })
        }
        chat::ToolChoice::Other(kind) => {
            let message = format!("this provider has no tool choice of type `{}`", kind.as_str());
            dropped.instead("tool_choice", Unsupported::new("tool_choice.type", message))?;
            return Ok(None);
        }
    }))
}
