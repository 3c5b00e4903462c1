//! When a provider is left out, and how it comes back: one request at a time.
//!
//! Envoy's outlier detection ejects by the same numbers (`sidecar/src/render/providers.rs`); what is kept here also sees
//! cut streams and slow first tokens, and tells the front role before it picks a chain.

use crate::config::{Breaker, Millis};
use serde::{Deserialize, Serialize};

/// Outcomes are counted over this and the last window, in milliseconds.
const WINDOW: u64 = 10_000;
/// A rate of failures means nothing below this many outcomes.
const VOLUME: u32 = 20;
/// After this time, in milliseconds, a provider is tried again that Envoy passed over.
pub const LOOK_AGAIN: u64 = 1_000;
/// A probe that never ends does not hold the next one back for longer, in milliseconds.
const PROBE: u64 = 60_000;

/// What is known of a provider's health.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Health {
    /// Failures since the last first token.
    run: u32,
    /// Answers that broke off since the last whole one: such a provider gives first tokens all the time.
    cuts: u32,
    /// Milliseconds since 1970, over [`WINDOW`].
    window: u64,
    now: Outcomes,
    last: Outcomes,
    /// Ejected, or let back in by one probe only.
    ejected: Option<Ejected>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Outcomes {
    ok: u32,
    failed: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Ejected {
    /// Milliseconds since 1970.
    until: u64,
    /// The worker that tries it again, and when it must be done.
    probe: Option<(u64, u64)>,
}

/// Whether a request may go to the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gate {
    Open,
    /// Ejected long enough: one request may find out.
    Probe,
    /// Until then, in milliseconds since 1970.
    Closed {
        until: u64,
    },
}

/// What a failure means to Envoy's outlier detection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failed {
    /// One of many requests that succeed: Envoy shall not count it as one in a row.
    Stray,
    Counted,
    /// This one ejects the provider.
    Ejects,
}

impl Health {
    /// Whether a request may go there at `now`.
    pub(super) fn gate(&self, now: u64) -> Gate {
        match self.ejected {
            None => Gate::Open,
            Some(Ejected { until, .. }) if now < until => Gate::Closed { until },
            Some(Ejected { probe: Some((_, until)), .. }) if now < until => {
                Gate::Closed { until: now.saturating_add(1_000) }
            }
            Some(_) => Gate::Probe,
        }
    }

    /// A request goes there although it may still be sick; the next waits for its outcome.
    pub(super) fn probe(&mut self, worker: u64, now: u64) {
        if let Some(ejected) = &mut self.ejected {
            ejected.probe = Some((worker, now.saturating_add(PROBE)));
        }
    }

    /// The probe ended without an outcome, or its worker did.
    pub(super) fn forget_probe(&mut self, worker: u64) {
        if let Some(ejected) = &mut self.ejected
            && ejected.probe.is_some_and(|(have, _)| have == worker)
        {
            ejected.probe = None;
        }
    }

    /// Envoy has gone by without asking: its own count ejected the provider, or its name does not resolve. Nobody says for
    /// how long, so it is looked at again after a while.
    pub(super) fn passed_over(&mut self, now: u64) {
        let until = now.saturating_add(LOOK_AGAIN);
        match &mut self.ejected {
            Some(ejected) => *ejected = Ejected { until: ejected.until.max(until), probe: None },
            None => self.ejected = Some(Ejected { until, probe: None }),
        }
    }

    /// Whether the provider fails so often that others come first: two fifths of what ejects it, so one in five unless
    /// said, which is what the retry budget carries unless said.
    pub(super) fn is_degraded(&self, breaker: &Breaker, now: u64) -> bool {
        // Who is asked last may hear nothing for long: what was counted then is no longer true.
        let age = now.checked_div(WINDOW).unwrap_or(0).saturating_sub(self.window);
        age <= 1 && self.fails(breaker, 2, 5)
    }

    /// Whether the rate of failures is `part` in `parts` of the one that ejects. A rate of 100 percent is none.
    fn fails(&self, breaker: &Breaker, part: u64, parts: u64) -> bool {
        let (ok, failed) = self.outcomes();
        let all = ok.saturating_add(failed);
        let is_over = u64::from(failed).saturating_mul(100).saturating_mul(parts)
            >= u64::from(breaker.failure_rate).saturating_mul(u64::from(all)).saturating_mul(part);
        is_over && all >= VOLUME && breaker.failure_rate < 100
    }

    /// Whether the last outcomes were not all good: a success then changes something.
    pub(super) fn is_troubled(&self) -> bool {
        self.run > 0 || self.cuts > 0 || self.ejected.is_some()
    }

    /// The first token came.
    pub(super) fn answered(&mut self, now: u64) {
        self.run = 0;
        if self.ejected.take_if(|ejected| now >= ejected.until).is_some() {
            (self.now, self.last) = (Outcomes::default(), Outcomes::default());
        }
    }

    /// The whole answer came.
    pub(super) fn succeeded(&mut self, now: u64) {
        self.roll(now);
        self.now.ok = self.now.ok.saturating_add(1);
        self.cuts = 0;
        self.answered(now);
    }

    /// No token came, or not in time, or (`cut`) not all of them.
    pub(super) fn failed(&mut self, breaker: &Breaker, cut: bool, now: u64) -> Failed {
        self.roll(now);
        self.now.failed = self.now.failed.saturating_add(1);
        let run = if cut { &mut self.cuts } else { &mut self.run };
        *run = run.saturating_add(1);
        let run = *run;
        if let Some(ejected) = &mut self.ejected {
            if now >= ejected.until {
                *ejected = Ejected { until: until(breaker, now), probe: None };
            }
            return Failed::Counted;
        }
        let patience = patience(self.outcomes().0);
        let in_a_row = run >= breaker.consecutive_failures.saturating_add(patience);
        if in_a_row || self.fails(breaker, 1, 1) {
            self.ejected = Some(Ejected { until: until(breaker, now), probe: None });
            return Failed::Ejects;
        }
        if run > patience { Failed::Counted } else { Failed::Stray }
    }

    /// Successes and failures of this and the last window.
    fn outcomes(&self) -> (u32, u32) {
        (self.now.ok.saturating_add(self.last.ok), self.now.failed.saturating_add(self.last.failed))
    }

    fn roll(&mut self, now: u64) {
        let window = now.checked_div(WINDOW).unwrap_or(0);
        if window > self.window {
            self.last = if window == self.window.saturating_add(1) { self.now } else { Outcomes::default() };
            self.now = Outcomes::default();
            self.window = window;
        }
    }
}

/// Of many requests a second some fail one after another by chance: five in a row of those that fail by 30 percent come
/// each 400 requests. One more in a row is asked for at 50 successes, and for each doubling.
fn patience(ok: u32) -> u32 {
    ok.checked_div(50).unwrap_or(0).checked_ilog2().map_or(0, |doublings| doublings.saturating_add(1))
}

/// Envoy looks only so often whether an ejection is over, so the chain must be left alone for a little longer.
fn until(breaker: &Breaker, now: u64) -> u64 {
    now.saturating_add(breaker.eject_for.0).saturating_add(check_interval(breaker).0)
}

/// How often Envoy looks whether an ejection is over.
pub fn check_interval(breaker: &Breaker) -> Millis {
    Millis(breaker.eject_for.0.checked_div(4).unwrap_or(0).clamp(100, 1_000))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chance::Chance;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    const NOW: u64 = 1_700_000_000_000;
    const BREAKER: Breaker =
        Breaker { consecutive_failures: 5, failure_rate: 50, eject_for: Millis(30_000), max_cooldown: Millis(60_000) };

    fn fail(health: &mut Health, times: usize, now: u64) -> Failed {
        (0..times).map(|_| health.failed(&BREAKER, false, now)).last().unwrap()
    }

    #[test]
    fn five_in_a_row_eject_and_four_do_not() {
        let mut health = Health::default();
        assert_eq!(fail(&mut health, 4, NOW), Failed::Counted);
        assert_eq!(health.gate(NOW), Gate::Open);
        health.succeeded(NOW);
        assert_eq!(fail(&mut health, 4, NOW), Failed::Counted);
        assert_eq!(fail(&mut health, 1, NOW), Failed::Ejects);
        assert_eq!(health.gate(NOW), Gate::Closed { until: NOW + 31_000 });
    }

    #[test]
    fn one_probe_decides_whether_it_comes_back() {
        let mut health = Health::default();
        fail(&mut health, 5, NOW);
        let back = NOW + 31_000;
        assert_eq!(health.gate(back), Gate::Probe);
        health.probe(1, back);
        assert!(matches!(health.gate(back), Gate::Closed { .. }), "one at a time");
        fail(&mut health, 1, back + 10);
        assert_eq!(health.gate(back + 10), Gate::Closed { until: back + 10 + 31_000 });
        let again = back + 10 + 31_000;
        health.probe(1, again);
        health.forget_probe(2);
        assert!(matches!(health.gate(again), Gate::Closed { .. }), "another worker's");
        health.forget_probe(1);
        assert_eq!(health.gate(again), Gate::Probe, "a probe without an outcome");
        health.probe(2, again);
        health.succeeded(again + 10);
        assert_eq!((health.gate(again + 10), health.is_troubled()), (Gate::Open, false));
    }

    #[test]
    fn a_provider_that_envoy_passes_over_is_tried_again_after_a_second() {
        let mut health = Health::default();
        health.passed_over(NOW);
        assert_eq!(health.gate(NOW), Gate::Closed { until: NOW + 1_000 });
        assert_eq!(health.gate(NOW + 1_000), Gate::Probe);
        health.probe(1, NOW + 1_000);
        health.passed_over(NOW + 1_001);
        assert_eq!(health.gate(NOW + 2_000), Gate::Closed { until: NOW + 2_001 });
        health.answered(NOW + 2_002);
        assert_eq!(health.gate(NOW + 2_002), Gate::Open);
    }

    #[test]
    fn one_failure_in_five_is_degraded_and_heals_with_time() {
        let mut health = Health::default();
        for request in 0..40 {
            if request % 5 == 0 {
                health.failed(&BREAKER, false, NOW);
            } else {
                health.succeeded(NOW);
            }
        }
        assert!(health.is_degraded(&BREAKER, NOW + WINDOW));
        assert!(!health.is_degraded(&BREAKER, NOW + 2 * WINDOW), "without an outcome in between");
    }

    #[test]
    fn a_late_success_does_not_end_an_ejection() {
        let mut health = Health::default();
        fail(&mut health, 5, NOW);
        health.succeeded(NOW + 1_000);
        assert!(matches!(health.gate(NOW + 1_000), Gate::Closed { .. }));
    }

    #[test]
    fn streams_that_are_cut_one_after_another_eject_although_each_began() {
        let mut health = Health::default();
        let ejects = (0..5).map(|_| {
            health.answered(NOW);
            health.failed(&BREAKER, true, NOW)
        });
        assert_eq!(ejects.last(), Some(Failed::Ejects));
        let mut health = Health::default();
        for _ in 0..9 {
            health.failed(&BREAKER, true, NOW);
            health.succeeded(NOW);
        }
        assert_eq!(health.gate(NOW), Gate::Open);
    }

    #[test]
    fn a_rate_of_failures_ejects_without_a_run() {
        let mut health = Health::default();
        for _ in 0..9 {
            health.succeeded(NOW);
            assert_eq!(health.failed(&BREAKER, false, NOW), Failed::Counted);
        }
        health.succeeded(NOW);
        assert_eq!(health.failed(&BREAKER, false, NOW), Failed::Ejects);
    }

    #[test]
    fn a_third_of_many_failing_by_chance_is_no_outage_and_a_dead_one_is_noticed_at_once() {
        let mut health = Health::default();
        let mut chance = Chance::new(7);
        for request in 0..6_000 {
            let now = NOW + request * 3;
            if chance.draw() % 100 < 30 {
                health.failed(&BREAKER, false, now);
            } else {
                health.succeeded(now);
            }
            assert_eq!(health.gate(now), Gate::Open, "after {request}");
        }
        let now = NOW + 18_000;
        let run = (1..).find(|_| health.failed(&BREAKER, false, now) == Failed::Ejects).unwrap();
        assert!(run <= 14, "{run}");
    }
}
