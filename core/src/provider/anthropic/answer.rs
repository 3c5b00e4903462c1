//! A whole answer (PROVIDERS B).

use super::error::{self, Error};
use super::stop;
use super::usage::Usage;
use crate::chat::{ChatEvent, Delta};
use crate::failure::{Class, Failure};
use crate::json::{Raw, Str};
use crate::provider::{arguments, mint};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
struct Answer<'a> {
    id: Option<Str<'a>>,
    model: Option<Str<'a>>,
    /// Raw, so that a block of a type to come cannot make the answer unreadable.
    content: Option<Vec<Raw<'a>>>,
    stop_reason: Option<Str<'a>>,
    stop_details: Option<stop::Details<'a>>,
    usage: Option<Usage>,
    error: Option<Error<'a>>,
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
struct Kind<'a> {
    #[serde(rename = "type")]
    kind: Str<'a>,
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
struct Block<'a> {
    text: Option<Str<'a>>,
    thinking: Option<Str<'a>>,
    id: Option<Str<'a>>,
    name: Option<Str<'a>>,
    input: Option<Raw<'a>>,
}

/// Reads the body of a 2xx answer. `seed` makes ids where there are none.
///
/// # Errors
/// When it is no answer.
pub fn read(body: &[u8], seed: u64, emit: &mut dyn FnMut(ChatEvent<'_>)) -> Result<(), Failure> {
    let answer: Answer<'_> = serde_json::from_slice(body).map_err(|_| unreadable("the answer is not a message"))?;
    if let Some(error) = &answer.error {
        return Err(error::failure(None, error));
    }
    let content = answer.content.ok_or_else(|| unreadable("the answer has no content"))?;
    emit(ChatEvent::Started { id: answer.id.unwrap_or_default().0, model: answer.model.unwrap_or_default().0 });

    let mut calls: u32 = 0;
    for raw in content {
        let Kind { kind } = raw.parse().map_err(|_| unreadable("a content block has no type"))?;
        if !matches!(kind.as_str(), "text" | "thinking" | "tool_use") {
            continue;
        }
        let block: Block<'_> = raw.parse().map_err(|_| unreadable("a content block has the wrong form"))?;
        let delta = match kind.as_str() {
            "text" => Delta::Text(block.text.unwrap_or_default().0),
            "thinking" => Delta::Reasoning(block.thinking.unwrap_or_default().0),
            _ => {
                let index = calls;
                calls = calls.saturating_add(1);
                Delta::ToolCall {
                    index,
                    id: match block.id.filter(|id| !id.is_empty()) {
                        Some(id) => id.0,
                        None => mint::call_id(seed, 0, index).into(),
                    },
                    name: block.name.ok_or_else(|| unreadable("a tool call has no name"))?.0,
                    arguments: arguments::compact(block.input.filter(|raw| raw.is_object()).map_or("{}", Raw::get)),
                    signature: None,
                }
            }
        };
        if !matches!(&delta, Delta::Text(text) | Delta::Reasoning(text) if text.is_empty()) {
            emit(ChatEvent::Delta { choice: 0, delta });
        }
    }
    if let Some(explanation) = answer.stop_details.and_then(|details| details.explanation) {
        emit(ChatEvent::Delta { choice: 0, delta: Delta::Refusal(explanation.0) });
    }
    let stop_reason = answer.stop_reason.unwrap_or_default();
    if !stop::is_known(&stop_reason) {
        emit(ChatEvent::UnknownFinish { choice: 0 });
    }
    emit(ChatEvent::Finished { choice: 0, reason: stop::reason(&stop_reason, calls) });
    if let Some(usage) = answer.usage {
        emit(ChatEvent::Usage(usage.total()));
    }
    Ok(())
}

fn unreadable(message: &str) -> Failure {
    Failure::plain(Class::Unreadable, Some(200), message)
}
