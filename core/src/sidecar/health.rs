//! Whether the sidecar, and the store behind it, answer.

use crate::config::OnOutage;
use crate::traffic::Regime;
use std::cell::Cell;

/// As one worker knows it. It is well until a call fails: no request but the first one waits for a sidecar that is gone. It
/// is well again when beats have succeeded for as long as it was away, a second at most: by then each Envoy has told what
/// it used meanwhile, which nobody else must be granted.
#[derive(Debug)]
pub(super) struct Health {
    expected: bool,
    well: Cell<bool>,
    /// How many Envoys share the limits, as last heard; 0 before.
    envoys: Cell<u64>,
    /// Calls in a row that were not answered in time and may have been this worker's fault.
    late: Cell<u32>,
    /// While it is not well: since when, and when the first of the beats that have succeeded since did. In milliseconds
    /// since 1970.
    lost: Cell<u64>,
    back: Cell<Option<u64>>,
}

/// The longest time for which beats must succeed, in milliseconds: what one of them lacks, the next ones have.
const SETTLING: u64 = 1_000;
/// So many are still chance: a worker that has a burst to read may notice an answer too late.
const LATE: u32 = 8;

impl Health {
    pub(super) fn new(expected: bool) -> Self {
        Self {
            expected,
            well: Cell::new(expected),
            envoys: Cell::new(0),
            late: Cell::new(0),
            lost: Cell::new(0),
            back: Cell::new(None),
        }
    }

    pub(super) fn is_expected(&self) -> bool {
        self.expected
    }

    pub(super) fn is_well(&self) -> bool {
        self.well.get()
    }

    /// A beat was answered by a sidecar whose store works.
    pub(super) fn answered(&self, envoys: u64, now: u64) {
        self.envoys.set(envoys.max(1));
        if self.is_well() {
            return;
        }
        let back = self.back.get().unwrap_or(now);
        self.back.set(Some(back));
        let away = back.saturating_sub(self.lost.get());
        if now.saturating_sub(back) >= away.min(SETTLING) {
            self.well.set(self.expected);
        }
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
    pub(super) fn lost(&self, now: u64) {
        if self.well.replace(false) {
            self.lost.set(now);
        }
        self.back.set(None);
    }

    /// How limits hold now.
    pub(super) fn regime(&self, on_outage: OnOutage) -> Regime {
        match on_outage {
            // Who shares its limits with nobody needs no leases; the sidecar hears each second what was used.
            _ if self.is_well() && self.envoys.get() == 1 => Regime::Local { envoys: 1 },
            _ if self.is_well() => Regime::Leased,
            _ if !self.expected => Regime::Local { envoys: 1 },
            OnOutage::Local => Regime::Local { envoys: self.envoys.get().max(1) },
            OnOutage::Open => Regime::Open,
            OnOutage::Closed => Regime::Closed,
        }
    }
}
