//! The body of `POST /v1/messages`, as it is read (PROVIDERS A.2). What has several shapes stays raw until it is known
//! which one it has.

use crate::dialect::explain::Document;
use crate::json::{Raw, Str};
use serde::Deserialize;
use serde::de::{self, Deserializer, SeqAccess, Visitor};
use std::fmt;
use std::marker::PhantomData;

#[derive(Debug, Deserialize)]
#[serde(bound(deserialize = "'de: 'a"), expecting = "an object")]
pub(super) struct Body<'a> {
    pub model: Str<'a>,
    /// Required, but for counting tokens.
    #[serde(default, deserialize_with = "crate::json::count")]
    pub max_tokens: Option<u64>,
    pub messages: Vec<Message<'a>>,
    pub system: Option<TextOr<'a, Block<'a>>>,
    pub stream: Option<bool>,
    pub temperature: Option<f64>,
    pub top_p: Option<f64>,
    #[serde(default, deserialize_with = "crate::json::count")]
    pub top_k: Option<u64>,
    pub stop_sequences: Option<Vec<Str<'a>>>,
    pub tools: Option<Vec<Tool<'a>>>,
    pub tool_choice: Option<ToolChoice<'a>>,
    pub thinking: Option<Thinking<'a>>,
    pub output_config: Option<OutputConfig<'a>>,
    /// The older place of `output_config.format`.
    pub output_format: Option<Format<'a>>,
    pub metadata: Option<Metadata<'a>>,
    pub service_tier: Option<Str<'a>>,
    pub cache_control: Option<Raw<'a>>,
    pub container: Option<Raw<'a>>,
    pub context_management: Option<Raw<'a>>,
    pub inference_geo: Option<Str<'a>>,
    pub mcp_servers: Option<Vec<Raw<'a>>>,
    pub speed: Option<Str<'a>>,
    pub thread: Option<Thread<'a>>,
}

/// [`Body`], whatever it borrows for.
pub(super) struct Messages;

impl<'a> Document<'a> for Messages {
    type Body = Body<'a>;
}

#[derive(Debug, Deserialize)]
#[serde(bound(deserialize = "'de: 'a"), expecting = "an object")]
pub(super) struct Message<'a> {
    pub role: Str<'a>,
    pub content: TextOr<'a, Block<'a>>,
}

/// A plain text, or a list.
#[derive(Debug)]
pub(super) enum TextOr<'a, T> {
    Text(Str<'a>),
    List(Vec<T>),
}

/// All fields of all block types that Weir reads: an internally tagged enum would buffer, and so copy, every block.
#[derive(Debug, Deserialize)]
#[serde(bound(deserialize = "'de: 'a"), expecting = "an object")]
pub(super) struct Block<'a> {
    #[serde(rename = "type")]
    pub kind: Str<'a>,
    pub text: Option<Str<'a>>,
    pub source: Option<Raw<'a>>,
    pub title: Option<Str<'a>>,
    pub context: Option<Str<'a>>,
    pub citations: Option<Raw<'a>>,
    pub id: Option<Str<'a>>,
    pub name: Option<Str<'a>>,
    pub input: Option<Raw<'a>>,
    pub tool_use_id: Option<Str<'a>>,
    pub content: Option<Raw<'a>>,
    pub is_error: Option<bool>,
    pub cache_control: Option<Raw<'a>>,
}

/// Of an image or a document.
#[derive(Debug, Deserialize)]
#[serde(bound(deserialize = "'de: 'a"), expecting = "an object")]
pub(super) struct Source<'a> {
    #[serde(rename = "type")]
    pub kind: Str<'a>,
    pub media_type: Option<Str<'a>>,
    pub data: Option<Str<'a>>,
    pub url: Option<Str<'a>>,
    pub content: Option<TextOr<'a, Block<'a>>>,
}

/// A conversation that Anthropic keeps: `create` sends all of it, `continue` only what is new.
/// Source: <https://platform.claude.com/docs/en/build-with-claude/message-threads>
#[derive(Debug, Deserialize)]
#[serde(bound(deserialize = "'de: 'a"), expecting = "an object")]
pub(super) struct Thread<'a> {
    #[serde(rename = "type")]
    pub kind: Str<'a>,
    pub previous_message_id: Option<Str<'a>>,
}

/// Of a document.
#[derive(Debug, Deserialize)]
pub(super) struct Citations {
    pub enabled: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(bound(deserialize = "'de: 'a"), expecting = "an object")]
pub(super) struct Tool<'a> {
    /// `custom`, or absent: the client's own. Any other is Anthropic's.
    #[serde(rename = "type")]
    pub kind: Option<Str<'a>>,
    pub name: Option<Str<'a>>,
    pub description: Option<Str<'a>>,
    pub input_schema: Option<Raw<'a>>,
    pub strict: Option<bool>,
    pub cache_control: Option<Raw<'a>>,
    pub defer_loading: Option<bool>,
    pub input_examples: Option<Raw<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(bound(deserialize = "'de: 'a"), expecting = "an object")]
pub(super) struct ToolChoice<'a> {
    #[serde(rename = "type")]
    pub kind: Str<'a>,
    pub name: Option<Str<'a>>,
    pub disable_parallel_tool_use: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(bound(deserialize = "'de: 'a"), expecting = "an object")]
pub(super) struct Thinking<'a> {
    #[serde(rename = "type")]
    pub kind: Str<'a>,
    #[serde(default, deserialize_with = "crate::json::count")]
    pub budget_tokens: Option<u64>,
    pub display: Option<Str<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(bound(deserialize = "'de: 'a"), expecting = "an object")]
pub(super) struct OutputConfig<'a> {
    pub effort: Option<Str<'a>>,
    pub format: Option<Format<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(bound(deserialize = "'de: 'a"), expecting = "an object")]
pub(super) struct Format<'a> {
    #[serde(rename = "type")]
    pub kind: Str<'a>,
    pub schema: Option<Raw<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(bound(deserialize = "'de: 'a"), expecting = "an object")]
pub(super) struct Metadata<'a> {
    pub user_id: Option<Str<'a>>,
}

impl<'de: 'a, 'a, T: Deserialize<'de>> Deserialize<'de> for TextOr<'a, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextOrList<'a, T>(PhantomData<(&'a (), T)>);

        impl<'de: 'a, 'a, T: Deserialize<'de>> Visitor<'de> for TextOrList<'a, T> {
            type Value = TextOr<'a, T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or an array of blocks")
            }

            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(TextOr::Text(text.into()))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(TextOr::Text(text.to_owned().into()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
                let mut list = Vec::new();
                while let Some(item) = items.next_element()? {
                    list.push(item);
                }
                Ok(TextOr::List(list))
            }
        }

        deserializer.deserialize_any(TextOrList(PhantomData))
    }
}
