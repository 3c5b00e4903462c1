//! What Weir says of a request in its line of Envoy's access log. Envoy writes the line; the filter leaves its part where
//! that finds it, as one filter state: each one costs a call to the host.

use super::task::Wish;
use super::trace::TraceContext;
use super::{CANCELLED, Exchange, Record, asked};
use crate::cache::Written;
use crate::failure::bounded;
use crate::price;
use crate::stats;
use serde::Serialize;

/// The property with Weir's part of the line; in Envoy's formats it has `wasm.` before it.
pub const LOG_PROPERTY: &str = "weir.log";

/// Weir's part of the line. No prompt, no key; what a client made up is cut short; what does not apply is null.
#[derive(Default)]
struct Line {
    request_id: String,
    /// Only of a request that is traced.
    trace_id: Option<String>,
    method: String,
    /// The client's, without its query, which may hold a key. Attempts write over Envoy's own.
    path: String,
    tenant: Option<String>,
    /// OpenTelemetry's `gen_ai.operation.name`.
    operation: Option<&'static str>,
    /// The model's name as the client gave it.
    request_model: Option<String>,
    stream: Option<bool>,
    /// As in `weir_requests`.
    outcome: Option<&'static str>,
    /// The class of failure that the client saw.
    error_type: Option<&'static str>,
    /// Whose answer it is, also from the cache.
    provider: Option<String>,
    model: Option<String>,
    /// Each attempt's target and how it ended, in order.
    tries: Vec<String>,
    dropped_params: Vec<String>,
    /// As in `x-weir-cache`.
    cache: Option<&'static str>,
    /// In the waiting room.
    wait_ms: Option<u64>,
    /// Until the answer of a provider began to go to the client.
    first_byte_ms: Option<u64>,
    /// Until an answer in parts began to have content, from its attempt's beginning on.
    first_token_ms: Option<u64>,
    finish_reason: Option<&'static str>,
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    cached_tokens: Option<u64>,
    cache_write_tokens: Option<u64>,
    reasoning_tokens: Option<u64>,
    /// In millionths of a dollar.
    cost: Option<u64>,
}

/// A request's line while the request goes on; it is told once, when the request is over.
#[derive(Default)]
pub(super) struct Story(Option<Box<Line>>);

impl Story {
    /// It has come.
    pub(super) fn comes(&mut self, method: &str, path: &str, request_id: &str) {
        let (method, path, request_id) = (bounded(method), bounded(path), bounded(request_id));
        self.0 = Some(Box::new(Line { method, path, request_id, ..Line::default() }));
    }

    /// It is known what is asked.
    pub(super) fn begins(&mut self, wish: &Wish, trace: Option<TraceContext>) {
        self.with(|line| {
            line.operation = Some(wish.operation());
            line.trace_id = trace.filter(TraceContext::is_sampled).map(|context| context.id());
        });
    }

    /// It has waited for room, in milliseconds.
    pub(super) fn waits(&mut self, millis: u64) {
        self.with(|line| line.wait_ms = Some(millis));
    }

    /// It is answered from the cache.
    pub(super) fn hits(&mut self, answer: &Written, result: stats::CacheResult) {
        self.with(|line| {
            line.provider = Some(answer.provider.clone());
            line.model = Some(answer.model.clone());
            line.stream = Some(answer.is_stream());
            line.cache = Some(result.name());
        });
    }

    /// It ends without a provider's answer.
    pub(super) fn ends(&mut self, model: Option<&str>, tenant: Option<&str>, outcome: stats::Outcome) {
        self.with(|line| {
            line.request_model = model.filter(|model| !model.is_empty()).map(asked);
            line.tenant = tenant.map(str::to_owned);
            line.outcome = Some(outcome.name());
        });
    }

    /// It went to the providers.
    pub(super) fn goes(&mut self, exchange: &Exchange) {
        self.with(|line| line.goes(exchange));
    }

    /// All that can be said now that it is over; None the second time, or where nobody reads it. The members of a JSON
    /// object, with a comma before them, as they continue Envoy's own.
    pub(super) fn tell(&mut self) -> Option<String> {
        Some(self.0.take()?.members())
    }

    fn with(&mut self, change: impl FnOnce(&mut Line)) {
        if let Some(line) = &mut self.0 {
            change(line);
        }
    }
}

impl Line {
    /// What the attempts made of it.
    fn goes(&mut self, exchange: &Exchange) {
        self.request_model = Some(asked(exchange.task.model()));
        self.tenant = exchange.tenant_name().map(str::to_owned);
        self.stream = Some(exchange.task.is_stream());
        self.outcome = Some(exchange.ended().name());
        let attempts = exchange.attempts.borrow();
        let tries = attempts.iter().map(|record| {
            let result = record.error().unwrap_or(if record.is_served() { "ok" } else { "no answer" });
            format!("{}/{}: {result}", record.target.provider, record.target.model)
        });
        self.tries = tries.collect();
        let served = attempts.iter().find(|record| record.is_served());
        self.error_type = served.or(attempts.last()).and_then(Record::error).filter(|error| *error != CANCELLED);
        if let Some(served) = served {
            self.provider = Some(served.target.provider.clone());
            self.model = Some(served.target.model.clone());
            self.first_byte_ms = exchange.answered.get().map(|first| first.saturating_sub(exchange.arrived));
            self.first_token_ms = exchange.first_token.get().map(|first| first.saturating_sub(served.since));
            self.dropped_params.clone_from(&exchange.dropped.borrow());
        }
        self.cache = exchange.caching.as_ref().map(|caching| caching.result().name());
        self.finish_reason = exchange.finish.get().map(|reason| reason.as_str());
        if let Some(usage) = exchange.usage.get() {
            self.input_tokens = Some(usage.prompt);
            self.output_tokens = Some(usage.completion);
            self.cached_tokens = Some(usage.cached);
            self.cache_write_tokens = Some(usage.cache_write);
            self.reasoning_tokens = Some(usage.reasoning);
        }
        self.cost = exchange.cost.get();
    }

    /// All of it. By hand: a derived serializer escapes each name anew, which is most of what a line takes.
    fn members(&self) -> String {
        let mut members = Members(Vec::with_capacity(LENGTH));
        members.add(r#","request_id":"#, &self.request_id);
        members.add(r#","trace_id":"#, &self.trace_id);
        members.add(r#","method":"#, &self.method);
        members.add(r#","path":"#, &self.path);
        members.add(r#","tenant":"#, &self.tenant);
        members.add(r#","operation":"#, &self.operation);
        members.add(r#","request_model":"#, &self.request_model);
        members.add(r#","stream":"#, &self.stream);
        members.add(r#","outcome":"#, &self.outcome);
        members.add(r#","error_type":"#, &self.error_type);
        members.add(r#","provider":"#, &self.provider);
        members.add(r#","model":"#, &self.model);
        members.add(r#","tries":"#, &self.tries);
        members.add(r#","dropped_params":"#, &self.dropped_params);
        members.add(r#","cache":"#, &self.cache);
        members.add(r#","wait_ms":"#, &self.wait_ms);
        members.add(r#","first_byte_ms":"#, &self.first_byte_ms);
        members.add(r#","first_token_ms":"#, &self.first_token_ms);
        members.add(r#","finish_reason":"#, &self.finish_reason);
        members.add(r#","input_tokens":"#, &self.input_tokens);
        members.add(r#","output_tokens":"#, &self.output_tokens);
        members.add(r#","cached_tokens":"#, &self.cached_tokens);
        members.add(r#","cache_write_tokens":"#, &self.cache_write_tokens);
        members.add(r#","reasoning_tokens":"#, &self.reasoning_tokens);
        let cost = self.cost.map(price::show);
        members.raw(r#","cost_usd":"#, cost.as_deref().unwrap_or("null"));
        String::from_utf8(members.0).unwrap_or_default()
    }
}

/// Bytes that a line seldom needs more than.
const LENGTH: usize = 1_024;

struct Members(Vec<u8>);

impl Members {
    /// `name`: with all that stands around it.
    fn add(&mut self, name: &str, value: &impl Serialize) {
        self.0.extend_from_slice(name.as_bytes());
        let before = self.0.len();
        // Nothing that a line holds is refused.
        if serde_json::to_writer(&mut self.0, value).is_err() {
            self.0.truncate(before);
            self.0.extend_from_slice(b"null");
        }
    }

    fn raw(&mut self, name: &str, json: &str) {
        self.0.extend_from_slice(name.as_bytes());
        self.0.extend_from_slice(json.as_bytes());
    }
}
