//! Gemini's generateContent, version v1beta.
//!
//! Source: PROVIDERS A.3, B, C.3 and D. JSON is written in camelCase and read in both casings.

pub mod answer;
pub mod embeddings;
pub mod error;
pub mod request;
pub mod stream;

mod body;
mod choices;
mod chunk;
mod contents;
mod format;
mod logprobs;
mod partial;
mod thinking;
mod tools;

/// Where chats go. Model and mode are part of the path.
pub fn path(base_path: &str, model: &str, stream: bool) -> String {
    of_model(base_path, model, if stream { "streamGenerateContent?alt=sse" } else { "generateContent" })
}

/// The path of a method of `model`. A `base_path` that already ends in a version is taken as it is.
pub fn of_model(base_path: &str, model: &str, method: &str) -> String {
    let base = base_path.trim_end_matches('/');
    let version = if base.ends_with("/v1beta") || base.ends_with("/v1") { "" } else { "/v1beta" };
    let mut path = format!("{base}{version}/models/");
    push_segment(&mut path, model.strip_prefix("models/").unwrap_or(model));
    path.push(':');
    path.push_str(method);
    path
}

/// What proves who asks.
pub fn credential_headers(key: &str) -> [(&'static str, String); 1] {
    [("x-goog-api-key", key.to_owned())]
}

/// Percent-encodes all but the unreserved characters of RFC 3986, so that no model id can leave its segment.
fn push_segment(path: &mut String, segment: &str) {
    for byte in segment.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => path.push(char::from(byte)),
            _ => path.push_str(&format!("%{byte:02X}")),
        }
    }
}

#[cfg(test)]
mod tests;
