//! OpenAI, and every server that is compatible with it. A client of the same dialect is relayed: its body goes out as
//! it came but for the model, and the answer comes back byte for byte but for what Weir asked for itself.

pub mod answer;
pub mod embeddings;
pub mod error;
pub mod events;
pub mod relay;
pub mod request;
pub mod responses;
pub mod translate;

/// The path of a chat completion under a base path.
pub fn path(base_path: &str) -> String {
    of_endpoint(base_path, "chat/completions")
}

/// The path of an endpoint under a base path. One that already names the version keeps it.
pub fn of_endpoint(base_path: &str, endpoint: &str) -> String {
    let version = if base_path.ends_with("/v1") { "" } else { "/v1" };
    format!("{base_path}{version}/{endpoint}")
}

/// The headers that carry the credential.
pub fn credential_headers(key: &str) -> [(&'static str, String); 1] {
    [("authorization", format!("Bearer {key}"))]
}
