//! Between the client's dialect and the provider's contract: which translation a pair of them takes.

use super::Exchange;
use crate::cache::Recorder;
use crate::chat::{ChatEvent, ChatRequest, Delta, Usage};
use crate::config::{Kind, Target};
use crate::dialect::openai::{Collector, ParsedChat, StreamWriter, error_frame};
use crate::failure::{Class, Failure};
use crate::gateway::Gateway;
use crate::provider::{Unsupported, anthropic, gemini, openai};
use crate::refusal::ErrorBody;
use crate::sse;

/// A request in a provider's terms, borrowed from the client's.
pub(super) enum Lowered<'a> {
    /// The client's body goes out as it is, but for the model.
    Relayed,
    Anthropic(anthropic::request::Request<'a>),
    Gemini(gemini::request::Request<'a>),
}

/// The request as `target` needs it.
///
/// # Errors
/// What the target's contract has no place for.
pub(super) fn lower<'a>(
    gateway: &Gateway,
    chat: &'a ChatRequest<'_>,
    target: &'a Target,
) -> Result<Lowered<'a>, Unsupported> {
    let (kind, capabilities) = gateway.target(target);
    match kind {
        Kind::OpenAi => Ok(Lowered::Relayed),
        Kind::Anthropic => anthropic::request::translate(chat, &target.model, &capabilities).map(Lowered::Anthropic),
        Kind::Gemini => gemini::request::translate(chat, &target.model, &capabilities).map(Lowered::Gemini),
    }
}

impl Lowered<'_> {
    /// The provider's request body.
    pub(super) fn write(&self, parsed: &ParsedChat, model: &str) -> Vec<u8> {
        match self {
            Lowered::Relayed => openai::request::write(parsed.body(), parsed.chat(), model),
            Lowered::Anthropic(request) => request.write(),
            Lowered::Gemini(request) => request.write(),
        }
    }

    /// The client's parameters that the provider does not get.
    pub(super) fn dropped(&self) -> &[&'static str] {
        match self {
            Lowered::Relayed => &[],
            Lowered::Anthropic(request) => &request.dropped,
            Lowered::Gemini(request) => &request.dropped,
        }
    }
}

/// A whole answer.
pub(super) struct Whole {
    /// As the client gets it.
    pub(super) body: Vec<u8>,
    pub(super) usage: Option<Usage>,
    /// What is to be kept of it.
    pub(super) recorder: Option<Recorder>,
}

/// A whole 2xx answer in the client's dialect.
///
/// # Errors
/// The answer is none.
pub(super) fn whole(exchange: &Exchange, target: &Target, body: Vec<u8>) -> Result<Whole, Failure> {
    let mut collector = Collector::default();
    let mut recorder = exchange.recorder();
    let mut take = |event: ChatEvent<'_>| {
        if let Some(recorder) = &mut recorder {
            recorder.take(&event);
        }
        collector.take(event);
    };
    match kind(&exchange.gateway, target) {
        Kind::OpenAi => {
            let usage = openai::answer::read(&body)?;
            if let Some(recorder) = &mut recorder {
                recorder.whole(&body);
            }
            return Ok(Whole { body, usage, recorder });
        }
        Kind::Anthropic => anthropic::answer::read(&body, exchange.seed, &mut take)?,
        Kind::Gemini => gemini::answer::read(&body, exchange.seed, &mut take)?,
    }
    let usage = collector.usage();
    let body = collector.finish(&exchange.fallback_id(), exchange.created);
    Ok(Whole { body, usage, recorder })
}

/// An error answer, understood.
pub(super) fn error(exchange: &Exchange, target: &Target, status: u16, body: &[u8]) -> Failure {
    match kind(&exchange.gateway, target) {
        Kind::OpenAi => openai::error::read(status, body),
        Kind::Anthropic => anthropic::error::read(status, body),
        Kind::Gemini => gemini::error::read(status, body),
    }
}

fn kind(gateway: &Gateway, target: &Target) -> Kind {
    gateway.target(target).0
}

/// A provider's stream on its way into the client's.
pub(super) struct AnswerStream {
    from: Source,
    /// What is to be kept of it.
    recorder: Option<Recorder>,
}

enum Source {
    Relayed(openai::relay::Relay),
    Anthropic(anthropic::stream::Reader, Translated),
    Gemini(gemini::stream::Reader, Translated),
}

/// The client's side of a translated stream.
pub(super) struct Translated {
    writer: StreamWriter,
    has_content: bool,
    /// Bytes of content so far.
    text: u64,
    ended: bool,
}

impl Translated {
    fn write(&mut self, event: &ChatEvent<'_>, out: &mut Vec<u8>) {
        if self.ended {
            return;
        }
        self.has_content |= matches!(event, ChatEvent::Delta { .. } | ChatEvent::Finished { .. });
        if let ChatEvent::Delta { delta, .. } = event {
            self.text = self.text.saturating_add(bytes(delta));
        }
        self.writer.write(event, out);
    }

    /// Ends the client's stream, once.
    fn end(&mut self, out: &mut Vec<u8>) {
        if !std::mem::replace(&mut self.ended, true) {
            self.writer.end(out);
        }
    }
}

fn bytes(delta: &Delta<'_>) -> u64 {
    let text = match delta {
        Delta::Text(text) | Delta::Reasoning(text) | Delta::Refusal(text) => text.len(),
        Delta::ToolCall { arguments, .. } => arguments.len(),
        Delta::Arguments { fragment, .. } => fragment.len(),
    };
    u64::try_from(text).unwrap_or(u64::MAX)
}

impl From<sse::TooLong> for Failure {
    fn from(_: sse::TooLong) -> Self {
        Failure::plain(Class::AnswerTooLarge, None, "an event of the stream is larger than this gateway takes")
    }
}

impl AnswerStream {
    pub(super) fn new(exchange: &Exchange, target: &Target) -> Self {
        let chat = exchange.chat.chat();
        let seed = exchange.seed;
        let writer = StreamWriter::new(exchange.fallback_id(), exchange.created, chat.wants_usage());
        let translated = Translated { writer, has_content: false, text: 0, ended: false };
        let from = match kind(&exchange.gateway, target) {
            Kind::OpenAi => Source::Relayed(openai::relay::Relay::new(openai::request::injects_usage(chat), chat.n)),
            Kind::Anthropic => Source::Anthropic(anthropic::stream::Reader::new(seed), translated),
            Kind::Gemini => Source::Gemini(gemini::stream::Reader::new(seed), translated),
        };
        Self { from, recorder: exchange.recorder() }
    }

    /// What is to be kept of it, once.
    pub(super) fn recorder(&mut self) -> Option<Recorder> {
        self.recorder.take()
    }

    /// Whether something that the client waits for has been written: the first token, or the finish.
    pub(super) fn has_content(&self) -> bool {
        match &self.from {
            Source::Relayed(relay) => relay.has_content(),
            Source::Anthropic(_, translated) | Source::Gemini(_, translated) => translated.has_content,
        }
    }

    /// What the provider says that the answer took; None until it does.
    pub(super) fn usage(&self) -> Option<Usage> {
        match &self.from {
            Source::Relayed(relay) => relay.usage(),
            Source::Anthropic(reader, _) => reader.usage(),
            Source::Gemini(reader, _) => reader.usage(),
        }
    }

    /// Bytes of content that came.
    pub(super) fn text(&self) -> u64 {
        match &self.from {
            Source::Relayed(relay) => relay.text(),
            Source::Anthropic(_, translated) | Source::Gemini(_, translated) => translated.text,
        }
    }

    /// Whether the client has all of the answer, although the provider has not closed the stream.
    pub(super) fn is_complete(&self) -> bool {
        match &self.from {
            Source::Relayed(relay) => relay.is_complete(),
            Source::Anthropic(_, translated) | Source::Gemini(_, translated) => translated.ended,
        }
    }

    /// Takes `chunk` in and appends what the client shall see to `out`; `end`: the provider closed the stream.
    ///
    /// # Errors
    /// The provider's own error, bytes that are no such stream, or an end before the answer's.
    pub(super) fn pass(
        &mut self,
        reader: &mut sse::Reader,
        chunk: &[u8],
        end: bool,
        out: &mut Vec<u8>,
    ) -> Result<(), Failure> {
        reader.read(chunk, |event| self.event(&event, out))?;
        if end { self.end(out) } else { Ok(()) }
    }

    /// Appends the client dialect's own error, which ends its stream.
    pub(super) fn fail(&self, failure: &Failure, out: &mut Vec<u8>) {
        let code = match failure.class {
            Class::Truncated => "stream_interrupted",
            Class::Overloaded => "overloaded",
            Class::RateLimited => "rate_limit_exceeded",
            _ => "upstream_failed",
        };
        let what = failure.class.describe();
        let error = ErrorBody {
            status: 502,
            kind: "upstream_error",
            code: Some(code.to_owned()),
            param: None,
            message: format!("The answer broke off: {what}."),
        };
        error_frame(&error, out);
    }

    fn event(&mut self, event: &sse::Event<'_>, out: &mut Vec<u8>) -> Result<(), Failure> {
        let Self { from, recorder } = self;
        let mut write = |to: &mut Translated, event: &ChatEvent<'_>| {
            if let Some(recorder) = recorder.as_mut() {
                recorder.take(event);
            }
            to.write(event, out);
        };
        match from {
            Source::Relayed(relay) => {
                if let Some(recorder) = recorder {
                    recorder.relayed(event);
                }
                relay.read(event, out)
            }
            Source::Anthropic(reader, to) => {
                reader.read(event, &mut |event| write(to, &event))?;
                if reader.is_complete() {
                    to.end(out);
                }
                Ok(())
            }
            Source::Gemini(reader, to) => reader.read(event, &mut |event| write(to, &event)),
        }
    }

    fn end(&mut self, out: &mut Vec<u8>) -> Result<(), Failure> {
        let Self { from, recorder } = self;
        let mut write = |to: &mut Translated, event: &ChatEvent<'_>| {
            if let Some(recorder) = recorder.as_mut() {
                recorder.take(event);
            }
            to.write(event, out);
        };
        match from {
            Source::Relayed(relay) => relay.end(out),
            Source::Anthropic(reader, to) => {
                reader.end(&mut |event| write(to, &event))?;
                to.end(out);
                Ok(())
            }
            Source::Gemini(reader, to) => {
                reader.end(&mut |event| write(to, &event))?;
                to.end(out);
                Ok(())
            }
        }
    }
}
