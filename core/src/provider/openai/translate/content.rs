//! Parts of a message as content parts.

use super::body::{Audio, Content, Data, File, Image, Part};
use crate::chat::{self, Media, MediaSource};
use crate::json::Str;
use crate::provider::Unsupported;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::borrow::Cow;

/// The content of a message that stands at `messages[index].content`; a single text is a string, which every
/// compatible server reads. None when it says nothing.
pub(super) fn content<'a>(
    index: usize,
    role: chat::Role,
    content: &'a chat::Content<'_>,
) -> Result<Option<Content<'a>>, Unsupported> {
    let list = match content {
        chat::Content::Text(text) => return Ok(Some(Content::Text(text))),
        chat::Content::Parts(list) => list,
    };
    let mut parts = Vec::with_capacity(list.len());
    for (at, part) in list.iter().enumerate() {
        // Of a result, shown after it.
        if role == chat::Role::Tool && matches!(part, chat::Part::Media(_)) {
            continue;
        }
        parts.push(self::part(part, role).map_err(|(field, message)| {
            Unsupported::new(format!("messages[{index}].content[{at}].{field}"), message)
        })?);
    }
    Ok(match parts.as_slice() {
        [] => None,
        [Part::Text { text: Cow::Borrowed(text) }] => Some(Content::Text(text)),
        _ => Some(Content::Parts(parts)),
    })
}

fn part<'a>(part: &'a chat::Part<'_>, role: chat::Role) -> Result<Part<'a>, (&'static str, String)> {
    let from_user = role == chat::Role::User;
    match part {
        chat::Part::Text(text) => Ok(Part::Text { text: Cow::Borrowed(text) }),
        chat::Part::Refusal(refusal) if role == chat::Role::Assistant => Ok(Part::Refusal { refusal }),
        chat::Part::ImageUrl(image) if from_user => {
            let detail = image.detail.as_ref().map(Str::as_str);
            Ok(Part::ImageUrl { image_url: Image { url: Data::Text(&image.url), detail } })
        }
        chat::Part::InputAudio(audio) if from_user => {
            Ok(Part::InputAudio { input_audio: Audio { data: &audio.data, format: &audio.format } })
        }
        chat::Part::File(file) if from_user => Ok(Part::File {
            file: File {
                file_data: file.file_data.as_ref().map(|data| Data::Text(data)),
                file_id: file.file_id.as_ref().map(Str::as_str),
                filename: file.filename.as_ref().map(Str::as_str),
            },
        }),
        chat::Part::Media(media) if from_user => medium(media).map_err(|message| ("media", message)),
        chat::Part::Other(kind) => Err(("type", format!("this provider has no content of type `{}`", kind.as_str()))),
        _ => Err(("type", "this provider does not take this content in a message of this role".to_owned())),
    }
}

/// A medium as the part that OpenAI has for its type.
pub(super) fn medium<'a>(media: &'a Media<'_>) -> Result<Part<'a>, String> {
    let mime = media.mime.as_str();
    let base64 = match &media.source {
        MediaSource::Url(url) if mime.starts_with("image/") => {
            return Ok(Part::ImageUrl { image_url: Image { url: Data::Text(url), detail: None } });
        }
        MediaSource::Url(_) => return Err(format!("this provider takes no `{mime}` by its address")),
        MediaSource::Base64(base64) => base64.as_str(),
    };
    match mime {
        "image/jpeg" | "image/png" | "image/gif" | "image/webp" => {
            Ok(Part::ImageUrl { image_url: Image { url: Data::Inline { mime, base64 }, detail: None } })
        }
        "audio/wav" | "audio/x-wav" | "audio/wave" => {
            Ok(Part::InputAudio { input_audio: Audio { data: base64, format: "wav" } })
        }
        "audio/mp3" | "audio/mpeg" => Ok(Part::InputAudio { input_audio: Audio { data: base64, format: "mp3" } }),
        "application/pdf" => {
            // A file must have a name.
            let filename = media.name.as_ref().map_or("document.pdf", Str::as_str);
            let file_data = Some(Data::Inline { mime, base64 });
            Ok(Part::File { file: File { file_data, file_id: None, filename: Some(filename) } })
        }
        mime if mime.starts_with("text/") || mime == "application/json" => {
            let bytes = STANDARD.decode(base64).map_err(|_| "the data is not valid base64")?;
            let text = String::from_utf8(bytes).map_err(|_| "the data is not UTF-8 text")?;
            Ok(Part::Text { text: Cow::Owned(text) })
        }
        other => Err(format!("this provider takes JPEG, PNG, GIF, WebP, WAV, MP3, PDF and text, not `{other}`")),
    }
}

/// Bytes that the written part holds apart from its JSON syntax.
pub(super) fn size(part: &Part<'_>) -> usize {
    let data = match part {
        Part::Text { text } => text.len(),
        Part::Refusal { refusal } => refusal.len(),
        Part::ImageUrl { image_url } => image_url.url.len(),
        Part::InputAudio { input_audio } => input_audio.data.len(),
        Part::File { file } => file.file_data.as_ref().map_or(0, Data::len),
    };
    data.saturating_add(128)
}
