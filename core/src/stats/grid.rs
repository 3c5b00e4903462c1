//! A stat with labels: one of the host's metrics for each combination of their values.

use super::{Kind, Metrics};

/// The ids of one stat in all combinations of its labels: up to three axes.
#[derive(Debug, Default)]
pub(super) struct Grid {
    ids: Vec<u32>,
    second: usize,
    third: usize,
}

impl Grid {
    /// Defines `weir.{name}` in all combinations.
    pub(super) fn define(metrics: &dyn Metrics, kind: Kind, name: &str, [first, second, third]: [&Axis; 3]) -> Self {
        let mut ids = Vec::new();
        for a in first {
            for b in second {
                ids.extend(third.iter().map(|c| metrics.define(kind, &format!("weir.{name}{a}{b}{c}"))));
            }
        }
        Self { ids, second: second.len(), third: third.len() }
    }

    /// The metric at these places; None beyond the last.
    pub(super) fn at(&self, first: usize, second: usize, third: usize) -> Option<u32> {
        let row = first.checked_mul(self.second)?.checked_add(second)?;
        self.ids.get(row.checked_mul(self.third)?.checked_add(third)?).copied()
    }
}

/// One axis of a [`Grid`]: each element is its labels, written out.
pub(super) type Axis = Vec<String>;

pub(super) fn axis<'a>(label: &str, values: impl IntoIterator<Item = &'a str>) -> Axis {
    values.into_iter().map(|value| written(label, value)).collect()
}

/// A value may hold anything but what ends it.
pub(super) fn written(label: &str, value: &str) -> String {
    format!(";{label}={};", value.replace(';', "_"))
}

pub(super) fn results_of<T>(results: &[(T, &str)]) -> Axis {
    axis("result", results.iter().map(|(_, name)| *name))
}

pub(super) fn none() -> Axis {
    vec![String::new()]
}
