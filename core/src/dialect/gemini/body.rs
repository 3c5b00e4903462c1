//! The body of `:generateContent`, as it is read: in camelCase and in snake_case, as Google's own server does
//! (PROVIDERS A.3).

use super::list;
use crate::dialect::explain::Document;
use crate::json::{Raw, Str};
use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};
use std::fmt;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "'de: 'a"), expecting = "an object")]
pub(super) struct Body<'a> {
    #[serde(deserialize_with = "list::required")]
    pub contents: Vec<Content<'a>>,
    #[serde(alias = "system_instruction")]
    pub system_instruction: Option<Content<'a>>,
    #[serde(default, deserialize_with = "list::optional")]
    pub tools: Option<Vec<Tool<'a>>>,
    #[serde(alias = "tool_config")]
    pub tool_config: Option<ToolConfig<'a>>,
    #[serde(alias = "generation_config")]
    pub generation_config: Option<GenerationConfig<'a>>,
    #[serde(alias = "safety_settings")]
    pub safety_settings: Option<Raw<'a>>,
    #[serde(alias = "cached_content")]
    pub cached_content: Option<Str<'a>>,
    #[serde(alias = "service_tier")]
    pub service_tier: Option<Str<'a>>,
    pub labels: Option<Raw<'a>>,
    pub store: Option<bool>,
    #[serde(alias = "continuation_token")]
    pub continuation_token: Option<Str<'a>>,
}

/// [`Body`], whatever it borrows for.
pub(super) struct Generate;

impl<'a> Document<'a> for Generate {
    type Body = Body<'a>;
}

#[derive(Debug, Deserialize)]
#[serde(bound(deserialize = "'de: 'a"), expecting = "an object")]
pub(super) struct Content<'a> {
    pub role: Option<Str<'a>>,
    #[serde(default, deserialize_with = "list::optional")]
    pub parts: Option<Vec<Part<'a>>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "'de: 'a"), expecting = "an object")]
pub(super) struct Part<'a> {
    pub text: Option<Str<'a>>,
    pub thought: Option<bool>,
    #[serde(alias = "thought_signature")]
    pub thought_signature: Option<Str<'a>>,
    #[serde(alias = "inline_data")]
    pub inline_data: Option<Blob<'a>>,
    #[serde(alias = "file_data")]
    pub file_data: Option<FileData<'a>>,
    #[serde(alias = "function_call")]
    pub function_call: Option<FunctionCall<'a>>,
    #[serde(alias = "function_response")]
    pub function_response: Option<FunctionResponse<'a>>,
    #[serde(alias = "executable_code")]
    pub executable_code: Option<Raw<'a>>,
    #[serde(alias = "code_execution_result")]
    pub code_execution_result: Option<Raw<'a>>,
    #[serde(alias = "tool_call")]
    pub tool_call: Option<Raw<'a>>,
    #[serde(alias = "tool_response")]
    pub tool_response: Option<Raw<'a>>,
    #[serde(alias = "video_metadata")]
    pub video_metadata: Option<Raw<'a>>,
    #[serde(alias = "media_resolution")]
    pub media_resolution: Option<Raw<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "'de: 'a"), expecting = "an object")]
pub(super) struct Blob<'a> {
    #[serde(alias = "mime_type")]
    pub mime_type: Str<'a>,
    pub data: Str<'a>,
    #[serde(alias = "display_name")]
    pub display_name: Option<Str<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "'de: 'a"), expecting = "an object")]
pub(super) struct FileData<'a> {
    #[serde(alias = "mime_type")]
    pub mime_type: Option<Str<'a>>,
    #[serde(alias = "file_uri")]
    pub file_uri: Str<'a>,
    #[serde(alias = "display_name")]
    pub display_name: Option<Str<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(bound(deserialize = "'de: 'a"), expecting = "an object")]
pub(super) struct FunctionCall<'a> {
    pub id: Option<Str<'a>>,
    pub name: Str<'a>,
    pub args: Option<Raw<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(bound(deserialize = "'de: 'a"), expecting = "an object")]
pub(super) struct FunctionResponse<'a> {
    pub id: Option<Str<'a>>,
    pub name: Str<'a>,
    pub response: Option<Raw<'a>>,
    #[serde(default, deserialize_with = "list::optional")]
    pub parts: Option<Vec<Part<'a>>>,
}

/// Functions of the client's, and tools of Google's own.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "'de: 'a"), expecting = "an object")]
pub(super) struct Tool<'a> {
    #[serde(alias = "function_declarations", default, deserialize_with = "list::optional")]
    pub function_declarations: Option<Vec<Declaration<'a>>>,
    #[serde(alias = "google_search")]
    pub google_search: Option<Raw<'a>>,
    #[serde(alias = "google_search_retrieval")]
    pub google_search_retrieval: Option<Raw<'a>>,
    #[serde(alias = "code_execution")]
    pub code_execution: Option<Raw<'a>>,
    #[serde(alias = "url_context")]
    pub url_context: Option<Raw<'a>>,
    #[serde(alias = "computer_use")]
    pub computer_use: Option<Raw<'a>>,
    #[serde(alias = "google_maps")]
    pub google_maps: Option<Raw<'a>>,
    #[serde(alias = "file_search")]
    pub file_search: Option<Raw<'a>>,
    #[serde(alias = "mcp_servers")]
    pub mcp_servers: Option<Raw<'a>>,
    #[serde(alias = "enterprise_web_search")]
    pub enterprise_web_search: Option<Raw<'a>>,
    pub retrieval: Option<Raw<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "'de: 'a"), expecting = "an object")]
pub(super) struct Declaration<'a> {
    pub name: Str<'a>,
    pub description: Option<Str<'a>>,
    /// A proto `Schema`.
    pub parameters: Option<Raw<'a>>,
    #[serde(alias = "parameters_json_schema")]
    pub parameters_json_schema: Option<Raw<'a>>,
    pub behavior: Option<Str<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "'de: 'a"), expecting = "an object")]
pub(super) struct ToolConfig<'a> {
    #[serde(alias = "function_calling_config")]
    pub function_calling_config: Option<CallingConfig<'a>>,
    #[serde(alias = "retrieval_config")]
    pub retrieval_config: Option<Raw<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "'de: 'a"), expecting = "an object")]
pub(super) struct CallingConfig<'a> {
    pub mode: Option<Str<'a>>,
    #[serde(alias = "allowed_function_names", default, deserialize_with = "list::optional")]
    pub allowed_function_names: Option<Vec<Str<'a>>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "'de: 'a"), expecting = "an object")]
pub(super) struct GenerationConfig<'a> {
    pub temperature: Option<f64>,
    #[serde(alias = "top_p")]
    pub top_p: Option<f64>,
    #[serde(alias = "top_k")]
    pub top_k: Option<Whole>,
    #[serde(alias = "candidate_count")]
    pub candidate_count: Option<Whole>,
    #[serde(alias = "max_output_tokens")]
    pub max_output_tokens: Option<Whole>,
    #[serde(alias = "stop_sequences", default, deserialize_with = "list::optional")]
    pub stop_sequences: Option<Vec<Str<'a>>>,
    pub seed: Option<Whole>,
    #[serde(alias = "presence_penalty")]
    pub presence_penalty: Option<f64>,
    #[serde(alias = "frequency_penalty")]
    pub frequency_penalty: Option<f64>,
    #[serde(alias = "response_mime_type")]
    pub response_mime_type: Option<Str<'a>>,
    /// A proto `Schema`.
    #[serde(alias = "response_schema")]
    pub response_schema: Option<Raw<'a>>,
    #[serde(alias = "response_json_schema", alias = "_responseJsonSchema")]
    pub response_json_schema: Option<Raw<'a>>,
    #[serde(alias = "response_logprobs")]
    pub response_logprobs: Option<bool>,
    pub logprobs: Option<Whole>,
    #[serde(alias = "response_modalities", default, deserialize_with = "list::optional")]
    pub response_modalities: Option<Vec<Str<'a>>>,
    #[serde(alias = "speech_config")]
    pub speech_config: Option<Raw<'a>>,
    #[serde(alias = "image_config")]
    pub image_config: Option<Raw<'a>>,
    #[serde(alias = "thinking_config")]
    pub thinking_config: Option<ThinkingConfig<'a>>,
    #[serde(alias = "media_resolution")]
    pub media_resolution: Option<Str<'a>>,
    #[serde(alias = "enable_enhanced_civic_answers")]
    pub enable_enhanced_civic_answers: Option<bool>,
    #[serde(alias = "audio_timestamp")]
    pub audio_timestamp: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "'de: 'a"), expecting = "an object")]
pub(super) struct ThinkingConfig<'a> {
    #[serde(alias = "include_thoughts")]
    pub include_thoughts: Option<bool>,
    /// -1: as much as the model likes.
    #[serde(alias = "thinking_budget")]
    pub thinking_budget: Option<Whole>,
    #[serde(alias = "thinking_level")]
    pub thinking_level: Option<Str<'a>>,
}

/// A whole number as proto's JSON writes it: `40`, `40.0` (which the Python SDK sends) or `"40"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Whole(pub i64);

impl Whole {
    pub(super) fn natural(self) -> Option<u64> {
        u64::try_from(self.0).ok()
    }
}

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Number;

        impl Visitor<'_> for Number {
            type Value = Whole;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number")
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Whole, E> {
                Ok(Whole(number))
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Whole, E> {
                i64::try_from(number).map(Whole).map_err(|_| E::invalid_value(de::Unexpected::Unsigned(number), &self))
            }

            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Whole, E> {
                // As far as a double counts one by one.
                if number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0 {
                    #[expect(clippy::cast_possible_truncation, reason = "a whole number in range")]
                    return Ok(Whole(number as i64));
                }
                Err(E::invalid_value(de::Unexpected::Float(number), &self))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Whole, E> {
                text.parse().map(Whole).map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }

        deserializer.deserialize_any(Number)
    }
}
