//! Anthropic's Messages API, as clients speak it.

mod body;
mod messages;
mod parse;

pub(super) use parse::of_budget;
pub use parse::parse;
