//! The books balance, and nobody gets more than flows, whatever is lost, repeated, late, or dies.

use super::Leases;
use crate::serve::metrics::{Books, Resource};
use crate::serve::tests::flaky::Flaky;
use proptest::prelude::*;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, advance};
use weir_core::wire::{LeaseAsk, Leased, LimitAsk};

const ENVOYS: usize = 3;
const IDS: [&str; 2] = ["provider/a/tokens", "tenant/b/requests"];
const PER_MINUTE: u64 = 600;
const BURST: u64 = 1_000;

/// What may happen.
#[derive(Clone, Debug)]
enum Step {
    /// An Envoy asks for all limits together; whether it hears the answer, and what the store does.
    Ask {
        envoy: usize,
        need: u64,
        want: u64,
        heard: bool,
        store: Mood,
    },
    /// An earlier message of it comes again, and its answer is heard.
    Repeat {
        envoy: usize,
        age: usize,
    },
    /// It uses some of what it has.
    Use {
        envoy: usize,
        limit: usize,
        amount: u64,
    },
    /// It uses more than it has: an estimate was wrong.
    Overuse {
        envoy: usize,
        limit: usize,
        amount: u64,
    },
    /// It gives back some of what it has.
    Return {
        envoy: usize,
        limit: usize,
        amount: u64,
    },
    /// Another is started in its place.
    Die {
        envoy: usize,
    },
    /// The sidecar starts anew; so do its books.
    Restart,
    /// The store has forgotten everything.
    Forget,
    Pass {
        millis: u64,
    },
}

#[derive(Clone, Copy, Debug)]
enum Mood {
    Well,
    Away,
    /// It does what it is asked, and nobody hears of it.
    Deaf,
}

fn step() -> impl Strategy<Value = Step> {
    let envoy = || 0..ENVOYS;
    let limit = || 0..IDS.len();
    let mood = prop_oneof![6 => Just(Mood::Well), 1 => Just(Mood::Away), 1 => Just(Mood::Deaf)];
    prop_oneof![
        8 => (envoy(), 0..400_u64, 0..800_u64, prop::bool::weighted(0.8), mood)
            .prop_map(|(envoy, need, more, heard, store)| Step::Ask { envoy, need, want: need + more, heard, store }),
        3 => (envoy(), 0..5_usize).prop_map(|(envoy, age)| Step::Repeat { envoy, age }),
        6 => (envoy(), limit(), 0..500_u64).prop_map(|(envoy, limit, amount)| Step::Use { envoy, limit, amount }),
        1 => (envoy(), limit(), 0..200_u64).prop_map(|(envoy, limit, amount)| Step::Overuse { envoy, limit, amount }),
        3 => (envoy(), limit(), 0..300_u64).prop_map(|(envoy, limit, amount)| Step::Return { envoy, limit, amount }),
        1 => envoy().prop_map(|envoy| Step::Die { envoy }),
        1 => Just(Step::Restart),
        1 => Just(Step::Forget),
        3 => (0..15_000_u64).prop_map(|millis| Step::Pass { millis }),
    ]
}

/// An Envoy's own account of each limit.
#[derive(Default)]
struct Envoy {
    id: u64,
    limits: [Totals; IDS.len()],
    sent: Vec<Vec<LeaseAsk>>,
}

#[derive(Clone, Copy, Default)]
struct Totals {
    known: u64,
    spent: u64,
    returned: u64,
}

impl Totals {
    fn left(self) -> u64 {
        self.known.saturating_sub(self.spent + self.returned)
    }
}

impl Envoy {
    fn asks(&self, need: u64, want: u64) -> Vec<LeaseAsk> {
        let limits = IDS.iter().zip(self.limits).map(|(id, Totals { known, spent, returned })| {
            let id = (*id).to_owned();
            LimitAsk {
                id,
                per_minute: PER_MINUTE,
                burst: BURST,
                known,
                spent,
                returned,
                need,
                want,
                at_most: None,
                full_in: None,
            }
        });
        vec![LeaseAsk { limits: limits.collect() }]
    }

    fn hears(&mut self, answer: &[Leased]) {
        for (totals, limit) in self.limits.iter_mut().zip(&answer[0].limits) {
            totals.known = totals.known.max(limit.granted);
        }
    }
}

struct World {
    begin: Instant,
    store: Arc<Flaky>,
    books: Books,
    leases: Leases,
    envoys: [Envoy; ENVOYS],
    next: u64,
    /// Of each limit: what those that died had used, and what was used beyond what was had.
    buried: [u64; IDS.len()],
    overused: [u64; IDS.len()],
}

impl World {
    fn new() -> Self {
        let (store, books) = (Flaky::new(), Books::default());
        let leases = Leases::new(store.clone(), books.clone());
        let envoys = std::array::from_fn(|index| Envoy { id: index as u64, ..Envoy::default() });
        let next = ENVOYS as u64;
        let begin = Instant::now();
        Self { begin, store, books, leases, envoys, next, buried: [0; IDS.len()], overused: [0; IDS.len()] }
    }

    async fn does(&mut self, step: Step) {
        match step {
            Step::Ask { envoy, need, want, heard, store } => {
                match store {
                    Mood::Well => {}
                    Mood::Away => self.store.fail(&["debit"]),
                    Mood::Deaf => self.store.deafen(&["debit"]),
                }
                let envoy = &mut self.envoys[envoy];
                let asks = envoy.asks(need, want);
                envoy.sent.push(asks.clone());
                let answer = self.leases.lease(envoy.id, &asks).await;
                assert_eq!(answer.is_ok(), matches!(store, Mood::Well));
                if heard && let Ok(answer) = answer {
                    envoy.hears(&answer);
                }
                self.store.fail(&[]);
                self.store.deafen(&[]);
            }
            Step::Repeat { envoy, age } => {
                let envoy = &mut self.envoys[envoy];
                let Some(asks) = envoy.sent.iter().rev().nth(age).cloned() else { return };
                let answer = self.leases.lease(envoy.id, &asks).await.expect("the store is well");
                envoy.hears(&answer);
            }
            Step::Use { envoy, limit, amount } => {
                let totals = &mut self.envoys[envoy].limits[limit];
                totals.spent += amount.min(totals.left());
            }
            Step::Overuse { envoy, limit, amount } => {
                let totals = &mut self.envoys[envoy].limits[limit];
                self.overused[limit] += amount.saturating_sub(totals.left());
                totals.spent += amount;
            }
            Step::Return { envoy, limit, amount } => {
                let totals = &mut self.envoys[envoy].limits[limit];
                totals.returned += amount.min(totals.left());
            }
            Step::Die { envoy } => {
                let dead = std::mem::replace(&mut self.envoys[envoy], Envoy { id: self.next, ..Envoy::default() });
                self.next += 1;
                for (buried, totals) in self.buried.iter_mut().zip(dead.limits) {
                    *buried += totals.spent;
                }
            }
            Step::Restart => {
                self.books = Books::default();
                self.leases = Leases::new(self.store.clone(), self.books.clone());
            }
            Step::Forget => self.store.restart(),
            Step::Pass { millis } => {
                advance(Duration::from_millis(millis)).await;
                self.leases.sweep();
            }
        }
    }

    fn balances(&self) {
        for (resource, outstanding) in Resource::ALL.into_iter().zip(self.leases.outstanding()) {
            let (reserved, settled, expired) = self.books.totals(resource);
            assert_eq!(reserved, settled + expired + outstanding, "{resource:?}");
        }
    }

    /// What is used, and what may be used, against what the bucket gave.
    fn holds(&self) {
        let flowed = BURST + PER_MINUTE * u64::try_from(self.begin.elapsed().as_millis()).unwrap() / 60_000;
        for (limit, id) in IDS.iter().enumerate() {
            let living = self.envoys.iter().map(|envoy| envoy.limits[limit]);
            let taken: u64 = living.map(|totals| totals.spent + totals.left()).sum();
            let taken = taken + self.buried[limit];
            assert!(taken <= flowed + self.overused[limit], "{id}: {taken} of {flowed}");
        }
    }
}

/// Runs them where time jumps.
fn run(steps: Vec<Step>, check: impl Fn(&World)) -> World {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let mut world = World::new();
        for step in steps {
            world.does(step).await;
            check(&world);
        }
        world
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn what_was_reserved_is_settled_expired_or_outstanding(steps in prop::collection::vec(step(), 1..80)) {
        run(steps, World::balances);
    }

    /// A sidecar and a store that forget at once forget what was granted; one of them may.
    #[test]
    fn no_more_is_leased_than_flows(mut steps in prop::collection::vec(step(), 1..80), forgets in any::<bool>()) {
        steps.retain(|step| if forgets { !matches!(step, Step::Restart) } else { !matches!(step, Step::Forget) });
        run(steps, World::holds);
    }

    #[test]
    fn when_all_envoys_are_gone_nothing_is_outstanding(steps in prop::collection::vec(step(), 1..40)) {
        let steps = steps.into_iter().chain([Step::Pass { millis: 10_000 }]);
        let world = run(steps.collect(), World::balances);
        assert_eq!(world.leases.outstanding(), [0, 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_dead_envoy_had_does_not_come_back_and_what_was_given_back_does() {
    let leases = Leases::new(Flaky::new(), Books::default());
    let ask = |known, returned, need| {
        let id = "a/tokens".to_owned();
        let limit =
            LimitAsk { id, per_minute: 1, burst: 100, known, returned, need, want: need, ..LimitAsk::default() };
        [LeaseAsk { limits: vec![limit] }]
    };
    leases.lease(1, &ask(0, 0, 60)).await.unwrap();
    leases.lease(2, &ask(0, 0, 30)).await.unwrap();
    assert_eq!(leases.lease(2, &ask(30, 30, 0)).await.unwrap()[0].limits[0].level, 40);
    advance(Duration::from_secs(10)).await;
    leases.sweep();
    assert_eq!(leases.outstanding(), [0, 0]);
    assert_eq!(leases.lease(3, &ask(0, 0, 0)).await.unwrap()[0].limits[0].level, 40);
}
