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
    let kept: Vec<Kept> = list.iter().map(|content| kept(*content)).collect();
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

/// What is left of a content without a model's empty texts.
enum Kept {
    All,
    Some(Box<RawValue>),
    Nothing,
}

fn kept(content: Raw<'_>) -> Kept {
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
