//! Tools that a model may call, and the calls it made.

use crate::json::{Raw, Str};
use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, Visitor};
use std::fmt;

/// A tool on offer.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
pub struct Tool<'a> {
    /// `function`, `custom`, or what comes next.
    #[serde(rename = "type")]
    pub kind: Str<'a>,
    /// Present for `function`.
    pub function: Option<FunctionDef<'a>>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
pub struct FunctionDef<'a> {
    pub name: Str<'a>,
    pub description: Option<Str<'a>>,
    /// JSON Schema of the arguments; None for a function without any.
    pub parameters: Option<Raw<'a>>,
    pub strict: Option<bool>,
}

/// A call in an assistant message.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
pub struct ToolCall<'a> {
    pub id: Str<'a>,
    #[serde(rename = "type")]
    pub kind: Option<Str<'a>>,
    /// Present for `function`.
    pub function: Option<FunctionCall<'a>>,
    /// `{"google": {"thought_signature": …}}`: what Gemini wants back with its own call.
    pub extra_content: Option<Raw<'a>>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
pub struct FunctionCall<'a> {
    pub name: Str<'a>,
    /// A JSON document in a string, as the model wrote it: it may not parse.
    #[serde(default)]
    pub arguments: Str<'a>,
}

/// Which tools the model may or must call.
#[derive(Clone, Debug, PartialEq)]
pub enum ToolChoice<'a> {
    None,
    Auto,
    Required,
    /// This function.
    Function(Str<'a>),
    /// Some of these functions; `required`: at least one.
    Allowed {
        required: bool,
        names: Vec<Str<'a>>,
    },
    /// A form that Weir does not know, or more than one in one, by its `type`.
    Other(Str<'a>),
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
struct Named<'a> {
    name: Str<'a>,
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
struct Allowed<'a> {
    mode: Str<'a>,
    tools: Vec<AllowedTool<'a>>,
}

impl Allowed<'_> {
    fn is_known(&self) -> bool {
        matches!(self.mode.as_str(), "auto" | "required") && self.tools.iter().all(|tool| tool.function.is_some())
    }
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
struct AllowedTool<'a> {
    function: Option<Named<'a>>,
}

impl<'de: 'a, 'a> Deserialize<'de> for ToolChoice<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WordOrObject;

        impl<'de> Visitor<'de> for WordOrObject {
            type Value = ToolChoice<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("\"none\", \"auto\", \"required\" or an object with a type")
            }

            fn visit_str<E: de::Error>(self, word: &str) -> Result<Self::Value, E> {
                match word {
                    "none" => Ok(ToolChoice::None),
                    "auto" => Ok(ToolChoice::Auto),
                    "required" => Ok(ToolChoice::Required),
                    _ => Err(E::invalid_value(de::Unexpected::Str(word), &self)),
                }
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let (mut kind, mut function, mut allowed) = (None, None::<Named<'de>>, None::<Allowed<'de>>);
                while let Some(key) = map.next_key::<Str<'de>>()? {
                    match key.as_str() {
                        "type" => kind = Some(map.next_value::<Str<'de>>()?),
                        "function" => function = Some(map.next_value()?),
                        "allowed_tools" => allowed = Some(map.next_value()?),
                        _ => {
                            map.next_value::<de::IgnoredAny>()?;
                        }
                    }
                }
                let kind = kind.ok_or_else(|| de::Error::missing_field("type"))?;
                match (kind.as_str(), function, allowed) {
                    ("function", Some(function), None) => Ok(ToolChoice::Function(function.name)),
                    ("function", None, _) => Err(de::Error::missing_field("function")),
                    ("allowed_tools", _, None) => Err(de::Error::missing_field("allowed_tools")),
                    ("allowed_tools", None, Some(allowed)) if allowed.is_known() => Ok(ToolChoice::Allowed {
                        required: allowed.mode.as_str() == "required",
                        names: allowed.tools.into_iter().filter_map(|tool| Some(tool.function?.name)).collect(),
                    }),
                    _ => Ok(ToolChoice::Other(kind)),
                }
            }
        }

        deserializer.deserialize_any(WordOrObject)
    }
}
