//! A host for tests: shared memory, and stats that can be read again.

use crate::gateway::Ports;
use crate::shared::Local;
use crate::stats::{Kind, Metrics};
use sha2::{Digest, Sha256};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// A key as a configuration knows it.
pub(crate) fn hex_sha256(key: &str) -> String {
    Sha256::digest(key).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A host of several workers.
#[derive(Clone, Default)]
pub(crate) struct Host {
    shared: Local,
    stats: Recorded,
}

impl Host {
    pub(crate) fn ports(&self, worker: u64) -> Ports {
        Ports {
            shared: Rc::new(self.shared.clone()),
            metrics: Box::new(self.stats.clone()),
            worker,
            has_sidecar: false,
        }
    }

    /// The value of a stat, by its whole name; of a histogram, how many values it got.
    pub(crate) fn stat(&self, name: &str) -> u64 {
        let stats = self.stats.0.borrow();
        stats.values.get(name).copied().unwrap_or_else(|| panic!("{name} is not defined"))
    }

    /// How many stats there are.
    pub(crate) fn stats(&self) -> usize {
        self.stats.0.borrow().names.len()
    }
}

#[derive(Clone, Default)]
struct Recorded(Rc<RefCell<Values>>);

#[derive(Default)]
struct Values {
    names: Vec<(String, Kind)>,
    values: BTreeMap<String, u64>,
}

impl Recorded {
    fn change(&self, id: u32, change: impl FnOnce(u64) -> u64) {
        let mut values = self.0.borrow_mut();
        let (name, _) = values.names[id as usize].clone();
        let value = values.values.entry(name).or_default();
        *value = change(*value);
    }
}

impl Metrics for Recorded {
    fn define(&self, kind: Kind, name: &str) -> u32 {
        let mut values = self.0.borrow_mut();
        values.values.entry(name.to_owned()).or_default();
        let known = values.names.iter().position(|(have, _)| have == name);
        let id = known.unwrap_or_else(|| {
            values.names.push((name.to_owned(), kind));
            values.names.len() - 1
        });
        u32::try_from(id).unwrap()
    }

    fn add(&self, id: u32, amount: u64) {
        self.change(id, |value| value + amount);
    }

    fn set(&self, id: u32, new: u64) {
        self.change(id, |_| new);
    }

    fn record(&self, id: u32, _value: u64) {
        self.change(id, |count| count + 1);
    }
}
