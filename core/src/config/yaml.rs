//! YAML as a tree that remembers positions and repeated keys.
//!
//! Built from parser events and not by a ready-made loader, because the tree must be bounded: depth is limited and
//! aliases are refused, so that no small file can become a large tree.

use super::problem::Problem;
use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput};

/// The deepest a configuration needs is 7.
const MAX_DEPTH: usize = 32;
/// A file with 10,000 tenants fits.
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// A node with the position of its first character, both from 1.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) value: Value,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    /// Nothing was written: `key:`, `~` or `null`.
    Null,
    /// A scalar without quotes: a word, a number.
    Plain(String),
    /// A scalar in quotes, or a block.
    Quoted(String),
    List(Vec<Node>),
    /// As written: in order, repeated keys included.
    Map(Vec<(Key, Node)>),
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Key {
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) name: String,
}

impl Node {
    /// The text of a scalar.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Plain(text) | Value::Quoted(text) => Some(text),
            Value::Null | Value::List(_) | Value::Map(_) => None,
        }
    }
}

/// The one document in `text`; an empty text is an empty map.
pub(super) fn parse(text: &str) -> Result<Node, Problem> {
    if text.len() > MAX_BYTES {
        return Err(problem(1, 1, format!("the file is larger than {} MiB", MAX_BYTES >> 20)));
    }
    let mut events = Events { parser: Parser::new_from_str(text) };
    let mut document = None;
    loop {
        let (event, span) = events.next()?;
        match event {
            Event::StreamEnd => break,
            Event::Nothing | Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd => {}
            _ if document.is_some() => {
                return Err(problem_at(&span, "a second YAML document; one file is one document"));
            }
            event => document = Some(events.node(event, &span, 0)?),
        }
    }
    Ok(document.unwrap_or(Node { line: 1, column: 1, value: Value::Null }))
}

struct Events<'a> {
    parser: Parser<'a, StrInput<'a>>,
}

impl<'a> Events<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Span), Problem> {
        match self.parser.next_event() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => Err(syntax(&error)),
            None => Err(problem(1, 1, "the file ends too early".to_owned())),
        }
    }

    /// The node that starts with `event`. Recursion is bounded by [`MAX_DEPTH`].
    fn node(&mut self, event: Event<'a>, span: &Span, depth: usize) -> Result<Node, Problem> {
        let value = match event {
            Event::Scalar(_, _, _, Some(_)) | Event::SequenceStart(_, Some(_)) | Event::MappingStart(_, Some(_)) => {
                return Err(problem_at(span, "YAML tags are not supported"));
            }
            Event::Alias(_) => return Err(problem_at(span, "YAML aliases are not supported; write the value out")),
            Event::SequenceStart(..) | Event::MappingStart(..) if depth >= MAX_DEPTH => {
                return Err(problem_at(span, &format!("nested more than {MAX_DEPTH} levels deep")));
            }
            Event::Scalar(text, ScalarStyle::Plain, ..) => match &*text {
                "" | "~" | "null" => Value::Null,
                text => Value::Plain(text.to_owned()),
            },
            Event::Scalar(text, ..) => Value::Quoted(text.into_owned()),
            Event::SequenceStart(..) => self.list(depth)?,
            Event::MappingStart(..) => self.map(depth)?,
            _ => return Err(problem_at(span, "not a YAML value")),
        };
        let (line, column) = position(span);
        Ok(Node { line, column, value })
    }

    fn list(&mut self, depth: usize) -> Result<Value, Problem> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(Value::List(items)),
                (event, span) => items.push(self.node(event, &span, depth.saturating_add(1))?),
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<Value, Problem> {
        let mut entries = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::MappingEnd {
                return Ok(Value::Map(entries));
            }
            let Event::Scalar(name, ..) = event else {
                return Err(problem_at(&span, "a key must be plain text"));
            };
            let (line, column) = position(&span);
            let key = Key { line, column, name: name.into_owned() };
            let (event, span) = self.next()?;
            entries.push((key, self.node(event, &span, depth.saturating_add(1))?));
        }
    }
}

fn syntax(error: &ScanError) -> Problem {
    let marker = error.marker();
    problem(marker.line(), marker.col().saturating_add(1), format!("not YAML: {}", error.info()))
}

fn position(span: &Span) -> (usize, usize) {
    (span.start.line(), span.start.col().saturating_add(1))
}

fn problem_at(span: &Span, message: &str) -> Problem {
    let (line, column) = position(span);
    problem(line, column, message.to_owned())
}

fn problem(line: usize, column: usize, message: String) -> Problem {
    Problem { path: String::new(), line, column, message }
}
