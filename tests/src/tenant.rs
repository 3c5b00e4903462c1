//! Tenants' keys.

use sha2::{Digest as _, Sha256};

/// A key as `weir.yaml` knows it, in `key_sha256`.
pub fn key_sha256(key: &str) -> String {
    Sha256::digest(key.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}
