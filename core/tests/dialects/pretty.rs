//! JSON in lines, in its own order, with what fits on a line on one.

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;

/// An object in its order.
struct Fields<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }

        deserializer.deserialize_map(Object)
    }
}

/// The same JSON, to be read.
pub(crate) fn pretty(json: &str) -> String {
    let raw: &RawValue = serde_json::from_str(json).unwrap_or_else(|error| panic!("{error}: {json}"));
    lines(raw.get(), 0) + "\n"
}

fn lines(json: &str, depth: usize) -> String {
    if json.len() <= 100 {
        return json.to_owned();
    }
    let (open, lines, close): (_, Vec<String>, _) = if let Ok(Fields(fields)) = serde_json::from_str(json) {
        let line = |(key, value): &(String, &RawValue)| format!("{key:?}: {}", lines(value.get(), depth + 1));
        ('{', fields.iter().map(line).collect(), '}')
    } else if let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(json) {
        ('[', items.iter().map(|item| self::lines(item.get(), depth + 1)).collect(), ']')
    } else {
        return json.to_owned();
    };
    let margin = "  ".repeat(depth);
    let lines: Vec<String> = lines.into_iter().map(|line| format!("{margin}  {line}")).collect();
    format!("{open}\n{}\n{margin}{close}", lines.join(",\n"))
}
