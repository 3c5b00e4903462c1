//! Which requests ask for the same answer.

mod feed;
mod json;
mod request;
#[cfg(test)]
mod tests;

use super::VERSION;
use crate::dialect::openai::ParsedChat;
use crate::wire::Key;
use feed::Feed;
use sha2::{Digest, Sha256};

/// The key of a request's answer: a SHA-256 over the version, the tenant, the `scope`, a text of ours that says to which
/// targets the request would go, and the request in canonical form. No tenant's key is another's, and no request's is
/// that of one whose answer may differ.
///
/// The canonical form is that of the request in neutral terms, so that it does not depend on how it was spelled, nor on the
/// dialect. A body that says more than that, since an OpenAI-kind server gets it as it came, is part of it too.
pub fn key(tenant: Option<&str>, scope: &str, request: &ParsedChat) -> Key {
    let mut feed = Feed::new();
    feed.put(request.chat());
    if request.has_unknown() || feed.is_partial() {
        json::feed_object(request.body(), &request::WITHOUT_EFFECT, &mut feed);
    }
    let mut hasher = Sha256::new();
    hasher.update(b"weir exact cache");
    hasher.update(VERSION.to_le_bytes());
    hasher.update([u8::from(tenant.is_some())]);
    for text in [tenant.unwrap_or_default(), scope] {
        hasher.update(feed::length(text.len()));
        hasher.update(text);
    }
    hasher.update(feed.finish());
    Key::from(<[u8; 32]>::from(hasher.finalize()))
}
