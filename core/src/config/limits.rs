//! Ceilings, checked by themselves and against those that they stand under.

use super::problem::{At, Findings};
use super::resolve::at_most;
use super::{Limits, ModelLimits, raw};

/// Beyond every real limit, and sums and products of what is allowed still fit 64 bits.
const MOST: u64 = 1_000_000_000_000;
/// What the rendered clusters let through at once.
const MOST_CONCURRENCY: u64 = 1_000_000;

/// Of a provider, of a tenant, or of one model.
pub(super) fn limits(raw: &raw::Limits, found: &mut Findings) -> Limits {
    burst(&raw.burst, &raw.requests_per_minute, "requests", found);
    burst(&raw.burst_tokens, &raw.tokens_per_minute, "tokens", found);
    let concurrency = raw.concurrency.as_ref().filter(|written| {
        let fits = written.value <= MOST_CONCURRENCY;
        if !fits {
            let message = format!("is too large; Envoy lets at most {MOST_CONCURRENCY} through at once");
            found.problem(&written.place, message);
        }
        fits
    });
    Limits {
        concurrency: concurrency.map(|written| written.value),
        requests_per_minute: at_most(&raw.requests_per_minute, MOST, found),
        tokens_per_minute: at_most(&raw.tokens_per_minute, MOST, found),
        burst: raw.burst.as_ref().map(|burst| burst.value),
        burst_tokens: raw.burst_tokens.as_ref().map(|burst| burst.value),
    }
}

/// The limits of those `models` that have any. What is above the same limit in `outer`, the one for all models of
/// `owner`, would never be reached.
pub(super) fn of_models<'a>(
    models: impl Iterator<Item = &'a raw::ModelLimits>,
    outer: &Limits,
    owner: &str,
    found: &mut Findings,
) -> Vec<ModelLimits> {
    let resolved = models.map(|model| {
        within(&model.limits, outer, owner, found);
        ModelLimits { model: model.model.value.clone(), limits: limits(&model.limits, found) }
    });
    resolved.filter(|model| model.limits != Limits::default()).collect()
}

fn within(inner: &raw::Limits, outer: &Limits, owner: &str, found: &mut Findings) {
    let raw::Limits { requests_per_minute, tokens_per_minute, concurrency, burst, burst_tokens } = inner;
    let pairs = [
        (requests_per_minute, outer.requests_per_minute),
        (tokens_per_minute, outer.tokens_per_minute),
        (concurrency, outer.concurrency),
        (burst, outer.burst),
        (burst_tokens, outer.burst_tokens),
    ];
    for (inner, outer) in pairs {
        if let (Some(inner), Some(outer)) = (inner, outer)
            && inner.value > outer
        {
            found.problem(&inner.place, format!("is over the {owner}'s own limit of {outer}"));
        }
    }
}

fn burst(burst: &Option<At<u64>>, limit: &Option<At<u64>>, what: &str, found: &mut Findings) {
    let Some(burst) = burst else { return };
    match limit {
        Some(limit) if burst.value > limit.value => {
            found.problem(&burst.place, format!("is over its limit of {} {what} per minute", limit.value));
        }
        None => found.problem(&burst.place, format!("means nothing without {what}_per_minute")),
        _ => {}
    }
}
