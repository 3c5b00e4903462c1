//! A cached answer, and how it is told again.

use crate::chat::Usage;

/// An answer that was recorded, borrowed from its bytes.
#[derive(Clone, Debug)]
pub struct Entry<'a> {
    provider: &'a str,
    model: &'a str,
    created: u64,
    usage: Option<Usage>,
}

impl<'a> Entry<'a> {
    /// Reads an entry's bytes; None when they are none.
    pub fn decode(_bytes: &'a [u8]) -> Option<Self> {
        None
    }

    /// What the answer took when it was made.
    pub fn usage(&self) -> Option<Usage> {
        self.usage
    }

    /// The provider that answered.
    pub fn provider(&self) -> &'a str {
        self.provider
    }

    /// The model that the provider was asked for.
    pub fn model(&self) -> &'a str {
        self.model
    }

    /// When it answered, in seconds since 1970.
    pub fn created(&self) -> u64 {
        self.created
    }

    /// The answer as one `chat.completion`; `fallback_id` is its id if the provider gave none.
    pub fn whole(&self, _fallback_id: &str) -> Vec<u8> {
        Vec::new()
    }

    /// The answer as a complete stream, `[DONE]` included; `wants_usage`: with the usage at its end.
    pub fn stream(&self, _fallback_id: &str, _wants_usage: bool) -> Vec<u8> {
        Vec::new()
    }
}
