//! One worker's view of a tenant's limits.

use super::account::Ceilings;
use super::ledger::{Ledger, Levels, Limiting, Met};
use super::own::Own;
use crate::config::Tenant;
use crate::shared::{Change, SharedData, create, read, update};
use std::rc::Rc;

pub(super) struct TenantDesk {
    key: String,
    limiting: Limiting,
    shared: Rc<dyn SharedData>,
    worker: u64,
    own: Own,
}

impl TenantDesk {
    pub(super) fn new(tenant: &Tenant, shared: Rc<dyn SharedData>, worker: u64) -> Self {
        let key = format!("weir.1.tenant.{}", tenant.name);
        let limiting = Limiting::new(&tenant.limits, &tenant.model_limits, |limits| Ceilings::from(limits));
        if !limiting.is_unlimited() {
            create::<Ledger>(&*shared, &key);
        }
        Self { key, limiting, shared, worker, own: Own::default() }
    }

    /// Whether there is anything to take from.
    pub(super) fn is_limited(&self) -> bool {
        !self.limiting.is_unlimited()
    }

    /// Takes what a request needs, if it is there.
    pub(super) fn offer(&self, part: u64, tokens: u64, now: u64) -> Result<Levels, Met> {
        let outcome = update(&*self.shared, &self.key, |ledger: &mut Ledger| {
            if let Some(met) = ledger.met(&self.limiting, part, tokens, 0, now) {
                return Change::Keep(Err(met));
            }
            ledger.take(&self.limiting, part, self.worker, tokens, now);
            Change::Write(Ok(ledger.levels(&self.limiting, part, now)))
        });
        // Other workers were always first: as good as limited, for a moment.
        let busy = Met { of_part: false, ceiling: super::Ceiling::Concurrency, wait: None };
        let taken = outcome.unwrap_or(Err(busy));
        if taken.is_ok() {
            self.own.add(part);
        }
        taken
    }

    /// Gives the slot back and corrects the tokens.
    pub(super) fn settle(&self, part: u64, tokens: (u64, u64), now: u64) {
        self.give_back(part, |ledger| ledger.settle(&self.limiting, part, self.worker, tokens, now));
    }

    /// As if nothing had been taken.
    pub(super) fn undo(&self, part: u64, tokens: u64) {
        self.give_back(part, |ledger| ledger.undo(&self.limiting, part, self.worker, tokens));
    }

    /// What is left.
    pub(super) fn levels(&self, part: u64, now: u64) -> Levels {
        read::<Ledger>(&*self.shared, &self.key).levels(&self.limiting, part, now)
    }

    /// Makes the shared counts those of the workers that live.
    pub(super) fn reconcile(&self, gone: &[u64]) {
        if !self.is_limited() {
            return;
        }
        update(&*self.shared, &self.key, |ledger: &mut Ledger| {
            let mut changed = self.own.correct(ledger, &self.limiting, self.worker);
            for worker in gone {
                changed |= ledger.set_slots(&self.limiting, *worker, 0, &[]);
            }
            if changed { Change::Write(()) } else { Change::Keep(()) }
        });
    }

    fn give_back(&self, part: u64, change: impl Fn(&mut Ledger)) {
        self.own.remove(part);
        update(&*self.shared, &self.key, |ledger: &mut Ledger| {
            change(ledger);
            Change::Write(())
        });
    }
}
