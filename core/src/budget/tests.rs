use super::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// 08:00 on 2027-01-15.
const NOW: u64 = 1_800_000_000_000;
const DAY: u64 = 86_400_000;
const LEFT: u64 = 57_600_000;

/// A tenant without a budget, and one that has 100 micro-dollars.
fn budgets(on_outage: &str, per: &str) -> Budgets {
    let yaml = format!(
        "providers: {{ a: {{ kind: openai, api_key: $K }} }}\nsidecar: {{ on_outage: {on_outage} }}\n\
         tenants: {{ free: {{}}, team: {{ budget: {{ usd: 0.0001, per: {per} }} }} }}\n"
    );
    Budgets::new(&crate::config::parse(&yaml).unwrap().0)
}

fn spent(microusd: u64, left: u64) -> [wire::Spent; 1] {
    [wire::Spent { microusd, left }]
}

fn percent(budgets: &mut Budgets, now: u64) -> u64 {
    budgets.percents(now).find(|(tenant, _)| *tenant == 1).unwrap().1
}

#[test]
fn a_budget_warns_at_80_percent_and_ends_at_100() {
    let mut budgets = budgets("local", "day");
    budgets.told(&spent(79, LEFT), 0, NOW);
    assert_eq!(budgets.check(1, false, NOW), Budgeted::Fine);
    budgets.spend(1, 1, 1, NOW);
    assert_eq!(budgets.check(1, false, NOW), Budgeted::Warned);
    budgets.spend(1, 19, 2, NOW);
    assert_eq!((budgets.check(1, false, NOW), percent(&mut budgets, NOW)), (Budgeted::Warned, 99));
    budgets.spend(1, 1, 3, NOW);
    assert_eq!(budgets.check(1, false, NOW + 600_000), Budgeted::Spent { left: LEFT - 600_000 });
    assert_eq!(budgets.check(0, false, NOW), Budgeted::Fine, "it has none");
    assert_eq!(budgets.check(7, false, NOW), Budgeted::Fine);
    assert_eq!(budgets.asks(), [wire::BudgetAsk { tenant: "team".into(), monthly: false }]);
}

#[test]
fn what_is_in_flight_is_neither_lost_nor_counted_twice() {
    let mut budgets = budgets("local", "day");
    (1..=5).for_each(|report| budgets.spend(1, 10, report, NOW));
    assert_eq!(percent(&mut budgets, NOW), 50);
    // The store has counted three of them, and 7 of another worker.
    budgets.told(&spent(37, LEFT), 3, NOW);
    assert_eq!(percent(&mut budgets, NOW), 57);
    budgets.told(&spent(57, LEFT), 5, NOW);
    assert_eq!(percent(&mut budgets, NOW), 57);
    // An answer that was overtaken by the other.
    budgets.told(&spent(37, LEFT), 3, NOW);
    assert_eq!(percent(&mut budgets, NOW), 57);
    // The store is out of order.
    budgets.told(&[], 0, NOW);
    assert_eq!(percent(&mut budgets, NOW), 57);
}

#[test]
fn two_costs_of_one_report_are_counted_with_it() {
    let mut budgets = budgets("local", "day");
    budgets.spend(1, 10, 4, NOW);
    budgets.spend(1, 20, 4, NOW);
    budgets.told(&spent(0, LEFT), 3, NOW);
    assert_eq!(percent(&mut budgets, NOW), 30);
    budgets.told(&spent(30, LEFT), 4, NOW);
    assert_eq!(percent(&mut budgets, NOW), 30);
}

#[test]
fn a_store_that_has_forgotten_gives_nothing_back() {
    let mut budgets = budgets("local", "day");
    budgets.told(&spent(100, LEFT), 9, NOW);
    budgets.told(&spent(0, LEFT - 1_000), 0, NOW + 1_000);
    assert_eq!(budgets.check(1, false, NOW + 1_000), Budgeted::Spent { left: LEFT - 1_000 });
}

#[test]
fn a_budget_begins_anew_with_its_period() {
    let mut budgets = budgets("local", "day");
    budgets.told(&spent(90, LEFT), 0, NOW);
    budgets.spend(1, 10, 1, NOW);
    let midnight = NOW + LEFT;
    assert_eq!(budgets.check(1, false, midnight - 1), Budgeted::Spent { left: 1 });
    assert_eq!(budgets.check(1, false, midnight), Budgeted::Fine);
    assert_eq!(percent(&mut budgets, midnight), 0);
    budgets.spend(1, 100, 2, midnight);
    assert_eq!(budgets.check(1, false, midnight), Budgeted::Spent { left: DAY });
    // The store says the same a little later, of the new period.
    budgets.told(&spent(100, DAY - 500), 2, midnight + 500);
    assert_eq!(budgets.check(1, false, midnight + 500), Budgeted::Spent { left: DAY - 500 });
}

#[test]
fn the_stores_new_period_counts_before_ours_is_over() {
    let mut budgets = budgets("local", "day");
    budgets.told(&spent(100, LEFT), 0, NOW);
    let soon = NOW + LEFT - 2_000;
    budgets.told(&spent(3, DAY), 0, soon);
    assert_eq!((budgets.check(1, false, soon), percent(&mut budgets, soon)), (Budgeted::Fine, 3));
}

#[test]
fn a_month_has_as_many_days_as_it_has() {
    let mut budgets = budgets("local", "month");
    budgets.spend(1, 100, 1, NOW);
    assert_eq!(budgets.check(1, false, NOW), Budgeted::Spent { left: 16 * DAY + LEFT }, "until the end of January");
    let february = NOW + 16 * DAY + LEFT;
    assert_eq!(budgets.check(1, false, february), Budgeted::Fine);
    budgets.spend(1, 100, 2, february);
    assert_eq!(budgets.check(1, false, february), Budgeted::Spent { left: 28 * DAY });
    assert!(budgets.asks()[0].monthly);
}

#[test]
fn without_the_store_the_policy_decides() {
    for (policy, fresh, known, over) in [
        ("local", Budgeted::Fine, Budgeted::Warned, Budgeted::Spent { left: LEFT }),
        ("open", Budgeted::Fine, Budgeted::Fine, Budgeted::Fine),
        ("closed", Budgeted::Unknown, Budgeted::Unknown, Budgeted::Spent { left: LEFT }),
    ] {
        let mut budgets = budgets(policy, "day");
        assert_eq!(budgets.check(1, true, NOW), fresh, "{policy}");
        budgets.told(&spent(80, LEFT), 0, NOW);
        assert_eq!(budgets.check(1, true, NOW), known, "{policy}");
        assert_eq!(budgets.check(1, false, NOW), Budgeted::Warned, "{policy}");
        budgets.spend(1, 20, 1, NOW);
        assert_eq!(budgets.check(1, true, NOW), over, "{policy}");
        assert_eq!(budgets.check(0, true, NOW), Budgeted::Fine, "{policy}: no budget, nothing to know");
    }
    // Nobody knows yet whether the store is there.
    assert_eq!(budgets("closed", "day").check(1, false, NOW), Budgeted::Unknown);
    assert_eq!(budgets("open", "day").check(1, false, NOW), Budgeted::Fine);
}

#[test]
fn a_long_outage_takes_no_more_memory_and_loses_nothing() {
    let mut budgets = budgets("local", "day");
    for report in 1..=10_000 {
        budgets.spend(1, 1, report, NOW);
    }
    let book = budgets.books[1].as_ref().unwrap();
    assert!(book.own.len() <= MOST_REPORTS, "{}", book.own.len());
    assert_eq!(book.spent(), 10_000);
    budgets.told(&spent(10_000, LEFT), 10_000, NOW);
    assert_eq!(budgets.books[1].as_ref().unwrap().spent(), 10_000);
}

/// Natively only: thousands of cases are slow under a wasm interpreter and prove the same there.
#[cfg(not(target_arch = "wasm32"))]
mod any_order {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Costs, and answers of a store that had counted a part of them, in any order.
        #[test]
        fn all_that_was_spent_is_counted_once(steps in prop::collection::vec((any::<bool>(), 0u64..40, 1u64..9), 0..60)) {
            let mut budgets = budgets("local", "day");
            let mut amounts: Vec<u64> = vec![];
            for (is_cost, counted, amount) in steps {
                if is_cost {
                    amounts.push(amount);
                    budgets.spend(1, amount, amounts.len() as u64, NOW);
                } else {
                    let counted = (counted as usize).min(amounts.len());
                    let sum = amounts[..counted].iter().sum();
                    budgets.told(&spent(sum, LEFT), counted as u64, NOW);
                }
                let all: u64 = amounts.iter().sum();
                prop_assert_eq!(budgets.books[1].as_ref().unwrap().spent(), all);
            }
        }
    }
}
