//! A stream from OpenAI to a client of the same dialect: frames go through as they are, except the usage that Weir
//! asked for itself (PROVIDERS C.1).

use crate::chat::{FinishReason, Usage};
use crate::failure::{Class, Failure};
use crate::json::Raw;
use crate::sse;
use memchr::memmem;
use serde::Deserialize;
use serde::de::IgnoredAny;

/// Reads a stream and passes it on.
#[derive(Debug)]
pub struct Relay {
    /// The client did not ask for usage; Weir did.
    hide_usage: bool,
    usage: Option<Usage>,
    has_content: bool,
    /// Bytes of content so far.
    text: u64,
    /// How many choices were asked for.
    wanted: u64,
    /// Choices that are finished.
    finished: Vec<u32>,
    /// Why the first of them ended.
    reason: Option<FinishReason>,
    done: bool,
}

impl Relay {
    /// `hide_usage`: the usage was asked for by Weir, so the client must not see it; `choices`: the request's `n`.
    pub fn new(hide_usage: bool, choices: Option<u64>) -> Self {
        let wanted = choices.unwrap_or(1);
        Self {
            hide_usage,
            usage: None,
            has_content: false,
            text: 0,
            wanted,
            finished: Vec::new(),
            reason: None,
            done: false,
        }
    }

    /// Whether a content event, the first token or the finish, has been passed on.
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

    /// Why the answer ended; None: it has not, or for a reason of the server's own.
    pub fn finish(&self) -> Option<FinishReason> {
        self.reason
    }

    /// Appends what the client shall see of `event` to `out`.
    ///
    /// # Errors
    /// An error object in the stream, or data that is not a chunk.
    pub fn read(&mut self, event: &sse::Event<'_>, out: &mut Vec<u8>) -> Result<(), Failure> {
        if self.done {
            return Ok(());
        }
        if event.data == b"[DONE]" {
            self.done = true;
            frame(event.data, out);
            return Ok(());
        }
        let chunk: Chunk<'_> = serde_json::from_slice(event.data)
            .map_err(|_| Failure::plain(Class::Unreadable, None, "the stream is not one of chat completion chunks"))?;
        if chunk.error.is_some() {
            return Err(super::error::read_in_band(event.data));
        }
        let choices = chunk.choices.unwrap_or_default();
        for choice in &choices {
            self.note(choice);
        }
        // Azure's verdict on the prompt comes before the answer: OpenAI's clients look for a choice in whatever they did not
        // ask for otherwise.
        let is_of_no_answer = choices.is_empty() && chunk.id.is_some_and(|id| id.get() == "\"\"");
        if let Some(usage) = chunk.usage {
            self.usage = super::answer::usage(usage).or(self.usage);
            if self.hide_usage && choices.is_empty() {
                return Ok(());
            }
        } else if is_of_no_answer {
            return Ok(());
        } else if self.hide_usage
            && let Some((head, tail)) = around_null_usage(event.data)
        {
            frame(&[head, tail].concat(), out);
            return Ok(());
        }
        frame(event.data, out);
        Ok(())
    }

    /// The provider closed the stream. Compatible servers that send no `[DONE]` are complete once every choice is
    /// finished; the client gets its `[DONE]` all the same.
    ///
    /// # Errors
    /// The stream had not come to its end.
    pub fn end(&mut self, out: &mut Vec<u8>) -> Result<(), Failure> {
        if self.done {
            return Ok(());
        }
        if u64::try_from(self.finished.len()).is_ok_and(|finished| finished >= self.wanted) {
            self.done = true;
            frame(b"[DONE]", out);
            return Ok(());
        }
        Err(Failure::plain(Class::Truncated, None, "the provider ended the stream before the answer was complete"))
    }

    fn note(&mut self, choice: &Choice<'_>) {
        let index = choice.index.unwrap_or(0);
        let text = choice.delta.as_ref().map_or(0, Delta::text);
        self.text = self.text.saturating_add(text);
        self.has_content |= choice.finish_reason.is_some() || choice.delta.as_ref().is_some_and(Delta::has_content);
        // OpenAI gives at most 128 choices; what names more shall not make us search.
        let Some(reason) = choice.finish_reason else { return };
        if self.finished.is_empty() {
            self.reason = super::answer::finish(reason);
        }
        if self.finished.len() < 128 && !self.finished.contains(&index) {
            self.finished.push(index);
        }
    }
}

/// Appends one event. Data that came in several lines goes out in one: between JSON's tokens a space is as good.
fn frame(data: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(b"data: ");
    out.extend(data.iter().map(|byte| if *byte == b'\n' { b' ' } else { *byte }));
    out.extend_from_slice(b"\n\n");
}

/// What stands before and after a `"usage":null` and the comma that goes with it. An unescaped quote cannot stand
/// inside a JSON string, so the match is a key.
fn around_null_usage(data: &[u8]) -> Option<(&[u8], &[u8])> {
    const KEY: &[u8] = b"\"usage\"";
    let (head, rest) = data.split_at_checked(memmem::find(data, KEY)?)?;
    let value = rest.get(KEY.len()..)?.trim_ascii_start().strip_prefix(b":")?.trim_ascii_start();
    let tail = value.strip_prefix(b"null")?;
    match head.trim_ascii_end().strip_suffix(b",") {
        Some(head) => Some((head, tail)),
        None => Some((head, tail.trim_ascii_start().strip_prefix(b",").unwrap_or(tail))),
    }
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
struct Chunk<'a> {
    id: Option<Raw<'a>>,
    choices: Option<Vec<Choice<'a>>>,
    usage: Option<Raw<'a>>,
    error: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
struct Choice<'a> {
    index: Option<u32>,
    delta: Option<Delta<'a>>,
    finish_reason: Option<Raw<'a>>,
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
struct Delta<'a> {
    content: Option<Raw<'a>>,
    refusal: Option<Raw<'a>>,
    /// The older and the newer name; some servers send both.
    reasoning: Option<Raw<'a>>,
    reasoning_content: Option<Raw<'a>>,
    tool_calls: Option<IgnoredAny>,
    function_call: Option<IgnoredAny>,
    audio: Option<IgnoredAny>,
}

impl Delta<'_> {
    fn text(&self) -> u64 {
        let texts = [self.content, self.refusal, self.reasoning_content.or(self.reasoning)];
        // Of JSON's strings, without their quotes: an empty one is no content.
        let bytes = texts.into_iter().flatten().map(|text| text.get().len().saturating_sub(2));
        let bytes = bytes.fold(0, usize::saturating_add);
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }

    fn has_content(&self) -> bool {
        // Of any type: what it is, is between the server and its client.
        let said = |text: Option<Raw<'_>>| text.is_some_and(|text| text.get() != "\"\"");
        said(self.content)
            || said(self.refusal)
            || said(self.reasoning)
            || said(self.reasoning_content)
            || self.tool_calls.is_some()
            || self.function_call.is_some()
            || self.audio.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    const ROLE: &str = r#"{"id":"c","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}],"usage":null}"#;
    const TEXT: &str = r#"{"id":"c","choices":[{"index":0,"delta":{"content":"Hi, \"usage\":null"}}],"usage": null}"#;
    const FINISH: &str = r#"{"id":"c","usage":null,"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;
    const USAGE: &str =
        r#"{"id":"c","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2,"prompt_tokens_details":null}}"#;

    fn relay(hide: bool, events: &[&str]) -> (Relay, String, Result<(), Failure>) {
        let mut relay = Relay::new(hide, None);
        let mut out = Vec::new();
        let mut outcome = Ok(());
        for data in events {
            outcome = outcome.and_then(|()| relay.read(&sse::Event { name: b"", data: data.as_bytes() }, &mut out));
        }
        let outcome = outcome.and_then(|()| relay.end(&mut out));
        (relay, String::from_utf8(out).unwrap(), outcome)
    }

    #[test]
    fn usage_that_the_client_did_not_ask_for_is_hidden() {
        let (relay, out, outcome) = relay(true, &[ROLE, TEXT, FINISH, USAGE, "[DONE]"]);
        assert_eq!(outcome, Ok(()));
        assert_eq!(relay.usage().unwrap().total(), 5);
        let expect = [
            r#"data: {"id":"c","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}"#,
            r#"data: {"id":"c","choices":[{"index":0,"delta":{"content":"Hi, \"usage\":null"}}]}"#,
            r#"data: {"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#,
            "data: [DONE]\n\n",
        ];
        assert_eq!(out, expect.join("\n\n"));
    }

    #[test]
    fn usage_that_the_client_asked_for_is_passed_on() {
        let frames = [ROLE, TEXT, FINISH, USAGE, "[DONE]"];
        let (_, out, _) = relay(false, &frames);
        assert_eq!(out, frames.map(|data| format!("data: {data}\n\n")).concat());
    }

    #[test]
    fn azures_first_chunk_is_no_part_of_the_answer() {
        let first = r#"{"id":"","model":"","choices":[],"prompt_filter_results":[{"prompt_index":0}]}"#;
        let (_, out, outcome) = relay(false, &[first, ROLE, TEXT, FINISH, USAGE, "[DONE]"]);
        assert_eq!(outcome, Ok(()));
        assert_eq!(out, relay(false, &[ROLE, TEXT, FINISH, USAGE, "[DONE]"]).1);
    }

    #[test]
    fn the_first_content_is_not_the_role() {
        assert!(!relay(true, &[ROLE]).0.has_content());
        assert!(relay(true, &[ROLE, TEXT]).0.has_content());
        assert!(relay(true, &[FINISH]).0.has_content());
    }

    #[test]
    fn a_stream_without_its_end_is_truncated() {
        assert_eq!(relay(true, &[ROLE, TEXT]).2.unwrap_err().class, Class::Truncated);
        assert_eq!(relay(true, &[]).2.unwrap_err().class, Class::Truncated);
        assert!(relay(true, &[ROLE, FINISH]).1.ends_with("data: [DONE]\n\n"));
    }

    #[test]
    fn an_error_object_ends_the_stream() {
        let error = r#"{"error":{"message":"boom","type":"server_error","code":null}}"#;
        assert_eq!(relay(true, &[ROLE, error]).2.unwrap_err().class, Class::ServerError);
        assert_eq!(relay(true, &["not json"]).2.unwrap_err().class, Class::Unreadable);
    }
}
