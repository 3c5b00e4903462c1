//! What a client asks for, whichever dialect it speaks.

use super::openai::ParsedChat;
use super::{Dialect, Parsed, anthropic, gemini, openai};
use crate::chat::ChatRequest;
use crate::config::Kind;
use crate::provider::Unsupported;
use crate::refusal::Refusal;

/// How an answer is asked for, known by the path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Form {
    /// `/v1/chat/completions`.
    ChatCompletions,
    /// `/v1/messages`.
    Messages,
    /// `/v1beta/models/{model}:generateContent` and its kin.
    Generate(gemini::Call),
}

/// A request that was read, and its body.
#[derive(Debug)]
pub enum Request {
    OpenAi(ParsedChat),
    Anthropic(Parsed),
    Gemini(Parsed, gemini::Mode),
}

impl Request {
    /// Parses a body, once.
    ///
    /// # Errors
    /// [`Refusal::NotJson`], or [`Refusal::InvalidField`] with the path of the field.
    pub fn parse(form: &Form, body: Vec<u8>) -> Result<Self, Refusal> {
        Ok(match form {
            Form::ChatCompletions => Self::OpenAi(openai::parse(body)?),
            Form::Messages => Self::Anthropic(anthropic::parse(body)?),
            Form::Generate(call) => Self::Gemini(gemini::parse(body, call)?, call.mode),
        })
    }

    /// Whose dialect it is in.
    pub fn dialect(&self) -> Dialect {
        match self {
            Self::OpenAi(_) => Dialect::OpenAi,
            Self::Anthropic(_) => Dialect::Anthropic,
            Self::Gemini(..) => Dialect::Gemini,
        }
    }

    /// The body as it came, for who needs no more of it.
    pub fn into_body(self) -> Vec<u8> {
        match self {
            Self::OpenAi(parsed) => parsed.into_body(),
            Self::Anthropic(parsed) | Self::Gemini(parsed, _) => parsed.into_body(),
        }
    }

    /// What it says in neutral terms.
    pub fn chat(&self) -> &ChatRequest<'_> {
        match self {
            Self::OpenAi(parsed) => parsed.chat(),
            Self::Anthropic(parsed) | Self::Gemini(parsed, _) => parsed.chat(),
        }
    }

    /// The request of an OpenAI client.
    pub fn openai(&self) -> Option<&ParsedChat> {
        match self {
            Self::OpenAi(parsed) => Some(parsed),
            Self::Anthropic(_) | Self::Gemini(..) => None,
        }
    }

    /// Whether a provider of that kind speaks the client's dialect itself.
    pub fn is_own(&self, kind: Kind) -> bool {
        matches!(
            (self, kind),
            (Self::OpenAi(_), Kind::OpenAi) | (Self::Anthropic(_), Kind::Anthropic) | (Self::Gemini(..), Kind::Gemini)
        )
    }

    /// What stands against every provider of another kind, if anything does.
    pub fn bound(&self) -> Option<Unsupported> {
        match self {
            Self::OpenAi(_) => None,
            Self::Anthropic(parsed) | Self::Gemini(parsed, _) => parsed.own_kind().first().map(|own| own.unsupported()),
        }
    }

    /// Whether the conversation so far is at the provider that keeps it, and not in the body.
    pub fn is_continued(&self) -> bool {
        match self {
            Self::OpenAi(_) => false,
            Self::Anthropic(parsed) | Self::Gemini(parsed, _) => parsed.is_continued(),
        }
    }

    /// The client's body for a provider of its own kind.
    pub fn relayed(&self, model: &str) -> Vec<u8> {
        match self {
            Self::OpenAi(parsed) => crate::provider::openai::request::write(parsed.body(), parsed.chat(), model),
            Self::Anthropic(parsed) => anthropic::relay::write(parsed, model),
            Self::Gemini(parsed, _) => gemini::relay::write(parsed, model),
        }
    }

    /// What stands against a target of another kind, with the field named as the client named it.
    pub fn locate(&self, unsupported: Unsupported) -> Unsupported {
        match self {
            Self::OpenAi(_) => unsupported,
            Self::Anthropic(parsed) | Self::Gemini(parsed, _) => parsed.locate(unsupported),
        }
    }

    /// All that a target of another kind does not get, as the client named it, each once: `dropped` by the translation,
    /// and the hints that only its own kind reads.
    pub fn dropped(&self, dropped: &[&'static str]) -> Vec<String> {
        let mut names: Vec<String> = match self {
            Self::OpenAi(_) => return dropped.iter().map(|name| (*name).to_owned()).collect(),
            Self::Anthropic(parsed) | Self::Gemini(parsed, _) => {
                let hints = parsed.hints().iter().map(|name| (*name).to_owned());
                hints.chain(dropped.iter().map(|name| parsed.name(name))).collect()
            }
        };
        let mut seen = std::collections::BTreeSet::new();
        names.retain(|name| seen.insert(name.clone()));
        names
    }

    /// Whether the client asked to see what the model thinks. (OpenAI's clients do not say, and are shown it.)
    pub(super) fn shows_thoughts(&self) -> bool {
        match self {
            Self::OpenAi(_) => true,
            Self::Anthropic(parsed) | Self::Gemini(parsed, _) => parsed.shows_thoughts(),
        }
    }

    /// The content type of its answer as a stream.
    pub fn stream_type(&self) -> &'static str {
        match self {
            Self::OpenAi(_) | Self::Anthropic(_) => "text/event-stream; charset=utf-8",
            Self::Gemini(_, mode) => mode.content_type(),
        }
    }
}
