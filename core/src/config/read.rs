//! Takes a positioned tree apart: every reader returns the value, or reports why not and returns None.
//!
//! A value that is None after a report is never reported again, so one mistake is one line.

use super::problem::{At, Findings, Place};
use super::yaml::{Key, Node, Value};
use super::{Millis, suggest, units};
use crate::price;
use std::net::SocketAddr;

/// A node and the path that leads to it.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'a> {
    pub(super) node: &'a Node,
    path: &'a str,
}

/// The entries of a map, each taken once; what is left over is unknown.
pub(super) struct Entries<'a> {
    place: Place,
    left: Vec<Entry<'a>>,
    known: Vec<&'static str>,
}

/// One entry of a map.
pub(super) struct Entry<'a> {
    pub(super) key: &'a Key,
    pub(super) node: &'a Node,
    pub(super) path: String,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(node: &'a Node, path: &'a str) -> Self {
        Self { node, path }
    }

    pub(super) fn place(&self) -> Place {
        Place { path: self.path.to_owned(), line: self.node.line, column: self.node.column }
    }

    pub(super) fn at<T>(&self, value: T) -> At<T> {
        At { value, place: self.place() }
    }

    /// Reports that `wanted` should stand here.
    pub(super) fn refuse<T>(&self, wanted: &str, found: &mut Findings) -> Option<T> {
        found.problem(&self.place(), format!("expected {wanted}, found {}", describe(&self.node.value)));
        None
    }

    pub(super) fn map(&self, wanted: &str, found: &mut Findings) -> Option<Entries<'a>> {
        let Value::Map(entries) = &self.node.value else { return self.refuse(wanted, found) };
        let mut left: Vec<Entry<'a>> = Vec::with_capacity(entries.len());
        let mut seen = std::collections::BTreeMap::new();
        for (key, node) in entries {
            let path = join(self.path, &key.name);
            if let Some(first) = seen.get(key.name.as_str()) {
                let place = Place { path, line: key.line, column: key.column };
                found.problem(&place, format!("written twice; first in line {first}"));
                continue;
            }
            seen.insert(key.name.as_str(), key.line);
            left.push(Entry { key, node, path });
        }
        Some(Entries { place: self.place(), left, known: Vec::new() })
    }

    pub(super) fn list(&self, wanted: &str, found: &mut Findings) -> Option<Vec<(String, &'a Node)>> {
        let Value::List(items) = &self.node.value else { return self.refuse(wanted, found) };
        Some(items.iter().enumerate().map(|(index, node)| (join(self.path, &index.to_string()), node)).collect())
    }

    pub(super) fn text(&self, wanted: &str, found: &mut Findings) -> Option<At<String>> {
        match self.node.text() {
            Some(text) => Some(self.at(text.to_owned())),
            None => self.refuse(wanted, found),
        }
    }

    /// A whole number from 1. A limit of 0 would refuse everything; that is never what is meant.
    pub(super) fn count(&self, found: &mut Findings) -> Option<At<u64>> {
        match self.whole(found)?.value {
            0 => {
                found.problem(&self.place(), "must be at least 1");
                None
            }
            value => Some(self.at(value)),
        }
    }

    /// A whole number from 0.
    pub(super) fn whole(&self, found: &mut Findings) -> Option<At<u64>> {
        match &self.node.value {
            Value::Plain(text) if !text.starts_with('+') => match text.parse() {
                Ok(value) => Some(self.at(value)),
                Err(_) => self.refuse("a whole number", found),
            },
            _ => self.refuse("a whole number", found),
        }
    }

    pub(super) fn number(&self, found: &mut Findings) -> Option<At<f64>> {
        match &self.node.value {
            Value::Plain(text) => match text.parse::<f64>() {
                Ok(value) if value.is_finite() => Some(self.at(value)),
                _ => self.refuse("a number", found),
            },
            _ => self.refuse("a number", found),
        }
    }

    /// An amount of dollars, in micro-dollars.
    pub(super) fn dollars(&self, found: &mut Findings) -> Option<At<u64>> {
        match &self.node.value {
            Value::Plain(text) => match price::dollars(text) {
                Some(micros) => Some(self.at(micros)),
                None => self.refuse("an amount of dollars such as 50 or 0.075", found),
            },
            _ => self.refuse("an amount of dollars such as 50 or 0.075", found),
        }
    }

    /// A duration of at least a millisecond.
    pub(super) fn duration(&self, found: &mut Findings) -> Option<At<Millis>> {
        let value = self.duration_or_zero(found)?;
        if value.value.0 == 0 {
            found.problem(&self.place(), "must be longer than nothing");
            return None;
        }
        Some(value)
    }

    pub(super) fn duration_or_zero(&self, found: &mut Findings) -> Option<At<Millis>> {
        match self.node.text().and_then(units::duration) {
            Some(value) => Some(self.at(value)),
            None => self.refuse("a duration such as 500ms, 10s or 1m30s", found),
        }
    }

    /// `50ms..2s`; the first must be at least a millisecond and at most the second.
    pub(super) fn duration_range(&self, found: &mut Findings) -> Option<At<(Millis, Millis)>> {
        match self.node.text().and_then(units::range) {
            Some((low, _)) if low.0 == 0 => {
                found.problem(&self.place(), "must start above nothing");
                None
            }
            Some((low, high)) if low > high => {
                let (low, high) = (units::show(low), units::show(high));
                found.problem(&self.place(), format!("runs backwards: {low} is longer than {high}"));
                None
            }
            Some(range) => Some(self.at(range)),
            None => self.refuse("a range of durations such as 50ms..2s", found),
        }
    }

    pub(super) fn size(&self, found: &mut Findings) -> Option<At<u64>> {
        match self.node.text().and_then(units::size) {
            Some(value) => Some(self.at(value)),
            None => self.refuse("a size such as 64KiB or 8MiB", found),
        }
    }

    pub(super) fn percent(&self, found: &mut Findings) -> Option<At<u64>> {
        match self.node.text().and_then(units::percent) {
            Some(value) => Some(self.at(value)),
            None => self.refuse("a percentage such as 50%", found),
        }
    }

    pub(super) fn address(&self, found: &mut Findings) -> Option<At<SocketAddr>> {
        self.address_or("an IP address with a port, such as 127.0.0.1:10000 or 0.0.0.0:10000", found)
    }

    /// An address, where `wanted` may be something else as well.
    pub(super) fn address_or(&self, wanted: &str, found: &mut Findings) -> Option<At<SocketAddr>> {
        match self.node.text().and_then(|text| text.parse::<SocketAddr>().ok()) {
            Some(address) if address.port() != 0 => Some(self.at(address)),
            Some(_) => {
                found.problem(&self.place(), "port 0 is no address that a client could be pointed at");
                None
            }
            None => self.refuse(wanted, found),
        }
    }

    /// One of the words of `choices`; `what` names them in the message.
    pub(super) fn choice<T: Copy>(&self, what: &str, choices: &[(&str, T)], found: &mut Findings) -> Option<At<T>> {
        let known = choices.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ");
        let Some(text) = self.node.text() else { return self.refuse(&format!("a {what}: {known}"), found) };
        match choices.iter().find(|(word, _)| *word == text) {
            Some((_, value)) => Some(self.at(*value)),
            None => {
                found.problem(&self.place(), format!("unknown {what} {}; known: {known}", quote(text)));
                None
            }
        }
    }
}

impl<'a> Entries<'a> {
    /// Whether the key was written and is not taken yet.
    pub(super) fn has(&self, name: &str) -> bool {
        self.left.iter().any(|entry| entry.key.name == name)
    }

    /// The entry of that name, read by `read`; None if it is absent or was refused.
    pub(super) fn get<T>(
        &mut self,
        name: &'static str,
        found: &mut Findings,
        read: impl FnOnce(Cursor<'_>, &mut Findings) -> Option<T>,
    ) -> Option<T> {
        self.known.push(name);
        let index = self.left.iter().position(|entry| entry.key.name == name)?;
        let entry = self.left.remove(index);
        let cursor = Cursor::new(entry.node, &entry.path);
        if entry.node.value == Value::Null {
            let place = Place { path: entry.path.clone(), line: entry.key.line, column: entry.key.column };
            found.problem(&place, "has no value; write one or leave the key out");
            return None;
        }
        read(cursor, found)
    }

    /// Like [`Self::get`], and reports an absent key.
    pub(super) fn need<T>(
        &mut self,
        name: &'static str,
        found: &mut Findings,
        read: impl FnOnce(Cursor<'_>, &mut Findings) -> Option<T>,
    ) -> Option<T> {
        if !self.has(name) {
            let mut place = self.place.clone();
            place.path = join(&place.path, name);
            found.problem(&place, "is missing");
        }
        self.get(name, found, read)
    }

    /// The entries whose keys are names of the user's own.
    pub(super) fn named(self) -> Vec<Entry<'a>> {
        self.left
    }

    /// Reports what nobody took.
    pub(super) fn finish(self, found: &mut Findings) {
        for entry in self.left {
            let place = Place { path: entry.path, line: entry.key.line, column: entry.key.column };
            let mut message = "unknown key".to_owned();
            match suggest::closest(&entry.key.name, self.known.iter().copied()) {
                Some(close) => message.push_str(&format!("; did you mean {close}?")),
                None => message.push_str(&format!("; known: {}", self.known.join(", "))),
            }
            found.problem(&place, message);
        }
    }
}

impl Entry<'_> {
    pub(super) fn cursor(&self) -> Cursor<'_> {
        Cursor::new(self.node, &self.path)
    }

    /// The key itself as a value: the name of a provider, a model, a tenant.
    pub(super) fn name(&self) -> At<String> {
        let place = Place { path: self.path.clone(), line: self.key.line, column: self.key.column };
        At { value: self.key.name.clone(), place }
    }
}

/// `text` in quotes, escaped and shortened: a file's text may be anything.
pub(super) fn quote(text: &str) -> String {
    const LONGEST: usize = 60;
    if text.chars().count() > LONGEST {
        let short: String = text.chars().take(LONGEST).collect();
        return format!("{:?}", format!("{short}…"));
    }
    format!("{text:?}")
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

fn describe(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Plain(text) | Value::Quoted(text) => quote(text),
        Value::List(_) => "a list".to_owned(),
        Value::Map(_) => "a map".to_owned(),
    }
}
