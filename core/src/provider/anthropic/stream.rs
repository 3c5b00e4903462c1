//! An answer as it comes (PROVIDERS C.2).

use super::error::{self, Error};
use super::stop;
use super::usage::Usage;
use crate::chat::{self, ChatEvent, Delta, FinishReason};
use crate::failure::{Class, Failure};
use crate::json::{Raw, Str};
use crate::provider::{arguments, mint};
use crate::sse;
use serde::Deserialize;

/// Reads the events of one answer.
#[derive(Debug)]
pub struct Reader {
    seed: u64,
    started: bool,
    finished: bool,
    /// Tool calls begun so far. Their numbers are not the blocks': text and thinking are blocks too.
    calls: u32,
    open: Vec<OpenCall>,
    reason: Option<FinishReason>,
    usage: Option<Usage>,
}

/// A tool call whose arguments are still coming.
#[derive(Debug)]
struct OpenCall {
    block: u64,
    call: u32,
    has_arguments: bool,
}

/// All fields of all events: the tag of an event stands anywhere in it.
#[derive(Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
struct Event<'a> {
    #[serde(rename = "type")]
    kind: Str<'a>,
    message: Option<Message<'a>>,
    #[serde(default)]
    index: u64,
    content_block: Option<Block<'a>>,
    delta: Option<Change<'a>>,
    usage: Option<Usage>,
    error: Option<Error<'a>>,
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
struct Message<'a> {
    id: Option<Str<'a>>,
    model: Option<Str<'a>>,
    usage: Option<Usage>,
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
struct Block<'a> {
    #[serde(rename = "type")]
    kind: Str<'a>,
    text: Option<Str<'a>>,
    thinking: Option<Str<'a>>,
    id: Option<Str<'a>>,
    name: Option<Str<'a>>,
    input: Option<Raw<'a>>,
}

/// The `delta` of `content_block_delta`, which has a type, and of `message_delta`, which has none.
#[derive(Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
struct Change<'a> {
    #[serde(rename = "type")]
    kind: Option<Str<'a>>,
    text: Option<Str<'a>>,
    thinking: Option<Str<'a>>,
    partial_json: Option<Str<'a>>,
    stop_reason: Option<Str<'a>>,
    stop_details: Option<stop::Details<'a>>,
}

impl Reader {
    /// A reader at the start of a stream. `seed` makes ids where there are none.
    pub fn new(seed: u64) -> Self {
        Self { seed, started: false, finished: false, calls: 0, open: Vec::new(), reason: None, usage: None }
    }

    /// Reads one event.
    ///
    /// # Errors
    /// When it tells of an error, or is one that Weir knows, in a form that it does not.
    pub fn read(&mut self, event: &sse::Event<'_>, emit: &mut dyn FnMut(ChatEvent<'_>)) -> Result<(), Failure> {
        if self.finished {
            return Ok(());
        }
        let event: Event<'_> = match serde_json::from_slice(event.data) {
            Ok(event) => event,
            Err(_) if is_unknown(event.data) => return Ok(()),
            Err(_) => return Err(unreadable("the stream holds an event of the wrong form")),
        };
        match event.kind.as_str() {
            "message_start" => self.message_start(event.message, emit),
            "content_block_start" => {
                if let Some(block) = event.content_block {
                    self.block_start(event.index, block, emit)?;
                }
            }
            "content_block_delta" => {
                if let Some(change) = event.delta {
                    self.block_delta(event.index, change, emit);
                }
            }
            "content_block_stop" => self.block_stop(event.index, emit),
            "message_delta" => self.message_delta(event.delta, event.usage, emit),
            "message_stop" => self.message_stop(emit),
            "error" => {
                let error = event.error.ok_or_else(|| unreadable("the stream holds an error without words"))?;
                return Err(error::failure(None, &error));
            }
            // Pings, and events to come.
            _ => {}
        }
        Ok(())
    }

    /// Whether the last event has come: nothing of the answer follows.
    pub fn is_complete(&self) -> bool {
        self.finished
    }

    /// The upstream has closed the stream.
    ///
    /// # Errors
    /// Unless the last event had come.
    pub fn end(&mut self, _emit: &mut dyn FnMut(ChatEvent<'_>)) -> Result<(), Failure> {
        match self.finished {
            true => Ok(()),
            false => Err(Failure::plain(Class::Truncated, Some(200), "the stream ended before its last event")),
        }
    }

    /// The tokens counted so far; of a stream that was cut, what is known.
    pub fn usage(&self) -> Option<chat::Usage> {
        self.usage.as_ref().map(Usage::total)
    }

    fn start(&mut self, id: Str<'_>, model: Str<'_>, emit: &mut dyn FnMut(ChatEvent<'_>)) {
        if !std::mem::replace(&mut self.started, true) {
            emit(ChatEvent::Started { id: id.0, model: model.0 });
        }
    }

    fn delta(&mut self, delta: Delta<'_>, emit: &mut dyn FnMut(ChatEvent<'_>)) {
        self.start(Str::default(), Str::default(), emit);
        emit(ChatEvent::Delta { choice: 0, delta });
    }

    fn message_start(&mut self, message: Option<Message<'_>>, emit: &mut dyn FnMut(ChatEvent<'_>)) {
        let Some(message) = message else { return };
        self.count(message.usage);
        self.start(message.id.unwrap_or_default(), message.model.unwrap_or_default(), emit);
    }

    fn block_start(
        &mut self,
        index: u64,
        block: Block<'_>,
        emit: &mut dyn FnMut(ChatEvent<'_>),
    ) -> Result<(), Failure> {
        let text = |text: Option<Str<'_>>| text.filter(|text| !text.is_empty()).is_some();
        match block.kind.as_str() {
            "text" if text(block.text.clone()) => self.delta(Delta::Text(block.text.unwrap_or_default().0), emit),
            "thinking" if text(block.thinking.clone()) => {
                self.delta(Delta::Reasoning(block.thinking.unwrap_or_default().0), emit);
            }
            "tool_use" => {
                let call = self.calls;
                self.calls = self.calls.saturating_add(1);
                let id = match block.id.filter(|id| !id.is_empty()) {
                    Some(id) => id.0,
                    None => mint::call_id(self.seed, 0, call).into(),
                };
                let name = block.name.ok_or_else(|| unreadable("a tool call has no name"))?.0;
                // Anthropic begins with `{}` and sends the rest in pieces; some compatible servers send all at once.
                let input = block.input.filter(|raw| raw.is_object()).map(|raw| arguments::compact(raw.get()));
                let arguments = input.filter(|text| text != "{}").unwrap_or_default();
                self.open.push(OpenCall { block: index, call, has_arguments: !arguments.is_empty() });
                self.delta(Delta::ToolCall { index: call, id, name, arguments, signature: None }, emit);
            }
            _ => {}
        }
        Ok(())
    }

    fn block_delta(&mut self, index: u64, change: Change<'_>, emit: &mut dyn FnMut(ChatEvent<'_>)) {
        let delta = match change.kind.as_ref().map_or("", Str::as_str) {
            "text_delta" => change.text.map(|text| Delta::Text(text.0)),
            "thinking_delta" => change.thinking.map(|text| Delta::Reasoning(text.0)),
            // Server tools have such pieces too: only those of a call that the client shall answer are passed on.
            "input_json_delta" => match (change.partial_json, self.open.iter_mut().find(|call| call.block == index)) {
                (Some(fragment), Some(open)) => {
                    open.has_arguments |= !fragment.is_empty();
                    Some(Delta::Arguments { index: open.call, fragment: fragment.0 })
                }
                _ => None,
            },
            _ => None,
        };
        match delta {
            None => {}
            Some(Delta::Text(text) | Delta::Reasoning(text) | Delta::Arguments { fragment: text, .. })
                if text.is_empty() => {}
            Some(delta) => self.delta(delta, emit),
        }
    }

    /// A call without any arguments still needs a JSON document that parses.
    fn block_stop(&mut self, index: u64, emit: &mut dyn FnMut(ChatEvent<'_>)) {
        let Some(at) = self.open.iter().position(|call| call.block == index) else { return };
        let open = self.open.swap_remove(at);
        if !open.has_arguments {
            self.delta(Delta::Arguments { index: open.call, fragment: "{}".into() }, emit);
        }
    }

    fn message_delta(&mut self, change: Option<Change<'_>>, usage: Option<Usage>, emit: &mut dyn FnMut(ChatEvent<'_>)) {
        self.count(usage);
        let Some(change) = change else { return };
        if let Some(stop_reason) = change.stop_reason {
            if self.reason.is_none() && !stop::is_known(&stop_reason) {
                emit(ChatEvent::UnknownFinish { choice: 0 });
            }
            self.reason = Some(stop::reason(&stop_reason, self.calls));
        }
        if let Some(explanation) = change.stop_details.and_then(|details| details.explanation) {
            self.delta(Delta::Refusal(explanation.0), emit);
        }
    }

    fn message_stop(&mut self, emit: &mut dyn FnMut(ChatEvent<'_>)) {
        self.finished = true;
        self.start(Str::default(), Str::default(), emit);
        emit(ChatEvent::Finished { choice: 0, reason: self.reason.unwrap_or(FinishReason::Stop) });
        if let Some(usage) = self.usage() {
            emit(ChatEvent::Usage(usage));
        }
    }

    fn count(&mut self, later: Option<Usage>) {
        if let Some(later) = later {
            self.usage.get_or_insert_default().overlay(later);
        }
    }
}

/// Whether `data` is an event, a block or a delta of a type to come: the versioning policy lets Anthropic add them.
fn is_unknown(data: &[u8]) -> bool {
    #[derive(Deserialize)]
    #[serde(bound(deserialize = "'de: 'a"))]
    struct Kind<'a> {
        #[serde(rename = "type")]
        kind: Str<'a>,
        content_block: Option<Raw<'a>>,
        delta: Option<Raw<'a>>,
    }

    #[derive(Deserialize)]
    #[serde(bound(deserialize = "'de: 'a"))]
    struct Inner<'a> {
        #[serde(rename = "type")]
        kind: Str<'a>,
    }

    let Ok(event) = serde_json::from_slice::<Kind<'_>>(data) else { return false };
    let inner = event.content_block.or(event.delta).and_then(|raw| raw.parse::<Inner<'_>>().ok());
    let inner = inner.as_ref().map_or("", |inner| inner.kind.as_str());
    match event.kind.as_str() {
        "content_block_start" => !matches!(inner, "" | "text" | "thinking" | "tool_use"),
        "content_block_delta" => !matches!(inner, "" | "text_delta" | "thinking_delta" | "input_json_delta"),
        "message_start" | "content_block_stop" | "message_delta" | "message_stop" | "error" => false,
        _ => true,
    }
}

/// Whether an event brings something of the answer, or its end, whether or not Weir knows what: a text and a thought begin
/// empty, all other blocks do not.
pub fn is_content(data: &[u8]) -> bool {
    #[derive(Deserialize)]
    #[serde(bound(deserialize = "'de: 'a"))]
    struct Event<'a> {
        #[serde(rename = "type")]
        kind: Str<'a>,
        content_block: Option<Block<'a>>,
    }

    #[derive(Deserialize)]
    #[serde(bound(deserialize = "'de: 'a"))]
    struct Block<'a> {
        #[serde(rename = "type")]
        kind: Str<'a>,
    }

    let Ok(event) = serde_json::from_slice::<Event<'_>>(data) else { return false };
    match (event.kind.as_str(), event.content_block) {
        ("content_block_delta" | "message_delta", _) => true,
        ("content_block_start", Some(block)) => !matches!(block.kind.as_str(), "text" | "thinking"),
        _ => false,
    }
}

fn unreadable(message: &str) -> Failure {
    Failure::plain(Class::Unreadable, Some(200), message)
}
