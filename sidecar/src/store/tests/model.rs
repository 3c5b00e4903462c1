//! The bucket of every store is that of `bucket.rs`, to the microsecond.

use crate::store::bucket::{self, Bucket};
use crate::store::{Debit, Debited, Store};
use std::sync::Arc;
use weir_core::chance::Chance;

const STEPS: usize = 400;
const RATES: [(u64, u64); 6] =
    [(60, 100), (7, 7), (6_000, 6_000), (999_983, 2_000_000), (150_000_000, 150_000_000), (1, 3)];

pub(super) async fn the_bucket_does_what_its_model_does(store: Arc<dyn Store>) {
    let mut chance = Chance::new(42);
    let mut model = [Bucket::default(); RATES.len()];
    let mut known = vec![vec![Debited::default()]; RATES.len()];
    for step in 0..STEPS {
        let debits: Vec<(usize, Debit)> = match RATES.get(step) {
            // Each begins so far from being full that Redis does not forget it within the test.
            Some((_, burst)) => vec![(step, Debit { owed: burst * 2, ..blank(step) })],
            None => (0..=below(&mut chance, 3))
                .map(|_| {
                    let index = below(&mut chance, RATES.len() as u64) as usize;
                    let earlier = below(&mut chance, known[index].len() as u64) as usize;
                    (index, any(&mut chance, index, &known[index][earlier]))
                })
                .collect(),
        };
        // One that tells what the store's clock said: it was full, and lacks now what flows in within a second.
        let clock = Debit { id: format!("clock-{step}"), per_minute: 60, burst: 1, owed: 1, ..Debit::default() };
        let mut asked: Vec<Debit> = debits.iter().map(|(_, debit)| debit.clone()).collect();
        asked.push(clock);
        let mut told = store.debit(&asked).await.unwrap();
        let now = told.pop().expect("the clock's").full_at - 1_000_000;

        assert_eq!(told, model_of(&debits, &mut model, now), "step {step}, at {now}: {debits:?}");
        for ((index, _), debited) in debits.iter().zip(told) {
            known[*index].push(debited);
        }
    }
}

fn model_of(debits: &[(usize, Debit)], model: &mut [Bucket], now: u64) -> Vec<Debited> {
    let placed: Vec<(usize, &Debit)> = debits.iter().map(|(index, debit)| (*index, debit)).collect();
    bucket::debit(model, &placed, now)
}

fn blank(index: usize) -> Debit {
    let (per_minute, burst) = RATES[index];
    Debit { id: format!("bucket-{index}"), per_minute, burst, ..Debit::default() }
}

/// Each part is there every other time, and is small as often as large.
fn any(chance: &mut Chance, index: usize, earlier: &Debited) -> Debit {
    let blank = blank(index);
    let mut amount = |most: u64| match chance.draw() % 4 {
        0 | 1 => 0,
        2 => chance.draw() % 3,
        _ => chance.draw() % (most + 1),
    };
    let burst = blank.burst;
    let (owed, returned, need, want) = (amount(burst), amount(burst * 2), amount(burst / 2), amount(burst));
    let at_most = Some(amount(burst)).filter(|most| *most > 0);
    let (full_at, changes) = match chance.draw() % 3 {
        0 => (earlier.full_at, earlier.changes),
        1 => (earlier.full_at, earlier.changes + 3),
        _ => (0, 0),
    };
    Debit { owed, returned, at_most, need, want, full_at, changes, ..blank }
}

fn below(chance: &mut Chance, bound: u64) -> u64 {
    chance.draw() % bound
}
