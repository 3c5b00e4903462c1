//! Coalescing within one worker: of identical requests under way here, one looks further, and the others wait for what it
//! brings. So the sidecar is asked once for all of them, and without a sidecar they are one upstream call all the same.

use crate::gateway::Gateway;
use crate::wire::Key;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

/// Requests that may wait in one worker. Who comes beyond looks for itself.
const MOST: usize = 8_192;

/// Who waits for what.
#[derive(Debug, Default)]
pub(crate) struct Flights(RefCell<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// By key: those that wait, and until when, in milliseconds since 1970.
    flights: HashMap<[u8; 32], Vec<(u32, u64)>>,
    waiting: usize,
    /// What those shall hear that wait no longer.
    news: Vec<(u32, Landed)>,
}

/// What became of a flight.
#[derive(Clone, Debug, PartialEq)]
pub enum Landed {
    /// The answer, as it is kept.
    Answer { value: Rc<[u8]>, age: u64 },
    /// None came: whoever waited looks again.
    Again,
    /// It takes too long: whoever waited goes on alone.
    Late,
}

/// The request that looks further. Dropped without an answer, the others look again.
pub(crate) struct Pilot {
    gateway: Rc<Gateway>,
    key: Key,
}

impl Pilot {
    /// None: another is looking already, and `ticket` waits for it until then.
    pub(crate) fn or_wait(gateway: &Rc<Gateway>, key: Key, ticket: u32, until: u64) -> Option<Self> {
        let mut inner = gateway.flights.0.borrow_mut();
        let has_room = inner.waiting < MOST;
        match inner.flights.get_mut(&*key) {
            Some(waiting) if has_room => {
                waiting.push((ticket, until));
                inner.waiting = inner.waiting.saturating_add(1);
                None
            }
            // It looks for itself, and nobody waits for it.
            Some(_) => Some(Self { gateway: gateway.clone(), key: [0; 32].into() }),
            None => {
                inner.flights.insert(*key, Vec::new());
                Some(Self { gateway: gateway.clone(), key })
            }
        }
    }

    /// The answer is there.
    pub(crate) fn land(&self, value: &Rc<[u8]>, age: u64) {
        self.gateway.flights.end(&self.key, &Landed::Answer { value: value.clone(), age });
    }
}

impl Drop for Pilot {
    fn drop(&mut self) {
        self.gateway.flights.end(&self.key, &Landed::Again);
    }
}

impl Flights {
    /// Those that wait no longer, and what they shall hear.
    pub(crate) fn take_news(&self, now: u64) -> Vec<(u32, Landed)> {
        let mut inner = self.0.borrow_mut();
        let Inner { flights, waiting, news } = &mut *inner;
        for tickets in flights.values_mut().filter(|tickets| !tickets.is_empty()) {
            let before = tickets.len();
            news.extend(tickets.extract_if(.., |(_, until)| *until <= now).map(|(ticket, _)| (ticket, Landed::Late)));
            *waiting = waiting.saturating_sub(before.saturating_sub(tickets.len()));
        }
        std::mem::take(news)
    }

    pub(crate) fn has_news(&self) -> bool {
        !self.0.borrow().news.is_empty()
    }

    /// A request waits no longer: its client has left.
    pub(crate) fn leave(&self, key: &Key, ticket: u32) {
        let mut inner = self.0.borrow_mut();
        let Inner { flights, waiting, news } = &mut *inner;
        if let Some(tickets) = flights.get_mut(&**key) {
            let before = tickets.len();
            tickets.retain(|(have, _)| *have != ticket);
            *waiting = waiting.saturating_sub(before.saturating_sub(tickets.len()));
        }
        news.retain(|(have, _)| *have != ticket);
    }

    fn end(&self, key: &Key, landed: &Landed) {
        let mut inner = self.0.borrow_mut();
        let Some(tickets) = inner.flights.remove(&**key) else { return };
        inner.waiting = inner.waiting.saturating_sub(tickets.len());
        inner.news.extend(tickets.into_iter().map(|(ticket, _)| (ticket, landed.clone())));
    }
}
