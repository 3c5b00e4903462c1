//! An answer on its way to the client, kept as an entry.

use super::VERSION;
use super::codec::{self, Kept, Reason, Step};
use crate::chat::{ChatEvent, Delta, Usage};
use crate::config::Target;
use crate::provider::{arguments, openai::events};
use crate::sse;
use std::collections::BTreeMap;

/// As many as a request can ask for: OpenAI's own bound.
const MAX_CHOICES: usize = 128;

/// Records one answer, in one of three ways: event by event, as the whole body of an OpenAI-kind server, or event by
/// event of such a server's stream. It keeps the events, or what the client gets.
///
/// What is not to be given again is not recorded to its end: a refusal, something that the events have no place for, more
/// bytes than the bound. Then nothing is held any more.
#[derive(Debug)]
pub struct Recorder {
    max_bytes: usize,
    seed: u64,
    /// None: given up.
    answer: Option<Answer>,
    /// Of a relayed stream.
    reader: Option<events::Reader>,
    /// As a relayed answer says.
    created: Option<u64>,
    /// What the client gets, where that is kept, and not the events.
    told: Option<Vec<u8>>,
}

#[derive(Debug, Default)]
struct Answer {
    id: String,
    model: String,
    steps: Vec<u8>,
    choices: Vec<Choice>,
    usage: Option<Usage>,
}

#[derive(Debug)]
struct Choice {
    index: u32,
    /// A text or a call; thoughts alone are no answer.
    has_content: bool,
    is_finished: bool,
}

impl Recorder {
    /// Gives up at an entry of more than `max_bytes`; `seed` makes ids of calls where there are none.
    pub fn new(max_bytes: usize, seed: u64) -> Self {
        Self { max_bytes, seed, answer: Some(Answer::default()), reader: None, created: None, told: None }
    }

    /// The same, of an answer that is to be kept as the client gets it ([`Self::tell`]). Its events only say whether it is
    /// to be kept.
    pub fn verbatim(max_bytes: usize, seed: u64) -> Self {
        Self { told: Some(Vec::new()), ..Self::new(max_bytes, seed) }
    }

    /// Takes what the client gets, piece by piece.
    pub fn tell(&mut self, bytes: &[u8]) {
        let max = self.max_bytes;
        let is_over = match &mut self.told {
            Some(told) => {
                let is_over = told.len().saturating_add(bytes.len()) > max;
                if !is_over {
                    told.extend_from_slice(bytes);
                }
                is_over
            }
            None => false,
        };
        if is_over {
            self.give_up();
        }
    }

    /// Takes one event of an answer.
    pub fn take(&mut self, event: &ChatEvent<'_>) {
        let taken = self.answer.as_mut().and_then(|answer| {
            answer.take(event)?;
            (answer.bytes() <= self.max_bytes).then_some(())
        });
        if taken.is_none() {
            self.give_up();
        }
    }

    /// Takes the body of an OpenAI-kind server's whole answer.
    pub fn whole(&mut self, body: &[u8]) {
        match events::read(body, self.seed, &mut |event| self.take(&event)) {
            Ok(events::Told { created, lost: None }) => self.created = created,
            _ => self.give_up(),
        }
    }

    /// Takes one event of an OpenAI-kind server's stream.
    pub fn relayed(&mut self, event: &sse::Event<'_>) {
        self.with_reader(|reader, emit| reader.read(event, emit).is_ok());
    }

    /// Whether it has given up, so that there is no use in telling it more.
    pub fn has_given_up(&self) -> bool {
        self.answer.is_none()
    }

    /// The entry's bytes, once the answer has come to its end: who answered, and when, in seconds since 1970, if the
    /// answer does not say. None when this answer is not to be given again.
    pub fn finish(mut self, target: &Target, created: u64) -> Option<Vec<u8>> {
        if self.reader.is_some() {
            self.with_reader(|reader, emit| reader.end(emit).is_ok());
        }
        let answer = self.answer?;
        let is_whole = |choice: &Choice| choice.is_finished && choice.has_content;
        if answer.choices.is_empty() || !answer.choices.iter().all(is_whole) || !have_arguments(&answer.steps) {
            return None;
        }
        let kept = Kept {
            version: VERSION,
            created: self.created.unwrap_or(created),
            provider: &target.provider,
            model: &target.model,
            id: &answer.id,
            answered: &answer.model,
            usage: answer.usage.map(Into::into),
            steps: if self.told.is_some() { &[] } else { &answer.steps },
            told: self.told.as_deref(),
        };
        minicbor::to_vec(kept).ok().filter(|entry| entry.len() <= self.max_bytes)
    }

    fn give_up(&mut self) {
        self.answer = None;
        self.reader = None;
        self.told = None;
    }

    /// Lets the reader of a relayed stream emit events, and keeps it while it says that all is well.
    fn with_reader(&mut self, act: impl FnOnce(&mut events::Reader, &mut dyn FnMut(ChatEvent<'_>)) -> bool) {
        if self.has_given_up() {
            return;
        }
        let mut reader = self.reader.take().unwrap_or_else(|| events::Reader::new(self.seed, None));
        if !act(&mut reader, &mut |event| self.take(&event)) || reader.lost().is_some() {
            self.give_up();
        }
        if !self.has_given_up() {
            self.created = reader.created();
            self.reader = Some(reader);
        }
    }
}

impl Answer {
    /// None for what is not to be given again.
    fn take(&mut self, event: &ChatEvent<'_>) -> Option<()> {
        match event {
            ChatEvent::Started { id, model } => {
                id.as_ref().clone_into(&mut self.id);
                model.as_ref().clone_into(&mut self.model);
            }
            ChatEvent::Logprobs { .. } | ChatEvent::UnknownFinish { .. } => return None,
            ChatEvent::Usage(usage) => self.usage = Some(*usage),
            ChatEvent::Delta { choice, delta } => {
                let step = Step::delta(*choice, delta)?;
                let known = self.open(*choice)?;
                known.has_content |= match delta {
                    Delta::Text(text) => !text.is_empty(),
                    Delta::ToolCall { .. } => true,
                    Delta::Reasoning(_) | Delta::Refusal(_) | Delta::Arguments { .. } => false,
                };
                codec::append(&step, &mut self.steps);
            }
            ChatEvent::Finished { choice, reason } => {
                let step = Step::Finished(*choice, Reason::of(*reason)?);
                self.open(*choice)?.is_finished = true;
                codec::append(&step, &mut self.steps);
            }
        }
        Some(())
    }

    /// A choice that goes on, or begins.
    fn open(&mut self, index: u32) -> Option<&mut Choice> {
        let at = match self.choices.iter().position(|choice| choice.index == index) {
            Some(at) => at,
            None => {
                self.choices.push(Choice { index, has_content: false, is_finished: false });
                self.choices.len().checked_sub(1).filter(|at| *at < MAX_CHOICES)?
            }
        };
        self.choices.get_mut(at).filter(|choice| !choice.is_finished)
    }

    fn bytes(&self) -> usize {
        self.steps.len().saturating_add(self.id.len()).saturating_add(self.model.len())
    }
}

/// Whether the arguments of all calls are JSON objects, as a client must be able to read them.
fn have_arguments(steps: &[u8]) -> bool {
    let mut calls: BTreeMap<(u32, u32), String> = BTreeMap::new();
    for step in codec::steps(steps) {
        match step {
            Ok(Step::ToolCall { choice, index, arguments, .. }) => {
                if calls.insert((choice, index), arguments.to_owned()).is_some() {
                    return false;
                }
            }
            Ok(Step::Arguments(choice, index, fragment)) => match calls.get_mut(&(choice, index)) {
                Some(arguments) => arguments.push_str(fragment),
                None => return false,
            },
            Ok(Step::Text(..) | Step::Reasoning(..) | Step::Finished(..)) => {}
            Err(_) => return false,
        }
    }
    calls.values().all(|call| arguments::object(call).is_some())
}
