//! An answer in the client's dialect, whole or as a stream, whichever dialect that is.

use super::{Request, anthropic, gemini, openai};
use crate::chat::{ChatEvent, Usage};
use crate::refusal::ErrorBody;

/// Gathers events into one answer.
#[derive(Debug)]
pub enum Collector {
    OpenAi(openai::Collector),
    Anthropic(anthropic::Collector),
    Gemini(gemini::Collector),
}

impl Collector {
    /// For the answer to `request`.
    pub fn new(request: &Request) -> Self {
        match request {
            Request::OpenAi(_) => Self::OpenAi(openai::Collector::default()),
            Request::Anthropic(_) => Self::Anthropic(anthropic::Collector::new(request.shows_thoughts())),
            Request::Gemini(..) => Self::Gemini(gemini::Collector::new(request.shows_thoughts())),
        }
    }

    /// Takes one event in.
    pub fn take(&mut self, event: ChatEvent<'_>) {
        match self {
            Self::OpenAi(collector) => collector.take(event),
            Self::Anthropic(collector) => collector.take(event),
            Self::Gemini(collector) => collector.take(event),
        }
    }

    /// The usage, if the provider gave any.
    pub fn usage(&self) -> Option<Usage> {
        match self {
            Self::OpenAi(collector) => collector.usage(),
            Self::Anthropic(collector) => collector.usage(),
            Self::Gemini(collector) => collector.usage(),
        }
    }

    /// The whole answer; `fallback_id` if the provider gave no id, `created` in seconds since 1970.
    pub fn finish(self, fallback_id: &str, created: u64) -> Vec<u8> {
        match self {
            Self::OpenAi(collector) => collector.finish(fallback_id, created),
            Self::Anthropic(collector) => collector.finish(fallback_id),
            Self::Gemini(collector) => collector.finish(fallback_id),
        }
    }
}

/// Writes events as a stream.
#[derive(Debug)]
pub enum StreamWriter {
    OpenAi(openai::StreamWriter),
    Anthropic(anthropic::StreamWriter),
    Gemini(gemini::StreamWriter),
}

impl StreamWriter {
    /// For the answer to `request`; `fallback_id` and `created` as in [`Collector::finish`].
    pub fn new(request: &Request, fallback_id: String, created: u64) -> Self {
        let shows_thoughts = request.shows_thoughts();
        match request {
            Request::OpenAi(parsed) => {
                Self::OpenAi(openai::StreamWriter::new(fallback_id, created, parsed.chat().wants_usage()))
            }
            Request::Anthropic(_) => Self::Anthropic(anthropic::StreamWriter::new(fallback_id, shows_thoughts)),
            Request::Gemini(_, mode) => Self::Gemini(gemini::StreamWriter::new(fallback_id, *mode, shows_thoughts)),
        }
    }

    /// Appends what `event` looks like.
    pub fn write(&mut self, event: &ChatEvent<'_>, out: &mut Vec<u8>) {
        match self {
            Self::OpenAi(writer) => writer.write(event, out),
            Self::Anthropic(writer) => writer.write(event, out),
            Self::Gemini(writer) => writer.write(event, out),
        }
    }

    /// Appends the end.
    pub fn end(&mut self, out: &mut Vec<u8>) {
        match self {
            Self::OpenAi(writer) => writer.end(out),
            Self::Anthropic(writer) => writer.end(out),
            Self::Gemini(writer) => writer.end(out),
        }
    }

    /// Appends an error, which ends the stream.
    pub fn error(&mut self, error: &ErrorBody, out: &mut Vec<u8>) {
        match self {
            Self::OpenAi(_) => openai::error_frame(error, out),
            Self::Anthropic(_) => anthropic::error_frame(error, out),
            Self::Gemini(writer) => writer.error(error, out),
        }
    }
}
