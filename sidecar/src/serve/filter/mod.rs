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
