//! The journal: every request that was received and what became of it.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use hyper::http::request::Parts;
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{clock::unix_now, provider::Provider, sync::lock};

/// Entries kept; older ones are dropped.
const MAX_ENTRIES: usize = 10_000;
/// Bytes kept over all entries, bodies and heads.
const MAX_BYTES: usize = 64 << 20;
/// Longer bodies are counted and hashed, not kept.
const MAX_BODY: usize = 64 << 10;

/// How an exchange ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The whole answer was handed to the connection.
    Complete,
    /// A fault ended the answer early.
    Cut,
    /// The client left before the end, also out of a hang.
    ClientClosed,
    /// A fault made the provider fall silent and the client still waits.
    Hung,
}

/// One request as it was received, and the state of its answer when the journal was read.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct JournalEntry {
    /// Who received it.
    pub provider: Provider,
    /// When its body was complete, in milliseconds since 1970.
    pub at_ms: u64,
    /// HTTP method.
    pub method: String,
    /// Path without the query.
    pub path: String,
    /// Query without `?`.
    pub query: Option<String>,
    /// Header names (lower case) and values, in the order of first appearance.
    pub headers: Vec<(String, String)>,
    /// The body if it is UTF-8 and at most 64 KiB.
    pub body: Option<String>,
    /// Bytes of the body.
    pub body_bytes: usize,
    /// SHA-256 of the body in hex, unless [`Settings`](crate::Settings) switched it off.
    pub body_sha256: Option<String>,
    /// Status that was sent; `None` while the provider has not answered.
    pub status: Option<u16>,
    /// `None` while the exchange runs.
    pub outcome: Option<Outcome>,
    /// Events handed to the connection; an answer that is not streamed is one.
    pub events_sent: u32,
    /// Whether any header or the query carried another provider's key.
    pub foreign_credential: bool,
    /// From receipt to the end in milliseconds; `None` while the exchange runs.
    pub duration_ms: Option<u64>,
}

impl JournalEntry {
    /// The first value of a header; the name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    pub fn json(&self) -> Option<Value> {
        serde_json::from_str(self.body.as_deref()?).ok()
    }
}

/// An entry that is still being written. The request's head lives here; the exchange reads it from here, too.
#[derive(Debug)]
pub(crate) struct Record {
    provider: Provider,
    at_ms: u64,
    pub(crate) parts: Parts,
    body: Option<Bytes>,
    body_bytes: usize,
    body_sha256: Option<[u8; 32]>,
    foreign_credential: bool,
    progress: Mutex<Progress>,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Progress {
    pub(crate) status: Option<u16>,
    pub(crate) outcome: Option<Outcome>,
    pub(crate) events_sent: u32,
    pub(crate) duration: Option<Duration>,
}

impl Record {
    pub(crate) fn new(provider: Provider, parts: Parts, body: &Bytes, hash: bool, foreign_credential: bool) -> Self {
        Self {
            provider,
            at_ms: u64::try_from(unix_now().as_millis()).unwrap_or(u64::MAX),
            parts,
            body: (body.len() <= MAX_BODY).then(|| body.clone()),
            body_bytes: body.len(),
            body_sha256: hash.then(|| Sha256::digest(body).into()),
            foreign_credential,
            progress: Mutex::default(),
        }
    }

    pub(crate) fn update(&self, change: impl FnOnce(&mut Progress)) {
        change(&mut lock(&self.progress));
    }

    fn bytes(&self) -> usize {
        let head: usize = self.parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
        self.body.as_ref().map_or(0, Bytes::len).saturating_add(head).saturating_add(256)
    }

    fn view(&self) -> JournalEntry {
        let progress = *lock(&self.progress);
        let header = |(name, value): (&hyper::header::HeaderName, &hyper::header::HeaderValue)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        JournalEntry {
            provider: self.provider,
            at_ms: self.at_ms,
            method: self.parts.method.to_string(),
            path: self.parts.uri.path().to_owned(),
            query: self.parts.uri.query().map(str::to_owned),
            headers: self.parts.headers.iter().map(header).collect(),
            body: self.body.as_ref().and_then(|body| String::from_utf8(body.to_vec()).ok()),
            body_bytes: self.body_bytes,
            body_sha256: self.body_sha256.map(hex),
            status: progress.status,
            outcome: progress.outcome,
            events_sent: progress.events_sent,
            foreign_credential: self.foreign_credential,
            duration_ms: progress.duration.map(|d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX)),
        }
    }
}

/// The last requests, bounded in number and bytes.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    entries: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    records: VecDeque<(usize, Arc<Record>)>,
    bytes: usize,
}

impl Journal {
    pub(crate) fn push(&self, record: Arc<Record>) {
        let size = record.bytes();
        let mut kept = lock(&self.entries);
        kept.bytes = kept.bytes.saturating_add(size);
        kept.records.push_back((size, record));
        while kept.records.len() > MAX_ENTRIES || kept.bytes > MAX_BYTES {
            let Some((size, _)) = kept.records.pop_front() else { break };
            kept.bytes = kept.bytes.saturating_sub(size);
        }
    }

    /// The last `limit` entries, of one provider or of all, newest last.
    pub(crate) fn view(&self, provider: Option<Provider>, limit: usize) -> Vec<JournalEntry> {
        let kept = lock(&self.entries);
        let matching = kept.records.iter().rev().filter(|(_, record)| provider.is_none_or(|p| p == record.provider));
        let last: Vec<Arc<Record>> = matching.take(limit).map(|(_, record)| Arc::clone(record)).collect();
        drop(kept);
        last.iter().rev().map(|record| record.view()).collect()
    }

    pub(crate) fn clear(&self) {
        *lock(&self.entries) = Kept::default();
    }
}

fn hex(bytes: [u8; 32]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(provider: Provider, body: Vec<u8>, hash: bool) -> Arc<Record> {
        let parts = hyper::Request::new(()).into_parts().0;
        Arc::new(Record::new(provider, parts, &body.into(), hash, false))
    }

    #[test]
    fn the_journal_is_bounded_in_entries_and_bytes() {
        let journal = Journal::default();
        for _ in 0..MAX_ENTRIES + 5 {
            journal.push(record(Provider::OpenAi, Vec::new(), false));
        }
        assert_eq!(journal.view(None, usize::MAX).len(), MAX_ENTRIES);
        for _ in 0..MAX_BYTES / MAX_BODY + 5 {
            journal.push(record(Provider::OpenAi, vec![b'x'; MAX_BODY], false));
        }
        assert!(lock(&journal.entries).bytes <= MAX_BYTES);
    }

    #[test]
    fn the_view_is_newest_last_and_filtered() {
        let journal = Journal::default();
        for (provider, body) in [(Provider::OpenAi, "1"), (Provider::Gemini, "2"), (Provider::OpenAi, "3")] {
            journal.push(record(provider, body.into(), false));
        }
        let bodies = |provider, limit| {
            journal.view(provider, limit).into_iter().filter_map(|entry| entry.body).collect::<Vec<_>>()
        };
        assert_eq!(bodies(None, 2), ["2", "3"]);
        assert_eq!(bodies(Some(Provider::OpenAi), 9), ["1", "3"]);
    }

    #[test]
    fn a_long_body_is_hashed_but_not_kept() {
        let entry = record(Provider::OpenAi, vec![b'x'; MAX_BODY + 1], true).view();
        assert_eq!((entry.body, entry.body_bytes), (None, MAX_BODY + 1));
        assert_eq!(entry.body_sha256.map(|hash| hash.len()), Some(64));
    }
}
