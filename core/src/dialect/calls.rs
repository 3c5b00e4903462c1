//! The arguments of a tool call: fragments of a text while they come, an object once they are there.

use serde_json::value::{RawValue, to_raw_value};

/// Follows the text of a JSON object as it comes, to know when it is whole.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Extent {
    depth: u32,
    has_begun: bool,
    in_string: bool,
    escaped: bool,
}

impl Extent {
    pub(super) fn push(&mut self, fragment: &str) {
        for byte in fragment.bytes() {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' if self.in_string => self.escaped = true,
                b'"' => self.in_string = !self.in_string,
                _ if self.in_string => {}
                b'{' | b'[' => {
                    self.has_begun = true;
                    self.depth = self.depth.saturating_add(1);
                }
                b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
        }
    }

    /// Whether nothing of the object is missing.
    pub(super) fn is_whole(self) -> bool {
        self.has_begun && self.depth == 0 && !self.in_string
    }
}

/// The object that `arguments` spells. A model may have written anything, and the others want an object: what is none is
/// wrapped, as Anthropic's documentation of fine-grained tool streaming asks for, so that nothing of it is lost.
pub(super) fn object(arguments: &str) -> Option<Box<RawValue>> {
    match crate::provider::arguments::object(arguments) {
        Some(raw) => Some(raw.0.to_owned()),
        None => to_raw_value(&serde_json::json!({ "INVALID_JSON": arguments })).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn an_object_is_whole_at_its_last_brace_only() {
        for text in [r#"{}"#, r#" {"a":[{"b":"}\"]"}],"ü":"\\"}"#, r#"{"a":{"b":{}}}"#] {
            let mut extent = Extent::default();
            let last = text.len() - 1;
            for (at, char) in text.char_indices() {
                assert!(!extent.is_whole(), "{text} at {at}");
                extent.push(char.encode_utf8(&mut [0; 4]));
                assert_eq!(extent.is_whole(), at == last, "{text} at {at}");
            }
        }
    }

    #[test]
    fn what_is_no_object_is_wrapped_and_nothing_is_an_empty_one() {
        let text = |arguments| object(arguments).map(|raw| raw.get().to_owned());
        assert_eq!(text(r#"{"a":1}"#).as_deref(), Some(r#"{"a":1}"#));
        assert_eq!(text("").as_deref(), Some("{}"));
        assert_eq!(text(r#"{"a":"#).as_deref(), Some(r#"{"INVALID_JSON":"{\"a\":"}"#));
        assert_eq!(text("[1]").as_deref(), Some(r#"{"INVALID_JSON":"[1]"}"#));
    }
}
