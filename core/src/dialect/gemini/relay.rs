//! The client's body for a provider of its own kind: as it came, but for the model's name, and what another provider's answer
//! has left in the conversation.

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
    may_change.then(|| rewritten(body, model)).flatten().unwrap_or_else(|| body.to_vec())
}

/// None if nothing changes.
fn rewritten(body: &[u8], model: &str) -> Option<Vec<u8>> {
    let Fields(mut fields) = serde_json::from_slice(body).ok()?;
    let name = to_raw_value(&format!("models/{}", model.strip_prefix("models/").unwrap_or(model))).ok()?;
    let contents = fields.iter().find(|(field, _)| field.as_str() == "contents");
    let shorter = contents.and_then(|(_, contents)| without_empty_texts(*contents));
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

/// None if there are none.
fn without_empty_texts(contents: Raw<'_>) -> Option<Box<RawValue>> {
    let list = contents.parse::<Vec<Raw<'_>>>().ok()?;
    let shorter: Vec<Option<Box<RawValue>>> = list.iter().map(|content| shorter(*content)).collect();
    if shorter.iter().all(Option::is_none) {
        return None;
    }
    let list = list.iter().zip(&shorter).map(|(content, shorter)| shorter.as_deref().map_or(*content, Raw));
    to_raw_value(&list.collect::<Vec<Raw<'_>>>()).ok()
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
