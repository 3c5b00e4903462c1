//! The sidecar's address and who may use it; how much the caches hold.

use super::problem::At;
use super::problem::Findings;
use super::resolve::{KIB, MIB, bounded, loopback, value_or};
use super::{CacheSizes, Listen, Millis, OnOutage, Sidecar, raw, units, url};
use std::fmt;
use std::net::SocketAddr;

/// Least, default and most.
const CALL_DEADLINE: (Millis, Millis, Millis) = (Millis(1), Millis(50), Millis(5_000));
/// A VM has 1 GiB for everything.
const WORKER_BYTES: (u64, u64, u64) = (0, 16 * MIB, 512 * MIB);
const STORE_BYTES: (u64, u64, u64) = (MIB, 256 * MIB, 1024 * 1024 * MIB);
/// An entry must fit into a message to the sidecar, which has [`crate::wire::MAX_BYTES`].
const ENTRY_BYTES: (u64, u64, u64) = (KIB, MIB, 2 * MIB);

pub(super) const DEFAULT_PORT: u16 = 10001;
/// Each is asked once a second while somebody looks.
const MOST_ENVOYS: usize = 64;

/// `admin`: of the Envoy that the file itself describes.
pub(super) fn resolve(raw: &raw::Sidecar, admin: SocketAddr, found: &mut Findings) -> Sidecar {
    let listen = raw.listen.as_ref().map_or(Listen::Tcp(loopback(DEFAULT_PORT)), |listen| listen.value.clone());
    if let (Listen::Tcp(address), Some(written)) = (&listen, &raw.listen)
        && !address.ip().is_loopback()
        && !raw.has_secret
    {
        let message = "others can reach this address, and what is cached and counted there; \
                       write secret: $WEIR_SIDECAR_SECRET and set that variable for Envoy and for the sidecar, \
                       or listen on 127.0.0.1 or on a socket (unix:/run/weir/sidecar.sock)";
        found.problem(&written.place, message);
    }
    let (least, default, most) = CALL_DEADLINE;
    let call_deadline = value_or(&raw.call_deadline, default);
    if let Some(written) = raw.call_deadline.as_ref().filter(|_| call_deadline < least || call_deadline > most) {
        let (least, most) = (units::show(least), units::show(most));
        found.problem(&written.place, format!("must be between {least} and {most}: requests wait for it"));
    }
    Sidecar {
        listen,
        on_outage: value_or(&raw.on_outage, OnOutage::Local),
        call_deadline,
        secret: raw.secret.as_ref().map(|secret| secret.value.clone()),
        envoys: raw.envoys.as_ref().map_or_else(|| vec![admin.to_string()], |written| envoys(written, found)),
    }
}

fn envoys(written: &[At<String>], found: &mut Findings) -> Vec<String> {
    let mut envoys: Vec<String> = Vec::new();
    for At { value, place } in written {
        match url::authority(value) {
            Ok(envoy) if envoys.contains(&envoy) => {
                found.problem(place, "is written twice, and would be counted twice")
            }
            Ok(envoy) => envoys.push(envoy),
            Err(why) => found.problem(place, why),
        }
    }
    if let Some(beyond) = written.get(MOST_ENVOYS) {
        found.problem(&beyond.place, format!("a status page shows at most {MOST_ENVOYS} Envoys"));
    }
    envoys
}

pub(super) fn cache(raw: &raw::CacheSizes, found: &mut Findings) -> CacheSizes {
    let sizes = CacheSizes {
        worker_bytes: bounded(&raw.worker_bytes, WORKER_BYTES, found),
        store_bytes: bounded(&raw.store_bytes, STORE_BYTES, found),
        max_entry_bytes: bounded(&raw.max_entry_bytes, ENTRY_BYTES, found),
    };
    if let Some(written) = raw.max_entry_bytes.as_ref().filter(|_| sizes.max_entry_bytes > sizes.store_bytes) {
        let store = units::show_size(sizes.store_bytes);
        found.problem(&written.place, format!("is more than store_bytes: {store} would never hold such an answer"));
    }
    sizes
}

impl Listen {
    /// Of a Unix socket's path, in bytes: `sun_path` has 108, and ends with a zero.
    pub(super) const LONGEST_PATH: usize = 107;

    /// The address; None: a Unix socket.
    pub fn tcp(&self) -> Option<SocketAddr> {
        match self {
            Listen::Tcp(address) => Some(*address),
            Listen::Unix(_) => None,
        }
    }
}

/// As it is written in a file.
impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Listen::Tcp(address) => address.fmt(f),
            Listen::Unix(path) => write!(f, "unix:{path}"),
        }
    }
}
