//! Gemini's generateContent, as clients speak it.

mod body;
mod collect;
mod config;
mod contents;
mod frames;
mod list;
mod logprobs;
mod open_calls;
mod parse;
mod path;
pub mod relay;
mod schema;
mod stream;
mod wire;

pub use collect::Collector;
pub use frames::Frames;
pub use parse::parse;
pub(super) use path::decode;
pub use path::{Call, Mode};
pub use stream::StreamWriter;
