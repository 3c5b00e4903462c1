//! What a client wants done: a chat in any dialect, or one of the things that are no chat.

use super::translate::Manner;
use crate::config::{Kind, Provider};
use crate::dialect::openai::{ParsedEmbeddings, ParsedResponse, parse_embeddings, parse_response};
use crate::dialect::{self, CountForm, Counted, Dialect, Form, Request};
use crate::provider::{self, anthropic, gemini, openai};
use crate::refusal::Refusal;
use crate::traffic::Size;

/// Something to be done, known by the path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    Chat(Form),
    /// `/v1/embeddings`.
    Embeddings,
    /// `/v1/responses`.
    Response,
    /// `/v1/messages/count_tokens`, `:countTokens`.
    Count(CountForm),
}

/// The same, with its body.
#[derive(Debug)]
pub(super) enum Task {
    Chat(Request),
    Embeddings(ParsedEmbeddings),
    Response(ParsedResponse),
    Count(Counted),
}

impl Wish {
    /// As OpenTelemetry's conventions for generative AI name it (PROVIDERS H); they have no name for counting.
    pub(super) fn operation(&self) -> &'static str {
        match self {
            Self::Chat(Form::Generate(_)) => "generate_content",
            Self::Chat(Form::ChatCompletions | Form::Messages) | Self::Response => "chat",
            Self::Embeddings => "embeddings",
            Self::Count(_) => "count_tokens",
        }
    }

    /// What it takes besides its own size.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Chat(Form::Generate(call)) => call.model.len(),
            Self::Count(CountForm::Contents { model }) => model.len(),
            Self::Chat(Form::ChatCompletions | Form::Messages)
            | Self::Embeddings
            | Self::Response
            | Self::Count(CountForm::Messages) => 0,
        }
    }
}

impl Task {
    /// Parses a body, once.
    ///
    /// # Errors
    /// [`Refusal::NotJson`], or [`Refusal::InvalidField`] with the path of the field.
    pub(super) fn parse(wish: &Wish, body: Vec<u8>) -> Result<Self, Refusal> {
        Ok(match wish {
            Wish::Chat(form) => Self::Chat(Request::parse(form, body)?),
            Wish::Embeddings => Self::Embeddings(parse_embeddings(body)?),
            Wish::Response => Self::Response(parse_response(body)?),
            Wish::Count(form) => Self::Count(Counted::parse(form, body)?),
        })
    }

    /// The body of a chat as it came, for who needs no more of it.
    pub(super) fn into_chat_body(self) -> Option<Vec<u8>> {
        match self {
            Self::Chat(request) => Some(request.into_body()),
            Self::Embeddings(_) | Self::Response(_) | Self::Count(_) => None,
        }
    }

    /// Whose dialect it is in.
    pub(super) fn dialect(&self) -> Dialect {
        match self {
            Self::Chat(request) => request.dialect(),
            Self::Embeddings(_) | Self::Response(_) => Dialect::OpenAi,
            Self::Count(counted) => counted.request().dialect(),
        }
    }

    /// The model's name, as the client gave it.
    pub(super) fn model(&self) -> &str {
        match self {
            Self::Chat(request) => &request.chat().model,
            Self::Embeddings(parsed) => &parsed.request().model,
            Self::Response(parsed) => &parsed.request().model,
            Self::Count(counted) => &counted.request().chat().model,
        }
    }

    /// Whether the answer comes in pieces.
    pub(super) fn is_stream(&self) -> bool {
        match self {
            Self::Chat(request) => request.chat().stream,
            Self::Embeddings(_) | Self::Count(_) => false,
            Self::Response(parsed) => parsed.is_stream(),
        }
    }

    /// The content type of its answer as a stream.
    pub(super) fn stream_type(&self) -> &'static str {
        match self {
            Self::Chat(request) => request.stream_type(),
            Self::Embeddings(_) | Self::Count(_) => "application/json",
            Self::Response(_) => "text/event-stream; charset=utf-8",
        }
    }

    /// The content type of its answer.
    pub(super) fn answer_type(&self) -> &'static str {
        if self.is_stream() { self.stream_type() } else { "application/json" }
    }

    /// What it takes, with a body of `bytes`.
    pub(super) fn size(&self, bytes: usize) -> Size {
        match self {
            Self::Chat(request) => {
                let chat = request.chat();
                Size {
                    prompt_bytes: chat.text_bytes(bytes),
                    output_limit: chat.output_limit(),
                    choices: chat.n.unwrap_or(1),
                }
            }
            // Vectors are not paid for.
            Self::Embeddings(parsed) => {
                Size { prompt_bytes: parsed.request().input.bytes(), output_limit: Some(0), choices: 1 }
            }
            Self::Response(parsed) => {
                Size { prompt_bytes: parsed.text_bytes(), output_limit: parsed.request().max_output_tokens, choices: 1 }
            }
            // It is free.
            Self::Count(_) => Size { prompt_bytes: 0, output_limit: Some(0), choices: 1 },
        }
    }

    /// The chat, if it is one.
    pub(super) fn chat(&self) -> Option<&Request> {
        match self {
            Self::Chat(request) => Some(request),
            Self::Embeddings(_) | Self::Response(_) | Self::Count(_) => None,
        }
    }

    /// Whether a provider of that kind speaks the client's dialect itself.
    pub(super) fn is_own(&self, kind: Kind) -> bool {
        match self {
            Self::Chat(request) => request.is_own(kind),
            Self::Embeddings(_) | Self::Response(_) => kind == Kind::OpenAi,
            Self::Count(counted) => counted.request().is_own(kind),
        }
    }

    /// The client's body for a provider of its own kind.
    pub(super) fn relayed(&self, model: &str, manner: Manner) -> Vec<u8> {
        match self {
            Self::Chat(Request::Gemini(parsed, _)) if manner.forgets_thoughts => {
                dialect::gemini::relay::write_unsigned(parsed, model)
            }
            Self::Chat(Request::OpenAi(parsed)) if !manner.stream_usage => {
                openai::request::with_model(parsed.body(), &parsed.chat().model, model)
            }
            Self::Chat(request) => request.relayed(model),
            Self::Embeddings(parsed) => openai::request::with_model(parsed.body(), &parsed.request().model, model),
            Self::Response(parsed) => openai::request::with_model(parsed.body(), &parsed.request().model, model),
            Self::Count(counted) => counted.relayed(model),
        }
    }

    /// The field that points at something which only one provider's account holds.
    pub(super) fn bound_to(&self) -> Option<&'static str> {
        match self {
            Self::Chat(_) | Self::Embeddings(_) | Self::Count(_) => None,
            Self::Response(parsed) => parsed.bound_to(),
        }
    }

    /// Where it goes at `provider`.
    pub(super) fn path(&self, provider: &Provider, model: &str) -> String {
        let base = &provider.base_url.path;
        match self {
            Self::Chat(request) => provider::path(provider, model, request.chat().stream),
            Self::Embeddings(_) => match provider.kind {
                Kind::Gemini => gemini::of_model(base, model, "batchEmbedContents"),
                // Anthropic has none, and is left out.
                Kind::OpenAi | Kind::Anthropic => openai::of_endpoint(base, "embeddings"),
            },
            Self::Response(_) => openai::of_endpoint(base, "responses"),
            Self::Count(_) => match provider.kind {
                Kind::Gemini => gemini::of_model(base, model, "countTokens"),
                // OpenAI counts none, and is left out.
                Kind::Anthropic | Kind::OpenAi => anthropic::count_path(base),
            },
        }
    }
}
