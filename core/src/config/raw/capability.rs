//! The operator's own word on what models can do, as it was written.

use super::{ANSWERS, whole};
use crate::capability::{Own, Sampling, Thinking};
use crate::config::problem::{At, Findings};
use crate::config::read::Cursor;

#[derive(Debug)]
pub(in crate::config) struct Capability {
    /// `provider/model`.
    pub(in crate::config) target: At<String>,
    pub(in crate::config) own: Own,
}

const SAMPLING: &[(&str, Sampling)] =
    &[("accepted", Sampling::Accepted), ("ignored", Sampling::Ignored), ("refused", Sampling::Refused)];
const THINKING: &[(&str, Thinking)] = &[
    ("none", Thinking::None),
    ("budget", Thinking::Budget),
    ("adaptive", Thinking::Adaptive),
    ("budget_or_adaptive", Thinking::BudgetOrAdaptive),
    ("level", Thinking::Level),
];

pub(super) fn capabilities(cursor: Cursor<'_>, found: &mut Findings) -> Option<Vec<Capability>> {
    let entries = cursor.map("a map from provider/model to what it can do", found)?.named();
    Some(entries.iter().map(|entry| capability(entry.name(), entry.cursor(), found)).collect())
}

fn capability(target: At<String>, cursor: Cursor<'_>, found: &mut Findings) -> Capability {
    let own = whole(cursor, "a map with sampling, thinking, max_output_tokens, …", found, |map, f| {
        let mut answer = |name, f: &mut Findings| map.get(name, f, |c, f| Some(c.choice("answer", ANSWERS, f)?.value));
        let (forced_tool_choice, prefill) = (answer("forced_tool_choice", f), answer("prefill", f));
        let (structured_output, penalties) = (answer("structured_output", f), answer("penalties", f));
        Own {
            sampling: map.get("sampling", f, |c, f| Some(c.choice("word", SAMPLING, f)?.value)),
            thinking: map.get("thinking", f, |c, f| Some(c.choice("word", THINKING, f)?.value)),
            forced_tool_choice,
            prefill,
            structured_output,
            penalties,
            max_input_tokens: map.get("max_input_tokens", f, |c, f| Some(c.count(f)?.value)),
            max_output_tokens: map.get("max_output_tokens", f, |c, f| Some(c.count(f)?.value)),
        }
    });
    Capability { target, own: own.unwrap_or_default() }
}
