//! An answer as one GenerateContentResponse.

use super::logprobs::LogprobsResult;
use super::wire::{Call, Candidate, Content, Part, Response, finish_reason};
use crate::chat::{ChatEvent, Delta, FinishReason, TokenLogprobs, Usage};

/// Gathers events into one answer.
#[derive(Debug, Default)]
pub struct Collector {
    shows_thoughts: bool,
    id: String,
    model: String,
    choices: Vec<Choice>,
    usage: Option<Usage>,
}

#[derive(Debug, Default)]
struct Choice {
    index: u32,
    pieces: Vec<Piece>,
    refusal: Option<String>,
    logprobs: Option<Vec<TokenLogprobs<'static>>>,
    finish: Option<FinishReason>,
}

/// In the order in which they began.
#[derive(Debug)]
enum Piece {
    Text(String),
    Thought(String),
    Call(Call),
}

impl Collector {
    /// `shows_thoughts`: the client asked for them.
    pub fn new(shows_thoughts: bool) -> Self {
        Self { shows_thoughts, ..Self::default() }
    }

    /// Takes one event in.
    pub fn take(&mut self, event: ChatEvent<'_>) {
        match event {
            ChatEvent::Started { id, model } => {
                self.id = id.into_owned();
                self.model = model.into_owned();
            }
            ChatEvent::Usage(usage) => self.usage = Some(usage),
            ChatEvent::Finished { choice, reason } => self.with(choice, |choice| choice.finish = Some(reason)),
            ChatEvent::Delta { delta: Delta::Reasoning(_), .. } if !self.shows_thoughts => {}
            ChatEvent::UnknownFinish { .. } => {}
            ChatEvent::Logprobs { choice, tokens } => self.with(choice, |choice| {
                choice.logprobs.get_or_insert_default().extend(tokens.into_iter().map(TokenLogprobs::into_owned));
            }),
            ChatEvent::Delta { choice, delta } => self.with(choice, |choice| choice.take(delta)),
        }
    }

    /// The usage, if the provider gave any.
    pub fn usage(&self) -> Option<Usage> {
        self.usage
    }

    /// The whole answer; `fallback_id` if the provider gave no id.
    pub fn finish(mut self, fallback_id: &str) -> Vec<u8> {
        if self.choices.is_empty() {
            self.choices.push(Choice::default());
        }
        self.choices.sort_by_key(|choice| choice.index);
        let body = Response {
            candidates: self.choices.iter().map(Choice::candidate).collect(),
            usage_metadata: Some(self.usage.unwrap_or_default().into()),
            model_version: &self.model,
            response_id: if self.id.is_empty() { fallback_id } else { &self.id },
        };
        // No map has keys that are not strings.
        serde_json::to_vec(&body).unwrap_or_default()
    }

    fn with(&mut self, index: u32, act: impl FnOnce(&mut Choice)) {
        if let Some(choice) = self.choices.iter_mut().find(|choice| choice.index == index) {
            return act(choice);
        }
        let mut choice = Choice { index, ..Choice::default() };
        act(&mut choice);
        self.choices.push(choice);
    }
}

impl Choice {
    fn take(&mut self, delta: Delta<'_>) {
        match delta {
            Delta::Text(text) | Delta::Reasoning(text) if text.is_empty() => {}
            Delta::Text(text) => match self.pieces.last_mut() {
                Some(Piece::Text(before)) => before.push_str(&text),
                _ => self.pieces.push(Piece::Text(text.into_owned())),
            },
            Delta::Reasoning(text) => match self.pieces.last_mut() {
                Some(Piece::Thought(before)) => before.push_str(&text),
                _ => self.pieces.push(Piece::Thought(text.into_owned())),
            },
            Delta::Refusal(text) => self.refusal.get_or_insert_default().push_str(&text),
            Delta::ToolCall { index, id, name, arguments, signature } => self.pieces.push(Piece::Call(Call {
                index,
                id: id.into_owned(),
                name: name.into_owned(),
                arguments: arguments.into_owned(),
                signature: signature.map(|signature| signature.into_owned()),
            })),
            Delta::Arguments { index, fragment } => {
                let found = self.pieces.iter_mut().rev().find_map(|piece| match piece {
                    Piece::Call(call) if call.index == index => Some(call),
                    _ => None,
                });
                if let Some(call) = found {
                    call.arguments.push_str(&fragment);
                }
            }
        }
    }

    fn candidate(&self) -> Candidate<'_> {
        let first = self.pieces.iter().position(|piece| matches!(piece, Piece::Call(_)));
        let parts = self.pieces.iter().enumerate().map(|(at, piece)| match piece {
            Piece::Text(text) => Part::text(text, false),
            Piece::Thought(text) => Part::text(text, true),
            Piece::Call(call) => call.part(first == Some(at)),
        });
        Candidate {
            content: Content::of(parts.collect()),
            finish_reason: Some(finish_reason(self.finish, self.refusal.is_some())),
            finish_message: self.refusal.as_deref(),
            logprobs_result: self.logprobs.as_deref().map(LogprobsResult::from),
            index: self.index,
        }
    }
}
