//! The choices of one answer as they grow: which calls were begun in each, and which have ended.

use super::Lost;
use super::content::{self, lost_is};
use super::logprobs;
use super::wire::{self, Answer, says_something};
use crate::chat::{ChatEvent, Delta, FinishReason, Usage};
use crate::failure::{Class, Failure};
use crate::json::{Raw, Str};
use crate::provider::{arguments, mint};
use std::borrow::Cow;

/// As many as a request can ask for: a bound on what a server can make us keep.
const MAX_CHOICES: usize = 128;
const MAX_CALLS: usize = 1024;

type Emit<'e> = &'e mut dyn FnMut(ChatEvent<'_>);

#[derive(Debug)]
pub(super) struct Choices {
    seed: u64,
    started: bool,
    created: Option<u64>,
    list: Vec<Choice>,
    usage: Option<Usage>,
    lost: Option<Lost>,
}

#[derive(Debug)]
struct Choice {
    index: u32,
    calls: Vec<Call>,
    is_finished: bool,
}

#[derive(Debug)]
struct Call {
    /// The server's own number.
    number: Option<u32>,
    /// The server's own id, if it gave one.
    id: Option<String>,
    /// Its name has come, and it was told.
    is_told: bool,
}

/// Where a message stands.
#[derive(Clone, Copy)]
struct Place {
    seed: u64,
    /// Each of its calls is one of its own, not a piece of one.
    is_whole: bool,
}

impl Choices {
    pub(super) fn new(seed: u64) -> Self {
        Self { seed, started: false, created: None, list: Vec::new(), usage: None, lost: None }
    }

    pub(super) fn lost(&self) -> Option<Lost> {
        self.lost
    }

    /// When the server says that it answered, in seconds since 1970.
    pub(super) fn created(&self) -> Option<u64> {
        self.created
    }

    pub(super) fn usage(&self) -> Option<Usage> {
        self.usage
    }

    /// How many have ended.
    pub(super) fn finished(&self) -> usize {
        self.list.iter().filter(|choice| choice.is_finished).count()
    }

    /// Takes in a whole answer, or a chunk.
    pub(super) fn apply(&mut self, answer: Answer<'_>, emit: Emit<'_>) -> Result<(), Failure> {
        let Answer { id, created, model, choices, usage, error: _, has_more } = answer;
        let (id, model) = (id.unwrap_or_default(), model.unwrap_or_default());
        let choices = choices.unwrap_or_default();
        self.created = self.created.or_else(|| created?.parse().ok()).filter(|created| *created > 0);
        // Azure's first chunk has neither.
        if !(id.is_empty() && model.is_empty() && choices.is_empty()) {
            self.start(id.0, model.0, emit);
        }
        if has_more {
            self.loses(Lost::Unknown);
        }
        for (place, choice) in (0..).zip(choices) {
            self.choice(choice, place, emit)?;
        }
        if let Some(usage) = usage.and_then(super::super::answer::usage) {
            self.usage = Some(usage);
        }
        Ok(())
    }

    /// Ends the answer: what has not told why it ended has stopped, for all that is known.
    pub(super) fn finish(&mut self, emit: Emit<'_>) {
        self.start("".into(), "".into(), emit);
        for choice in self.list.iter_mut().filter(|choice| !choice.is_finished) {
            lost_is(Lost::FinishReason, &mut self.lost);
            choice.finish(FinishReason::Stop, &mut self.lost, emit);
        }
        if let Some(usage) = self.usage {
            emit(ChatEvent::Usage(usage));
        }
    }

    fn start(&mut self, id: Cow<'_, str>, model: Cow<'_, str>, emit: Emit<'_>) {
        if !std::mem::replace(&mut self.started, true) {
            emit(ChatEvent::Started { id, model });
        }
    }

    fn loses(&mut self, what: Lost) {
        lost_is(what, &mut self.lost);
    }

    fn choice(&mut self, choice: wire::Choice<'_>, place: u32, emit: Emit<'_>) -> Result<(), Failure> {
        let wire::Choice { index, message, delta, finish_reason, logprobs, has_more } = choice;
        // A chunk without an index goes on with the first choice; the choices of a whole answer have their order.
        let is_whole = message.is_some();
        let index = index.unwrap_or(if is_whole { place } else { 0 });
        let at = match self.list.iter().position(|choice| choice.index == index) {
            Some(at) => at,
            None if self.list.len() < MAX_CHOICES => {
                self.list.push(Choice { index, calls: Vec::new(), is_finished: false });
                self.list.len().saturating_sub(1)
            }
            None => return Err(Failure::plain(Class::Unreadable, Some(200), "the answer has too many choices")),
        };
        let (seed, lost) = (self.seed, &mut self.lost);
        let place = Place { seed, is_whole };
        let Some(choice) = self.list.get_mut(at) else { return Ok(()) };
        if has_more {
            lost_is(Lost::Unknown, lost);
        }
        if let Some(raw) = logprobs.filter(|raw| says_something(*raw)) {
            choice.logprobs(raw, lost, emit);
        }
        if let Some(message) = message.or(delta) {
            choice.message(message, place, lost, emit)?;
        }
        // Some servers say "" until they know.
        match finish_reason.filter(|reason| !reason.is_empty()) {
            Some(reason) if !choice.is_finished => {
                if is_unknown(&reason) {
                    emit(ChatEvent::UnknownFinish { choice: index });
                }
                let (reason, is_known) = read_reason(&reason);
                if !is_known {
                    lost_is(Lost::FinishReason, lost);
                }
                choice.finish(reason, lost, emit);
            }
            _ => {}
        }
        Ok(())
    }
}

impl Choice {
    fn message(
        &mut self,
        message: wire::Message<'_>,
        place: Place,
        lost: &mut Option<Lost>,
        emit: Emit<'_>,
    ) -> Result<(), Failure> {
        let wire::Message {
            content,
            reasoning_content,
            reasoning,
            refusal,
            tool_calls,
            function_call,
            audio,
            annotations,
            has_more,
        } = message;
        for (what, raw) in [(Lost::FunctionCall, function_call), (Lost::Audio, audio), (Lost::Annotations, annotations)]
        {
            if raw.is_some_and(says_something) {
                lost_is(what, lost);
            }
        }
        if has_more {
            lost_is(Lost::Unknown, lost);
        }
        let thought = content::text(reasoning_content, lost).filter(|text| !text.is_empty());
        if let Some(text) = thought.or_else(|| content::text(reasoning, lost)) {
            self.emit(Delta::Reasoning(text.0), lost, emit);
        }
        for delta in content.map(|content| content::read(content, lost)).unwrap_or_default() {
            self.emit(delta, lost, emit);
        }
        if let Some(refusal) = refusal {
            self.emit(Delta::Refusal(refusal.0), lost, emit);
        }
        tool_calls.unwrap_or_default().into_iter().try_for_each(|call| self.call(call, place, lost, emit))
    }

    fn logprobs(&self, raw: Raw<'_>, lost: &mut Option<Lost>, emit: Emit<'_>) {
        let Some((tokens, is_all)) = logprobs::read(raw) else { return lost_is(Lost::Logprobs, lost) };
        // OpenAI's first chunk has an empty list. No event says that.
        let is_empty = tokens.is_empty();
        if !is_all || is_empty {
            lost_is(Lost::Logprobs, lost);
        }
        match self.is_finished {
            _ if is_empty => {}
            true => lost_is(Lost::Late, lost),
            false => emit(ChatEvent::Logprobs { choice: self.index, tokens }),
        }
    }

    fn call(
        &mut self,
        call: wire::Call<'_>,
        place: Place,
        lost: &mut Option<Lost>,
        emit: Emit<'_>,
    ) -> Result<(), Failure> {
        let wire::Call { index: number, id, kind, function, extra_content, has_more } = call;
        if has_more || kind.is_some_and(|kind| !matches!(&*kind, "" | "function")) {
            lost_is(Lost::Call, lost);
        }
        let Some(wire::Function { name, arguments, has_more }) = function else { return Ok(()) };
        if has_more {
            lost_is(Lost::Call, lost);
        }
        let (id, name) = (id.filter(|id| !id.is_empty()), name.filter(|name| !name.is_empty()));
        let arguments = arguments.map_or(Cow::Borrowed(""), |raw| read_arguments(raw, lost));
        let signature = extra_content.and_then(|extra| {
            let google = extra.google.unwrap_or_default();
            if extra.has_more || google.has_more {
                lost_is(Lost::Unknown, lost);
            }
            google.thought_signature
        });

        let found = match place.is_whole {
            true => None,
            false => self.find(number, id.as_deref(), name.is_some()),
        };
        let at = found.unwrap_or(self.calls.len());
        if found.is_none() {
            if at >= MAX_CALLS {
                return Err(Failure::plain(Class::Unreadable, Some(200), "the answer has too many tool calls"));
            }
            self.calls.push(Call { number, id: None, is_told: false });
        }
        let index = u32::try_from(at).unwrap_or(u32::MAX);
        let Some(known) = self.calls.get_mut(at) else { return Ok(()) };
        if known.id.is_none() {
            known.id = id.map(Str::into_owned);
        }
        if known.is_told {
            self.emit(Delta::Arguments { index, fragment: arguments }, lost, emit);
        } else if let Some(name) = name {
            known.is_told = true;
            let id = match &known.id {
                Some(id) => id.clone(),
                None => mint::call_id(place.seed, self.index, index),
            };
            let signature = signature.map(|signature| signature.0);
            self.emit(Delta::ToolCall { index, id: id.into(), name: name.0, arguments, signature }, lost, emit);
        } else if !arguments.is_empty() {
            // Arguments of nobody knows what.
            lost_is(Lost::Call, lost);
        }
        Ok(())
    }

    /// The call that a piece goes on with; None: it begins one. By contract the number says it. Google's compatible
    /// endpoint numbers all calls 0, others leave the number out: then it is the id, or that there is a name.
    fn find(&self, number: Option<u32>, id: Option<&str>, has_name: bool) -> Option<usize> {
        let is_its = |call: &Call| id.is_some() && call.id.as_deref() == id;
        match (number, id) {
            (Some(_), _) => {
                let at = self.calls.iter().rposition(|call| call.number == number)?;
                let goes_on = |call: &Call| !has_name || !call.is_told || is_its(call);
                self.calls.get(at).is_some_and(goes_on).then_some(at)
            }
            (None, Some(_)) => self.calls.iter().rposition(is_its),
            (None, None) if has_name => None,
            (None, None) => self.calls.len().checked_sub(1),
        }
    }

    fn finish(&mut self, reason: FinishReason, lost: &mut Option<Lost>, emit: Emit<'_>) {
        if self.calls.iter().any(|call| !call.is_told) {
            lost_is(Lost::Call, lost);
        }
        self.is_finished = true;
        emit(ChatEvent::Finished { choice: self.index, reason });
    }

    fn emit(&self, delta: Delta<'_>, lost: &mut Option<Lost>, emit: Emit<'_>) {
        match &delta {
            Delta::Text(text) | Delta::Reasoning(text) | Delta::Refusal(text) if text.is_empty() => {}
            Delta::Arguments { fragment, .. } if fragment.is_empty() => {}
            _ if self.is_finished => lost_is(Lost::Late, lost),
            _ => emit(ChatEvent::Delta { choice: self.index, delta }),
        }
    }
}

/// A JSON document in a string; older Ollama sends the document itself.
fn read_arguments<'a>(raw: Raw<'a>, lost: &mut Option<Lost>) -> Cow<'a, str> {
    match raw.parse::<Str<'_>>() {
        Ok(text) => text.0,
        Err(_) if raw.is_object() => arguments::compact(raw.get()),
        Err(_) => {
            lost_is(Lost::Call, lost);
            Cow::Borrowed("")
        }
    }
}

/// Whether it is a reason of which nobody told us.
fn is_unknown(reason: &str) -> bool {
    reason != "function_call" && !read_reason(reason).1
}

/// The reason, and whether it says all: one that is not OpenAI's never fails an answer.
fn read_reason(reason: &str) -> (FinishReason, bool) {
    match reason {
        "stop" => (FinishReason::Stop, true),
        "length" => (FinishReason::Length, true),
        "tool_calls" => (FinishReason::ToolCalls, true),
        "content_filter" => (FinishReason::ContentFilter, true),
        // Mistral's, and Together's.
        "model_length" => (FinishReason::Length, true),
        "eos" => (FinishReason::Stop, true),
        "function_call" => (FinishReason::ToolCalls, false),
        _ => (FinishReason::Stop, false),
    }
}
