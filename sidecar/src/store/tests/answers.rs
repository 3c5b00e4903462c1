//! Cached answers.

use super::millis;
use crate::store::{CacheKey, Lookup, Store};
use bytes::Bytes;
use std::sync::Arc;

const HOUR: u64 = 3_600_000;

pub(super) fn key(number: u8) -> CacheKey {
    let mut key = [7; 32];
    key[31] = number;
    key
}

async fn value(store: &dyn Store, key: CacheKey) -> Option<Bytes> {
    match store.lookup(key, 1, false).await.unwrap() {
        Lookup::Hit { value, .. } => Some(value),
        Lookup::Miss => None,
        other => panic!("{other:?}"),
    }
}

pub(super) async fn an_answer_comes_back_as_it_was_put(store: Arc<dyn Store>) {
    let all_bytes: Vec<u8> = (0..=255).collect();
    let long: Vec<u8> = (0..1 << 20).map(|at: u32| (at ^ (at >> 8)) as u8).collect();
    for (number, bytes) in [all_bytes, long, Vec::new(), b"\r\n$-1\r\n".to_vec()].into_iter().enumerate() {
        let key = key(number as u8);
        assert_eq!(value(&*store, key).await, None);
        store.put(key, bytes.clone().into(), HOUR).await.unwrap();
        assert_eq!(value(&*store, key).await.as_deref(), Some(&bytes[..]));
    }
}

pub(super) async fn an_answer_ages_and_is_gone_after_its_time(store: Arc<dyn Store>) {
    store.put(key(1), Bytes::from_static(b"soon gone"), 600).await.unwrap();
    store.put(key(2), Bytes::from_static(b"stays"), HOUR).await.unwrap();
    millis(300).await;
    match store.lookup(key(2), 1, false).await.unwrap() {
        Lookup::Hit { age, left, .. } => {
            assert!((300..2_000).contains(&age), "{age}");
            assert!((HOUR - 1..=HOUR + 1).contains(&(age + left)), "{age} {left}");
        }
        other => panic!("{other:?}"),
    }
    millis(310).await;
    assert_eq!(value(&*store, key(1)).await, None);
    assert_eq!(value(&*store, key(2)).await.as_deref(), Some(&b"stays"[..]));
}

pub(super) async fn what_may_not_be_kept_is_not(store: Arc<dyn Store>) {
    store.put(key(1), Bytes::from_static(b"first"), HOUR).await.unwrap();
    store.put(key(1), Bytes::from_static(b"second"), 0).await.unwrap();
    assert_eq!(value(&*store, key(1)).await, None);
    store.put(key(2), Bytes::from_static(b"for ever"), u64::MAX).await.unwrap();
    assert_eq!(value(&*store, key(2)).await.as_deref(), Some(&b"for ever"[..]));
}

pub(super) async fn a_later_answer_replaces_an_earlier_one(store: Arc<dyn Store>) {
    for text in [&b"first"[..], b"second and longer", b"3"] {
        store.put(key(1), Bytes::from_static(text), HOUR).await.unwrap();
        assert_eq!(value(&*store, key(1)).await.as_deref(), Some(text));
    }
    assert_eq!(value(&*store, key(2)).await, None, "another key");
}
