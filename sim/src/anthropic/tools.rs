//! Tools and the choice among them.

use serde_json::Value;

use super::{
    invalid::{array, as_object, boolean, extra, invalid, object, one_of, only, required, string},
    model::Capabilities,
};
use crate::{
    ask::{Choice, Tool},
    fields::{Object, is_tool_name, present},
    refusal::{Checked, Refusal},
};

const TOOL_FIELDS: &[&str] = &[
    "type",
    "name",
    "description",
    "input_schema",
    "strict",
    "cache_control",
    "defer_loading",
    "allowed_callers",
    "input_examples",
    "eager_input_streaming",
];

/// What the request offers, checked.
pub(super) struct Offer<'a> {
    pub(super) tools: Vec<Tool<'a>>,
    pub(super) choice: Choice<'a>,
    pub(super) parallel: bool,
}

pub(super) fn offer(body: &Object, model: Capabilities) -> Checked<Offer<'_>> {
    let mut tools: Vec<Tool<'_>> = Vec::new();
    for (index, tool) in array(body, "tools", "")?.into_iter().flatten().enumerate() {
        let at = format!("tools.{index}");
        let tool = as_object(tool, &at)?;
        let Some(tool) = self::tool(tool, &at)? else { continue };
        if tools.iter().any(|other| other.name == tool.name) {
            return Err(invalid("tools", "Tool names must be unique."));
        }
        tools.push(tool);
    }
    let offered = present(body, "tools").and_then(Value::as_array).is_some_and(|tools| !tools.is_empty());
    let Some(choice) = object(body, "tool_choice", "")? else {
        return Ok(Offer { tools, choice: Choice::Auto, parallel: true });
    };
    if !offered {
        return Err(invalid("tool_choice", "may only be specified while providing `tools`."));
    }
    if is_forced(choice) && !model.forced_tool {
        return Err(invalid("tool_choice", "forced tool use (`any` or `tool`) is not supported for this model"));
    }
    let parallel = !boolean(choice, "disable_parallel_tool_use", "tool_choice")?.unwrap_or(false);
    let choice = self::choice(choice, &tools)?;
    Ok(Offer { tools, choice, parallel })
}

pub(super) fn is_forced(choice: &Object) -> bool {
    choice.get("type").is_some_and(|kind| kind == "any" || kind == "tool")
}

/// A custom tool; `None` for one of Anthropic's own (`web_search_20250305`, …), which the simulator never calls.
fn tool<'a>(tool: &'a Object, at: &str) -> Checked<Option<Tool<'a>>> {
    match string(tool, "type", at)? {
        None | Some("custom") => {}
        Some(kind) if kind.bytes().rev().take_while(u8::is_ascii_digit).count() == 8 => return Ok(None),
        Some(_) => {
            return Err(invalid(at, "Input tag found using 'type' does not match any of the expected tags"));
        }
    }
    let at = format!("{at}.custom");
    only(tool, TOOL_FIELDS, &at)?;
    let name = required(string(tool, "name", &at)?, "name", &at)?;
    if !is_tool_name(name, 128) {
        return Err(invalid(format!("{at}.name"), "String should match pattern '^[a-zA-Z0-9_-]{1,128}$'"));
    }
    string(tool, "description", &at)?;
    boolean(tool, "strict", &at)?;
    let schema = required(object(tool, "input_schema", &at)?, "input_schema", &at)?;
    let schema_at = format!("{at}.input_schema");
    match schema.get("type") {
        None => return Err(super::invalid::missing(format!("{schema_at}.type"))),
        Some(kind) if kind != "object" => return Err(invalid(format!("{schema_at}.type"), "Input should be 'object'")),
        Some(_) => {}
    }
    Ok(Some(Tool { name, schema: tool.get("input_schema") }))
}

fn choice<'a>(choice: &'a Object, tools: &[Tool<'a>]) -> Checked<Choice<'a>> {
    let at = "tool_choice";
    let kind = required(string(choice, "type", at)?, "type", at)?;
    let parallel = "disable_parallel_tool_use";
    match kind {
        "auto" => only(choice, &["type", parallel], at).map(|()| Choice::Auto),
        "any" => only(choice, &["type", parallel], at).map(|()| Choice::Any),
        "none" if choice.contains_key(parallel) => Err(extra("tool_choice.none.disable_parallel_tool_use")),
        "none" => only(choice, &["type"], at).map(|()| Choice::None),
        "tool" => {
            only(choice, &["type", "name", parallel], at)?;
            let name = required(string(choice, "name", at)?, "name", at)?;
            if tools.iter().any(|tool| tool.name == name) {
                return Ok(Choice::Named(vec![name]));
            }
            Err(Refusal::invalid(format!("Tool '{name}' not found in provided tools")))
        }
        other => one_of(other, &["auto", "any", "tool", "none"], "tool_choice.type").map(|()| Choice::Auto),
    }
}
