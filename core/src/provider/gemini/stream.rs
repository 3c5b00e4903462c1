//! An answer as it comes (PROVIDERS C.3). The stream has no last event: it ends with the connection.

use super::choices::Choices;
use super::chunk::Chunk;
use crate::chat::{ChatEvent, Usage};
use crate::failure::{Class, Failure};
use crate::sse;

/// Reads the events of one answer.
#[derive(Debug)]
pub struct Reader {
    choices: Choices,
}

impl Reader {
    /// A reader at the start of a stream. `seed` makes ids where there are none.
    pub fn new(seed: u64) -> Self {
        Self { choices: Choices::new(seed) }
    }

    /// Reads one event.
    ///
    /// # Errors
    /// When it tells of an error, or cannot be read.
    pub fn read(&mut self, event: &sse::Event<'_>, emit: &mut dyn FnMut(ChatEvent<'_>)) -> Result<(), Failure> {
        // Gemini never says so, but servers that imitate it do.
        if event.data == b"[DONE]" {
            return Ok(());
        }
        let chunk: Chunk<'_> = serde_json::from_slice(event.data)
            .map_err(|_| Failure::plain(Class::Unreadable, Some(200), "the stream holds an event of the wrong form"))?;
        self.choices.apply(chunk, emit)
    }

    /// The upstream has closed the stream: what it had not ended was cut.
    ///
    /// # Errors
    /// Unless each answer had told why it ended.
    pub fn end(&mut self, emit: &mut dyn FnMut(ChatEvent<'_>)) -> Result<(), Failure> {
        if !self.choices.are_ended() {
            return Err(Failure::plain(Class::Truncated, Some(200), "the stream ended before the answer did"));
        }
        self.choices.finish(emit);
        Ok(())
    }

    /// The tokens counted so far; of a stream that was cut, what is known.
    pub fn usage(&self) -> Option<Usage> {
        self.choices.usage()
    }
}
