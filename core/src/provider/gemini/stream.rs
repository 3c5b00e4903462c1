//! An answer as it comes (PROVIDERS C.3). The stream has no last event: it ends with the connection.

use super::choices::Choices;
use super::chunk::{Chunk, PromptFeedback};
use crate::chat::{ChatEvent, Usage};
use crate::failure::{Class, Failure};
use crate::json::Str;
use crate::sse;
use serde::Deserialize;
use serde::de::IgnoredAny;

/// Reads the events of one answer.
#[derive(Debug)]
pub struct Reader {
    choices: Choices,
}

/// Whether a chunk brings something of the answer, or its end, whether or not Weir knows what.
pub fn is_content(data: &[u8]) -> bool {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
    struct Chunk<'a> {
        candidates: Option<Vec<Candidate<'a>>>,
        #[serde(alias = "prompt_feedback")]
        prompt_feedback: Option<PromptFeedback<'a>>,
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
    struct Candidate<'a> {
        content: Option<Content<'a>>,
        #[serde(alias = "finish_reason")]
        finish_reason: Option<IgnoredAny>,
    }

    #[derive(Deserialize)]
    #[serde(bound(deserialize = "'de: 'a"))]
    struct Content<'a> {
        parts: Option<Vec<Part<'a>>>,
    }

    /// What is no text is a call, a picture, code, or what comes next.
    #[derive(Deserialize)]
    #[serde(bound(deserialize = "'de: 'a"))]
    struct Part<'a> {
        text: Option<Str<'a>>,
    }

    let Ok(chunk) = serde_json::from_slice::<Chunk<'_>>(data) else { return false };
    let says = |part: &Part<'_>| part.text.as_ref().is_none_or(|text| !text.is_empty());
    chunk.prompt_feedback.is_some_and(|feedback| feedback.block_reason.is_some())
        || chunk.candidates.into_iter().flatten().any(|candidate| {
            let parts = candidate.content.and_then(|content| content.parts).unwrap_or_default();
            candidate.finish_reason.is_some() || parts.iter().any(says)
        })
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
