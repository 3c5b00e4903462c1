//! An answer on its way to the client, kept as an entry.

use crate::chat::ChatEvent;
use crate::config::Target;
use crate::sse;

/// Records one answer, in one of three ways: event by event, as the whole body of an OpenAI-kind server, or event by
/// event of such a server's stream.
#[derive(Debug)]
pub struct Recorder {
    max_bytes: usize,
}

impl Recorder {
    /// Gives up, and frees what it has, at more than `max_bytes`; `seed` makes ids where there are none.
    pub fn new(max_bytes: usize, _seed: u64) -> Self {
        Self { max_bytes }
    }

    /// Takes one event of an answer.
    pub fn take(&mut self, _event: &ChatEvent<'_>) {}

    /// Takes the body of an OpenAI-kind server's whole answer.
    pub fn whole(&mut self, body: &[u8]) {
        let _ = body.len() > self.max_bytes;
    }

    /// Takes one event of an OpenAI-kind server's stream.
    pub fn relayed(&mut self, _event: &sse::Event<'_>) {}

    /// The entry's bytes, once the answer is complete: who answered, and when, in seconds since 1970. None when this
    /// answer is not to be given again.
    pub fn finish(self, _target: &Target, _created: u64) -> Option<Vec<u8>> {
        None
    }
}
