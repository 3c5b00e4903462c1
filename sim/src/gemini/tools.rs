//! Function declarations and the choice among them.

use serde_json::Value;

use super::{
    fields::{Fields, violation},
    schema,
};
use crate::{
    ask::{Choice, Tool},
    refusal::{Checked, Refusal},
};

const TOOL: &[&str] = &[
    "functionDeclarations",
    "googleSearch",
    "googleSearchRetrieval",
    "codeExecution",
    "urlContext",
    "computerUse",
    "googleMaps",
    "fileSearch",
    "mcpServers",
];
const DECLARATION: &[&str] =
    &["name", "description", "parameters", "parametersJsonSchema", "response", "responseJsonSchema", "behavior"];

pub(super) fn tools<'a>(request: &Fields<'a>) -> Checked<Vec<Tool<'a>>> {
    let mut tools: Vec<Tool<'_>> = Vec::new();
    for (at, tool) in request.list("tools")? {
        let tool = Fields::read(tool, at, TOOL)?;
        for (at, declaration) in tool.list("functionDeclarations")? {
            let tool = self::declaration(declaration, at)?;
            if tools.iter().any(|other| other.name == tool.name) {
                return Err(Refusal::invalid(format!("Duplicate function declaration found: {}", tool.name)));
            }
            tools.push(tool);
        }
    }
    Ok(tools)
}

fn declaration(value: &Value, at: String) -> Checked<Tool<'_>> {
    let declaration = Fields::read(value, at, DECLARATION)?;
    let name = declaration.string("name")?.unwrap_or_default();
    check_name(name, &declaration.at("name"))?;
    declaration.string("description")?;
    let (proto, json) = (declaration.get("parameters"), declaration.get("parametersJsonSchema"));
    if proto.is_some() && json.is_some() {
        let complaint = "only one of parameters and parameters_json_schema may be set";
        return Err(violation(declaration.here(), complaint));
    }
    if let Some(proto) = proto {
        schema::check(proto, declaration.at("parameters"))?;
    }
    if let Some(json) = json
        && !json.is_object()
    {
        return Err(violation(&declaration.at("parametersJsonSchema"), "must be a JSON schema object"));
    }
    Ok(Tool { name, schema: proto.or(json) })
}

/// Starts with a letter or underscore, then letters, digits, `_ . : -`, at most 128 in all.
pub(super) fn check_name(name: &str, at: &str) -> Checked {
    let begins = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let goes_on = name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b':' | b'-'));
    if begins && goes_on && name.len() <= 128 {
        return Ok(());
    }
    Err(violation(
        at,
        "Invalid function name. Must start with a letter or an underscore. Must be alphanumeric (a-z, A-Z, 0-9), \
         underscores (_), dots (.), colons (:), or dashes (-), with a maximum length of 128.",
    ))
}

pub(super) fn choice<'a>(request: &Fields<'a>, tools: &[Tool<'a>]) -> Checked<Choice<'a>> {
    let Some(value) = request.get("toolConfig") else { return Ok(Choice::Auto) };
    let known = &["functionCallingConfig", "retrievalConfig", "includeServerSideToolInvocations"];
    let config = Fields::read(value, "tool_config", known)?;
    let Some(value) = config.get("functionCallingConfig") else { return Ok(Choice::Auto) };
    let known = &["mode", "allowedFunctionNames"];
    let calling = Fields::read(value, config.at("functionCallingConfig"), known)?;
    let mode = calling.one_of("mode", &["MODE_UNSPECIFIED", "AUTO", "ANY", "NONE", "VALIDATED"])?;
    let allowed = calling.strings("allowedFunctionNames")?;
    let forced = matches!(mode, Some("ANY" | "VALIDATED"));
    if !allowed.is_empty() && !forced {
        return Err(Refusal::invalid(
            "Allowed function names should only be set when the function calling mode is ANY or VALIDATED.",
        ));
    }
    if mode == Some("ANY") && tools.is_empty() {
        return Err(Refusal::invalid("Function calling mode ANY requires at least one function declaration."));
    }
    if let Some(unknown) = allowed.iter().find(|name| tools.iter().all(|tool| tool.name != **name)) {
        let complaint = format!("{unknown} is not a declared function");
        return Err(violation(&calling.at("allowedFunctionNames"), &complaint));
    }
    Ok(match mode {
        Some("NONE") => Choice::None,
        Some("ANY" | "VALIDATED") if !allowed.is_empty() => Choice::Named(allowed),
        Some("ANY") => Choice::Any,
        _ => Choice::Auto,
    })
}
