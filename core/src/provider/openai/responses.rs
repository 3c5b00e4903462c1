//! The Responses API, passed on as it is: its events, looked at for content, usage, errors and the end (PROVIDERS C.4),
//! and its whole answers.

use super::error;
use crate::chat::Usage;
use crate::failure::{Class, Failure};
use crate::json::{Raw, Str};
use crate::sse;
use serde::Deserialize;
use serde::de::IgnoredAny;

/// Passes a stream on.
#[derive(Debug, Default)]
pub struct Relay {
    usage: Option<Usage>,
    has_content: bool,
    /// Bytes of content so far.
    text: u64,
    /// The number that the next event would have.
    next: u64,
    done: bool,
}

/// An event, whichever it is.
#[derive(Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
struct Event<'a> {
    #[serde(rename = "type")]
    kind: Option<Str<'a>>,
    sequence_number: Option<u64>,
    response: Option<Raw<'a>>,
    delta: Option<Raw<'a>>,
    /// Of `error`.
    code: Option<Raw<'a>>,
    message: Option<Raw<'a>>,
    /// Of an error in the form of the other endpoints.
    error: Option<IgnoredAny>,
}

/// What an answer says, whole or at the end of a stream.
#[derive(Default, Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
struct Answer<'a> {
    status: Option<Str<'a>>,
    output: Option<Vec<IgnoredAny>>,
    usage: Option<Raw<'a>>,
    error: Option<Raw<'a>>,
}

/// The `usage` of an answer; any field may be null or missing.
#[derive(Default, Deserialize)]
struct UsageFields {
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    input_tokens_details: Option<InputDetails>,
    output_tokens_details: Option<OutputDetails>,
}

#[derive(Default, Deserialize)]
struct InputDetails {
    cached_tokens: Option<u64>,
    cache_write_tokens: Option<u64>,
}

#[derive(Default, Deserialize)]
struct OutputDetails {
    reasoning_tokens: Option<u64>,
}

fn usage(json: Raw<'_>) -> Option<Usage> {
    let fields: UsageFields = json.parse().ok()?;
    let input = fields.input_tokens_details.unwrap_or_default();
    Some(Usage {
        prompt: fields.input_tokens.unwrap_or(0),
        cached: input.cached_tokens.unwrap_or(0),
        cache_write: input.cache_write_tokens.unwrap_or(0),
        completion: fields.output_tokens.unwrap_or(0),
        reasoning: fields.output_tokens_details.unwrap_or_default().reasoning_tokens.unwrap_or(0),
    })
}

/// Events that say that an answer begins, and nothing of it yet.
const BEFORE_CONTENT: [&str; 6] = [
    "response.created",
    "response.queued",
    "response.in_progress",
    "response.output_item.added",
    "response.content_part.added",
    "response.reasoning_summary_part.added",
];

impl Relay {
    /// Whether something that the client waits for has been passed on.
    pub fn has_content(&self) -> bool {
        self.has_content
    }

    /// Bytes of content that came.
    pub fn text(&self) -> u64 {
        self.text
    }

    /// Whether the stream has come to its end.
    pub fn is_complete(&self) -> bool {
        self.done
    }

    /// The usage, once it came.
    pub fn usage(&self) -> Option<Usage> {
        self.usage
    }

    /// The number that the next event would have.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// Appends `event` to `out`, its data byte for byte.
    ///
    /// # Errors
    /// An answer that failed, or data that is no event of such a stream.
    pub fn read(&mut self, event: &sse::Event<'_>, out: &mut Vec<u8>) -> Result<(), Failure> {
        // Some compatible servers end every stream so; the official one does not.
        if self.done || event.data == b"[DONE]" {
            return Ok(());
        }
        let read: Event<'_> = serde_json::from_slice(event.data)
            .map_err(|_| Failure::plain(Class::Unreadable, None, "the stream is not one of response events"))?;
        let name = std::str::from_utf8(event.name).unwrap_or_default();
        let kind = read.kind.as_deref().unwrap_or(name);
        self.next = read.sequence_number.unwrap_or(self.next).saturating_add(1);
        match kind {
            _ if read.error.is_some() => return Err(error::read_in_band(event.data)),
            "error" => return Err(error::read_code(text(read.code).as_deref(), text(read.message).as_deref())),
            "response.failed" => return Err(failed(&answer(read.response))),
            "response.completed" | "response.incomplete" => {
                self.usage = answer(read.response).usage.and_then(usage);
                self.has_content = true;
                self.done = true;
            }
            "" => return Err(Failure::plain(Class::Unreadable, None, "an event of the stream has no type")),
            kind if BEFORE_CONTENT.contains(&kind) => {}
            _ => {
                self.has_content = true;
                let length = read.delta.map_or(0, |delta| delta.get().len().saturating_sub(2));
                self.text = self.text.saturating_add(u64::try_from(length).unwrap_or(u64::MAX));
            }
        }
        out.extend_from_slice(b"event: ");
        out.extend_from_slice(kind.as_bytes());
        out.extend_from_slice(b"\ndata: ");
        // What came in several lines goes out in one: between JSON's tokens a space is as good.
        out.extend(event.data.iter().map(|byte| if *byte == b'\n' { b' ' } else { *byte }));
        out.extend_from_slice(b"\n\n");
        Ok(())
    }

    /// The provider closed the stream.
    ///
    /// # Errors
    /// The stream had not come to its end.
    pub fn end(&self) -> Result<(), Failure> {
        match self.done {
            true => Ok(()),
            false => {
                let why = "the provider ended the stream before the answer was complete";
                Err(Failure::plain(Class::Truncated, None, why))
            }
        }
    }
}

fn answer(response: Option<Raw<'_>>) -> Answer<'_> {
    response.and_then(|response| response.parse().ok()).unwrap_or_default()
}

fn text(json: Option<Raw<'_>>) -> Option<Str<'_>> {
    json.and_then(|json| json.parse().ok())
}

/// Why an answer failed, as it says itself.
fn failed(answer: &Answer<'_>) -> Failure {
    #[derive(Default, Deserialize)]
    #[serde(bound(deserialize = "'de: 'a"))]
    struct Told<'a> {
        code: Option<Str<'a>>,
        message: Option<Str<'a>>,
    }

    let told: Told<'_> = answer.error.and_then(|error| error.parse().ok()).unwrap_or_default();
    error::read_code(told.code.as_deref(), told.message.as_deref())
}

/// The usage of a whole 2xx answer, None when it names none.
///
/// # Errors
/// A body that is no such answer, or an answer that failed.
pub fn read(body: &[u8]) -> Result<Option<Usage>, Failure> {
    let unreadable = |why: &str| Failure::plain(Class::Unreadable, None, why);
    let answer: Answer<'_> = serde_json::from_slice(body).map_err(|_| unreadable("the answer is not a response"))?;
    if answer.error.is_some() || answer.status.as_deref() == Some("failed") {
        return Err(failed(&answer));
    }
    match answer.output {
        Some(_) => Ok(answer.usage.and_then(usage)),
        None => Err(unreadable("the answer has no output")),
    }
}

#[cfg(test)]
mod tests;
