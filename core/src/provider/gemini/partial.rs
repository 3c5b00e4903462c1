//! A function call whose arguments come in pieces, each with the JSON path of where it belongs. Only Vertex sends
//! them, and only if asked (`streamFunctionCallArguments`), which Weir does not; a call must not lose its arguments
//! if a server does so anyway.

use crate::json::Str;
use serde::Deserialize;
use serde::ser::{Serialize, SerializeMap, Serializer};

/// One piece: a path such as `$.places[0].city`, and a value; a text goes on in the next piece of the same path.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
pub(super) struct PartialArg<'a> {
    #[serde(alias = "json_path")]
    json_path: Str<'a>,
    #[serde(alias = "string_value")]
    string_value: Option<Str<'a>>,
    #[serde(alias = "number_value")]
    number_value: Option<serde_json::Number>,
    #[serde(alias = "bool_value")]
    bool_value: Option<bool>,
}

/// The arguments so far.
#[derive(Debug)]
pub(super) enum Arguments {
    Null,
    Bool(bool),
    Number(serde_json::Number),
    Text(String),
    List(Vec<Arguments>),
    Object(Vec<(String, Arguments)>),
}

/// Deepest path that is followed: as deep as serde_json reads. What is built from paths is walked by recursion.
const MAX_DEPTH: usize = 128;

/// A step of a path.
enum Step<'p> {
    Key(&'p str),
    Index(usize),
}

impl Arguments {
    /// Puts a piece where it belongs; None when the path is none.
    pub(super) fn put(&mut self, piece: &PartialArg<'_>) -> Option<()> {
        let mut rest = piece.json_path.strip_prefix('$')?;
        let mut place = self;
        let mut depth = 0_usize;
        while !rest.is_empty() {
            depth = depth.checked_add(1).filter(|depth| *depth <= MAX_DEPTH)?;
            let (step, after) = step(rest)?;
            place = place.child(&step)?;
            rest = after;
        }
        match (place, &piece.string_value) {
            (Arguments::Text(text), Some(more)) => text.push_str(more),
            (place, Some(text)) => *place = Arguments::Text(text.as_str().to_owned()),
            (place, None) => {
                *place = match (&piece.number_value, piece.bool_value) {
                    (Some(number), _) => Arguments::Number(number.clone()),
                    (None, Some(value)) => Arguments::Bool(value),
                    (None, None) => Arguments::Null,
                }
            }
        }
        Some(())
    }

    /// All of it, as JSON.
    pub(super) fn json(&self) -> String {
        serde_json::to_string(self).unwrap_or_else(|_| "{}".to_owned())
    }

    /// The value one step below, made if it is not there. A list grows by one at a time: an index cannot make us
    /// allocate.
    fn child(&mut self, step: &Step<'_>) -> Option<&mut Arguments> {
        match step {
            Step::Key(key) => {
                if !matches!(self, Arguments::Object(_)) {
                    *self = Arguments::Object(Vec::new());
                }
                let Arguments::Object(fields) = self else { return None };
                let at = match fields.iter().position(|(name, _)| name == key) {
                    Some(at) => at,
                    None => {
                        fields.push(((*key).to_owned(), Arguments::Null));
                        fields.len().checked_sub(1)?
                    }
                };
                fields.get_mut(at).map(|(_, value)| value)
            }
            Step::Index(index) => {
                if !matches!(self, Arguments::List(_)) {
                    *self = Arguments::List(Vec::new());
                }
                let Arguments::List(items) = self else { return None };
                if items.len() == *index {
                    items.push(Arguments::Null);
                }
                items.get_mut(*index)
            }
        }
    }
}

/// The first step of `.key…`, `['key']…` or `[0]…`, and what follows it.
fn step(path: &str) -> Option<(Step<'_>, &str)> {
    if let Some(rest) = path.strip_prefix('.') {
        let end = rest.find(['.', '[']).unwrap_or(rest.len());
        let (key, after) = rest.split_at_checked(end)?;
        return (!key.is_empty()).then_some((Step::Key(key), after));
    }
    let rest = path.strip_prefix('[')?;
    if let Some(quote) = rest.chars().next().filter(|c| matches!(c, '\'' | '"')) {
        let (key, after) = rest.get(1..)?.split_once(quote)?;
        return Some((Step::Key(key), after.strip_prefix(']')?));
    }
    let (index, after) = rest.split_once(']')?;
    Some((Step::Index(index.parse().ok()?), after))
}

impl Serialize for Arguments {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Arguments::Null => serializer.serialize_unit(),
            Arguments::Bool(value) => serializer.serialize_bool(*value),
            Arguments::Number(number) => number.serialize(serializer),
            Arguments::Text(text) => serializer.serialize_str(text),
            Arguments::List(items) => serializer.collect_seq(items),
            Arguments::Object(fields) => {
                let mut map = serializer.serialize_map(Some(fields.len()))?;
                for (key, value) in fields {
                    map.serialize_entry(key, value)?;
                }
                map.end()
            }
        }
    }
}
