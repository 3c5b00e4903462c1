//! Several Envoys of several workers over one sidecar: limits hold over all of them, and nearly all of them is used.

use super::*;
use crate::traffic::bucket::{Bucket, Rate};
use crate::wire::{LeaseAsk, Leased, LimitAsk, LimitLeased};
use std::collections::HashMap;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// What the sidecar does, over buckets that all share.
#[derive(Default)]
pub(super) struct Sidecar {
    buckets: HashMap<String, Bucket>,
    /// By Envoy and limit: granted, spent, returned.
    totals: HashMap<(usize, String), (u64, u64, u64)>,
    calls: usize,
}

impl Sidecar {
    pub(super) fn answer(&mut self, envoy: usize, asks: &[LeaseAsk], now: u64) -> Vec<Leased> {
        self.calls += 1;
        asks.iter().map(|ask| self.lease(envoy, ask, now)).collect()
    }

    fn lease(&mut self, envoy: usize, ask: &LeaseAsk, now: u64) -> Leased {
        let rate = |limit: &LimitAsk| Rate { per_minute: limit.per_minute, burst: limit.burst };
        for limit in &ask.limits {
            let bucket = self.buckets.entry(limit.id.clone()).or_default();
            let totals = self.totals.entry((envoy, limit.id.clone())).or_default();
            let returned = limit.returned.max(totals.2) - totals.2;
            bucket.give_back(rate(limit), returned);
            totals.1 = totals.1.max(limit.spent);
            totals.2 += returned;
            let owed = (totals.1 + totals.2).saturating_sub(totals.0);
            bucket.take(rate(limit), owed, now);
            totals.0 += owed;
            if let Some(most) = limit.at_most {
                bucket.at_most(rate(limit), most, now);
            }
        }
        let unheard =
            |sidecar: &Self, limit: &LimitAsk| sidecar.totals[&(envoy, limit.id.clone())].0.saturating_sub(limit.known);
        let waits: Vec<u64> = ask
            .limits
            .iter()
            .map(|limit| {
                let need = limit.need.saturating_sub(unheard(self, limit));
                self.buckets[&limit.id].wait(rate(limit), need, now)
            })
            .collect();
        let granted = waits.iter().all(|wait| *wait == 0);
        let limits = ask.limits.iter().zip(waits).map(|(limit, wait)| {
            let unheard = unheard(self, limit);
            let bucket = self.buckets.get_mut(&limit.id).unwrap();
            if granted {
                let need = limit.need.saturating_sub(unheard);
                bucket.take(rate(limit), need, now);
                let more = limit.want.saturating_sub(limit.need.max(unheard));
                let more = more.min(bucket.level(rate(limit), now) / 4);
                bucket.take(rate(limit), more, now);
                self.totals.get_mut(&(envoy, limit.id.clone())).unwrap().0 += need + more;
            }
            LimitLeased {
                granted: self.totals[&(envoy, limit.id.clone())].0,
                level: bucket.level(rate(limit), now),
                full_in: bucket.full_in(now),
                wait: if granted { 0 } else { wait },
            }
        });
        Leased { limits: limits.collect() }
    }

    /// Every token that was granted and not given back.
    fn outstanding(&self) -> u64 {
        self.totals.values().map(|(granted, spent, returned)| granted - spent - returned).sum()
    }
}

pub(super) struct Fleet {
    pub(super) envoys: Vec<Vec<Rc<Traffic>>>,
    pub(super) config: crate::config::Config,
    pub(super) sidecar: Sidecar,
    /// Requests that had to wait for a lease.
    waited: usize,
    /// One answer in so many is lost.
    lossy: usize,
}

impl Fleet {
    pub(super) fn new(envoys: usize, count: u64, keys: &str) -> Self {
        let text = format!("providers:\n  a: {{ kind: openai, base_url: \"http://localhost:1\"{keys} }}\n");
        let (config, _) = config::parse(&text).unwrap_or_else(|problems| panic!("{problems:?}"));
        let envoys = (0..envoys).map(|_| workers(count, &[keys], "")).collect::<Vec<_>>();
        envoys.iter().flatten().for_each(|worker| worker.hold(Regime::Leased));
        Self { envoys, config, sidecar: Sidecar::default(), waited: 0, lossy: usize::MAX }
    }

    fn call(&mut self, envoy: usize, worker: usize, now: u64) -> bool {
        let traffic = &self.envoys[envoy][worker];
        let Some(call) = traffic.lease(&self.config, now) else { return false };
        let answer = self.sidecar.answer(envoy, &call.asks, now);
        if self.sidecar.calls.is_multiple_of(self.lossy) {
            traffic.leased(&call, None, now);
        } else {
            traffic.leased(&call, Some(&answer), now);
        }
        true
    }

    /// One request: it goes at once, or after the sidecar was asked, or not.
    fn request(&mut self, envoy: usize, worker: usize, now: u64) -> Option<Admitted> {
        let a = candidates(&["a"]);
        for attempt in 0..8 {
            let traffic = self.envoys[envoy][worker].clone();
            let admission = traffic.admit(&demand(&a, None, None), now);
            let is_leased = matches!(admission, Admission::Not(Obstacle::Limited { until: Until::Leased, .. }));
            self.waited += usize::from(is_leased && attempt == 0);
            let asked = self.call(envoy, worker, now);
            match admission {
                Admission::Go(admitted) => return Some(admitted),
                Admission::Not(_) if is_leased && asked => {}
                Admission::Not(_) => return None,
            }
        }
        None
    }

    pub(super) fn beat(&mut self, now: u64) {
        for envoy in 0..self.envoys.len() {
            for traffic in self.envoys[envoy].clone() {
                traffic.end_round(now);
                if let Some(call) = traffic.account(&self.config, now) {
                    let answer = self.sidecar.answer(envoy, &call.asks, now);
                    traffic.leased(&call, Some(&answer), now);
                }
            }
        }
    }
}

/// Whether at no time more was admitted than a bucket of `burst` that fills with `per_minute` allows; when and how much.
pub(super) fn overshoot(admitted: &[(u64, u64)], per_minute: u64, burst: u64) -> u64 {
    let mut bucket = Bucket::default();
    let rate = Rate { per_minute, burst };
    let mut worst = 0;
    for (at, amount) in admitted {
        bucket.take(rate, *amount, *at);
        worst = worst.max(bucket.missing(rate, *at).saturating_sub(burst));
    }
    worst
}

#[test]
fn a_limit_holds_over_any_number_of_envoys_and_is_used() {
    for (envoys, count) in [(1, 1), (1, 8), (4, 2)] {
        let mut fleet = Fleet::new(envoys, count, ", limits: { tokens_per_minute: 6122, concurrency: 100000 }");
        // Of 6122 a fiftieth is kept back.
        let mut admitted = Vec::new();
        for number in 0..20_000_usize {
            let now = NOW + number as u64;
            let (envoy, worker) = (number % envoys, number / envoys % usize::try_from(count).unwrap());
            if let Some(admission) = fleet.request(envoy, worker, now) {
                admitted.push((now, 20));
                admission.permit.served(
                    Some(crate::chat::Usage { prompt: 10, completion: 10, ..Default::default() }),
                    0,
                    now,
                );
            }
            if number.is_multiple_of(1_000) {
                fleet.beat(now);
            }
        }
        let total: u64 = admitted.iter().map(|(_, tokens)| tokens).sum();
        let most = 6_000 + 6_122 * 20 / 60;
        assert!(total <= most && total * 100 >= most * 95, "{envoys} x {count}: {total} of {most}");
        assert_eq!(overshoot(&admitted, 6_122, 6_000), 0, "{envoys} x {count}");
        assert!(fleet.sidecar.calls < 3_000, "{} calls", fleet.sidecar.calls);
    }
}

#[test]
fn a_hundred_at_once_are_a_hundred() {
    let mut fleet = Fleet::new(4, 2, ", limits: { requests_per_minute: 100, concurrency: 100000 }");
    let admitted: Vec<_> = (0..2_000).filter_map(|number| fleet.request(number % 4, number / 4 % 2, NOW)).collect();
    // A provider's burst is kept back by one in two hundred: nothing of a hundred.
    assert_eq!(admitted.len(), 100);
}

#[test]
fn in_steady_state_hardly_anybody_waits_for_the_sidecar() {
    for per_second in [1, 5, 50, 1_000] {
        let mut fleet = Fleet::new(2, 2, ", limits: { requests_per_minute: 120000, tokens_per_minute: 100000000 }");
        let mut requests = 0_usize;
        for millis in 0..60_000_u64 {
            let now = NOW + millis;
            if millis.is_multiple_of(1_000 / per_second) {
                requests += 1;
                let admitted = fleet.request(requests % 2, requests / 2 % 2, now).unwrap();
                admitted.permit.served(None, 10, now);
            }
            if millis.is_multiple_of(1_000) {
                fleet.beat(now);
            }
        }
        assert!(fleet.waited * 50 <= requests.max(200), "{per_second}/s: {} of {requests} waited", fleet.waited);
        assert!(fleet.sidecar.calls < 1_500, "{per_second}/s: {} calls", fleet.sidecar.calls);
    }
}

#[test]
fn a_lost_answer_is_made_up_for() {
    let mut fleet = Fleet::new(2, 1, ", limits: { requests_per_minute: 6000, concurrency: 100000 }");
    fleet.lossy = 3;
    let mut admitted = Vec::new();
    for number in 0..60_000_usize {
        let now = NOW + number as u64;
        if let Some(admission) = fleet.request(number % 2, 0, now) {
            admitted.push((now, 1));
            admission.permit.served(None, 10, now);
        }
        if number.is_multiple_of(1_000) {
            fleet.beat(now);
        }
    }
    assert_eq!(overshoot(&admitted, 6_000, 5_970), 0);
    assert!(admitted.len() * 100 >= 11_970 * 95, "{}", admitted.len());
}

#[test]
fn what_is_not_used_goes_back_and_the_books_balance() {
    let mut fleet = Fleet::new(2, 2, ", limits: { requests_per_minute: 6000, tokens_per_minute: 600000 }");
    let mut permits = Vec::new();
    for number in 0..400_usize {
        let now = NOW + number as u64 * 10;
        permits.extend(fleet.request(number % 2, number / 2 % 2, now).map(|admitted| admitted.permit));
        if permits.len() > 20 {
            let permit = permits.remove(0);
            match number % 3 {
                0 => drop(permit),
                1 => drop(permit.failed(&failed(Class::ServerError, None), now)),
                _ => drop(permit.served(None, 30, now)),
            }
        }
    }
    let end = NOW + 4_000;
    permits.into_iter().for_each(|permit| {
        permit.served(None, 30, end);
    });
    assert!(fleet.sidecar.outstanding() > 0);
    for second in 1..8 {
        fleet.beat(end + second * 1_000);
    }
    assert_eq!(fleet.sidecar.outstanding(), 0, "{:?}", fleet.sidecar.totals);
}

#[test]
fn a_worker_that_is_gone_leaves_no_hole_in_the_books() {
    let mut fleet = Fleet::new(1, 2, ", limits: { requests_per_minute: 600, tokens_per_minute: 600000 }");
    fleet.beat(NOW);
    let lost: Vec<_> = (0..10).map(|_| fleet.request(0, 1, NOW).unwrap().permit).collect();
    lost.into_iter().for_each(std::mem::forget);
    fleet.envoys[0].truncate(1);
    for second in 1..30 {
        fleet.beat(NOW + second * 1_000);
    }
    assert_eq!(fleet.sidecar.outstanding(), 0, "{:?}", fleet.sidecar.totals);
    assert!(fleet.sidecar.totals.iter().any(|((_, id), totals)| id.ends_with("requests") && totals.1 == 10));
}

#[test]
fn without_a_sidecar_each_envoy_has_its_share_of_what_flows_in() {
    let mut fleet = Fleet::new(4, 2, ", limits: { requests_per_minute: 6000, concurrency: 100000 }");
    let mut admitted = Vec::new();
    let offer = |fleet: &mut Fleet, admitted: &mut Vec<(u64, u64)>, from: u64, to: u64| {
        for millis in from..to {
            let (now, number) = (NOW + millis, usize::try_from(millis).unwrap());
            for _ in 0..2 {
                if let Some(admission) = fleet.request(number % 4, number / 4 % 2, now) {
                    admitted.push((now, 1));
                    admission.permit.served(None, 10, now);
                }
            }
            if millis.is_multiple_of(1_000) && fleet.envoys[0][0].regime() == Regime::Leased {
                fleet.beat(now);
            }
        }
    };
    let hold = |fleet: &Fleet, regime| fleet.envoys.iter().flatten().for_each(|worker| worker.hold(regime));
    offer(&mut fleet, &mut admitted, 0, 2_000);
    hold(&fleet, Regime::Local { envoys: 4 });
    offer(&mut fleet, &mut admitted, 2_000, 30_000);
    hold(&fleet, Regime::Leased);
    offer(&mut fleet, &mut admitted, 30_000, 60_000);
    assert_eq!(overshoot(&admitted, 6_000, 5_970), 0);
    assert!(admitted.len() * 100 >= 11_900 * 90, "{}", admitted.len());

    hold(&fleet, Regime::Closed);
    assert!(fleet.request(0, 0, NOW + 70_000).is_none());
    hold(&fleet, Regime::Open);
    assert!((0..20_000).all(|number| fleet.request(number % 4, 0, NOW + 70_000).is_some()));
}

#[test]
fn who_has_nothing_left_when_the_sidecar_goes_has_its_share_all_the_same() {
    let mut fleet = Fleet::new(4, 2, ", limits: { requests_per_minute: 6000, concurrency: 100000 }");
    let mut admitted = Vec::new();
    let mut offer = |fleet: &mut Fleet, from: u64, to: u64| {
        let before = admitted.len();
        for millis in from..to {
            for envoy in 0..4 {
                let (now, worker) = (NOW + millis, usize::try_from(millis).unwrap() % 2);
                if let Some(admission) = fleet.request(envoy, worker, now) {
                    admitted.push((now, 1));
                    admission.permit.served(None, 10, now);
                }
            }
        }
        admitted.len() - before
    };
    // The bucket, and what flows into it.
    let leased = offer(&mut fleet, 0, 2_000);
    assert!((6_100..=6_170).contains(&leased), "{leased}");
    let regime = Regime::Local { envoys: 4 };
    fleet.envoys.iter().flatten().for_each(|worker| worker.hold(regime));
    // Each worker notices by itself, and again and again.
    for millis in [2_000, 2_200, 2_400] {
        fleet.envoys.iter().flatten().for_each(|worker| worker.go_local(NOW + millis));
    }
    let local = offer(&mut fleet, 2_400, 12_000);
    // Ten seconds, but for the first, in which others might not have missed the sidecar yet.
    assert!((880..=900).contains(&local), "{local}");
    assert_eq!(overshoot(&admitted, 6_000, 5_970), 0);
}

#[test]
fn what_a_provider_says_before_its_envoy_knows_to_be_alone_holds_from_then_on() {
    let mut fleet = Fleet::new(1, 1, ", limits: { requests_per_minute: 20, concurrency: 100000 }");
    let admitted = fleet.request(0, 0, NOW).unwrap();
    let none = crate::limit_headers::Level { limit: Some(20), remaining: 0, reset: None };
    let told = crate::limit_headers::Told { requests: Some(none), ..Default::default() };
    admitted.permit.told(&told, NOW);
    admitted.permit.served(None, 10, NOW);
    fleet.envoys[0][0].hold(Regime::Local { envoys: 1 });
    fleet.envoys[0][0].go_local(NOW + 500);
    assert!(!fleet.call(0, 0, NOW + 500), "who is alone asks for nothing");
    fleet.beat(NOW + 1_000);
    assert!(fleet.request(0, 0, NOW + 2_999).is_none());
    assert!(fleet.request(0, 0, NOW + 3_000).is_some(), "one has flowed in since it was said");
}
