//! Cached answers.

use super::{Running, flaky, look};
use crate::store::Memory;
use reqwest::StatusCode;
use sha2::{Digest as _, Sha256};
use std::sync::Arc;
use weir_core::wire::{Ask, Found, LeaseAsk, LimitAsk, Lookup};

#[tokio::test]
async fn an_answer_is_found_as_it_was_put_whether_or_not_it_was_worth_compressing() {
    let sidecar = Running::start(Arc::new(Memory::new(64 << 20))).await;
    let prose = "All work and no play makes Jack a dull boy. ".repeat(40_000).into_bytes();
    let noise = (0..31_250_u32).flat_map(|n| Sha256::digest(n.to_le_bytes())).collect();
    for (key, value) in [prose, noise, b"short".to_vec(), vec![]].into_iter().enumerate() {
        let key = key as u8;
        assert_eq!(sidecar.put(key, 0, Some(&value)).await, StatusCode::NO_CONTENT);
        let Some(Found::Hit(hit)) = sidecar.look(key, 7).await else { panic!("{key}: it was put") };
        assert!(hit.value == value, "{key}: {} bytes of {}", hit.value.len(), value.len());
        assert!(hit.age < 5_000 && hit.left > 55_000 && hit.left <= 60_000, "{key}: {} {}", hit.age, hit.left);
    }
    let held = sidecar.sidecar.store.held().expect("it is embedded");
    assert!(held.bytes < 1_100_000, "prose takes less room than it has: {held:?}");
}

#[tokio::test]
async fn the_first_leads_others_follow_and_who_only_looks_misses() {
    let sidecar = Running::start(Arc::new(Memory::new(1 << 20))).await;
    let only_look = Ask { lookup: Some(Lookup { leads: false, ..look(1, 9).lookup.unwrap() }), ..look(1, 9) };
    assert_eq!(sidecar.ask(&only_look).await.found, Some(Found::Miss));
    assert_eq!(sidecar.look(1, 1).await, Some(Found::Lead));
    assert_eq!(sidecar.look(1, 2).await, Some(Found::Follow));
    assert_eq!(sidecar.look(2, 3).await, Some(Found::Lead), "another key has another leader");
    assert_eq!(sidecar.ask(&Ask::default()).await.found, None, "who does not look is told nothing");
}

#[tokio::test]
async fn an_answer_that_was_put_through_one_sidecar_is_found_through_another() {
    let store = Arc::new(Memory::new(1 << 20));
    let (one, other) = (Running::start(store.clone()).await, Running::start(store).await);
    one.put(3, 0, Some(b"value")).await;
    let Some(Found::Hit(hit)) = other.look(3, 1).await else { panic!("it was put") };
    assert_eq!(hit.value, b"value");
}

#[tokio::test]
async fn without_its_store_a_part_of_an_ask_is_not_answered_and_the_other_is() {
    let store = flaky();
    let sidecar = Running::start(store.clone()).await;
    let limit =
        LimitAsk { id: "provider/a/tokens".into(), per_minute: 60, burst: 60, need: 1, want: 1, ..<_>::default() };
    let ask = Ask { leases: vec![LeaseAsk { limits: vec![limit] }], ..look(1, 1) };
    store.fail(&["lookup"]);
    let answer = sidecar.ask(&ask).await;
    assert_eq!((answer.found, answer.leases.len()), (None, 1));
    store.fail(&["debit"]);
    let answer = sidecar.ask(&ask).await;
    assert_eq!((answer.found, answer.leases.len()), (Some(Found::Lead), 0));
    store.fail(&["put"]);
    assert_eq!(sidecar.put(1, 1, Some(b"x")).await, StatusCode::SERVICE_UNAVAILABLE);
}
