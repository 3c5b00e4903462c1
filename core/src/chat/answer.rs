//! What a model answers, as it comes. An answer that was not streamed is the same events at once.

use super::logprobs::TokenLogprobs;
use std::borrow::Cow;

/// One step of an answer, borrowed from the provider's bytes where they could be taken as they are.
#[derive(Clone, Debug, PartialEq)]
pub enum ChatEvent<'a> {
    /// Once, before all others. `id` is the provider's own; empty when it gave none.
    Started { id: Cow<'a, str>, model: Cow<'a, str> },
    /// Content: the first of these is the first token.
    Delta { choice: u32, delta: Delta<'a> },
    /// Of the tokens that the choice's next deltas bring, for who asked for them.
    Logprobs { choice: u32, tokens: Vec<TokenLogprobs<'a>> },
    /// The choice ends for a reason that Weir does not know. It comes before the `Finished` in which that is a `Stop`.
    UnknownFinish { choice: u32 },
    /// Once per choice, after its last delta.
    Finished { choice: u32, reason: FinishReason },
    /// Cumulative; the last one counts.
    Usage(Usage),
}

/// A piece of content of one choice.
#[derive(Clone, Debug, PartialEq)]
pub enum Delta<'a> {
    Text(Cow<'a, str>),
    /// Thinking in clear, as far as the provider shows it.
    Reasoning(Cow<'a, str>),
    /// Why the model would not answer.
    Refusal(Cow<'a, str>),
    /// A tool call begins. `index` counts the calls of the choice from 0; `arguments` may be all of them, or the
    /// first piece, or empty. `id` is never empty.
    ToolCall {
        index: u32,
        id: Cow<'a, str>,
        name: Cow<'a, str>,
        arguments: Cow<'a, str>,
        /// Gemini's thought signature, which it wants back with this call.
        signature: Option<Cow<'a, str>>,
    },
    /// A further piece of the arguments of call `index`.
    Arguments {
        index: u32,
        fragment: Cow<'a, str>,
    },
}

/// OpenAI's reasons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FinishReason {
    Stop,
    Length,
    ToolCalls,
    ContentFilter,
}

impl FinishReason {
    /// Of OpenAI's word; None for one that it does not have.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Stop, Self::Length, Self::ToolCalls, Self::ContentFilter].into_iter().find(|one| one.as_str() == word)
    }

    /// As it stands in `finish_reason`.
    pub fn as_str(self) -> &'static str {
        match self {
            FinishReason::Stop => "stop",
            FinishReason::Length => "length",
            FinishReason::ToolCalls => "tool_calls",
            FinishReason::ContentFilter => "content_filter",
        }
    }
}

/// Tokens of one answer, counted as OpenAI does: cached and written tokens are part of `prompt`, reasoning is part of
/// `completion`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    pub prompt: u64,
    pub cached: u64,
    pub cache_write: u64,
    pub completion: u64,
    pub reasoning: u64,
}

impl Usage {
    /// Of two answers together.
    pub fn saturating_add(self, other: Self) -> Self {
        Self {
            prompt: self.prompt.saturating_add(other.prompt),
            cached: self.cached.saturating_add(other.cached),
            cache_write: self.cache_write.saturating_add(other.cache_write),
            completion: self.completion.saturating_add(other.completion),
            reasoning: self.reasoning.saturating_add(other.reasoning),
        }
    }

    /// Prompt and completion.
    pub fn total(&self) -> u64 {
        self.prompt.saturating_add(self.completion)
    }
}
