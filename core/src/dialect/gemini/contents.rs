//! The conversation: one content of Gemini's may be several messages in neutral terms, because results of calls have a
//! role of their own there.

use super::body::{Blob, Content, FileData, FunctionCall, FunctionResponse, Part};
use super::open_calls::OpenCalls;
use crate::chat::{self, Media, MediaSource, Role, ToolCall};
use crate::dialect::neutral::{Feature, OwnKind, Place, invalid};
use crate::json::{Raw, Str};
use crate::provider::unmapped::Dropped;
use crate::provider::{arguments, media};
use crate::refusal::Refusal;
use serde_json::value::{RawValue, to_raw_value};
use std::borrow::Cow;
use std::collections::BTreeMap;

pub(super) struct Conversation<'a> {
    pub messages: Vec<chat::Message<'a>>,
    pub places: Vec<Place>,
}

/// The thought signatures of all calls, each in the form in which OpenAI's clients send it back.
pub(super) fn signatures(contents: &[Content<'_>]) -> Vec<Box<RawValue>> {
    let parts = contents.iter().flat_map(|content| content.parts.iter().flatten());
    let signed = parts.filter(|part| part.function_call.is_some()).filter_map(|part| part.thought_signature.as_ref());
    let extra = |signature: &Str<'_>| {
        to_raw_value(&serde_json::json!({ "google": { "thought_signature": signature.as_str() } })).ok()
    };
    signed.filter_map(extra).collect()
}

pub(super) struct Writer<'a, 'w, M> {
    own_kind: &'w mut Vec<OwnKind>,
    hints: &'w mut Dropped,
    /// What [`signatures`] made, in its order.
    made: &'w mut M,
    open: OpenCalls<'a>,
    done: Conversation<'a>,
}

/// What one content says to the model, while its parts are read.
#[derive(Default)]
struct Said<'a> {
    parts: Vec<chat::Part<'a>>,
    places: Vec<usize>,
    calls: Vec<ToolCall<'a>>,
    call_places: Vec<usize>,
}

impl<'a, 'w, M: Iterator<Item = &'a Box<RawValue>>> Writer<'a, 'w, M> {
    pub(super) fn new(own_kind: &'w mut Vec<OwnKind>, hints: &'w mut Dropped, made: &'w mut M) -> Self {
        let done = Conversation { messages: Vec::new(), places: Vec::new() };
        Self { own_kind, hints, made, open: OpenCalls::default(), done }
    }

    /// The instructions that stand before all contents.
    pub(super) fn system(&mut self, instruction: Option<Content<'a>>) -> Result<(), Refusal> {
        let mut said = Said::default();
        for (at, part) in instruction.and_then(|content| content.parts).into_iter().flatten().enumerate() {
            self.part(part, &format!("systemInstruction.parts[{at}]"), &mut said.parts)?;
            said.places.resize(said.parts.len(), at);
        }
        self.said(Role::System, said, "systemInstruction".to_owned());
        Ok(())
    }

    /// The content that stands at `contents[{index}]`.
    pub(super) fn add(&mut self, index: usize, content: Content<'a>) -> Result<(), Refusal> {
        let at = format!("contents[{index}]");
        // Vertex AI's clients write them in capitals.
        let role = match content.role.as_ref().map(|role| role.to_ascii_lowercase()).as_deref() {
            None | Some("" | "user" | "function") => Role::User,
            Some("model") => Role::Assistant,
            Some(_) => return Err(invalid(format!("{at}.role"), "it must be user or model")),
        };
        let parts = content.parts.unwrap_or_default();
        if parts.is_empty() {
            return Err(invalid(format!("{at}.parts"), "at least one part is needed"));
        }
        let mut said = Said::default();
        for (number, mut part) in parts.into_iter().enumerate() {
            let at = format!("{at}.parts[{number}]");
            if let Some(call) = part.function_call.take() {
                if role != Role::Assistant {
                    return Err(invalid(format!("{at}.functionCall"), "only the model makes calls"));
                }
                let extra_content = part.thought_signature.and_then(|_| self.made.next()).map(|raw| Raw(raw));
                said.calls.push(self.call(call, extra_content, index, number, &at)?);
                said.call_places.push(number);
            } else if let Some(response) = part.function_response.take() {
                if role != Role::User {
                    return Err(invalid(format!("{at}.functionResponse"), "the model does not answer its own calls"));
                }
                self.response(response, index, number, &at)?;
            } else {
                self.part(part, &at, &mut said.parts)?;
                said.places.resize(said.parts.len(), number);
            }
        }
        self.said(role, said, at);
        Ok(())
    }

    pub(super) fn finish(self) -> Conversation<'a> {
        self.done
    }

    /// Adds what a content says besides results, if anything.
    fn said(&mut self, role: Role, said: Said<'a>, at: String) {
        let Said { mut parts, places, calls, call_places } = said;
        if parts.is_empty() && calls.is_empty() {
            return;
        }
        let content = match parts.as_slice() {
            [] => None,
            [chat::Part::Text(_)] => match parts.pop() {
                Some(chat::Part::Text(text)) => Some(chat::Content::Text(text)),
                _ => None,
            },
            _ => Some(chat::Content::Parts(parts)),
        };
        let place = Place { message: at, around: (".parts[", "]"), parts: places, calls: call_places };
        let tool_calls = (!calls.is_empty()).then_some(calls);
        self.push(chat::Message { tool_calls, ..chat::Message::new(role, content) }, place);
    }

    fn push(&mut self, message: chat::Message<'a>, place: Place) {
        self.done.messages.push(message);
        self.done.places.push(place);
    }

    fn call(
        &mut self,
        call: FunctionCall<'a>,
        extra_content: Option<Raw<'a>>,
        index: usize,
        number: usize,
        at: &str,
    ) -> Result<ToolCall<'a>, Refusal> {
        let FunctionCall { id, name, args } = call;
        if !args.is_none_or(|args| args.is_object()) {
            return Err(invalid(format!("{at}.functionCall.args"), "it must be an object"));
        }
        let id = id.filter(|id| !id.is_empty()).unwrap_or_else(|| format!("call_{index}_{number}").into());
        self.open.add(id.clone(), name.clone());
        let arguments = Str(arguments::compact(args.map_or("{}", Raw::get)));
        let function = chat::FunctionCall { name, arguments };
        Ok(ToolCall { id, kind: Some("function".into()), function: Some(function), extra_content })
    }

    fn response(
        &mut self,
        response: FunctionResponse<'a>,
        index: usize,
        number: usize,
        at: &str,
    ) -> Result<(), Refusal> {
        let FunctionResponse { id, name, response, parts } = response;
        let id = id.filter(|id| !id.is_empty());
        let id = self.open.answer(id.as_ref(), &name).ok_or_else(|| {
            let message = "no functionCall before it that has no response yet has this id or name";
            invalid(format!("{at}.functionResponse.name"), message)
        })?;
        let (text, failed) = match response {
            None => ("{}".into(), false),
            Some(raw) if raw.is_object() => result(raw),
            Some(_) => return Err(invalid(format!("{at}.functionResponse.response"), "it must be an object")),
        };
        let content = match parts.filter(|parts| !parts.is_empty()) {
            None => chat::Content::Text(text),
            Some(shown) => {
                let mut list = vec![chat::Part::Text(text)];
                for (inner, part) in shown.into_iter().enumerate() {
                    self.part(part, &format!("{at}.functionResponse.parts[{inner}]"), &mut list)?;
                }
                chat::Content::Parts(list)
            }
        };
        let place = Place {
            message: format!("contents[{index}]"),
            around: (".parts[", "]"),
            parts: vec![number; content.list().len()],
            calls: Vec::new(),
        };
        let message = chat::Message { tool_call_id: Some(id), failed, ..chat::Message::new(Role::Tool, Some(content)) };
        self.push(message, place);
        Ok(())
    }

    /// What a part says that is neither a call nor a response.
    fn part(&mut self, part: Part<'a>, at: &str, parts: &mut Vec<chat::Part<'a>>) -> Result<(), Refusal> {
        self.hints.add_if(part.video_metadata.is_some(), "videoMetadata");
        self.hints.add_if(part.media_resolution.is_some(), "mediaResolution");
        let by_google = [
            (part.executable_code, "executableCode"),
            (part.code_execution_result, "codeExecutionResult"),
            (part.tool_call, "toolCall"),
            (part.tool_response, "toolResponse"),
        ];
        if let Some((_, field)) = by_google.into_iter().find(|(value, _)| value.is_some()) {
            self.own_kind.push(OwnKind::new(Feature::ServerTool, format!("{at}.{field}")));
        } else if let Some(blob) = part.inline_data {
            parts.push(inline(blob));
        } else if let Some(file) = part.file_data {
            match file_part(file) {
                Some(part) => parts.push(part),
                None => self.own_kind.push(OwnKind::new(Feature::UploadedFile, format!("{at}.fileData.fileUri"))),
            }
        } else if let Some(text) = part.text {
            // Thoughts are for their maker only.
            if part.thought == Some(true) {
                self.hints.add("thought");
            } else if !text.is_empty() {
                parts.push(chat::Part::Text(text));
            }
        } else if part.thought_signature.is_none() {
            self.own_kind.push(OwnKind::new(Feature::Unknown, at));
        }
        Ok(())
    }
}

/// Google's Python SDK writes base64 in the alphabet for URLs, which the others do not read.
fn inline(blob: Blob<'_>) -> chat::Part<'_> {
    let Blob { mime_type, data, display_name } = blob;
    let data = match memchr::memchr2(b'-', b'_', data.as_bytes()) {
        None => data,
        Some(_) => data.replace('-', "+").replace('_', "/").into(),
    };
    let data = match data.len() & 3 {
        2 => format!("{}==", data.as_str()).into(),
        3 => format!("{}=", data.as_str()).into(),
        _ => data,
    };
    chat::Part::Media(Media { mime: lower(mime_type), source: MediaSource::Base64(data), name: display_name })
}

/// A file at a public address; None for one that only Google reaches.
fn file_part(file: FileData<'_>) -> Option<chat::Part<'_>> {
    let FileData { mime_type, file_uri, display_name } = file;
    let is_web = ["https://", "http://"].iter().any(|start| file_uri.starts_with(start));
    if !is_web || file_uri.contains("//generativelanguage.googleapis.com/") {
        return None;
    }
    let mime = mime_type.map(lower).unwrap_or_else(|| media::by_extension(&file_uri).unwrap_or("image/jpeg").into());
    Some(chat::Part::Media(Media { mime, source: MediaSource::Url(file_uri), name: display_name }))
}

fn lower(mime: Str<'_>) -> Str<'_> {
    match mime.bytes().any(|byte| byte.is_ascii_uppercase()) {
        true => Str(Cow::Owned(mime.to_ascii_lowercase())),
        false => mime,
    }
}

/// The text of a result, and whether it tells of an error. Gemini wants an object around each; those that are only
/// there for this are taken off: `output` and `error` as documented, `result` as its SDKs write.
fn result(raw: Raw<'_>) -> (Str<'_>, bool) {
    let whole = (Str(arguments::compact(raw.get())), false);
    let Ok(fields) = raw.parse::<BTreeMap<Str<'_>, Raw<'_>>>() else { return whole };
    let mut fields = fields.into_iter();
    let (Some((name, value)), None) = (fields.next(), fields.next()) else { return whole };
    if !matches!(name.as_str(), "output" | "result" | "error") {
        return whole;
    }
    let text = value.parse::<Str<'_>>().unwrap_or_else(|_| Str(arguments::compact(value.get())));
    (text, name.as_str() == "error")
}
