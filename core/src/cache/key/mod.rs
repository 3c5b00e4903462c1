//! Which requests ask for the same answer.

mod feed;
mod json;
mod request;
#[cfg(test)]
mod tests;

use super::VERSION;
use crate::dialect::openai::ParsedChat;
use crate::headers::HeaderList;
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
    feed.form(0);
    feed.put(request.chat());
    if request.has_unknown() || feed.is_partial() {
        json::feed_object(request.body(), &request::WITHOUT_EFFECT, &mut feed);
    }
    digest(tenant, scope, feed)
}

/// How the answer to a body is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Message,
    MessageStream,
    Content,
    ContentStream,
    /// A stream as a JSON array.
    ContentArray,
}

/// The key of an answer to a body of Anthropic's or Gemini's dialect, told in that form: of all that the body says, since
/// a provider of the same kind reads all of it, but for what does not change the answer. `headers` are those of the
/// client's that such a provider reads too.
pub fn key_of_body(tenant: Option<&str>, scope: &str, form: Form, headers: &HeaderList, body: &[u8]) -> Key {
    let mut feed = Feed::new();
    let (number, without): (u8, &[&str]) = match form {
        Form::Message => (1, &request::WITHOUT_EFFECT_AT_ANTHROPIC),
        Form::MessageStream => (2, &request::WITHOUT_EFFECT_AT_ANTHROPIC),
        Form::Content => (3, &request::WITHOUT_EFFECT_AT_GEMINI),
        Form::ContentStream => (4, &request::WITHOUT_EFFECT_AT_GEMINI),
        Form::ContentArray => (5, &request::WITHOUT_EFFECT_AT_GEMINI),
    };
    feed.form(number);
    feed.put(&u64::from_le_bytes(feed::length(headers.len())));
    for (name, value) in headers {
        feed.text(name.as_bytes());
        feed.text(value);
    }
    json::feed_object(body, without, &mut feed);
    digest(tenant, scope, feed)
}

fn digest(tenant: Option<&str>, scope: &str, feed: Feed) -> Key {
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
