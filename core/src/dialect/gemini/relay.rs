//! The client's body for a provider of its own kind: as it came, but for what another provider's answer has left in the
//! conversation.

use super::wire::SKIP_SIGNATURE;
use crate::dialect::Parsed;
use crate::json::{Fields, Raw};
use memchr::memmem;
use serde_json::value::{RawValue, to_raw_value};

/// `parsed`'s body without the model's empty texts. A stream of ours ends in one, as the SDKs want every chunk to have a
/// part; Gemini refuses it in a prompt ("required oneof field 'data'").
pub fn write(parsed: &Parsed) -> Vec<u8> {
    let body = parsed.body();
    let has_empty = memmem::find(body, b"\"\"").is_some();
    has_empty.then(|| rewritten(body)).flatten().unwrap_or_else(|| body.to_vec())
}

/// The same for another model than that which the conversation was led with: without the signatures of its thoughts.
pub fn write_unsigned(parsed: &Parsed) -> Vec<u8> {
    let body = write(parsed);
    let has_signature =
        [&b"thoughtSignature"[..], b"thought_signature"].iter().any(|name| memmem::find(&body, name).is_some());
    has_signature.then(|| with_contents(&body, unsigned)).flatten().unwrap_or(body)
}

/// None if it holds no empty text.
fn rewritten(body: &[u8]) -> Option<Vec<u8>> {
    with_contents(body, shorter)
}

/// The body with what `change` makes of its contents; None if that is nothing.
fn with_contents(body: &[u8], change: impl Fn(Raw<'_>) -> Option<Box<RawValue>>) -> Option<Vec<u8>> {
    let Fields(mut fields) = serde_json::from_slice(body).ok()?;
    let contents = fields.iter_mut().find(|(name, _)| name.as_str() == "contents").map(|(_, contents)| contents)?;
    let list = contents.parse::<Vec<Raw<'_>>>().ok()?;
    let changed: Vec<Option<Box<RawValue>>> = list.iter().map(|content| change(*content)).collect();
    if changed.iter().all(Option::is_none) {
        return None;
    }
    let list = list.iter().zip(&changed).map(|(content, changed)| changed.as_deref().map_or(*content, Raw));
    let made = to_raw_value(&list.collect::<Vec<Raw<'_>>>()).ok()?;
    *contents = Raw(&made);
    serde_json::to_vec(&Fields(fields)).ok()
}

/// What a model said without empty texts; None if it holds none, or nothing else.
fn shorter(content: Raw<'_>) -> Option<Box<RawValue>> {
    let Fields(mut fields) = content.parse().ok()?;
    let is_models = fields.iter().any(|(name, value)| name.as_str() == "role" && value.get() == "\"model\"");
    let parts = fields.iter_mut().find(|(name, _)| name.as_str() == "parts").filter(|_| is_models)?;
    let list = parts.1.parse::<Vec<Raw<'_>>>().ok()?;
    let kept: Vec<&Raw<'_>> = list.iter().filter(|part| !is_empty_text(**part)).collect();
    if kept.is_empty() || kept.len() == list.len() {
        return None;
    }
    let made = to_raw_value(&kept).ok()?;
    parts.1 = Raw(&made);
    to_raw_value(&Fields(fields)).ok()
}

/// A content without signatures; the first call of it must have one, which says that it is of no model's.
fn unsigned(content: Raw<'_>) -> Option<Box<RawValue>> {
    let is_signature = |name: &str| matches!(name, "thoughtSignature" | "thought_signature");
    let is_call = |name: &str| matches!(name, "functionCall" | "function_call");
    let skip = to_raw_value(SKIP_SIGNATURE).ok()?;
    let Fields(mut fields) = content.parse().ok()?;
    let (_, parts) = fields.iter_mut().find(|(name, _)| name.as_str() == "parts")?;
    let list = parts.parse::<Vec<Fields<'_>>>().ok()?;
    let mut is_first = true;
    let mut kept = Vec::with_capacity(list.len());
    for Fields(mut part) in list {
        let was_signed = part.iter().any(|(name, _)| is_signature(name));
        part.retain(|(name, _)| !is_signature(name));
        if part.iter().any(|(name, _)| is_call(name)) {
            if was_signed && is_first {
                part.push(("thoughtSignature".into(), Raw(&skip)));
            }
            is_first = false;
        }
        // An empty text that only carried a signature is nothing.
        if !matches!(part.as_slice(), [(name, value)] if name.as_str() == "text" && value.get() == "\"\"") {
            kept.push(Fields(part));
        }
    }
    let made = to_raw_value(&kept).ok()?;
    *parts = Raw(&made);
    to_raw_value(&Fields(fields)).ok()
}

/// Whether a part is an empty text and nothing else; one with a signature is Gemini's own.
fn is_empty_text(part: Raw<'_>) -> bool {
    match part.parse::<Fields<'_>>() {
        Ok(Fields(fields)) => {
            matches!(fields.as_slice(), [(name, value)] if name.as_str() == "text" && value.get() == "\"\"")
        }
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::gemini::{Call, Mode, parse};
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn check(body: &str, expect: &str) {
        let call = Call { model: "smart".into(), mode: Mode::Whole };
        let parsed = parse(body.as_bytes().to_vec(), &call).unwrap();
        assert_eq!(String::from_utf8(write(&parsed)).unwrap(), expect);
    }

    #[test]
    fn a_models_empty_text_is_left_out_and_gemini_s_own_is_not() {
        check(
            r#"{ "contents": [{"role":"user","parts":[{"text":"Hi"}]}, {"role":"model","parts":[{"text": "Ho" },{"text": ""},{"text":"","thoughtSignature":"c2ln"}],"tomorrow": 1}], "labels": {} }"#,
            r#"{"contents":[{"role":"user","parts":[{"text":"Hi"}]},{"role":"model","parts":[{"text": "Ho" },{"text":"","thoughtSignature":"c2ln"}],"tomorrow":1}],"labels":{}}"#,
        );
    }

    #[test]
    fn another_model_gets_no_signatures() {
        let call = Call { model: "smart".into(), mode: Mode::Whole };
        let body = r#"{"contents":[{"role":"user","parts":[{"text":"Hi"}]},{"role":"model","parts":[{"text":"Ho","thoughtSignature":"a"},{"functionCall":{"name":"f"},"thought_signature":"b","x":1},{"functionCall":{"name":"g"},"thoughtSignature":"c"},{"text":"","thoughtSignature":"d"}]}]}"#;
        let parsed = parse(body.as_bytes().to_vec(), &call).unwrap();
        let expect = r#"{"contents":[{"role":"user","parts":[{"text":"Hi"}]},{"role":"model","parts":[{"text":"Ho"},{"functionCall":{"name":"f"},"x":1,"thoughtSignature":"skip_thought_signature_validator"},{"functionCall":{"name":"g"}}]}]}"#;
        assert_eq!(String::from_utf8(write_unsigned(&parsed)).unwrap(), expect);
        let plain = r#"{ "contents": [{"role":"user","parts":[{"text":"Hi"}]}] }"#;
        let parsed = parse(plain.as_bytes().to_vec(), &call).unwrap();
        assert_eq!(String::from_utf8(write_unsigned(&parsed)).unwrap(), plain);
    }

    #[test]
    fn all_else_stays_as_it_came() {
        for body in [
            r#"{ "contents": [ {"parts":[{"text":"Hi"}]} ], "x": "" }"#,
            r#"{ "contents": [ {"role":"user","parts":[{"text":"Hi"},{"text":""}]} ] }"#,
            r#"{ "contents": [ {"role":"model","parts":[{"text":""}]} ] }"#,
        ] {
            check(body, body);
        }
    }
}
