//! A list of targets as it was written.

use super::whole;
use crate::config::names;
use crate::config::problem::{At, Findings};
use crate::config::read::{Cursor, quote};
use crate::config::yaml::Value;

/// At least one; None: one that was refused.
pub(in crate::config) type Targets = At<Vec<Option<Target>>>;

#[derive(Debug)]
pub(in crate::config) struct Target {
    pub(in crate::config) provider: At<String>,
    pub(in crate::config) model: String,
    pub(in crate::config) weight: Option<At<u64>>,
}

pub(super) fn targets(cursor: Cursor<'_>, found: &mut Findings) -> Option<Targets> {
    let items = cursor.list("a list of targets such as [openai/gpt-5.6]", found)?;
    if items.is_empty() {
        found.problem(&cursor.place(), "must name at least one target");
        return None;
    }
    Some(cursor.at(items.iter().map(|(path, node)| target(Cursor::new(node, path), found)).collect()))
}

fn target(cursor: Cursor<'_>, found: &mut Findings) -> Option<Target> {
    const WANTED: &str = "a target such as openai/gpt-5.6, or { target: …, weight: N }";
    if let Value::Map(_) = cursor.node.value {
        let (target, weight) = whole(cursor, WANTED, found, |map, f| {
            (map.need("target", f, target_name), map.get("weight", f, |c, f| c.count(f)))
        })?;
        let (provider, model) = target?;
        return Some(Target { provider, model, weight });
    }
    if cursor.node.text().is_none() {
        return cursor.refuse(WANTED, found);
    }
    let (provider, model) = target_name(cursor, found)?;
    Some(Target { provider, model, weight: None })
}

fn target_name(cursor: Cursor<'_>, found: &mut Findings) -> Option<(At<String>, String)> {
    let text = cursor.text("provider/model", found)?.value;
    match names::target(&text) {
        Some((provider, model)) => Some((cursor.at(provider.to_owned()), model.to_owned())),
        None => {
            found.problem(&cursor.place(), format!("{} is no target; write provider/model", quote(&text)));
            None
        }
    }
}
