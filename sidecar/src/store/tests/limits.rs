//! Token buckets: what each debit promises.

use super::millis;
use crate::store::{Debit, Debited, Store};
use std::sync::Arc;

/// A limit of 60 a minute, full: nothing to speak of flows in while a test runs.
pub(super) fn slow(id: &str) -> Debit {
    Debit { id: id.to_owned(), per_minute: 60, burst: 6_000, ..Debit::default() }
}

pub(super) async fn one(store: &dyn Store, debit: Debit) -> Debited {
    let [debited] = <[Debited; 1]>::try_from(store.debit(&[debit]).await.unwrap()).unwrap();
    debited
}

/// `level`, with what may have flowed in since: up to ten a test.
#[track_caller]
fn check(debited: &Debited, granted: u64, level: u64) {
    assert_eq!(debited.granted, granted, "{debited:?}");
    assert!((level..level + 10).contains(&debited.level), "not about {level}: {debited:?}");
}

pub(super) async fn a_need_is_taken_as_a_whole_or_not_at_all(store: Arc<dyn Store>) {
    check(&one(&*store, Debit { need: 5_000, ..slow("a") }).await, 5_000, 1_000);
    let lacking = one(&*store, Debit { need: 2_000, want: 3_000, ..slow("a") }).await;
    check(&lacking, 0, 1_000);
    assert!((980_000..=1_000_000).contains(&lacking.wait), "a thousand seconds: {lacking:?}");
    assert!((4_980_000..=5_000_000).contains(&lacking.full_in), "{lacking:?}");
    let debited = one(&*store, Debit { need: 1_000, ..slow("a") }).await;
    check(&debited, 1_000, 0);
    assert_eq!(debited.wait, 0);
    assert!(debited.full_at > 1_700_000_000_000_000, "microseconds since 1970: {debited:?}");
}

pub(super) async fn of_several_limits_all_or_none_are_debited(store: Arc<dyn Store>) {
    one(&*store, Debit { owed: 5_990, ..slow("b") }).await;
    let debits = [Debit { need: 100, want: 500, ..slow("a") }, Debit { need: 100, ..slow("b") }];
    let debited = store.debit(&debits).await.unwrap();
    check(&debited[0], 0, 6_000);
    assert_eq!(debited[0].wait, 0, "only the other lacks");
    check(&debited[1], 0, 10);
    assert!((80_000..=90_000).contains(&debited[1].wait), "{:?}", debited[1]);

    let debits = [Debit { need: 100, ..slow("a") }, Debit { need: 5, ..slow("b") }];
    let debited = store.debit(&debits).await.unwrap();
    check(&debited[0], 100, 5_900);
    check(&debited[1], 5, 5);
    assert_eq!(store.debit(&[]).await.unwrap(), []);
}

pub(super) async fn what_is_owed_is_taken_into_debt(store: Arc<dyn Store>) {
    check(&one(&*store, Debit { owed: 6_100, ..slow("a") }).await, 0, 0);
    let debited = one(&*store, Debit { need: 1, ..slow("a") }).await;
    assert!((81_000..=101_000).contains(&debited.wait), "the debt first: {debited:?}");
    // What is owed is taken although the need is not there.
    one(&*store, Debit { owed: 100, need: 1, ..slow("a") }).await;
    let debited = one(&*store, Debit { need: 1, ..slow("a") }).await;
    assert!((181_000..=201_000).contains(&debited.wait), "{debited:?}");
}

pub(super) async fn what_comes_back_can_be_taken_again_and_no_more(store: Arc<dyn Store>) {
    one(&*store, Debit { need: 1_000, ..slow("a") }).await;
    check(&one(&*store, Debit { returned: 300, ..slow("a") }).await, 0, 5_300);
    check(&one(&*store, Debit { returned: 10, need: 5_310, ..slow("a") }).await, 5_310, 0);
    check(&one(&*store, Debit { returned: 99_999, ..slow("a") }).await, 0, 6_000);
    // Owed and returned in one go: the debt comes first, so that nothing is lost.
    check(&one(&*store, Debit { owed: 700, returned: 700, ..slow("a") }).await, 0, 6_000);
    assert_eq!(one(&*store, Debit { need: 6_000, ..slow("a") }).await.granted, 6_000);
}

pub(super) async fn a_provider_that_says_less_is_believed_and_one_that_says_more_is_not(store: Arc<dyn Store>) {
    check(&one(&*store, Debit { at_most: Some(100), ..slow("a") }).await, 0, 100);
    check(&one(&*store, Debit { at_most: Some(500), ..slow("a") }).await, 0, 100);
    check(&one(&*store, Debit { at_most: Some(50), need: 20, ..slow("a") }).await, 20, 30);
    let none = one(&*store, Debit { at_most: Some(0), need: 1, ..slow("a") }).await;
    assert_eq!((none.granted, none.level), (0, 0));
}

pub(super) async fn beyond_the_need_at_most_a_quarter_is_taken(store: Arc<dyn Store>) {
    check(&one(&*store, Debit { need: 2_000, want: 6_000, ..slow("a") }).await, 3_000, 3_000);
    check(&one(&*store, Debit { want: 300, ..slow("a") }).await, 300, 2_700);
    check(&one(&*store, Debit { need: 2_600, want: 2_610, ..slow("a") }).await, 2_610, 90);
    let rest = one(&*store, Debit { need: 88, want: 1_000, ..slow("a") }).await;
    assert!((88..93).contains(&rest.granted), "so little is left: {rest:?}");
    check(&one(&*store, Debit { need: 5, want: 1, ..slow("b") }).await, 5, 5_995);
}

pub(super) async fn after_the_wait_the_need_is_granted(store: Arc<dyn Store>) {
    let fast = |need| Debit { id: "a".to_owned(), per_minute: 6_000, burst: 100, need, ..Debit::default() };
    assert_eq!(one(&*store, fast(100)).await.granted, 100);
    for need in [1, 30, 7] {
        let lacking = one(&*store, fast(need)).await;
        assert_eq!(lacking.granted, 0, "{lacking:?}");
        assert!((1..=(need + 5) * 10).contains(&lacking.wait), "ten milliseconds for each, and the debt: {lacking:?}");
        // A timer may ring a millisecond early.
        millis(lacking.wait + 1).await;
        assert_eq!(one(&*store, fast(need)).await.granted, need);
        one(&*store, Debit { owed: 5, ..fast(0) }).await;
    }
}

pub(super) async fn more_than_a_full_bucket_holds_is_taken_from_a_full_one(store: Arc<dyn Store>) {
    check(&one(&*store, Debit { need: 7_000, ..slow("a") }).await, 7_000, 0);
    let debited = one(&*store, Debit { need: 7_000, ..slow("a") }).await;
    assert!((6_980_000..=7_000_000).contains(&debited.wait), "full, for that: {debited:?}");
    one(&*store, Debit { owed: 1, ..slow("b") }).await;
    let lacking = one(&*store, Debit { need: 7_000, ..slow("b") }).await;
    assert_eq!(lacking.granted, 0);
    assert!(lacking.wait <= 1_000, "{lacking:?}");
}

pub(super) async fn who_needs_nothing_only_asks(store: Arc<dyn Store>) {
    one(&*store, Debit { owed: 8_000, ..slow("a") }).await;
    for _ in 0..3 {
        let debits = [slow("a"), Debit { need: 10, ..slow("b") }];
        let debited = store.debit(&debits).await.unwrap();
        assert_eq!((debited[0].granted, debited[0].wait, debited[0].level), (0, 0, 0), "{debited:?}");
        assert!((7_900_000..=8_000_000).contains(&debited[0].full_in), "{debited:?}");
        assert_eq!(debited[1].granted, 10, "not even a debt is in the way of who needs nothing");
    }
}

pub(super) async fn one_limit_may_come_twice(store: Arc<dyn Store>) {
    let debits = [Debit { need: 4_000, ..slow("a") }, Debit { need: 4_000, ..slow("a") }];
    let debited = store.debit(&debits).await.unwrap();
    check(&debited[0], 0, 6_000);
    check(&debited[1], 0, 6_000);
    let debits = [Debit { need: 4_000, ..slow("a") }, Debit { need: 1_000, owed: 500, ..slow("a") }];
    let debited = store.debit(&debits).await.unwrap();
    check(&debited[0], 4_000, 500);
    check(&debited[1], 1_000, 500);
}

pub(super) async fn a_forgotten_bucket_goes_on_from_what_its_caller_knows(store: Arc<dyn Store>) {
    let before = one(&*store, Debit { need: 5_900, ..slow("a") }).await;
    // As another bucket, of which the store has never heard.
    let mirror = Debit { full_at: before.full_at, changes: before.changes, ..slow("restarted") };
    check(&one(&*store, Debit { need: 50, ..mirror.clone() }).await, 50, 50);
    let lacking = one(&*store, Debit { need: 6_000, ..mirror }).await;
    assert_eq!(lacking.granted, 0, "{lacking:?}");
    let careless = Debit { full_at: before.full_at, ..slow("restarted too") };
    check(&one(&*store, careless).await, 0, 100);
    // One that knows no more than when it was full, long ago.
    let old = Debit { full_at: before.full_at - 3_600_000_000 * 10, ..slow("old") };
    check(&one(&*store, Debit { need: 1, ..old }).await, 1, 5_999);
}

pub(super) async fn a_bucket_from_an_old_snapshot_goes_on_from_what_its_caller_knows(store: Arc<dyn Store>) {
    let known = one(&*store, Debit { need: 100, ..slow("a") }).await;
    for _ in 0..4 {
        one(&*store, Debit { need: 1_000, ..slow("a") }).await;
    }
    let latest = one(&*store, Debit { need: 1_000, ..slow("a") }).await;
    assert_eq!(latest.changes, known.changes + 5);
    // "b" is what "a" was at first: the snapshot.
    one(&*store, Debit { need: 100, ..slow("b") }).await;
    let mirror = Debit { full_at: latest.full_at, changes: latest.changes, ..slow("b") };
    check(&one(&*store, Debit { need: 100, ..mirror }).await, 100, 800);
}

pub(super) async fn a_bucket_that_is_known_does_not_listen_to_its_callers(store: Arc<dyn Store>) {
    let empty = one(&*store, Debit { need: 6_000, ..slow("a") }).await;
    let mirror = Debit { full_at: empty.full_at, changes: empty.changes, ..slow("a") };
    check(&one(&*store, Debit { returned: 5_000, ..slow("a") }).await, 0, 5_000);
    check(&one(&*store, mirror.clone()).await, 0, 5_000);
    // Full again: not forgotten as long as anybody may know of another state.
    check(&one(&*store, Debit { returned: 6_000, ..slow("a") }).await, 0, 6_000);
    millis(20).await;
    check(&one(&*store, Debit { need: 10, ..mirror }).await, 10, 5_990);
}

pub(super) async fn a_changed_limit_keeps_what_was_taken(store: Arc<dyn Store>) {
    one(&*store, Debit { need: 6_000, ..slow("a") }).await;
    let double = Debit { per_minute: 120, burst: 12_000, ..slow("a") };
    let debited = one(&*store, double).await;
    assert!(debited.level <= 20, "{debited:?}");
}

pub(super) async fn the_largest_numbers_do_no_harm(store: Arc<dyn Store>) {
    let most = u64::MAX;
    let all = |id: &str, per_minute, burst| Debit {
        id: id.to_owned(),
        per_minute,
        burst,
        owed: most,
        returned: most,
        at_most: Some(most),
        need: most,
        want: most,
        full_at: most,
        changes: most,
    };
    for (id, per_minute, burst) in [("a", 1, most), ("b", most, 1), ("c", most, most), ("d", 1, 1), ("e", 0, 0)] {
        store.debit(&[all(id, per_minute, burst)]).await.unwrap();
        let owed = Debit { id: id.to_owned(), per_minute: 60, burst: 60, owed: most, ..Debit::default() };
        let debited = one(&*store, owed).await;
        assert!((590_000..=600_000).contains(&debited.full_in), "no debt is for ever: {debited:?}");
    }
}
