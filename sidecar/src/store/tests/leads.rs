//! Who is about to bring an answer.

use super::answers::key;
use super::millis;
use crate::store::{LEAD_MILLIS, Lookup, Store};
use bytes::Bytes;
use std::sync::Arc;

const ANSWER: Bytes = Bytes::from_static(b"answer");

async fn ask(store: &dyn Store, token: u64) -> Lookup {
    store.lookup(key(1), token, true).await.unwrap()
}

pub(super) async fn one_leads_and_the_others_follow(store: Arc<dyn Store>) {
    assert_eq!(ask(&*store, u64::MAX).await, Lookup::Lead);
    assert_eq!(ask(&*store, 2).await, Lookup::Follow);
    assert_eq!(ask(&*store, u64::MAX - 1).await, Lookup::Follow, "no token is mistaken for another");
    assert_eq!(ask(&*store, u64::MAX).await, Lookup::Lead, "who leads may ask again");
    assert_eq!(store.lookup(key(2), 2, true).await.unwrap(), Lookup::Lead, "to another answer");
}

pub(super) async fn an_answer_ends_the_lead_of_whoever_has_it(store: Arc<dyn Store>) {
    assert_eq!(ask(&*store, 1).await, Lookup::Lead);
    store.put(key(1), ANSWER, 60_000).await.unwrap();
    assert!(matches!(ask(&*store, 2).await, Lookup::Hit { value, .. } if value == ANSWER));
    // The lead is gone, not only hidden by the answer.
    store.put(key(1), ANSWER, 0).await.unwrap();
    assert_eq!(ask(&*store, 3).await, Lookup::Lead);
}

pub(super) async fn who_gives_up_hands_over(store: Arc<dyn Store>) {
    assert_eq!(ask(&*store, 1).await, Lookup::Lead);
    store.release(key(1), 2).await.unwrap();
    assert_eq!(ask(&*store, 2).await, Lookup::Follow, "only who leads can give up");
    store.release(key(1), 1).await.unwrap();
    assert_eq!(ask(&*store, 2).await, Lookup::Lead);
    store.release(key(1), 1).await.unwrap();
    assert_eq!(ask(&*store, 3).await, Lookup::Follow, "a late release takes nothing from the next");
}

pub(super) async fn who_only_looks_never_leads(store: Arc<dyn Store>) {
    let look = async || store.lookup(key(1), 9, false).await.unwrap();
    assert_eq!(look().await, Lookup::Miss);
    assert_eq!(ask(&*store, 1).await, Lookup::Lead);
    assert_eq!(look().await, Lookup::Miss);
}

pub(super) async fn a_lead_lasts_as_long_as_it_is_held(store: Arc<dyn Store>) {
    let held: Vec<_> = (0..100).map(|number| (key(number), 1)).collect();
    for (key, token) in &held {
        assert_eq!(store.lookup(*key, *token, true).await.unwrap(), Lookup::Lead);
    }
    assert_eq!(store.lookup(key(100), 1, true).await.unwrap(), Lookup::Lead, "not held");
    assert_eq!(store.lookup(key(101), 1, true).await.unwrap(), Lookup::Lead, "held by another than its leader");
    millis(LEAD_MILLIS / 2).await;
    store.hold(&held).await.unwrap();
    store.hold(&[(key(101), 2)]).await.unwrap();
    millis(LEAD_MILLIS / 2 + 100).await;
    for (key, _) in &held {
        assert_eq!(store.lookup(*key, 2, true).await.unwrap(), Lookup::Follow);
    }
    store.hold(&[(key(100), 1)]).await.unwrap();
    assert_eq!(store.lookup(key(100), 2, true).await.unwrap(), Lookup::Lead, "it ended, and is not to be held");
    assert_eq!(store.lookup(key(101), 2, true).await.unwrap(), Lookup::Lead);
    millis(LEAD_MILLIS / 2 + 300).await;
    assert_eq!(store.lookup(key(0), 2, true).await.unwrap(), Lookup::Lead, "held no longer");
}
