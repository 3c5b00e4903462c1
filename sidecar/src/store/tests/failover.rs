//! A replica takes over.

use super::fixture::usable_within;
use super::limits::{one, slow};
use super::millis;
use super::outages::{BACK, Load, connect};
use super::server::{Server, Version};
use crate::store::{Debit, Store};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};

/// An address behind which servers change, as a name or a load balancer is. Connections stay where they are.
struct Switch {
    port: u16,
    target: Arc<AtomicU16>,
}

impl Switch {
    async fn to(target: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let target = Arc::new(AtomicU16::new(target));
        let now = Arc::clone(&target);
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let target = now.load(Ordering::Relaxed);
                tokio::spawn(async move {
                    let mut server = TcpStream::connect(("127.0.0.1", target)).await?;
                    tokio::io::copy_bidirectional(&mut client, &mut server).await
                });
            }
        });
        Self { port, target }
    }
}

/// `replica` has all that `master` has.
async fn follow(replica: &Server, master: &Server) {
    assert_eq!(replica.say(&["REPLICAOF", "127.0.0.1", &master.port().to_string()]), "OK");
    let began = Instant::now();
    while !replica.say(&["INFO", "replication"]).contains("master_link_status:up") {
        assert!(began.elapsed() < Duration::from_secs(20), "no replica");
        millis(20).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_that_has_become_a_replica_is_left() {
    let (first, second) = (Server::start(Version::Seven, &[]), Server::start(Version::Seven, &[]));
    follow(&second, &first).await;
    let switch = Switch::to(first.port()).await;
    let store = connect(&format!("redis://127.0.0.1:{}", switch.port));
    usable_within(&*store, BACK).await;
    let before = one(&*store, Debit { need: 100, ..slow("a") }).await;
    millis(100).await;

    second.say(&["REPLICAOF", "NO", "ONE"]);
    first.say(&["REPLICAOF", "127.0.0.1", &second.port().to_string()]);
    let error = store.touch(1, 1_000).await.unwrap_err();
    assert!(error.0.contains("read only"), "{error:?}");
    // Nobody else is there yet: it keeps trying, and not at the rate of the calls.
    let load = Load::start(&store);
    millis(500).await;
    let connections = first.say(&["INFO", "stats"]);
    let connections = connections.lines().find_map(|line| line.strip_prefix("total_connections_received:"));
    let connections: u32 = connections.expect("a count").trim().parse().expect("a number");
    assert!(connections < 80, "{connections} connections");

    switch.target.store(second.port(), Ordering::Relaxed);
    usable_within(&*store, BACK).await;
    load.end().await;
    let after =
        one(&*store, Debit { full_at: before.full_at, changes: before.changes, need: 5_850, ..slow("a") }).await;
    assert_eq!(after.granted, 5_850, "what the replica has is all there is to it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sentinels_tell_who_leads() {
    let mut master = Server::start(Version::Seven, &[]);
    let replica = Server::start(Version::Seven, &[]);
    follow(&replica, &master).await;
    let sentinel = Server::start(Version::Seven, &["--sentinel"]);
    let port = master.port().to_string();
    assert_eq!(sentinel.say(&["SENTINEL", "MONITOR", "mymaster", "127.0.0.1", &port, "1"]), "OK");
    for (name, value) in [("down-after-milliseconds", "500"), ("failover-timeout", "5000")] {
        assert_eq!(sentinel.say(&["SENTINEL", "SET", "mymaster", name, value]), "OK");
    }
    let knows_the_replica =
        || sentinel.say(&["SENTINEL", "REPLICAS", "mymaster"]).contains(&replica.port().to_string());
    while !knows_the_replica() {
        millis(50).await;
    }
    // The first sentinel is dead: the next is asked.
    let dead = super::server::free_port();
    let store = connect(&format!("redis-sentinel://127.0.0.1:{dead},127.0.0.1:{}/mymaster", sentinel.port()));
    usable_within(&*store, BACK).await;
    let before = one(&*store, Debit { need: 100, ..slow("a") }).await;
    let copied = async {
        while !replica.say(&["GET", "weir:1:{quota}:a"]).starts_with(&before.full_at.to_string()) {
            millis(20).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), copied).await.expect("the replica is told");

    let load = Load::start(&store);
    millis(200).await;
    master.kill();
    let promoted = async {
        while !replica.say(&["ROLE"]).starts_with("master") {
            millis(20).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), promoted).await.expect("the replica is promoted");
    usable_within(&*store, BACK).await;
    load.end().await;
    assert_eq!(one(&*store, Debit { need: 5_850, ..slow("a") }).await.granted, 5_850);
}
