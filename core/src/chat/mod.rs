//! The conversation in Weir's own terms, which are OpenAI's: every client dialect is parsed into a
//! [`ChatRequest`], every provider's answer is read as [`ChatEvent`]s, streamed or not.

mod answer;
mod content;
mod logprobs;
mod request;
mod tools;

pub use answer::{ChatEvent, Delta, FinishReason, Usage};
pub use content::{Content, File, ImageUrl, InputAudio, Media, MediaSource, Part};
pub use logprobs::{Logprob, TokenLogprobs};
pub use request::{ChatRequest, JsonSchema, Message, ResponseFormat, Role, Stop, StreamOptions};
pub use tools::{FunctionCall, FunctionDef, Tool, ToolCall, ToolChoice};
