//! The order of calls and responses, and the signatures of the current turn.

use super::{contents::Content, model::signs_calls, parts::Part};
use crate::refusal::{Checked, Refusal};

pub(super) fn check(contents: &[Content<'_>], model: &str) -> Checked {
    order(contents)?;
    if signs_calls(model) { signatures(contents) } else { Ok(()) }
}

fn order(contents: &[Content<'_>]) -> Checked {
    for (index, content) in contents.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|before| contents.get(before));
        let calls_before = before.map_or(0, Content::calls);
        if content.calls() > 0 && before.is_none_or(|before| !before.from_user) {
            return Err(Refusal::invalid(
                "Please ensure that function call turn comes immediately after a user turn or after a function \
                 response turn.",
            ));
        }
        if content.responses() > 0 && calls_before == 0 {
            return Err(Refusal::invalid(
                "Please ensure that function response turn comes immediately after a function call turn.",
            ));
        }
        if calls_before > 0 && content.responses() != calls_before {
            return Err(Refusal::invalid(
                "Please ensure that the number of function response parts is equal to the number of function call \
                 parts of the function call turn.",
            ));
        }
    }
    Ok(())
}

/// The current turn begins with the last user content that is no tool result. In it, the first call of each step - one
/// content of the model - must carry its signature; parallel calls behind it carry none.
/// Source: <https://ai.google.dev/gemini-api/docs/thought-signatures>
fn signatures(contents: &[Content<'_>]) -> Checked {
    let begin = contents.iter().rposition(|content| content.from_user && content.responses() == 0).unwrap_or(0);
    for (index, content) in contents.iter().enumerate().skip(begin) {
        let first = content.parts.iter().find_map(|part| match part {
            Part::Call { name, signed, .. } => Some((*name, *signed)),
            _ => None,
        });
        if let Some((name, false)) = first {
            return Err(Refusal::invalid(format!(
                "Function call is missing a thought_signature in functionCall parts. This is required for tools to work \
                 correctly, and missing thought_signature may lead to degraded model performance. Additional data, \
                 function call `default_api:{name}`, position {}.",
                index.saturating_add(1)
            )));
        }
    }
    Ok(())
}
