//! What a message says: one text, or parts.

use crate::json::{Raw, Str};
use serde::Deserialize;
use serde::de::{self, Deserializer, SeqAccess, Visitor};
use std::fmt;

/// The content of a message.
#[derive(Clone, Debug, PartialEq)]
pub enum Content<'a> {
    Text(Str<'a>),
    Parts(Vec<Part<'a>>),
}

/// One piece of a message in parts.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(try_from = "RawPart<'a>", bound(deserialize = "'de: 'a"))]
pub enum Part<'a> {
    Text(Str<'a>),
    ImageUrl(ImageUrl<'a>),
    InputAudio(InputAudio<'a>),
    File(File<'a>),
    Refusal(Str<'a>),
    /// Any medium by its type. Only Anthropic's and Gemini's clients say it so; OpenAI has a part for each kind.
    Media(Media<'a>),
    /// A type that Weir does not know, or one with another type's content besides its own: an OpenAI-kind server gets it
    /// as it is, another provider cannot.
    Other(Str<'a>),
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
pub struct ImageUrl<'a> {
    /// `https://…` or `data:image/png;base64,…`
    pub url: Str<'a>,
    pub detail: Option<Str<'a>>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
pub struct InputAudio<'a> {
    /// Base64.
    pub data: Str<'a>,
    /// `wav` or `mp3`.
    pub format: Str<'a>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
pub struct File<'a> {
    /// A data URL, or base64 alone.
    pub file_data: Option<Str<'a>>,
    pub file_id: Option<Str<'a>>,
    pub filename: Option<Str<'a>>,
}

/// An image, a sound, a document.
#[derive(Clone, Debug, PartialEq)]
pub struct Media<'a> {
    /// `image/png`, in lower case.
    pub mime: Str<'a>,
    pub source: MediaSource<'a>,
    /// A file's name or title.
    pub name: Option<Str<'a>>,
}

/// Where the bytes of a medium are.
#[derive(Clone, Debug, PartialEq)]
pub enum MediaSource<'a> {
    /// In the alphabet with `+` and `/`.
    Base64(Str<'a>),
    /// `https://…` or `http://…`
    Url(Str<'a>),
}

impl MediaSource<'_> {
    /// The text that says it.
    pub fn as_str(&self) -> &str {
        match self {
            MediaSource::Base64(text) | MediaSource::Url(text) => text,
        }
    }
}

/// All fields of all part types: an internally tagged enum would buffer, and so copy, every part.
#[derive(Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
struct RawPart<'a> {
    #[serde(rename = "type")]
    kind: Str<'a>,
    text: Option<Str<'a>>,
    refusal: Option<Str<'a>>,
    image_url: Option<ImageUrl<'a>>,
    input_audio: Option<InputAudio<'a>>,
    file: Option<File<'a>>,
}

impl<'a> TryFrom<RawPart<'a>> for Part<'a> {
    type Error = String;

    fn try_from(raw: RawPart<'a>) -> Result<Self, String> {
        let missing = |field: &str| format!("missing field `{field}` of a `{field}` content part");
        let RawPart { kind, text, refusal, image_url, input_audio, file } = &raw;
        let is_set = [text.is_some(), refusal.is_some(), image_url.is_some(), input_audio.is_some(), file.is_some()];
        if is_set.into_iter().filter(|is_set| *is_set).count() > 1 {
            return Ok(Part::Other(raw.kind));
        }
        match kind.as_str() {
            "text" => raw.text.map(Part::Text).ok_or_else(|| missing("text")),
            "refusal" => raw.refusal.map(Part::Refusal).ok_or_else(|| missing("refusal")),
            "image_url" => raw.image_url.map(Part::ImageUrl).ok_or_else(|| missing("image_url")),
            "input_audio" => raw.input_audio.map(Part::InputAudio).ok_or_else(|| missing("input_audio")),
            "file" => raw.file.map(Part::File).ok_or_else(|| missing("file")),
            _ => Ok(Part::Other(raw.kind)),
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Content<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextOrParts;

        impl<'de> Visitor<'de> for TextOrParts {
            type Value = Content<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or an array of content parts")
            }

            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Content::Text(text.into()))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Content::Text(text.to_owned().into()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Self::Value, A::Error> {
                let mut list = Vec::new();
                while let Some(part) = parts.next_element()? {
                    list.push(part);
                }
                Ok(Content::Parts(list))
            }
        }

        deserializer.deserialize_any(TextOrParts)
    }
}

impl<'a> Content<'a> {
    /// The parts; a plain text is one text part.
    pub fn parts(&self) -> impl Iterator<Item = Part<'_>> {
        let (text, parts) = match self {
            Content::Text(text) => (Some(Part::Text(text.as_str().into())), [].as_slice()),
            Content::Parts(parts) => (None, parts.as_slice()),
        };
        text.into_iter().chain(parts.iter().cloned())
    }

    /// The parts of a content in parts; a plain text has none.
    pub fn list(&self) -> &[Part<'a>] {
        match self {
            Content::Text(_) => &[],
            Content::Parts(parts) => parts,
        }
    }

    /// Whether nothing is said: no parts, or empty text only.
    pub fn is_empty(&self) -> bool {
        match self {
            Content::Text(text) => text.is_empty(),
            Content::Parts(parts) => parts.iter().all(|part| matches!(part, Part::Text(text) if text.is_empty())),
        }
    }
}

/// A field whose value is handed on or dropped, but never read.
pub(super) type Opaque<'a> = Option<Raw<'a>>;
