//! Keys that are read and checked, but that this version does not act on yet. Saying so is better than a limit that
//! silently limits nothing. When a feature lands, its line here goes.

use super::problem::{Findings, Place};
use super::yaml::{Node, Value};

/// Paths; `*` is any key.
const PENDING: &[&str] = &["models.*.cache.semantic", "jobs"];

/// Warns of every key in `root` that is not in force.
pub(super) fn warn(root: &Node, found: &mut Findings) {
    for pattern in PENDING {
        let steps: Vec<&str> = pattern.split('.').collect();
        walk(root, &steps, &mut Vec::new(), &mut |place| found.warn(&place, "not in force yet in this version"));
    }
}

fn walk<'a>(node: &'a Node, steps: &[&str], path: &mut Vec<&'a str>, hit: &mut impl FnMut(Place)) {
    let (Some((step, rest)), Value::Map(entries)) = (steps.split_first(), &node.value) else { return };
    for (key, child) in entries.iter().filter(|(key, _)| *step == "*" || key.name == *step) {
        path.push(&key.name);
        if rest.is_empty() {
            hit(Place { path: path.join("."), line: key.line, column: key.column });
        } else {
            walk(child, rest, path, hit);
        }
        path.pop();
    }
}
