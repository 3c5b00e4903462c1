//! The store in Redis (7 or later), for any number of sidecars.
//!
//! Answers and books go over connections of their own, so that large answers do not hold up a debit. Redis may be lost,
//! restarted, or fail over at any time: calls fail, within the deadline, until a new connection is up. A call is not
//! tried again: what was debited and not heard of is lost to everybody until it has flowed in again, which is the safe
//! side.
//!
//! Redis should evict only what has a time to live (`volatile-lru`), or nothing: API keys have none.

mod keeper;
mod lane;
mod names;
mod place;
mod scripts;
mod usage;

use super::bucket::MOST;
use super::{ApiKey, CacheKey, Debit, Debited, LEAD_MILLIS, Lookup, Store, Unavailable, Usage, UsageEntry};
use async_trait::async_trait;
use bytes::Bytes;
use lane::{Call, Lane};
use names::Names;
use place::Place;
use redis::{FromRedisValue, Value, from_redis_value};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use weir_core::config::RedisUrl;

/// API keys that are kept.
const MAX_KEYS: usize = 100_000;
/// Leads that are held at once.
const HELD_AT_ONCE: usize = 64;
/// No answer is kept for longer, in milliseconds: 10 years.
const MAX_TTL: u64 = 10 * 366 * 24 * 3_600_000;

/// The store in Redis.
pub(crate) struct Redis {
    names: Names,
    answers: Arc<Lane>,
    books: Lane,
}

impl Redis {
    /// A store at `url`, whose calls end within `deadline`. Redis need not be there (yet). Within a runtime: it keeps
    /// its connections up in the background for as long as it lives.
    ///
    /// # Errors
    /// The URL is none, or the file that it names cannot be read. The text can be shown: it holds no password.
    pub(crate) fn connect(url: &str, deadline: Duration) -> Result<Self, String> {
        let address = RedisUrl::parse(url)?;
        let secrets: Arc<[String]> = address.secrets().into();
        let place = Arc::new(Place::new(&address)?);
        let lane = |name| Lane::open(name, Arc::clone(&place), deadline, Arc::clone(&secrets));
        Ok(Self { names: Names::new(&address.prefix), answers: Arc::new(lane("answers")), books: lane("books") })
    }
}

#[async_trait]
impl Store for Redis {
    async fn ping(&self) -> Result<(), Unavailable> {
        self.answers.call(scripts::ping().key(self.names.ping())).await?;
        self.books.call(scripts::ping().key(self.names.ping())).await.map(drop)
    }

    async fn lookup(&self, key: CacheKey, token: u64, leads: bool) -> Result<Lookup, Unavailable> {
        let (answer, lead) = self.names.answer(&key);
        let call = scripts::lookup().key(answer).key(lead).arg(token).arg(u8::from(leads)).arg(LEAD_MILLIS);
        let mut parts: Vec<Value> = read(self.answers.call(call).await?)?;
        let rest = parts.split_off(parts.len().min(1));
        let word: String = read(parts.pop().unwrap_or(Value::Nil))?;
        match (word.as_str(), <[Value; 2]>::try_from(rest)) {
            ("miss", _) => Ok(Lookup::Miss),
            ("lead", _) => Ok(Lookup::Lead),
            ("follow", _) => Ok(Lookup::Follow),
            ("hit", Ok([Value::BulkString(value), left])) => hit(value, read(left)?),
            _ => Err(nonsense()),
        }
    }

    async fn put(&self, key: CacheKey, value: Bytes, ttl: u64) -> Result<(), Unavailable> {
        let (answer, lead) = self.names.answer(&key);
        let ttl = ttl.min(MAX_TTL);
        let mut bytes = Vec::with_capacity(TTL_BYTES + value.len());
        bytes.extend_from_slice(&ttl.to_be_bytes());
        bytes.extend_from_slice(&value);
        self.answers.call(scripts::put().key(answer).key(lead).bytes(bytes).arg(ttl)).await.map(drop)
    }

    async fn release(&self, key: CacheKey, token: u64) -> Result<(), Unavailable> {
        let (_, lead) = self.names.answer(&key);
        self.answers.call(scripts::release().key(lead).arg(token)).await.map(drop)
    }

    async fn hold(&self, leads: &[(CacheKey, u64)]) -> Result<(), Unavailable> {
        for leads in leads.chunks(HELD_AT_ONCE) {
            let mut calls = JoinSet::new();
            for (key, token) in leads {
                let (_, lead) = self.names.answer(key);
                let call = scripts::hold().key(lead).arg(token).arg(LEAD_MILLIS);
                let lane = Arc::clone(&self.answers);
                calls.spawn(async move { lane.call(call).await });
            }
            for result in calls.join_all().await {
                result?;
            }
        }
        Ok(())
    }

    async fn debit(&self, debits: &[Debit]) -> Result<Vec<Debited>, Unavailable> {
        if debits.is_empty() {
            return Ok(Vec::new());
        }
        let call = debits.iter().fold(scripts::debit(), |call, debit| {
            let Debit { id, per_minute, burst, owed, returned, at_most, need, want, full_at, changes } = debit;
            let call = call.key(self.names.bucket(id)).arg((*per_minute).clamp(1, MOST)).arg((*burst).clamp(1, MOST));
            let call = call.arg((*owed).min(MOST)).arg((*returned).min(MOST));
            let call = match at_most {
                Some(most) => call.arg((*most).min(MOST)),
                None => call.arg(-1),
            };
            [need, want, full_at, changes].into_iter().fold(call, |call, number| call.arg((*number).min(MOST)))
        });
        let debited: Vec<[u64; 6]> = read(self.books.call(call).await?)?;
        if debited.len() != debits.len() {
            return Err(nonsense());
        }
        let debited = debited.into_iter().map(|[granted, level, full_in, wait, full_at, changes]| Debited {
            granted,
            level,
            full_in,
            wait,
            full_at,
            changes,
        });
        Ok(debited.collect())
    }

    async fn touch(&self, envoy: u64, millis: u64) -> Result<u64, Unavailable> {
        let call = scripts::touch().key(self.names.envoys()).arg(envoy).arg(millis.min(MAX_TTL));
        read(self.books.call(call).await?)
    }

    async fn add_usage(&self, worker: u64, entries: &[UsageEntry]) -> Result<u64, Unavailable> {
        usage::add(&self.books, &self.names, worker, entries).await
    }

    async fn usage(&self, first: &str, last: &str) -> Result<Vec<Usage>, Unavailable> {
        usage::read(&self.books, &self.names, first, last).await
    }

    async fn spent(&self, periods: &[(String, String)]) -> Result<Vec<u64>, Unavailable> {
        if periods.is_empty() {
            return Ok(Vec::new());
        }
        let call = periods.iter().fold(scripts::spent(), |call, (tenant, period)| {
            call.key(self.names.usage(format_args!("spent:{period}"))).arg(tenant)
        });
        read(self.books.call(call).await?)
    }

    async fn keys(&self) -> Result<(u64, Vec<ApiKey>), Unavailable> {
        let (all, version) = self.names.keys();
        let (version, keys): (u64, Vec<String>) = read(self.books.call(scripts::keys().key(all).key(version)).await?)?;
        let keys = keys.iter().map(|key| serde_json::from_str(key).map_err(|_| nonsense()));
        Ok((version, keys.collect::<Result<_, _>>()?))
    }

    async fn keys_version(&self) -> Result<u64, Unavailable> {
        let (_, version) = self.names.keys();
        read(self.books.call(scripts::keys_version().key(version)).await?)
    }

    async fn add_key(&self, key: ApiKey) -> Result<(), Unavailable> {
        let json = serde_json::to_string(&key).map_err(|_| nonsense())?;
        let call = self.change_keys().arg("add").arg(&key.sha256).arg(json).arg(MAX_KEYS);
        self.books.call(call).await.map(drop)
    }

    async fn revoke_key(&self, id: &str) -> Result<bool, Unavailable> {
        let revoked: u64 = read(self.books.call(self.change_keys().arg("revoke").arg(id)).await?)?;
        Ok(revoked > 0)
    }
}

impl Redis {
    fn change_keys(&self) -> Call {
        let (all, version) = self.names.keys();
        scripts::change_keys().key(all).key(version)
    }
}

/// With which an answer begins: its time to live.
const TTL_BYTES: usize = size_of::<u64>();

/// `left`: milliseconds; below 0 if somebody has taken the time to live away.
fn hit(value: Vec<u8>, left: i64) -> Result<Lookup, Unavailable> {
    let value = Bytes::from(value);
    let ttl = value.first_chunk::<TTL_BYTES>().map(|ttl| u64::from_be_bytes(*ttl)).ok_or_else(nonsense)?;
    let left = u64::try_from(left).unwrap_or(0).min(ttl);
    Ok(Lookup::Hit { value: value.slice(TTL_BYTES..), age: ttl - left, left })
}

fn read<T: FromRedisValue>(value: Value) -> Result<T, Unavailable> {
    from_redis_value(value).map_err(|_| nonsense())
}

/// Nothing of what it says is repeated: it may be an answer to a prompt.
fn nonsense() -> Unavailable {
    Unavailable("Redis holds something that no Weir has written".to_owned())
}
