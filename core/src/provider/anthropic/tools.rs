//! Tools on offer, and which of them may or must be called.

use super::body::{Block, Message, Schema, Tool, ToolChoice};
use super::format;
use crate::capability::Capabilities;
use crate::chat::{self, ChatRequest, FunctionDef};
use crate::json::{Raw, Str};
use crate::provider::Unsupported;
use crate::provider::schema::Tree;
use crate::provider::unmapped::Dropped;
use serde::Deserialize;
use std::collections::BTreeSet;

#[derive(Default)]
pub(super) struct Tools<'a> {
    pub list: Vec<Tool<'a>>,
    pub choice: Option<ToolChoice<'a>>,
}

impl Tools<'_> {
    /// Whether a call is required, which excludes some kinds of thinking.
    pub(super) fn is_forced(&self) -> bool {
        self.choice.as_ref().is_some_and(|choice| matches!(choice.kind, "any" | "tool"))
    }
}

/// Translates tools and choice. `messages` are already translated.
pub(super) fn translate<'a>(
    chat: &'a ChatRequest<'_>,
    messages: &[Message<'a>],
    capabilities: &Capabilities,
    dropped: &mut Dropped,
) -> Result<Tools<'a>, Unsupported> {
    let mut list = Vec::new();
    for (index, tool) in chat.tools.iter().flatten().enumerate() {
        let Some(function) = tool.function.as_ref().filter(|_| tool.kind.as_str() == "function") else {
            let message = format!("this provider has no tools of type `{}`", tool.kind.as_str());
            dropped.instead("tools", Unsupported::new(format!("tools[{index}].type"), message))?;
            continue;
        };
        if function.strict == Some(true) && !capabilities.structured_output {
            dropped.add("strict");
        }
        list.push(declaration(index, function, capabilities)?);
    }
    if list.is_empty() {
        if !matches!(&chat.tool_choice, Some(chat::ToolChoice::None | chat::ToolChoice::Auto) | None) {
            dropped.instead("tool_choice", Unsupported::new("tool_choice", "there are no tools to choose from"))?;
        }
        return Ok(called_before(messages));
    }
    let mut choice = choose(chat, &mut list, dropped)?;
    if let Some(choice) = &mut choice {
        if matches!(choice.kind, "any" | "tool") && !capabilities.forced_tool_choice {
            let message = "this model decides itself whether to call a tool: only `auto` and `none` can be asked for";
            dropped.instead("tool_choice", Unsupported::new("tool_choice", message))?;
            *choice = plain("auto");
        }
        choice.disable_parallel_tool_use = chat.parallel_tool_calls == Some(false) && choice.kind != "none";
    }
    Ok(Tools { list, choice })
}

/// A conversation that holds calls needs their tools declared, though the client no longer offers them.
fn called_before<'a>(messages: &[Message<'a>]) -> Tools<'a> {
    let names: BTreeSet<&'a str> = messages
        .iter()
        .flat_map(|message| &message.content)
        .filter_map(|block| if let Block::ToolUse { name, .. } = block { Some(*name) } else { None })
        .collect();
    if names.is_empty() {
        return Tools::default();
    }
    let declare = |name| {
        let input_schema = Schema::Tree(Tree::no_parameters());
        Tool { name, description: None, input_schema, strict: false }
    };
    Tools { list: names.into_iter().map(declare).collect(), choice: Some(plain("none")) }
}

fn declaration<'a>(
    index: usize,
    function: &'a FunctionDef<'_>,
    capabilities: &Capabilities,
) -> Result<Tool<'a>, Unsupported> {
    let path = |field: &str| format!("tools[{index}].function.{field}");
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if !(1..=128).contains(&function.name.len()) || !function.name.bytes().all(is_plain) {
        let message = "the name must be 1 to 128 letters, digits, `_` or `-`";
        return Err(Unsupported::new(path("name"), message));
    }
    let strict = function.strict == Some(true) && capabilities.structured_output;
    let input_schema = match function.parameters {
        None => Schema::Tree(Tree::no_parameters()),
        Some(raw) => parameters(raw, strict).map_err(|message| Unsupported::new(path("parameters"), message))?,
    };
    let description = function.description.as_ref().map(Str::as_str).filter(|text| !text.is_empty());
    Ok(Tool { name: &function.name, description, input_schema, strict })
}

/// The root must say `"type": "object"`; OpenAI lets it be left out. A strict schema is held to what the grammar
/// knows, any other is handed on as it was written.
fn parameters(raw: Raw<'_>, strict: bool) -> Result<Schema<'_>, &'static str> {
    #[derive(Deserialize)]
    struct Root<'a> {
        #[serde(rename = "type", borrow)]
        kind: Option<Raw<'a>>,
    }

    let root: Root<'_> = raw.parse().map_err(|_| "the schema must be an object")?;
    match root.kind.map(Raw::get) {
        Some(r#""object""#) if !strict => return Ok(Schema::Raw(raw)),
        Some(r#""object""#) | None => {}
        Some(_) => return Err("the schema must be of type `object`"),
    }
    let mut tree = Tree::parse(raw).ok_or("the schema is nested too deeply")?;
    if let (None, Tree::Object(fields)) = (root.kind, &mut tree) {
        fields.retain(|(key, _)| key.as_str() != "type");
        fields.insert(0, ("type".into(), "object".into()));
    }
    if strict {
        format::restrict(&mut tree)?;
    }
    Ok(Schema::Tree(tree))
}

fn choose<'a>(
    chat: &'a ChatRequest<'_>,
    list: &mut Vec<Tool<'a>>,
    dropped: &mut Dropped,
) -> Result<Option<ToolChoice<'a>>, Unsupported> {
    Ok(Some(match &chat.tool_choice {
        None if chat.parallel_tool_calls == Some(false) => plain("auto"),
        None => return Ok(None),
        Some(chat::ToolChoice::Auto) => plain("auto"),
        Some(chat::ToolChoice::None) => plain("none"),
        Some(chat::ToolChoice::Required) => plain("any"),
        Some(chat::ToolChoice::Function(name)) => {
            if !list.iter().any(|tool| tool.name == name.as_str()) {
                return Err(Unsupported::new("tool_choice.function.name", "no tool has this name"));
            }
            ToolChoice { name: Some(name), ..plain("tool") }
        }
        Some(chat::ToolChoice::Allowed { required, names }) => {
            let names: BTreeSet<&str> = names.iter().map(Str::as_str).collect();
            list.retain(|tool| names.contains(tool.name));
            if list.is_empty() {
                return Err(Unsupported::new("tool_choice.allowed_tools.tools", "none of these tools is offered"));
            }
            plain(if *required { "any" } else { "auto" })
        }
        Some(chat::ToolChoice::Other(kind)) => {
            let message = format!("this provider has no tool choice of type `{}`", kind.as_str());
            dropped.instead("tool_choice", Unsupported::new("tool_choice.type", message))?;
            return Ok(None);
        }
    }))
}

fn plain(kind: &'static str) -> ToolChoice<'static> {
    ToolChoice { kind, name: None, disable_parallel_tool_use: false }
}
