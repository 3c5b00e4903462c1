//! A JSON Schema as a tree that keeps the order of its keys: the order of `properties` is the order in which a model
//! writes its answer.

use crate::json::{Raw, Str};
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use std::fmt;

/// Any JSON value. Nesting is bounded by serde_json (128), and so is every recursion over it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Tree<'a> {
    Null,
    Bool(bool),
    Number(serde_json::Number),
    Text(Str<'a>),
    List(Vec<Tree<'a>>),
    Object(Vec<(Str<'a>, Tree<'a>)>),
}

impl<'a> Tree<'a> {
    /// `{"type": "object", "properties": {}}`: what a function without parameters takes.
    pub(crate) fn no_parameters() -> Self {
        Tree::Object(vec![("type".into(), "object".into()), ("properties".into(), Tree::Object(Vec::new()))])
    }

    /// Parses `raw`; None when it is nested too deeply.
    pub(crate) fn parse(raw: Raw<'a>) -> Option<Self> {
        raw.parse().ok()
    }

    /// The value of `key` of an object.
    pub(crate) fn get(&self, key: &str) -> Option<&Tree<'a>> {
        match self {
            Tree::Object(fields) => fields.iter().find(|(name, _)| name.as_str() == key).map(|(_, value)| value),
            _ => None,
        }
    }

    /// Whether this is an object without keys, or a list without members.
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Tree::Object(fields) => fields.is_empty(),
            Tree::List(items) => items.is_empty(),
            _ => false,
        }
    }

    /// Whether `type` is `word`, or a list that holds it.
    pub(crate) fn is_type(&self, word: &str) -> bool {
        let is_word = |tree: &Tree<'_>| matches!(tree, Tree::Text(text) if text.as_str() == word);
        match self.get("type") {
            Some(Tree::List(words)) => words.iter().any(is_word),
            Some(one) => is_word(one),
            None => false,
        }
    }
}

impl<'a> From<&'a str> for Tree<'a> {
    fn from(text: &'a str) -> Self {
        Tree::Text(text.into())
    }
}

/// Calls `change` with each schema directly below `fields`, which are those of a schema. What stands in `enum`,
/// `const`, `default` or `examples` is data, and the keys of `properties` and `$defs` are names: neither is a keyword.
pub(crate) fn for_each_child<'a, E>(
    fields: &mut [(Str<'a>, Tree<'a>)],
    mut change: impl FnMut(&mut Tree<'a>) -> Result<(), E>,
) -> Result<(), E> {
    for (keyword, value) in fields {
        match (keyword.as_str(), value) {
            (
                "properties" | "patternProperties" | "$defs" | "definitions" | "dependentSchemas",
                Tree::Object(named),
            ) => {
                named.iter_mut().try_for_each(|(_, schema)| change(schema))?;
            }
            ("anyOf" | "oneOf" | "allOf" | "prefixItems" | "items", Tree::List(schemas)) => {
                schemas.iter_mut().try_for_each(&mut change)?;
            }
            (
                "items" | "additionalProperties" | "not" | "if" | "then" | "else" | "contains",
                schema @ Tree::Object(_),
            ) => {
                change(schema)?;
            }
            _ => {}
        }
    }
    Ok(())
}

impl Serialize for Tree<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Tree::Null => serializer.serialize_unit(),
            Tree::Bool(value) => serializer.serialize_bool(*value),
            Tree::Number(number) => number.serialize(serializer),
            Tree::Text(text) => text.serialize(serializer),
            Tree::List(items) => serializer.collect_seq(items),
            Tree::Object(fields) => {
                let mut map = serializer.serialize_map(Some(fields.len()))?;
                for (key, value) in fields {
                    map.serialize_entry(key, value)?;
                }
                map.end()
            }
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Tree<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = Tree<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON value")
            }

            fn visit_unit<E: de::Error>(self) -> Result<Tree<'de>, E> {
                Ok(Tree::Null)
            }

            fn visit_bool<E: de::Error>(self, value: bool) -> Result<Tree<'de>, E> {
                Ok(Tree::Bool(value))
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Tree<'de>, E> {
                Ok(Tree::Number(number.into()))
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Tree<'de>, E> {
                Ok(Tree::Number(number.into()))
            }

            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Tree<'de>, E> {
                Ok(serde_json::Number::from_f64(number).map_or(Tree::Null, Tree::Number))
            }

            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Tree<'de>, E> {
                Ok(Tree::Text(text.into()))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Tree<'de>, E> {
                Ok(Tree::Text(text.to_owned().into()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Tree<'de>, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = seq.next_element()? {
                    items.push(item);
                }
                Ok(Tree::List(items))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tree<'de>, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Tree::Object(fields))
            }
        }

        deserializer.deserialize_any(Any)
    }
}
