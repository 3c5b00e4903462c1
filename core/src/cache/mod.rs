//! The exact cache: which requests ask for the same answer, what is kept of an answer, and how it is told again.
//!
//! A request's [`key()`] says all that may change its answer, for one tenant. What came as an answer is recorded
//! ([`Recorder`]) as the events that it is made of, whoever gave it, and replayed ([`Entry`]) to whoever asks the same,
//! streamed or not. Clients of Anthropic's and Gemini's dialects have more to read than the events say, if a provider of
//! their own kind answers: theirs is recorded as they got it, for one form of answer each ([`key_of_body`]). Nothing here
//! knows where entries are kept but for the worker's own memory ([`L1`]).

mod bypass;
mod codec;
mod entry;
mod key;
mod l1;
mod record;
#[cfg(test)]
mod tests;

pub use bypass::{Bypass, may_cache};
pub use entry::Entry;
pub use key::{Form, key, key_of_body};
pub use l1::{Hit, L1};
pub use record::Recorder;

/// Of the keys and of the entries. A change of either form is another version, so an entry is only ever found by who
/// can read it.
pub const VERSION: u32 = 2;
