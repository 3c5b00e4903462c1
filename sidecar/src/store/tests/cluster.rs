//! A Redis cluster of three nodes on loopback.

use super::server::{Server, Version, free_port};
use std::time::{Duration, Instant};

const SLOTS: [(&str, &str); 3] = [("0", "5460"), ("5461", "10922"), ("10923", "16383")];

pub(crate) struct Cluster {
    pub(crate) nodes: Vec<Server>,
}

impl Cluster {
    pub(crate) fn start(version: Version) -> Self {
        let node = |_| {
            let bus = free_port().to_string();
            let own = ["--cluster-enabled", "yes", "--cluster-port", &bus, "--cluster-node-timeout", "1000"];
            // A dead node takes its own slots with it, and no others.
            Server::start(version, &[&own[..], &["--cluster-require-full-coverage", "no"]].concat())
        };
        let cluster = Self { nodes: (0..3).map(node).collect() };
        for ((node, (first, last)), epoch) in cluster.nodes.iter().zip(SLOTS).zip(1..) {
            assert_eq!(node.say(&["CLUSTER", "ADDSLOTSRANGE", first, last]), "OK");
            assert_eq!(node.say(&["CLUSTER", "SET-CONFIG-EPOCH", &format!("{epoch}")]), "OK");
        }
        for other in &cluster.nodes[1..] {
            let bus = other.say(&["CONFIG", "GET", "cluster-port"]);
            let bus = bus.lines().last().expect("its value");
            let port = other.port().to_string();
            assert_eq!(cluster.nodes[0].say(&["CLUSTER", "MEET", "127.0.0.1", &port, bus]), "OK");
        }
        cluster.wait_until_whole();
        cluster
    }

    pub(crate) fn url(&self) -> String {
        let nodes: Vec<String> = self.nodes.iter().map(|node| format!("127.0.0.1:{}", node.port())).collect();
        format!("redis-cluster://{}", nodes.join(","))
    }

    /// Every node knows of every slot.
    pub(crate) fn wait_until_whole(&self) {
        let begun = Instant::now();
        let is_whole = |node: &Server| {
            let info = node.say(&["CLUSTER", "INFO"]);
            info.contains("cluster_state:ok")
                && info.contains("cluster_slots_ok:16384")
                && info.contains("known_nodes:3")
        };
        while !self.nodes.iter().all(is_whole) {
            assert!(begun.elapsed() < Duration::from_secs(30), "{}", self.nodes[0].say(&["CLUSTER", "NODES"]));
            #[allow(clippy::disallowed_methods, reason = "a test that waits for processes")]
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
