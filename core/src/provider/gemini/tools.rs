//! Functions on offer, and which of them may or must be called.

use super::body::{CallingConfig, Declaration, Tool, ToolConfig};
use crate::chat::{self, ChatRequest};
use crate::json::{Raw, Str};
use crate::provider::Unsupported;
use crate::provider::unmapped::Dropped;
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::collections::BTreeSet;

#[derive(Default)]
pub(super) struct Tools<'a> {
    pub list: Vec<Tool<'a>>,
    pub config: Option<ToolConfig<'a>>,
}

/// Translates tools and choice.
pub(super) fn translate<'a>(chat: &'a ChatRequest<'_>, dropped: &mut Dropped) -> Result<Tools<'a>, Unsupported> {
    let mut declarations = Vec::new();
    for (index, tool) in chat.tools.iter().flatten().enumerate() {
        let Some(function) = tool.function.as_ref().filter(|_| tool.kind.as_str() == "function") else {
            let message = format!("this provider has no tools of type `{}`", tool.kind.as_str());
            dropped.instead("tools", Unsupported::new(format!("tools[{index}].type"), message))?;
            continue;
        };
        let path = |field: &str| format!("tools[{index}].function.{field}");
        if !is_name(&function.name) {
            let message = "the name must be a letter or `_`, then up to 127 letters, digits, `_`, `.`, `:` or `-`";
            return Err(Unsupported::new(path("name"), message));
        }
        let parameters_json_schema = match function.parameters {
            Some(raw) => parameters(raw).map_err(|message| Unsupported::new(path("parameters"), message))?,
            None => None,
        };
        if function.strict == Some(true) {
            dropped.add("strict");
        }
        let description = function.description.as_ref().map(Str::as_str).filter(|text| !text.is_empty());
        declarations.push(Declaration { name: &function.name, description, parameters_json_schema });
    }
    if declarations.is_empty() {
        if !matches!(&chat.tool_choice, Some(chat::ToolChoice::None | chat::ToolChoice::Auto) | None) {
            dropped.instead("tool_choice", Unsupported::new("tool_choice", "there are no tools to choose from"))?;
        }
        return Ok(Tools::default());
    }
    if chat.parallel_tool_calls == Some(false) {
        dropped.add("parallel_tool_calls");
    }
    let config = match &chat.tool_choice {
        Some(choice) => choose(choice, &declarations, dropped)?,
        None => None,
    };
    Ok(Tools {
        list: vec![Tool { function_declarations: declarations }],
        config: config.map(|function_calling_config| ToolConfig { function_calling_config }),
    })
}

fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
        && name.len() <= 128
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"_.:-".contains(&byte))
}

/// The schema of the arguments; None for a function that takes none, which has no schema at Gemini.
fn parameters(raw: Raw<'_>) -> Result<Option<Raw<'_>>, &'static str> {
    #[derive(Deserialize)]
    struct Root<'a> {
        #[serde(rename = "type", borrow)]
        kind: Option<Raw<'a>>,
        #[serde(borrow)]
        properties: Option<Raw<'a>>,
        #[serde(rename = "additionalProperties", borrow)]
        additional: Option<Raw<'a>>,
        #[serde(rename = "$ref")]
        reference: Option<IgnoredAny>,
        #[serde(rename = "anyOf")]
        any_of: Option<IgnoredAny>,
        #[serde(rename = "oneOf")]
        one_of: Option<IgnoredAny>,
        #[serde(rename = "allOf")]
        all_of: Option<IgnoredAny>,
    }

    let root: Root<'_> = raw.parse().map_err(|_| "the schema must be an object")?;
    if root.kind.is_some_and(|kind| kind.get() != r#""object""#) {
        return Err("the schema must be of type `object`");
    }
    let is_open = root.additional.is_some_and(|additional| additional.get() != "false");
    let says = is_open
        || root.properties.is_some_and(|raw| raw.get().bytes().any(|byte| !b"{} \t\r\n".contains(&byte)))
        || [root.reference, root.any_of, root.one_of, root.all_of].iter().any(Option::is_some);
    Ok(says.then_some(raw))
}

fn choose<'a>(
    choice: &'a chat::ToolChoice<'_>,
    declarations: &[Declaration<'a>],
    dropped: &mut Dropped,
) -> Result<Option<CallingConfig<'a>>, Unsupported> {
    let plain = |mode| CallingConfig { mode, allowed_function_names: Vec::new() };
    let known = |name: &str| declarations.iter().any(|declaration| declaration.name == name);
    Ok(Some(match choice {
        chat::ToolChoice::None => plain("NONE"),
        chat::ToolChoice::Auto => plain("AUTO"),
        chat::ToolChoice::Required => plain("ANY"),
        chat::ToolChoice::Function(name) if known(name) => {
            CallingConfig { mode: "ANY", allowed_function_names: vec![name.as_str()] }
        }
        chat::ToolChoice::Function(_) => {
            return Err(Unsupported::new("tool_choice.function.name", "no tool has this name"));
        }
        // Names are allowed with ANY and VALIDATED only.
        chat::ToolChoice::Allowed { required, names } => {
            let wanted: BTreeSet<&str> = names.iter().map(Str::as_str).collect();
            let offered = declarations.iter().map(|declaration| declaration.name);
            let allowed_function_names: Vec<_> = offered.filter(|name| wanted.contains(name)).collect();
            if allowed_function_names.is_empty() {
                return Err(Unsupported::new("tool_choice.allowed_tools.tools", "none of these tools is offered"));
            }
            CallingConfig { mode: if *required { "ANY" } else { "VALIDATED" }, allowed_function_names }
        }
        chat::ToolChoice::Other(kind) => {
            let message = format!("this provider has no tool choice of type `{}`", kind.as_str());
            dropped.instead("tool_choice", Unsupported::new("tool_choice.type", message))?;
            return Ok(None);
        }
    }))
}
