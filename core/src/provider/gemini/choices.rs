//! The answers of one request as they grow: what was said in each, and how it ended.

use super::chunk::{Candidate, Chunk, Ending, FunctionCall, UsageMetadata};
use super::error;
use super::logprobs;
use super::partial::Arguments;
use crate::chat::{self, ChatEvent, Delta, FinishReason};
use crate::failure::{Class, Failure};
use crate::json::{Raw, Str};
use crate::provider::{arguments, mint};
use std::borrow::Cow;

/// More answers than any request can ask for: a bound on what a provider can make us keep.
const MAX_CHOICES: usize = 128;

#[derive(Debug)]
pub(super) struct Choices {
    seed: u64,
    started: bool,
    list: Vec<Choice>,
    usage: Option<UsageMetadata>,
}

#[derive(Debug)]
struct Choice {
    index: u32,
    calls: u32,
    /// Something was emitted, a thought at least.
    has_delta: bool,
    /// Text or a call.
    has_output: bool,
    ending: Option<Ending>,
    growing: Option<Growing>,
}

/// A call whose arguments are still coming.
#[derive(Debug)]
struct Growing {
    id: Option<String>,
    name: String,
    arguments: Arguments,
    signature: Option<String>,
}

impl Choices {
    pub(super) fn new(seed: u64) -> Self {
        Self { seed, started: false, list: Vec::new(), usage: None }
    }

    /// Takes in a chunk.
    pub(super) fn apply(&mut self, chunk: Chunk<'_>, emit: &mut dyn FnMut(ChatEvent<'_>)) -> Result<(), Failure> {
        if let Some(error) = &chunk.error {
            return Err(error::failure(None, error));
        }
        // Nothing that cannot be taken back has been said: another try may do better.
        if chunk.is_malformed() && !self.list.iter().any(|choice| choice.has_delta) {
            return Err(Failure::plain(Class::ServerError, Some(200), "the model made a malformed function call"));
        }
        if let Some(later) = chunk.usage_metadata {
            self.usage.get_or_insert_default().overlay(later);
        }
        if !std::mem::replace(&mut self.started, true) {
            let id = chunk.response_id.unwrap_or_default().0;
            emit(ChatEvent::Started { id, model: chunk.model_version.unwrap_or_default().0 });
        }
        let is_blocked = chunk.prompt_feedback.is_some_and(|feedback| feedback.block_reason.is_some());
        let candidates = chunk.candidates.unwrap_or_default();
        if is_blocked && candidates.is_empty() {
            self.block();
        }
        candidates.into_iter().try_for_each(|candidate| self.candidate(candidate, emit))
    }

    /// Whether every answer has ended, and there is one.
    pub(super) fn are_ended(&self) -> bool {
        !self.list.is_empty() && self.list.iter().all(|choice| choice.ending.is_some())
    }

    /// Says how each answer ended, and what all of them cost.
    pub(super) fn finish(&mut self, emit: &mut dyn FnMut(ChatEvent<'_>)) {
        for choice in &self.list {
            emit(ChatEvent::Finished { choice: choice.index, reason: choice.reason() });
        }
        if let Some(usage) = self.usage() {
            emit(ChatEvent::Usage(usage));
        }
    }

    pub(super) fn usage(&self) -> Option<chat::Usage> {
        self.usage.as_ref().map(UsageMetadata::total)
    }

    /// The prompt was refused: no answer, or none that goes on.
    fn block(&mut self) {
        if self.list.is_empty() {
            self.list.push(Choice::new(0));
        }
        for choice in &mut self.list {
            choice.ending.get_or_insert(Ending::Filtered);
        }
    }

    fn candidate(&mut self, candidate: Candidate<'_>, emit: &mut dyn FnMut(ChatEvent<'_>)) -> Result<(), Failure> {
        let index = candidate.index.unwrap_or(0);
        let seed = self.seed;
        if self.list.len() >= MAX_CHOICES {
            return Err(Failure::plain(Class::Unreadable, Some(200), "the answer has too many candidates"));
        }
        if !self.list.iter().any(|choice| choice.index == index) {
            self.list.push(Choice::new(index));
        }
        let Some(choice) = self.list.iter_mut().find(|choice| choice.index == index) else { return Ok(()) };
        if let Some(tokens) = candidate.logprobs_result.and_then(logprobs::read) {
            emit(ChatEvent::Logprobs { choice: index, tokens });
        }
        for part in candidate.content.and_then(|content| content.parts).unwrap_or_default() {
            if let Some(text) = part.text.filter(|text| !text.is_empty()) {
                let is_thought = part.thought == Some(true);
                choice.has_output |= !is_thought;
                choice.emit(if is_thought { Delta::Reasoning(text.0) } else { Delta::Text(text.0) }, emit);
            }
            if let Some(call) = part.function_call {
                choice.call(call, part.thought_signature, seed, emit)?;
            }
        }
        if let Some(reason) = candidate.finish_reason {
            choice.end_growing(seed, emit);
            let ending = Ending::of(&reason);
            if ending == Ending::Unknown && choice.ending.is_none() {
                emit(ChatEvent::UnknownFinish { choice: index });
            }
            choice.ending = Some(ending);
        }
        Ok(())
    }
}

impl Choice {
    fn new(index: u32) -> Self {
        Self { index, calls: 0, has_delta: false, has_output: false, ending: None, growing: None }
    }

    fn emit(&mut self, delta: Delta<'_>, emit: &mut dyn FnMut(ChatEvent<'_>)) {
        self.has_delta = true;
        emit(ChatEvent::Delta { choice: self.index, delta });
    }

    /// A call comes whole. Gemini may leave out its id, and the arguments if there are none.
    fn call(
        &mut self,
        call: FunctionCall<'_>,
        signature: Option<Str<'_>>,
        seed: u64,
        emit: &mut dyn FnMut(ChatEvent<'_>),
    ) -> Result<(), Failure> {
        let goes_on = call.will_continue == Some(true);
        if !goes_on && call.partial_args.is_none() && self.growing.is_none() {
            let Some(name) = call.name else { return Ok(()) };
            let id = call.id.filter(|id| !id.is_empty()).map(|id| id.0);
            let arguments = arguments::compact(call.args.filter(|args| args.is_object()).map_or("{}", Raw::get));
            self.emit_call(id, name.0, arguments, signature.map(|text| text.0), seed, emit);
            return Ok(());
        }
        if let Some(name) = call.name {
            self.end_growing(seed, emit);
            self.growing = Some(Growing {
                id: call.id.filter(|id| !id.is_empty()).map(Str::into_owned),
                name: name.into_owned(),
                arguments: Arguments::Object(Vec::new()),
                signature: signature.map(Str::into_owned),
            });
        }
        if let Some(growing) = &mut self.growing {
            let put = call.partial_args.iter().flatten().try_for_each(|piece| growing.arguments.put(piece));
            put.ok_or_else(|| {
                Failure::plain(Class::Unreadable, Some(200), "a piece of a call's arguments belongs nowhere")
            })?;
        }
        if !goes_on {
            self.end_growing(seed, emit);
        }
        Ok(())
    }

    fn end_growing(&mut self, seed: u64, emit: &mut dyn FnMut(ChatEvent<'_>)) {
        if let Some(Growing { id, name, arguments, signature }) = self.growing.take() {
            let arguments = arguments.json().into();
            self.emit_call(id.map(Cow::Owned), name.into(), arguments, signature.map(Cow::Owned), seed, emit);
        }
    }

    fn emit_call(
        &mut self,
        id: Option<Cow<'_, str>>,
        name: Cow<'_, str>,
        arguments: Cow<'_, str>,
        signature: Option<Cow<'_, str>>,
        seed: u64,
        emit: &mut dyn FnMut(ChatEvent<'_>),
    ) {
        let index = self.calls;
        self.calls = self.calls.saturating_add(1);
        self.has_output = true;
        let id = id.unwrap_or_else(|| mint::call_id(seed, self.index, index).into());
        self.emit(Delta::ToolCall { index, id, name, arguments, signature }, emit);
    }

    fn reason(&self) -> FinishReason {
        match self.ending.unwrap_or(Ending::Stop) {
            Ending::Length => FinishReason::Length,
            Ending::Filtered => FinishReason::ContentFilter,
            Ending::Other if !self.has_output => FinishReason::ContentFilter,
            Ending::Malformed => FinishReason::Stop,
            Ending::Stop | Ending::Unknown | Ending::Other if self.calls > 0 => FinishReason::ToolCalls,
            Ending::Stop | Ending::Unknown | Ending::Other => FinishReason::Stop,
        }
    }
}
