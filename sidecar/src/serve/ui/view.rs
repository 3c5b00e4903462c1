//! What the page and `weir top` show: `/ui/data.json`. Times are in milliseconds unless their name says otherwise.

use serde::{Deserialize, Serialize};
use std::ops::Add;

/// A counter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Count {
    /// Since Envoy's start.
    pub(crate) total: f64,
    /// Per second, over [`View::rate_seconds`].
    pub(crate) rate: f64,
    /// Within [`View::minute_seconds`].
    pub(crate) minute: f64,
}

impl Add for Count {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { total: self.total + other.total, rate: self.rate + other.rate, minute: self.minute + other.minute }
    }
}

/// Of a histogram; None: it has no value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Percentiles {
    pub(crate) count: f64,
    pub(crate) p50: Option<f64>,
    pub(crate) p95: Option<f64>,
    pub(crate) p99: Option<f64>,
}

/// Since Envoy's start, and of the last minute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Times {
    pub(crate) ever: Percentiles,
    pub(crate) minute: Percentiles,
}

impl From<[Percentiles; 2]> for Times {
    fn from([ever, minute]: [Percentiles; 2]) -> Self {
        Self { ever, minute }
    }
}

/// A counter under the value of its label.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Named {
    pub(crate) name: String,
    #[serde(flatten)]
    pub(crate) count: Count,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct View {
    /// When Envoy was asked, in milliseconds since 1970.
    pub(crate) at: u64,
    /// 0: there is nothing yet to compare with.
    pub(crate) rate_seconds: f64,
    pub(crate) minute_seconds: f64,
    pub(crate) served: Served,
    pub(crate) requests: Count,
    /// In the order of [`super::show::OUTCOMES`].
    pub(crate) outcomes: Vec<Named>,
    /// The latest last.
    pub(crate) history: Vec<Point>,
    pub(crate) providers: Vec<Provider>,
    pub(crate) models: Vec<Model>,
    pub(crate) tokens: Vec<Named>,
    pub(crate) cost: Cost,
    pub(crate) cache: Cache,
    pub(crate) waiting: Waiting,
    pub(crate) budgets: Vec<Budget>,
    /// The latest first.
    pub(crate) fallbacks: Vec<Fallback>,
    pub(crate) overhead: Overhead,
    pub(crate) envoys: Vec<Envoy>,
    pub(crate) sidecar: Sidecar,
}

/// Is anybody not served? Of the last minute. What a client did wrong, and who left by itself, is no question of that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Served {
    pub(crate) ok: f64,
    pub(crate) failed: f64,
    /// None: nobody asked.
    pub(crate) percent: Option<f64>,
    /// Since Envoy's start.
    pub(crate) ever_percent: Option<f64>,
}

/// Requests per second between two samples.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Point {
    pub(crate) at: u64,
    pub(crate) ok: f64,
    pub(crate) failed: f64,
    /// The client's own mistakes, and those who left.
    pub(crate) other: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Provider {
    pub(crate) name: String,
    pub(crate) in_flight: f64,
    /// Seconds for which it, or one of its targets, is left alone.
    pub(crate) cooldown: f64,
    /// At so many Envoys.
    pub(crate) ejected: f64,
    pub(crate) attempts: Count,
    /// Those that were not cancelled, of the last minute; None: there was none.
    pub(crate) ok_percent: Option<f64>,
    /// The most frequent first.
    pub(crate) results: Vec<Named>,
    pub(crate) first_token: Times,
    pub(crate) attempt: Times,
    pub(crate) tokens: Vec<Named>,
    pub(crate) microusd: Count,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Model {
    pub(crate) name: String,
    pub(crate) requests: Count,
    /// As [`Served::percent`].
    pub(crate) ok_percent: Option<f64>,
    pub(crate) duration: Times,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Cost {
    pub(crate) microusd: Count,
    /// Answers without a known price.
    pub(crate) unpriced: Count,
    /// The dearest first.
    pub(crate) rows: Vec<CostRow>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct CostRow {
    pub(crate) provider: String,
    pub(crate) model: String,
    pub(crate) tenant: String,
    pub(crate) microusd: Count,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Cache {
    /// Hits and shared answers of all looks, of the last minute and since the start; None: it was not asked.
    pub(crate) hit_percent: Option<f64>,
    pub(crate) ever_hit_percent: Option<f64>,
    pub(crate) results: Vec<Named>,
    /// In the workers' memory.
    pub(crate) bytes: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Waiting {
    pub(crate) now: f64,
    pub(crate) oldest: f64,
    pub(crate) wait: Times,
    /// Whose word it was, the most frequent first.
    pub(crate) limited: Vec<Named>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Budget {
    pub(crate) tenant: String,
    /// None: no Envoy has said so yet.
    pub(crate) percent: Option<f64>,
    pub(crate) is_warned: bool,
    pub(crate) microusd: u64,
    /// `day` or `month`.
    pub(crate) per: String,
}

/// One provider took over from another, between two moments.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Fallback {
    pub(crate) since: u64,
    pub(crate) at: u64,
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) reason: String,
    pub(crate) count: f64,
}

/// What Weir itself takes, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Overhead {
    /// From a whole request to its attempt.
    pub(crate) request_us: Times,
    /// A part of a stream through the module.
    pub(crate) event_us: Times,
    /// The largest of all workers'.
    pub(crate) vm_memory_bytes: Option<f64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Envoy {
    pub(crate) address: String,
    pub(crate) state: State,
    /// Why it could not be read.
    pub(crate) why: Option<String>,
    pub(crate) uptime_seconds: f64,
    pub(crate) memory_bytes: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    Live,
    /// It takes no new connections.
    Draining,
    /// What it counted is in no number of the page.
    Unreachable,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sidecar {
    pub(crate) version: String,
    pub(crate) uptime_seconds: f64,
    /// `memory` or `redis`.
    pub(crate) store: String,
    /// How long it took to answer; None: it did not.
    pub(crate) store_ms: Option<f64>,
    /// A filter says that the sidecar, or its store, does not answer.
    pub(crate) is_missed: bool,
    /// Requests that wait for another's answer.
    pub(crate) followers: u64,
    /// Cached answers in the embedded store.
    pub(crate) cache_bytes: Option<u64>,
    pub(crate) cache_entries: Option<u64>,
}
