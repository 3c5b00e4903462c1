//! What is said of a request where Envoy's access log finds it: as filter state, `wasm.weir.` and a name.

use super::ask::{Ask, Endpoint};
use super::task::Task;
use super::{Exchange, Outcome};
use crate::failure::bounded;
use crate::gateway::Gateway;
use crate::price;
use crate::stats;

/// One thing that is said. No prompt, no key; names that a client made up are cut short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Note {
    /// The client's, without its query, which may hold a key.
    Path,
    /// OpenTelemetry's `gen_ai.operation.name`.
    Operation,
    /// The model's name as the client gave it.
    RequestModel,
    /// Only of a request that is traced.
    TraceId,
    Tenant,
    /// `true` or `false`.
    Stream,
    /// As in `weir_requests`.
    Outcome,
    /// Each attempt's target and how it ended, in order.
    Tries,
    InputTokens,
    OutputTokens,
    CachedTokens,
    CacheWriteTokens,
    ReasoningTokens,
    /// In dollars.
    Cost,
    /// In the waiting room.
    WaitMs,
    /// From the attempt's beginning.
    FirstTokenMs,
    FinishReason,
    /// The class of failure that the client saw.
    ErrorType,
}

impl Note {
    /// All there are.
    pub const ALL: [Self; 18] = [
        Self::Path,
        Self::Operation,
        Self::RequestModel,
        Self::TraceId,
        Self::Tenant,
        Self::Stream,
        Self::Outcome,
        Self::Tries,
        Self::InputTokens,
        Self::OutputTokens,
        Self::CachedTokens,
        Self::CacheWriteTokens,
        Self::ReasoningTokens,
        Self::Cost,
        Self::WaitMs,
        Self::FirstTokenMs,
        Self::FinishReason,
        Self::ErrorType,
    ];

    /// The property that the filter sets; in Envoy's formats it has `wasm.` before it.
    pub fn property(self) -> &'static str {
        match self {
            Self::Path => "weir.path",
            Self::Operation => "weir.operation",
            Self::RequestModel => "weir.request_model",
            Self::TraceId => "weir.trace_id",
            Self::Tenant => "weir.tenant",
            Self::Stream => "weir.stream",
            Self::Outcome => "weir.outcome",
            Self::Tries => "weir.tries",
            Self::InputTokens => "weir.input_tokens",
            Self::OutputTokens => "weir.output_tokens",
            Self::CachedTokens => "weir.cached_tokens",
            Self::CacheWriteTokens => "weir.cache_write_tokens",
            Self::ReasoningTokens => "weir.reasoning_tokens",
            Self::Cost => "weir.cost_usd",
            Self::WaitMs => "weir.wait_ms",
            Self::FirstTokenMs => "weir.first_token_ms",
            Self::FinishReason => "weir.finish_reason",
            Self::ErrorType => "weir.error_type",
        }
    }
}

/// What the front role knows of a request, to be told when it is over.
#[derive(Default)]
pub(super) struct Story {
    path: Option<String>,
    operation: Option<&'static str>,
    /// As it was asked for; None before it was known.
    model: Option<String>,
    tenant: Option<usize>,
    outcome: Option<stats::Outcome>,
    /// In milliseconds.
    waited: u64,
    /// None: it is not traced.
    trace: Option<String>,
    /// Of attempts that all failed.
    tried: Vec<(Note, String)>,
    is_told: bool,
}

impl Story {
    /// It has come. Attempts write over its path.
    pub(super) fn comes(&mut self, path: &str) {
        self.path = Some(path.to_owned());
    }

    /// It is known what is asked.
    pub(super) fn begins(&mut self, endpoint: &Endpoint, ask: &Ask) {
        if let Endpoint::Task(wish) = endpoint {
            self.operation = Some(wish.operation());
            self.trace = ask.trace.filter(|context| context.is_sampled).map(|context| context.id());
        }
    }

    /// It has waited for room.
    pub(super) fn waits(&mut self, millis: u64) {
        self.waited = millis;
    }

    /// It ends without any of its attempts being served.
    pub(super) fn fails(&mut self, exchange: &Exchange) {
        self.ends(Some(exchange.task.model()), exchange.tenant, exchange.ended());
        self.tried = exchange.notes();
    }

    /// It ends without a provider's answer.
    pub(super) fn ends(&mut self, model: Option<&str>, tenant: Option<usize>, outcome: stats::Outcome) {
        self.model = model.map(str::to_owned);
        self.tenant = tenant;
        self.outcome = Some(outcome);
    }

    /// All that can be said now that it is over; nothing the second time. `exchange`: it went to the providers.
    pub(super) fn tell(&mut self, gateway: &Gateway, exchange: Option<&Exchange>) -> Vec<(Note, String)> {
        if std::mem::replace(&mut self.is_told, true) {
            return Vec::new();
        }
        let mut notes: Vec<_> = self.path.take().map(|path| (Note::Path, path)).into_iter().collect();
        if self.operation.is_none() {
            return notes;
        }
        let outcome = match exchange {
            Some(exchange) => {
                notes.extend(self.known(exchange.task.model(), exchange.tenant_name(), Some(&exchange.task)));
                notes.extend(exchange.notes());
                Some(exchange.ended())
            }
            None => {
                let tenant = self.tenant.and_then(|tenant| gateway.config.tenants.get(tenant));
                let model = self.model.take().unwrap_or_default();
                notes.extend(self.known(&model, tenant.map(|tenant| tenant.name.as_str()), None));
                notes.append(&mut self.tried);
                self.outcome
            }
        };
        notes.push((Note::Outcome, outcome.unwrap_or(stats::Outcome::Aborted).name().to_owned()));
        if self.waited > 0 {
            notes.push((Note::WaitMs, self.waited.to_string()));
        }
        notes
    }

    fn known(&self, model: &str, tenant: Option<&str>, task: Option<&Task>) -> Vec<(Note, String)> {
        let Some(operation) = self.operation else { return Vec::new() };
        let model = bounded(model);
        let mut notes = vec![(Note::Operation, operation.to_owned())];
        notes.extend(self.trace.clone().map(|trace| (Note::TraceId, trace)));
        if !model.is_empty() {
            notes.push((Note::RequestModel, model));
        }
        notes.extend(tenant.map(|tenant| (Note::Tenant, tenant.to_owned())));
        notes.extend(task.map(|task| (Note::Stream, task.is_stream().to_string())));
        notes
    }
}

impl Exchange {
    /// How it ends, as far as is known now.
    pub(super) fn ended(&self) -> stats::Outcome {
        self.outcome.get().unwrap_or(stats::Outcome::Aborted)
    }

    /// What the attempts made of it.
    fn notes(&self) -> Vec<(Note, String)> {
        let attempts = self.attempts.borrow();
        let tries = attempts.iter().map(|record| {
            let result = match &record.outcome {
                Outcome::Served => "ok",
                Outcome::Failed(failure) => failure.class.name(),
                Outcome::Pending => "no answer",
            };
            format!("{}/{}: {result}", record.target.provider, record.target.model)
        });
        let mut notes = vec![(Note::Tries, tries.collect::<Vec<_>>().join(", "))];
        if let Some(usage) = self.usage.get() {
            let counts = [
                (Note::InputTokens, usage.prompt),
                (Note::OutputTokens, usage.completion),
                (Note::CachedTokens, usage.cached),
                (Note::CacheWriteTokens, usage.cache_write),
                (Note::ReasoningTokens, usage.reasoning),
            ];
            let is_said =
                |(note, count): &(Note, u64)| *count > 0 || matches!(note, Note::InputTokens | Note::OutputTokens);
            notes.extend(counts.into_iter().filter(is_said).map(|(note, count)| (note, count.to_string())));
        }
        notes.extend(self.cost.get().map(|cost| (Note::Cost, price::show(cost))));
        let served = attempts.iter().find(|record| matches!(record.outcome, Outcome::Served));
        if let Some((first, served)) = self.first_token.get().zip(served) {
            let millis = first.saturating_sub(served.since);
            notes.push((Note::FirstTokenMs, millis.to_string()));
        }
        notes.extend(self.finish.get().map(|reason| (Note::FinishReason, reason.as_str().to_owned())));
        let last = attempts.last().map(|record| &record.outcome);
        if let (Some(Outcome::Failed(failure)), None) = (last, served) {
            notes.push((Note::ErrorType, failure.class.name().to_owned()));
        }
        notes
    }
}
