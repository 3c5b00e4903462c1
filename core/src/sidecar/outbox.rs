//! What waits to be told to the sidecar, within bounds: it may be away for long.

use crate::wire::{Key, Lead, Put, Report, Traced};
use std::collections::VecDeque;

/// Bytes of answers that wait to be kept. Those over it are not kept.
const MOST_BYTES: usize = 8 << 20;
/// What is said of answers that were not brought, and of the size of a message besides its answer, in bytes.
const OVERHEAD: usize = 128;
/// Reports that wait. Over it the oldest is lost.
const MOST_REPORTS: usize = 10_000;
/// Of one beat. With so many waiting, the next beat comes soon.
const REPORTS: usize = 500;
/// Requests that wait to be told for their spans. Those over it are not told.
const MOST_TRACES: usize = 1_000;
/// Of one beat. With so many waiting, the next beat comes soon.
const TRACES: usize = 250;
/// Of one beat, in bytes: with the reports it must be one message.
const TRACE_BYTES: usize = 1 << 20;
/// In one tick.
const PUTS: usize = 32;

#[derive(Debug, Default)]
pub(super) struct Outbox {
    puts: VecDeque<Put>,
    put_bytes: usize,
    /// With the time at which it ended, in milliseconds since 1970.
    reports: VecDeque<(u64, Report)>,
    /// The number of the last report.
    number: u64,
    leads: Vec<Lead>,
    traces: VecDeque<Traced>,
}

impl Outbox {
    pub(super) fn put(&mut self, put: Put) {
        let bytes = size(&put);
        self.leads.retain(|lead| put.token == 0 || lead.token != put.token);
        if self.put_bytes.saturating_add(bytes) <= MOST_BYTES {
            self.put_bytes = self.put_bytes.saturating_add(bytes);
            self.puts.push_back(put);
        }
    }

    pub(super) fn has_puts(&self) -> bool {
        !self.puts.is_empty()
    }

    pub(super) fn take_puts(&mut self) -> Vec<Put> {
        let count = self.puts.len().min(PUTS);
        let puts: Vec<Put> = self.puts.drain(..count).collect();
        let bytes = puts.iter().map(size).fold(0, usize::saturating_add);
        self.put_bytes = self.put_bytes.saturating_sub(bytes);
        puts
    }

    pub(super) fn forget_puts(&mut self) {
        self.puts.clear();
        self.put_bytes = 0;
    }

    /// Keeps a report and numbers it. The number, and whether another was lost for it.
    pub(super) fn report(&mut self, report: Report, now: u64) -> (u64, bool) {
        self.number = self.number.saturating_add(1);
        self.reports.push_back((now, Report { number: self.number, ..report }));
        let is_lost = self.reports.len() > MOST_REPORTS;
        if is_lost {
            self.reports.pop_front();
        }
        (self.number, is_lost)
    }

    /// The first of those that wait.
    pub(super) fn reports(&self, now: u64) -> Vec<Report> {
        let first = self.reports.iter().take(REPORTS);
        first.map(|(at, report)| Report { age: now.saturating_sub(*at), ..report.clone() }).collect()
    }

    /// Those up to `number` have been counted.
    pub(super) fn counted(&mut self, number: u64) {
        while self.reports.front().is_some_and(|(_, report)| report.number <= number) {
            self.reports.pop_front();
        }
    }

    /// Keeps what is told of a request for its spans. False: there is no room.
    pub(super) fn trace(&mut self, traced: Traced) -> bool {
        let is_kept = self.traces.len() < MOST_TRACES;
        if is_kept {
            self.traces.push_back(traced);
        }
        is_kept
    }

    /// The first of those that wait: as many as a beat tells, and one at least.
    pub(super) fn take_traces(&mut self) -> Vec<Traced> {
        let mut bytes = 0_usize;
        let fits = |traced: &&Traced| {
            bytes = bytes.saturating_add(told(traced));
            bytes <= TRACE_BYTES
        };
        let count = self.traces.iter().take(TRACES).take_while(fits).count();
        let count = count.max(1).min(self.traces.len());
        self.traces.drain(..count).collect()
    }

    /// Whether one beat would not tell all.
    pub(super) fn is_full(&self) -> bool {
        self.reports.len() >= REPORTS || self.traces.len() >= TRACES
    }

    pub(super) fn lead(&mut self, key: Key, token: u64) {
        self.leads.push(Lead { key, token });
    }

    /// Whether the lead was still held.
    pub(super) fn let_go(&mut self, token: u64) -> bool {
        let before = self.leads.len();
        self.leads.retain(|lead| lead.token != token);
        self.leads.len() < before
    }

    pub(super) fn leads(&self) -> Vec<Lead> {
        self.leads.clone()
    }
}

/// About how long it is in a message, in bytes. What a client made up is cut short, but for its prompt.
fn told(traced: &Traced) -> usize {
    /// Names, ids and numbers of the request, and of each attempt.
    const REQUEST: usize = 1_024;
    const ATTEMPT: usize = 256;
    let prompt = traced.prompt.as_ref().map_or(0, String::len);
    REQUEST.saturating_add(prompt).saturating_add(traced.tries.len().saturating_mul(ATTEMPT))
}

fn size(put: &Put) -> usize {
    put.value.as_ref().map_or(0, Vec::len).saturating_add(OVERHEAD)
}
