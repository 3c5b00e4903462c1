//! An answer as chunks, each a GenerateContentResponse (PROVIDERS C.3). A call comes whole, so one whose arguments still
//! come is held back.

use super::frames::Frames;
use super::logprobs::LogprobsResult;
use super::path::Mode;
use super::wire::{Call, Candidate, Content, Part, Response, UsageMetadata, finish_reason};
use crate::chat::{ChatEvent, Delta, FinishReason, TokenLogprobs, Usage};
use crate::dialect::calls::Extent;
use crate::refusal::ErrorBody;

/// Writes events as chunks.
#[derive(Debug)]
pub struct StreamWriter {
    frames: Frames,
    shows_thoughts: bool,
    id: String,
    model: String,
    choices: Vec<Choice>,
    /// Of a choice, until the chunk that they are of.
    logprobs: Option<(u32, Vec<TokenLogprobs<'static>>)>,
    usage: Option<Usage>,
}

#[derive(Debug, Default)]
struct Choice {
    index: u32,
    /// Calls that have been written.
    calls: u32,
    held: Vec<(Call, Extent)>,
    refusal: Option<String>,
    finish: Option<FinishReason>,
}

impl StreamWriter {
    /// `fallback_id` is the id of the answer if the provider gives none; `shows_thoughts`: the client asked for them.
    pub fn new(fallback_id: String, mode: Mode, shows_thoughts: bool) -> Self {
        Self {
            frames: Frames::new(mode),
            shows_thoughts,
            id: fallback_id,
            model: String::new(),
            choices: Vec::new(),
            logprobs: None,
            usage: None,
        }
    }

    /// Appends what `event` looks like to `out`. Usage and the reasons of the end are kept for the end.
    pub fn write(&mut self, event: &ChatEvent<'_>, out: &mut Vec<u8>) {
        match event {
            ChatEvent::Started { id, model } => {
                if !id.is_empty() {
                    self.id = id.clone().into_owned();
                }
                self.model = model.clone().into_owned();
            }
            ChatEvent::Usage(usage) => self.usage = Some(*usage),
            ChatEvent::Finished { choice, reason } => {
                self.choice(*choice).finish = Some(*reason);
                self.release(*choice, true, out);
            }
            ChatEvent::UnknownFinish { .. } => {}
            ChatEvent::Logprobs { choice, tokens } => {
                // Those before them have waited in vain.
                self.flush(out);
                self.choice(*choice);
                self.logprobs = Some((*choice, tokens.iter().cloned().map(TokenLogprobs::into_owned).collect()));
            }
            ChatEvent::Delta { choice, delta } => self.delta(*choice, delta, out),
        }
    }

    /// Appends the end: why each answer ended, and what they took.
    pub fn end(&mut self, out: &mut Vec<u8>) {
        if self.choices.is_empty() {
            self.choice(0);
        }
        let indices: Vec<u32> = self.choices.iter().map(|choice| choice.index).collect();
        for index in indices {
            self.release(index, true, out);
        }
        let choices = std::mem::take(&mut self.choices);
        let logprobs = self.logprobs.take();
        let of = |index| logprobs.as_ref().filter(|(choice, _)| *choice == index).map(|(_, tokens)| tokens.as_slice());
        let candidates = choices.iter().map(|choice| Candidate {
            content: Content::of(vec![Part::text("", false)]),
            finish_reason: Some(finish_reason(choice.finish, choice.refusal.is_some())),
            finish_message: choice.refusal.as_deref(),
            logprobs_result: of(choice.index).map(LogprobsResult::from),
            index: choice.index,
        });
        self.chunk(candidates.collect(), Some(self.usage.unwrap_or_default().into()), out);
        self.frames.end(out);
    }

    /// Appends an error, on which the SDKs raise, and ends the stream; one that only ends looks complete to them.
    pub fn error(&mut self, error: &ErrorBody, out: &mut Vec<u8>) {
        self.frames.error(error, out);
    }

    /// The usage seen so far.
    pub fn usage(&self) -> Option<Usage> {
        self.usage
    }

    fn delta(&mut self, index: u32, delta: &Delta<'_>, out: &mut Vec<u8>) {
        match delta {
            Delta::Text(text) => self.text(index, text, false, out),
            Delta::Reasoning(text) if self.shows_thoughts => self.text(index, text, true, out),
            Delta::Reasoning(_) => {}
            Delta::Refusal(text) => self.choice(index).refusal.get_or_insert_default().push_str(text),
            Delta::ToolCall { index: call, id, name, arguments, signature } => {
                let mut extent = Extent::default();
                extent.push(arguments);
                let call = Call {
                    index: *call,
                    id: id.clone().into_owned(),
                    name: name.clone().into_owned(),
                    arguments: arguments.clone().into_owned(),
                    signature: signature.clone().map(|signature| signature.into_owned()),
                };
                self.choice(index).held.push((call, extent));
                self.release(index, false, out);
            }
            Delta::Arguments { index: call, fragment } => {
                let choice = self.choice(index);
                if let Some((held, extent)) = choice.held.iter_mut().find(|(held, _)| held.index == *call) {
                    held.arguments.push_str(fragment);
                    extent.push(fragment);
                    self.release(index, false, out);
                }
            }
        }
    }

    fn text(&mut self, index: u32, text: &str, thought: bool, out: &mut Vec<u8>) {
        self.choice(index);
        if !text.is_empty() {
            self.content(index, Part::text(text, thought), out);
        }
    }

    /// Writes the calls of a choice that are whole, as far as none that is not stands before them; at its end all.
    fn release(&mut self, index: u32, is_ended: bool, out: &mut Vec<u8>) {
        let choice = self.choice(index);
        let ready = match is_ended {
            true => choice.held.len(),
            false => choice.held.iter().take_while(|(_, extent)| extent.is_whole()).count(),
        };
        let calls: Vec<Call> = choice.held.drain(..ready).map(|(call, _)| call).collect();
        for call in calls {
            let choice = self.choice(index);
            let is_first = choice.calls == 0;
            choice.calls = choice.calls.saturating_add(1);
            self.content(index, call.part(is_first), out);
        }
    }

    fn choice(&mut self, index: u32) -> &mut Choice {
        let at = match self.choices.iter().position(|choice| choice.index == index) {
            Some(at) => at,
            None => {
                self.choices.push(Choice { index, ..Choice::default() });
                self.choices.len().saturating_sub(1)
            }
        };
        #[expect(clippy::indexing_slicing, reason = "found or just pushed")]
        &mut self.choices[at]
    }

    fn content(&mut self, index: u32, part: Part<'_>, out: &mut Vec<u8>) {
        let tokens = self.logprobs.take_if(|(choice, _)| *choice == index).map(|(_, tokens)| tokens);
        let candidate = Candidate {
            content: Content::of(vec![part]),
            finish_reason: None,
            finish_message: None,
            logprobs_result: tokens.as_deref().map(LogprobsResult::from),
            index,
        };
        self.chunk(vec![candidate], None, out);
    }

    /// Writes the log probabilities that wait for a part.
    fn flush(&mut self, out: &mut Vec<u8>) {
        if let Some((choice, _)) = self.logprobs {
            self.content(choice, Part::text("", false), out);
        }
    }

    fn chunk(&mut self, candidates: Vec<Candidate<'_>>, usage_metadata: Option<UsageMetadata>, out: &mut Vec<u8>) {
        self.frames.open(out);
        let response = Response { candidates, usage_metadata, model_version: &self.model, response_id: &self.id };
        // Writing to memory does not fail, and no map has keys that are not strings.
        let _ = serde_json::to_writer(&mut *out, &response);
        self.frames.close(out);
    }
}
