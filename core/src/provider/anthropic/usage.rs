//! Tokens, as Anthropic counts them: cached and written tokens are not part of `input_tokens` (PROVIDERS B.3).

use crate::chat;
use serde::Deserialize;

/// Any field may be missing or null.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub(super) struct Usage {
    input_tokens: Option<u64>,
    cache_creation_input_tokens: Option<u64>,
    cache_read_input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    output_tokens_details: Option<Details>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
struct Details {
    thinking_tokens: Option<u64>,
}

impl Usage {
    /// Takes what `later` says. Its numbers are cumulative, or correct earlier ones; what it leaves out stands.
    pub(super) fn overlay(&mut self, later: Usage) {
        self.input_tokens = later.input_tokens.or(self.input_tokens);
        self.cache_creation_input_tokens = later.cache_creation_input_tokens.or(self.cache_creation_input_tokens);
        self.cache_read_input_tokens = later.cache_read_input_tokens.or(self.cache_read_input_tokens);
        self.output_tokens = later.output_tokens.or(self.output_tokens);
        self.output_tokens_details = later.output_tokens_details.or(self.output_tokens_details);
    }

    /// In OpenAI's terms.
    pub(super) fn total(&self) -> chat::Usage {
        let cached = self.cache_read_input_tokens.unwrap_or(0);
        let cache_write = self.cache_creation_input_tokens.unwrap_or(0);
        chat::Usage {
            prompt: self.input_tokens.unwrap_or(0).saturating_add(cached).saturating_add(cache_write),
            cached,
            cache_write,
            completion: self.output_tokens.unwrap_or(0),
            reasoning: self.output_tokens_details.and_then(|details| details.thinking_tokens).unwrap_or(0),
        }
    }
}
