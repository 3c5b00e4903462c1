//! A cached answer, and how it is told again.

use super::VERSION;
use super::codec::{self, Kept, Step};
use crate::chat::{ChatEvent, Usage};
use crate::dialect::openai::{Collector, StreamWriter};

/// An answer that was recorded, borrowed from its bytes.
#[derive(Clone, Debug)]
pub struct Entry<'a> {
    kept: Kept<'a>,
}

impl<'a> Entry<'a> {
    /// Reads an entry's bytes; None when they are none.
    pub fn decode(bytes: &'a [u8]) -> Option<Self> {
        let mut decoder = minicbor::Decoder::new(bytes);
        let kept: Kept<'a> = decoder.decode().ok()?;
        let has_answer = !kept.steps.is_empty() || kept.told.is_some();
        let is_whole = kept.version == VERSION && decoder.position() == bytes.len() && has_answer;
        (is_whole && codec::steps(kept.steps).all(|step| step.is_ok())).then_some(Self { kept })
    }

    /// What the answer took when it was made.
    pub fn usage(&self) -> Option<Usage> {
        self.kept.usage.map(Usage::from)
    }

    /// The provider that answered.
    pub fn provider(&self) -> &'a str {
        self.kept.provider
    }

    /// The model that the provider was asked for.
    pub fn model(&self) -> &'a str {
        self.kept.model
    }

    /// When it was answered, in seconds since 1970.
    pub fn created(&self) -> u64 {
        self.kept.created
    }

    /// The answer as a client got it, if it was kept so: then it has no events.
    pub fn told(&self) -> Option<&'a [u8]> {
        self.kept.told
    }

    /// The events that the answer is made of.
    pub fn events(&self) -> impl Iterator<Item = ChatEvent<'a>> {
        let started = ChatEvent::Started { id: self.kept.id.into(), model: self.kept.answered.into() };
        let steps = codec::steps(self.kept.steps).filter_map(Result::ok).map(|step: Step<'a>| step.event());
        std::iter::once(started).chain(steps).chain(self.usage().map(ChatEvent::Usage))
    }

    /// The answer as one `chat.completion`; `fallback_id` is its id if the provider gave none.
    pub fn whole(&self, fallback_id: &str) -> Vec<u8> {
        let mut collector = Collector::default();
        self.events().for_each(|event| collector.take(event));
        collector.finish(fallback_id, self.kept.created)
    }

    /// The answer as a complete stream, `[DONE]` included; `wants_usage`: with the usage at its end.
    pub fn stream(&self, fallback_id: &str, wants_usage: bool) -> Vec<u8> {
        let mut writer = StreamWriter::new(fallback_id.to_owned(), self.kept.created, wants_usage);
        let mut out = Vec::new();
        self.events().for_each(|event| writer.write(&event, &mut out));
        writer.end(&mut out);
        out
    }
}
