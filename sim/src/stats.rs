//! Counters per provider.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use serde::Serialize;

use crate::sync::lock;

/// Counters of all providers since the start or the last reset.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// The simulated OpenAI.
    pub openai: ProviderStats,
    /// The simulated Anthropic.
    pub anthropic: ProviderStats,
    /// The simulated Gemini.
    pub gemini: ProviderStats,
}

/// Counters of one provider.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ProviderStats {
    /// Requests received completely.
    pub requests: u64,
    /// Answers by the status that was sent.
    pub by_status: BTreeMap<u16, u64>,
    /// Requests received and not yet ended.
    pub in_flight: u64,
    /// The most requests in flight at once.
    pub peak_in_flight: u64,
    /// Answers that were streams.
    pub streams: u64,
    /// Prompt tokens of answered requests.
    pub tokens_in: u64,
    /// Completion tokens of answered requests.
    pub tokens_out: u64,
    /// Requests that carried another provider's key.
    pub foreign_credentials: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    requests: AtomicU64,
    in_flight: AtomicU64,
    peak_in_flight: AtomicU64,
    streams: AtomicU64,
    tokens_in: AtomicU64,
    tokens_out: AtomicU64,
    foreign_credentials: AtomicU64,
    by_status: Mutex<BTreeMap<u16, u64>>,
}

impl Counters {
    pub(crate) fn request_began(&self, foreign_credential: bool) {
        self.requests.fetch_add(1, Relaxed);
        self.foreign_credentials.fetch_add(u64::from(foreign_credential), Relaxed);
        let now = self.in_flight.fetch_add(1, Relaxed).saturating_add(1);
        self.peak_in_flight.fetch_max(now, Relaxed);
    }

    pub(crate) fn request_ended(&self) {
        self.in_flight.fetch_sub(1, Relaxed);
    }

    pub(crate) fn status_sent(&self, status: u16) {
        let mut by_status = lock(&self.by_status);
        let count = by_status.entry(status).or_default();
        *count = count.saturating_add(1);
    }

    pub(crate) fn answered(&self, streamed: bool, tokens_in: u64, tokens_out: u64) {
        self.streams.fetch_add(u64::from(streamed), Relaxed);
        self.tokens_in.fetch_add(tokens_in, Relaxed);
        self.tokens_out.fetch_add(tokens_out, Relaxed);
    }

    pub(crate) fn view(&self) -> ProviderStats {
        ProviderStats {
            requests: self.requests.load(Relaxed),
            by_status: lock(&self.by_status).clone(),
            in_flight: self.in_flight.load(Relaxed),
            peak_in_flight: self.peak_in_flight.load(Relaxed),
            streams: self.streams.load(Relaxed),
            tokens_in: self.tokens_in.load(Relaxed),
            tokens_out: self.tokens_out.load(Relaxed),
            foreign_credentials: self.foreign_credentials.load(Relaxed),
        }
    }

    /// Everything to zero but what is in flight, which will still end.
    pub(crate) fn reset(&self) {
        for counter in [&self.requests, &self.streams, &self.tokens_in, &self.tokens_out, &self.foreign_credentials] {
            counter.store(0, Relaxed);
        }
        self.peak_in_flight.store(self.in_flight.load(Relaxed), Relaxed);
        lock(&self.by_status).clear();
    }
}
