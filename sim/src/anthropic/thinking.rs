//! The `thinking` parameter and what it forbids elsewhere.

use super::{
    invalid::{integer, invalid, object, one_of, only, ranged, required, string},
    model::{Capabilities, Thinking},
};
use crate::{
    fields::{Object, present},
    refusal::{Checked, Refusal},
};

/// The least budget of `enabled`.
const LEAST_BUDGET: i64 = 1024;

pub(super) fn check(body: &Object, model: Capabilities) -> Checked {
    let Some(thinking) = object(body, "thinking", "")? else { return Ok(()) };
    let kind = required(string(thinking, "type", "thinking")?, "type", "thinking")?;
    let refused = |kind: &str| invalid("thinking.type", format!("\"{kind}\" is not supported for this model"));
    match kind {
        "enabled" if !model.thinking.legacy() => {
            Err(invalid("thinking.type", "\"enabled\" is not supported for this model. Use \"adaptive\" instead"))
        }
        "enabled" => enabled(body, thinking),
        "adaptive" | "between_tools" if !model.thinking.adaptive() => Err(refused(kind)),
        "adaptive" | "between_tools" => {
            only(thinking, &["type", "display"], "thinking")?;
            match string(thinking, "display", "thinking")? {
                Some(display) => one_of(display, &["summarized", "omitted"], "thinking.display"),
                None => Ok(()),
            }
        }
        "disabled" if model.thinking == Thinking::Always => Err(refused(kind)),
        "disabled" => only(thinking, &["type"], "thinking"),
        other => one_of(other, &["enabled", "adaptive", "between_tools", "disabled"], "thinking.type"),
    }
}

fn enabled(body: &Object, thinking: &Object) -> Checked {
    only(thinking, &["type", "budget_tokens", "display"], "thinking")?;
    let at = "thinking.enabled";
    let budget = required(integer(thinking, "budget_tokens", at)?, "budget_tokens", at)?;
    if budget < LEAST_BUDGET {
        let complaint = format!("Input should be greater than or equal to {LEAST_BUDGET}");
        return Err(invalid("thinking.enabled.budget_tokens", complaint));
    }
    if integer(body, "max_tokens", "")?.is_some_and(|max| max <= budget) {
        return Err(Refusal::invalid("`max_tokens` must be greater than `thinking.budget_tokens`."));
    }
    if ranged(body, "temperature", 0.0, 1.0)?.is_some_and(|temperature| temperature != 1.0) {
        return Err(Refusal::invalid("`temperature` may only be set to 1 when thinking is enabled."));
    }
    if present(body, "top_k").is_some() {
        return Err(Refusal::invalid("`top_k` must be unset when thinking is enabled."));
    }
    if object(body, "tool_choice", "")?.is_some_and(super::tools::is_forced) {
        return Err(Refusal::invalid("Thinking may not be enabled when tool_choice forces tool use."));
    }
    Ok(())
}

/// Whether the answer shows thinking, and with text or blank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    Nothing,
    /// A thinking block with a signature and no text.
    Blank,
    Text,
}

pub(super) fn shown(body: &Object) -> Shown {
    let Some(thinking) = present(body, "thinking") else { return Shown::Nothing };
    let display = thinking.get("display").and_then(|display| display.as_str());
    match (thinking.get("type").and_then(|kind| kind.as_str()), display) {
        (Some("enabled"), Some("omitted")) => Shown::Blank,
        (Some("enabled"), _) | (Some("adaptive" | "between_tools"), Some("summarized")) => Shown::Text,
        (Some("adaptive" | "between_tools"), _) => Shown::Blank,
        _ => Shown::Nothing,
    }
}
