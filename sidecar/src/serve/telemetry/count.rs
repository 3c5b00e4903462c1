//! From the filter's reports to numbers. `client` is what Weir saw of a provider, attempt by attempt; `server` is what
//! Weir's client saw of Weir, once per request that had a provider to go to.

use super::instrument::Metric;
use super::known::{self, Known};
use super::once::Once;
use super::table::{Attributes, Table, Value};
use tokio::time::Instant;
use weir_core::wire::{Attempted, Report, Timing};

#[derive(Debug, Default)]
pub(super) struct GenAi {
    known: Known,
    once: Once,
    table: Table,
    /// The names of the next generation, for what is seen of providers.
    is_latest: bool,
}

impl GenAi {
    pub(super) fn new(known: Known, is_latest: bool) -> Self {
        Self { known, is_latest, ..Self::default() }
    }

    /// Begins the series of what most likely comes: well answered chats.
    pub(super) fn begin(&self) {
        let (targets, models) = self.known.expected();
        for of_it in targets {
            if self.is_latest {
                let metrics = [Metric::InferenceDuration, Metric::OperationInputTokens, Metric::OperationOutputTokens];
                metrics.into_iter().for_each(|metric| self.table.begin(metric, of_it.clone()));
                continue;
            }
            for kind in ["input", "output"] {
                let of_kind = [of_it.as_slice(), &[("gen_ai.token.type", kind.into())]].concat();
                self.table.begin(Metric::TokenUsage, of_kind);
            }
            self.table.begin(Metric::OperationDuration, of_it);
        }
        models.into_iter().for_each(|of_it| self.table.begin(Metric::RequestDuration, of_it));
    }

    pub(super) fn known(&self) -> &Known {
        &self.known
    }

    pub(super) fn table(&self) -> &Table {
        &self.table
    }

    /// Counts each report of a worker once, however often it is told.
    pub(super) fn told(&self, worker: u64, reports: &[Report], now: Instant) {
        for report in self.once.take(worker, reports, now) {
            for attempt in &report.attempts {
                self.attempt(report, attempt);
            }
            if let Some(request) = &report.request {
                self.request(report, request);
            }
        }
    }

    fn attempt(&self, report: &Report, attempt: &Attempted) {
        let [duration, first_chunk, per_chunk] = if self.is_latest {
            [Metric::InferenceDuration, Metric::InferenceTimeToFirstChunk, Metric::InferenceTimePerOutputChunk]
        } else {
            [Metric::OperationDuration, Metric::TimeToFirstChunk, Metric::TimePerOutputChunk]
        };
        let error = attempt.error.as_deref().map(known::failure);
        let of_it = self.known.at_provider(&report.operation, &attempt.provider, &attempt.model, error.is_none());
        self.table.add(duration, with_error(of_it.clone(), error), seconds(attempt.timing.millis));
        if let Some(first) = attempt.timing.first {
            self.table.add(first_chunk, of_it.clone(), seconds(first));
        }
        if !attempt.gaps.is_empty() {
            self.table.merge(per_chunk, of_it.clone(), &attempt.gaps, seconds(attempt.gap_millis));
        }
        // The conventions leave out what was not told: an estimate is none of the provider's numbers.
        if attempt.is_billed && !report.estimated {
            self.tokens(report, &of_it);
        }
    }

    fn tokens(&self, report: &Report, of_it: &Attributes) {
        let with = |name, value: &str| [of_it.as_slice(), &[(name, Value::from(value))]].concat();
        if !self.is_latest {
            self.table.add(Metric::TokenUsage, with("gen_ai.token.type", "input"), report.input as f64);
            self.table.add(Metric::TokenUsage, with("gen_ai.token.type", "output"), report.output as f64);
            return;
        }
        self.table.add(Metric::OperationInputTokens, of_it.clone(), report.input as f64);
        self.table.add(Metric::OperationOutputTokens, of_it.clone(), report.output as f64);
        for (metric, tokens) in [
            (Metric::InputTokens, report.input),
            (Metric::OutputTokens, report.output),
            (Metric::CacheReadTokens, report.cached),
            (Metric::CacheWriteTokens, report.cache_write),
            (Metric::ReasoningTokens, report.reasoning),
        ] {
            self.table.add(metric, with("gen_ai.token.modality", "unknown"), tokens as f64);
        }
    }

    fn request(&self, report: &Report, request: &Timing) {
        let last = report.attempts.last().map(|attempt| &attempt.provider);
        let provider = report.provider.as_ref().or(last).map(String::as_str);
        let of_it = self.known.at_weir(&report.operation, &report.model, provider);
        let is_ok = report.outcome == "ok";
        let error = (!is_ok).then(|| known::outcome(&report.outcome));
        self.table.add(Metric::RequestDuration, with_error(of_it.clone(), error), seconds(request.millis));
        let Some(first) = request.first.filter(|_| is_ok) else { return };
        self.table.add(Metric::TimeToFirstToken, of_it.clone(), seconds(first));
        if report.output > 1 && !report.estimated {
            let rest = seconds(request.millis.saturating_sub(first));
            self.table.add(Metric::TimePerOutputToken, of_it, rest / (report.output - 1) as f64);
        }
    }
}

fn with_error(mut attributes: Attributes, error: Option<&str>) -> Attributes {
    attributes.extend(error.map(|error| ("error.type", error.into())));
    attributes
}

fn seconds(millis: u64) -> f64 {
    millis as f64 / 1_000.0
}

#[cfg(test)]
#[path = "tests/count.rs"]
mod tests;
