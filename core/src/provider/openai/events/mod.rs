//! An answer of an OpenAI-kind server as events: for clients of other dialects, and for the cache. Those of its own
//! dialect get it as it is, and lose nothing.
//!
//! Source: PROVIDERS B.2 and C.1, and what compatible servers do differently: each tolerance names one.

mod choices;
mod content;
mod logprobs;
mod stream;
mod whole;
mod wire;

#[cfg(test)]
mod tests;

pub use stream::Reader;
pub use whole::{Told, read};

/// Something of an answer that the events have no place for: they are not all that it said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    /// Of a form that is not OpenAI's, or of a refusal.
    Logprobs,
    Audio,
    /// Citations and the like.
    Annotations,
    /// The deprecated form of a call.
    FunctionCall,
    /// A call of a tool that is not a function, or of a form that cannot be followed.
    Call,
    /// Content that is not text.
    Content,
    /// Why a choice ended: no reason, or one that is not OpenAI's.
    FinishReason,
    /// Content of a choice that had ended.
    Late,
    /// A field that Weir does not know, with something in it.
    Unknown,
}
