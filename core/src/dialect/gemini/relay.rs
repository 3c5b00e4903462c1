//! The client's body for a provider of its own kind: as it came, but for the model's name, and what another provider's answer
//! has left in the conversation.

use super::wire::SKIP_SIGNATURE;
use crate::dialect::Parsed;
use crate::json::{Fields, Raw};
use memchr::memmem;
use serde_json::value::{RawValue, to_raw_value};

/// `parsed`'s body for `model`. The model is in the path; some clients name it in the body too, where it must be the same.
/// The model's empty texts are left out: a stream of ours ends in one, as the SDKs want every chunk to have a part; Gemini
/// refuses it in a prompt ("required oneof field 'data'").
pub fn write(parsed: &Parsed, model: &str) -> Vec<u8> {
    let body = parsed.body();
    let may_change = [&b"\"\""[..], b"\"model\""].into_iter().any(|sign| memmem::find(body, sign).is_some());
    may_change.then(|| rewritten(body, model, without_empty_texts)).flatten().unwrap_or_else(|| body.to_vec())
}

/// The same for another model than that which the conversation was led with: without the signatures of its thoughts.
pub fn write_unsigned(parsed: &Parsed, model: &str) -> Vec<u8> {
    let body = write(parsed, model);
    let has_signature =
        [&b"thoughtSignature"[..], b"thought_signature"].iter().any(|name| memmem::find(&body, name).is_some());
    has_signature.then(|| rewritten(&body, model, unsigned)).flatten().unwrap_or(body)
}

/// What is left of a content.
enum Kept {
    All,
    Some(Box<RawValue>),
    Nothing,
}

/// The body for `model` with what `keep` leaves of its contents; None if nothing changes.
fn rewritten(body: &[u8], model: &str, keep: impl Fn(Raw<'_>) -> Kept) -> Option<Vec<u8>> {
    let Fields(mut fields) = serde_json::from_slice(body).ok()?;
    let name = to_raw_value(&format!("models/{}", model.strip_prefix("models/").unwrap_or(model))).ok()?;
    let contents = fields.iter().find(|(field, _)| field.as_str() == "contents");
    let shorter = contents.and_then(|(_, contents)| with_contents(*contents, keep));
    let mut is_changed = false;
    for (field, value) in &mut fields {
        let new = match field.as_str() {
            "model" => Some(&name),
            "contents" => shorter.as_ref(),
            _ => None,
        };
        if let Some(new) = new {
            *value = Raw(new);
            is_changed = true;
        }
    }
    is_changed.then(|| serde_json::to_vec(&Fields(fields)).ok()).flatten()
}

/// None if all of it is left, or nothing at all would be.
fn with_contents(contents: Raw<'_>, keep: impl Fn(Raw<'_>) -> Kept) -> Option<Box<RawValue>> {
    let list = contents.parse::<Vec<Raw<'_>>>().ok()?;
    let kept: Vec<Kept> = list.iter().map(|content| keep(*content)).collect();
    let is_all_gone = kept.iter().all(|kept| matches!(kept, Kept::Nothing));
    if is_all_gone || kept.iter().all(|kept| matches!(kept, Kept::All)) {
        return None;
    }
    let rest = list.iter().zip(&kept).filter_map(|(content, kept)| match kept {
        Kept::All => Some(*content),
        Kept::Some(shorter) => Some(Raw(shorter)),
        Kept::Nothing => None,
    });
    to_raw_value(&rest.collect::<Vec<Raw<'_>>>()).ok()
}

/// What a model said without empty texts.
fn without_empty_texts(content: Raw<'_>) -> Kept {
    let Ok(Fields(mut fields)) = content.parse() else { return Kept::All };
    let is_models = fields.iter().any(|(name, value)| name.as_str() == "role" && value.get() == "\"model\"");
    let parts = fields.iter_mut().find(|(name, _)| name.as_str() == "parts").filter(|_| is_models);
    let Some((_, parts)) = parts else { return Kept::All };
    let Ok(list) = parts.parse::<Vec<Raw<'_>>>() else { return Kept::All };
    let rest: Vec<&Raw<'_>> = list.iter().filter(|part| !is_empty_text(**part)).collect();
    if rest.len() == list.len() {
        return Kept::All;
    }
    if rest.is_empty() {
        return Kept::Nothing;
    }
    let Ok(made) = to_raw_value(&rest) else { return Kept::All };
    *parts = Raw(&made);
    to_raw_value(&Fields(fields)).map_or(Kept::All, Kept::Some)
}

/// A content without signatures; the first call of it must have one, which says that it is of no model's.
fn unsigned(content: Raw<'_>) -> Kept {
    let is_signature = |name: &str| matches!(name, "thoughtSignature" | "thought_signature");
    let is_call = |name: &str| matches!(name, "functionCall" | "function_call");
    let Ok(skip) = to_raw_value(SKIP_SIGNATURE) else { return Kept::All };
    let Ok(Fields(mut fields)) = content.parse() else { return Kept::All };
    let Some((_, parts)) = fields.iter_mut().find(|(name, _)| name.as_str() == "parts") else { return Kept::All };
    let Ok(list) = parts.parse::<Vec<Fields<'_>>>() else { return Kept::All };
    let mut is_first = true;
    let mut rest = Vec::with_capacity(list.len());
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
            rest.push(Fields(part));
        }
    }
    if rest.is_empty() {
        return Kept::Nothing;
    }
    let Ok(made) = to_raw_value(&rest) else { return Kept::All };
    *parts = Raw(&made);
    to_raw_value(&Fields(fields)).map_or(Kept::All, Kept::Some)
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
        assert_eq!(String::from_utf8(write(&parsed, "gemini-3.8-flash")).unwrap(), expect);
    }

    #[test]
    fn a_body_that_names_the_model_names_the_target() {
        check(
            r#"{"model":"models/smart","contents":[{"role":"model","parts":[{"text":"Hi"}]}],"tomorrow":{"model":"smart"}}"#,
            r#"{"model":"models/gemini-3.8-flash","contents":[{"role":"model","parts":[{"text":"Hi"}]}],"tomorrow":{"model":"smart"}}"#,
        );
    }

    #[test]
    fn a_models_empty_text_is_left_out_and_gemini_s_own_is_not() {
        check(
            r#"{ "contents": [{"role":"user","parts":[{"text":"Hi"}]}, {"role":"model","parts":[{"text": "Ho" },{"text": ""},{"text":"","thoughtSignature":"c2ln"}],"tomorrow": 1}], "labels": {} }"#,
            r#"{"contents":[{"role":"user","parts":[{"text":"Hi"}]},{"role":"model","parts":[{"text": "Ho" },{"text":"","thoughtSignature":"c2ln"}],"tomorrow":1}],"labels":{}}"#,
        );
    }

    #[test]
    fn a_content_of_nothing_else_is_left_out() {
        // Google's SDK keeps each chunk of a stream as a content of its own.
        check(
            r#"{"contents":[{"role":"user","parts":[{"text":"Hi"}]},{"role":"model","parts":[{"functionCall":{"name":"n"}}]},{"role":"model","parts":[{"text":""}]}]}"#,
            r#"{"contents":[{"role":"user","parts":[{"text":"Hi"}]},{"role":"model","parts":[{"functionCall":{"name":"n"}}]}]}"#,
        );
    }

    #[test]
    fn another_model_gets_no_signatures() {
        let call = Call { model: "smart".into(), mode: Mode::Whole };
        let body = r#"{"contents":[{"role":"user","parts":[{"text":"Hi"}]},{"role":"model","parts":[{"text":"Ho","thoughtSignature":"a"},{"functionCall":{"name":"f"},"thought_signature":"b","x":1},{"functionCall":{"name":"g"},"thoughtSignature":"c"},{"text":"","thoughtSignature":"d"}]}]}"#;
        let parsed = parse(body.as_bytes().to_vec(), &call).unwrap();
        let expect = r#"{"contents":[{"role":"user","parts":[{"text":"Hi"}]},{"role":"model","parts":[{"text":"Ho"},{"functionCall":{"name":"f"},"x":1,"thoughtSignature":"skip_thought_signature_validator"},{"functionCall":{"name":"g"}}]}]}"#;
        assert_eq!(String::from_utf8(write_unsigned(&parsed, "gemini-3.8-flash")).unwrap(), expect);
        // Of a stream, kept chunk by chunk, the last content may hold a signature only.
        let body = r#"{"contents":[{"role":"user","parts":[{"text":"Hi"}]},{"role":"model","parts":[{"text":"","thoughtSignature":"d"}]}]}"#;
        let parsed = parse(body.as_bytes().to_vec(), &call).unwrap();
        let expect = r#"{"contents":[{"role":"user","parts":[{"text":"Hi"}]}]}"#;
        assert_eq!(String::from_utf8(write_unsigned(&parsed, "gemini-3.8-flash")).unwrap(), expect);
        let plain = r#"{ "contents": [{"role":"user","parts":[{"text":"Hi"}]}] }"#;
        let parsed = parse(plain.as_bytes().to_vec(), &call).unwrap();
        assert_eq!(String::from_utf8(write_unsigned(&parsed, "gemini-3.8-flash")).unwrap(), plain);
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
