//! The client's body with another model in it. Everything else, fields of tomorrow included, stays byte for byte.

use crate::chat::ChatRequest;
use crate::json::{Fields, Str};
use memchr::memmem;
use std::borrow::Cow;
use std::ops::Range;

const USAGE_OPTION: &str = r#""stream_options":{"include_usage":true}"#;

/// Whether the stream's usage is asked for by Weir, not by the client, and so must be hidden again.
pub fn injects_usage(chat: &ChatRequest<'_>) -> bool {
    chat.stream && !chat.wants_usage()
}

/// `body`, which `chat` was parsed from, with `model` as its model, and asking for usage if it is a stream.
pub fn write(body: &[u8], chat: &ChatRequest<'_>, model: &str) -> Vec<u8> {
    let usage = injects_usage(chat)
        .then(|| Injected { obfuscation: chat.stream_options.and_then(|options| options.include_obfuscation) });
    // Adding an option where there is one already, even a null, would make a key that stands twice.
    if usage.is_some() && memmem::find(body, br#""stream_options""#).is_some() {
        return rewrite(body, usage, model);
    }
    splice(body, &chat.model, usage, model).unwrap_or_else(|| rewrite(body, usage, model))
}

/// `body`, of any endpoint that names its model so, with `model` instead of `name`, which was parsed from it.
pub fn with_model(body: &[u8], name: &Str<'_>, model: &str) -> Vec<u8> {
    splice(body, name, None, model).unwrap_or_else(|| rewrite(body, None, model))
}

/// The usage of a stream is to be asked for.
#[derive(Clone, Copy)]
struct Injected {
    /// What the client says of the option beside it.
    obfuscation: Option<bool>,
}

/// The common case: the model's name was borrowed from the body, so its place is known. None when it was not.
fn splice(body: &[u8], name: &Str<'_>, usage: Option<Injected>, model: &str) -> Option<Vec<u8>> {
    let Cow::Borrowed(name) = name.0 else { return None };
    let Range { start, end } = place(body, name)?;
    let object_end = body.iter().rposition(|byte| *byte == b'}')?;
    let mut out = Vec::with_capacity(body.len().saturating_add(model.len()).saturating_add(64));
    out.extend_from_slice(body.get(..start.checked_sub(1)?)?);
    serde_json::to_writer(&mut out, model).ok()?;
    out.extend_from_slice(body.get(end.checked_add(1)?..object_end)?);
    if usage.is_some() {
        out.push(b',');
        out.extend_from_slice(USAGE_OPTION.as_bytes());
    }
    out.push(b'}');
    Some(out)
}

/// Where `part`, a slice of `body`, lies in it.
fn place(body: &[u8], part: &str) -> Option<Range<usize>> {
    let start = part.as_ptr().addr().checked_sub(body.as_ptr().addr())?;
    let range = start..start.checked_add(part.len())?;
    (body.get(range.clone())? == part.as_bytes()).then_some(range)
}

/// The rare case: the top level is written again, field by field.
fn rewrite(body: &[u8], usage: Option<Injected>, model: &str) -> Vec<u8> {
    let fields: Fields<'_> = serde_json::from_slice(body).unwrap_or_default();
    let mut out = Vec::with_capacity(body.len().saturating_add(64));
    out.push(b'{');
    for (name, value) in &fields.0 {
        if out.len() > 1 {
            out.push(b',');
        }
        let _ = serde_json::to_writer(&mut out, name);
        out.push(b':');
        match (name.as_str(), usage) {
            ("model", _) => drop(serde_json::to_writer(&mut out, model)),
            ("stream_options", Some(Injected { obfuscation })) => {
                out.extend_from_slice(br#"{"include_usage":true"#);
                if let Some(obfuscation) = obfuscation {
                    out.extend_from_slice(format!(r#","include_obfuscation":{obfuscation}"#).as_bytes());
                }
                out.push(b'}');
            }
            _ => out.extend_from_slice(value.get().as_bytes()),
        }
    }
    if usage.is_some() && !fields.0.iter().any(|(name, _)| &**name == "stream_options") {
        out.push(b',');
        out.extend_from_slice(USAGE_OPTION.as_bytes());
    }
    out.push(b'}');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn check(body: &str, expect: &str) {
        let chat: ChatRequest<'_> = serde_json::from_str(body).unwrap();
        let written = write(body.as_bytes(), &chat, "gpt-5.6");
        assert_eq!(String::from_utf8(written).unwrap(), expect);
    }

    #[test]
    fn only_the_model_changes() {
        check(
            r#"{ "model" : "smart", "messages": [{"role":"user","content":"smart"}], "future": [1, {"model": "smart"}] }"#,
            r#"{ "model" : "gpt-5.6", "messages": [{"role":"user","content":"smart"}], "future": [1, {"model": "smart"}] }"#,
        );
        check(
            r#"{"messages":[{"role":"user","content":"x"}],"model":"sm\u0061rt"}"#,
            r#"{"messages":[{"role":"user","content":"x"}],"model":"gpt-5.6"}"#,
        );
    }

    #[test]
    fn any_endpoints_body_takes_another_model() {
        for (body, expect) in [
            (r#"{"input":["smart"], "model":"smart"}"#, r#"{"input":["smart"], "model":"gpt-5.6"}"#),
            (r#"{"model": "sm\u0061rt", "stream": true}"#, r#"{"model":"gpt-5.6","stream":true}"#),
        ] {
            #[derive(serde::Deserialize)]
            struct Named<'a> {
                #[serde(borrow)]
                model: Str<'a>,
            }
            let named: Named<'_> = serde_json::from_str(body).unwrap();
            let written = with_model(body.as_bytes(), &named.model, "gpt-5.6");
            assert_eq!(String::from_utf8(written).unwrap(), expect);
        }
    }

    #[test]
    fn a_stream_is_asked_for_its_usage() {
        check(
            r#"{"model":"m","messages":[],"stream":true}"#,
            r#"{"model":"gpt-5.6","messages":[],"stream":true,"stream_options":{"include_usage":true}}"#,
        );
        check(
            r#"{"model":"m","messages":[],"stream":true,"stream_options":{"include_usage":true}}"#,
            r#"{"model":"gpt-5.6","messages":[],"stream":true,"stream_options":{"include_usage":true}}"#,
        );
        check(
            r#"{"model":"m","messages":[],"stream":true,"stream_options":{"include_usage":false,"include_obfuscation":false}}"#,
            r#"{"model":"gpt-5.6","messages":[],"stream":true,"stream_options":{"include_usage":true,"include_obfuscation":false}}"#,
        );
        check(
            r#"{"model":"m","stream_options":null,"messages":[],"stream":true}"#,
            r#"{"model":"gpt-5.6","stream_options":{"include_usage":true},"messages":[],"stream":true}"#,
        );
    }
}
