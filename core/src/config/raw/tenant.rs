//! A tenant as it was written.

use super::limits::{Limits, ModelLimits, limits};
use super::target::{Targets, targets};
use super::whole;
use crate::config::BudgetPeriod;
use crate::config::problem::{At, Findings};
use crate::config::read::Cursor;
use crate::config::yaml::Value;

#[derive(Debug)]
pub(in crate::config) struct Tenant {
    pub(in crate::config) name: At<String>,
    pub(in crate::config) key_sha256: Option<At<String>>,
    pub(in crate::config) models: Option<At<Vec<AllowedModel>>>,
    pub(in crate::config) limits: Limits,
    pub(in crate::config) budget: Option<Budget>,
}

/// A model that it may use.
#[derive(Debug)]
pub(in crate::config) struct AllowedModel {
    pub(in crate::config) limits: ModelLimits,
    pub(in crate::config) targets: Option<Targets>,
}

#[derive(Debug)]
pub(in crate::config) struct Budget {
    pub(in crate::config) usd: Option<At<f64>>,
    pub(in crate::config) per: Option<At<BudgetPeriod>>,
}

pub(super) fn tenant(name: At<String>, cursor: Cursor<'_>, found: &mut Findings) -> Tenant {
    const PERIODS: &[(&str, BudgetPeriod)] = &[("day", BudgetPeriod::Day), ("month", BudgetPeriod::Month)];
    let mut tenant = Tenant { name, key_sha256: None, models: None, limits: Limits::default(), budget: None };
    whole(cursor, "a map with key_sha256, …", found, |map, f| {
        tenant.key_sha256 = map.need("key_sha256", f, key_sha256);
        tenant.models = map.get("models", f, |c, f| {
            let items = c.list("a list of model names", f)?;
            Some(c.at(items.iter().filter_map(|(path, node)| model(Cursor::new(node, path), f)).collect()))
        });
        tenant.limits = map.get("limits", f, limits).unwrap_or_default();
        tenant.budget = map.get("budget", f, |c, f| {
            whole(c, "a map with usd and per", f, |map, f| Budget {
                usd: map.need("usd", f, |c, f| c.number(f)),
                per: map.need("per", f, |c, f| c.choice("period", PERIODS, f)),
            })
        });
    });
    tenant
}

/// A name, or a map that says more.
fn model(cursor: Cursor<'_>, found: &mut Findings) -> Option<AllowedModel> {
    if let Value::Map(_) = cursor.node.value {
        let (model, targets, limits) = whole(cursor, "a map with model, targets and limits", found, |map, f| {
            let model = map.need("model", f, |c, f| c.text("a model name", f));
            (model, map.get("targets", f, targets), map.get("limits", f, limits).unwrap_or_default())
        })?;
        return Some(AllowedModel { limits: ModelLimits { model: model?, limits }, targets });
    }
    let model = cursor.text("a model name, or { model: …, targets: …, limits: … }", found)?;
    Some(AllowedModel { limits: ModelLimits { model, limits: Limits::default() }, targets: None })
}

/// Not repeated in the message either: someone may have written the key itself.
fn key_sha256(cursor: Cursor<'_>, found: &mut Findings) -> Option<At<String>> {
    match cursor.node.text() {
        Some(text) if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
            Some(cursor.at(text.to_ascii_lowercase()))
        }
        _ => {
            found.problem(
                &cursor.place(),
                "must be the SHA-256 of the tenant's key in 64 hex digits: printf %s KEY | sha256sum",
            );
            None
        }
    }
}
