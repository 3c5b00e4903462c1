//! An answer as it comes (PROVIDERS C.1).

use super::Lost;
use super::choices::Choices;
use super::wire::Answer;
use crate::chat::{ChatEvent, Usage};
use crate::failure::{Class, Failure};
use crate::sse;

/// Reads the events of one answer.
#[derive(Debug)]
pub struct Reader {
    choices: Choices,
    /// How many choices were asked for.
    wanted: u64,
    is_done: bool,
}

impl Reader {
    /// A reader at the start of a stream. `seed` makes ids where there are none; `choices`: the request's `n`.
    pub fn new(seed: u64, choices: Option<u64>) -> Self {
        Self { choices: Choices::new(seed), wanted: choices.unwrap_or(1), is_done: false }
    }

    /// Reads one event.
    ///
    /// # Errors
    /// When it tells of an error, or cannot be read.
    pub fn read(&mut self, event: &sse::Event<'_>, emit: &mut dyn FnMut(ChatEvent<'_>)) -> Result<(), Failure> {
        if self.is_done {
            return Ok(());
        }
        if event.data == b"[DONE]" {
            self.is_done = true;
            self.choices.finish(emit);
            return Ok(());
        }
        let chunk: Answer<'_> = serde_json::from_slice(event.data)
            .map_err(|_| Failure::plain(Class::Unreadable, None, "the stream is not one of chat completion chunks"))?;
        if chunk.error.is_some() {
            return Err(super::super::error::read_in_band(event.data));
        }
        self.choices.apply(chunk, emit)
    }

    /// Whether the stream has come to its end.
    pub fn is_complete(&self) -> bool {
        self.is_done
    }

    /// The provider closed the stream. Servers that send no `[DONE]` are complete once every choice is finished.
    ///
    /// # Errors
    /// The stream had not come to its end.
    pub fn end(&mut self, emit: &mut dyn FnMut(ChatEvent<'_>)) -> Result<(), Failure> {
        if self.is_done {
            return Ok(());
        }
        if u64::try_from(self.choices.finished()).is_ok_and(|finished| finished >= self.wanted) {
            self.is_done = true;
            self.choices.finish(emit);
            return Ok(());
        }
        Err(Failure::plain(Class::Truncated, None, "the provider ended the stream before the answer was complete"))
    }

    /// The usage, once it came.
    pub fn usage(&self) -> Option<Usage> {
        self.choices.usage()
    }

    /// When the server says that it answered, in seconds since 1970.
    pub fn created(&self) -> Option<u64> {
        self.choices.created()
    }

    /// What was lost first, if anything was.
    pub fn lost(&self) -> Option<Lost> {
        self.choices.lost()
    }
}
