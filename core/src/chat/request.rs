//! A chat request, borrowed from the body it was parsed from.

use super::content::{Content, Opaque, Part};
use super::tools::{FunctionCall, Tool, ToolCall, ToolChoice};
use crate::json::{Raw, Str};
use serde::Deserialize;
use serde::de::Deserializer;

/// `POST /v1/chat/completions`: the whole inventory of fields (openai SDK 3.54). Those that no translation reads are
/// [`Opaque`]: their presence matters, because a dropped hint is reported and an unmappable one is an error.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(bound(deserialize = "'de: 'a"), expecting = "an object")]
pub struct ChatRequest<'a> {
    pub model: Str<'a>,
    pub messages: Vec<Message<'a>>,
    #[serde(default, deserialize_with = "null_is_default")]
    pub stream: bool,
    pub stream_options: Option<StreamOptions>,
    #[serde(default, deserialize_with = "crate::json::count")]
    pub max_completion_tokens: Option<u64>,
    #[serde(default, deserialize_with = "crate::json::count")]
    pub max_tokens: Option<u64>,
    pub temperature: Option<f64>,
    pub top_p: Option<f64>,
    /// Anthropic's and Gemini's clients only: OpenAI has no such parameter.
    #[serde(skip)]
    pub top_k: Option<u64>,
    pub stop: Option<Stop<'a>>,
    #[serde(default, deserialize_with = "crate::json::count")]
    pub n: Option<u64>,
    #[serde(default, deserialize_with = "crate::json::whole")]
    pub seed: Option<i64>,
    pub presence_penalty: Option<f64>,
    pub frequency_penalty: Option<f64>,
    pub logprobs: Option<bool>,
    #[serde(default, deserialize_with = "crate::json::count")]
    pub top_logprobs: Option<u64>,
    pub tools: Option<Vec<Tool<'a>>>,
    pub tool_choice: Option<ToolChoice<'a>>,
    pub parallel_tool_calls: Option<bool>,
    pub response_format: Option<ResponseFormat<'a>>,
    pub reasoning_effort: Option<Str<'a>>,
    /// The same wish in tokens, more exactly: Anthropic's and Gemini's clients only.
    #[serde(skip)]
    pub thinking_budget: Option<u64>,
    pub service_tier: Option<Str<'a>>,
    pub user: Option<Str<'a>>,
    pub safety_identifier: Option<Str<'a>>,
    pub modalities: Option<Vec<Str<'a>>>,
    pub audio: Opaque<'a>,
    pub function_call: Opaque<'a>,
    pub functions: Opaque<'a>,
    pub logit_bias: Opaque<'a>,
    pub metadata: Opaque<'a>,
    pub moderation: Opaque<'a>,
    pub prediction: Opaque<'a>,
    pub prompt_cache_key: Opaque<'a>,
    pub prompt_cache_options: Opaque<'a>,
    pub prompt_cache_retention: Opaque<'a>,
    pub store: Opaque<'a>,
    pub verbosity: Opaque<'a>,
    pub web_search_options: Opaque<'a>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(bound(deserialize = "'de: 'a"), expecting = "an object")]
pub struct Message<'a> {
    pub role: Role,
    pub content: Option<Content<'a>>,
    pub name: Option<Str<'a>>,
    pub refusal: Option<Str<'a>>,
    pub tool_calls: Option<Vec<ToolCall<'a>>>,
    /// Of a `tool` message: the call that it answers.
    pub tool_call_id: Option<Str<'a>>,
    /// Of a `tool` message: the call failed, and the content says how. OpenAI's clients cannot say so.
    #[serde(skip)]
    pub failed: bool,
    /// The deprecated single call of an assistant message.
    pub function_call: Option<FunctionCall<'a>>,
}

impl<'a> Message<'a> {
    /// A message that says nothing but its content.
    pub fn new(role: Role, content: Option<Content<'a>>) -> Self {
        Self {
            role,
            content,
            name: None,
            refusal: None,
            tool_calls: None,
            tool_call_id: None,
            failed: false,
            function_call: None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    System,
    Developer,
    User,
    Assistant,
    Tool,
    /// Deprecated twin of `tool`.
    Function,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct StreamOptions {
    #[serde(default, deserialize_with = "null_is_default")]
    pub include_usage: bool,
    pub include_obfuscation: Option<bool>,
}

/// One stop sequence or several.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged, bound(deserialize = "'de: 'a"), expecting = "expected a string or an array of strings")]
pub enum Stop<'a> {
    One(Str<'a>),
    Many(Vec<Str<'a>>),
}

impl<'a> Stop<'a> {
    /// All sequences, in order.
    pub fn sequences(&self) -> &[Str<'a>] {
        match self {
            Stop::One(one) => std::slice::from_ref(one),
            Stop::Many(many) => many,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(bound(deserialize = "'de: 'a"), expecting = "an object")]
pub struct ResponseFormat<'a> {
    /// `text`, `json_object` or `json_schema`.
    #[serde(rename = "type")]
    pub kind: Str<'a>,
    pub json_schema: Option<JsonSchema<'a>>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(bound(deserialize = "'de: 'a"), expecting = "an object")]
pub struct JsonSchema<'a> {
    pub name: Option<Str<'a>>,
    pub description: Option<Str<'a>>,
    pub schema: Option<Raw<'a>>,
    pub strict: Option<bool>,
}

/// What an image weighs among text: about 800 tokens of four bytes (a 1024 x 1024 image at OpenAI is 765).
const MEDIA_BYTES: usize = 3_200;

impl<'a> ChatRequest<'a> {
    /// A request to `model` that says nothing yet.
    pub fn of(model: Str<'a>) -> Self {
        Self {
            model,
            messages: Vec::new(),
            stream: false,
            stream_options: None,
            max_completion_tokens: None,
            max_tokens: None,
            temperature: None,
            top_p: None,
            top_k: None,
            stop: None,
            n: None,
            seed: None,
            presence_penalty: None,
            frequency_penalty: None,
            logprobs: None,
            top_logprobs: None,
            tools: None,
            tool_choice: None,
            parallel_tool_calls: None,
            response_format: None,
            reasoning_effort: None,
            thinking_budget: None,
            service_tier: None,
            user: None,
            safety_identifier: None,
            modalities: None,
            audio: None,
            function_call: None,
            functions: None,
            logit_bias: None,
            metadata: None,
            moderation: None,
            prediction: None,
            prompt_cache_key: None,
            prompt_cache_options: None,
            prompt_cache_retention: None,
            store: None,
            verbosity: None,
            web_search_options: None,
        }
    }
}

impl ChatRequest<'_> {
    /// Bytes of text in a body of `body` bytes: images, sound and files are taken for [`MEDIA_BYTES`] each, whatever
    /// their size.
    pub fn text_bytes(&self, body: usize) -> u64 {
        let contents = self.messages.iter().filter_map(|message| message.content.as_ref());
        let parts = contents.filter_map(|content| match content {
            Content::Text(_) => None,
            Content::Parts(parts) => Some(parts),
        });
        let media = parts.flatten().filter_map(|part| match part {
            Part::ImageUrl(image) => Some(image.url.len()),
            Part::InputAudio(audio) => Some(audio.data.len()),
            Part::File(file) => Some(file.file_data.as_ref().map_or(0, |data| data.len())),
            Part::Media(media) => Some(media.source.as_str().len()),
            Part::Text(_) | Part::Refusal(_) | Part::Other(_) => None,
        });
        let text = media.fold(body, |left, bytes| left.saturating_sub(bytes).saturating_add(MEDIA_BYTES));
        u64::try_from(text).unwrap_or(u64::MAX)
    }

    /// The limit on output tokens, under its current or its deprecated name.
    pub fn output_limit(&self) -> Option<u64> {
        self.max_completion_tokens.or(self.max_tokens)
    }

    /// Whether the client wants the usage chunk at the end of a stream.
    pub fn wants_usage(&self) -> bool {
        self.stream_options.is_some_and(|options| options.include_usage)
    }
}

fn null_is_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
