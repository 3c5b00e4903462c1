//! The conversation: one message of Anthropic's may be several in neutral terms, because results of calls have a role
//! of their own there.

use super::body::{Block, Citations, Message, Source, TextOr};
use crate::chat::{self, Content, FunctionCall, Media, MediaSource, Part, Role, ToolCall};
use crate::dialect::explain::{self, Style};
use crate::dialect::neutral::{Feature, OwnKind, Place, invalid};
use crate::json::{Raw, Str};
use crate::provider::arguments;
use crate::provider::unmapped::Dropped;
use crate::refusal::Refusal;

pub(super) struct Conversation<'a> {
    pub messages: Vec<chat::Message<'a>>,
    pub places: Vec<Place>,
}

pub(super) struct Writer<'a, 'w> {
    own_kind: &'w mut Vec<OwnKind>,
    hints: &'w mut Dropped,
    done: Conversation<'a>,
}

/// What one message says to the model, while its blocks are read.
#[derive(Default)]
struct Said<'a> {
    parts: Vec<Part<'a>>,
    places: Vec<usize>,
    calls: Vec<ToolCall<'a>>,
    call_places: Vec<usize>,
}

impl<'a, 'w> Writer<'a, 'w> {
    pub(super) fn new(own_kind: &'w mut Vec<OwnKind>, hints: &'w mut Dropped) -> Self {
        Self { own_kind, hints, done: Conversation { messages: Vec::new(), places: Vec::new() } }
    }

    /// The instructions that stand before all messages.
    pub(super) fn system(&mut self, system: Option<TextOr<'a, Block<'a>>>) -> Result<(), Refusal> {
        let Some(system) = system else { return Ok(()) };
        let mut place = Place { message: "system".to_owned(), around: (".", ""), ..Place::default() };
        let content = match system {
            TextOr::Text(text) => Content::Text(text),
            TextOr::List(blocks) => {
                let mut parts = Vec::with_capacity(blocks.len());
                for (at, block) in blocks.into_iter().enumerate() {
                    self.block(block, &format!("system.{at}"), &mut parts)?;
                    place.parts.resize(parts.len(), at);
                }
                Content::Parts(parts)
            }
        };
        if !content.is_empty() {
            self.push(chat::Message::new(Role::System, Some(content)), place);
        }
        Ok(())
    }

    /// The message that stands at `messages.{index}`.
    pub(super) fn add(&mut self, index: usize, message: Message<'a>) -> Result<(), Refusal> {
        let at = format!("messages.{index}");
        let role = match message.role.as_str() {
            "user" => Role::User,
            "assistant" => Role::Assistant,
            // Newer models take instructions between messages.
            "system" => Role::System,
            _ => return Err(invalid(format!("{at}.role"), "it must be user, assistant or system")),
        };
        let blocks = match message.content {
            TextOr::Text(text) => {
                let place = Place { message: at, around: (".content.", ""), ..Place::default() };
                self.push(chat::Message::new(role, Some(Content::Text(text))), place);
                return Ok(());
            }
            TextOr::List(blocks) => blocks,
        };
        let mut said = Said::default();
        let count = blocks.len();
        for (number, block) in blocks.into_iter().enumerate() {
            let at = format!("{at}.content.{number}");
            match (block.kind.as_str(), role) {
                ("tool_result", Role::User) => self.result(block, index, number, &at)?,
                ("tool_use", Role::Assistant) => {
                    self.note(&block);
                    said.calls.push(call(block, &at)?);
                    said.call_places.push(number);
                }
                // They are for their maker only, and it needs them no longer once another has answered.
                ("thinking" | "redacted_thinking", Role::Assistant) => self.hints.add("thinking"),
                ("tool_result" | "tool_use", _) => {
                    return Err(invalid(format!("{at}.type"), "a message of this role cannot hold it"));
                }
                _ => {
                    self.block(block, &at, &mut said.parts)?;
                    said.places.resize(said.parts.len(), number);
                }
            }
        }
        self.said(role, said, at, count == 0);
        Ok(())
    }

    pub(super) fn finish(self) -> Conversation<'a> {
        self.done
    }

    /// Adds what a message says besides results, if anything; one without any blocks is kept, for the target to judge.
    fn said(&mut self, role: Role, said: Said<'a>, at: String, is_bare: bool) {
        let Said { parts, places, calls, call_places } = said;
        if parts.is_empty() && calls.is_empty() && !is_bare {
            return;
        }
        let place = Place { message: at, around: (".content.", ""), parts: places, calls: call_places };
        let content = (!parts.is_empty() || calls.is_empty()).then_some(Content::Parts(parts));
        let message =
            chat::Message { tool_calls: (!calls.is_empty()).then_some(calls), ..chat::Message::new(role, content) };
        self.push(message, place);
    }

    fn push(&mut self, message: chat::Message<'a>, place: Place) {
        self.done.messages.push(message);
        self.done.places.push(place);
    }

    fn result(&mut self, block: Block<'a>, index: usize, number: usize, at: &str) -> Result<(), Refusal> {
        self.note(&block);
        let id = block.tool_use_id.ok_or_else(|| missing(at, "tool_use_id"))?;
        let content = match block.content {
            None => Content::Text(Str::default()),
            Some(raw) => match explain::part(raw.get(), &format!("{at}.content"), Style::Dots)? {
                TextOr::Text(text) => Content::Text(text),
                TextOr::List(blocks) => {
                    let mut parts = Vec::with_capacity(blocks.len());
                    for (inner, block) in blocks.into_iter().enumerate() {
                        self.block(block, &format!("{at}.content.{inner}"), &mut parts)?;
                    }
                    Content::Parts(parts)
                }
            },
        };
        let parts = vec![number; content.list().len()];
        let place = Place { message: format!("messages.{index}"), around: (".content.", ""), parts, calls: Vec::new() };
        let message = chat::Message {
            tool_call_id: Some(id),
            failed: block.is_error == Some(true),
            ..chat::Message::new(Role::Tool, Some(content))
        };
        self.push(message, place);
        Ok(())
    }

    /// What a block says, as parts.
    fn block(&mut self, block: Block<'a>, at: &str, parts: &mut Vec<Part<'a>>) -> Result<(), Refusal> {
        self.note(&block);
        match block.kind.as_str() {
            "text" => parts.push(Part::Text(block.text.ok_or_else(|| missing(at, "text"))?)),
            "image" | "document" => {
                let raw = block.source.ok_or_else(|| missing(at, "source"))?;
                let place = format!("{at}.source");
                let source: Source<'a> = explain::part(raw.get(), &place, Style::Dots)?;
                let is_document = block.kind.as_str() == "document";
                if block.citations.is_some_and(cites) {
                    self.own_kind.push(OwnKind::new(Feature::Citations, format!("{at}.citations")));
                }
                let name = if is_document { block.title } else { None };
                // What is told about a document stands before it.
                parts.extend(block.context.map(Part::Text));
                self.source(source, name, is_document, &place, parts)?;
            }
            "server_tool_use" | "mcp_tool_use" | "mcp_tool_result" | "tool_reference" => {
                self.own_kind.push(OwnKind::new(Feature::ServerTool, format!("{at}.type")));
            }
            kind if kind.ends_with("_tool_result") => {
                self.own_kind.push(OwnKind::new(Feature::ServerTool, format!("{at}.type")));
            }
            "container_upload" => self.own_kind.push(OwnKind::new(Feature::Container, format!("{at}.type"))),
            "search_result" => self.own_kind.push(OwnKind::new(Feature::Citations, format!("{at}.type"))),
            _ => self.own_kind.push(OwnKind::new(Feature::Unknown, format!("{at}.type"))),
        }
        Ok(())
    }

    fn source(
        &mut self,
        source: Source<'a>,
        name: Option<Str<'a>>,
        is_document: bool,
        at: &str,
        parts: &mut Vec<Part<'a>>,
    ) -> Result<(), Refusal> {
        let Source { kind, media_type, data, url, content } = source;
        match kind.as_str() {
            "base64" => {
                let mime = media_type.ok_or_else(|| missing(at, "media_type"))?;
                let source = MediaSource::Base64(data.ok_or_else(|| missing(at, "data"))?);
                parts.push(Part::Media(Media { mime, source, name }));
            }
            "url" => {
                let url = url.ok_or_else(|| missing(at, "url"))?;
                let is_web = ["https://", "http://"].iter().any(|start| url.starts_with(start));
                if !is_web {
                    return Err(invalid(format!("{at}.url"), "it must begin with https:// or http://"));
                }
                let by_name = crate::provider::media::by_extension(&url).filter(|mime| mime.starts_with("image/"));
                let mime = if is_document { "application/pdf" } else { by_name.unwrap_or("image/jpeg") };
                parts.push(Part::Media(Media { mime: mime.into(), source: MediaSource::Url(url), name }));
            }
            "text" if is_document => {
                parts.extend(name.map(Part::Text));
                parts.push(Part::Text(data.ok_or_else(|| missing(at, "data"))?));
            }
            "content" if is_document => {
                parts.extend(name.map(Part::Text));
                match content.ok_or_else(|| missing(at, "content"))? {
                    TextOr::Text(text) => parts.push(Part::Text(text)),
                    TextOr::List(blocks) => {
                        for (inner, block) in blocks.into_iter().enumerate() {
                            let at = format!("{at}.content.{inner}");
                            // As deep as Anthropic lets it be; a document in it would go on for ever.
                            if !matches!(block.kind.as_str(), "text" | "image") {
                                return Err(invalid(format!("{at}.type"), "it must be text or image"));
                            }
                            self.block(block, &at, parts)?;
                        }
                    }
                }
            }
            "file" => self.own_kind.push(OwnKind::new(Feature::UploadedFile, format!("{at}.file_id"))),
            _ => return Err(invalid(format!("{at}.type"), "it must be base64, url, text, content or file")),
        }
        Ok(())
    }

    /// Notes the hints that a block carries.
    fn note(&mut self, block: &Block<'_>) {
        self.hints.add_if(block.cache_control.is_some(), "cache_control");
        self.hints.add_if(block.kind.as_str() == "text" && block.citations.is_some(), "citations");
    }
}

fn call<'a>(block: Block<'a>, at: &str) -> Result<ToolCall<'a>, Refusal> {
    let id = block.id.ok_or_else(|| missing(at, "id"))?;
    let name = block.name.ok_or_else(|| missing(at, "name"))?;
    let input = block.input.ok_or_else(|| missing(at, "input"))?;
    if !input.is_object() {
        return Err(invalid(format!("{at}.input"), "it must be an object"));
    }
    let function = FunctionCall { name, arguments: Str(arguments::compact(input.get())) };
    Ok(ToolCall { id, kind: Some("function".into()), function: Some(function), extra_content: None })
}

fn cites(raw: Raw<'_>) -> bool {
    raw.parse::<Citations>().is_ok_and(|citations| citations.enabled == Some(true))
}

fn missing(at: &str, field: &str) -> Refusal {
    invalid(format!("{at}.{field}"), format!("missing field `{field}`"))
}
