//! The log, on standard error: `RUST_LOG` says how much of it, `info` unless set.

use std::io::IsTerminal as _;
use tracing_subscriber::EnvFilter;

/// To be called once, by a command that runs for long.
pub(crate) fn start() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .try_init();
}
