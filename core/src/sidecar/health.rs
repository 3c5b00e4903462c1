//! Whether the sidecar, and the store behind it, answer.

use crate::config::OnOutage;
use crate::traffic::Regime;
use std::cell::Cell;

/// As one worker knows it. It is well until a call fails, and again when a beat succeeds: no request but the first one
/// waits for a sidecar that is gone.
#[derive(Debug)]
pub(super) struct Health {
    expected: bool,
    well: Cell<bool>,
    /// How many Envoys share the limits, as last heard; 1 before.
    envoys: Cell<u64>,
    /// Looks into the cache in a row that were not answered in time.
    late: Cell<u32>,
}

/// So many are still chance: a worker that has a burst to read may notice an answer too late.
const LATE: u32 = 3;

impl Health {
    pub(super) fn new(expected: bool) -> Self {
        Self { expected, well: Cell::new(expected), envoys: Cell::new(1), late: Cell::new(0) }
    }

    pub(super) fn is_expected(&self) -> bool {
        self.expected
    }

    pub(super) fn is_well(&self) -> bool {
        self.well.get()
    }

    /// A beat was answered by a sidecar whose store works.
    pub(super) fn answered(&self, envoys: u64) {
        self.well.set(self.expected);
        self.envoys.set(envoys.max(1));
    }

    /// A request's call was answered.
    pub(super) fn answered_in_time(&self) {
        self.late.set(0);
    }

    /// Whether one more look that was not answered in time says nothing yet.
    pub(super) fn is_only_late(&self) -> bool {
        self.late.set(self.late.get().saturating_add(1));
        self.late.get() < LATE
    }

    /// A call was not answered, or not as it should be.
    pub(super) fn lost(&self) {
        self.well.set(false);
    }

    /// How limits hold now.
    pub(super) fn regime(&self, on_outage: OnOutage) -> Regime {
        match on_outage {
            _ if self.is_well() => Regime::Leased,
            _ if !self.expected => Regime::Local { envoys: 1 },
            OnOutage::Local => Regime::Local { envoys: self.envoys.get() },
            OnOutage::Open => Regime::Open,
            OnOutage::Closed => Regime::Closed,
        }
    }
}
