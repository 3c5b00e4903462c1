//! What many Envoys share, behind one trait: embedded in the sidecar, or in Redis. All implementations pass one suite,
//! `tests`.
//!
//! Every operation ends within the deadline that its store was made with, and none is queued without bound: what a
//! store cannot do now fails, and its caller has a policy for that (`sidecar.on_outage`). In Redis what is long is done in
//! several steps, and each has the deadline: 64 leads that are held, 500 entries of usage, one day of a report.

mod bucket;
mod memory;
mod redis;
#[cfg(test)]
mod tests;

pub(crate) use memory::Memory;
pub(crate) use redis::Redis;

use async_trait::async_trait;
use bytes::Bytes;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use weir_core::config::{self, Config, EnvVar};

/// The store of a configuration.
///
/// # Errors
/// Its address is none, or the variable that holds it is not set. The text can be shown.
pub(crate) fn open(config: &Config) -> Result<Arc<dyn Store>, String> {
    // The filter gives a call up after the whole of it, and shall hear before that the store is away.
    let deadline = Duration::from_millis((config.sidecar.call_deadline.0 * 4 / 5).max(1));
    Ok(match &config.store {
        config::Store::Memory => Arc::new(Memory::new(usize::try_from(config.cache.store_bytes).unwrap_or(usize::MAX))),
        config::Store::Redis(url) => Arc::new(Redis::connect(url, deadline)?),
        config::Store::Variable(EnvVar(name)) => {
            let url = std::env::var(name).map_err(|_| format!("environment variable {name} (store) is not set"))?;
            Arc::new(Redis::connect(&url, deadline).map_err(|problem| format!("{name}: {problem}"))?)
        }
    })
}

/// A store.
#[async_trait]
pub(crate) trait Store: Send + Sync {
    /// Whether it can be used now.
    async fn ping(&self) -> Result<(), Unavailable>;

    /// A cached answer; or, with `leads`, the lead: of all who ask for one key, at most one has it. The lead ends by
    /// [`Self::put`], by [`Self::release`], or when it has not been held for [`LEAD_MILLIS`]. Who leads already, and asks
    /// again, leads.
    async fn lookup(&self, key: CacheKey, token: u64, leads: bool) -> Result<Lookup, Unavailable>;

    /// Keeps an answer for `ttl` milliseconds, and ends the lead, whoever has it.
    async fn put(&self, key: CacheKey, value: Bytes, ttl: u64) -> Result<(), Unavailable>;

    /// Ends the lead of `token`; nothing if another has it.
    async fn release(&self, key: CacheKey, token: u64) -> Result<(), Unavailable>;

    /// Goes on with leads for another [`LEAD_MILLIS`]. Those that have ended stay so.
    async fn hold(&self, leads: &[(CacheKey, u64)]) -> Result<(), Unavailable>;

    /// Debits token buckets, in one step, by the store's own clock. What is owed is taken whether or not it is there and
    /// what comes back is put back in any case; then, if *all* needs are there, they are taken, and of what is left then
    /// up to what is wanted.
    async fn debit(&self, debits: &[Debit]) -> Result<Vec<Debited>, Unavailable>;

    /// Notes that an Envoy lives, for `millis` milliseconds, and counts those that do.
    async fn touch(&self, envoy: u64, millis: u64) -> Result<u64, Unavailable>;

    /// Adds up what requests used: each entry once, however often it comes. Those of a worker come in order of their
    /// numbers; what is not above its last one has been counted. The last number that is counted now.
    async fn add_usage(&self, worker: u64, entries: &[UsageEntry]) -> Result<u64, Unavailable>;

    /// What was used on the days from `first` to `last`, each `2026-11-26` (UTC), summed by day, tenant and model.
    async fn usage(&self, first: &str, last: &str) -> Result<Vec<Usage>, Unavailable>;

    /// What a tenant spent in periods that begin alike: a day, `2026-11-26`, or a month, `2026-11`. In micro-dollars, in
    /// the order asked.
    async fn spent(&self, periods: &[(String, String)]) -> Result<Vec<u64>, Unavailable>;

    /// The API keys, and their version: another number whenever they are others. 0 while there have been none.
    async fn keys(&self) -> Result<(u64, Vec<ApiKey>), Unavailable>;

    /// The version alone, which is asked for often.
    async fn keys_version(&self) -> Result<u64, Unavailable>;

    /// Adds a key, or replaces the one of the same digest.
    async fn add_key(&self, key: ApiKey) -> Result<(), Unavailable>;

    /// Removes the keys of that id. Whether there was one.
    async fn revoke_key(&self, id: &str) -> Result<bool, Unavailable>;

    /// What the sidecar itself holds of cached answers; None: they are elsewhere.
    fn held(&self) -> Option<Held> {
        None
    }
}

/// Cached answers in the sidecar's memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) answers: usize,
    /// With all that is kept about them.
    pub(crate) bytes: usize,
}

/// Which cached answer: a SHA-256.
pub(crate) type CacheKey = [u8; 32];

/// How long a lead lasts that nobody holds, in milliseconds: a worker holds its leads once a second.
pub(crate) const LEAD_MILLIS: u64 = 4_000;

/// The store does not answer, not in time, or not as it should. What it says goes to the log, and to nobody else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unavailable(pub(crate) String);

/// What a look into the cache brought.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Lookup {
    /// Nothing, and it was only a look.
    Miss,
    Hit {
        value: Bytes,
        /// Milliseconds since it was put.
        age: u64,
        /// Milliseconds for which it may still be served.
        left: u64,
    },
    /// Nothing; who asked leads.
    Lead,
    /// Nothing; another leads.
    Follow,
}

/// Without the answer: it is not for logs.
impl fmt::Debug for Lookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Miss => f.write_str("Miss"),
            Self::Hit { value, age, left } => {
                let bytes = value.len();
                f.debug_struct("Hit").field("bytes", &bytes).field("age", age).field("left", left).finish()
            }
            Self::Lead => f.write_str("Lead"),
            Self::Follow => f.write_str("Follow"),
        }
    }
}

/// One bucket, and what is to happen to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Debit {
    pub(crate) id: String,
    /// At least 1.
    pub(crate) per_minute: u64,
    /// What a full bucket holds, at least 1.
    pub(crate) burst: u64,
    /// Taken in any case, into debt if need be.
    pub(crate) owed: u64,
    /// Put back in any case; what does not fit is lost.
    pub(crate) returned: u64,
    /// Lowers the level to this if it is higher.
    pub(crate) at_most: Option<u64>,
    /// More than a full bucket holds is taken from a full one, which is then in debt.
    pub(crate) need: u64,
    /// The need included. Beyond the need at most a quarter is taken of what is left after it.
    pub(crate) want: u64,
    /// What [`Debited::full_at`] was the last time, or 0: where the store has forgotten a bucket (it was restarted), it
    /// goes on from here, and not from a full one.
    pub(crate) full_at: u64,
    /// What [`Debited::changes`] was then, or 0: where the store has forgotten only the latest changes (it was restarted
    /// from a snapshot, or a replica took over), it goes on from whichever of the two has less.
    pub(crate) changes: u64,
}

/// What became of a [`Debit`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Debited {
    /// Of what is wanted; 0, or at least the need.
    pub(crate) granted: u64,
    /// What is left, whole; 0 in debt.
    pub(crate) level: u64,
    /// Milliseconds until it is full.
    pub(crate) full_in: u64,
    /// Milliseconds until the need is there; 0 when it was granted, or when only another bucket lacked.
    pub(crate) wait: u64,
    /// The bucket itself: when it will be full, in microseconds since 1970 by the store's clock.
    pub(crate) full_at: u64,
    /// How often the bucket was changed.
    pub(crate) changes: u64,
}

/// What one request used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct UsageEntry {
    /// Counts the entries of a worker, from 1.
    pub(crate) number: u64,
    pub(crate) usage: Usage,
}

/// What requests of one day, tenant and model used.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Usage {
    /// `2026-11-26`, UTC.
    pub(crate) day: String,
    /// `-` without tenants.
    pub(crate) tenant: String,
    /// `openai/gpt-5.6`; the asked name where nobody answered.
    pub(crate) model: String,
    pub(crate) requests: u64,
    /// Of those, from the cache. They used nothing.
    pub(crate) cache_hits: u64,
    pub(crate) input_tokens: u64,
    pub(crate) output_tokens: u64,
    /// Parts of the input.
    pub(crate) cached_tokens: u64,
    pub(crate) cache_write_tokens: u64,
    /// A part of the output.
    pub(crate) reasoning_tokens: u64,
    /// Of requests whose price is known.
    pub(crate) cost_microusd: u64,
    /// Requests whose price is not known.
    pub(crate) unpriced: u64,
}

/// An API key: never the key itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct ApiKey {
    /// By which it is named: the first 12 hex digits of its digest.
    pub(crate) id: String,
    /// Lower-case hex SHA-256.
    pub(crate) sha256: String,
    pub(crate) tenant: String,
    /// What the operator calls it.
    pub(crate) label: String,
    /// Seconds since 1970.
    pub(crate) created: u64,
    /// Seconds since 1970; None: never.
    pub(crate) expires: Option<u64>,
}
