//! Where in a body it is that a field is wrong, in the words of a dialect.

use crate::refusal::Refusal;
use serde::Deserialize;
use serde_json::error::Category;
use serde_path_to_error::{Path, Segment};

/// How a dialect writes the path of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// `messages.0.content`, Anthropic's.
    Dots,
    /// `contents[0].parts`, Gemini's.
    Brackets,
}

/// A type that a body is parsed as, whatever it borrows for.
pub(super) trait Document<'a> {
    type Body: Deserialize<'a>;
}

/// Parses again, slowly, to learn where it went wrong. Only bad requests pay for it.
pub(super) fn explain<B>(body: &[u8], error: &serde_json::Error, style: Style) -> Refusal
where
    B: for<'a> Document<'a>,
{
    if error.classify() != Category::Data {
        return Refusal::NotJson { message: error.to_string() };
    }
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let Err(error) = serde_path_to_error::deserialize::<_, <B as Document<'_>>::Body>(&mut deserializer) else {
        return Refusal::NotJson { message: error.to_string() };
    };
    name(error.path(), &error.inner().to_string(), "", style)
}

/// The value of `json`, which stands at `at`.
pub(super) fn part<'a, T: Deserialize<'a>>(json: &'a str, at: &str, style: Style) -> Result<T, Refusal> {
    serde_json::from_str(json).or_else(|_| {
        let mut deserializer = serde_json::Deserializer::from_str(json);
        serde_path_to_error::deserialize(&mut deserializer)
            .map_err(|error| name(error.path(), &error.inner().to_string(), at, style))
    })
}

fn name(path: &Path, message: &str, at: &str, style: Style) -> Refusal {
    // "missing field `role` at line 1 column 30": the place is told by the path.
    let message = message.split(" at line ").next().unwrap_or_default().to_owned();
    let missing = ["missing field `", "duplicate field `"].iter().find_map(|start| message.strip_prefix(start));
    let mut param = at.to_owned();
    for segment in path {
        match (segment, style) {
            (Segment::Seq { index }, Style::Brackets) => param.push_str(&format!("[{index}]")),
            (Segment::Seq { index }, Style::Dots) => push(&mut param, &index.to_string()),
            (Segment::Map { key }, _) => push(&mut param, key),
            (Segment::Enum { .. } | Segment::Unknown, _) => {}
        }
    }
    if let Some(field) = missing.and_then(|rest| rest.split('`').next()) {
        push(&mut param, field);
    }
    match param.is_empty() {
        true => Refusal::NotJson { message },
        false => Refusal::InvalidField { param, message },
    }
}

fn push(param: &mut String, name: &str) {
    if !param.is_empty() {
        param.push('.');
    }
    param.push_str(name);
}
