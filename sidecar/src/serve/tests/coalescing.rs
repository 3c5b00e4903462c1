//! Requests that wait for the answer of another one like them.

use super::{Running, flaky, look};
use crate::store::Memory;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use weir_core::wire::{self, Found, Wait};

/// So many wait for key 1, by tokens from 1000 on.
async fn followers(sidecar: &Arc<Running>, count: u64) -> JoinSet<(u64, Found)> {
    followers_from(1_000, sidecar, count).await
}

async fn followers_from(first: u64, sidecar: &Arc<Running>, count: u64) -> JoinSet<(u64, Found)> {
    let mut waiting = JoinSet::new();
    for token in first..first + count {
        let sidecar = sidecar.clone();
        waiting.spawn(async move { (token, sidecar.wait(1, token, 20_000).await) });
    }
    until(|| sidecar.sidecar.followers.count() == count as usize).await;
    waiting
}

async fn until(mut done: impl FnMut() -> bool) {
    let waited = timeout(Duration::from_secs(10), async {
        while !done() {
            sleep(Duration::from_millis(2)).await;
        }
    });
    waited.await.expect("it comes about");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_followers_are_one_look_at_the_store_and_all_get_the_answer_at_once() {
    let store = flaky();
    let sidecar = Arc::new(Running::start(store.clone()).await);
    assert_eq!(sidecar.look(1, 1).await, Some(Found::Lead));
    let waiting = followers(&sidecar, 200).await;
    sleep(Duration::from_millis(600)).await;
    let lookups = store.lookups.load(Ordering::SeqCst);
    assert!(lookups < 20, "{lookups} lookups in 600 ms");
    sidecar.put(1, 1, Some(b"the answer")).await;
    let put = Instant::now();
    for (token, found) in waiting.join_all().await {
        assert!(matches!(&found, Found::Hit(hit) if hit.value == b"the answer"), "{token}: {found:?}");
    }
    assert!(put.elapsed() < Duration::from_millis(500), "{:?}", put.elapsed());
    until(|| sidecar.sidecar.followers.count() == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_that_gives_up_hands_over_to_exactly_one_and_the_others_go_on_waiting() {
    let sidecar = Arc::new(Running::start(Arc::new(Memory::new(1 << 20))).await);
    sidecar.look(1, 1).await;
    let mut waiting = followers(&sidecar, 200).await;
    let begin = Instant::now();
    sidecar.put(1, 1, None).await;
    let (leader, found) = waiting.join_next().await.expect("200 wait").unwrap();
    assert_eq!(found, Found::Lead);
    assert!(begin.elapsed() < Duration::from_millis(500), "{:?}", begin.elapsed());
    sleep(Duration::from_millis(300)).await;
    assert_eq!(sidecar.sidecar.followers.count(), 199);
    assert_eq!(sidecar.look(1, 5).await, Some(Found::Follow), "its own token leads in the store");
    sidecar.put(1, leader, Some(b"x")).await;
    let mut kinds: HashMap<bool, usize> = HashMap::new();
    for (_, found) in waiting.join_all().await {
        *kinds.entry(matches!(found, Found::Hit(_))).or_default() += 1;
    }
    assert_eq!(kinds, HashMap::from([(true, 199)]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_the_leader_dies_one_follower_leads_within_the_time_of_a_lead() {
    let store = Arc::new(Memory::new(1 << 20));
    let (one, other) = (Arc::new(Running::start(store.clone()).await), Arc::new(Running::start(store).await));
    one.look(1, 1).await;
    let mut here = followers(&one, 5).await;
    // By tokens of their own: who leads already, and asks again, leads.
    let mut there = followers_from(2_000, &other, 5).await;
    let begin = Instant::now();
    let (sidecar, found) = tokio::select! {
        first = here.join_next() => (&one, first.expect("some wait").unwrap()),
        first = there.join_next() => (&other, first.expect("some wait").unwrap()),
    };
    assert_eq!(found.1, Found::Lead);
    let took = begin.elapsed();
    assert!(took > Duration::from_secs(2) && took < Duration::from_millis(4_500), "{took:?}");
    sidecar.put(1, found.0, Some(b"x")).await;
    for (_, found) in here.join_all().await.into_iter().chain(there.join_all().await) {
        assert!(matches!(found, Found::Hit(_)), "{found:?}");
    }
}

#[tokio::test]
async fn a_follower_whose_time_is_over_still_follows() {
    let sidecar = Running::start(Arc::new(Memory::new(1 << 20))).await;
    sidecar.look(1, 1).await;
    let begin = Instant::now();
    assert_eq!(sidecar.wait(1, 2, 150).await, Found::Follow);
    let took = begin.elapsed();
    assert!(took >= Duration::from_millis(150) && took < Duration::from_millis(900), "{took:?}");
    assert_eq!(sidecar.wait(1, 2, 0).await, Found::Follow);
}

#[tokio::test]
async fn a_call_that_is_dropped_frees_its_place() {
    let store = flaky();
    let sidecar = Arc::new(Running::start(store.clone()).await);
    sidecar.look(1, 1).await;
    let mut waiting = followers(&sidecar, 20).await;
    waiting.shutdown().await;
    until(|| sidecar.sidecar.followers.count() == 0).await;
    sleep(Duration::from_millis(250)).await;
    let before = store.lookups.load(Ordering::SeqCst);
    sleep(Duration::from_millis(250)).await;
    assert_eq!(store.lookups.load(Ordering::SeqCst), before, "nobody looks for those that are gone");
}

/// Makes a call, and drops it while the store gives it the lead; then others can lead at once.
async fn drops(call: impl AsyncFn(Arc<Running>)) {
    let store = flaky();
    let sidecar = Arc::new(Running::start(store.clone()).await);
    store.stall(Duration::from_millis(100));
    let dropped = timeout(Duration::from_millis(50), call(sidecar.clone())).await;
    assert!(dropped.is_err(), "it is dropped while the store is asked");
    sleep(Duration::from_millis(60)).await;
    store.stall(Duration::ZERO);
    let begin = Instant::now();
    while sidecar.look(1, 2).await != Some(Found::Lead) {
        assert!(begin.elapsed() < Duration::from_secs(1), "the lead is in the void");
        sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn the_lead_of_an_ask_that_is_gone_is_given_back_at_once() {
    drops(async |sidecar| drop(sidecar.look(1, 1).await)).await;
}

#[tokio::test]
async fn the_lead_of_a_follower_that_is_gone_is_given_back_at_once() {
    drops(async |sidecar| drop(sidecar.wait(1, 1, 10_000).await)).await;
}

#[tokio::test]
async fn the_lead_that_one_follower_left_goes_to_the_next() {
    let store = flaky();
    let sidecar = Arc::new(Running::start(store.clone()).await);
    store.stall(Duration::from_millis(100));
    let first = tokio::spawn({
        let sidecar = sidecar.clone();
        async move { sidecar.wait(1, 1, 10_000).await }
    });
    until(|| store.lookups.load(Ordering::SeqCst) == 1).await;
    let second = tokio::spawn({
        let sidecar = sidecar.clone();
        async move { sidecar.wait(1, 2, 10_000).await }
    });
    until(|| sidecar.sidecar.followers.count() == 2).await;
    first.abort();
    let found = timeout(Duration::from_secs(2), second).await.expect("long before a lead ends by itself").unwrap();
    assert_eq!(found, Found::Lead);
}

#[tokio::test]
async fn a_store_that_is_away_for_a_moment_sends_no_follower_away() {
    let store = flaky();
    let sidecar = Arc::new(Running::start(store.clone()).await);
    sidecar.look(1, 1).await;
    let waiting = followers(&sidecar, 10).await;
    store.fail(&["lookup"]);
    sleep(Duration::from_millis(400)).await;
    assert_eq!(sidecar.sidecar.followers.count(), 10);
    store.fail(&[]);
    sidecar.put(1, 1, Some(b"x")).await;
    assert!(waiting.join_all().await.iter().all(|(_, found)| matches!(found, Found::Hit(_))));

    sidecar.look(2, 1).await;
    store.fail(&["lookup"]);
    let begin = Instant::now();
    assert_eq!(sidecar.wait(2, 2, 20_000).await, Found::Miss, "there is nobody to wait for");
    assert!(begin.elapsed() < Duration::from_secs(3));
}

#[tokio::test]
async fn followers_are_bounded_and_who_comes_beyond_goes_on_alone() {
    let sidecar = Running::start(Arc::new(Memory::new(1 << 20))).await;
    sidecar.look(1, 1).await;
    let followers = &sidecar.sidecar.followers;
    let mut waiting = Vec::new();
    for token in 0..16_384 {
        let mut place = Box::pin(followers.wait([1; 32], 10 + token, Duration::from_secs(60)));
        assert!(futures_poll(&mut place).await.is_none());
        waiting.push(place);
    }
    let wait = Wait { key: [1; 32].into(), token: 5, millis: 1_000 };
    assert_eq!(sidecar.call::<_, Found>(wire::WAIT, &wait).await, Found::Miss);
    drop(waiting);
    assert_eq!(followers.count(), 0);
    assert_eq!(sidecar.ask(&look(1, 3)).await.found, Some(Found::Follow));
}

/// What it is now, if it is anything.
async fn futures_poll<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    std::future::poll_fn(|context| match std::pin::Pin::new(&mut *future).poll(context) {
        std::task::Poll::Ready(output) => std::task::Poll::Ready(Some(output)),
        std::task::Poll::Pending => std::task::Poll::Ready(None),
    })
    .await
}
