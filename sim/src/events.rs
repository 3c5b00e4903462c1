//! The events of an answer: one contiguous buffer and where each event ends in it.

use bytes::Bytes;
use serde::Serialize;

/// A finished sequence of events. A JSON answer that is not streamed is a sequence of one.
#[derive(Clone, Debug)]
pub(crate) struct Events {
    bytes: Bytes,
    ends: Vec<usize>,
}

impl Events {
    pub(crate) fn one(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self { ends: vec![bytes.len()], bytes }
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(crate) fn byte_len(&self) -> usize {
        self.bytes.len()
    }

    /// The bytes of events `from..to`, without a copy.
    pub(crate) fn slice(&self, from: usize, to: usize) -> Bytes {
        self.bytes.slice(self.start(from)..self.start(to))
    }

    /// How far a frame that begins with event `from` reaches if it carries at most `limit` bytes, at least one event.
    pub(crate) fn frame_end(&self, from: usize, limit: usize) -> usize {
        let budget = self.start(from).saturating_add(limit);
        self.ends.partition_point(|end| *end <= budget).max(from.saturating_add(1)).min(self.len())
    }

    /// Only the first `count` events.
    pub(crate) fn truncated(mut self, count: usize) -> Self {
        self.bytes = self.bytes.slice(..self.start(count));
        self.ends.truncate(count);
        self
    }

    /// The first half of the bytes as one event: what is left of an answer that was cut in its middle.
    pub(crate) fn half(self) -> Self {
        Self::one(self.bytes.slice(..self.bytes.len() / 2))
    }

    /// These events and one more.
    pub(crate) fn followed_by(self, event: &[u8]) -> Self {
        let mut bytes = Vec::with_capacity(self.bytes.len().saturating_add(event.len()));
        bytes.extend_from_slice(&self.bytes);
        bytes.extend_from_slice(event);
        let mut ends = self.ends;
        ends.push(bytes.len());
        Self { bytes: bytes.into(), ends }
    }

    fn start(&self, index: usize) -> usize {
        match index.checked_sub(1) {
            None => 0,
            Some(before) => self.ends.get(before).copied().unwrap_or(self.bytes.len()),
        }
    }
}

/// Writes events one after the other into one buffer.
#[derive(Debug, Default)]
pub(crate) struct EventWriter {
    buffer: Vec<u8>,
    ends: Vec<usize>,
}

impl EventWriter {
    /// `expected` is a guess of the number of events; it only saves reallocations.
    pub(crate) fn with_capacity(expected: usize) -> Self {
        Self { buffer: Vec::with_capacity(expected.saturating_mul(256)), ends: Vec::with_capacity(expected) }
    }

    pub(crate) fn event(&mut self, before: &str, payload: &impl Serialize, after: &str) {
        self.buffer.extend_from_slice(before.as_bytes());
        // Writing plain structs to memory cannot fail; if a map key ever made it fail, the event would be visibly empty.
        let _ = serde_json::to_writer(&mut self.buffer, payload);
        self.raw(after);
    }

    pub(crate) fn raw(&mut self, text: &str) {
        self.buffer.extend_from_slice(text.as_bytes());
        self.ends.push(self.buffer.len());
    }

    pub(crate) fn finish(self) -> Events {
        Events { bytes: self.buffer.into(), ends: self.ends }
    }
}

/// A JSON document as bytes.
pub(crate) fn json(document: &impl Serialize) -> Bytes {
    serde_json::to_vec(document).unwrap_or_default().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events() -> Events {
        let mut writer = EventWriter::default();
        for text in ["a", "bb", "ccc"] {
            writer.raw(text);
        }
        writer.finish()
    }

    #[test]
    fn a_slice_holds_exactly_its_events() {
        assert_eq!(events().slice(0, 3), "abbccc");
        assert_eq!(events().slice(1, 2), "bb");
        assert_eq!(events().truncated(1).slice(0, 1), "a");
        assert_eq!(events().half().slice(0, 1), "abb");
        assert_eq!(events().followed_by(b"d").slice(3, 4), "d");
    }

    #[test]
    fn a_frame_takes_what_fits_and_at_least_one_event() {
        assert_eq!(events().frame_end(0, 3), 2);
        assert_eq!(events().frame_end(2, 1), 3);
        assert_eq!(events().frame_end(0, 100), 3);
    }
}
