//! `reasoning_effort` in the terms of the model at hand (PROVIDERS A.2, A.5).

use super::body;
use crate::capability::{Capabilities, Effort, Thinking};

/// Least budget that Anthropic accepts.
const MIN_BUDGET: u64 = 1024;

/// What else the request holds that thinking must agree with.
pub(super) struct Situation {
    pub max_tokens: u64,
    /// The wish in tokens, where the client said it so.
    pub budget: Option<u64>,
    /// A tool call is required: thinking cannot be turned on by hand then.
    pub forced: bool,
    /// The last turn holds calls or their results, whose thinking blocks an OpenAI client has not kept, or it begins
    /// the answer. Thinking by budget wants those blocks; adaptive thinking does not.
    pub mid_turn: bool,
}

#[derive(Default)]
pub(super) struct Decision {
    pub thinking: Option<body::Thinking>,
    pub effort: Option<&'static str>,
    /// The wish could not be granted.
    pub dropped: bool,
}

/// Decides for `asked`; None is `none`.
pub(super) fn decide(asked: Option<Effort>, capabilities: &Capabilities, situation: &Situation) -> Decision {
    match (capabilities.thinking, asked) {
        (Thinking::None | Thinking::Level, asked) => Decision { dropped: asked.is_some(), ..Decision::default() },
        // Off unless turned on.
        (Thinking::Budget, None) => Decision::default(),
        (Thinking::Budget, Some(effort)) => by_budget(effort, capabilities, situation),
        (Thinking::Adaptive | Thinking::BudgetOrAdaptive, None) if capabilities.thinking_off => {
            Decision { thinking: Some(body::Thinking::Disabled), ..Decision::default() }
        }
        // It cannot be turned off: as little as can be.
        (Thinking::Adaptive | Thinking::BudgetOrAdaptive, None) => {
            Decision { effort: capabilities.efforts.least().map(Effort::as_str), thinking: None, dropped: true }
        }
        (Thinking::Adaptive | Thinking::BudgetOrAdaptive, Some(effort)) => Decision {
            // By default the text of the thoughts may be left out.
            thinking: (!situation.forced).then_some(body::Thinking::Adaptive { display: "summarized" }),
            effort: capabilities.efforts.nearest(effort).map(Effort::as_str),
            dropped: false,
        },
    }
}

fn by_budget(effort: Effort, capabilities: &Capabilities, situation: &Situation) -> Decision {
    let wish: u64 = situation.budget.unwrap_or(match effort {
        Effort::Minimal | Effort::Low => 1024,
        Effort::Medium => 2048,
        Effort::High => 4096,
        Effort::Xhigh => 8192,
        Effort::Max => 16384,
    });
    // The budget is part of `max_tokens` and must leave room for an answer.
    let (_, most) = capabilities.budget;
    let budget_tokens = wish.min(most).min(situation.max_tokens.saturating_sub(1));
    if situation.forced || situation.mid_turn || budget_tokens < MIN_BUDGET {
        return Decision { dropped: true, ..Decision::default() };
    }
    Decision { thinking: Some(body::Thinking::Enabled { budget_tokens }), ..Decision::default() }
}
