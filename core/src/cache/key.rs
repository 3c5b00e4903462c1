//! Which requests ask for the same answer.

use super::VERSION;
use crate::dialect::openai::ParsedChat;
use crate::wire::Key;
use sha2::{Digest, Sha256};

/// The key of a request's answer: a SHA-256 over the version, the tenant, the `scope`, a text of ours that says to which
/// targets the request would go, and the request in canonical form.
pub fn key(tenant: Option<&str>, scope: &str, request: &ParsedChat) -> Key {
    let mut hasher = Sha256::new();
    hasher.update(VERSION.to_le_bytes());
    hasher.update([u8::from(tenant.is_some())]);
    for text in [tenant.unwrap_or_default().as_bytes(), scope.as_bytes(), request.body()] {
        hasher.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_le_bytes());
        hasher.update(text);
    }
    Key::from(<[u8; 32]>::from(hasher.finalize()))
}
