//! Ceilings as they were written: of a provider, of a tenant, and of one model of either.

use super::whole;
use crate::config::problem::{At, Findings};
use crate::config::read::Cursor;

#[derive(Debug, Default)]
pub(in crate::config) struct Limits {
    pub(in crate::config) requests_per_minute: Option<At<u64>>,
    pub(in crate::config) tokens_per_minute: Option<At<u64>>,
    pub(in crate::config) concurrency: Option<At<u64>>,
    pub(in crate::config) burst: Option<At<u64>>,
    pub(in crate::config) burst_tokens: Option<At<u64>>,
}

#[derive(Debug)]
pub(in crate::config) struct ModelLimits {
    pub(in crate::config) model: At<String>,
    pub(in crate::config) limits: Limits,
}

pub(super) fn limits(cursor: Cursor<'_>, found: &mut Findings) -> Option<Limits> {
    const WANTED: &str = "a map with requests_per_minute, tokens_per_minute, concurrency, burst, burst_tokens";
    whole(cursor, WANTED, found, |map, f| {
        let requests_written = map.has("requests_per_minute");
        let tokens_written = map.has("tokens_per_minute");
        let requests_per_minute = map.get("requests_per_minute", f, |c, f| c.count(f));
        let tokens_per_minute = map.get("tokens_per_minute", f, |c, f| c.count(f));
        let concurrency = map.get("concurrency", f, |c, f| c.count(f));
        let burst = map.get("burst", f, |c, f| c.count(f));
        let burst_tokens = map.get("burst_tokens", f, |c, f| c.count(f));
        // Against a limit that was refused, a burst cannot be wrong.
        let burst = burst.filter(|_| requests_per_minute.is_some() || !requests_written);
        let burst_tokens = burst_tokens.filter(|_| tokens_per_minute.is_some() || !tokens_written);
        Limits { requests_per_minute, tokens_per_minute, concurrency, burst, burst_tokens }
    })
}
