//! Anthropic's Messages API, as clients speak it.

mod body;
mod collect;
mod messages;
mod parse;
pub mod relay;
mod stream;
mod wire;

pub use collect::Collector;
pub(super) use parse::of_budget;
pub use parse::{parse, parse_count};
pub use stream::{StreamWriter, error_frame, ping};
pub use wire::FOREIGN_SIGNATURE;
