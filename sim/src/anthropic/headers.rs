//! Anthropic's response headers (docs of the provider, E).

use hyper::{HeaderMap, header::HeaderValue};

use crate::{clock::rfc3339, dialect::Facts, limits::Level};

pub(crate) fn write(headers: &mut HeaderMap, facts: &Facts<'_>) {
    headers.insert("anthropic-organization-id", HeaderValue::from_static("00000000-0000-4000-8000-000000000000"));
    if let Ok(id) = HeaderValue::try_from(format!("req_sim{:012}", facts.serial)) {
        headers.insert("request-id", id);
    }
    let level = |headers: &mut HeaderMap, level: Level, [limit, remaining, reset]: [&'static str; 3]| {
        headers.insert(limit, HeaderValue::from(level.limit));
        headers.insert(remaining, HeaderValue::from(level.remaining));
        if let Ok(value) = HeaderValue::try_from(rfc3339(facts.now.saturating_add(level.reset))) {
            headers.insert(reset, value);
        }
    };
    let tokens = Level { remaining: round_to_thousand(facts.headroom.tokens.remaining), ..facts.headroom.tokens };
    level(
        headers,
        facts.headroom.requests,
        [
            "anthropic-ratelimit-requests-limit",
            "anthropic-ratelimit-requests-remaining",
            "anthropic-ratelimit-requests-reset",
        ],
    );
    level(
        headers,
        tokens,
        [
            "anthropic-ratelimit-tokens-limit",
            "anthropic-ratelimit-tokens-remaining",
            "anthropic-ratelimit-tokens-reset",
        ],
    );
    level(
        headers,
        tokens,
        [
            "anthropic-ratelimit-input-tokens-limit",
            "anthropic-ratelimit-input-tokens-remaining",
            "anthropic-ratelimit-input-tokens-reset",
        ],
    );
    level(
        headers,
        tokens,
        [
            "anthropic-ratelimit-output-tokens-limit",
            "anthropic-ratelimit-output-tokens-remaining",
            "anthropic-ratelimit-output-tokens-reset",
        ],
    );
}

fn round_to_thousand(tokens: u64) -> u64 {
    tokens.saturating_add(500) / 1000 * 1000
}
