//! What is fuzzed, a function per target: bytes as a client, a provider or an operator could send them. None may panic, and
//! each checks what must hold besides. `core/tests/seeds.rs` runs the seeds through the same functions.

use serde_json::Value;
use weir_core::capability::Table;
use weir_core::chat::ChatRequest;
use weir_core::config::{self, Kind, OnUnsupported};
use weir_core::dialect::{self, CountForm, Counted, anthropic, gemini, openai};
use weir_core::failure::Failure;
use weir_core::provider;
use weir_core::refusal::ErrorBody;
use weir_core::sse;

/// What is done with the bytes.
pub type Target = fn(&[u8]);

/// All targets by name.
pub const TARGETS: [(&str, Target); 9] = [
    ("request_openai", request_openai),
    ("request_anthropic", request_anthropic),
    ("request_gemini", request_gemini),
    ("stream_openai", stream_openai),
    ("stream_anthropic", stream_anthropic),
    ("stream_gemini", stream_gemini),
    ("stream_responses", stream_responses),
    ("answer", answer),
    ("config", read_config),
];

/// A body of OpenAI's chat completions, embeddings and responses.
pub fn request_openai(body: &[u8]) {
    if let Ok(parsed) = openai::parse(body.to_vec()) {
        translate(parsed.chat());
        is_json(&provider::openai::request::write(parsed.body(), parsed.chat(), "gpt-5.6"));
    }
    if let Ok(parsed) = openai::parse_embeddings(body.to_vec()) {
        is_json(&provider::openai::request::with_model(parsed.body(), &parsed.request().model, "m"));
        if let Ok(request) = provider::gemini::embeddings::translate(parsed.request(), "m") {
            is_json(&request.write());
        }
    }
    if let Ok(parsed) = openai::parse_response(body.to_vec()) {
        let _ = (parsed.bound_to(), parsed.text_bytes());
        is_json(&provider::openai::request::with_model(parsed.body(), &parsed.request().model, "m"));
    }
}

/// A body of Anthropic's messages, to be answered or counted.
pub fn request_anthropic(body: &[u8]) {
    if let Ok(parsed) = anthropic::parse(body.to_vec()) {
        translate(parsed.chat());
        is_json(&anthropic::relay::write(&parsed, "claude-sonnet-4-6"));
    }
    if let Ok(counted) = Counted::parse(&CountForm::Messages, body.to_vec()) {
        is_json(&counted.relayed("claude-sonnet-4-6"));
    }
}

/// A body of Gemini's generateContent, to be answered or counted.
pub fn request_gemini(body: &[u8]) {
    let call = gemini::Call { model: "smart".to_owned(), mode: gemini::Mode::Whole };
    if let Ok(parsed) = gemini::parse(body.to_vec(), &call) {
        translate(parsed.chat());
        is_json(&gemini::relay::write(&parsed, "gemini-3.8-flash"));
        is_json(&gemini::relay::write_unsigned(&parsed, "gemini-3.8-flash"));
    }
    if let Ok(counted) = Counted::parse(&CountForm::Contents { model: "smart".to_owned() }, body.to_vec()) {
        is_json(&counted.relayed("gemini-3.8-flash"));
    }
}

/// What becomes of a chat at each kind of target is JSON, or a refusal that names something.
fn translate(chat: &ChatRequest<'_>) {
    let table = Table::builtin().expect("the table that comes along");
    for (kind, model) in [
        (Kind::OpenAi, "gpt-5.6"),
        (Kind::OpenAi, "some-model"),
        (Kind::Anthropic, "claude-haiku-4-5"),
        (Kind::Anthropic, "claude-sonnet-5-5"),
        (Kind::Gemini, "gemini-2.5-flash"),
        (Kind::Gemini, "gemini-3.8-flash"),
    ] {
        let capabilities = table.of(kind, model);
        for policy in [OnUnsupported::Error, OnUnsupported::Drop] {
            let written = match kind {
                Kind::OpenAi => {
                    provider::openai::translate::translate(chat, model, &capabilities, policy).map(|r| r.write(true))
                }
                Kind::Anthropic => {
                    provider::anthropic::request::translate(chat, model, &capabilities, policy).map(|r| r.write())
                }
                Kind::Gemini => {
                    provider::gemini::request::translate(chat, model, &capabilities, policy).map(|r| r.write(true))
                }
            };
            match written {
                Ok(body) => is_json(&body),
                Err(unsupported) => assert!(!unsupported.param.is_empty(), "{unsupported:?}"),
            }
        }
    }
}

fn is_json(body: &[u8]) {
    if let Err(error) = serde_json::from_slice::<Value>(body) {
        // A value that was kept as it came may be a number that `Value` has no room for.
        assert!(error.to_string().contains("out of range"), "{error}: {}", String::from_utf8_lossy(body));
    }
}

/// A stream of OpenAI's chunks.
pub fn stream_openai(bytes: &[u8]) {
    stream(Kind::OpenAi, bytes);
}

/// A stream of Anthropic's events.
pub fn stream_anthropic(bytes: &[u8]) {
    stream(Kind::Anthropic, bytes);
}

/// A stream of Gemini's answers.
pub fn stream_gemini(bytes: &[u8]) {
    stream(Kind::Gemini, bytes);
}

/// Why a stream ended before its end.
struct Stopped;

impl From<sse::TooLong> for Stopped {
    fn from(_: sse::TooLong) -> Self {
        Self
    }
}

impl From<Failure> for Stopped {
    fn from(_: Failure) -> Self {
        Self
    }
}

/// Small, so that it is met.
const BOUND: usize = 4096;

/// Each client reads the same of it however it is cut: whole, in two, byte by byte.
fn stream(kind: Kind, bytes: &[u8]) {
    let middle = bytes.first().map_or(0, |first| usize::from(*first) * bytes.len() / 256);
    let (head, tail) = bytes.split_at(middle);
    for client in 0..4 {
        let whole = read(kind, client, [bytes]);
        assert_eq!(read(kind, client, [head, tail]), whole, "cut at {middle}");
        assert_eq!(read(kind, client, bytes.chunks(1)), whole, "byte by byte");
    }
}

fn read<'p>(kind: Kind, client: usize, pieces: impl IntoIterator<Item = &'p [u8]>) -> Vec<u8> {
    enum Reader {
        OpenAi(provider::openai::events::Reader),
        Anthropic(provider::anthropic::stream::Reader),
        Gemini(provider::gemini::stream::Reader),
    }
    let mut reader = match kind {
        Kind::OpenAi => Reader::OpenAi(provider::openai::events::Reader::new(7, None)),
        Kind::Anthropic => Reader::Anthropic(provider::anthropic::stream::Reader::new(7)),
        Kind::Gemini => Reader::Gemini(provider::gemini::stream::Reader::new(7)),
    };
    let id = || "id".to_owned();
    let mut writer = match client {
        0 => dialect::StreamWriter::OpenAi(openai::StreamWriter::new(id(), 1, true)),
        1 => dialect::StreamWriter::Anthropic(anthropic::StreamWriter::new(id(), true)),
        2 => dialect::StreamWriter::Gemini(gemini::StreamWriter::new(id(), gemini::Mode::Sse, true)),
        _ => dialect::StreamWriter::Gemini(gemini::StreamWriter::new(id(), gemini::Mode::Array, true)),
    };
    let (mut cutter, mut out) = (sse::Reader::new(BOUND), Vec::new());
    let mut outcome = Ok(());
    for piece in pieces {
        outcome = outcome.and_then(|()| {
            cutter.read::<Stopped>(piece, |event| {
                let emit = &mut |event: weir_core::chat::ChatEvent<'_>| writer.write(&event, &mut out);
                match &mut reader {
                    Reader::OpenAi(reader) => reader.read(&event, emit)?,
                    Reader::Anthropic(reader) => reader.read(&event, emit)?,
                    Reader::Gemini(reader) => reader.read(&event, emit)?,
                }
                Ok(())
            })
        });
    }
    let outcome = outcome.and_then(|()| {
        let emit = &mut |event: weir_core::chat::ChatEvent<'_>| writer.write(&event, &mut out);
        match &mut reader {
            Reader::OpenAi(reader) => reader.end(emit)?,
            Reader::Anthropic(reader) => reader.end(emit)?,
            Reader::Gemini(reader) => reader.end(emit)?,
        }
        Ok(())
    });
    match outcome {
        Ok(()) => writer.end(&mut out),
        Err(Stopped) => writer.error(&error(), &mut out),
    }
    assert!(std::str::from_utf8(&out).is_ok());
    if client == 3 {
        is_json(&out);
    }
    out
}

fn error() -> ErrorBody {
    ErrorBody { status: 502, kind: "upstream_error", code: None, param: None, message: "broke off".to_owned() }
}

/// A stream of the Responses API, which is passed on; and one of chunks, which is too.
pub fn stream_responses(bytes: &[u8]) {
    let pass = |pieces: &[&[u8]]| {
        let (mut cutter, mut out) = (sse::Reader::new(BOUND), Vec::new());
        let mut relay = provider::openai::responses::Relay::default();
        let mut outcome = Ok(());
        for piece in pieces {
            outcome = outcome.and_then(|()| {
                cutter.read::<Stopped>(piece, |event| relay.read(&event, &mut out).map_err(Stopped::from))
            });
        }
        if outcome.is_err() || relay.end().is_err() {
            openai::response_error_frame(&error(), relay.next(), &mut out);
        }
        out
    };
    let whole = pass(&[bytes]);
    assert_eq!(pass(&bytes.chunks(1).collect::<Vec<_>>()), whole);

    let (mut cutter, mut out) = (sse::Reader::new(BOUND), Vec::new());
    let mut relay = provider::openai::relay::Relay::new(true, Some(1));
    let read = cutter.read::<Stopped>(bytes, |event| relay.read(&event, &mut out).map_err(Stopped::from));
    let _ = read.is_ok() && relay.end(&mut out).is_ok();
}

/// A whole answer, or an error answer, of any provider.
pub fn answer(body: &[u8]) {
    let mut to_openai = openai::Collector::default();
    if provider::openai::events::read(body, 7, &mut |event| to_openai.take(event)).is_ok() {
        is_json(&to_openai.finish("id", 1));
    }
    let mut to_gemini = gemini::Collector::new(true);
    if provider::anthropic::answer::read(body, 7, &mut |event| to_gemini.take(event)).is_ok() {
        is_json(&to_gemini.finish("id"));
    }
    let mut to_anthropic = anthropic::Collector::new(true);
    if provider::gemini::answer::read(body, 7, &mut |event| to_anthropic.take(event)).is_ok() {
        is_json(&to_anthropic.finish("id"));
    }
    let _ = provider::openai::answer::read(body);
    let _ = provider::openai::responses::read(body);
    let _ = provider::openai::embeddings::read(body, 1);
    let _ = provider::gemini::embeddings::read(body, 1);
    for status in [200, 400, 429, 500] {
        let _ = provider::openai::error::read(status, body);
        let _ = provider::anthropic::error::read(status, body);
        let _ = provider::gemini::error::read(status, body);
    }
}

/// A `weir.yaml`.
pub fn read_config(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok((config, _)) = config::parse(text)
    {
        let _ = weir_core::chain::all(&config);
    }
}
