//! What Weir counts, as Envoy's stats: `weir_…` with labels (DESIGN section 5).
//!
//! All are defined when the configuration is read, from its names alone: nothing in a request can make a new one. The
//! host's interface knows no labels, so they are part of the name, `weir.attempts;provider=openai;;result=ok;`, and
//! Envoy takes them out again by [`LABELS`] (`stats_config.stats_tags`).

mod grid;
mod labels;
mod results;

pub use labels::{AttemptResult, Limited, Outcome, TokenKind};
pub use results::{CacheResult, Call, CallResult};

use crate::config::{Config, Target};
use crate::failure::Class;
use grid::{Axis, Grid, axis, none, results_of, written};
use labels::{CEILINGS, OTHER_LIMITS, OUTCOMES, OWNERS, TOKEN_KINDS};
use results::{CACHE_RESULTS, CALL_RESULTS, CALLS};

/// The host's metrics.
pub trait Metrics {
    /// The id of a metric of that name, the same for the same name.
    fn define(&self, kind: Kind, name: &str) -> u32;
    /// Adds to a counter; 0 is nothing.
    fn add(&self, id: u32, amount: u64);
    /// Sets a gauge.
    fn set(&self, id: u32, value: u64);
    /// Adds a value to a histogram.
    fn record(&self, id: u32, value: u64);
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// Every label that a stat may have.
pub const LABELS: [&str; 11] =
    ["provider", "model", "tenant", "outcome", "result", "from", "to", "reason", "scope", "kind", "call"];

/// How a label stands in a name: the regular expression that takes it out, with the value as its second group.
pub fn label_pattern(label: &str) -> String {
    format!("(;{label}=([^;]*);)")
}

/// The label of a model that the client names by its target: no name of the configuration.
pub const DIRECT: &str = "direct";
const NONE: &str = "-";
/// The label of a provider's model that the configuration does not name.
pub const OTHER: &str = "other";

/// All stats of one configuration.
pub struct Stats {
    metrics: Box<dyn Metrics>,
    models: Vec<String>,
    tenants: Vec<String>,
    providers: Vec<String>,
    /// Provider and model; each provider ends with [`OTHER`].
    targets: Vec<(String, String)>,
    /// Tenants with a budget, by their places in the configuration.
    budgets: Vec<usize>,
    requests: Grid,
    durations: Grid,
    attempts: Grid,
    attempt_durations: Grid,
    first_tokens: Grid,
    tokens: Grid,
    cost: Grid,
    unpriced: Grid,
    unknown_finish: Grid,
    cache: Grid,
    cache_bytes: Grid,
    sidecar_calls: Grid,
    sidecar_outage: Grid,
    reports_lost: Grid,
    traces_lost: Grid,
    budget_percent: Grid,
    budget_warning: Grid,
    fallbacks: Grid,
    limited: Grid,
    in_flight: Grid,
    cooldown: Grid,
    waiting: Grid,
    wait: Grid,
    oldest_wait: Grid,
    overhead: Grid,
    event: Grid,
    vm_memory: Grid,
}

impl Stats {
    /// Defines every stat of `config`.
    pub fn new(config: &Config, metrics: Box<dyn Metrics>) -> Self {
        let models: Vec<String> =
            config.models.iter().map(|model| model.name.as_str()).chain([DIRECT, NONE]).map(str::to_owned).collect();
        let tenants: Vec<String> =
            config.tenants.iter().map(|tenant| tenant.name.as_str()).chain([NONE]).map(str::to_owned).collect();
        let providers: Vec<String> = config.providers.iter().map(|provider| provider.name.clone()).collect();
        let targets = targets(config);
        let budgets = config.tenants.iter().enumerate().filter(|(_, tenant)| tenant.budget.is_some());
        let (budgets, budgeted): (Vec<usize>, Vec<&str>) =
            budgets.map(|(place, tenant)| (place, tenant.name.as_str())).unzip();
        let budgeted = axis("tenant", budgeted);
        let grid = |kind, name: &str, first: &Axis, second: &Axis, third: &Axis| {
            Grid::define(metrics.as_ref(), kind, name, [first, second, third])
        };
        let names = |list: &[String], label| axis(label, list.iter().map(String::as_str));
        let by_target: Axis =
            targets.iter().map(|(provider, model)| written("provider", provider) + &written("model", model)).collect();
        let by_provider = names(&providers, "provider");
        let results = axis("result", Class::ALL.iter().map(|class| class.name()).chain(["ok", "cancelled"]));
        let scopes = OWNERS.iter().flat_map(|(_, owner)| {
            CEILINGS.iter().map(move |(_, ceiling)| written("scope", &format!("{owner}_{ceiling}")))
        });
        let scopes: Axis = scopes.chain(OTHER_LIMITS.iter().map(|(_, name)| written("scope", name))).collect();
        let outcomes = axis("outcome", OUTCOMES.iter().map(|(_, name)| *name));
        let kinds = axis("kind", TOKEN_KINDS.iter().map(|(_, name)| *name));
        let calls = axis("call", CALLS.iter().map(|(_, name)| *name));
        let reasons = axis("reason", Class::ALL.iter().map(|class| class.name()));
        use Kind::{Counter, Gauge, Histogram};
        Self {
            requests: grid(Counter, "requests", &names(&models, "model"), &names(&tenants, "tenant"), &outcomes),
            durations: grid(Histogram, "request_duration_ms", &names(&models, "model"), &none(), &none()),
            attempts: grid(Counter, "attempts", &by_target, &results, &none()),
            attempt_durations: grid(Histogram, "attempt_duration_ms", &by_target, &none(), &none()),
            first_tokens: grid(Histogram, "first_token_ms", &by_target, &none(), &none()),
            tokens: grid(Counter, "tokens", &by_target, &kinds, &none()),
            cost: grid(Counter, "cost_microusd", &by_target, &names(&tenants, "tenant"), &none()),
            unpriced: grid(Counter, "unpriced", &by_target, &none(), &none()),
            unknown_finish: grid(Counter, "unknown_finish", &by_provider, &none(), &none()),
            cache: grid(Counter, "cache", &results_of(&CACHE_RESULTS), &none(), &none()),
            cache_bytes: grid(Gauge, "cache_bytes", &none(), &none(), &none()),
            sidecar_calls: grid(Counter, "sidecar_calls", &calls, &results_of(&CALL_RESULTS), &none()),
            sidecar_outage: grid(Gauge, "sidecar_outage", &none(), &none(), &none()),
            reports_lost: grid(Counter, "reports_lost", &none(), &none(), &none()),
            traces_lost: grid(Counter, "traces_lost", &none(), &none(), &none()),
            budget_percent: grid(Gauge, "budget_percent", &budgeted, &none(), &none()),
            budget_warning: grid(Gauge, "budget_warning", &budgeted, &none(), &none()),
            budgets,
            fallbacks: grid(Counter, "fallbacks", &names(&providers, "from"), &names(&providers, "to"), &reasons),
            limited: grid(Counter, "limited", &scopes, &none(), &none()),
            in_flight: grid(Gauge, "inflight", &by_provider, &none(), &none()),
            cooldown: grid(Gauge, "cooldown", &by_provider, &none(), &none()),
            waiting: grid(Gauge, "waiting", &none(), &none(), &none()),
            wait: grid(Histogram, "wait_ms", &none(), &none(), &none()),
            oldest_wait: grid(Gauge, "oldest_wait_ms", &none(), &none(), &none()),
            overhead: grid(Histogram, "overhead_us", &none(), &none(), &none()),
            event: grid(Histogram, "event_us", &none(), &none(), &none()),
            vm_memory: grid(Gauge, "vm_memory_bytes", &none(), &none(), &none()),
            models,
            tenants,
            providers,
            targets,
            metrics,
        }
    }

    /// A request is over. `model`: what it asked for, configured or not; None before it was known.
    pub fn request(&self, model: Option<&str>, tenant: Option<&str>, outcome: Outcome, millis: u64) {
        let is_known = |model: &&str| self.models.iter().any(|have| have == model);
        let unknown = if model.is_some_and(|model| model.contains('/')) { DIRECT } else { NONE };
        let model = model.filter(is_known).unwrap_or(unknown);
        let model = place(&self.models, model);
        let tenant = place(&self.tenants, tenant.unwrap_or(NONE));
        let outcome = OUTCOMES.iter().position(|(have, _)| *have == outcome).unwrap_or(0);
        self.count(self.requests.at(model, tenant, outcome), 1);
        self.record(self.durations.at(model, 0, 0), millis);
    }

    /// An attempt is over after so many milliseconds.
    pub fn attempt(&self, target: &Target, result: AttemptResult, millis: u64) {
        if result != AttemptResult::Cancelled {
            self.record(self.attempt_durations.at(self.target(target), 0, 0), millis);
        }
        let result = match result {
            AttemptResult::Failed(class) => class.index(),
            AttemptResult::Ok => Class::ALL.len(),
            AttemptResult::Cancelled => Class::ALL.len().saturating_add(1),
        };
        self.count(self.attempts.at(self.target(target), result, 0), 1);
    }

    /// The first token of an attempt came.
    pub fn first_token(&self, target: &Target, millis: u64) {
        self.record(self.first_tokens.at(self.target(target), 0, 0), millis);
    }

    /// Tokens that an answer took.
    pub fn tokens(&self, target: &Target, kind: TokenKind, amount: u64) {
        let kind = TOKEN_KINDS.iter().position(|(have, _)| *have == kind).unwrap_or(0);
        self.count(self.tokens.at(self.target(target), kind, 0), amount);
    }

    /// What an answer cost a tenant.
    pub fn cost(&self, target: &Target, tenant: Option<&str>, microusd: u64) {
        let tenant = place(&self.tenants, tenant.unwrap_or(NONE));
        self.count(self.cost.at(self.target(target), tenant, 0), microusd);
    }

    /// An answer cost nobody knows what.
    pub fn unpriced(&self, target: &Target) {
        self.count(self.unpriced.at(self.target(target), 0, 0), 1);
    }

    /// An answer, or one of its choices, ended for a reason that Weir does not know.
    pub fn unknown_finish(&self, provider: &str) {
        self.count(self.unknown_finish.at(place(&self.providers, provider), 0, 0), 1);
    }

    /// The cache had it or not, or took it or not.
    pub fn cache(&self, result: CacheResult) {
        let result = CACHE_RESULTS.iter().position(|(have, _)| *have == result).unwrap_or(0);
        self.count(self.cache.at(result, 0, 0), 1);
    }

    /// Bytes of the caches of all workers together.
    pub fn cache_bytes(&self, bytes: u64) {
        self.set(self.cache_bytes.at(0, 0, 0), bytes);
    }

    /// A call to the sidecar is over.
    pub fn sidecar_call(&self, call: Call, result: CallResult) {
        let call = CALLS.iter().position(|(have, _)| *have == call).unwrap_or(0);
        let result = CALL_RESULTS.iter().position(|(have, _)| *have == result).unwrap_or(0);
        self.count(self.sidecar_calls.at(call, result, 0), 1);
    }

    /// Whether the sidecar, or the store behind it, does not answer. As the worker that spoke last knows it.
    pub fn sidecar_outage(&self, outage: bool) {
        self.set(self.sidecar_outage.at(0, 0, 0), u64::from(outage));
    }

    /// What a request used will not be told to the sidecar: it has been away for too long.
    pub fn report_lost(&self) {
        self.count(self.reports_lost.at(0, 0, 0), 1);
    }

    /// So many requests will have no spans: the sidecar was away, or there were too many.
    pub fn traces_lost(&self, requests: u64) {
        self.count(self.traces_lost.at(0, 0, 0), requests);
    }

    /// How much of its budget the tenant at that place has spent, and whether that is worth a warning. As the worker that
    /// spoke last knows it: the store tells them all, each second.
    pub fn budget(&self, tenant: usize, percent: u64, warning: bool) {
        let budget = self.budgets.iter().position(|have| *have == tenant).unwrap_or(usize::MAX);
        self.set(self.budget_percent.at(budget, 0, 0), percent);
        self.set(self.budget_warning.at(budget, 0, 0), u64::from(warning));
    }

    /// One provider took over from another.
    pub fn fallback(&self, from: &str, to: &str, reason: Class) {
        let (from, to) = (place(&self.providers, from), place(&self.providers, to));
        self.count(self.fallbacks.at(from, to, reason.index()), 1);
    }

    /// A request had to wait, or was refused.
    pub fn limited(&self, by: Limited) {
        let scope = match by {
            Limited::By(owner, ceiling) => {
                let owner = OWNERS.iter().position(|(have, _)| *have == owner).unwrap_or(0);
                let ceiling = CEILINGS.iter().position(|(have, _)| *have == ceiling).unwrap_or(0);
                owner.saturating_mul(CEILINGS.len()).saturating_add(ceiling)
            }
            other => {
                let other = OTHER_LIMITS.iter().position(|(have, _)| *have == other).unwrap_or(0);
                OWNERS.len().saturating_mul(CEILINGS.len()).saturating_add(other)
            }
        };
        self.count(self.limited.at(scope, 0, 0), 1);
    }

    /// A request waited so long before it was served.
    pub fn waited(&self, millis: u64) {
        self.record(self.wait.at(0, 0, 0), millis);
    }

    /// For how many milliseconds the one has waited that waits longest.
    pub fn oldest_wait(&self, millis: u64) {
        self.set(self.oldest_wait.at(0, 0, 0), millis);
    }

    /// A request that went to a provider at once was on its way so many microseconds after it was complete. A look into
    /// the far cache is part of it.
    pub fn overhead(&self, micros: u64) {
        self.record(self.overhead.at(0, 0, 0), micros);
    }

    /// A part of a stream passed through in so many microseconds.
    pub fn event(&self, micros: u64) {
        self.record(self.event.at(0, 0, 0), micros);
    }

    /// Of the worker whose VM is the largest: each may have 1 GiB.
    pub fn vm_memory(&self, bytes: u64) {
        self.set(self.vm_memory.at(0, 0, 0), bytes);
    }

    /// Requests that wait.
    pub fn waiting(&self, count: u64) {
        self.set(self.waiting.at(0, 0, 0), count);
    }

    /// Requests under way at the provider at `index`, and the seconds for which it is left alone.
    pub fn provider(&self, index: usize, in_flight: u64, cooldown: u64) {
        self.set(self.in_flight.at(index, 0, 0), in_flight);
        self.set(self.cooldown.at(index, 0, 0), cooldown);
    }

    fn target(&self, target: &Target) -> usize {
        let at = |model: &str| {
            self.targets.iter().position(|(provider, have)| *provider == target.provider && have == model)
        };
        at(&target.model).or_else(|| at(OTHER)).unwrap_or(usize::MAX)
    }

    fn count(&self, id: Option<u32>, amount: u64) {
        if let Some(id) = id.filter(|_| amount > 0) {
            self.metrics.add(id, amount);
        }
    }

    fn set(&self, id: Option<u32>, value: u64) {
        if let Some(id) = id {
            self.metrics.set(id, value);
        }
    }

    fn record(&self, id: Option<u32>, value: u64) {
        if let Some(id) = id {
            self.metrics.record(id, value);
        }
    }
}

/// Each provider's targets in the configuration, and one for all that clients may address besides.
fn targets(config: &Config) -> Vec<(String, String)> {
    let mut targets: Vec<(String, String)> = Vec::new();
    for provider in &config.providers {
        let named = config.targets().filter(|target| target.provider == provider.name);
        let named = named.map(|target| target.model.as_str());
        let limited = provider.model_limits.iter().map(|limits| limits.model.as_str());
        for model in named.chain(limited).chain([OTHER]) {
            let target = (provider.name.clone(), model.to_owned());
            if !targets.contains(&target) {
                targets.push(target);
            }
        }
    }
    targets
}

fn place(names: &[String], name: &str) -> usize {
    names.iter().position(|have| have == name).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests;
