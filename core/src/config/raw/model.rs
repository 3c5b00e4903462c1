//! A model as it was written.

use super::target::{Targets, targets};
use super::{ANSWERS, whole};
use crate::config::problem::{At, Findings};
use crate::config::read::Cursor;
use crate::config::yaml::Value;
use crate::config::{Millis, OnUnsupported};

#[derive(Debug)]
pub(in crate::config) struct Model {
    pub(in crate::config) name: At<String>,
    pub(in crate::config) targets: Option<Targets>,
    pub(in crate::config) first_token_timeout: Option<At<Millis>>,
    pub(in crate::config) answer_timeout: Option<At<Millis>>,
    pub(in crate::config) deadline: Option<At<Millis>>,
    pub(in crate::config) per_target: Option<At<u64>>,
    pub(in crate::config) backoff: Option<At<(Millis, Millis)>>,
    pub(in crate::config) hedge_after: Option<At<Millis>>,
    pub(in crate::config) cache: Option<Cache>,
    pub(in crate::config) on_unsupported: Option<At<OnUnsupported>>,
}

#[derive(Debug, Default)]
pub(in crate::config) struct Cache {
    pub(in crate::config) exact: Option<ExactCache>,
    pub(in crate::config) semantic: Option<SemanticCache>,
}

#[derive(Debug)]
pub(in crate::config) struct ExactCache {
    pub(in crate::config) ttl: Option<At<Millis>>,
    pub(in crate::config) sampled: Option<At<bool>>,
}

#[derive(Debug, Default)]
pub(in crate::config) struct SemanticCache {
    pub(in crate::config) threshold: Option<At<f64>>,
    pub(in crate::config) shadow: Option<At<bool>>,
}

/// A list of targets, or a map that says more.
pub(super) fn model(name: At<String>, cursor: Cursor<'_>, found: &mut Findings) -> Model {
    const BEHAVIOURS: &[(&str, OnUnsupported)] = &[("error", OnUnsupported::Error), ("drop", OnUnsupported::Drop)];
    let mut model = Model {
        name,
        targets: None,
        first_token_timeout: None,
        answer_timeout: None,
        deadline: None,
        per_target: None,
        backoff: None,
        hedge_after: None,
        cache: None,
        on_unsupported: None,
    };
    if let Value::List(_) = cursor.node.value {
        model.targets = targets(cursor, found);
        return model;
    }
    whole(cursor, "a list of targets, or a map with targets", found, |map, f| {
        model.targets = map.need("targets", f, targets);
        model.first_token_timeout = map.get("first_token_timeout", f, |c, f| c.duration(f));
        model.answer_timeout = map.get("answer_timeout", f, |c, f| c.duration(f));
        model.deadline = map.get("deadline", f, |c, f| c.duration(f));
        map.get("retries", f, |c, f| {
            whole(c, "a map with per_target and backoff", f, |map, f| {
                model.per_target = map.get("per_target", f, |c, f| c.whole(f));
                model.backoff = map.get("backoff", f, |c, f| c.duration_range(f));
            })
        });
        model.hedge_after = map.get("hedge_after", f, |c, f| c.duration(f));
        model.cache = map.get("cache", f, cache);
        model.on_unsupported = map.get("on_unsupported", f, |c, f| c.choice("behaviour", BEHAVIOURS, f));
    });
    model
}

fn cache(cursor: Cursor<'_>, found: &mut Findings) -> Option<Cache> {
    const MODES: &[(&str, bool)] = &[("serve", false), ("shadow", true)];
    whole(cursor, "a map with exact and semantic", found, |map, f| Cache {
        exact: map.get("exact", f, |c, f| {
            whole(c, "a map with ttl and sampled", f, |map, f| ExactCache {
                ttl: map.need("ttl", f, |c, f| c.duration(f)),
                sampled: map.get("sampled", f, |c, f| c.choice("answer", ANSWERS, f)),
            })
        }),
        semantic: map.get("semantic", f, |c, f| {
            whole(c, "a map with threshold and mode", f, |map, f| SemanticCache {
                threshold: map.get("threshold", f, |c, f| c.number(f)),
                shadow: map.get("mode", f, |c, f| c.choice("mode", MODES, f)),
            })
        }),
    })
}
