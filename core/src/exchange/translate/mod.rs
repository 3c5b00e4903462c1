//! Between the client's dialect and the provider's contract: which translation a pair of them takes.

mod stream;

pub(super) use stream::AnswerStream;

use super::Exchange;
use crate::cache::Recorder;
use crate::chat::{ChatEvent, Usage};
use crate::config::{Kind, Target};
use crate::dialect::{Collector, Request};
use crate::failure::Failure;
use crate::gateway::Gateway;
use crate::provider::{Unsupported, anthropic, gemini, openai};

/// A request in a provider's terms, borrowed from the client's.
pub(super) enum Lowered<'a> {
    /// The provider speaks the client's dialect: its body goes out as it is, but for the model.
    Relayed,
    OpenAi(openai::translate::Request<'a>),
    Anthropic(anthropic::request::Request<'a>),
    Gemini(gemini::request::Request<'a>),
}

/// The request as `target` needs it.
///
/// # Errors
/// What the target's contract has no place for.
pub(super) fn lower<'a>(
    gateway: &Gateway,
    request: &'a Request,
    target: &'a Target,
) -> Result<Lowered<'a>, Unsupported> {
    let (kind, capabilities) = gateway.target(target);
    if request.is_own(kind) {
        return Ok(Lowered::Relayed);
    }
    if let Some(unsupported) = request.bound() {
        return Err(unsupported);
    }
    let (chat, model) = (request.chat(), &target.model);
    let lowered = match kind {
        Kind::OpenAi => openai::translate::translate(chat, model, &capabilities).map(Lowered::OpenAi),
        Kind::Anthropic => anthropic::request::translate(chat, model, &capabilities).map(Lowered::Anthropic),
        Kind::Gemini => gemini::request::translate(chat, model, &capabilities).map(Lowered::Gemini),
    };
    lowered.map_err(|unsupported| request.locate(unsupported))
}

impl Lowered<'_> {
    /// The provider's request body.
    pub(super) fn write(&self, request: &Request, model: &str) -> Vec<u8> {
        match self {
            Lowered::Relayed => request.relayed(model),
            Lowered::OpenAi(lowered) => lowered.write(),
            Lowered::Anthropic(lowered) => lowered.write(),
            Lowered::Gemini(lowered) => lowered.write(),
        }
    }

    /// The client's parameters that the provider does not get, as the client calls them.
    pub(super) fn dropped(&self, request: &Request) -> Vec<String> {
        match self {
            Lowered::Relayed => Vec::new(),
            Lowered::OpenAi(lowered) => request.dropped(&lowered.dropped),
            Lowered::Anthropic(lowered) => request.dropped(&lowered.dropped),
            Lowered::Gemini(lowered) => request.dropped(&lowered.dropped),
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
    let (request, kind) = (&exchange.request, exchange.gateway.target(target).0);
    let mut recorder = exchange.recorder();
    if kind == Kind::OpenAi && request.is_own(kind) {
        let usage = openai::answer::read(&body)?;
        if let Some(recorder) = &mut recorder {
            recorder.whole(&body);
        }
        return Ok(Whole { body, usage, recorder });
    }
    if request.is_own(kind) {
        let mut usage = None;
        read(kind, &body, exchange.seed, &mut |event| {
            if let ChatEvent::Usage(told) = event {
                usage = Some(told);
            }
        })?;
        return Ok(Whole { body, usage, recorder });
    }
    let mut collector = Collector::new(request);
    read(kind, &body, exchange.seed, &mut |event| {
        if let Some(recorder) = &mut recorder {
            recorder.take(&event);
        }
        collector.take(event);
    })?;
    let usage = collector.usage();
    let body = collector.finish(&exchange.fallback_id(), exchange.created);
    Ok(Whole { body, usage, recorder })
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
