//! An answer as bytes: CBOR with numbered fields. Its events lie one after the other, so that one can be added without
//! touching those before it; each delta is one, so that a replayed stream has the pieces that the first one had.

use crate::chat::{ChatEvent, Delta, FinishReason, Usage};
use minicbor::{Decode, Decoder, Encode};
use std::borrow::Cow;

/// A whole entry.
#[derive(Clone, Debug, Encode, Decode)]
pub(super) struct Kept<'b> {
    #[n(0)]
    pub(super) version: u32,
    /// Seconds since 1970.
    #[n(1)]
    pub(super) created: u64,
    /// The target that answered.
    #[b(2)]
    pub(super) provider: &'b str,
    #[b(3)]
    pub(super) model: &'b str,
    /// As the answer itself gave them; they may be empty.
    #[b(4)]
    pub(super) id: &'b str,
    #[b(5)]
    pub(super) answered: &'b str,
    #[n(6)]
    pub(super) usage: Option<Tokens>,
    /// [`Step`]s.
    #[b(7)]
    #[cbor(with = "minicbor::bytes")]
    pub(super) steps: &'b [u8],
    /// The answer as a client got it, instead of steps.
    #[b(8)]
    #[cbor(with = "minicbor::bytes")]
    pub(super) told: Option<&'b [u8]>,
}

/// See [`Usage`].
#[derive(Clone, Copy, Debug, Encode, Decode)]
pub(super) struct Tokens {
    #[n(0)]
    prompt: u64,
    #[n(1)]
    cached: u64,
    #[n(2)]
    cache_write: u64,
    #[n(3)]
    completion: u64,
    #[n(4)]
    reasoning: u64,
}

/// An event of a choice.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub(super) enum Step<'b> {
    #[n(0)]
    Text(#[n(0)] u32, #[b(1)] &'b str),
    #[n(1)]
    Reasoning(#[n(0)] u32, #[b(1)] &'b str),
    #[n(2)]
    ToolCall {
        #[n(0)]
        choice: u32,
        #[n(1)]
        index: u32,
        #[b(2)]
        id: &'b str,
        #[b(3)]
        name: &'b str,
        #[b(4)]
        arguments: &'b str,
        #[b(5)]
        signature: Option<&'b str>,
    },
    #[n(3)]
    Arguments(#[n(0)] u32, #[n(1)] u32, #[b(2)] &'b str),
    #[n(4)]
    Finished(#[n(0)] u32, #[n(1)] Reason),
}

/// Those that an answer that is kept can end with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub(super) enum Reason {
    #[n(0)]
    Stop,
    #[n(1)]
    Length,
    #[n(2)]
    ToolCalls,
}

impl<'b> Step<'b> {
    /// A delta as a step; None for a refusal, which is not kept.
    pub(super) fn delta(choice: u32, delta: &'b Delta<'_>) -> Option<Self> {
        Some(match delta {
            Delta::Text(text) => Step::Text(choice, text),
            Delta::Reasoning(text) => Step::Reasoning(choice, text),
            Delta::Refusal(_) => return None,
            Delta::ToolCall { index, id, name, arguments, signature } => {
                Step::ToolCall { choice, index: *index, id, name, arguments, signature: signature.as_deref() }
            }
            Delta::Arguments { index, fragment } => Step::Arguments(choice, *index, fragment),
        })
    }

    /// The event that it was.
    pub(super) fn event(&self) -> ChatEvent<'b> {
        let (choice, delta) = match *self {
            Step::Text(choice, text) => (choice, Delta::Text(text.into())),
            Step::Reasoning(choice, text) => (choice, Delta::Reasoning(text.into())),
            Step::ToolCall { choice, index, id, name, arguments, signature } => {
                let (id, name, arguments) = (id.into(), name.into(), arguments.into());
                (choice, Delta::ToolCall { index, id, name, arguments, signature: signature.map(Cow::Borrowed) })
            }
            Step::Arguments(choice, index, fragment) => (choice, Delta::Arguments { index, fragment: fragment.into() }),
            Step::Finished(choice, reason) => return ChatEvent::Finished { choice, reason: reason.into() },
        };
        ChatEvent::Delta { choice, delta }
    }
}

impl Reason {
    /// None for a filtered answer, which is not kept.
    pub(super) fn of(reason: FinishReason) -> Option<Self> {
        match reason {
            FinishReason::Stop => Some(Reason::Stop),
            FinishReason::Length => Some(Reason::Length),
            FinishReason::ToolCalls => Some(Reason::ToolCalls),
            FinishReason::ContentFilter => None,
        }
    }
}

impl From<Reason> for FinishReason {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::Stop => FinishReason::Stop,
            Reason::Length => FinishReason::Length,
            Reason::ToolCalls => FinishReason::ToolCalls,
        }
    }
}

impl From<Usage> for Tokens {
    fn from(usage: Usage) -> Self {
        let Usage { prompt, cached, cache_write, completion, reasoning } = usage;
        Self { prompt, cached, cache_write, completion, reasoning }
    }
}

impl From<Tokens> for Usage {
    fn from(tokens: Tokens) -> Self {
        let Tokens { prompt, cached, cache_write, completion, reasoning } = tokens;
        Self { prompt, cached, cache_write, completion, reasoning }
    }
}

/// Appends a step.
pub(super) fn append(step: &Step<'_>, steps: &mut Vec<u8>) {
    // Into memory, which cannot fail.
    let _ = minicbor::encode(step, steps);
}

/// The steps, in order; an error is the last item.
pub(super) fn steps(bytes: &[u8]) -> impl Iterator<Item = Result<Step<'_>, minicbor::decode::Error>> {
    let mut decoder = Decoder::new(bytes);
    std::iter::from_fn(move || {
        if decoder.position() >= bytes.len() {
            return None;
        }
        let step = decoder.decode();
        if step.is_err() {
            decoder.set_position(bytes.len());
        }
        Some(step)
    })
}
