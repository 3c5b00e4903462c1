//! The content of one message: a string or a list of parts.

use serde_json::Value;

use super::invalid::{empty_array, missing, object, one_of, required, string, wrong_type, wrong_value};
use crate::{
    fields::{Object, present},
    refusal::{Checked, Refusal},
};

/// The parts a role may carry.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Allowed {
    Text,
    User,
    Assistant,
}

impl Allowed {
    fn types(self) -> &'static [&'static str] {
        match self {
            Self::Text => &["text"],
            Self::User => &["text", "image_url", "input_audio", "file"],
            Self::Assistant => &["text", "refusal"],
        }
    }
}

/// The text of a message, its parts checked.
pub(super) fn content(message: &Object, at: &str, allowed: Allowed, must: bool) -> Checked<String> {
    let at = format!("{at}.content");
    match present(message, "content") {
        None if must && message.contains_key("content") => {
            Err(wrong_type(&at, "one of a string or array of objects", &Value::Null))
        }
        None if must => Err(missing(&at)),
        None => Ok(String::new()),
        Some(Value::String(text)) => Ok(text.clone()),
        Some(Value::Array(parts)) if parts.is_empty() => Err(empty_array(&at)),
        Some(Value::Array(parts)) => {
            let texts =
                parts.iter().enumerate().map(|(index, part)| self::part(part, &format!("{at}[{index}]"), allowed));
            texts.collect()
        }
        Some(other) => Err(wrong_type(&at, "one of a string or array of objects", other)),
    }
}

fn part<'a>(part: &'a Value, at: &str, allowed: Allowed) -> Checked<&'a str> {
    let part = part.as_object().ok_or_else(|| wrong_type(at, "an object", part))?;
    let kind_at = format!("{at}.type");
    let kind = required(string(part, "type", &kind_at)?, &kind_at)?;
    if !allowed.types().contains(&kind) {
        return Err(wrong_value(&kind_at, kind, allowed.types()));
    }
    let field_at = format!("{at}.{kind}");
    match kind {
        "text" | "refusal" => required(string(part, kind, &field_at)?, &field_at),
        "image_url" => image(part, &field_at).map(|()| ""),
        "input_audio" => {
            let audio = required(object(part, kind, &field_at)?, &field_at)?;
            one_of(audio, "format", &format!("{field_at}.format"), &["wav", "mp3"])?;
            let data_at = format!("{field_at}.data");
            required(string(audio, "data", &data_at)?, &data_at).map(|_| "")
        }
        _ => {
            let file = required(object(part, kind, &field_at)?, &field_at)?;
            if present(file, "file_data").is_none() && present(file, "file_id").is_none() {
                return Err(missing(&format!("{field_at}.file_id")));
            }
            Ok("")
        }
    }
}

fn image(part: &Object, at: &str) -> Checked {
    let image = required(object(part, "image_url", at)?, at)?;
    one_of(image, "detail", &format!("{at}.detail"), &["auto", "low", "high", "original"])?;
    let url_at = format!("{at}.url");
    let url = required(string(image, "url", &url_at)?, &url_at)?;
    let fetched = url.starts_with("http://") || url.starts_with("https://");
    let inline = url.strip_prefix("data:image/").is_some_and(|rest| rest.contains(";base64,"));
    if fetched || inline {
        return Ok(());
    }
    let message =
        format!("Invalid '{url_at}': expected a base64-encoded data URL with an image MIME type, or an http(s) URL.");
    Err(Refusal::invalid(message).with_param(url_at).with_code("invalid_image_url"))
}
