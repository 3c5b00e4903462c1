//! Tenants, checked against the models they may use and against each other.

use super::problem::{At, Findings};
use super::resolve::{repeated, unknown};
use super::{ApiKey, Budget, ModelTargets, Tenant, limits, names, raw, target};

pub(super) fn resolve(
    tenants: &[raw::Tenant],
    models: &[&str],
    providers: &[&str],
    found: &mut Findings,
) -> Vec<Tenant> {
    let digests = tenants.iter().flat_map(|tenant| tenant.keys.iter().map(|key| &key.sha256));
    for (repeat, first) in repeated(digests) {
        let owner = tenants.iter().find(|tenant| tenant.keys.iter().any(|key| key.sha256.place == first.place));
        let owner = owner.map_or("another tenant", |owner| owner.name.value.as_str());
        found.problem(
            &repeat.place,
            format!("is also a key of {owner}; a key is written once, and tells who is calling"),
        );
    }
    tenants.iter().map(|tenant| self::tenant(tenant, models, providers, found)).collect()
}

fn tenant(raw: &raw::Tenant, models: &[&str], providers: &[&str], found: &mut Findings) -> Tenant {
    if let Err(reason) = names::tenant(&raw.name.value) {
        found.problem(&raw.name.place, reason);
    }
    let limits = limits::limits(&raw.limits, found);
    let written = raw.models.iter().flat_map(|models| &models.value);
    let model_limits = limits::of_models(written.clone().map(|model| &model.limits), &limits, "tenant", found);
    for (repeat, first) in repeated(written.clone().map(|model| &model.limits.model)) {
        found.problem(&repeat.place, format!("listed twice; first in line {}", first.place.line));
    }
    let model_targets = written.filter_map(|model| self::targets(model, providers, found)).collect();
    let budget = raw.budget.as_ref().and_then(|budget| {
        if let Some(usd) = budget.usd.as_ref().filter(|usd| usd.value == 0) {
            found.problem(&usd.place, "must be above 0");
        }
        let (usd, per) = (budget.usd.as_ref()?, budget.per.as_ref()?);
        Some(Budget { microusd: usd.value, per: per.value })
    });
    let allowed = raw.models.as_ref().map(|allowed| {
        if allowed.value.is_empty() {
            found.problem(&allowed.place, "allows nothing; leave the key out to allow every model");
        }
        allowed.value.iter().map(|model| self::allowed(&model.limits.model, models, providers, found)).collect()
    });
    let keys = raw.keys.iter().map(|raw::ApiKey { sha256, expires }| ApiKey {
        sha256: sha256.value.clone(),
        expires: expires.as_ref().map(|expires| expires.value),
    });
    let (name, keys) = (raw.name.value.clone(), keys.collect());
    let trace_prompts = raw.trace_prompts;
    Tenant { name, keys, models: allowed, limits, model_limits, model_targets, budget, trace_prompts }
}

fn targets(model: &raw::AllowedModel, providers: &[&str], found: &mut Findings) -> Option<ModelTargets> {
    let (name, targets) = (&model.limits.model.value, model.targets.as_ref()?);
    if names::target(name).is_some() {
        found.problem(&targets.place, "a target addressed directly has no other targets");
        return None;
    }
    Some(ModelTargets { model: name.clone(), targets: target::resolve(targets, providers, found) })
}

fn allowed(model: &At<String>, models: &[&str], providers: &[&str], found: &mut Findings) -> String {
    match names::target(&model.value) {
        Some((provider, _)) if !providers.is_empty() && !providers.contains(&provider) => {
            found.problem(&model.place, unknown("provider", provider, providers));
        }
        None if !models.contains(&model.value.as_str()) => {
            found.problem(&model.place, unknown("model", &model.value, models));
        }
        _ => {}
    }
    model.value.clone()
}
