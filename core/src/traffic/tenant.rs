//! One worker's view of a tenant's limits.

use super::account::Ceilings;
use super::ledger::{Ledger, Levels, Limiting, Met};
use super::own::Own;
use super::queue::Queue;
use super::quota::{Quota, Refused, Request};
use crate::config::Tenant;
use crate::shared::{Change, SharedData, create, read, update};
use std::cell::Cell;
use std::rc::Rc;

pub(super) struct TenantDesk {
    key: String,
    pub(super) limiting: Limiting,
    shared: Rc<dyn SharedData>,
    worker: u64,
    own: Own,
    /// Whether the other workers have been told that somebody waits here.
    published: Cell<bool>,
}

impl TenantDesk {
    pub(super) fn new(tenant: &Tenant, shared: Rc<dyn SharedData>, worker: u64) -> Self {
        let key = format!("weir.1.tenant.{}", tenant.name);
        let limiting = Limiting::new(&tenant.limits, &tenant.model_limits, |limits| Ceilings::from(limits));
        if !limiting.is_unlimited() {
            create::<Quota>(&*shared, &key);
        }
        Self { key, limiting, shared, worker, own: Own::default(), published: Cell::default() }
    }

    /// Whether there is anything to take from.
    pub(super) fn is_limited(&self) -> bool {
        !self.limiting.is_unlimited()
    }

    /// Takes what a request needs, if it is there. With what is left then, and whether that is little.
    pub(super) fn offer(&self, request: &Request, now: u64) -> Result<(Levels, bool), (Refused, Levels)> {
        let outcome = update(&*self.shared, &self.key, |quota: &mut Quota| {
            let offered = quota.offer(&self.limiting, request, now);
            let levels = quota.ledger.levels(&self.limiting, request.part, now);
            match offered {
                Ok(()) => Change::Write(Ok((levels, quota.ledger.is_low(&self.limiting, request.part, now)))),
                Err(refused) => Change::Keep(Err((refused, levels))),
            }
        });
        // Other workers were always first: not its turn, for a moment.
        let taken = outcome.unwrap_or(Err((Refused::NotYourTurn { wait: None }, Levels::default())));
        if taken.is_ok() {
            self.own.add(&self.limiting, request.part, request.tokens);
        }
        taken
    }

    /// What a request would meet that came only now.
    pub(super) fn foresee(&self, request: &Request, now: u64) -> Option<Met> {
        read::<Quota>(&*self.shared, &self.key).foresee(&self.limiting, request, now)
    }

    /// Changes the shared ledger.
    pub(super) fn change<T>(&self, mut change: impl FnMut(&mut Ledger, &Limiting) -> Change<T>) -> Option<T> {
        update(&*self.shared, &self.key, |quota: &mut Quota| change(&mut quota.ledger, &self.limiting))
    }

    /// Tells the other workers who waits here.
    pub(super) fn publish(&self, queues: &[Queue], now: u64) {
        if !self.is_limited() || queues.is_empty() && !self.published.get() {
            return;
        }
        self.published.set(!queues.is_empty());
        update(&*self.shared, &self.key, |quota: &mut Quota| {
            if quota.line.publish(self.worker, queues, now) { Change::Write(()) } else { Change::Keep(()) }
        });
    }

    /// Gives the slot back and corrects the tokens.
    pub(super) fn settle(&self, part: u64, tokens: (u64, u64), now: u64) {
        self.give_back(part, tokens.0, |quota| quota.ledger.settle(&self.limiting, part, self.worker, tokens, now));
    }

    /// As if nothing had been taken.
    pub(super) fn undo(&self, part: u64, tokens: u64) {
        self.give_back(part, tokens, |quota| quota.ledger.undo(&self.limiting, part, self.worker, tokens));
    }

    /// What is left.
    pub(super) fn levels(&self, part: u64, now: u64) -> Levels {
        read::<Quota>(&*self.shared, &self.key).ledger.levels(&self.limiting, part, now)
    }

    /// Makes the shared counts those of the workers that live.
    pub(super) fn reconcile(&self, gone: &[u64]) {
        if !self.is_limited() {
            return;
        }
        update(&*self.shared, &self.key, |quota: &mut Quota| {
            let mut changed = !gone.is_empty() | self.own.correct(&mut quota.ledger, &self.limiting, self.worker);
            for worker in gone {
                quota.ledger.lose(&self.limiting, *worker);
                changed |= quota.line.publish(*worker, &[], 0);
            }
            if changed { Change::Write(()) } else { Change::Keep(()) }
        });
    }

    fn give_back(&self, part: u64, tokens: u64, change: impl Fn(&mut Quota)) {
        self.own.remove(&self.limiting, part, tokens);
        update(&*self.shared, &self.key, |quota: &mut Quota| {
            change(quota);
            Change::Write(())
        });
    }
}
