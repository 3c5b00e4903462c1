//! A request's place in its trace, and what the sidecar is told for its spans.
//! <https://www.w3.org/TR/trace-context/>

use super::ask;
use super::task::Wish;
use super::{CANCELLED, Exchange, Record, asked};
use crate::cache::Written;
use crate::chance::{self, Chance};
use crate::chat::Usage;
use crate::failure::bounded;
use crate::gateway::Gateway;
use crate::headers::Headers;
use crate::stats;
use crate::wire::{Id, Tokens, Traced, Try};
use std::borrow::Cow;

/// Within the trace-flags: somebody looks at the trace; its id was made by lot.
const SAMPLED: u8 = 1;
const RANDOM: u8 = 2;

/// Of a `tracestate` that is told, in bytes: so much of one must be passed on, at least.
const LONGEST_STATE: usize = 512;

/// Where a request is in its trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TraceContext {
    trace: u128,
    /// Its own span.
    span: u64,
    /// Its client's.
    parent: Option<u64>,
    flags: u8,
}

impl TraceContext {
    /// By what its client says of it, else by lot. None: there are no traces. `nonce`: a number that no other request
    /// under way has.
    pub(super) fn of(gateway: &Gateway, headers: &Headers, nonce: u64, now: u64) -> Option<Self> {
        let telemetry = &gateway.config.telemetry;
        telemetry.otlp.as_ref()?;
        // A client may send one id with many requests.
        let id = chance::seed(headers.text("x-request-id").unwrap_or_default());
        let mut chance = Chance::new(chance::mix(id ^ now) ^ nonce);
        let span = chance.draw().max(1);
        if let Some((trace, parent, flags)) = parent(headers).and_then(parse) {
            return Some(Self { trace, span, parent: Some(parent), flags: flags & (SAMPLED | RANDOM) });
        }
        let trace = (u128::from(chance.draw()) << 64) | u128::from(chance.draw().max(1));
        let lot = chance.draw().checked_rem(100).unwrap_or(0);
        let flags = if lot < u64::from(telemetry.trace_percent) { SAMPLED } else { 0 };
        Some(Self { trace, span, parent: None, flags })
    }

    pub(super) fn is_sampled(&self) -> bool {
        self.flags & SAMPLED != 0
    }

    /// Whether it is the client's: only then its `tracestate` belongs to it.
    pub(super) fn is_clients(&self) -> bool {
        self.parent.is_some()
    }

    /// The trace's id, as it is written.
    pub(super) fn id(&self) -> String {
        format!("{:032x}", self.trace)
    }

    /// A request's own span as the parent of others; None: the trace is not sampled.
    pub(super) fn sampled(context: Option<Self>) -> Option<String> {
        context.filter(Self::is_sampled).map(|context| context.parent_of(context.span))
    }

    /// An attempt's span as the parent of what its provider does.
    pub(super) fn traceparent_of(&self, attempt: usize) -> String {
        self.parent_of(self.attempt(attempt))
    }

    fn parent_of(&self, span: u64) -> String {
        format!("00-{:032x}-{span:016x}-{:02x}", self.trace, self.flags)
    }

    fn attempt(&self, number: usize) -> u64 {
        chance::mix(self.span ^ u64::try_from(number).unwrap_or(u64::MAX).wrapping_add(1).rotate_left(32)).max(1)
    }
}

/// The client's `traceparent`. Of several nobody knows which is right: they are none.
pub(super) fn parent(headers: &Headers) -> Option<&str> {
    headers.text("traceparent").filter(|_| headers.all("traceparent").nth(1).is_none())
}

/// The client's `tracestate`: a list, which may come in several headers.
pub(super) fn state(headers: &Headers) -> Option<Cow<'_, str>> {
    let parts = headers.all("tracestate").filter_map(|part| std::str::from_utf8(part).ok());
    let mut parts = parts.filter(|part| !part.is_empty());
    let first = parts.next()?;
    Some(parts.fold(Cow::Borrowed(first), |list, part| Cow::Owned(format!("{list},{part}"))))
}

/// `traceparent`: the trace, the parent's span, the flags. None: it is none.
fn parse(text: &str) -> Option<(u128, u64, u8)> {
    let mut parts = text.split('-');
    let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let sizes = [version, trace, span, flags].map(str::len);
    // A later version may have more parts, this one has none.
    let is_known = version != "ff" && (version != "00" || parts.next().is_none());
    let is_hex = |part: &str| part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if sizes != [2, 32, 16, 2] || !is_known || ![version, trace, span, flags].into_iter().all(is_hex) {
        return None;
    }
    let trace = u128::from_str_radix(trace, 16).ok().filter(|trace| *trace != 0)?;
    let span = u64::from_str_radix(span, 16).ok().filter(|span| *span != 0)?;
    Some((trace, span, u8::from_str_radix(flags, 16).ok()?))
}

/// What the front role knows of a request that is traced; it is told once, when the request is over.
#[derive(Default)]
pub(super) struct Telling(Option<Box<Traced>>);

impl Telling {
    /// It is known what is asked; it came at `now`.
    pub(super) fn begins(&mut self, wish: &Wish, trace: Option<TraceContext>, headers: &Headers, now: u64) {
        let Some(context) = trace.filter(TraceContext::is_sampled) else { return };
        let text = |name| headers.text(name).filter(|text| !text.is_empty()).map(bounded);
        let state = state(headers).filter(|state| context.is_clients() && state.len() <= LONGEST_STATE);
        self.0 = Some(Box::new(Traced {
            trace: Id::from(context.trace.to_be_bytes()),
            span: context.span,
            parent: context.parent,
            began: now,
            operation: wish.operation().to_owned(),
            path: bounded(ask::path(headers)),
            scheme: text(":scheme"),
            state: state.map(Cow::into_owned),
            request_id: text("x-request-id"),
            ..Traced::default()
        }));
    }

    /// It has waited for room, in milliseconds.
    pub(super) fn waits(&mut self, millis: u64) {
        self.with(|traced| traced.waited = millis);
    }

    /// What is asked word by word, if it is told at all.
    pub(super) fn asks(&mut self, prompt: impl FnOnce() -> Option<String>) {
        self.with(|traced| traced.prompt = prompt());
    }

    /// It was answered from the cache.
    pub(super) fn hits(&mut self, answer: &Written, result: stats::CacheResult) {
        self.with(|traced| {
            traced.cache = Some(result.name().to_owned());
            traced.stream = Some(answer.is_stream());
            traced.answered = Some(answer.provider.clone());
            traced.answered_model = Some(answer.model.clone());
        });
    }

    /// Whether there are spans of it.
    pub(super) fn is_some(&self) -> bool {
        self.0.is_some()
    }

    /// Weir answers it itself.
    pub(super) fn answers(&mut self, status: u16) {
        self.with(|traced| traced.status = status);
    }

    /// It ends without going to a provider.
    pub(super) fn ends(&mut self, model: Option<&str>, tenant: Option<&str>, outcome: stats::Outcome) {
        self.with(|traced| {
            traced.model = model.map(asked);
            traced.tenant = tenant.map(str::to_owned);
            outcome.name().clone_into(&mut traced.outcome);
        });
    }

    /// All of it, when it is over.
    pub(super) fn take(&mut self) -> Option<Box<Traced>> {
        self.0.take()
    }

    fn with(&mut self, change: impl FnOnce(&mut Traced)) {
        if let Some(traced) = &mut self.0 {
            change(traced);
        }
    }
}

impl Exchange {
    /// What is told of it for its spans, now that nobody holds it any more; None: it is not traced.
    pub(super) fn traced(&self) -> Option<Box<Traced>> {
        let (mut traced, context) = (self.telling.take().take()?, self.trace?);
        let seen = self.seen.get();
        let attempts = self.attempts.borrow();
        traced.millis = seen.saturating_sub(traced.began);
        traced.model = Some(asked(self.task.model()));
        traced.tenant = self.tenant_name().map(str::to_owned);
        traced.stream = Some(self.task.is_stream());
        self.ended().name().clone_into(&mut traced.outcome);
        if attempts.iter().any(Record::is_served) {
            traced.status = 200;
        }
        traced.first = self.first_token.get().map(|first| first.saturating_sub(traced.began));
        traced.tokens = self.usage.get().map(tokens);
        traced.cost_microusd = self.cost.get();
        traced.finish = self.finish.get().map(|reason| reason.as_str().to_owned());
        traced.cache = self.caching.as_ref().map(|caching| caching.result().name().to_owned());
        let tries = attempts.iter().enumerate().map(|(number, record)| {
            let (millis, first, error) = match &record.end {
                Some(end) => (end.millis, end.first, end.error.map(str::to_owned)),
                None => (seen.saturating_sub(record.since), None, Some(CANCELLED.to_owned())),
            };
            Try {
                span: context.attempt(number),
                provider: record.target.provider.clone(),
                model: record.target.model.clone(),
                after: record.since.saturating_sub(traced.began),
                millis,
                first,
                error,
                tokens: record.usage.map(tokens),
                is_served: record.is_served(),
            }
        });
        traced.tries = tries.collect();
        Some(traced)
    }
}

fn tokens(usage: Usage) -> Tokens {
    Tokens {
        input: usage.prompt,
        output: usage.completion,
        cached: usage.cached,
        cache_write: usage.cache_write,
        reasoning: usage.reasoning,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn a_traceparent_is_read_as_the_specification_says() {
        let (trace, span) = ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331");
        let good = |flags: &str| parse(&format!("00-{trace}-{span}-{flags}")).map(|(.., flags)| flags);
        assert_eq!([good("00"), good("01"), good("03"), good("ff")], [Some(0), Some(1), Some(3), Some(255)]);
        assert!(parse(&format!("cc-{trace}-{span}-01-what-will-be")).is_some(), "a later version");
        for bad in [
            String::new(),
            format!("00-{trace}-{span}-01-more"),
            format!("ff-{trace}-{span}-01"),
            format!("0-{trace}-{span}-01"),
            format!("00-{}-{span}-01", "0".repeat(32)),
            format!("00-{trace}-{}-01", "0".repeat(16)),
            format!("00-{}-{span}-01", trace.to_uppercase()),
            format!("00-{trace}-{span}"),
            format!("00-{span}-{trace}-01"),
            format!("00-{trace}-{span}-+1"),
        ] {
            assert_eq!(parse(&bad), None, "{bad}");
        }
    }
}
