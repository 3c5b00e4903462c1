//! Several workers over one shared memory, with a clock that jumps: what holds for one must hold for all of them
//! together.

mod leases;
mod saturated;

use super::*;
use crate::config::{self, Target};
use crate::failure::{Class, Failure};
use crate::shared::Local;
use std::collections::BTreeMap;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const NOW: u64 = 1_700_000_000_000;
const SIZE: Size = Size { prompt_bytes: 40, output_limit: Some(10), choices: 1 };

/// `count` workers of a gateway with these `providers` (a, b, c: their further keys) and `rest`.
fn workers(count: u64, providers: &[&str], rest: &str) -> Vec<Rc<Traffic>> {
    let names = ["a", "b", "c"];
    let providers: String = names
        .iter()
        .zip(providers)
        .map(|(name, keys)| format!("  {name}: {{ kind: openai, base_url: \"http://localhost:1\"{keys} }}\n"))
        .collect();
    let (config, _) =
        config::parse(&format!("providers:\n{providers}{rest}")).unwrap_or_else(|problems| panic!("{problems:?}"));
    let shared: Rc<dyn SharedData> = Rc::new(Local::default());
    (1..=count).map(|worker| Rc::new(Traffic::new(&config, shared.clone(), worker))).collect()
}

fn candidates(names: &[&str]) -> Vec<Candidate> {
    let place = |name: &str| ["a", "b", "c"].iter().position(|have| *have == name).unwrap();
    let candidate = |name: &&str| Candidate {
        target: Target::parse(&format!("{name}/m")).unwrap(),
        provider: place(name),
        part: part("m"),
    };
    names.iter().map(candidate).collect()
}

fn demand<'a>(candidates: &'a [Candidate], tenant: Option<usize>, rank: Option<Rank>) -> Demand<'a> {
    let priority = rank.map_or(Priority::Normal, |rank| rank.priority);
    Demand { tenant, model: part("m"), priority, size: SIZE, candidates, in_order: false, rank }
}

fn admit(worker: &Rc<Traffic>, candidates: &[Candidate], now: u64) -> Option<Admitted> {
    match worker.admit(&demand(candidates, None, None), now) {
        Admission::Go(admitted) => Some(admitted),
        Admission::Not(_) => None,
    }
}

fn failed(class: Class, retry_after: Option<u64>) -> Failure {
    Failure { retry_after: retry_after.map(config::Millis), ..Failure::plain(class, Some(429), "") }
}

#[test]
fn a_limit_holds_over_any_number_of_workers() {
    for count in [1, 2, 8] {
        let workers = workers(count, &[", limits: { requests_per_minute: 100 }"], "");
        let a = candidates(&["a"]);
        let mut admitted = 0;
        for number in 0..2_000 {
            if let Some(admission) = admit(&workers[number % workers.len()], &a, NOW) {
                admission.permit.served(None, 0, NOW);
                admitted += 1;
            }
        }
        assert_eq!(admitted, 100, "{count} workers");
        assert!(admit(&workers[0], &a, NOW + 599).is_none());
        assert!(admit(&workers[0], &a, NOW + 600).is_some(), "the wait that was told is true");
    }
}

/// Providers as they are: they count what arrives.
struct Strict {
    level: f64,
    at: u64,
    per_second: f64,
    burst: f64,
}

impl Strict {
    fn takes(&mut self, now: u64) -> bool {
        #[allow(clippy::cast_precision_loss, reason = "a test")]
        let elapsed = (now - self.at) as f64 / 1_000.0;
        self.level = self.burst.min(self.level + elapsed * self.per_second);
        self.at = now;
        let has = self.level >= 1.0;
        self.level -= f64::from(u8::from(has));
        has
    }
}

#[test]
fn two_providers_at_their_limits_are_never_asked_for_more() {
    let limits = ", limits: { requests_per_minute: 24000, burst: 1200, concurrency: 400 }";
    let workers = workers(2, &[limits, limits], "");
    let both = candidates(&["a", "b"]);
    let strict = || Strict { level: 1_200.0, at: NOW, per_second: 400.0, burst: 1_200.0 };
    let mut providers = [strict(), strict()];
    let mut running: BTreeMap<u64, Vec<Permit>> = BTreeMap::new();
    let (mut refused, mut waiting) = (0, 0);
    for millis in 0..15_000_u64 {
        let now = NOW + millis;
        for (_, permits) in running.extract_if(..=now, |_, _| true).collect::<Vec<_>>() {
            permits.into_iter().for_each(|permit| {
                permit.served(None, 4, now);
            });
        }
        match admit(&workers[usize::try_from(millis % 2).unwrap()], &both, now) {
            None => waiting += 1,
            Some(admitted) => {
                let provider = admitted.permit.provider();
                if providers[provider].takes(now) {
                    running.entry(now + 60).or_default().push(admitted.permit);
                } else {
                    refused += 1;
                    let _ = admitted.permit.failed(&failed(Class::RateLimited, Some(1_000)), now);
                }
            }
        }
    }
    assert_eq!(refused, 0, "and {waiting} would have waited");
    assert!((1_000..1_500).contains(&waiting), "{waiting} of 15000: both together allow 14400");
}

#[test]
fn whatever_becomes_of_a_request_its_slot_comes_back_once() {
    let limits = ", limits: { requests_per_minute: 1000, tokens_per_minute: 100000, concurrency: 1000 }";
    let workers = workers(3, &[limits], "");
    let a = candidates(&["a"]);
    let mut chance = crate::chance::Chance::new(3);
    let mut running: Vec<Permit> = Vec::new();
    for step in 0..5_000_u64 {
        let now = NOW + step * 10;
        let worker = &workers[usize::try_from(chance.draw() % 3).unwrap()];
        running.extend(admit(worker, &a, now).map(|admitted| admitted.permit));
        if chance.draw().is_multiple_of(2) && !running.is_empty() {
            let mut permit = running.swap_remove(usize::try_from(chance.draw()).unwrap_or(0) % running.len());
            match chance.draw() % 6 {
                0 => drop(permit),
                1 => drop(permit.failed(&failed(Class::InvalidRequest, None), now)),
                2 => drop(permit.failed(&failed(Class::Conflict, None), now)),
                3 => {
                    permit.first_token(now);
                    permit.aborted(None, 10, now);
                }
                4 => permit.passed_over(now),
                _ => {
                    permit.served(None, 10, now);
                }
            }
        }
        // A look is kept for a moment.
        let looked = NOW + 1_000_000 * (step + 1);
        assert_eq!(workers[0].gauges(0, looked).unwrap().in_flight, running.len() as u64, "step {step}");
    }
}

#[test]
fn the_slots_of_a_worker_that_is_gone_come_back() {
    let workers = workers(
        2,
        &[", limits: { concurrency: 4 }"],
        "tenants: { t: { key_sha256: \"0000000000000000000000000000000000000000000000000000000000000000\", limits: { concurrency: 4 } } }\n",
    );
    let a = candidates(&["a"]);
    let take = |worker: &Rc<Traffic>, now| match worker.admit(&demand(&a, Some(0), None), now) {
        Admission::Go(admitted) => Some(admitted),
        Admission::Not(_) => None,
    };
    workers.iter().for_each(|worker| worker.end_round(NOW));
    let lost: Vec<_> = (0..3).filter_map(|_| take(&workers[0], NOW)).collect();
    let kept = take(&workers[1], NOW).unwrap();
    assert!(take(&workers[1], NOW).is_none());
    // The first worker's VM traps: nothing of it runs any more.
    std::mem::forget(lost);
    workers[1].end_round(NOW + 9_000);
    assert!(take(&workers[1], NOW + 9_000).is_none(), "it may only be slow");
    workers[1].end_round(NOW + 10_500);
    let again: Vec<_> = (0..4).filter_map(|_| take(&workers[1], NOW + 10_500)).collect();
    assert_eq!(again.len(), 3, "its own is still under way");
    drop((kept, again));
}

#[test]
fn a_target_that_asks_to_be_left_alone_is_and_then_is_not() {
    let workers = workers(2, &["", ""], "");
    let both = candidates(&["a", "b"]);
    let first = admit(&workers[0], &both, NOW).unwrap();
    assert_eq!((first.permit.provider(), first.order.as_slice()), (0, [0, 1].as_slice()));
    let _ = first.permit.failed(&failed(Class::RateLimited, Some(3_000)), NOW);
    for (worker, after, provider) in [(0, 0, 1), (1, 2_999, 1), (1, 3_000, 0)] {
        let admitted = admit(&workers[worker], &both, NOW + after).unwrap();
        assert_eq!(admitted.permit.provider(), provider, "after {after} ms");
        assert_eq!(admitted.order.len(), if provider == 1 { 1 } else { 2 }, "and it is in no chain");
    }
    let only = candidates(&["a"]);
    let alone = admit(&workers[0], &only, NOW + 4_000).unwrap();
    let _ = alone.permit.failed(&failed(Class::RateLimited, Some(3_000)), NOW + 4_000);
    match workers[1].admit(&demand(&only, None, None), NOW + 5_000) {
        Admission::Not(obstacle) => {
            assert_eq!(obstacle, Obstacle::Cooling { wait: 2_000, passes: true });
            assert!(obstacle.is_worth_waiting(2_000) && !obstacle.is_worth_waiting(1_999));
        }
        Admission::Go(_) => panic!("it was asked while it cools"),
    }
}

#[test]
fn a_dead_provider_is_not_waited_for() {
    let workers = workers(1, &[", breaker: { consecutive_failures: 3, eject_for: 10s }"], "");
    let only = candidates(&["a"]);
    for _ in 0..3 {
        let _ = admit(&workers[0], &only, NOW).unwrap().permit.failed(&failed(Class::Connection, None), NOW);
    }
    match workers[0].admit(&demand(&only, None, None), NOW) {
        Admission::Not(obstacle) => assert!(!obstacle.is_worth_waiting(u64::MAX), "{obstacle:?}"),
        Admission::Go(_) => panic!("it was asked"),
    }
    let probe = admit(&workers[0], &only, NOW + 11_000).unwrap();
    assert!(admit(&workers[0], &only, NOW + 11_000).is_none(), "one probe at a time");
    drop(probe.permit);
    let probe = admit(&workers[0], &only, NOW + 11_000).expect("a probe that never began is no probe");
    probe.permit.served(None, 0, NOW + 11_100);
    assert!(admit(&workers[0], &only, NOW + 11_100).is_some());
}

/// What waits in one worker, and who was served when.
struct Waiting {
    worker: Rc<Traffic>,
    places: BTreeMap<Place, usize>,
}

impl Waiting {
    fn round(&mut self, candidates: &[Candidate], now: u64, served: &mut Vec<usize>) {
        self.worker.begin_round();
        let mut last = None;
        while let Some(place) = self.worker.next_turn(last, now) {
            last = Some(place);
            let demand = demand(candidates, None, Some(place.0));
            match self.worker.admit(&demand, now) {
                Admission::Go(admitted) => {
                    admitted.permit.served(None, 0, now);
                    self.worker.leave(place, true);
                    served.extend(self.places.remove(&place));
                }
                Admission::Not(_) => {}
            }
        }
        self.worker.end_round(now);
    }
}

/// Serves all of `requests` (worker, tenant, priority) at 200 per second; the workers look each 5 ms, out of step. In the
/// order in which they were served.
fn serve(requests: &[(usize, usize, Priority)]) -> Vec<usize> {
    let workers = workers(2, &[", limits: { requests_per_minute: 12000, burst: 1 }"], "");
    let a = candidates(&["a"]);
    drop(admit(&workers[0], &a, NOW));
    let mut rooms: Vec<_> =
        workers.iter().map(|worker| Waiting { worker: worker.clone(), places: BTreeMap::new() }).collect();
    for (number, (worker, tenant, priority)) in requests.iter().enumerate() {
        let waiter = Waiter {
            tenant: Some(*tenant),
            model: part("m"),
            targets: vec![(0, part("m"))],
            bytes: 1,
            since: NOW,
            until: NOW + 1_000_000,
        };
        let place = rooms[*worker].worker.enter(u32::try_from(number).unwrap(), *priority, waiter).unwrap();
        rooms[*worker].places.insert(place, number);
    }
    rooms.iter_mut().for_each(|room| room.worker.end_round(NOW));
    let mut served = Vec::new();
    for millis in 1..60_000 {
        // The second worker always comes just after the first.
        for (number, room) in rooms.iter_mut().enumerate() {
            if millis % 5 == number as u64 {
                room.round(&a, NOW + millis, &mut served);
            }
        }
        if served.len() == requests.len() {
            return served;
        }
    }
    panic!("{} of {} served", served.len(), requests.len());
}

#[test]
fn tenants_share_alike_although_each_waits_in_a_worker_of_its_own() {
    let mut requests = vec![(0, 0, Priority::Normal); 80];
    requests.extend(vec![(1, 1, Priority::Normal); 40]);
    let served = serve(&requests);
    let of_first = served.iter().take(80).filter(|number| requests[**number].1 == 0).count();
    assert!((38..=42).contains(&of_first), "{of_first} of the first 80 while both wait");
}

#[test]
fn priority_holds_over_workers() {
    let mut requests = vec![(0, 0, Priority::Low); 20];
    requests.extend(vec![(1, 0, Priority::Normal); 20]);
    requests.extend(vec![(0, 1, Priority::High); 10]);
    requests.extend(vec![(1, 1, Priority::High); 10]);
    let served = serve(&requests);
    let priorities: Vec<_> = served.iter().map(|number| requests[*number].2).collect();
    assert!(priorities.is_sorted(), "{priorities:?}");
}

#[test]
fn who_has_only_come_stands_behind_those_that_wait() {
    let workers = workers(2, &[", limits: { requests_per_minute: 600, burst: 1 }"], "");
    let a = candidates(&["a"]);
    let _ = admit(&workers[0], &a, NOW).unwrap();
    let enter = |worker: &Rc<Traffic>, priority| {
        let waiter = Waiter {
            tenant: None,
            model: part("m"),
            targets: vec![(0, part("m"))],
            bytes: 1,
            since: NOW,
            until: NOW + 10_000,
        };
        worker.enter(1, priority, waiter).unwrap()
    };
    let place = enter(&workers[0], Priority::Normal);
    workers[0].end_round(NOW);
    let later = NOW + 150;
    for worker in &workers {
        match worker.admit(&demand(&a, None, None), later) {
            Admission::Not(Obstacle::Queued { .. } | Obstacle::Limited { .. }) => {}
            _ => panic!("it went before who waits"),
        }
    }
    let high = Demand { priority: Priority::High, ..demand(&a, None, None) };
    match workers[1].admit(&high, later) {
        Admission::Go(admitted) => drop(admitted.permit),
        Admission::Not(obstacle) => panic!("{obstacle:?}"),
    }
    workers[0].leave(place, false);
    workers[0].end_round(later);
    assert!(admit(&workers[1], &a, later).is_some());
    assert_eq!(workers[1].waiting(), 0);
}

#[test]
fn the_waiting_room_is_bounded_over_all_workers() {
    let workers = workers(2, &[""], "waiting_room: { max_waiting: 3, max_bytes: 64KiB }\n");
    let enter = |worker: usize, bytes| {
        let waiter =
            Waiter { tenant: None, model: part("m"), targets: vec![(0, part("m"))], bytes, since: NOW, until: NOW };
        workers[worker].enter(0, Priority::Normal, waiter)
    };
    assert!(enter(0, 60_000).is_some());
    assert!(enter(1, 10_000).is_none(), "too many bytes");
    let (second, third) = (enter(1, 10).unwrap(), enter(0, 10).unwrap());
    assert!(enter(1, 10).is_none(), "too many requests");
    workers[1].leave(second, false);
    assert!(enter(0, 10).is_some());
    workers[0].leave(third, true);
    assert_eq!(workers[0].waiting(), 2);
}

#[test]
fn what_no_target_could_take_costs_the_tenant_nothing() {
    let key = "00".repeat(32);
    let tenants = format!("tenants: {{ t: {{ key_sha256: \"{key}\", limits: {{ requests_per_minute: 2 }} }} }}\n");
    let workers = workers(1, &[", limits: { concurrency: 1 }"], &tenants);
    let a = candidates(&["a"]);
    let ask = |now| workers[0].admit(&demand(&a, Some(0), None), now);
    let Admission::Go(first) = ask(NOW) else { panic!("refused") };
    for _ in 0..10 {
        assert!(matches!(ask(NOW), Admission::Not(Obstacle::Limited { owner: Owner::Provider, .. })));
    }
    drop((first.permit, first.tenant));
    let Admission::Go(second) = ask(NOW) else { panic!("refused") };
    drop((second.permit, second.tenant));
    assert!(matches!(
        ask(NOW),
        Admission::Not(Obstacle::Limited { owner: Owner::Tenant, until: Until::Millis(30_000), .. })
    ));
}

#[test]
fn of_equals_the_one_with_much_less_to_do_comes_first() {
    let workers = workers(1, &["", ""], "");
    let mut equals = candidates(&["a", "b"]);
    equals.iter_mut().for_each(|candidate| candidate.target.weight = Some(1));
    let first = |now| admit(&workers[0], &equals, now).unwrap();
    let busy: Vec<_> = (0..3).map(|_| first(NOW)).collect();
    let by: Vec<_> = busy.iter().map(|admitted| admitted.permit.provider()).collect();
    assert_eq!(by, [0, 0, 1], "twice as busy is chance, more is not");
    equals.iter_mut().for_each(|candidate| candidate.target.weight = None);
    assert_eq!(admit(&workers[0], &equals, NOW).unwrap().permit.provider(), 0, "an order is an order");
}
