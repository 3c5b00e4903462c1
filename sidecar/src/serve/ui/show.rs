//! From what Envoys count to what is shown.

use super::board::Board;
use super::view::{
    Budget, Cache, Cost, CostRow, Count, Model, Named, Overhead, Percentiles, Provider, Served, Times, Waiting,
};
use std::collections::{BTreeMap, BTreeSet};
use weir_core::config::{BudgetPeriod, Config};
use weir_core::failure::Class;

/// Of `weir_requests`, the best first.
pub(crate) const OUTCOMES: [&str; 8] =
    ["ok", "limited", "upstream_429", "upstream_5xx", "timeout", "cut", "client_error", "aborted"];
/// The client's own: neither served nor refused.
const OWN: [&str; 2] = ["client_error", "aborted"];
const TOKENS: [&str; 5] = ["input", "output", "cached", "cache_write", "reasoning"];
const CACHE: [&str; 6] = ["hit", "coalesced", "miss", "bypass", "stored", "refused"];
/// What the filter calls those that are not in the configuration.
const BESIDES: [&str; 3] = ["direct", "other", "-"];
const MOST_COSTS: usize = 50;

/// Names that are shown before anybody has used them, in the order of the configuration.
#[derive(Default)]
pub(in crate::serve) struct Names {
    providers: Vec<String>,
    models: Vec<String>,
    budgets: Vec<(String, u64, &'static str)>,
}

impl Names {
    pub(in crate::serve) fn of(config: &Config) -> Self {
        let budget = |tenant: &weir_core::config::Tenant| {
            let budget = tenant.budget.as_ref()?;
            let per = match budget.per {
                BudgetPeriod::Day => "day",
                BudgetPeriod::Month => "month",
            };
            Some((tenant.name.clone(), budget.microusd, per))
        };
        Self {
            providers: config.providers.iter().map(|provider| provider.name.clone()).collect(),
            models: config.models.iter().map(|model| model.name.clone()).collect(),
            budgets: config.tenants.iter().filter_map(budget).collect(),
        }
    }
}

/// Whether the client was failed by Weir or the providers.
pub(super) fn is_failure(outcome: &str) -> bool {
    outcome != "ok" && !OWN.contains(&outcome)
}

pub(super) fn is_own(outcome: &str) -> bool {
    OWN.contains(&outcome)
}

fn percent(part: f64, rest: f64) -> Option<f64> {
    let all = part + rest;
    (all > 0.0).then(|| 100.0 * part / all)
}

/// Served, and failed.
fn split(outcomes: &BTreeMap<&str, Count>) -> (Count, Count) {
    let ok = outcomes.get("ok").copied().unwrap_or_default();
    let failed = outcomes.iter().filter(|(outcome, _)| is_failure(outcome));
    (ok, failed.fold(Count::default(), |sum, (_, count)| sum + *count))
}

pub(super) fn served(board: &Board) -> Served {
    let (ok, failed) = split(&board.by("weir_requests", &[], "outcome"));
    Served {
        ok: ok.minute,
        failed: failed.minute,
        percent: percent(ok.minute, failed.minute),
        ever_percent: percent(ok.total, failed.total),
    }
}

fn all(known: &[&str], counts: &BTreeMap<&str, Count>) -> Vec<Named> {
    let named = |name: &&str| Named { name: (*name).to_owned(), count: counts.get(name).copied().unwrap_or_default() };
    known.iter().map(named).collect()
}

/// Those that there are, the most frequent first.
fn most_frequent(counts: BTreeMap<&str, Count>) -> Vec<Named> {
    let there = counts.into_iter().filter(|(_, count)| count.total > 0.0);
    let mut named: Vec<_> = there.map(|(name, count)| Named { name: name.to_owned(), count }).collect();
    named.sort_by(|a, b| b.count.total.total_cmp(&a.count.total));
    named
}

pub(super) fn outcomes(board: &Board) -> Vec<Named> {
    all(&OUTCOMES, &board.by("weir_requests", &[], "outcome"))
}

pub(super) fn tokens(board: &Board, labels: &[(&str, &str)]) -> Vec<Named> {
    all(&TOKENS, &board.by("weir_tokens", labels, "kind"))
}

/// The known ones in their order, then what another Envoy's configuration has; of [`BESIDES`] those that were used.
fn names<'a>(known: &'a [String], counted: BTreeSet<&'a str>, is_used: impl Fn(&str) -> bool) -> Vec<&'a str> {
    let is_new = |name: &&str| !known.iter().any(|have| have == name);
    let (besides, more): (Vec<&str>, Vec<&str>) =
        counted.into_iter().filter(is_new).partition(|name| BESIDES.contains(name));
    let besides = besides.into_iter().filter(|name| is_used(name));
    known.iter().map(String::as_str).chain(more).chain(besides).collect()
}

pub(super) fn providers(board: &Board, known: &Names) -> Vec<Provider> {
    let counted = board.by("weir_inflight", &[], "provider").into_keys().collect();
    let show = |name: &str| {
        let of = [("provider", name)];
        let results = board.by("weir_attempts", &of, "result");
        let is_failure = |result: &str| Class::ALL.iter().any(|class| class.name() == result && class.is_providers());
        let ok = results.get("ok").copied().unwrap_or_default();
        let failed = results.iter().filter(|(result, _)| is_failure(result)).map(|(_, count)| count.minute).sum();
        Provider {
            name: name.to_owned(),
            in_flight: board.gauge("weir_inflight", &of),
            cooldown: board.gauge("weir_cooldown", &of),
            ejected: board.gauge("envoy_cluster_outlier_detection_ejections_active", &[("envoy_cluster_name", name)]),
            attempts: board.count("weir_attempts", &of),
            ok_percent: percent(ok.minute, failed),
            results: most_frequent(results),
            first_token: board.percentiles("weir_first_token_ms", &of).into(),
            attempt: board.percentiles("weir_attempt_duration_ms", &of).into(),
            tokens: tokens(board, &of),
            microusd: board.count("weir_cost_microusd", &of),
        }
    };
    names(&known.providers, counted, |_| true).into_iter().map(show).collect()
}

pub(super) fn models(board: &Board, known: &Names) -> Vec<Model> {
    let requests = board.by("weir_requests", &[], "model");
    let is_used = |name: &str| requests.get(name).is_some_and(|count| count.total > 0.0);
    let show = |name: &str| {
        let of = [("model", name)];
        let (ok, failed) = split(&board.by("weir_requests", &of, "outcome"));
        Model {
            name: name.to_owned(),
            requests: requests.get(name).copied().unwrap_or_default(),
            ok_percent: percent(ok.minute, failed.minute),
            duration: board.percentiles("weir_request_duration_ms", &of).into(),
        }
    };
    names(&known.models, requests.keys().copied().collect(), is_used).into_iter().map(show).collect()
}

pub(super) fn cost(board: &Board) -> Cost {
    let mut rows = Vec::new();
    for provider in board.by("weir_cost_microusd", &[], "provider").into_keys() {
        for model in board.by("weir_cost_microusd", &[("provider", provider)], "model").into_keys() {
            let by_tenant = board.by("weir_cost_microusd", &[("provider", provider), ("model", model)], "tenant");
            let row = |(tenant, microusd): (&str, Count)| CostRow {
                provider: provider.to_owned(),
                model: model.to_owned(),
                tenant: tenant.to_owned(),
                microusd,
            };
            rows.extend(by_tenant.into_iter().filter(|(_, count)| count.total > 0.0).map(row));
        }
    }
    rows.sort_by(|a, b| b.microusd.total.total_cmp(&a.microusd.total));
    rows.truncate(MOST_COSTS);
    Cost { microusd: board.count("weir_cost_microusd", &[]), unpriced: board.count("weir_unpriced", &[]), rows }
}

pub(super) fn cache(board: &Board) -> Cache {
    let counts = board.by("weir_cache", &[], "result");
    let of = |result: &str| counts.get(result).copied().unwrap_or_default();
    let (had, missed) = (of("hit") + of("coalesced"), of("miss"));
    Cache {
        hit_percent: percent(had.minute, missed.minute),
        ever_hit_percent: percent(had.total, missed.total),
        results: all(&CACHE, &counts),
        bytes: board.gauge("weir_cache_bytes", &[]),
    }
}

pub(super) fn waiting(board: &Board) -> Waiting {
    Waiting {
        now: board.gauge("weir_waiting", &[]),
        oldest: board.gauge("weir_oldest_wait_ms", &[]),
        wait: board.percentiles("weir_wait_ms", &[]).into(),
        limited: most_frequent(board.by("weir_limited", &[], "scope")),
    }
}

pub(super) fn budgets(board: &Board, known: &Names) -> Vec<Budget> {
    let show = |(tenant, microusd, per): &(String, u64, &str)| {
        let of = [("tenant", tenant.as_str())];
        Budget {
            tenant: tenant.clone(),
            percent: board.find("weir_budget_percent", &of),
            is_warned: board.gauge("weir_budget_warning", &of) > 0.0,
            microusd: *microusd,
            per: (*per).to_owned(),
        }
    };
    known.budgets.iter().map(show).collect()
}

pub(super) fn overhead(board: &Board) -> Overhead {
    let times = |name: &str| -> Times { <[Percentiles; 2]>::into(board.percentiles(name, &[])) };
    Overhead {
        request_us: times("weir_overhead_us"),
        event_us: times("weir_event_us"),
        vm_memory_bytes: board.find("weir_vm_memory_bytes", &[]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    /// Rules, alerts and dashboards shall mean the same by a provider's failure as the page does.
    #[test]
    fn what_a_client_got_wrong_is_nowhere_a_providers_failure() {
        let clients = Class::ALL.into_iter().filter(|class| !class.is_providers()).map(Class::name);
        let clients: BTreeSet<&str> = clients.collect();
        let mut found = 0;
        for path in ["prometheus/recording.yml", "prometheus/alerts.yml", "grafana/dashboards/providers.json"] {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../envoy").join(path);
            let text = std::fs::read_to_string(&path).unwrap().replace("\\\"", "\"");
            for filter in text.split("result!~\"").skip(1).filter_map(|rest| rest.split('"').next()) {
                let of_ours = |name: &&str| !["ok", "cancelled"].contains(name);
                let named: BTreeSet<&str> = filter.split('|').filter(of_ours).collect();
                // A panel may also show them all.
                if !named.is_empty() {
                    assert_eq!(named, clients, "{}: {filter}", path.display());
                    found += 1;
                }
            }
        }
        assert!(found >= 5, "{found}");
    }
}
