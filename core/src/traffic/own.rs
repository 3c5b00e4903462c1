//! What one worker knows of its own requests under way. The shared counts follow it: a lost update heals at the next
//! heartbeat.

use super::ledger::{Ledger, Limiting};
use std::cell::{Cell, RefCell};

/// Requests under way, in all and by model.
#[derive(Debug, Default)]
pub(super) struct Own {
    whole: Cell<u32>,
    parts: RefCell<Vec<(u64, u32)>>,
}

impl Own {
    pub(super) fn add(&self, part: u64) {
        self.whole.set(self.whole.get().saturating_add(1));
        let mut parts = self.parts.borrow_mut();
        match parts.iter_mut().find(|(have, _)| *have == part) {
            Some((_, count)) => *count = count.saturating_add(1),
            None => parts.push((part, 1)),
        }
    }

    pub(super) fn remove(&self, part: u64) {
        self.whole.set(self.whole.get().saturating_sub(1));
        let mut parts = self.parts.borrow_mut();
        if let Some((_, count)) = parts.iter_mut().find(|(have, _)| *have == part) {
            *count = count.saturating_sub(1);
        }
        parts.retain(|(_, count)| *count > 0);
    }

    /// Writes these counts into `ledger`. Whether that changed anything.
    pub(super) fn correct(&self, ledger: &mut Ledger, limiting: &Limiting, worker: u64) -> bool {
        ledger.set_slots(limiting, worker, self.whole.get(), &self.parts.borrow())
    }
}
