//! A request of Anthropic's or Gemini's dialect in neutral terms, and what of it no other provider understands.

#![allow(unsafe_code, reason = "self_cell's generated code; ours has none")]

use super::explain::{Style, explain};
use crate::chat::ChatRequest;
use crate::provider::Unsupported;
use crate::refusal::Refusal;
use self_cell::self_cell;
use serde_json::value::RawValue;
use std::cell::OnceCell;

self_cell!(
    /// A body and the request that borrows from it.
    pub struct Parsed {
        owner: Source,
        #[covariant]
        dependent: Neutral,
    }

    impl {Debug}
);

/// What a request borrows from: the body, and values that the body says in another form.
#[derive(Debug)]
pub struct Source {
    body: Vec<u8>,
    made: OnceCell<Vec<Box<RawValue>>>,
}

/// A request in neutral terms.
#[derive(Debug)]
pub(super) struct Neutral<'a> {
    pub chat: ChatRequest<'a>,
    pub own_kind: Vec<OwnKind>,
    pub hints: Vec<&'static str>,
    pub shows_thoughts: bool,
    pub places: Places,
}

/// Something that only a provider of the dialect's own kind can serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnKind {
    pub feature: Feature,
    /// The field, in the dialect's own path form.
    pub param: String,
}

/// What only one kind of provider has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Feature {
    /// A tool that the provider runs, or defines, itself; also its calls and results in the conversation.
    ServerTool,
    /// A file that was uploaded to the provider.
    UploadedFile,
    /// A prompt that the provider keeps.
    CachedContent,
    /// Where the provider's own tools keep their state.
    Container,
    Citations,
    /// Where the answer is computed.
    DataResidency,
    /// An answer in pictures or sound.
    OutputModality,
    /// An answer of one of some words, not in JSON.
    EnumOutput,
    /// The rest of an earlier answer.
    Continuation,
    /// A conversation that the provider keeps.
    Thread,
    /// A block, part or role that Weir does not know.
    Unknown,
}

impl OwnKind {
    pub(super) fn new(feature: Feature, param: impl Into<String>) -> Self {
        Self { feature, param: param.into() }
    }

    /// What stands against a target of another kind.
    pub fn unsupported(&self) -> Unsupported {
        let what = match self.feature {
            Feature::ServerTool => "tools that the provider runs itself",
            Feature::UploadedFile => "files that were uploaded to another provider",
            Feature::CachedContent => "content that another provider keeps",
            Feature::Container => "another provider's containers",
            Feature::Citations => "citations",
            Feature::DataResidency => "a choice of region",
            Feature::OutputModality => "answers in this modality",
            Feature::EnumOutput => "answers in this media type",
            Feature::Continuation => "the rest of another provider's answer",
            Feature::Thread => "a conversation that another provider keeps",
            Feature::Unknown => "this content",
        };
        Unsupported { param: self.param.clone(), message: format!("the targets that are left do not have {what}") }
    }
}

/// Where in the client's body the messages, parts and tools of the neutral request stand.
#[derive(Debug, Default)]
pub(super) struct Places {
    pub messages: Vec<Place>,
    pub tools: Vec<String>,
    /// The dialect's names of OpenAI's parameters.
    pub names: &'static [(&'static str, &'static str)],
}

/// Of one neutral message.
#[derive(Debug, Default)]
pub(super) struct Place {
    /// `messages.3`, `system`.
    pub message: String,
    /// What stands between the message and the number of a part: `.content.` or `.parts[`, and what after it.
    pub around: (&'static str, &'static str),
    pub parts: Vec<usize>,
    pub calls: Vec<usize>,
}

impl Places {
    /// `messages[2].content[0].image_url` in the dialect's own form.
    fn locate(&self, param: &str) -> String {
        if let Some(rest) = param.strip_prefix("messages[") {
            return self.locate_message(rest).unwrap_or_else(|| self.name("messages"));
        }
        if let Some(rest) = param.strip_prefix("tools[") {
            let place = number(rest).and_then(|(index, _)| self.tools.get(index));
            return place.cloned().unwrap_or_else(|| self.name("tools"));
        }
        self.name(param)
    }

    fn locate_message(&self, rest: &str) -> Option<String> {
        let (index, rest) = number(rest)?;
        let place = self.messages.get(index)?;
        let part = |start: &str, list: &[usize]| {
            let (at, _) = number(rest.strip_prefix(start)?)?;
            list.get(at).copied()
        };
        let at = part(".content[", &place.parts).or_else(|| part(".tool_calls[", &place.calls));
        let (before, after) = place.around;
        Some(match at {
            Some(at) => format!("{}{before}{at}{after}", place.message),
            None => place.message.clone(),
        })
    }

    /// The dialect's name for one of OpenAI's parameters; the longest path that it begins with counts.
    fn name(&self, param: &str) -> String {
        let mut path = param;
        loop {
            if let Some((_, own)) = self.names.iter().find(|(name, _)| *name == path) {
                return (*own).to_owned();
            }
            match path.rsplit_once('.') {
                Some((head, _)) => path = head,
                None => return param.to_owned(),
            }
        }
    }
}

/// `3].content` is 3 and `.content`.
fn number(text: &str) -> Option<(usize, &str)> {
    let (digits, rest) = text.split_once(']')?;
    Some((digits.parse().ok()?, rest))
}

/// Why a body could not be read.
pub(super) enum Trouble {
    Json(serde_json::Error),
    Refused(Refusal),
}

impl From<serde_json::Error> for Trouble {
    fn from(error: serde_json::Error) -> Self {
        Self::Json(error)
    }
}

impl From<Refusal> for Trouble {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// A field and what is wrong with it.
pub(super) fn invalid(param: impl Into<String>, message: impl Into<String>) -> Refusal {
    Refusal::InvalidField { param: param.into(), message: message.into() }
}

impl Source {
    pub(super) fn body(&self) -> &[u8] {
        &self.body
    }

    /// Keeps what `make` makes of the body, for the request to borrow. Once.
    pub(super) fn keep(&self, made: Vec<Box<RawValue>>) -> &[Box<RawValue>] {
        self.made.get_or_init(|| made)
    }
}

impl Parsed {
    /// Parses `body`, whose JSON form is `B`, by `read`.
    pub(super) fn read<B>(
        body: Vec<u8>,
        style: Style,
        read: impl for<'a> FnOnce(&'a Source) -> Result<Neutral<'a>, Trouble>,
    ) -> Result<Self, Refusal>
    where
        B: for<'a> super::explain::Document<'a>,
    {
        if body.trim_ascii_start().first().is_some_and(|first| *first != b'{') {
            // serde would read an array as the fields in order.
            return Err(Refusal::NotJson { message: "expected an object".into() });
        }
        let source = Source { body, made: OnceCell::new() };
        Self::try_new_or_recover(source, read).map_err(|(source, trouble)| match trouble {
            Trouble::Refused(refusal) => refusal,
            Trouble::Json(error) => explain::<B>(&source.body, &error, style),
        })
    }

    /// The body as it came.
    pub fn body(&self) -> &[u8] {
        &self.borrow_owner().body
    }

    /// The body, for who needs no more of it.
    pub fn into_body(self) -> Vec<u8> {
        self.into_owner().body
    }

    /// What it says in neutral terms.
    pub fn chat(&self) -> &ChatRequest<'_> {
        &self.borrow_dependent().chat
    }

    /// What only a target of the dialect's own kind can serve; others are left out of its chain unless this is empty.
    pub fn own_kind(&self) -> &[OwnKind] {
        &self.borrow_dependent().own_kind
    }

    /// Whether the conversation so far is at the provider that keeps it, and not in the body.
    pub fn is_continued(&self) -> bool {
        self.own_kind().iter().any(|own| own.feature == Feature::Thread)
    }

    /// The dialect's hints that reach no target of another kind, each once.
    pub fn hints(&self) -> &[&'static str] {
        &self.borrow_dependent().hints
    }

    /// Whether the client asked to see what the model thinks.
    pub fn shows_thoughts(&self) -> bool {
        self.borrow_dependent().shows_thoughts
    }

    /// What stands against a target, with the field named as this dialect names it.
    pub fn locate(&self, unsupported: Unsupported) -> Unsupported {
        Unsupported { param: self.borrow_dependent().places.locate(&unsupported.param), ..unsupported }
    }

    /// A parameter that a target does not get, named as this dialect names it.
    pub fn name(&self, dropped: &str) -> String {
        self.borrow_dependent().places.name(dropped)
    }
}
