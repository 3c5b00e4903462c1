//! A tenant as it was written.

use super::limits::{Limits, ModelLimits, limits};
use super::target::{Targets, targets};
use super::{ANSWERS, whole};
use crate::civil;
use crate::config::BudgetPeriod;
use crate::config::problem::{At, Findings};
use crate::config::read::Cursor;
use crate::config::yaml::Value;

#[derive(Debug)]
pub(in crate::config) struct Tenant {
    pub(in crate::config) name: At<String>,
    /// `key_sha256`, then those of `keys`.
    pub(in crate::config) keys: Vec<ApiKey>,
    pub(in crate::config) models: Option<At<Vec<AllowedModel>>>,
    pub(in crate::config) limits: Limits,
    pub(in crate::config) budget: Option<Budget>,
    pub(in crate::config) trace_prompts: bool,
}

/// A model that it may use.
#[derive(Debug)]
pub(in crate::config) struct AllowedModel {
    pub(in crate::config) limits: ModelLimits,
    pub(in crate::config) targets: Option<Targets>,
}

#[derive(Debug)]
pub(in crate::config) struct ApiKey {
    /// Lower-case hex.
    pub(in crate::config) sha256: At<String>,
    /// Milliseconds since 1970.
    pub(in crate::config) expires: Option<At<u64>>,
}

#[derive(Debug)]
pub(in crate::config) struct Budget {
    /// In micro-dollars.
    pub(in crate::config) usd: Option<At<u64>>,
    pub(in crate::config) per: Option<At<BudgetPeriod>>,
}

pub(super) fn tenant(name: At<String>, cursor: Cursor<'_>, found: &mut Findings) -> Tenant {
    const PERIODS: &[(&str, BudgetPeriod)] = &[("day", BudgetPeriod::Day), ("month", BudgetPeriod::Month)];
    let mut tenant =
        Tenant { name, keys: Vec::new(), models: None, limits: Limits::default(), budget: None, trace_prompts: false };
    whole(cursor, "a map with keys, models, …", found, |map, f| {
        let only = map.get("key_sha256", f, sha256).map(|sha256| ApiKey { sha256, expires: None });
        let more = map.get("keys", f, keys);
        tenant.keys = only.into_iter().chain(more.into_iter().flatten()).collect();
        tenant.models = map.get("models", f, |c, f| {
            let items = c.list("a list of model names", f)?;
            Some(c.at(items.iter().filter_map(|(path, node)| model(Cursor::new(node, path), f)).collect()))
        });
        tenant.limits = map.get("limits", f, limits).unwrap_or_default();
        tenant.budget = map.get("budget", f, |c, f| {
            whole(c, "a map with usd and per", f, |map, f| Budget {
                usd: map.need("usd", f, |c, f| c.dollars(f)),
                per: map.need("per", f, |c, f| c.choice("period", PERIODS, f)),
            })
        });
        tenant.trace_prompts =
            map.get("trace_prompts", f, |c, f| c.choice("answer", ANSWERS, f)).is_some_and(|told| told.value);
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

/// What is no list or no map is not repeated: someone may have written the keys themselves.
fn keys(cursor: Cursor<'_>, found: &mut Findings) -> Option<Vec<ApiKey>> {
    let Value::List(_) = cursor.node.value else {
        found.problem(&cursor.place(), "must be a list of keys, each { sha256: …, expires: … }");
        return None;
    };
    let items = cursor.list("a list of keys", found)?;
    Some(items.iter().filter_map(|(path, node)| key(Cursor::new(node, path), found)).collect())
}

fn key(cursor: Cursor<'_>, found: &mut Findings) -> Option<ApiKey> {
    let Value::Map(_) = cursor.node.value else {
        found.problem(&cursor.place(), "must be { sha256: … }, with the SHA-256 of the key and perhaps expires");
        return None;
    };
    let (sha256, expires) = whole(cursor, "a map with sha256 and expires", found, |map, f| {
        (map.need("sha256", f, sha256), map.get("expires", f, expires))
    })?;
    Some(ApiKey { sha256: sha256?, expires })
}

fn expires(cursor: Cursor<'_>, found: &mut Findings) -> Option<At<u64>> {
    match cursor.node.text().and_then(civil::timestamp) {
        Some(millis) => Some(cursor.at(millis)),
        None => cursor.refuse("a day such as 2027-01-31 or a time such as 2027-01-31T12:00:00Z", found),
    }
}

/// Not repeated in the message: someone may have written the key itself.
fn sha256(cursor: Cursor<'_>, found: &mut Findings) -> Option<At<String>> {
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
