//! A provider's stream on its way into the client's.

use super::super::Exchange;
use super::super::task::Task;
use crate::cache::Recorder;
use crate::chat::{ChatEvent, Delta, FinishReason, Usage};
use crate::config::{Kind, Target};
use crate::dialect::{Passage, Request, StreamWriter, openai as client};
use crate::failure::{Class, Failure};
use crate::gateway::Gateway;
use crate::provider::{anthropic, gemini, openai};
use crate::refusal::ErrorBody;
use crate::sse;
use std::rc::Rc;

pub(in crate::exchange) struct AnswerStream {
    from: Source,
    /// What is to be kept of it.
    recorder: Option<Recorder>,
    /// Events that brought content.
    chunks: u64,
}

enum Source {
    /// From OpenAI's to OpenAI's.
    Relayed(openai::relay::Relay),
    /// The same of the Responses API.
    Response(openai::responses::Relay),
    Read(Reader, Told),
}

/// The provider's side.
enum Reader {
    OpenAi(openai::events::Reader),
    Anthropic(anthropic::stream::Reader),
    Gemini(gemini::stream::Reader),
}

/// The client's side.
struct Told {
    gateway: Rc<Gateway>,
    provider: String,
    form: Form,
    has_content: bool,
    /// Bytes of content so far.
    text: u64,
    /// Why the first choice ended.
    finish: Option<FinishReason>,
    ended: bool,
}

enum Form {
    Translated(StreamWriter),
    /// The provider speaks the client's dialect.
    Passed(Passage),
}

type Emit<'e> = &'e mut dyn FnMut(ChatEvent<'_>);

impl Reader {
    fn new(kind: Kind, seed: u64, choices: Option<u64>) -> Self {
        match kind {
            Kind::OpenAi => Self::OpenAi(openai::events::Reader::new(seed, choices)),
            Kind::Anthropic => Self::Anthropic(anthropic::stream::Reader::new(seed)),
            Kind::Gemini => Self::Gemini(gemini::stream::Reader::new(seed)),
        }
    }

    fn read(&mut self, event: &sse::Event<'_>, emit: Emit<'_>) -> Result<(), Failure> {
        match self {
            Self::OpenAi(reader) => reader.read(event, emit),
            Self::Anthropic(reader) => reader.read(event, emit),
            Self::Gemini(reader) => reader.read(event, emit),
        }
    }

    fn end(&mut self, emit: Emit<'_>) -> Result<(), Failure> {
        match self {
            Self::OpenAi(reader) => reader.end(emit),
            Self::Anthropic(reader) => reader.end(emit),
            Self::Gemini(reader) => reader.end(emit),
        }
    }

    /// Whether the last event has come. Gemini has none.
    fn is_complete(&self) -> bool {
        match self {
            Self::OpenAi(reader) => reader.is_complete(),
            Self::Anthropic(reader) => reader.is_complete(),
            Self::Gemini(_) => false,
        }
    }

    fn usage(&self) -> Option<Usage> {
        match self {
            Self::OpenAi(reader) => reader.usage(),
            Self::Anthropic(reader) => reader.usage(),
            Self::Gemini(reader) => reader.usage(),
        }
    }
}

impl Told {
    fn new(exchange: &Exchange, request: &Request, kind: Kind, target: &Target) -> Self {
        let form = match Passage::new(request, kind) {
            Some(passage) => Form::Passed(passage),
            None => {
                let (id, created) = (exchange.fallback_id(), exchange.created);
                Form::Translated(StreamWriter::new(request, id, created))
            }
        };
        Self {
            gateway: exchange.gateway.clone(),
            provider: target.provider.clone(),
            form,
            has_content: false,
            text: 0,
            finish: None,
            ended: false,
        }
    }

    /// Takes what an event says.
    fn take(&mut self, event: &ChatEvent<'_>, out: &mut Vec<u8>) {
        if self.ended {
            return;
        }
        self.has_content |= matches!(event, ChatEvent::Delta { .. } | ChatEvent::Finished { .. });
        match event {
            ChatEvent::Delta { delta, .. } => self.text = self.text.saturating_add(bytes(delta)),
            ChatEvent::Finished { reason, .. } => self.finish = self.finish.or(Some(*reason)),
            ChatEvent::UnknownFinish { .. } => self.gateway.stats.unknown_finish(&self.provider),
            ChatEvent::Started { .. } | ChatEvent::Logprobs { .. } | ChatEvent::Usage(_) => {}
        }
        if let Form::Translated(writer) = &mut self.form {
            writer.write(event, out);
        }
    }

    /// Takes the event itself, once it was read.
    fn pass(&mut self, event: &sse::Event<'_>, out: &mut Vec<u8>) {
        if let Form::Passed(passage) = &mut self.form
            && !self.ended
        {
            self.has_content = self.has_content || passage.is_content(event);
            passage.pass(event, out);
        }
    }

    /// Ends the client's stream, once.
    fn end(&mut self, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        match &mut self.form {
            Form::Translated(writer) => writer.end(out),
            Form::Passed(passage) => passage.end(out),
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
    /// None: the answer comes whole.
    pub(in crate::exchange) fn new(exchange: &Exchange, target: &Target) -> Option<Self> {
        if !exchange.task.is_stream() {
            return None;
        }
        let kind = exchange.gateway.target(target).0;
        let from = match (&exchange.task, kind) {
            (Task::Chat(Request::OpenAi(parsed)), Kind::OpenAi) => {
                let chat = parsed.chat();
                let provider = exchange.gateway.config.provider(&target.provider);
                let is_injected = openai::request::injects_usage(chat) && provider.is_none_or(|own| own.stream_usage);
                Source::Relayed(openai::relay::Relay::new(is_injected, chat.n))
            }
            (Task::Chat(request), _) => {
                let reader = Reader::new(kind, exchange.seed, request.chat().n);
                Source::Read(reader, Told::new(exchange, request, kind, target))
            }
            (Task::Response(_), _) => Source::Response(openai::responses::Relay::default()),
            (Task::Embeddings(_) | Task::Count(_), _) => return None,
        };
        Some(Self { from, recorder: exchange.recorder(), chunks: 0 })
    }

    /// What is to be kept of it, once.
    pub(in crate::exchange) fn recorder(&mut self) -> Option<Recorder> {
        self.recorder.take()
    }

    /// Whether something that the client waits for has been written: the first token, or the finish.
    pub(in crate::exchange) fn has_content(&self) -> bool {
        match &self.from {
            Source::Relayed(relay) => relay.has_content(),
            Source::Response(relay) => relay.has_content(),
            Source::Read(_, told) => told.has_content,
        }
    }

    /// What the provider says that the answer took; None until it does.
    pub(in crate::exchange) fn usage(&self) -> Option<Usage> {
        match &self.from {
            Source::Relayed(relay) => relay.usage(),
            Source::Response(relay) => relay.usage(),
            Source::Read(reader, _) => reader.usage(),
        }
    }

    /// Why the answer ended, once it has and says so.
    pub(in crate::exchange) fn finish(&self) -> Option<FinishReason> {
        match &self.from {
            Source::Relayed(relay) => relay.finish(),
            Source::Response(_) => None,
            Source::Read(_, told) => told.finish,
        }
    }

    /// Bytes of content that came.
    pub(in crate::exchange) fn text(&self) -> u64 {
        match &self.from {
            Source::Relayed(relay) => relay.text(),
            Source::Response(relay) => relay.text(),
            Source::Read(_, told) => told.text,
        }
    }

    /// Events that brought content.
    pub(in crate::exchange) fn chunks(&self) -> u64 {
        self.chunks
    }

    /// Whether the client has all of the answer, although the provider has not closed the stream.
    pub(in crate::exchange) fn is_complete(&self) -> bool {
        match &self.from {
            Source::Relayed(relay) => relay.is_complete(),
            Source::Response(relay) => relay.is_complete(),
            Source::Read(_, told) => told.ended,
        }
    }

    /// Takes `chunk` in and appends what the client shall see to `out`; `end`: the provider closed the stream.
    ///
    /// # Errors
    /// The provider's own error, bytes that are no such stream, or an end before the answer's.
    pub(in crate::exchange) fn pass(
        &mut self,
        reader: &mut sse::Reader,
        chunk: &[u8],
        end: bool,
        out: &mut Vec<u8>,
    ) -> Result<(), Failure> {
        let before = out.len();
        reader.read(chunk, |event| {
            let before = (self.text(), self.has_content());
            let outcome = self.event(&event, out);
            if (self.text(), self.has_content()) != before {
                self.chunks = self.chunks.saturating_add(1);
            }
            outcome
        })?;
        if end {
            self.end(out)?;
        }
        if let Some(recorder) = &mut self.recorder {
            recorder.tell(out.get(before..).unwrap_or_default());
        }
        Ok(())
    }

    /// Appends the client dialect's own error, which ends its stream.
    pub(in crate::exchange) fn fail(&mut self, failure: &Failure, out: &mut Vec<u8>) {
        let (status, code) = match failure.class {
            Class::Truncated => (502, "stream_interrupted"),
            Class::Overloaded => (503, "overloaded"),
            Class::RateLimited => (429, "rate_limit_exceeded"),
            _ => (502, "upstream_failed"),
        };
        let what = failure.class.describe();
        let error = ErrorBody {
            status,
            kind: "upstream_error",
            code: Some(code.to_owned()),
            param: None,
            message: format!("The answer broke off: {what}."),
        };
        match &mut self.from {
            Source::Relayed(_) => client::error_frame(&error, out),
            Source::Response(relay) => client::response_error_frame(&error, relay.next(), out),
            Source::Read(_, Told { form: Form::Translated(writer), .. }) => writer.error(&error, out),
            Source::Read(_, Told { form: Form::Passed(passage), .. }) => passage.error(&error, out),
        }
    }

    fn event(&mut self, event: &sse::Event<'_>, out: &mut Vec<u8>) -> Result<(), Failure> {
        let Self { from, recorder, .. } = self;
        match from {
            Source::Relayed(relay) => {
                if let Some(recorder) = recorder {
                    recorder.relayed(event);
                }
                relay.read(event, out)
            }
            Source::Response(relay) => relay.read(event, out),
            Source::Read(reader, told) => {
                reader.read(event, &mut |said| {
                    record(recorder, &said);
                    told.take(&said, out);
                })?;
                told.pass(event, out);
                if reader.is_complete() {
                    told.end(out);
                }
                Ok(())
            }
        }
    }

    fn end(&mut self, out: &mut Vec<u8>) -> Result<(), Failure> {
        let Self { from, recorder, .. } = self;
        match from {
            Source::Relayed(relay) => relay.end(out),
            Source::Response(relay) => relay.end(),
            Source::Read(reader, told) => {
                reader.end(&mut |said| {
                    record(recorder, &said);
                    told.take(&said, out);
                })?;
                told.end(out);
                Ok(())
            }
        }
    }
}

fn record(recorder: &mut Option<Recorder>, event: &ChatEvent<'_>) {
    if let Some(recorder) = recorder {
        recorder.take(event);
    }
}
