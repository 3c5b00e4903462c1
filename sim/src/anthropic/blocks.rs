//! Content blocks.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;

use super::{
    Version,
    invalid::{array, as_object, invalid, missing, object, one_of, only, required, string},
};
use crate::{
    fields::{Object, present},
    refusal::{Checked, Refusal},
};

const IMAGE_TYPES: &[&str] = &["image/jpeg", "image/png", "image/gif", "image/webp"];

/// A checked block: what the rest of the simulator needs of it.
pub(super) enum Block<'a> {
    Text(&'a str),
    ToolUse { id: &'a str, bytes: usize },
    ToolResult { id: &'a str, text: String },
    Other,
}

impl Block<'_> {
    pub(super) fn text_bytes(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::ToolUse { bytes, .. } => *bytes,
            Self::ToolResult { text, .. } => text.len(),
            Self::Other => 0,
        }
    }
}

pub(super) fn blocks<'a>(content: &'a Value, role: &str, at: &str, version: Version) -> Checked<Vec<Block<'a>>> {
    match content {
        Value::String(text) if text.is_empty() => Err(empty_text()),
        Value::String(text) => Ok(vec![Block::Text(text)]),
        Value::Array(list) if list.is_empty() && role == "user" => {
            Err(invalid(at.trim_end_matches(".content"), "user messages must have non-empty content"))
        }
        Value::Array(list) => {
            let block = |(index, block)| self::block(block, role, &format!("{at}.{index}"), version);
            list.iter().enumerate().map(block).collect()
        }
        _ => Err(invalid(at, "Input should be a valid string or list")),
    }
}

fn empty_text() -> Refusal {
    invalid("messages", "text content blocks must be non-empty")
}

fn block<'a>(block: &'a Value, role: &str, at: &str, version: Version) -> Checked<Block<'a>> {
    let block = as_object(block, at)?;
    let kind = required(string(block, "type", at)?, "type", at)?;
    let at = format!("{at}.{kind}");
    match (kind, role) {
        ("text", _) => text(block, role, &at, version),
        ("image", "user") => image(block, &at),
        ("document", "assistant") if version == Version::V2026 => {
            Err(invalid(at, "document blocks are not permitted in assistant messages"))
        }
        ("document", _) => document(block, &at),
        ("tool_use", "assistant") => tool_use(block, &at),
        ("tool_result", "user") => tool_result(block, &at, version),
        ("thinking", "assistant") => {
            only(block, &["type", "thinking", "signature"], &at)?;
            required(string(block, "thinking", &at)?, "thinking", &at)?;
            let signature = required(string(block, "signature", &at)?, "signature", &at)?;
            if super::stream::is_signature(signature) {
                Ok(Block::Other)
            } else {
                Err(invalid(at.trim_end_matches(".thinking"), "Invalid `signature` in `thinking` block"))
            }
        }
        ("redacted_thinking", "assistant") => required(string(block, "data", &at)?, "data", &at).map(|_| Block::Other),
        ("search_result" | "container_upload", "user") | ("server_tool_use", "assistant") => Ok(Block::Other),
        ("tool_use" | "thinking" | "redacted_thinking" | "server_tool_use", _) => {
            Err(invalid("messages", format!("`{kind}` blocks can only be in `assistant` messages")))
        }
        ("tool_result" | "image", _) => {
            Err(invalid("messages", format!("`{kind}` blocks can only be in `user` messages")))
        }
        _ => Err(Refusal::invalid(format!(
            "{}: Input tag '{kind}' found using 'type' does not match any of the expected tags",
            at.trim_end_matches(&format!(".{kind}"))
        ))),
    }
}

fn text<'a>(block: &'a Object, role: &str, at: &str, version: Version) -> Checked<Block<'a>> {
    only(block, &["type", "text", "cache_control", "citations"], at)?;
    let text = required(string(block, "text", at)?, "text", at)?;
    if text.is_empty() {
        return Err(empty_text());
    }
    let cited = array(block, "citations", at)?.is_some_and(|citations| !citations.is_empty());
    if cited && role == "user" && version == Version::V2026 {
        return Err(invalid(at, "citations are not permitted in user messages"));
    }
    Ok(Block::Text(text))
}

fn image<'a>(block: &Object, at: &str) -> Checked<Block<'a>> {
    only(block, &["type", "source", "cache_control"], at)?;
    let source = required(object(block, "source", at)?, "source", at)?;
    let at = format!("{at}.source");
    match required(string(source, "type", &at)?, "type", &at)? {
        "base64" => base64(source, IMAGE_TYPES, &format!("{at}.base64"))?,
        "url" => {
            required(string(source, "url", &at)?, "url", &at)?;
        }
        "file" => {
            required(string(source, "file_id", &at)?, "file_id", &at)?;
        }
        other => one_of(other, &["base64", "url", "file"], &format!("{at}.type"))?,
    }
    Ok(Block::Other)
}

fn document<'a>(block: &'a Object, at: &str) -> Checked<Block<'a>> {
    only(block, &["type", "source", "title", "context", "citations", "cache_control"], at)?;
    let source = required(object(block, "source", at)?, "source", at)?;
    let at = format!("{at}.source");
    match required(string(source, "type", &at)?, "type", &at)? {
        "base64" => base64(source, &["application/pdf"], &format!("{at}.base64"))?,
        "text" => {
            let media_type = required(string(source, "media_type", &at)?, "media_type", &at)?;
            one_of(media_type, &["text/plain"], &format!("{at}.media_type"))?;
            return required(string(source, "data", &at)?, "data", &at).map(Block::Text);
        }
        "url" => {
            required(string(source, "url", &at)?, "url", &at)?;
        }
        "content" | "file" => {}
        other => one_of(other, &["base64", "text", "content", "url", "file"], &format!("{at}.type"))?,
    }
    Ok(Block::Other)
}

fn base64(source: &Object, media_types: &[&str], at: &str) -> Checked {
    only(source, &["type", "media_type", "data"], at)?;
    let media_type = required(string(source, "media_type", at)?, "media_type", at)?;
    one_of(media_type, media_types, &format!("{at}.media_type"))?;
    let data = required(string(source, "data", at)?, "data", at)?;
    if data.is_empty() || STANDARD.decode(data).is_err() {
        return Err(invalid(format!("{at}.data"), "Input should be valid base64"));
    }
    Ok(())
}

fn tool_use<'a>(block: &'a Object, at: &str) -> Checked<Block<'a>> {
    only(block, &["type", "id", "name", "input", "cache_control", "caller"], at)?;
    let id = tool_id(block, "id", at)?;
    let name = required(string(block, "name", at)?, "name", at)?;
    if !crate::fields::is_tool_name(name, 200) {
        return Err(invalid(format!("{at}.name"), "String should match pattern '^[a-zA-Z0-9_-]{1,200}$'"));
    }
    let input = required(object(block, "input", at)?, "input", at)?;
    let bytes = input.values().map(crate::fields::text_bytes).sum();
    Ok(Block::ToolUse { id, bytes })
}

fn tool_result<'a>(block: &'a Object, at: &str, version: Version) -> Checked<Block<'a>> {
    only(block, &["type", "tool_use_id", "content", "is_error", "cache_control"], at)?;
    super::invalid::boolean(block, "is_error", at)?;
    let id = tool_id(block, "tool_use_id", at)?;
    let text = match present(block, "content") {
        None => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(list)) => {
            let mut texts = String::new();
            for (index, part) in list.iter().enumerate() {
                let at = format!("{at}.content.{index}");
                let kind = part.get("type").and_then(Value::as_str).ok_or_else(|| missing(format!("{at}.type")))?;
                one_of(kind, &["text", "image", "document", "search_result"], &format!("{at}.type"))?;
                if let Block::Text(text) = self::block(part, "user", &at, version)? {
                    texts.push_str(text);
                }
            }
            texts
        }
        Some(_) => return Err(invalid(format!("{at}.content"), "Input should be a valid string or list")),
    };
    Ok(Block::ToolResult { id, text })
}

fn tool_id<'a>(block: &'a Object, name: &str, at: &str) -> Checked<&'a str> {
    let id = required(string(block, name, at)?, name, at)?;
    if crate::fields::is_tool_name(id, usize::MAX) {
        return Ok(id);
    }
    Err(invalid(format!("{at}.{name}"), "String should match pattern '^[a-zA-Z0-9_-]+$'"))
}
