//! Tenants, checked against the models they may use and against each other.

use super::problem::{At, Findings};
use super::resolve::{repeated, unknown};
use super::{Budget, ModelTargets, Tenant, limits, names, raw, target};

pub(super) fn resolve(
    tenants: &[raw::Tenant],
    models: &[&str],
    providers: &[&str],
    found: &mut Findings,
) -> Vec<Tenant> {
    for (repeat, first) in repeated(tenants.iter().filter_map(|tenant| tenant.key_sha256.as_ref())) {
        let owner = first.place.path.split('.').nth(1).unwrap_or_default();
        found.problem(&repeat.place, format!("is also the key of {owner}; a key must tell who is calling"));
    }
    tenants.iter().filter_map(|tenant| self::tenant(tenant, models, providers, found)).collect()
}

fn tenant(raw: &raw::Tenant, models: &[&str], providers: &[&str], found: &mut Findings) -> Option<Tenant> {
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
        if let Some(usd) = budget.usd.as_ref().filter(|usd| usd.value <= 0.0) {
            found.problem(&usd.place, "must be above 0");
        }
        let (usd, per) = (budget.usd.as_ref()?, budget.per.as_ref()?);
        Some(Budget { usd: usd.value, per: per.value })
    });
    let allowed = raw.models.as_ref().map(|allowed| {
        if allowed.value.is_empty() {
            found.problem(&allowed.place, "allows nothing; leave the key out to allow every model");
        }
        allowed.value.iter().map(|model| self::allowed(&model.limits.model, models, providers, found)).collect()
    });
    let key_sha256 = raw.key_sha256.as_ref()?.value.clone();
    let name = raw.name.value.clone();
    Some(Tenant { name, key_sha256, models: allowed, limits, model_limits, model_targets, budget })
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
