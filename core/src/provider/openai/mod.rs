//! OpenAI, and every server that is compatible with it. A client of the same dialect is relayed: its body goes out as
//! it came but for the model, and the answer comes back byte for byte but for what Weir asked for itself.

pub mod answer;
pub mod error;
pub mod events;
pub mod relay;
pub mod request;
pub mod translate;

/// The path of a chat completion under a base path. A base path that already names the version keeps it.
pub fn path(base_path: &str) -> String {
    let version = if base_path.ends_with("/v1") { "" } else { "/v1" };
    format!("{base_path}{version}/chat/completions")
}

/// The headers that carry the credential.
pub fn credential_headers(key: &str) -> [(&'static str, String); 1] {
    [("authorization", format!("Bearer {key}"))]
}
