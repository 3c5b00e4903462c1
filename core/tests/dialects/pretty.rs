//! JSON in lines, in its own order, with what fits on a line on one.

use serde_json::value::RawValue;
use weir_core::json::{Fields, Raw, Str};

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
        let line = |(key, value): &(Str<'_>, Raw<'_>)| format!("{:?}: {}", &**key, lines(value.get(), depth + 1));
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
