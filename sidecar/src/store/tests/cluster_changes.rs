//! A cluster that changes.

use super::answers::key;
use super::cluster::Cluster;
use super::fixture::{connected, usable_within};
use super::limits::{one, slow};
use super::millis;
use super::outages::{BACK, SURELY, connect};
use super::server::{Server, Version};
use crate::store::{Debit, Lookup, Store};
use std::time::{Duration, Instant};

const BUCKET: &str = "weir:1:{quota}:a";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slot_may_move_to_another_node() {
    let cluster = Cluster::start(Version::Eight);
    let store = connected(&cluster.url()).await;
    let mut taken = 0;
    let mut take = async |when: &str| {
        assert_eq!(one(&*store, Debit { need: 100, ..slow("a") }).await.granted, 100, "{when}");
        taken += 100;
        let level = one(&*store, slow("a")).await.level;
        assert!((6_000 - taken..6_000 - taken + 20).contains(&level), "{when}: {level} after {taken}");
    };
    take("before").await;

    let slot = cluster.nodes[0].say(&["CLUSTER", "KEYSLOT", BUCKET]);
    let has_it = |node: &&Server| node.say(&["CLUSTER", "COUNTKEYSINSLOT", &slot]) == "1";
    let from = cluster.nodes.iter().find(has_it).expect("one has it");
    let to = cluster.nodes.iter().find(|node| node.port() != from.port()).expect("another");
    let (from_id, to_id) = (from.say(&["CLUSTER", "MYID"]), to.say(&["CLUSTER", "MYID"]));
    assert_eq!(to.say(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &from_id]), "OK");
    assert_eq!(from.say(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &to_id]), "OK");
    take("while it moves, not moved yet").await;
    let port = to.port().to_string();
    assert_eq!(from.say(&["MIGRATE", "127.0.0.1", &port, BUCKET, "0", "5000"]), "OK");
    take("while it moves, moved already").await;
    for node in [to, from] {
        assert_eq!(node.say(&["CLUSTER", "SETSLOT", &slot, "NODE", &to_id]), "OK");
    }
    take("moved").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_node_takes_only_its_own_with_it() {
    let mut cluster = Cluster::start(Version::Seven);
    let store = connect(&cluster.url());
    usable_within(&*store, BACK).await;
    let slot_of = |number| {
        let tag: String = key(number).iter().map(|byte| format!("{byte:02x}")).collect();
        let slot = cluster.nodes[0].say(&["CLUSTER", "KEYSLOT", &tag]);
        slot.parse::<u16>().expect("a slot")
    };
    // The second node has the slots from 5461 to 10922.
    let (own, others): (Vec<u8>, Vec<u8>) = (0..60).partition(|number| (5_461..=10_922).contains(&slot_of(*number)));
    assert!(own.len() > 5 && others.len() > 5);
    cluster.nodes[1].kill();

    let began = Instant::now();
    let mut token = 0;
    while began.elapsed() < Duration::from_secs(4) {
        token += 1;
        for number in &others {
            let asked = Instant::now();
            let found = store.lookup(key(*number), 1, true).await;
            assert_eq!(found, Ok(Lookup::Lead), "after {:?}, round {token}", began.elapsed());
            assert!(asked.elapsed() < SURELY);
        }
        let asked = Instant::now();
        store.lookup(key(own[token % own.len()]), 1, true).await.expect_err("its node is dead");
        assert!(asked.elapsed() < SURELY, "{:?}", asked.elapsed());
        millis(20).await;
    }

    cluster.nodes[1].restart();
    cluster.wait_until_whole();
    let whole = Instant::now();
    for number in &own {
        while store.lookup(key(*number), 1, true).await.is_err() {
            assert!(whole.elapsed() < BACK, "not back");
            millis(10).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_whole_cluster_may_die_and_come_back() {
    let mut cluster = Cluster::start(Version::Seven);
    let store = connect(&cluster.url());
    usable_within(&*store, BACK).await;
    for node in &mut cluster.nodes {
        node.kill();
    }
    for _ in 0..50 {
        let asked = Instant::now();
        store.debit(&[slow("a")]).await.expect_err("all are dead");
        assert!(asked.elapsed() < SURELY, "{:?}", asked.elapsed());
        millis(50).await;
    }
    for node in &mut cluster.nodes {
        node.restart();
    }
    cluster.wait_until_whole();
    usable_within(&*store, BACK).await;
}
