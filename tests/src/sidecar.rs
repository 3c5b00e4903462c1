//! Sidecars: one that is a process of its own, and what any of them says of itself.

use crate::cli::{Command, Running};
use crate::stats::Stats;
use crate::{Gateway, Setup, free_port};
use serde_json::Value;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use weir_sim::Sim;

/// The parts of the books on `/metrics`.
const BOOKS: [&str; 4] = ["reserved_total", "settled_total", "expired_total", "outstanding"];

/// `weir serve`. Dropping it ends it.
pub struct Sidecar {
    /// Where it listens.
    pub address: SocketAddr,
    process: Running,
}

impl Setup {
    /// A sidecar without an Envoy; for those of [`Self::start_on`].
    ///
    /// # Panics
    /// If it does not serve; its logs are shown.
    pub async fn serve(&self, sim: &Arc<Sim>) -> Sidecar {
        let port = free_port();
        let process = Command::new(&["serve"]).config(&self.yaml(sim, free_port(), free_port(), port)).start();
        let mut sidecar = Sidecar { address: SocketAddr::from(([127, 0, 0, 1], port)), process };
        sidecar.is_up().await;
        sidecar
    }
}

impl Sidecar {
    /// Kills it, with all that it holds.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Starts it again, at the same address.
    ///
    /// # Panics
    /// As [`Setup::serve`].
    pub async fn restart(&mut self) {
        self.process.restart();
        self.is_up().await;
    }

    async fn is_up(&mut self) {
        self.process.line("sidecar", Duration::from_secs(20)).await;
    }
}

/// What the sidecar's books say of one resource.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Books {
    /// Debited for Envoys.
    pub reserved: u64,
    /// Of that, used.
    pub settled: u64,
    /// Given back, or lost with an Envoy.
    pub expired: u64,
    /// Still leased.
    pub outstanding: u64,
}

impl Gateway {
    /// What its sidecar counts, on `/metrics`.
    pub async fn sidecar_stats(&self) -> Stats {
        let url = format!("http://{}/metrics", self.sidecar);
        let response = self.http.get(url).send().await.expect("the sidecar answers");
        Stats::parse(&response.text().await.expect("the whole text"))
    }

    /// The sidecar's books of a resource, `requests` or `tokens`.
    pub async fn books(&self, resource: &str) -> Books {
        let stats = self.sidecar_stats().await;
        let of = |part| stats.value(&format!("weir_quota_{part}"), &[("resource", resource)]) as u64;
        let [reserved, settled, expired, outstanding] = BOOKS.map(of);
        Books { reserved, settled, expired, outstanding }
    }

    /// Waits until nothing of a resource is leased any more, and gives the books.
    ///
    /// # Panics
    /// If that does not come in time, or the books do not balance then.
    pub async fn closed_books(&self, resource: &str, patience: Duration) -> Books {
        let begun = Instant::now();
        let books = loop {
            let books = self.books(resource).await;
            if books.outstanding == 0 {
                break books;
            }
            assert!(begun.elapsed() < patience, "still leased after {patience:?}: {resource}: {books:?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        };
        assert_eq!(books.reserved, books.settled + books.expired, "{resource}: {books:?}");
        books
    }

    /// What the sidecar's own interface answers to a GET: status and JSON.
    ///
    /// # Panics
    /// If it is no JSON.
    pub async fn admin(&self, path: &str) -> Value {
        let response = self.http.get(format!("http://{}{path}", self.sidecar)).send().await.expect("an answer");
        let (status, body) = (response.status(), response.text().await.expect("the whole answer"));
        serde_json::from_str(&body).unwrap_or_else(|error| panic!("{path}: {status}: no JSON ({error}): {body}"))
    }
}
