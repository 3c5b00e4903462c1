//! Whether Envoy will get the addresses it needs: its own message for a taken one is long and comes late.

use crate::failure::{Failure, Outcome};
use std::net::{SocketAddr, TcpListener};
use weir_core::config::Config;

/// An error that names every address that is taken.
pub(super) fn free(config: &Config) -> Outcome {
    let wanted = [("listen", config.listen), ("admin", config.admin)];
    let taken: Vec<String> = wanted.iter().filter_map(|(what, address)| taken(what, *address)).collect();
    if taken.is_empty() { Ok(()) } else { Err(Failure::Runtime(taken.join("\n"))) }
}

fn taken(what: &str, address: SocketAddr) -> Option<String> {
    TcpListener::bind(address).err().map(|error| format!("cannot listen on {address} ({what}): {error}"))
}
