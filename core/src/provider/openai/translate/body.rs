//! The body of a chat completion, in the order in which it is written.

use super::tools::{Schema, fits_strict, is_of_objects};
use crate::chat;
use crate::json::{Raw, Str};
use crate::provider::Unsupported;
use crate::provider::unmapped::Dropped;
use serde::{Serialize, Serializer};
use std::borrow::Cow;

#[derive(Clone, Debug, Serialize)]
pub(super) struct Body<'a> {
    pub model: &'a str,
    pub messages: Vec<Message<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<Tool<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_choice: Option<ToolChoice<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parallel_tool_calls: Option<bool>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream_options: Option<StreamOptions>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_completion_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stop: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub n: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub presence_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frequency_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logprobs: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_logprobs: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_format: Option<ResponseFormat<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning_effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_tier: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub safety_identifier: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modalities: Option<&'a [Str<'a>]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audio: Option<Raw<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub function_call: Option<Raw<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub functions: Option<Raw<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logit_bias: Option<Raw<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Raw<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub moderation: Option<Raw<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prediction: Option<Raw<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt_cache_key: Option<Raw<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt_cache_options: Option<Raw<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt_cache_retention: Option<Raw<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub store: Option<Raw<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verbosity: Option<Raw<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub web_search_options: Option<Raw<'a>>,
}

#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct StreamOptions {
    pub include_usage: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub include_obfuscation: Option<bool>,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Message<'a> {
    pub role: &'static str,
    /// Null beside calls.
    pub content: Option<Content<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ToolCall<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_call_id: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub function_call: Option<Function<'a>>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Content<'a> {
    Text(&'a str),
    Parts(Vec<Part<'a>>),
}

#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Part<'a> {
    Text { text: Cow<'a, str> },
    ImageUrl { image_url: Image<'a> },
    InputAudio { input_audio: Audio<'a> },
    File { file: File<'a> },
    Refusal { refusal: &'a str },
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Image<'a> {
    pub url: Data<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<&'a str>,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Audio<'a> {
    pub data: &'a str,
    pub format: &'a str,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct File<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_data: Option<Data<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filename: Option<&'a str>,
}

/// An address, or bytes that become a data URL while they are written.
#[derive(Clone, Debug)]
pub(super) enum Data<'a> {
    Text(&'a str),
    Inline { mime: &'a str, base64: &'a str },
}

impl Data<'_> {
    pub(super) fn len(&self) -> usize {
        match self {
            Data::Text(text) => text.len(),
            Data::Inline { base64, .. } => base64.len(),
        }
    }
}

impl Serialize for Data<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Data::Text(text) => serializer.serialize_str(text),
            Data::Inline { mime, base64 } => serializer.collect_str(&format_args!("data:{mime};base64,{base64}")),
        }
    }
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct ToolCall<'a> {
    pub id: Cow<'a, str>,
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub function: Function<'a>,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Function<'a> {
    pub name: &'a str,
    pub arguments: &'a str,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Tool<'a> {
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub function: Declaration<'a>,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Declaration<'a> {
    pub name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Schema<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strict: Option<bool>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub(super) enum ToolChoice<'a> {
    Word(&'static str),
    Function {
        #[serde(rename = "type")]
        kind: &'static str,
        function: Named<'a>,
    },
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Named<'a> {
    pub name: &'a str,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct ResponseFormat<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    json_schema: Option<JsonSchema<'a>>,
}

#[derive(Clone, Debug, Serialize)]
struct JsonSchema<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    schema: Option<Raw<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
}

impl<'a> ResponseFormat<'a> {
    /// OpenAI wants a name, which the others' formats do not have, and is strict only with schemas of a strict form.
    pub(super) fn of(format: &'a chat::ResponseFormat<'_>, dropped: &mut Dropped) -> Result<Self, Unsupported> {
        let kind = format.kind.as_str();
        if !matches!(kind, "text" | "json_object" | "json_schema") {
            let message = format!("this provider has no response format `{kind}`");
            return Err(Unsupported::new("response_format.type", message));
        }
        // Others answer with lists, texts and numbers too ("schema must be a JSON Schema of 'type: "object"'").
        let schema = format.json_schema.as_ref().and_then(|wish| wish.schema);
        if schema.is_some_and(|schema| !is_of_objects(schema)) {
            let message = "this provider's answers in JSON are objects: the schema's `type` must be `object`";
            return Err(Unsupported::new("response_format.json_schema.schema", message));
        }
        let json_schema = format.json_schema.as_ref().map(|wish| {
            let mut strict = wish.strict;
            if strict == Some(true) && !wish.schema.is_some_and(fits_strict) {
                strict = Some(false);
                dropped.add("strict");
            }
            JsonSchema {
                name: wish.name.as_ref().map_or("answer", Str::as_str),
                description: wish.description.as_ref().map(Str::as_str),
                schema: wish.schema,
                strict,
            }
        });
        Ok(Self { kind, json_schema })
    }
}
