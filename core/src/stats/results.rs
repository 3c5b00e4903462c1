//! What the cache and the sidecar did, as labels.

/// What became of a request, or of its answer, in the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheResult {
    Hit,
    Miss,
    /// It got the answer of another request like it.
    Coalesced,
    /// The cache was not asked.
    Bypass,
    /// An answer was kept.
    Stored,
    /// An answer was not kept: too large, or not one to repeat.
    Refused,
}

impl CacheResult {
    /// As a label, and in `x-weir-cache`.
    pub fn name(self) -> &'static str {
        CACHE_RESULTS.iter().find(|(have, _)| *have == self).map_or("", |(_, name)| name)
    }
}

pub(super) const CACHE_RESULTS: [(CacheResult, &str); 6] = [
    (CacheResult::Hit, "hit"),
    (CacheResult::Miss, "miss"),
    (CacheResult::Coalesced, "coalesced"),
    (CacheResult::Bypass, "bypass"),
    (CacheResult::Stored, "stored"),
    (CacheResult::Refused, "refused"),
];

/// What the sidecar is called for (`wire`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    Ask,
    Wait,
    Put,
    Beat,
}

pub(super) const CALLS: [(Call, &str); 4] =
    [(Call::Ask, "ask"), (Call::Wait, "wait"), (Call::Put, "put"), (Call::Beat, "beat")];

/// How a call to the sidecar ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallResult {
    Ok,
    /// It did not answer in time.
    Timeout,
    /// It could not be reached, or what it said made no sense.
    Error,
    /// It would not: no secret, another version, too much to do.
    Refused,
}

pub(super) const CALL_RESULTS: [(CallResult, &str); 4] = [
    (CallResult::Ok, "ok"),
    (CallResult::Timeout, "timeout"),
    (CallResult::Error, "error"),
    (CallResult::Refused, "refused"),
];
