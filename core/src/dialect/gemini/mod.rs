//! Gemini's generateContent, as clients speak it.

mod body;
mod config;
mod contents;
mod open_calls;
mod parse;
mod path;
mod schema;

pub use parse::parse;
pub use path::{Call, Mode};
