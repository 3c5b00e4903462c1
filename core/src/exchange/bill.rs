//! What a request cost, and who is told: the stats, its tenant's budget, and the sidecar.

use super::attempt::Pace;
use super::{End, Exchange};
use crate::config::Target;
use crate::gateway::Gateway;
use crate::headers::HeaderList;
use crate::price;
use crate::stats;
use crate::traffic::Used;
use crate::wire::{Attempted, Report, Timing};
use std::borrow::Cow;

impl Exchange {
    /// An attempt has used this.
    pub(super) fn bill(&self, (attempt, target): (usize, &Target), used: Used, now: u64) {
        if let Some(record) = self.attempts.borrow_mut().get_mut(attempt) {
            record.usage = Some(used.usage);
        }
        let gateway = &self.gateway;
        let cost = gateway.price(target).map(|price| price::cost(&price, &used.usage));
        match cost {
            Some(cost) => gateway.stats.cost(target, self.tenant_name(), cost),
            None => gateway.stats.unpriced(target),
        }
        let usage = used.usage;
        // Once a part of it is not known, the sum is not.
        let is_known = self.usage.get().is_none() || self.cost.get().is_some();
        self.usage.set(Some(self.usage.get().unwrap_or_default().saturating_add(usage)));
        let number = gateway.report(
            Report {
                provider: Some(target.provider.clone()),
                provider_model: Some(gateway.known_target(target).to_owned()),
                input: usage.prompt,
                output: usage.completion,
                cached: usage.cached,
                cache_write: usage.cache_write,
                reasoning: usage.reasoning,
                estimated: used.is_estimate,
                cost_microusd: cost,
                ..self.report(true)
            },
            now,
        );
        if let Some(cost) = cost {
            gateway.spend(self.tenant, cost, number, now);
        }
        self.cost.set(cost.filter(|_| is_known).map(|cost| cost.saturating_add(self.cost.get().unwrap_or(0))));
    }

    /// Nobody holds the request any more: tells what has not been told yet.
    pub(super) fn report_rest(&self) {
        let has_attempts = !self.ended.borrow().is_empty();
        if !self.reported.get() || !self.timed.get() || has_attempts {
            self.ends(stats::Outcome::Aborted, self.seen.get());
            let report = self.report(false);
            self.gateway.report(report, self.seen.get());
        }
    }

    /// Keeps for the next report, and for its span, how an attempt ended, now after `millis`.
    pub(super) fn note_end(
        &self,
        (attempt, target): (usize, &Target),
        error: Option<&'static str>,
        millis: u64,
        pace: &mut Pace,
        now: u64,
    ) {
        self.seen.set(now);
        let first = pace.first().map(|first| millis.saturating_sub(now.saturating_sub(first)));
        let (gaps, gap_millis) = pace.take();
        if let Some(record) = self.attempts.borrow_mut().get_mut(attempt) {
            record.end = Some(End { millis, first, error });
        }
        self.ended.borrow_mut().push(Attempted {
            provider: target.provider.clone(),
            model: self.gateway.known_target(target).to_owned(),
            timing: Timing { millis, first },
            gaps,
            gap_millis,
            error: error.map(str::to_owned),
            is_billed: false,
        });
    }

    /// What is the same for all its attempts; `billed`: the attempt that ended last has used something.
    fn report(&self, billed: bool) -> Report {
        let mut attempts = self.ended.take();
        if let Some(last) = attempts.last_mut() {
            last.is_billed = billed;
        }
        let first = self.first_token.get().map(|first| first.saturating_sub(self.arrived));
        let timing = || Timing { millis: self.seen.get().saturating_sub(self.arrived), first };
        let ends_now = self.outcome.get().is_some() && !self.timed.get();
        self.timed.set(self.timed.get() || ends_now);
        Report {
            tenant: self.tenant_name().map(str::to_owned),
            model: self.gateway.known_model(self.task.model()).to_owned(),
            outcome: self.ended().name().to_owned(),
            is_further: self.reported.replace(true),
            operation: self.operation.to_owned(),
            attempts,
            request: ends_now.then(timing),
            ..Report::default()
        }
    }

    /// `x-weir-cost-usd`, where it is known.
    pub(super) fn cost_header(&self) -> HeaderList {
        let header = |cost: u64| (Cow::from("x-weir-cost-usd"), price::show(cost).into_bytes());
        self.cost.get().map(header).into_iter().collect()
    }

    /// `x-weir-cache`, where the model has a cache.
    pub(super) fn cache_header(&self) -> HeaderList {
        let header = |result: stats::CacheResult| (Cow::from("x-weir-cache"), result.name().into());
        self.caching.as_ref().map(|caching| header(caching.result())).into_iter().collect()
    }
}

impl Gateway {
    /// A model's name as it is known in the configuration: nothing that a client made up is counted by its name.
    fn known_model<'a>(&self, model: &'a str) -> &'a str {
        if self.config.model(model).is_some() { model } else { stats::DIRECT }
    }

    fn known_target<'a>(&self, target: &'a Target) -> &'a str {
        let is_known = |known: &Target| (&known.provider, &known.model) == (&target.provider, &target.model);
        if self.config.targets().any(is_known) { &target.model } else { stats::OTHER }
    }
}
