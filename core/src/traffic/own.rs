//! What one worker knows of its own requests under way. The shared counts follow it: a lost update heals at the next
//! heartbeat.

use super::ledger::{Ledger, Limiting, OwnCounts};
use std::cell::RefCell;

/// Requests under way and the tokens they are expected to use, in all and by model.
#[derive(Debug, Default)]
pub(super) struct Own(RefCell<OwnCounts>);

impl Own {
    /// One more is under way, with `tokens` as the ledger counts them.
    pub(super) fn add(&self, limiting: &Limiting, part: u64, tokens: u64) {
        let mut counts = self.0.borrow_mut();
        let (whole, own) = limiting.estimated(part, tokens);
        more(&mut counts.whole, whole);
        match counts.parts.iter_mut().find(|(have, _)| *have == part) {
            Some((_, counts)) => more(counts, own),
            None => counts.parts.push((part, (1, own))),
        }
    }

    /// One is over.
    pub(super) fn remove(&self, limiting: &Limiting, part: u64, tokens: u64) {
        let mut counts = self.0.borrow_mut();
        let (whole, own) = limiting.estimated(part, tokens);
        less(&mut counts.whole, whole);
        if let Some((_, counts)) = counts.parts.iter_mut().find(|(have, _)| *have == part) {
            less(counts, own);
        }
        counts.parts.retain(|(_, (count, _))| *count > 0);
    }

    /// Writes these counts into `ledger`. Whether that changed anything.
    pub(super) fn correct(&self, ledger: &mut Ledger, limiting: &Limiting, worker: u64) -> bool {
        ledger.set_slots(limiting, worker, &self.0.borrow())
    }
}

fn more((count, held): &mut (u32, u64), tokens: u64) {
    *count = count.saturating_add(1);
    *held = held.saturating_add(tokens);
}

fn less((count, held): &mut (u32, u64), tokens: u64) {
    *count = count.saturating_sub(1);
    *held = if *count == 0 { 0 } else { held.saturating_sub(tokens) };
}
