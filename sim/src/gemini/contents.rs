//! The contents of a conversation: roles and parts.

use serde_json::Value;

use super::{
    fields::{Fields, violation},
    parts::{Part, part},
};
use crate::{
    ask::Last,
    refusal::{Checked, Refusal},
};

const KNOWN: &[&str] = &["role", "parts"];

pub(super) struct Content<'a> {
    pub(super) from_user: bool,
    pub(super) parts: Vec<Part<'a>>,
}

impl Content<'_> {
    pub(super) fn calls(&self) -> usize {
        self.parts.iter().filter(|part| matches!(part, Part::Call { .. })).count()
    }

    pub(super) fn responses(&self) -> usize {
        self.parts.iter().filter(|part| matches!(part, Part::Response { .. })).count()
    }

    pub(super) fn text_bytes(&self) -> usize {
        self.parts.iter().map(Part::text_bytes).sum()
    }
}

pub(super) fn contents<'a>(request: &Fields<'a>) -> Checked<Vec<Content<'a>>> {
    let list = request.list("contents")?;
    if list.is_empty() {
        return Err(violation("contents", "contents is not specified"));
    }
    list.into_iter().map(|(at, value)| content(value, at)).collect()
}

pub(super) fn content(value: &Value, at: String) -> Checked<Content<'_>> {
    let fields = Fields::read(value, at, KNOWN)?;
    let from_user = match fields.string("role")? {
        None | Some("user") => true,
        Some("model") => false,
        Some(_) => return Err(Refusal::invalid("Please use a valid role: user, model.")),
    };
    let parts = fields.list("parts")?;
    if parts.is_empty() {
        return Err(violation(&fields.at("parts"), "contents.parts must not be empty."));
    }
    let parts = parts.into_iter().map(|(at, value)| part(value, at)).collect::<Checked<_>>()?;
    Ok(Content { from_user, parts })
}

/// The results of the last content if it has any, else the last user's text.
pub(super) fn last(contents: &[Content<'_>]) -> Last {
    let Some(user) = contents.iter().rev().find(|content| content.from_user) else {
        return Last::UserText(String::new());
    };
    if user.responses() > 0 {
        let results = user.parts.iter().filter_map(|part| match part {
            Part::Response { text } => Some(text.as_str()),
            _ => None,
        });
        return Last::ToolResults(results.collect::<Vec<_>>().join(", "));
    }
    let texts = user.parts.iter().filter_map(|part| match part {
        Part::Text(text) => Some(*text),
        _ => None,
    });
    Last::UserText(texts.collect())
}
