//! Tools and the choice among them.

use serde_json::Value;

use super::invalid::{array, boolean, no_tool_name, object, required, string, too_long, wrong_type, wrong_value};
use crate::{
    ask::{Choice, Tool},
    fields::{Object, is_tool_name, present},
    refusal::{Checked, Refusal},
};

/// What the request offers, checked.
pub(super) struct Offer<'a> {
    pub(super) tools: Vec<Tool<'a>>,
    pub(super) choice: Choice<'a>,
    pub(super) parallel: bool,
}

pub(super) fn offer(body: &Object) -> Checked<Offer<'_>> {
    let tools = match array(body, "tools", "tools")? {
        Some(list) if list.is_empty() => return Err(super::invalid::empty_array("tools")),
        Some(list) if list.len() > 128 => return Err(too_long("tools", 128, list.len())),
        Some(list) => list.iter().enumerate().map(|(index, tool)| self::tool(tool, index)).collect::<Checked<_>>()?,
        None => Vec::new(),
    };
    if tools.is_empty() {
        let only_with_tools = ["tool_choice", "parallel_tool_calls"].into_iter().find(|name| {
            // "none" is the default without tools.
            present(body, name).is_some_and(|value| value != "none")
        });
        if let Some(name) = only_with_tools {
            let message = format!("Invalid value for '{name}': '{name}' is only allowed when 'tools' are specified.");
            return Err(Refusal::invalid(message).with_param(name));
        }
    }
    let (choice, tools) = choice(body, tools)?;
    let parallel = boolean(body, "parallel_tool_calls", "parallel_tool_calls")?.unwrap_or(true);
    Ok(Offer { tools, choice, parallel })
}

fn tool(tool: &Value, index: usize) -> Checked<Tool<'_>> {
    let at = format!("tools[{index}]");
    let tool = tool.as_object().ok_or_else(|| wrong_type(&at, "an object", tool))?;
    let kind_at = format!("{at}.type");
    match required(string(tool, "type", &kind_at)?, &kind_at)? {
        "function" => function(tool, &format!("{at}.function")),
        "custom" => {
            let at = format!("{at}.custom");
            let custom = required(object(tool, "custom", &at)?, &at)?;
            Ok(Tool { name: name(custom, &at)?, schema: None })
        }
        other => Err(wrong_value(&kind_at, other, &["function", "custom"])),
    }
}

fn function<'a>(tool: &'a Object, at: &str) -> Checked<Tool<'a>> {
    let function = required(object(tool, "function", at)?, at)?;
    let name = name(function, at)?;
    string(function, "description", &format!("{at}.description"))?;
    boolean(function, "strict", &format!("{at}.strict"))?;
    let parameters = object(function, "parameters", &format!("{at}.parameters"))?;
    if let Some(parameters) = parameters
        && !parameters.is_empty()
        && parameters.get("type").is_some_and(|kind| kind != "object")
    {
        let message = format!(
            "Invalid schema for function '{name}': schema must be a JSON Schema of 'type: \"object\"', got 'type: {}'.",
            parameters.get("type").unwrap_or(&Value::Null)
        );
        let param = format!("{at}.parameters");
        return Err(Refusal::invalid(message).with_param(param).with_code("invalid_function_parameters"));
    }
    Ok(Tool { name, schema: function.get("parameters").filter(|schema| schema.is_object()) })
}

fn name<'a>(function: &'a Object, at: &str) -> Checked<&'a str> {
    let at = format!("{at}.name");
    let name = required(string(function, "name", &at)?, &at)?;
    if is_tool_name(name, 64) { Ok(name) } else { Err(no_tool_name(&at)) }
}

fn choice<'a>(body: &'a Object, mut tools: Vec<Tool<'a>>) -> Checked<(Choice<'a>, Vec<Tool<'a>>)> {
    let choice = match present(body, "tool_choice") {
        None => Choice::Auto,
        Some(Value::String(word)) => match word.as_str() {
            "auto" => Choice::Auto,
            "none" => Choice::None,
            "required" => Choice::Any,
            other => return Err(wrong_value("tool_choice", other, &["none", "auto", "required"])),
        },
        Some(Value::Object(choice)) => {
            let kind = required(string(choice, "type", "tool_choice.type")?, "tool_choice.type")?;
            match kind {
                "function" | "custom" => Choice::Named(vec![named(choice, kind, &tools)?]),
                "allowed_tools" => allowed(choice, &mut tools)?,
                other => {
                    return Err(wrong_value("tool_choice.type", other, &["function", "custom", "allowed_tools"]));
                }
            }
        }
        Some(other) => return Err(wrong_type("tool_choice", "a string or an object", other)),
    };
    Ok((choice, tools))
}

fn named<'a>(choice: &'a Object, kind: &str, tools: &[Tool<'a>]) -> Checked<&'a str> {
    let at = format!("tool_choice.{kind}");
    let function = required(object(choice, kind, &at)?, &at)?;
    let name_at = format!("{at}.name");
    let name = required(string(function, "name", &name_at)?, &name_at)?;
    if tools.iter().any(|tool| tool.name == name) {
        return Ok(name);
    }
    let message = format!("Tool choice '{kind}' not found in 'tools' parameter.");
    Err(Refusal::invalid(message).with_param("tool_choice"))
}

/// `allowed_tools` narrows the tools and says whether one must be called.
fn allowed<'a>(choice: &'a Object, tools: &mut Vec<Tool<'a>>) -> Checked<Choice<'a>> {
    let at = "tool_choice.allowed_tools";
    let allowed = required(object(choice, "allowed_tools", at)?, at)?;
    let mode_at = format!("{at}.mode");
    let mode = required(string(allowed, "mode", &mode_at)?, &mode_at)?;
    let tools_at = format!("{at}.tools");
    let list = required(array(allowed, "tools", &tools_at)?, &tools_at)?;
    let names: Vec<&str> = list.iter().filter_map(|tool| tool.get("function")?.get("name")?.as_str()).collect();
    tools.retain(|tool| names.contains(&tool.name));
    match mode {
        "auto" => Ok(Choice::Auto),
        "required" => Ok(Choice::Any),
        other => Err(wrong_value(&mode_at, other, &["auto", "required"])),
    }
}
