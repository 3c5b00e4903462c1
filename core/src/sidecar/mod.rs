//! The sidecar as one worker of the filter sees it: what is to be told or asked, and whether it answers at all.
//!
//! Only an [`Ask`](crate::wire::Ask) and a [`Wait`](crate::wire::Wait) are on a request's way. Everything else is left here
//! until the root's tick takes it ([`Gateway::due`]), and nobody waits for it.

mod call;
mod flights;
mod health;
mod hits;
mod lead;
mod outbox;
#[cfg(test)]
mod tests;

pub use call::{Call, Reply};
pub use flights::Landed;
pub(crate) use flights::{Flights, Pilot};
pub(crate) use lead::LeadGuard;

use crate::chat::Usage;
use crate::gateway::Gateway;
use crate::traffic::LeaseCall;
use crate::wire::{self, Answer, Ask, Beat, Beaten, Found, Key, Lookup, Put, Report, Traced, Wait};
use call::Purpose;
use health::Health;
use hits::Hits;
use outbox::Outbox;
use std::cell::{Cell, RefCell};

/// Between two beats, in milliseconds.
const BEAT: u64 = 1_000;
/// While the sidecar does not answer, and when there is much to report.
const SOON: u64 = 200;
/// A beat, or a put, that takes longer is given up, in milliseconds.
const PATIENCE: u64 = 1_000;

/// What one worker has to do with it.
pub struct Sidecar {
    health: Health,
    outbox: RefCell<Outbox>,
    hits: RefCell<Hits>,
    /// Which Envoy this is: a number that no other has.
    envoy: u64,
    /// Leads and followers are told apart by these.
    tokens: Cell<u64>,
    /// Requests that have come.
    seen: Cell<u64>,
    /// When the last beat began; whether it is under way.
    beat: Cell<u64>,
    beating: Cell<bool>,
}

impl Sidecar {
    /// `worker` is a number that no other VM has. `expected`: without a sidecar at all, nothing is asked.
    pub(crate) fn new(envoy: u64, worker: u64, expected: bool) -> Self {
        Self {
            health: Health::new(expected),
            outbox: RefCell::default(),
            hits: RefCell::default(),
            envoy,
            // Of two workers never the same: they count up from where nobody else is.
            tokens: Cell::new(crate::chance::mix(worker)),
            seen: Cell::new(0),
            beat: Cell::new(0),
            beating: Cell::new(false),
        }
    }
}

impl Gateway {
    /// A number for one lookup.
    pub(crate) fn token(&self) -> u64 {
        let token = self.sidecar.tokens.get().wrapping_add(1).max(1);
        self.sidecar.tokens.set(token);
        token
    }

    /// What is to be asked now, in one call: a look into the cache, and leases that requests lack.
    pub fn ask(&self, lookup: Option<Lookup>, now: u64) -> Option<Call> {
        let leases = self.traffic.lease(&self.config, now);
        if lookup.is_none() && leases.is_none() {
            return None;
        }
        let asks = leases.as_ref().map(|leases| leases.asks.clone()).unwrap_or_default();
        let has_lookup = lookup.is_some();
        let ask = Ask { envoy: self.sidecar.envoy, lookup, leases: asks };
        let timeout = self.config.sidecar.call_deadline.0;
        Some(
            Call::new(wire::ASK, wire::encode(&ask), timeout, Purpose::Ask { lookup: has_lookup, leases }, now)
                .made_after(self.sidecar.seen.get()),
        )
    }

    /// Waits, for at most so many milliseconds, for what another request will bring.
    pub(crate) fn follow(&self, key: Key, token: u64, millis: u64, now: u64) -> Call {
        let timeout = millis.saturating_add(self.config.sidecar.call_deadline.0);
        Call::new(wire::WAIT, wire::encode(&Wait { key, token, millis }), timeout, Purpose::Wait, now)
    }

    /// A request has come.
    pub(crate) fn note_request(&self) {
        self.sidecar.seen.set(self.sidecar.seen.get().wrapping_add(1));
    }

    /// Whether the cache can be asked at all.
    pub(crate) fn has_sidecar(&self) -> bool {
        self.sidecar.health.is_well()
    }

    /// Leaves something for the sidecar to keep.
    pub(crate) fn put(&self, put: Put) {
        self.sidecar.outbox.borrow_mut().put(put);
    }

    /// Leaves word of how a request ended. Its number.
    pub(crate) fn report(&self, report: Report, now: u64) -> u64 {
        let (number, is_lost) = self.sidecar.outbox.borrow_mut().report(report, now);
        if is_lost {
            self.stats.report_lost();
        }
        number
    }

    /// Leaves word of a request for its spans.
    pub(crate) fn trace(&self, traced: Traced) {
        if self.sidecar.health.is_expected() && !self.sidecar.outbox.borrow_mut().trace(traced) {
            self.stats.traces_lost(1);
        }
    }

    /// Leaves word of an answer from the cache: it cost nothing, and what it used is what was saved.
    pub(crate) fn report_hit(&self, tenant: Option<usize>, model: &str, usage: Option<Usage>) {
        let model = self.config.models.iter().position(|known| known.name == model);
        self.sidecar.hits.borrow_mut().add(tenant, model, usage.unwrap_or_default());
    }

    /// Whether something is to be called soon, so that ticks should come fast.
    pub fn is_call_due(&self) -> bool {
        self.sidecar.outbox.borrow().has_puts() || self.flights.has_news() || self.traffic.has_news()
    }

    /// Requests that waited for another like them, and what they shall hear now: by the host's tickets.
    pub fn landed(&self, now: u64) -> Vec<(u32, Landed)> {
        self.flights.take_news(now)
    }

    /// What is to be called now, by the root's tick.
    pub fn due(&self, now: u64) -> Vec<Call> {
        let sidecar = &self.sidecar;
        if !sidecar.health.is_expected() {
            return Vec::new();
        }
        let mut calls: Vec<Call> = Vec::new();
        if sidecar.health.is_well() {
            let puts = sidecar.outbox.borrow_mut().take_puts();
            calls.extend(puts.iter().map(|put| Call::new(wire::PUT, wire::encode(put), PATIENCE, Purpose::Put, now)));
            calls.extend(self.ask(None, now));
        } else {
            sidecar.outbox.borrow_mut().forget_puts();
        }
        let pause = if sidecar.health.is_well() && !sidecar.outbox.borrow().is_full() { BEAT } else { SOON };
        if !sidecar.beating.get() && now.saturating_sub(sidecar.beat.get()) >= pause {
            sidecar.beating.set(true);
            sidecar.beat.set(now);
            self.show_cache_bytes(self.near_bytes(), now);
            calls.push(self.make_beat(now));
        }
        calls
    }

    /// A call is over. What it found, if it was a look into the cache or a wait for it; and requests that wait may be
    /// served now.
    pub fn called(&self, call: &Call, reply: Reply<'_>, now: u64) -> Option<Found> {
        let outcome = reply.outcome();
        self.stats.sidecar_call(call.kind(), outcome.result());
        match call.purpose() {
            Purpose::Ask { leases, .. } => {
                let answer = outcome.message::<Answer>();
                self.leased(leases.as_ref(), answer.as_ref().map(|answer| answer.leases.as_slice()), now);
                match (&answer, leases) {
                    (Some(_), _) => self.sidecar.health.answered_in_time(),
                    // One that this worker was too busy for says little, and so does a look; many in a row do.
                    (None, leases)
                        if outcome.is_timeout()
                            && (leases.is_none() || call.was_heard_late(self.sidecar.seen.get(), now))
                            && self.sidecar.health.is_only_late() => {}
                    (None, _) => self.lost(now),
                }
                answer?.found
            }
            Purpose::Wait => {
                let found = outcome.message::<Found>();
                if found.is_none() && !outcome.is_timeout() {
                    self.lost(now);
                }
                found
            }
            Purpose::Put => {
                if !outcome.is_ok() {
                    self.lost(now);
                }
                None
            }
            Purpose::Beat { leases, traces } => {
                self.sidecar.beating.set(false);
                let beaten = outcome.message::<Beaten>();
                if beaten.is_none() && *traces > 0 {
                    self.stats.traces_lost(*traces);
                }
                let answers = beaten.as_ref().map(|beaten| beaten.leases.as_slice());
                if let Some(leases) = leases {
                    self.traffic.leased(leases, answers, now);
                }
                match beaten {
                    Some(beaten) => self.beaten(&beaten, now),
                    None => self.lost(now),
                }
                None
            }
        }
    }

    /// Nobody is there any more to hear of a call.
    pub fn abandoned(&self, call: &Call, now: u64) {
        if let Purpose::Ask { leases: Some(leases), .. } = call.purpose() {
            self.traffic.leased(leases, None, now);
        }
    }

    fn leased(&self, leases: Option<&LeaseCall>, answers: Option<&[wire::Leased]>, now: u64) {
        let Some(leases) = leases else { return };
        self.traffic.leased(leases, answers, now);
        if answers.is_some_and(<[_]>::is_empty) {
            // It lives, but its store does not.
            self.lost(now);
        }
    }

    fn make_beat(&self, now: u64) -> Call {
        let leases = self.traffic.account(&self.config, now);
        for hits in self.sidecar.hits.borrow_mut().take(&self.config) {
            self.report(hits, now);
        }
        let traces = self.sidecar.outbox.borrow_mut().take_traces();
        let outbox = self.sidecar.outbox.borrow();
        let beat = Beat {
            envoy: self.sidecar.envoy,
            worker: self.traffic.worker(),
            leads: outbox.leads(),
            leases: leases.as_ref().map(|leases| leases.asks.clone()).unwrap_or_default(),
            reports: outbox.reports(now),
            keys_version: self.keys_version(),
            budgets: self.budget_asks(),
            traces,
        };
        let traces = u64::try_from(beat.traces.len()).unwrap_or(u64::MAX);
        Call::new(wire::BEAT, wire::encode(&beat), PATIENCE, Purpose::Beat { leases, traces }, now)
    }

    fn beaten(&self, beaten: &Beaten, now: u64) {
        self.sidecar.outbox.borrow_mut().counted(beaten.counted);
        if let Some(keys) = &beaten.keys {
            self.told_keys(keys, now);
        }
        if beaten.envoys == 0 {
            return self.lost(now);
        }
        self.told_budgets(&beaten.budgets, beaten.counted, now);
        self.sidecar.health.answered(beaten.envoys, now);
        if self.apply_regime() {
            // Who is alone from now on goes on from what is left, as it is known now.
            self.traffic.go_local(now);
        }
    }

    /// The sidecar, or its store, does not answer.
    fn lost(&self, now: u64) {
        self.sidecar.health.lost(now);
        // The next beat finds out when it does again.
        self.sidecar.beat.set(now);
        self.apply_regime();
        self.traffic.go_local(now);
    }

    /// Limits hold as the sidecar's health allows. Whether that is another way than before.
    pub(crate) fn apply_regime(&self) -> bool {
        let regime = self.sidecar.health.regime(self.config.sidecar.on_outage);
        self.set_outage(self.sidecar.health.is_expected() && !self.sidecar.health.is_well());
        let is_new = self.traffic.regime() != regime;
        if is_new {
            self.traffic.hold(regime);
        }
        is_new
    }
}
