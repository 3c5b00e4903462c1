//! Envoys that share a limit and are offered more than it allows: how often they ask the sidecar, who gets what, and how
//! much of the limit is used. As it is in an Envoy: an answer takes its time, who lacks something waits in its worker, and
//! is asked again by each tick and after each answer.

use super::leases::{Fleet, overshoot};
use super::*;
use crate::wire::Leased;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Milliseconds between a call and its answer, between two ticks, for which a request waits at most, and that a provider
/// takes.
const CALL: u64 = 2;
const TICK: u64 = 5;
const MAX_WAIT: u64 = 500;
const ANSWER: u64 = 4;

/// A call under way: from which Envoy and worker, what, its answer, and when that is there.
struct UnderWay {
    envoy: usize,
    worker: usize,
    call: LeaseCall,
    answer: Vec<Leased>,
    at: u64,
}

struct Crowd {
    fleet: Fleet,
    candidates: Vec<Candidate>,
    calls: Vec<UnderWay>,
    running: BTreeMap<u64, Vec<Permit>>,
    tickets: u32,
    /// When each was admitted, by its Envoy.
    admitted: Vec<(usize, u64)>,
    /// Calls that were made, by Envoy.
    asked: Vec<usize>,
    /// Of those that came, how many had to wait for whatever it was.
    waited: usize,
}

impl Crowd {
    fn new(envoys: usize, limits: &str) -> Self {
        Self {
            fleet: Fleet::new(envoys, 2, &format!(", limits: {{ concurrency: 100000, {limits} }}")),
            candidates: candidates(&["a"]),
            calls: Vec::new(),
            running: BTreeMap::new(),
            tickets: 0,
            admitted: Vec::new(),
            asked: vec![0; envoys],
            waited: 0,
        }
    }

    /// So many requests a second come to each Envoy for so many milliseconds. They fit `max_wait` or are refused at once.
    fn run(&mut self, per_second: &[u64], max_wait: u64, from: u64, millis: u64) {
        for now in (from..from + millis).map(|millis| NOW + millis) {
            for (_, permits) in self.running.extract_if(..=now, |_, _| true).collect::<Vec<_>>() {
                permits.into_iter().for_each(|permit| {
                    permit.served(None, ANSWER, now);
                });
            }
            for under_way in self.calls.extract_if(.., |one| one.at <= now).collect::<Vec<_>>() {
                let UnderWay { envoy, worker, call, answer, .. } = under_way;
                self.fleet.envoys[envoy][worker].leased(&call, Some(&answer), now);
                self.round(envoy, worker, now);
            }
            for (envoy, per_second) in per_second.iter().enumerate() {
                let came = |millis: u64| millis * per_second / 1_000;
                for number in came(now - NOW)..came(now - NOW + 1) {
                    self.comes(envoy, usize::try_from(number % 2).unwrap(), max_wait, now);
                }
                for worker in 0..2 {
                    // No two tick at once.
                    let offset = u64::try_from(envoy * 2 + worker).unwrap();
                    if (now + offset).is_multiple_of(TICK) {
                        self.round(envoy, worker, now);
                    }
                }
            }
            if now.is_multiple_of(1_000) {
                self.fleet.beat(now);
            }
        }
    }

    fn comes(&mut self, envoy: usize, worker: usize, max_wait: u64, now: u64) {
        let traffic = self.fleet.envoys[envoy][worker].clone();
        match traffic.admit(&demand(&self.candidates, None, None), now) {
            Admission::Go(admitted) => self.goes(envoy, admitted, now),
            Admission::Not(obstacle) => {
                self.waited += 1;
                if obstacle.is_worth_waiting(max_wait) {
                    let targets = vec![(0, part("m"))];
                    let waiter =
                        Waiter { tenant: None, model: part("m"), targets, bytes: 1, since: now, until: now + max_wait };
                    self.tickets += 1;
                    traffic.enter(self.tickets, Priority::Normal, waiter);
                }
            }
        }
        self.ask(envoy, worker, now);
    }

    fn round(&mut self, envoy: usize, worker: usize, now: u64) {
        let traffic = self.fleet.envoys[envoy][worker].clone();
        traffic.begin_round();
        let mut last = None;
        while let Some(place) = traffic.next_turn(last, now) {
            last = Some(place);
            match traffic.admit(&demand(&self.candidates, None, Some(place.0)), now) {
                Admission::Go(admitted) => {
                    traffic.leave(place, true);
                    self.goes(envoy, admitted, now);
                }
                Admission::Not(obstacle) if obstacle.is_worth_waiting(MAX_WAIT) => {}
                Admission::Not(_) => traffic.leave(place, false),
            }
        }
        traffic.end_round(now);
        self.ask(envoy, worker, now);
    }

    fn goes(&mut self, envoy: usize, admitted: Admitted, now: u64) {
        self.admitted.push((envoy, now));
        self.running.entry(now + ANSWER).or_default().push(admitted.permit);
    }

    fn ask(&mut self, envoy: usize, worker: usize, now: u64) {
        let Some(call) = self.fleet.envoys[envoy][worker].lease(&self.fleet.config, now) else { return };
        self.asked[envoy] += 1;
        let answer = self.fleet.sidecar.answer(envoy, &call.asks, now);
        self.calls.push(UnderWay { envoy, worker, call, answer, at: now + CALL });
    }

    /// How many were admitted from then on, by Envoy.
    fn shares(&self, from: u64) -> Vec<usize> {
        let of = |envoy| self.admitted.iter().filter(|(have, at)| *have == envoy && *at >= from).count();
        (0..self.asked.len()).map(of).collect()
    }
}

/// A second's rate and the bucket, what comes to each Envoy in a second, for how long it waits at most; and which part of what
/// flows in, in percent, each Envoy has to have at least.
struct Saturated {
    per_second: u64,
    burst: u64,
    offered: &'static [u64],
    max_wait: u64,
    least: &'static [u64],
}

/// How many calls each Envoy made in a second.
fn check(case: &Saturated, more_limits: &str) -> Vec<u64> {
    const SECONDS: u64 = 4;
    let Saturated { per_second, burst, offered, max_wait, least } = *case;
    let what = format!("{per_second}/s, {burst} at once, {offered:?}, {max_wait} ms");
    let per_minute = per_second * 60;
    let limits = format!("requests_per_minute: {per_minute}, burst: {burst}{more_limits}");
    let mut crowd = Crowd::new(offered.len(), &limits);
    crowd.run(offered, max_wait, 0, SECONDS * 1_000);
    let admitted: Vec<_> = crowd.admitted.iter().map(|(_, at)| (*at, 1)).collect();
    assert_eq!(overshoot(&admitted, per_minute, burst), 0, "{what}");
    let (total, most) = (admitted.len() as u64, burst + per_second * SECONDS);
    assert!(total * 100 >= most * 95, "{what}: {total} of {most}");
    // A full bucket is whose the demand is.
    let (shares, flowed) = (crowd.shares(NOW + 1_000), per_second * (SECONDS - 1));
    for (share, least) in shares.iter().zip(least) {
        assert!(*share as u64 * 100 >= flowed * least, "{what}: {shares:?} of {flowed}");
    }
    crowd.asked.into_iter().map(|asked| asked as u64 / SECONDS).collect()
}

#[test]
fn a_limit_that_is_used_up_costs_few_calls_and_everybody_has_a_share() {
    let large = Saturated { per_second: 400, burst: 400, offered: &[300, 300], max_wait: 100, least: &[45, 45] };
    for case in [
        Saturated { ..large },
        Saturated { max_wait: 0, ..large },
        Saturated { offered: &[600, 300], least: &[45, 40], ..large },
        Saturated { offered: &[600, 50], least: &[70, 10], ..large },
        Saturated { offered: &[100; 8], least: &[8; 8], ..large },
    ] {
        let asked = check(&case, "");
        assert!(asked.iter().all(|asked| *asked <= 50), "{:?}: {asked:?} calls a second", case.offered);
        let asked = check(&case, ", tokens_per_minute: 480000, burst_tokens: 8200");
        assert!(asked.iter().all(|asked| *asked <= 50), "{:?}: {asked:?} calls a second", case.offered);
    }
}

#[test]
fn a_bucket_that_holds_little_is_used_and_shared_all_the_same() {
    for max_wait in [0, 200] {
        for (per_second, burst) in [(400, 10), (50, 50), (10, 5)] {
            let offered: &[u64] = if per_second == 400 { &[300, 300] } else { &[50, 50] };
            let asked = check(&Saturated { per_second, burst, offered, max_wait, least: &[35, 35] }, "");
            assert!(asked.iter().all(|asked| *asked <= 100), "{per_second}, {burst}: {asked:?} calls a second");
        }
    }
}

#[test]
fn just_below_the_limit_hardly_anybody_waits_for_the_sidecar() {
    for (per_second, burst, offered) in [(400, 400, [180, 180]), (400, 100, [180, 180]), (400, 24_000, [300, 90])] {
        let mut crowd = Crowd::new(2, &format!("requests_per_minute: {}, burst: {burst}", per_second * 60));
        crowd.run(&offered, MAX_WAIT, 0, 2_000);
        let (before, waited) = (crowd.admitted.len(), crowd.waited);
        crowd.run(&offered, MAX_WAIT, 2_000, 10_000);
        let (admitted, waited) = (crowd.admitted.len() - before, crowd.waited - waited);
        assert!(waited * 50 < admitted, "{burst}, {offered:?}: {waited} of {admitted}");
        let asked: usize = crowd.asked.iter().sum();
        assert!(asked * 12 < admitted, "{burst}, {offered:?}: {asked} calls for {admitted}");
    }
}
