//! Gemini's generateContent, as clients speak it.

mod body;
mod collect;
mod config;
mod contents;
mod open_calls;
mod parse;
mod path;
mod schema;
mod stream;
mod wire;

pub use collect::Collector;
pub use parse::parse;
pub use path::{Call, Mode};
pub use stream::StreamWriter;
