//! How chunks stand in the body of a stream: server-sent events with `alt=sse`, else the elements of one JSON array.

use super::path::Mode;
use crate::dialect::{Dialect, append_line};
use crate::refusal::ErrorBody;

/// Frames chunks.
#[derive(Debug)]
pub struct Frames {
    is_sse: bool,
    /// Something was written: an array needs a comma.
    has_begun: bool,
}

impl Frames {
    /// Before the first chunk.
    pub fn new(mode: Mode) -> Self {
        Self { is_sse: mode == Mode::Sse, has_begun: false }
    }

    /// Appends a chunk that is JSON already.
    pub fn chunk(&mut self, json: &[u8], out: &mut Vec<u8>) {
        self.open(out);
        append_line(json, out);
        self.close(out);
    }

    /// Appends what stands before a chunk.
    pub(super) fn open(&mut self, out: &mut Vec<u8>) {
        let before: &[u8] = match (self.is_sse, std::mem::replace(&mut self.has_begun, true)) {
            (true, _) => b"data: ",
            (false, false) => b"[",
            (false, true) => b",\r\n",
        };
        out.extend_from_slice(before);
    }

    /// Appends what stands after a chunk.
    pub(super) fn close(&self, out: &mut Vec<u8>) {
        if self.is_sse {
            out.extend_from_slice(b"\r\n\r\n");
        }
    }

    /// Appends what stands after the last chunk.
    pub fn end(&mut self, out: &mut Vec<u8>) {
        if !self.is_sse {
            out.extend_from_slice(if self.has_begun { b"]" } else { b"[]" });
        }
    }

    /// Appends an error, on which the SDKs raise, and ends the stream; one that only ends looks complete to them.
    pub fn error(&mut self, error: &ErrorBody, out: &mut Vec<u8>) {
        self.chunk(&Dialect::Gemini.error_json(error), out);
        self.end(out);
    }
}
