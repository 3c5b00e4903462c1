//! What the `weir` command asks a running sidecar, as JSON.

pub(super) mod keys;
pub(super) mod usage;
