//! Requests that wait for their turn: the root wakes them, in the order that core says.

use crate::apply::apply;
use crate::host;
use proxy_wasm::types::Action;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::{Rc, Weak};
use weir_core::exchange::{Front, FrontEvent};
use weir_core::gateway::Gateway;

/// While somebody waits, in milliseconds: how late a free slot may be noticed. What can be known is known by core.
const BUSY: u32 = 5;
/// While nobody does: heartbeats and gauges only.
const IDLE: u32 = 100;

thread_local! {
    /// The period of ticks.
    static PACE: Cell<u32> = const { Cell::new(IDLE) };
    /// By context id.
    static WAITING: RefCell<HashMap<u32, Weak<RefCell<Front>>>> = RefCell::default();
}

/// Sets the pace of ticks for a VM in which nobody waits yet.
pub(crate) fn idle() {
    PACE.set(IDLE);
    let _ = host::tick_each(IDLE);
}

/// `front` waits until [`round`] comes to it, or [`forget`].
pub(crate) fn await_turn(context_id: u32, front: &Rc<RefCell<Front>>) {
    WAITING.with_borrow_mut(|waiting| {
        if PACE.get() == IDLE {
            PACE.set(BUSY);
            let _ = host::tick_each(BUSY);
        }
        waiting.insert(context_id, Rc::downgrade(front));
    });
}

/// It waits no longer.
pub(crate) fn forget(context_id: u32) {
    WAITING.with_borrow_mut(|waiting| waiting.remove(&context_id));
}

/// Asks those that wait, each in its turn, and lets go those that may.
pub(crate) fn round(gateway: &Gateway) {
    let now = host::now();
    gateway.traffic.begin_round();
    let mut last = None;
    while let Some(place) = gateway.traffic.next_turn(last, now) {
        last = Some(place);
        let (_, context_id) = place;
        wake(context_id, now);
    }
    gateway.traffic.end_round(now);
    gateway.show(now);
    let next = if gateway.traffic.is_anybody_waiting() {
        gateway.traffic.next_chance().and_then(|wait| u32::try_from(wait).ok()).map_or(BUSY, |wait| wait.clamp(1, BUSY))
    } else {
        IDLE
    };
    if PACE.replace(next) != next {
        let _ = host::tick_each(next);
    }
}

fn wake(context_id: u32, now: u64) {
    let front = WAITING.with_borrow(|waiting| waiting.get(&context_id).and_then(Weak::upgrade));
    let Some(front) = front else { return };
    let step = front.borrow_mut().step(now, FrontEvent::Turn);
    if step.waits_for_turn() {
        return;
    }
    forget(context_id);
    if host::act_for(context_id).is_ok() && apply(context_id, step) == Action::Continue {
        let _ = host::resume();
    }
}
