//! Several workers over one shared memory, with a clock that jumps: what holds for one must hold for all of them
//! together.

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
    Demand { tenant, model: part("m"), priority, size: SIZE, candidates, rank }
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
