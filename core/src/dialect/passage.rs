//! The stream of a provider that speaks the client's dialect itself, on its way to the client: event by event, each one's
//! data byte for byte. (OpenAI's has more to hide: `provider::openai::relay`.)

use super::{Request, anthropic, gemini};
use crate::config::Kind;
use crate::json::Str;
use crate::provider;
use crate::refusal::ErrorBody;
use crate::sse;
use serde::Deserialize;

/// Passes events on.
#[derive(Debug)]
pub enum Passage {
    Anthropic,
    Gemini(gemini::Frames),
}

impl Passage {
    /// Between the client of `request` and a provider of that kind; None if they do not speak the same.
    pub fn new(request: &Request, kind: Kind) -> Option<Self> {
        match (request, kind) {
            (Request::Anthropic(_), Kind::Anthropic) => Some(Self::Anthropic),
            (Request::Gemini(_, mode), Kind::Gemini) => Some(Self::Gemini(gemini::Frames::new(*mode))),
            _ => None,
        }
    }

    /// Appends the event.
    pub fn pass(&mut self, event: &sse::Event<'_>, out: &mut Vec<u8>) {
        match self {
            Self::Anthropic => named(event, out),
            // Gemini never says so, and its SDK raises on it; servers that imitate it do.
            Self::Gemini(_) if event.data == b"[DONE]" => {}
            Self::Gemini(frames) => frames.chunk(event.data, out),
        }
    }

    /// Whether the event brings something that the client waits for, of whatever type.
    pub fn is_content(&self, event: &sse::Event<'_>) -> bool {
        match self {
            Self::Anthropic => provider::anthropic::stream::is_content(event.data),
            Self::Gemini(_) => provider::gemini::stream::is_content(event.data),
        }
    }

    /// Appends what stands after the last event.
    pub fn end(&mut self, out: &mut Vec<u8>) {
        match self {
            Self::Anthropic => {}
            Self::Gemini(frames) => frames.end(out),
        }
    }

    /// Appends an error, which ends the stream.
    pub fn error(&mut self, error: &ErrorBody, out: &mut Vec<u8>) {
        match self {
            Self::Anthropic => anthropic::error_frame(error, out),
            Self::Gemini(frames) => frames.error(error, out),
        }
    }
}

/// Anthropic's SDKs go by the name that stands before the data; a server that leaves it out has it in the data only.
fn named(event: &sse::Event<'_>, out: &mut Vec<u8>) {
    #[derive(Deserialize)]
    #[serde(bound(deserialize = "'de: 'a"))]
    struct Kind<'a> {
        #[serde(rename = "type")]
        kind: Str<'a>,
    }

    out.extend_from_slice(b"event: ");
    match serde_json::from_slice::<Kind<'_>>(event.data) {
        Ok(Kind { kind }) if event.name.is_empty() => out.extend_from_slice(kind.as_bytes()),
        _ => out.extend_from_slice(event.name),
    }
    out.extend_from_slice(b"\ndata: ");
    super::append_line(event.data, out);
    out.extend_from_slice(b"\n\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn passed(mut passage: Passage, events: &[(&str, &str)]) -> String {
        let mut out = Vec::new();
        for (name, data) in events {
            passage.pass(&sse::Event { name: name.as_bytes(), data: data.as_bytes() }, &mut out);
        }
        passage.end(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn data_goes_on_as_it_came() {
        let odd = r#"{"type":"of_tomorrow", "a" : 1 }   "#;
        let ping = r#"{"type":"ping"}"#;
        assert_eq!(
            passed(Passage::Anthropic, &[("of_tomorrow", odd), ("", ping)]),
            format!("event: of_tomorrow\ndata: {odd}\n\nevent: ping\ndata: {ping}\n\n")
        );
        let frames = |mode| Passage::Gemini(gemini::Frames::new(mode));
        let chunks = [("", r#"{"a" : 1}"#), ("", r#"{"b":2}"#), ("", "[DONE]")];
        assert_eq!(passed(frames(gemini::Mode::Sse), &chunks), "data: {\"a\" : 1}\r\n\r\ndata: {\"b\":2}\r\n\r\n");
        assert_eq!(passed(frames(gemini::Mode::Array), &chunks), "[{\"a\" : 1},\r\n{\"b\":2}]");
        assert_eq!(passed(frames(gemini::Mode::Array), &[]), "[]");
    }

    #[test]
    fn data_of_several_lines_stays_one_event() {
        let seen = passed(Passage::Anthropic, &[("x", "{\"type\":\n\"x\"}")]);
        assert_eq!(seen, "event: x\ndata: {\"type\": \"x\"}\n\n");
    }
}
