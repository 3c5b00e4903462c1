//! A JSON value as block-style YAML: as much of it as a bootstrap needs.

use serde_json::{Map, Value};

/// Keys that say what a thing is come first; the others follow in alphabetical order.
const FIRST: &[&str] = &["name", "@type", "type", "cluster_type", "listeners"];

/// Appends `key: value` at the left margin.
pub(super) fn entry(key: &str, value: &Value, out: &mut String) {
    field(key, value, 0, out);
}

fn field(key: &str, value: &Value, indent: usize, out: &mut String) {
    out.push_str(&scalar(key));
    out.push(':');
    match value {
        Value::Object(map) if !map.is_empty() => {
            out.push('\n');
            fields(map, indent + 2, true, out);
        }
        Value::Array(items) if !items.is_empty() => {
            out.push('\n');
            for item in items {
                pad(indent, out);
                out.push_str("- ");
                match item {
                    Value::Object(map) if !map.is_empty() => fields(map, indent + 2, false, out),
                    item => leaf(item, indent + 2, out),
                }
            }
        }
        value => {
            out.push(' ');
            leaf(value, indent + 2, out);
        }
    }
}

fn fields(map: &Map<String, Value>, indent: usize, mut pad_next: bool, out: &mut String) {
    let first = FIRST.iter().filter_map(|key| map.get_key_value(*key));
    let rest = map.iter().filter(|(key, _)| !FIRST.contains(&key.as_str()));
    for (key, value) in first.chain(rest) {
        if pad_next {
            pad(indent, out);
        }
        pad_next = true;
        field(key, value, indent, out);
    }
}

/// Scalars, and whatever is empty or nested in a way that only flow style can write.
fn leaf(value: &Value, indent: usize, out: &mut String) {
    match value {
        Value::String(text) if text.contains('\n') => {
            // The line's end at the text's end is kept or not.
            out.push_str(if text.ends_with('\n') { "|\n" } else { "|-\n" });
            for line in text.lines() {
                if !line.is_empty() {
                    pad(indent, out);
                    out.push_str(line);
                }
                out.push('\n');
            }
            return;
        }
        Value::String(text) => out.push_str(&scalar(text)),
        // JSON is YAML.
        value => out.push_str(&value.to_string()),
    }
    out.push('\n');
}

/// Without quotes where no YAML reader could take it for anything but text.
fn scalar(text: &str) -> String {
    const WORDS: &[&str] = &["true", "false", "yes", "no", "on", "off", "null", "y", "n"];
    let starts = text.starts_with(|c: char| c.is_ascii_alphabetic() || "/_".contains(c));
    let holds = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_./+-".contains(&byte));
    let word = WORDS.contains(&text.to_ascii_lowercase().as_str());
    let duration = text.strip_suffix('s').is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    if (starts && holds && !word) || duration { text.to_owned() } else { Value::from(text).to_string() }
}

fn pad(indent: usize, out: &mut String) {
    out.extend(std::iter::repeat_n(' ', indent));
}
