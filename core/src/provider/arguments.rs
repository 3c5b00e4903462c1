//! The arguments of a tool call: JSON in a string at OpenAI, JSON at the others.

use crate::json::Raw;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// The JSON object that `arguments` spells; the model may have written anything. Empty stands for no arguments.
pub(crate) fn object(arguments: &str) -> Option<Raw<'_>> {
    let arguments = if arguments.trim_ascii().is_empty() { "{}" } else { arguments };
    serde_json::from_str::<&RawValue>(arguments).ok().map(Raw).filter(|raw| raw.is_object())
}

/// The text of `json` without the blanks between its tokens: Gemini writes its answers indented.
pub(super) fn compact(json: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let (mut kept, mut in_string, mut escaped) = (0_usize, false, false);
    for (at, byte) in json.bytes().enumerate() {
        if in_string {
            in_string = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
        } else if byte == b'"' {
            in_string = true;
        } else if byte.is_ascii_whitespace() {
            out.push_str(json.get(kept..at).unwrap_or_default());
            kept = at.saturating_add(1);
        }
    }
    if kept == 0 {
        return Cow::Borrowed(json);
    }
    out.push_str(json.get(kept..).unwrap_or_default());
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn only_an_object_is_arguments_and_nothing_is_an_empty_one() {
        let text = |arguments| object(arguments).map(Raw::get);
        assert_eq!(text(r#" {"a": [1]} "#), Some(r#"{"a": [1]}"#));
        assert_eq!(text(""), Some("{}"));
        assert_eq!(text(" \n"), Some("{}"));
        assert_eq!(text("[1]"), None);
        assert_eq!(text("null"), None);
        assert_eq!(text(r#"{"a":"#), None);
        assert_eq!(text("{} {}"), None);
    }

    #[test]
    fn compact_takes_blanks_between_tokens_only() {
        assert_eq!(compact("{\n  \"a b\": [1,\t2],\r\n \"q\\\" \": \" ü \\\\\" }"), r#"{"a b":[1,2],"q\" ":" ü \\"}"#);
        assert!(matches!(compact(r#"{"a":"b c"}"#), Cow::Borrowed(_)));
        assert_eq!(compact(" {}"), "{}");
    }
}
