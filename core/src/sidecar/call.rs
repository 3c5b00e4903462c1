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
    /// When it was made, in milliseconds since 1970.
    made: u64,
    purpose: Purpose,
}

/// What the answer is for.
#[derive(Debug)]
pub(super) enum Purpose {
    Ask { lookup: bool, leases: Option<LeaseCall> },
    Wait,
    Put,
    Beat { leases: Option<LeaseCall> },
}

impl Call {
    pub(super) fn new(path: &'static str, body: Vec<u8>, timeout: u64, purpose: Purpose, now: u64) -> Self {
        Self { path, body, timeout, made: now, purpose }
    }

    /// Whether this worker itself was too busy to hear of the end in time: then a timeout says nothing of the sidecar.
    pub(super) fn was_heard_late(&self, now: u64) -> bool {
        now.saturating_sub(self.made) > self.timeout.saturating_add(self.timeout.checked_div(2).unwrap_or(0))
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
