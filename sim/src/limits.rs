//! Rate limits as the providers enforce them: token buckets for requests and tokens, and a cap on concurrency.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

const MINUTE: f64 = 60.0;
/// What the headers say while no limit is set: the numbers of a large account.
const UNLIMITED: Headroom = Headroom {
    requests: Level { limit: 10_000, remaining: 9_999, reset: Duration::from_millis(6) },
    tokens: Level { limit: 30_000_000, remaining: 29_999_000, reset: Duration::from_millis(2) },
};

/// Limits of one provider. What is absent is unlimited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Requests per minute, refilled continuously.
    pub requests_per_minute: Option<u32>,
    /// Prompt and completion tokens per minute, refilled continuously.
    pub tokens_per_minute: Option<u64>,
    /// Requests in flight at once.
    pub concurrency: Option<u32>,
    /// Requests admitted at once when the bucket is full; default `requests_per_minute`.
    pub burst: Option<u32>,
}

impl Limits {
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.requests_per_minute == Some(0) || self.tokens_per_minute == Some(0) || self.concurrency == Some(0) {
            return Err("a limit of 0 admits nothing and never resets: use a fault instead".to_owned());
        }
        if self.burst == Some(0) {
            return Err("burst must be at least 1".to_owned());
        }
        if self.burst.is_some() && self.requests_per_minute.is_none() {
            return Err("burst needs requests_per_minute".to_owned());
        }
        Ok(())
    }
}

/// Which limit refused a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    Requests,
    Tokens,
    Concurrency,
}

/// One bucket as the rate-limit headers show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Level {
    pub(crate) limit: u64,
    pub(crate) remaining: u64,
    /// Until the bucket is full again.
    pub(crate) reset: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Headroom {
    pub(crate) requests: Level,
    pub(crate) tokens: Level,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Limited {
    pub(crate) scope: Scope,
    /// Until the same request would be admitted. For concurrency nobody knows: one second.
    pub(crate) retry_after: Duration,
}

#[derive(Debug)]
pub(crate) struct Limiter {
    limits: Limits,
    requests: Option<Bucket>,
    tokens: Option<Bucket>,
    in_flight: u32,
}

impl Limiter {
    pub(crate) fn new() -> Self {
        Self { limits: Limits::default(), requests: None, tokens: None, in_flight: 0 }
    }

    /// New limits with full buckets; requests in flight stay counted.
    pub(crate) fn set(&mut self, limits: Limits, now: Instant) {
        self.limits = limits;
        self.requests = limits.requests_per_minute.map(|per_minute| {
            Bucket::full(f64::from(limits.burst.unwrap_or(per_minute)), f64::from(per_minute) / MINUTE, now)
        });
        self.tokens =
            limits.tokens_per_minute.map(|per_minute| Bucket::full(per_minute as f64, per_minute as f64 / MINUTE, now));
    }

    /// Takes one request and its tokens, or nothing. An admitted request must be given back with [`Self::release`].
    pub(crate) fn admit(&mut self, tokens: u64, now: Instant) -> Result<(), Limited> {
        if self.limits.concurrency.is_some_and(|most| self.in_flight >= most) {
            return Err(Limited { scope: Scope::Concurrency, retry_after: Duration::from_secs(1) });
        }
        let checks = [(Scope::Requests, &mut self.requests, 1.0), (Scope::Tokens, &mut self.tokens, tokens as f64)];
        for (scope, bucket, amount) in checks {
            if let Some(bucket) = bucket {
                bucket.refill(now);
                if let Some(retry_after) = bucket.wait_for(amount) {
                    return Err(Limited { scope, retry_after });
                }
            }
        }
        if let Some(bucket) = &mut self.requests {
            bucket.level -= 1.0;
        }
        if let Some(bucket) = &mut self.tokens {
            bucket.level -= tokens as f64;
        }
        self.in_flight = self.in_flight.saturating_add(1);
        Ok(())
    }

    pub(crate) fn release(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    /// What the headers of an answer sent now say.
    pub(crate) fn headroom(&mut self, now: Instant) -> Headroom {
        let level = |bucket: &mut Option<Bucket>, unlimited: Level| match bucket {
            None => unlimited,
            Some(bucket) => {
                bucket.refill(now);
                bucket.shown()
            }
        };
        Headroom {
            requests: level(&mut self.requests, UNLIMITED.requests),
            tokens: level(&mut self.tokens, UNLIMITED.tokens),
        }
    }
}

#[derive(Debug)]
struct Bucket {
    capacity: f64,
    per_second: f64,
    level: f64,
    at: Instant,
}

impl Bucket {
    fn full(capacity: f64, per_second: f64, now: Instant) -> Self {
        Self { capacity, per_second, level: capacity, at: now }
    }

    fn refill(&mut self, now: Instant) {
        let elapsed = now.saturating_duration_since(self.at).as_secs_f64();
        self.level = self.capacity.min(self.level + elapsed * self.per_second);
        self.at = now;
    }

    /// How long until `amount` is there; `None` if it is now. A request larger than the bucket waits for a full one:
    /// the providers refuse it forever, with the same code.
    fn wait_for(&self, amount: f64) -> Option<Duration> {
        let missing = amount.min(self.capacity) - self.level;
        if amount <= self.level {
            return None;
        }
        Some(Duration::from_secs_f64((missing / self.per_second).max(0.001)))
    }

    fn shown(&self) -> Level {
        Level {
            limit: self.capacity as u64,
            remaining: self.level.max(0.0) as u64,
            reset: Duration::from_secs_f64(((self.capacity - self.level) / self.per_second).max(0.0)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limiter(limits: Limits, now: Instant) -> Limiter {
        let mut limiter = Limiter::new();
        limiter.set(limits, now);
        limiter
    }

    #[test]
    fn a_burst_is_admitted_at_once_and_refills_at_the_rate() {
        let start = Instant::now();
        let mut limiter = limiter(Limits { requests_per_minute: Some(60), burst: Some(2), ..Limits::default() }, start);
        assert_eq!(limiter.admit(0, start), Ok(()));
        assert_eq!(limiter.admit(0, start), Ok(()));
        let refused = limiter.admit(0, start);
        assert_eq!(refused, Err(Limited { scope: Scope::Requests, retry_after: Duration::from_secs(1) }));
        assert_eq!(limiter.admit(0, start + Duration::from_secs(1)), Ok(()), "retry_after is true");
        assert!(limiter.admit(0, start + Duration::from_millis(1900)).is_err());
    }

    #[test]
    fn tokens_are_limited_apart_from_requests_and_a_refusal_takes_nothing() {
        let start = Instant::now();
        let limits = Limits { requests_per_minute: Some(10), tokens_per_minute: Some(600), ..Limits::default() };
        let mut limiter = limiter(limits, start);
        assert_eq!(limiter.admit(500, start), Ok(()));
        let refused = limiter.admit(200, start);
        assert_eq!(refused, Err(Limited { scope: Scope::Tokens, retry_after: Duration::from_secs(10) }));
        let headroom = limiter.headroom(start);
        assert_eq!((headroom.requests.remaining, headroom.tokens.remaining), (9, 100));
        assert_eq!(headroom.tokens.reset, Duration::from_secs(50));
    }

    #[test]
    fn concurrency_is_given_back() {
        let now = Instant::now();
        let mut limiter = limiter(Limits { concurrency: Some(1), ..Limits::default() }, now);
        assert_eq!(limiter.admit(0, now), Ok(()));
        assert_eq!(limiter.admit(0, now).map_err(|limited| limited.scope), Err(Scope::Concurrency));
        limiter.release();
        assert_eq!(limiter.admit(0, now), Ok(()));
    }
}
