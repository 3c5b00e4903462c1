//! Parts of a message as content blocks.

use super::body::{Block, Source};
use crate::chat::{Content, File, ImageUrl, Media, MediaSource, Part};
use crate::provider::Unsupported;
use crate::provider::media::{self, Inline};
use crate::provider::unmapped::Dropped;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::borrow::Cow;

/// Who speaks decides what may be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Speaker {
    System,
    User,
    Assistant,
    Tool,
}

/// Adds the blocks of `content`, which stands at `messages[index].content`. Blank text is left out: Anthropic refuses
/// it ("text content blocks must be non-empty", "… must contain non-whitespace text").
pub(super) fn push<'a>(
    blocks: &mut Vec<Block<'a>>,
    speaker: Speaker,
    index: usize,
    content: &'a Content<'_>,
    dropped: &mut Dropped,
) -> Result<(), Unsupported> {
    let parts = match content {
        Content::Text(text) => {
            push_text(blocks, text);
            return Ok(());
        }
        Content::Parts(parts) => parts,
    };
    let shows_images = matches!(speaker, Speaker::User | Speaker::Tool);
    for (at, part) in parts.iter().enumerate() {
        let path = |field: &str| format!("messages[{index}].content[{at}].{field}");
        match part {
            Part::Text(text) => push_text(blocks, text),
            Part::Refusal(text) if speaker == Speaker::Assistant => push_text(blocks, text),
            Part::ImageUrl(url) if shows_images => {
                blocks.push(image(url, dropped).map_err(|message| Unsupported::new(path("image_url.url"), message))?);
            }
            Part::File(File { file_id: Some(_), file_data: None, .. }) => {
                let message = "an uploaded file cannot be reached from this provider; send `file_data`";
                return Err(Unsupported::new(path("file.file_id"), message));
            }
            Part::File(file) if shows_images => {
                blocks.push(document(file).map_err(|message| Unsupported::new(path("file.file_data"), message))?);
            }
            Part::Media(media) if shows_images => {
                blocks.push(medium(media).map_err(|message| Unsupported::new(path("media"), message))?);
            }
            Part::InputAudio(_) => {
                return Err(Unsupported::new(path("input_audio"), "this provider does not take audio"));
            }
            Part::Other(kind) => {
                let message = format!("this provider has no content of type `{}`", kind.as_str());
                return Err(Unsupported::new(path("type"), message));
            }
            Part::Refusal(_) | Part::ImageUrl(_) | Part::File(_) | Part::Media(_) => {
                let message = "this provider does not take this content in a message of this role";
                return Err(Unsupported::new(path("type"), message));
            }
        }
    }
    Ok(())
}

/// Adds a text block, unless the text is blank.
pub(super) fn push_text<'a>(blocks: &mut Vec<Block<'a>>, text: &'a str) {
    if !text.trim().is_empty() {
        blocks.push(Block::Text { text });
    }
}

/// Bytes that the written block holds apart from its JSON syntax.
pub(super) fn size(block: &Block<'_>) -> usize {
    let source = |source: &Source<'_>| match source {
        Source::Base64 { data, .. } => data.len(),
        Source::Text { data, .. } => data.len(),
        Source::Url { url } => url.len(),
    };
    let content = match block {
        Block::Text { text } => text.len(),
        Block::Image { source: image } | Block::Document { source: image, .. } => source(image),
        Block::ToolUse { input, .. } => input.get().len(),
        Block::ToolResult { content, .. } => content.iter().map(size).fold(0, usize::saturating_add),
    };
    content.saturating_add(64)
}

fn image<'a>(image: &'a ImageUrl<'_>, dropped: &mut Dropped) -> Result<Block<'a>, String> {
    if image.detail.as_ref().is_some_and(|detail| detail.as_str() != "auto") {
        dropped.add("detail");
    }
    let inline = match media::url(&image.url)? {
        media::Source::Web(url) => return Ok(Block::Image { source: Source::Url { url } }),
        media::Source::Inline(inline) => inline,
    };
    match &*inline.mime {
        "image/jpeg" | "image/png" | "image/gif" | "image/webp" => Ok(Block::Image { source: base64(inline) }),
        "application/pdf" => Ok(Block::Document { source: base64(inline), title: None }),
        other => Err(format!("this provider takes JPEG, PNG, GIF, WebP and PDF, not `{other}`")),
    }
}

fn document<'a>(file: &'a File<'_>) -> Result<Block<'a>, String> {
    let title = file.filename.as_ref().map(|name| name.as_str()).filter(|name| !name.trim().is_empty());
    let data = file.file_data.as_ref().ok_or("a file part needs `file_data`")?;
    inline_document(media::file(data, title)?, title)
}

fn medium<'a>(media: &'a Media<'_>) -> Result<Block<'a>, String> {
    let title = media.name.as_ref().map(|name| name.as_str()).filter(|name| !name.trim().is_empty());
    match &media.source {
        MediaSource::Url(url) if media.mime.starts_with("image/") => Ok(Block::Image { source: Source::Url { url } }),
        MediaSource::Url(url) if media.mime.as_str() == "application/pdf" => {
            Ok(Block::Document { source: Source::Url { url }, title })
        }
        MediaSource::Url(_) => Err(format!("this provider takes no `{}` by its address", media.mime.as_str())),
        MediaSource::Base64(base64) => {
            inline_document(Inline { mime: Cow::Borrowed(media.mime.as_str()), base64 }, title)
        }
    }
}

fn inline_document<'a>(inline: Inline<'a>, title: Option<&'a str>) -> Result<Block<'a>, String> {
    match &*inline.mime {
        "application/pdf" => Ok(Block::Document { source: base64(inline), title }),
        "image/jpeg" | "image/png" | "image/gif" | "image/webp" => Ok(Block::Image { source: base64(inline) }),
        mime if mime.starts_with("text/") || mime == "application/json" => {
            let bytes = STANDARD.decode(inline.base64).map_err(|_| "the file is not valid base64")?;
            let data = String::from_utf8(bytes).map_err(|_| "the file is not UTF-8 text")?;
            Ok(Block::Document { source: Source::Text { media_type: "text/plain", data }, title })
        }
        other => Err(format!("this provider takes PDF, text and image files, not `{other}`")),
    }
}

fn base64(inline: Inline<'_>) -> Source<'_> {
    Source::Base64 { media_type: inline.mime, data: inline.base64 }
}
