//! A provider's stream, and the stream that each client reads; the same however the network cuts it.

use crate::cases::{cases, expect, folder};
use weir_core::chat::{ChatEvent, Delta, FinishReason};
use weir_core::dialect::{Dialect, anthropic, gemini, openai};
use weir_core::failure::Failure;
use weir_core::provider;
use weir_core::refusal::ErrorBody;
use weir_core::sse;

/// The provider's side.
pub(crate) enum Reader {
    OpenAi(provider::openai::events::Reader),
    Anthropic(provider::anthropic::stream::Reader),
    Gemini(provider::gemini::stream::Reader),
}

impl Reader {
    pub(crate) fn new(kind: &str) -> Self {
        match kind {
            "openai" => Self::OpenAi(provider::openai::events::Reader::new(7, None)),
            "anthropic" => Self::Anthropic(provider::anthropic::stream::Reader::new(7)),
            "gemini" => Self::Gemini(provider::gemini::stream::Reader::new(7)),
            other => panic!("no reader for {other}"),
        }
    }

    fn read(&mut self, event: &sse::Event<'_>, emit: &mut dyn FnMut(ChatEvent<'_>)) -> Result<(), Failure> {
        match self {
            Self::OpenAi(reader) => reader.read(event, emit),
            Self::Anthropic(reader) => reader.read(event, emit),
            Self::Gemini(reader) => reader.read(event, emit),
        }
    }

    fn end(&mut self, emit: &mut dyn FnMut(ChatEvent<'_>)) -> Result<(), Failure> {
        match self {
            Self::OpenAi(reader) => reader.end(emit),
            Self::Anthropic(reader) => reader.end(emit),
            Self::Gemini(reader) => reader.end(emit),
        }
    }
}

/// The client's side.
pub(crate) enum Writer {
    OpenAi(openai::StreamWriter),
    Anthropic(anthropic::StreamWriter),
    Gemini(gemini::StreamWriter),
}

pub(crate) const CLIENTS: [&str; 4] = ["openai", "anthropic", "gemini", "gemini-array"];

impl Writer {
    pub(crate) fn new(client: &str) -> Self {
        let id = || "id-of-the-gateway".to_owned();
        match client {
            "openai" => Self::OpenAi(openai::StreamWriter::new(id(), 1_800_000_000, true)),
            "anthropic" => Self::Anthropic(anthropic::StreamWriter::new(id(), true)),
            "gemini" => Self::Gemini(gemini::StreamWriter::new(id(), gemini::Mode::Sse, true)),
            "gemini-array" => Self::Gemini(gemini::StreamWriter::new(id(), gemini::Mode::Array, true)),
            other => panic!("no writer for {other}"),
        }
    }

    pub(crate) fn write(&mut self, event: &ChatEvent<'_>, out: &mut Vec<u8>) {
        match self {
            Self::OpenAi(writer) => writer.write(event, out),
            Self::Anthropic(writer) => writer.write(event, out),
            Self::Gemini(writer) => writer.write(event, out),
        }
    }

    pub(crate) fn end(&mut self, out: &mut Vec<u8>) {
        match self {
            Self::OpenAi(writer) => writer.end(out),
            Self::Anthropic(writer) => writer.end(out),
            Self::Gemini(writer) => writer.end(out),
        }
    }

    pub(crate) fn error(&mut self, failure: &Failure, out: &mut Vec<u8>) {
        let error = ErrorBody {
            status: 502,
            kind: "upstream_error",
            code: Some("upstream_failed".to_owned()),
            param: None,
            message: failure.message.clone(),
        };
        match self {
            Self::OpenAi(_) => openai::error_frame(&error, out),
            Self::Anthropic(_) => anthropic::error_frame(&error, out),
            Self::Gemini(writer) => writer.error(&error, out),
        }
    }
}

enum Stopped {
    Failed(Failure),
    TooLong,
}

impl From<sse::TooLong> for Stopped {
    fn from(_: sse::TooLong) -> Self {
        Self::TooLong
    }
}

/// What the client reads when the stream comes in these pieces.
pub(crate) fn run<'p>(kind: &str, client: &str, pieces: impl IntoIterator<Item = &'p [u8]>) -> String {
    let (mut cutter, mut reader, mut writer) = (sse::Reader::new(1 << 21), Reader::new(kind), Writer::new(client));
    let mut out = Vec::new();
    let mut outcome = Ok(());
    for piece in pieces {
        outcome = outcome.and_then(|()| {
            cutter.read::<Stopped>(piece, |event| {
                reader.read(&event, &mut |event| writer.write(&event, &mut out)).map_err(Stopped::Failed)
            })
        });
    }
    let ended = outcome.and_then(|()| reader.end(&mut |event| writer.write(&event, &mut out)).map_err(Stopped::Failed));
    match ended {
        Ok(()) => writer.end(&mut out),
        Err(Stopped::Failed(failure)) => writer.error(&failure, &mut out),
        Err(Stopped::TooLong) => panic!("an event of a case is larger than the bound"),
    }
    String::from_utf8(out).unwrap()
}

/// What the client reads, which must not depend on how the bytes come.
fn whole(kind: &str, client: &str, stream: &[u8]) -> String {
    let whole = run(kind, client, [stream]);
    for cut in 0..=stream.len() {
        let (head, tail) = stream.split_at(cut);
        assert_eq!(run(kind, client, [head, tail]), whole, "cut at {cut}");
    }
    assert_eq!(run(kind, client, stream.chunks(1)), whole, "byte by byte");
    whole
}

fn check(kind: &str) {
    let folder = folder("streams").join(kind);
    for (name, stream) in cases(&folder, ".sse") {
        for client in CLIENTS {
            let seen = whole(kind, client, stream.as_bytes());
            if client == "gemini-array" {
                serde_json::from_str::<Vec<serde_json::Value>>(&seen).unwrap_or_else(|error| panic!("{name}: {error}"));
            }
            expect(&folder, &format!("{name}.{client}.txt"), &seen.replace("\r\n", "\n"));
        }
    }
}

#[test]
fn what_openai_streams_reaches_every_client() {
    check("openai");
}

#[test]
fn what_anthropic_streams_reaches_every_client() {
    check("anthropic");
}

#[test]
fn what_gemini_streams_reaches_every_client() {
    check("gemini");
}

#[test]
fn a_line_of_a_megabyte_is_one_delta() {
    let text = "ü".repeat(500_000);
    let gemini = format!(r#"{{"candidates":[{{"content":{{"parts":[{{"text":"{text}"}}]}},"finishReason":"STOP"}}]}}"#);
    let anthropic = [
        r#"{"type":"message_start","message":{"id":"msg_1","model":"claude","usage":{"input_tokens":1}}}"#,
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#,
        &format!(r#"{{"type":"content_block_delta","index":0,"delta":{{"type":"text_delta","text":"{text}"}}}}"#),
        r#"{"type":"content_block_stop","index":0}"#,
        r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":1}}"#,
        r#"{"type":"message_stop"}"#,
    ];
    let openai =
        format!(r#"{{"id":"c","choices":[{{"index":0,"delta":{{"content":"{text}"}},"finish_reason":"stop"}}]}}"#);
    let lines = |events: &[&str], end: &str| -> String {
        events.iter().map(|data| format!(": a comment\r\ndata: {data}{end}{end}")).collect()
    };
    for (kind, stream) in [
        ("gemini", lines(&[&gemini], "\r\n")),
        ("anthropic", lines(&anthropic, "\n")),
        ("openai", lines(&[&openai, "[DONE]"], "\n")),
    ] {
        for client in CLIENTS {
            let seen = run(kind, client, [stream.as_bytes()]);
            assert!(seen.contains(&text), "{kind} to {client}");
            assert_eq!(run(kind, client, stream.as_bytes().chunks(4096)), seen, "{kind} to {client}");
        }
    }
}

/// Each dialect's own errors stand in `dialect::error_json`; here, that they end a stream in its own way.
#[test]
fn an_error_ends_a_stream_that_has_said_nothing() {
    let error = ErrorBody { status: 503, kind: "server_error", code: None, param: None, message: "busy".to_owned() };
    let frame = |client: &str| {
        let mut out = Vec::new();
        match Writer::new(client) {
            Writer::OpenAi(_) => openai::error_frame(&error, &mut out),
            Writer::Anthropic(_) => anthropic::error_frame(&error, &mut out),
            Writer::Gemini(mut writer) => writer.error(&error, &mut out),
        }
        String::from_utf8(out).unwrap()
    };
    let gemini = r#"{"error":{"code":503,"message":"busy","status":"UNAVAILABLE"}}"#;
    assert_eq!(String::from_utf8(Dialect::Gemini.error_json(&error)).unwrap(), gemini);
    assert_eq!(frame("gemini"), format!("data: {gemini}\r\n\r\n"));
    assert_eq!(frame("gemini-array"), format!("[{gemini}]"));
    assert!(frame("anthropic").starts_with("event: error\ndata: {"));
    assert!(frame("openai").ends_with("data: [DONE]\n\n"));
}

/// What a client reads of these events.
fn seen_by(writer: &mut Writer, events: &[ChatEvent<'_>]) -> String {
    let mut out = Vec::new();
    events.iter().for_each(|event| writer.write(event, &mut out));
    writer.end(&mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn thoughts_are_hidden_from_who_did_not_ask() {
    let events = [ChatEvent::Delta { choice: 0, delta: Delta::Reasoning("secret".into()) }];
    let id = || "id".to_owned();
    let mut anthropic = Writer::Anthropic(anthropic::StreamWriter::new(id(), false));
    assert!(!seen_by(&mut anthropic, &events).contains("secret"));
    let mut gemini = Writer::Gemini(gemini::StreamWriter::new(id(), gemini::Mode::Sse, false));
    assert!(!seen_by(&mut gemini, &events).contains("secret"));
    for client in CLIENTS {
        assert!(seen_by(&mut Writer::new(client), &events).contains("secret"), "{client}");
    }
}

#[test]
fn a_refusal_beside_the_reason_stop_is_a_refusal() {
    let events = [
        ChatEvent::Delta { choice: 0, delta: Delta::Refusal("I ".into()) },
        ChatEvent::Delta { choice: 0, delta: Delta::Refusal("cannot.".into()) },
        ChatEvent::Finished { choice: 0, reason: FinishReason::Stop },
    ];
    let anthropic = seen_by(&mut Writer::new("anthropic"), &events);
    assert!(anthropic.contains(r#""stop_reason":"refusal""#) && anthropic.contains(r#""explanation":"I cannot.""#));
    let gemini = seen_by(&mut Writer::new("gemini"), &events);
    assert!(gemini.contains(r#""finishReason":"SAFETY","finishMessage":"I cannot.""#), "{gemini}");
}

#[test]
fn an_answer_of_nothing_is_complete() {
    let anthropic = seen_by(&mut Writer::new("anthropic"), &[]);
    assert!(anthropic.starts_with("event: message_start\n") && anthropic.contains("event: message_stop\n"));
    assert!(seen_by(&mut Writer::new("gemini"), &[]).contains(r#""finishReason":"STOP""#));
    assert!(seen_by(&mut Writer::new("gemini-array"), &[]).starts_with(r#"[{"candidates""#));
}
