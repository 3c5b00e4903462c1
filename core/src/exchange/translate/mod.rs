//! Between the client's dialect and the provider's contract: which translation a pair of them takes.

mod count;
mod embeddings;
mod stream;

pub(super) use stream::AnswerStream;

use super::Exchange;
use super::task::Task;
use crate::cache::Recorder;
use crate::chat::{ChatEvent, FinishReason, Usage};
use crate::config::{Kind, OnUnsupported, Target};
use crate::dialect::Collector;
use crate::failure::Failure;
use crate::gateway::Gateway;
use crate::provider::{Unsupported, anthropic, gemini, openai};

/// What else a body depends on than the request and the model.
#[derive(Clone, Copy)]
pub(super) struct Manner {
    /// A stream can be asked for its usage.
    pub(super) stream_usage: bool,
    /// The signatures of thoughts in the conversation are another model's.
    pub(super) forgets_thoughts: bool,
}

/// A request in a provider's terms, borrowed from the client's.
pub(super) enum Lowered<'a> {
    /// The provider speaks the client's dialect: its body goes out as it is, but for the model.
    Relayed,
    OpenAi(openai::translate::Request<'a>),
    Anthropic(anthropic::request::Request<'a>),
    Gemini(gemini::request::Request<'a>),
    GeminiEmbeddings(gemini::embeddings::Request<'a>),
}

/// The request as `target` needs it; `policy` says what becomes of parameters that it has no place for.
///
/// # Errors
/// What the target's contract has no place for.
pub(super) fn lower<'a>(
    gateway: &Gateway,
    task: &'a Task,
    target: &'a Target,
    policy: OnUnsupported,
) -> Result<Lowered<'a>, Unsupported> {
    let (kind, capabilities) = gateway.target(target);
    if task.is_own(kind) {
        return Ok(Lowered::Relayed);
    }
    let request = match task {
        Task::Chat(request) => request,
        Task::Embeddings(parsed) => return embeddings::lower(parsed, kind, &target.model),
        Task::Count(_) => return Err(count::elsewhere()),
        Task::Response(_) => {
            let message = "the targets that are left do not have the Responses API".to_owned();
            return Err(Unsupported { param: "model".to_owned(), message });
        }
    };
    if let Some(unsupported) = request.bound() {
        return Err(unsupported);
    }
    let (chat, model) = (request.chat(), &target.model);
    let lowered = match kind {
        Kind::OpenAi => openai::translate::translate(chat, model, &capabilities, policy).map(Lowered::OpenAi),
        Kind::Anthropic => anthropic::request::translate(chat, model, &capabilities, policy).map(Lowered::Anthropic),
        Kind::Gemini => gemini::request::translate(chat, model, &capabilities, policy).map(Lowered::Gemini),
    };
    lowered.map_err(|unsupported| request.locate(unsupported))
}

impl Lowered<'_> {
    /// The provider's request body.
    pub(super) fn write(&self, task: &Task, model: &str, manner: Manner) -> Vec<u8> {
        match self {
            Lowered::Relayed => task.relayed(model, manner),
            Lowered::OpenAi(lowered) => lowered.write(manner.stream_usage),
            Lowered::Anthropic(lowered) => lowered.write(),
            Lowered::Gemini(lowered) => lowered.write(manner.forgets_thoughts),
            Lowered::GeminiEmbeddings(lowered) => lowered.write(),
        }
    }

    /// The client's parameters that the provider does not get, as the client calls them.
    pub(super) fn dropped(&self, task: &Task) -> Vec<String> {
        let dropped = match self {
            Lowered::Relayed => return Vec::new(),
            Lowered::OpenAi(lowered) => &lowered.dropped,
            Lowered::Anthropic(lowered) => &lowered.dropped,
            Lowered::Gemini(lowered) => &lowered.dropped,
            Lowered::GeminiEmbeddings(lowered) => &lowered.dropped,
        };
        match task.chat() {
            Some(request) => request.dropped(dropped),
            None => dropped.iter().map(|name| (*name).to_owned()).collect(),
        }
    }
}

/// A whole answer.
pub(super) struct Whole {
    /// As the client gets it.
    pub(super) body: Vec<u8>,
    pub(super) usage: Option<Usage>,
    /// Why its first choice ended, if it says so.
    pub(super) finish: Option<FinishReason>,
    /// Bytes of it that were paid for, about.
    pub(super) text: u64,
    /// What is to be kept of it.
    pub(super) recorder: Option<Recorder>,
}

/// A whole 2xx answer in the client's dialect.
///
/// # Errors
/// The answer is none.
pub(super) fn whole(exchange: &Exchange, target: &Target, body: Vec<u8>) -> Result<Whole, Failure> {
    let kind = exchange.gateway.target(target).0;
    let text = u64::try_from(body.len()).unwrap_or(u64::MAX);
    let request = match &exchange.task {
        Task::Chat(request) => request,
        Task::Embeddings(parsed) => return embeddings::whole(exchange, parsed, target, body),
        Task::Count(_) => return count::whole(kind, body),
        Task::Response(_) => {
            let usage = openai::responses::read(&body)?;
            return Ok(Whole { body, usage, finish: None, text, recorder: None });
        }
    };
    let mut recorder = exchange.recorder();
    if kind == Kind::OpenAi && request.is_own(kind) {
        let openai::answer::Seen { usage, finish } = openai::answer::read(&body)?;
        if let Some(recorder) = &mut recorder {
            recorder.whole(&body);
        }
        return Ok(Whole { body, usage, finish, text, recorder });
    }
    let mut finish = None;
    let mut note = |event: &ChatEvent<'_>| match event {
        ChatEvent::Finished { reason, .. } => finish = finish.or(Some(*reason)),
        ChatEvent::UnknownFinish { .. } => exchange.gateway.stats.unknown_finish(&target.provider),
        _ => {}
    };
    if request.is_own(kind) {
        let mut usage = None;
        read(kind, &body, exchange.seed, &mut |event| {
            if let Some(recorder) = &mut recorder {
                recorder.take(&event);
            }
            note(&event);
            if let ChatEvent::Usage(told) = event {
                usage = Some(told);
            }
        })?;
        if let Some(recorder) = &mut recorder {
            recorder.tell(&body);
        }
        return Ok(Whole { body, usage, finish, text, recorder });
    }
    let mut collector = Collector::new(request);
    read(kind, &body, exchange.seed, &mut |event| {
        if let Some(recorder) = &mut recorder {
            recorder.take(&event);
        }
        note(&event);
        collector.take(event);
    })?;
    let usage = collector.usage();
    let body = collector.finish(&exchange.fallback_id(), exchange.created);
    if let Some(recorder) = &mut recorder {
        recorder.tell(&body);
    }
    let text = u64::try_from(body.len()).unwrap_or(u64::MAX);
    Ok(Whole { body, usage, finish, text, recorder })
}

/// Reads the body of a 2xx answer of a provider of that kind.
fn read(kind: Kind, body: &[u8], seed: u64, emit: &mut dyn FnMut(ChatEvent<'_>)) -> Result<(), Failure> {
    match kind {
        Kind::OpenAi => openai::events::read(body, seed, emit).map(|_| ()),
        Kind::Anthropic => anthropic::answer::read(body, seed, emit),
        Kind::Gemini => gemini::answer::read(body, seed, emit),
    }
}

/// An error answer, understood.
pub(super) fn error(exchange: &Exchange, target: &Target, status: u16, body: &[u8]) -> Failure {
    match exchange.gateway.target(target).0 {
        Kind::OpenAi => openai::error::read(status, body),
        Kind::Anthropic => anthropic::error::read(status, body),
        Kind::Gemini => gemini::error::read(status, body),
    }
}
