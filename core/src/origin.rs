//! Whether a browser's page is of this machine: what is open to the machine is not open to each page that is shown on it.

use std::net::IpAddr;

/// Of a URL's or a `host` header's authority: `localhost:3000`, `127.0.0.1`, `[::1]:10001`. A name that a page's own
/// author can point here (DNS rebinding) is none.
pub fn is_loopback_authority(authority: &str) -> bool {
    let host = match authority.strip_prefix('[') {
        Some(literal) => literal.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Of an `origin` header: `http://localhost:3000`. `null` is none.
pub fn is_loopback_origin(origin: &str) -> bool {
    origin.split_once("://").is_some_and(|(_, authority)| is_loopback_authority(authority))
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn only_names_that_nobody_else_can_point_here_are_of_this_machine() {
        for near in ["localhost", "localhost:3000", "127.0.0.1:10001", "127.8.9.1", "[::1]:10001", "[::1]"] {
            assert!(is_loopback_authority(near), "{near}");
            assert!(is_loopback_origin(&format!("http://{near}")), "{near}");
        }
        for far in [
            "",
            "weir.example",
            "localhost.weir.example",
            "127.0.0.1.nip.io:10001",
            "10.0.0.1",
            "0.0.0.0",
            "::1",
            "[::2]",
        ] {
            assert!(!is_loopback_authority(far), "{far}");
        }
        for far in ["null", "", "localhost", "https://evil.example"] {
            assert!(!is_loopback_origin(far), "{far}");
        }
    }
}
