//! Requests that wait for their turn: the root's tick wakes them, in the order that core says.

use crate::apply::apply;
use crate::calls::Calls;
use crate::host;
use proxy_wasm::types::Action;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::{Rc, Weak};
use weir_core::exchange::{Front, FrontEvent};
use weir_core::gateway::Gateway;

/// While somebody waits, in milliseconds: how late a free slot may be noticed. What can be known is known by core.
const BUSY: u32 = 5;
/// While nobody does, and between two looks at the gauges.
const IDLE: u32 = 100;

/// Those of one root: a changed configuration has its own.
#[derive(Default)]
pub(crate) struct Turns {
    /// By context id.
    waiting: RefCell<HashMap<u32, Weak<RefCell<Front>>>>,
    /// The period of ticks.
    pace: Cell<u32>,
    /// Those that no request waits for.
    calls: Calls,
    /// When the gauges were set, in milliseconds since 1970.
    shown: Cell<u64>,
}

impl Turns {
    /// Sets the period of the root's ticks.
    pub(crate) fn pace(&self, millis: u32) {
        if self.pace.replace(millis) != millis {
            let _ = host::tick_each(millis);
        }
    }

    /// The first tick comes at once: until the sidecar has said whether there are other Envoys, limits are leased.
    pub(crate) fn begin(&self) {
        self.pace(1);
    }

    /// `front` waits until a round comes to it, or [`Self::forget`].
    pub(crate) fn await_turn(&self, context_id: u32, front: &Rc<RefCell<Front>>) {
        if self.pace.get() == IDLE {
            self.pace(BUSY);
        }
        self.waiting.borrow_mut().insert(context_id, Rc::downgrade(front));
    }

    /// It waits no longer.
    pub(crate) fn forget(&self, context_id: u32) {
        self.waiting.borrow_mut().remove(&context_id);
    }

    /// A tick: who waits is asked again, and the sidecar is told what is to be told.
    pub(crate) fn tick(&self, gateway: &Gateway) {
        self.land(gateway);
        self.round(gateway);
        self.calls.send(gateway, gateway.due(host::now()), None);
        if gateway.is_call_due() && self.pace.get() == IDLE {
            self.pace(BUSY);
        }
    }

    /// Something is to be done soon: by the next tick.
    pub(crate) fn hurry(&self, gateway: &Gateway) {
        if gateway.is_call_due() {
            self.pace(1);
        }
    }

    /// Those that waited for another request hear what became of it.
    fn land(&self, gateway: &Gateway) {
        for (context_id, landed) in gateway.landed(host::now()) {
            self.drive(gateway, context_id, FrontEvent::Landed(landed));
        }
    }

    /// Tells a request that waits what happened, and does what it says.
    fn drive(&self, gateway: &Gateway, context_id: u32, event: FrontEvent<'_>) {
        let front = self.waiting.borrow().get(&context_id).and_then(Weak::upgrade);
        let Some(front) = front else { return };
        let mut step = front.borrow_mut().step(host::now(), event);
        let calls = step.take_calls();
        if !step.waits_on() {
            self.forget(context_id);
        }
        if host::act_for(context_id).is_ok() && apply(context_id, step) == Action::Continue {
            let _ = host::resume();
        }
        if let Some(event) = self.calls.send(gateway, calls, Some(context_id)) {
            self.drive(gateway, context_id, event);
        }
    }

    /// The sidecar has answered a call of a tick.
    pub(crate) fn answered(&self, gateway: &Gateway, token: u32, headers: usize, size: usize) {
        if let Some((Some(context_id), event)) = self.calls.answered(gateway, token, headers, size) {
            self.drive(gateway, context_id, event);
        }
        self.lease_round(gateway, &self.calls);
    }

    /// What was leased may be what others wait for; what they lack still is asked for at once, by `calls`.
    pub(crate) fn lease_round(&self, gateway: &Gateway, calls: &Calls) {
        if gateway.traffic.is_anybody_waiting() {
            self.round(gateway);
            calls.send(gateway, gateway.ask(None, host::now()).into_iter().collect(), None);
        }
    }

    /// Asks those that wait, each in its turn, and lets go those that may.
    pub(crate) fn round(&self, gateway: &Gateway) {
        let now = host::now();
        gateway.traffic.begin_round();
        let mut last = None;
        while let Some(place) = gateway.traffic.next_turn(last, now) {
            last = Some(place);
            let (_, context_id) = place;
            self.wake(context_id, now);
        }
        gateway.traffic.end_round(now);
        if now.abs_diff(self.shown.get()) >= u64::from(IDLE) {
            self.shown.set(now);
            gateway.show(host::memory(), now);
        }
        self.pace(if gateway.traffic.is_anybody_waiting() {
            let chance = gateway.traffic.next_chance().and_then(|wait| u32::try_from(wait).ok());
            chance.map_or(BUSY, |wait| wait.clamp(1, BUSY))
        } else {
            IDLE
        });
    }

    fn wake(&self, context_id: u32, now: u64) {
        let front = self.waiting.borrow().get(&context_id).and_then(Weak::upgrade);
        let Some(front) = front else { return };
        let step = front.borrow_mut().step(now, FrontEvent::Turn);
        if step.waits_on() {
            return;
        }
        self.forget(context_id);
        if host::act_for(context_id).is_ok() && apply(context_id, step) == Action::Continue {
            let _ = host::resume();
        }
    }
}
