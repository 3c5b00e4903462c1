//! Traffic control: who may go where now, who waits, who is refused.
//!
//! All of it is state that the workers of one Envoy share ([`shared`](crate::shared)): limits hold over all of them, and
//! what one learns of a provider the others know. A [`Desk`] is one worker's view of a provider, with what it alone
//! knows: its own requests under way, and what their answers were like.

mod account;
mod admission;
mod breaker;
mod bucket;
mod cooldown;
mod desk;
mod estimate;
mod lease;
mod leases;
mod ledger;
mod own;
mod permit;
mod provider;
mod queue;
mod quota;
mod retries;
mod room;
mod tenant;
#[cfg(test)]
mod tests;
mod workers;

pub use account::{Ceiling, Until};
pub use admission::{Admission, Admitted, Candidate, Demand, Obstacle, Owner};
pub use breaker::{Failed, LOOK_AGAIN, check_interval};
pub use estimate::Size;
pub use lease::Regime;
pub use leases::LeaseCall;
pub use ledger::{Level, Levels, part};
pub use permit::{Permit, TenantPermit, Used};
pub use queue::{Priority, Rank};
pub use room::{Place, Waiter};

use crate::config::Config;
use crate::shared::{Change, SharedData, create, read, update};
use desk::Desk;
use leases::Leases;
use queue::Tags;
use retries::Retries;
use room::Room;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use tenant::TenantDesk;
use workers::{HEARTBEAT, Workers};

const WORKERS: &str = "weir.1.workers";
const TAGS: &str = "weir.1.room";

/// Traffic control of one worker.
pub struct Traffic {
    shared: Rc<dyn SharedData>,
    /// Which worker this is: a number that no other VM has.
    worker: u64,
    /// In the order of the configuration.
    desks: Vec<Desk>,
    tenants: Vec<TenantDesk>,
    retries: Retries,
    leases: Leases,
    room: RefCell<Room>,
    max_waiting: u64,
    max_waiting_bytes: u64,
    last_beat: Cell<u64>,
}

/// What a dashboard shows of a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gauges {
    /// Requests under way, over all workers.
    pub in_flight: u64,
    /// Milliseconds for which it, or one of its targets, is still left alone.
    pub cooling: u64,
}

impl Traffic {
    /// `worker` must be a number that no other VM has.
    pub fn new(config: &Config, shared: Rc<dyn SharedData>, worker: u64) -> Self {
        create::<Workers>(&*shared, WORKERS);
        create::<Tags>(&*shared, TAGS);
        Self {
            worker,
            desks: config.providers.iter().map(|provider| Desk::new(provider, shared.clone(), worker)).collect(),
            tenants: config.tenants.iter().map(|tenant| TenantDesk::new(tenant, shared.clone(), worker)).collect(),
            retries: Retries::new(&config.retry_budget, &*shared),
            leases: Leases::new(config.sidecar.call_deadline.0),
            room: RefCell::default(),
            max_waiting: u64::from(config.waiting_room.max_waiting),
            max_waiting_bytes: config.waiting_room.max_bytes,
            last_beat: Cell::new(0),
            shared,
        }
    }

    /// Which worker this is.
    pub fn worker(&self) -> u64 {
        self.worker
    }

    /// Lets a request wait. None when the room is full.
    pub fn enter(&self, ticket: u32, priority: Priority, waiter: Waiter) -> Option<Place> {
        let tenant = tenant_id(waiter.tenant);
        let rank = update(&*self.shared, TAGS, |tags: &mut Tags| {
            let (count, bytes) = tags.held();
            if count >= self.max_waiting || bytes.saturating_add(waiter.bytes) > self.max_waiting_bytes {
                return Change::Keep(None);
            }
            Change::Write(Some(tags.enter(self.worker, tenant, priority, waiter.bytes)))
        });
        let place = (rank??, ticket);
        self.room.borrow_mut().enter(place, waiter);
        Some(place)
    }

    /// A request waits no longer; `served`: because it was its turn.
    pub fn leave(&self, place: Place, served: bool) {
        let Some(waiter) = self.room.borrow_mut().leave(place) else { return };
        update(&*self.shared, TAGS, |tags: &mut Tags| {
            tags.leave(self.worker, tenant_id(waiter.tenant), place.0, waiter.bytes, served);
            Change::Write(())
        });
    }

    /// Begins a round in which those that wait are asked again, in their order: [`Self::next_turn`].
    pub fn begin_round(&self) {
        self.room.borrow_mut().begin();
    }

    /// The next request, after `last`, that shall try again.
    pub fn next_turn(&self, last: Option<Place>, now: u64) -> Option<Place> {
        self.room.borrow().next(last, now)
    }

    /// Ends the round: tells the other workers who waits here, and once a second that this worker lives.
    pub fn end_round(&self, now: u64) {
        for (index, desk) in self.desks.iter().enumerate() {
            desk.publish(&self.room.borrow().queues(index, self.worker, now), now);
        }
        for (index, tenant) in self.tenants.iter().enumerate() {
            tenant.publish(&self.room.borrow().queues_of_tenant(index, self.worker, now), now);
        }
        if now.saturating_sub(self.last_beat.get()) >= HEARTBEAT {
            self.last_beat.set(now);
            self.beat(now);
        }
    }

    /// Milliseconds after the last round until somebody may be served who was refused in it; None: nobody can know.
    pub fn next_chance(&self) -> Option<u64> {
        self.room.borrow().chance()
    }

    /// Whether somebody waits here.
    pub fn is_anybody_waiting(&self) -> bool {
        self.room.borrow().held().0 > 0
    }

    /// Requests that wait, over all workers.
    pub fn waiting(&self) -> u64 {
        read::<Tags>(&*self.shared, TAGS).held().0
    }

    /// For how many milliseconds the one has waited that waits longest in this worker; 0 when nobody does.
    pub fn oldest_wait(&self, now: u64) -> u64 {
        self.room.borrow().oldest().map_or(0, |since| now.saturating_sub(since))
    }

    /// What a dashboard shows of the provider at `index`.
    pub fn gauges(&self, index: usize, now: u64) -> Option<Gauges> {
        self.desks.get(index)?.peek(now, |state| Gauges {
            in_flight: state.quota.ledger.in_flight(),
            cooling: state.longest_cooldown(now),
        })
    }

    /// One more request that may need retries.
    pub fn count_request(&self) {
        self.retries.request();
    }

    /// Takes a retry from the budget; false: there is none.
    pub fn withdraw_retry(&self, now: u64) -> bool {
        self.retries.withdraw(&*self.shared, now)
    }

    /// Envoy has begun a retry without asking.
    pub fn overdraw_retry(&self, now: u64) {
        self.retries.overdraw(&*self.shared, now);
    }

    /// Whether the budget has a retry left.
    pub fn is_retry_left(&self, now: u64) -> bool {
        self.retries.is_left(&*self.shared, now)
    }

    /// This worker lives, and its counts are what it says; workers that do not live any more have none.
    fn beat(&self, now: u64) {
        let gone =
            update(&*self.shared, WORKERS, |workers: &mut Workers| Change::Write(workers.beat(self.worker, now)));
        let gone = gone.unwrap_or_default();
        let (count, bytes) = self.room.borrow().held();
        update(&*self.shared, TAGS, |tags: &mut Tags| {
            let mut changed = tags.set_held(self.worker, count, bytes);
            for worker in &gone {
                changed |= tags.set_held(*worker, 0, 0);
            }
            if changed { Change::Write(()) } else { Change::Keep(()) }
        });
        self.desks.iter().for_each(|desk| desk.reconcile(&gone, now));
        self.tenants.iter().for_each(|tenant| tenant.reconcile(&gone));
        self.retries.sync(&*self.shared);
    }
}

/// Without tenants all requests are one tenant's.
fn tenant_id(index: Option<usize>) -> u64 {
    index.and_then(|index| u64::try_from(index).ok()).map_or(0, |index| index.saturating_add(1))
}
