//! What the filter calls.

mod ask;
mod beat;
mod message;
mod put;
mod wait;

pub(super) use ask::ask;
pub(super) use beat::beat;
pub(super) use put::put;
pub(super) use wait::wait;

/// Of a span: what a look into the cache, or a wait for it, brought.
const FOUND: &str = "weir.cache.result";
