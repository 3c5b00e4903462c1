//! Anthropic's Messages API, version 2023-06-01: the last in which models that know sampling parameters accept them.
//!
//! Source: PROVIDERS A.2, B, C.2 and D.

pub mod answer;
pub mod error;
pub mod request;
pub mod stream;

mod body;
mod content;
mod format;
mod messages;
mod stop;
mod thinking;
mod tools;
mod usage;

/// Where requests go. A `base_path` that already ends in the version is taken as it is.
pub fn path(base_path: &str, _model: &str, _stream: bool) -> String {
    let base = base_path.trim_end_matches('/');
    format!("{}/v1/messages", base.strip_suffix("/v1").unwrap_or(base))
}

/// Where requests for a count of tokens go.
pub fn count_path(base_path: &str) -> String {
    format!("{}/count_tokens", path(base_path, "", false))
}

/// What proves who asks, and the version of the contract.
pub fn credential_headers(key: &str) -> [(&'static str, String); 2] {
    [("x-api-key", key.to_owned()), ("anthropic-version", "2023-06-01".to_owned())]
}

#[cfg(test)]
mod tests;
