//! The conversation: instructions hoisted, roles merged, results named after their calls.

use super::body::{
    Content, Data, FileData, FunctionCall, FunctionResponse, InlineData, MediaResolution, Output, Part, Response, Role,
};
use crate::capability::Capabilities;
use crate::chat;
use crate::json::Raw;
use crate::provider::media::{self, Source};
use crate::provider::unmapped::Dropped;
use crate::provider::{Unsupported, arguments};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Gemini 3 refuses a replayed call without its signature, except with this in its place, which Google documents for
/// calls that another model made.
const SKIP_SIGNATURE: &str = "skip_thought_signature_validator";

pub(super) struct Conversation<'a> {
    pub system: Vec<Part<'a>>,
    pub contents: Vec<Content<'a>>,
}

/// Translates all messages.
pub(super) fn translate<'a>(
    list: &'a [chat::Message<'_>],
    capabilities: &Capabilities,
    dropped: &mut Dropped,
) -> Result<Conversation<'a>, Unsupported> {
    let mut writer = Writer {
        capabilities,
        dropped,
        system: Vec::new(),
        done: Vec::new(),
        role: Role::User,
        turn: Vec::new(),
        names: BTreeMap::new(),
    };
    for (index, message) in list.iter().enumerate() {
        writer.add(index, message)?;
    }
    writer.end_turn();
    if writer.done.is_empty() {
        return Err(Unsupported::new("messages", "this provider needs at least one user message"));
    }
    Ok(Conversation { system: writer.system, contents: writer.done })
}

struct Writer<'a, 'w> {
    capabilities: &'w Capabilities,
    dropped: &'w mut Dropped,
    system: Vec<Part<'a>>,
    done: Vec<Content<'a>>,
    /// Who has the turn, and what was said in it so far.
    role: Role,
    turn: Vec<Part<'a>>,
    /// Function names by call id: an OpenAI tool message has no name. A client may use an id again; the last counts.
    names: BTreeMap<&'a str, &'a str>,
}

impl<'a> Writer<'a, '_> {
    fn add(&mut self, index: usize, message: &'a chat::Message<'_>) -> Result<(), Unsupported> {
        if message.name.is_some() {
            self.dropped.add("name");
        }
        let path = |field: &str| format!("messages[{index}].{field}");
        match message.role {
            chat::Role::System | chat::Role::Developer => {
                let parts = self.parts(index, message)?;
                self.system.extend(parts);
            }
            chat::Role::User => {
                let parts = self.parts(index, message)?;
                if parts.is_empty() {
                    return Err(Unsupported::new(path("content"), "this provider does not take an empty user message"));
                }
                self.turn(Role::User).extend(parts);
            }
            chat::Role::Assistant => {
                if message.function_call.is_some() {
                    let text = "`function_call` is deprecated; use `tool_calls`";
                    return Err(Unsupported::new(path("function_call"), text));
                }
                let mut parts = self.parts(index, message)?;
                parts.extend(
                    message.refusal.as_ref().filter(|text| !text.is_empty()).map(|text| Data::Text(text).into()),
                );
                self.turn(Role::Model).extend(parts);
                self.add_calls(index, message)?;
            }
            chat::Role::Tool => {
                let id = message.tool_call_id.as_ref().map_or("", |id| id.as_str());
                let Some(name) = self.names.get(id).copied() else {
                    let text = "no earlier assistant message holds a call of this id";
                    return Err(Unsupported::new(path("tool_call_id"), text));
                };
                let output = output(index, message)?;
                let response = if message.failed { Response::Error(output) } else { Response::Output(output) };
                let turn = self.turn(Role::User);
                turn.push(Data::FunctionResponse(FunctionResponse { id, name, response }).into());
                // A response holds text only: what it shows stands next to it.
                for (at, part) in message.content.iter().flat_map(chat::Content::list).enumerate() {
                    if let chat::Part::Media(media) = part {
                        let path = || format!("messages[{index}].content[{at}].media");
                        turn.push(medium(media).map_err(|text| Unsupported::new(path(), text))?);
                    }
                }
            }
            chat::Role::Function => {
                return Err(Unsupported::new(path("role"), "the `function` role is deprecated; use `tool`"));
            }
        }
        Ok(())
    }

    fn add_calls(&mut self, index: usize, message: &'a chat::Message<'_>) -> Result<(), Unsupported> {
        for (at, call) in message.tool_calls.iter().flatten().enumerate() {
            let path = |field: &str| format!("messages[{index}].tool_calls[{at}]{field}");
            let Some(function) = &call.function else {
                return Err(Unsupported::new(path(".type"), "this provider has function calls only"));
            };
            let Some(args) = arguments::object(&function.arguments) else {
                return Err(Unsupported::new(path(".function.arguments"), "the arguments must be a JSON object"));
            };
            self.names.insert(&call.id, &function.name);
            let mut part = Part::from(Data::FunctionCall(FunctionCall { id: &call.id, name: &function.name, args }));
            if self.capabilities.thought_signatures {
                let is_first = !self.turn.iter().any(|part| matches!(part.data, Data::FunctionCall(_)));
                part.thought_signature =
                    signature(call.extra_content).or_else(|| is_first.then_some(Cow::Borrowed(SKIP_SIGNATURE)));
            }
            self.turn(Role::Model).push(part);
        }
        Ok(())
    }

    /// The parts of a message, without empty texts, which Gemini refuses.
    fn parts(&mut self, index: usize, message: &'a chat::Message<'_>) -> Result<Vec<Part<'a>>, Unsupported> {
        let list = match &message.content {
            None => return Ok(Vec::new()),
            Some(chat::Content::Text(text)) if text.is_empty() => return Ok(Vec::new()),
            Some(chat::Content::Text(text)) => return Ok(vec![Data::Text(text).into()]),
            Some(chat::Content::Parts(list)) => list,
        };
        let mut parts = Vec::with_capacity(list.len());
        for (at, part) in list.iter().enumerate() {
            let path = |field: &str| format!("messages[{index}].content[{at}].{field}");
            match part {
                chat::Part::Text(text) if text.is_empty() => {}
                chat::Part::Text(text) => parts.push(Data::Text(text).into()),
                chat::Part::Refusal(text) if message.role == chat::Role::Assistant => {
                    parts.push(Data::Text(text).into());
                }
                chat::Part::Other(kind) => {
                    let text = format!("this provider has no content of type `{}`", kind.as_str());
                    return Err(Unsupported::new(path("type"), text));
                }
                _ if message.role != chat::Role::User => {
                    let text = "this provider does not take this content in a message of this role";
                    return Err(Unsupported::new(path("type"), text));
                }
                chat::Part::ImageUrl(image) => {
                    let part = self.image(image).map_err(|text| Unsupported::new(path("image_url.url"), text))?;
                    parts.push(part);
                }
                chat::Part::Media(media) => {
                    parts.push(medium(media).map_err(|text| Unsupported::new(path("media"), text))?);
                }
                chat::Part::InputAudio(audio) => {
                    let mime_type = match audio.format.as_str() {
                        "wav" => "audio/wav",
                        "mp3" => "audio/mp3",
                        _ => return Err(Unsupported::new(path("input_audio.format"), "audio must be wav or mp3")),
                    };
                    parts.push(Data::InlineData(InlineData { mime_type: mime_type.into(), data: &audio.data }).into());
                }
                chat::Part::File(file) => {
                    let Some(data) = &file.file_data else {
                        let text = "an uploaded file cannot be reached from this provider; send `file_data`";
                        return Err(Unsupported::new(path("file.file_id"), text));
                    };
                    let inline = media::file(data, file.filename.as_ref().map(|name| name.as_str()))
                        .map_err(|text| Unsupported::new(path("file.file_data"), text))?;
                    parts.push(Data::InlineData(InlineData { mime_type: inline.mime, data: inline.base64 }).into());
                }
                chat::Part::Refusal(_) => {}
            }
        }
        Ok(parts)
    }

    fn image(&mut self, image: &'a chat::ImageUrl<'_>) -> Result<Part<'a>, &'static str> {
        let mut part = Part::from(match media::url(&image.url)? {
            // The type cannot be asked for from here: the path's ending tells it, or it is the most common one.
            Source::Web(file_uri) => {
                let mime_type = media::by_extension(file_uri).unwrap_or("image/jpeg");
                Data::FileData(FileData { mime_type, file_uri })
            }
            Source::Inline(inline) if inline.mime.is_empty() => return Err("the data URL tells no media type"),
            Source::Inline(inline) => Data::InlineData(InlineData { mime_type: inline.mime, data: inline.base64 }),
        });
        let level = match image.detail.as_ref().map_or("auto", |detail| detail.as_str()) {
            "auto" => return Ok(part),
            "low" => Some("MEDIA_RESOLUTION_LOW"),
            "high" | "original" => Some("MEDIA_RESOLUTION_HIGH"),
            _ => None,
        };
        match level.filter(|_| self.capabilities.media_resolution) {
            Some(level) => part.media_resolution = Some(MediaResolution { level }),
            None => self.dropped.add("detail"),
        }
        Ok(part)
    }

    /// What `role` says in its turn: all results of parallel calls must stand in one content.
    fn turn(&mut self, role: Role) -> &mut Vec<Part<'a>> {
        if self.role != role {
            self.end_turn();
            self.role = role;
        }
        &mut self.turn
    }

    fn end_turn(&mut self) {
        if !self.turn.is_empty() {
            self.done.push(Content { role: self.role, parts: std::mem::take(&mut self.turn) });
        }
    }
}

fn medium<'a>(media: &'a chat::Media<'_>) -> Result<Part<'a>, &'static str> {
    let mime = media.mime.as_str();
    match &media.source {
        _ if mime.is_empty() => Err("the media type must be told"),
        chat::MediaSource::Url(file_uri) => Ok(Data::FileData(FileData { mime_type: mime, file_uri }).into()),
        chat::MediaSource::Base64(data) => Ok(Data::InlineData(InlineData { mime_type: mime.into(), data }).into()),
    }
}

/// The text of a tool message, or the object that it spells.
fn output<'a>(index: usize, message: &'a chat::Message<'_>) -> Result<Output<'a>, Unsupported> {
    let mut texts = Vec::new();
    match &message.content {
        None => {}
        Some(chat::Content::Text(text)) => texts.push(text.as_str()),
        Some(chat::Content::Parts(parts)) => {
            for (at, part) in parts.iter().enumerate() {
                let text = match part {
                    chat::Part::Text(text) => text,
                    chat::Part::Media(_) => continue,
                    _ => {
                        let text = "this provider takes text only as the result of a call";
                        return Err(Unsupported::new(format!("messages[{index}].content[{at}].type"), text));
                    }
                };
                texts.push(text.as_str());
            }
        }
    }
    if let [one] = texts.as_slice()
        && one.trim_ascii_start().starts_with('{')
        && let Ok(raw) = serde_json::from_str::<&RawValue>(one)
    {
        return Ok(Output::Json(Raw(raw)));
    }
    Ok(Output::Text(texts))
}

/// Puts in place of all signatures of a turn the one that says that there is none, where there must be one.
pub(super) fn forget_thoughts(content: &mut Content<'_>) {
    let mut is_first = true;
    for part in &mut content.parts {
        let needs_one = is_first && part.thought_signature.is_some();
        if matches!(part.data, Data::FunctionCall(_)) {
            is_first = false;
            part.thought_signature = needs_one.then_some(Cow::Borrowed(SKIP_SIGNATURE));
        } else {
            part.thought_signature = None;
        }
    }
}

/// The thought signature that a client sends back as it got it.
fn signature(extra_content: Option<Raw<'_>>) -> Option<Cow<'_, str>> {
    #[derive(Deserialize)]
    struct Extra<'a> {
        #[serde(borrow)]
        google: Option<Google<'a>>,
    }

    #[derive(Deserialize)]
    #[serde(bound(deserialize = "'de: 'a"))]
    struct Google<'a> {
        thought_signature: Option<crate::json::Str<'a>>,
    }

    let extra: Extra<'_> = extra_content?.parse().ok()?;
    extra.google?.thought_signature.map(|text| text.0).filter(|text| !text.is_empty())
}
