//! One call to the sidecar, and how it ended.

use crate::stats::{self, CallResult};
use crate::traffic::LeaseCall;
use crate::wire;
use minicbor::Decode;

/// What is sent: a POST of `body` to `path` of the sidecar. Whoever sends it gives it back with the reply
/// ([`Gateway::called`](crate::gateway::Gateway::called)).
#[derive(Debug)]
pub struct Call {
    pub path: &'static str,
    pub body: Vec<u8>,
    /// Milliseconds.
    pub timeout: u64,
    /// The span of the request that it is made for.
    pub traceparent: Option<String>,
    /// When it was made, in milliseconds since 1970.
    made: u64,
    /// How many requests the worker had seen by then.
    seen: u64,
    purpose: Purpose,
}

/// What the answer is for.
#[derive(Debug)]
pub(super) enum Purpose {
    Ask {
        lookup: bool,
        leases: Option<LeaseCall>,
    },
    Wait,
    Put,
    /// `traces`: of so many requests it tells the spans.
    Beat {
        leases: Option<LeaseCall>,
        traces: u64,
    },
}

impl Call {
    pub(super) fn new(path: &'static str, body: Vec<u8>, timeout: u64, purpose: Purpose, now: u64) -> Self {
        Self { path, body, timeout, traceparent: None, made: now, seen: 0, purpose }
    }

    /// With the number of requests that the worker had seen by then.
    pub(super) fn made_after(self, seen: u64) -> Self {
        Self { seen, ..self }
    }

    /// For a request; None: it is not traced.
    pub(crate) fn traced(self, traceparent: Option<String>) -> Self {
        Self { traceparent, ..self }
    }

    /// Whether this worker itself may have been too busy to hear of the answer in time, now that it has `seen` so many
    /// requests: then one timeout says little of the sidecar.
    pub(super) fn was_heard_late(&self, seen: u64, now: u64) -> bool {
        /// The timer of a worker that is not busy is a millisecond or two late.
        const PUNCTUAL: u64 = 5;
        /// So many requests within one call are a burst.
        const BURST: u64 = 64;
        let is_late = now.saturating_sub(self.made) > self.timeout.saturating_add(PUNCTUAL);
        is_late || seen.saturating_sub(self.seen) >= BURST
    }

    pub(super) fn purpose(&self) -> &Purpose {
        &self.purpose
    }

    /// Whether a request's answer depends on it.
    pub fn is_lookup(&self) -> bool {
        matches!(self.purpose, Purpose::Ask { lookup: true, .. } | Purpose::Wait)
    }

    pub(super) fn kind(&self) -> stats::Call {
        match self.purpose {
            Purpose::Ask { .. } => stats::Call::Ask,
            Purpose::Wait => stats::Call::Wait,
            Purpose::Put => stats::Call::Put,
            Purpose::Beat { .. } => stats::Call::Beat,
        }
    }
}

/// What came back, as the host tells it.
#[derive(Clone, Copy, Debug)]
pub enum Reply<'a> {
    /// Envoy itself answers 504 when the time is over, and 503 when nobody is there.
    Answer { status: u16, body: &'a [u8] },
    /// The stream was reset, or the call could not be sent.
    None,
}

impl<'a> Reply<'a> {
    pub(super) fn outcome(self) -> Outcome<'a> {
        match self {
            Reply::Answer { status: 200..=299, body } => Outcome::Ok(body),
            Reply::Answer { status: 504, .. } => Outcome::Timeout,
            Reply::Answer { status: 400..=499, .. } => Outcome::Refused,
            Reply::Answer { .. } | Reply::None => Outcome::Error,
        }
    }
}

/// The same, understood.
#[derive(Clone, Copy, Debug)]
pub(super) enum Outcome<'a> {
    Ok(&'a [u8]),
    Timeout,
    /// It does not know us, or not this version.
    Refused,
    Error,
}

impl<'a> Outcome<'a> {
    pub(super) fn is_ok(self) -> bool {
        matches!(self, Outcome::Ok(_))
    }

    pub(super) fn is_timeout(self) -> bool {
        matches!(self, Outcome::Timeout)
    }

    /// The message that came, if it is one.
    pub(super) fn message<T: Decode<'a, ()>>(self) -> Option<T> {
        match self {
            Outcome::Ok(body) => wire::decode(body).ok(),
            Outcome::Timeout | Outcome::Refused | Outcome::Error => None,
        }
    }

    pub(super) fn result(self) -> CallResult {
        match self {
            Outcome::Ok(_) => CallResult::Ok,
            Outcome::Timeout => CallResult::Timeout,
            Outcome::Refused => CallResult::Refused,
            Outcome::Error => CallResult::Error,
        }
    }
}
