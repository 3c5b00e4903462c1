//! Free ports of the loopback interface.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

/// Below the range that the kernel takes clients' ports from, and away from Weir's own defaults.
const FIRST: u16 = 12_000;
const COUNT: u16 = 18_000;

/// A port that nobody listens on. Envoy shares a port with another Envoy without a word (`SO_REUSEPORT`), so no port is
/// given away twice in one process, and processes begin at different ones.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let offset = u16::try_from(std::process::id().wrapping_mul(61) % u32::from(COUNT)).unwrap_or(0);
    for _ in 0..COUNT {
        let step = NEXT.fetch_add(1, Ordering::Relaxed) % COUNT;
        let port = FIRST + (offset + step) % COUNT;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
    panic!("no free port from {FIRST} on");
}
