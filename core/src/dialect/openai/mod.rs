//! OpenAI's chat completions, as clients speak it.

mod collect;
mod parse;
mod stream;
mod unknown;

pub use collect::Collector;
pub use parse::{ParsedChat, parse};
pub use stream::{StreamWriter, error_frame};
