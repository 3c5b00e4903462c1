//! `reasoning_effort` in the terms of the model at hand (PROVIDERS A.3): levels since Gemini 3, a budget before.

use super::body::ThinkingConfig;
use crate::capability::{Capabilities, Effort, Thinking};

#[derive(Default)]
pub(super) struct Decision {
    pub config: Option<ThinkingConfig>,
    /// The wish could not be granted.
    pub dropped: bool,
}

/// Decides for `asked`; None is `none`. `wish` is the same in tokens, where the client said it so.
pub(super) fn decide(asked: Option<Effort>, wish: Option<u64>, capabilities: &Capabilities) -> Decision {
    let (least, most) = capabilities.budget;
    let config = match capabilities.thinking {
        Thinking::None => return Decision { config: None, dropped: asked.is_some() },
        Thinking::Level | Thinking::Adaptive => {
            let level = match asked {
                Some(effort) => capabilities.efforts.nearest(effort),
                None => capabilities.efforts.least(),
            };
            ThinkingConfig {
                include_thoughts: asked.is_some(),
                thinking_level: level.map(Effort::as_str),
                thinking_budget: None,
            }
        }
        Thinking::Budget | Thinking::BudgetOrAdaptive => {
            let budget = match asked {
                None if capabilities.thinking_off => 0,
                None => least,
                Some(effort) => wish.unwrap_or(tokens(effort)).clamp(least.min(most), most),
            };
            ThinkingConfig { include_thoughts: asked.is_some(), thinking_level: None, thinking_budget: Some(budget) }
        }
    };
    // `minimal` is as good as off; anything above it was not wished for.
    let is_near_off = capabilities.thinking_off || config.thinking_level == Some(Effort::Minimal.as_str());
    Decision { config: Some(config), dropped: asked.is_none() && !is_near_off }
}

/// Google's own OpenAI layer uses these.
fn tokens(effort: Effort) -> u64 {
    match effort {
        Effort::Minimal | Effort::Low => 1024,
        Effort::Medium => 8192,
        Effort::High => 24576,
        Effort::Xhigh | Effort::Max => u64::MAX,
    }
}
