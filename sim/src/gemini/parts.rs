//! One part of a content.

use serde_json::Value;

use super::{
    fields::{Fields, violation},
    signature,
};
use crate::{
    fields::text_bytes,
    refusal::{Checked, Refusal},
};

const KNOWN: &[&str] = &[
    "text",
    "thought",
    "thoughtSignature",
    "inlineData",
    "fileData",
    "functionCall",
    "functionResponse",
    "executableCode",
    "codeExecutionResult",
    "videoMetadata",
    "mediaResolution",
    "partMetadata",
    "toolCall",
    "toolResponse",
];
/// The fields of which a part has exactly one.
const DATA: &[&str] = &[
    "text",
    "inlineData",
    "fileData",
    "functionCall",
    "functionResponse",
    "executableCode",
    "codeExecutionResult",
    "toolCall",
    "toolResponse",
];

/// A checked part: what the rest of the simulator needs of it.
pub(super) enum Part<'a> {
    Text(&'a str),
    Call { name: &'a str, signed: bool, bytes: usize },
    Response { text: String },
    Other,
}

impl Part<'_> {
    pub(super) fn text_bytes(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Call { bytes, .. } => *bytes,
            Self::Response { text } => text.len(),
            Self::Other => 0,
        }
    }
}

pub(super) fn part(value: &Value, at: String) -> Checked<Part<'_>> {
    let fields = Fields::read(value, at, KNOWN)?;
    let mut data = DATA.iter().filter(|name| fields.get(name).is_some());
    let uninitialized = || violation(&fields.at("data"), "required oneof field 'data' must have one initialized field");
    let kind = *data.next().ok_or_else(uninitialized)?;
    if let Some(second) = data.next() {
        return Err(Refusal::invalid(format!(
            "Invalid value at '{}' (oneof), oneof field 'data' is already set. Cannot set '{second}'",
            fields.here()
        )));
    }
    fields.boolean("thought")?;
    let signature = fields.string("thoughtSignature")?;
    signature.map_or(Ok(()), signature::check)?;
    match kind {
        // An empty text counts as unset, unless it is there to carry a signature.
        "text" => match fields.string("text")? {
            Some("") if signature.is_none() => Err(uninitialized()),
            text => Ok(Part::Text(text.unwrap_or_default())),
        },
        "inlineData" => inline(&fields),
        "fileData" => {
            let file = Fields::read(
                fields.get("fileData").unwrap_or(&Value::Null),
                fields.at("fileData"),
                &["mimeType", "fileUri", "displayName"],
            )?;
            file.string("fileUri")?.ok_or_else(|| violation(&file.at("fileUri"), "must not be empty"))?;
            Ok(Part::Other)
        }
        "functionCall" => call(&fields, signature.is_some()),
        "functionResponse" => response(&fields),
        _ => Ok(Part::Other),
    }
}

fn inline<'a>(part: &Fields<'a>) -> Checked<Part<'a>> {
    let data = part.get("inlineData").unwrap_or(&Value::Null);
    let inline = Fields::read(data, part.at("inlineData"), &["mimeType", "data", "displayName"])?;
    if inline.string("mimeType")?.is_none_or(|mime| !mime.contains('/')) {
        return Err(Refusal::invalid("Unable to process input image: mime_type must be set"));
    }
    match inline.string("data")? {
        Some(data) if !data.is_empty() && signature::decode(data).is_some() => Ok(Part::Other),
        _ => Err(Refusal::invalid(format!(
            "Invalid value at '{}' (TYPE_BYTES), Base64 decoding failed",
            inline.at("data")
        ))),
    }
}

fn call<'a>(part: &Fields<'a>, signed: bool) -> Checked<Part<'a>> {
    let value = part.get("functionCall").unwrap_or(&Value::Null);
    let call = Fields::read(value, part.at("functionCall"), &["id", "name", "args"])?;
    call.string("id")?;
    let name = name(&call)?;
    let bytes = call.object("args")?.into_iter().flat_map(|args| args.values()).map(text_bytes).sum();
    Ok(Part::Call { name, signed, bytes })
}

fn response<'a>(part: &Fields<'a>) -> Checked<Part<'a>> {
    let value = part.get("functionResponse").unwrap_or(&Value::Null);
    let known = &["id", "name", "response", "parts", "willContinue", "scheduling"];
    let response = Fields::read(value, part.at("functionResponse"), known)?;
    response.string("id")?;
    name(&response)?;
    // Must be an object: a struct in the proto.
    let object = response.object("response")?;
    let object = object.ok_or_else(|| violation(&response.at("response"), "must be set"))?;
    let text = match (object.len(), object.values().next()) {
        (1, Some(Value::String(text))) => text.clone(),
        (1, Some(only)) => only.to_string(),
        _ => Value::Object(object.clone()).to_string(),
    };
    Ok(Part::Response { text })
}

fn name<'a>(message: &Fields<'a>) -> Checked<&'a str> {
    let name = message.string("name")?.unwrap_or_default();
    if name.is_empty() {
        return Err(violation(&message.at("name"), "Name cannot be empty."));
    }
    super::tools::check_name(name, &message.at("name"))?;
    Ok(name)
}
