//! What a message says in words: a text, or at Mistral a list of parts, of which some are thoughts.

use super::Lost;
use super::wire::says_something;
use crate::chat::Delta;
use crate::json::{Raw, Str};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
struct Part<'a> {
    #[serde(rename = "type")]
    kind: Str<'a>,
    text: Option<Str<'a>>,
    thinking: Option<Vec<Part<'a>>>,
}

/// Reads `content`. What is neither text nor thought is noted in `lost`.
pub(super) fn read<'a>(content: Raw<'a>, lost: &mut Option<Lost>) -> Vec<Delta<'a>> {
    if let Ok(text) = content.parse::<Str<'_>>() {
        return vec![Delta::Text(text.0)];
    }
    let mut deltas = Vec::new();
    for part in content.parse::<Vec<Raw<'_>>>().unwrap_or_else(|_| vec![content]) {
        match part.parse::<Part<'_>>() {
            Ok(Part { kind, text: Some(text), .. }) if &*kind == "text" => deltas.push(Delta::Text(text.0)),
            Ok(Part { kind, thinking: Some(list), .. }) if &*kind == "thinking" => {
                deltas.extend(list.into_iter().filter_map(|part| Some(Delta::Reasoning(part.text?.0))));
            }
            _ if says_something(part) => lost_is(Lost::Content, lost),
            _ => {}
        }
    }
    deltas
}

/// Reads a text that is a text by contract.
pub(super) fn text<'a>(raw: Option<Raw<'a>>, lost: &mut Option<Lost>) -> Option<Str<'a>> {
    let raw = raw?;
    let text = raw.parse::<Str<'_>>().ok();
    if text.is_none() && says_something(raw) {
        lost_is(Lost::Content, lost);
    }
    text
}

/// Notes the first thing that was lost.
pub(super) fn lost_is(what: Lost, lost: &mut Option<Lost>) {
    lost.get_or_insert(what);
}
