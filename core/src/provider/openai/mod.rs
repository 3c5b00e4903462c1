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

use crate::config::Credential;

/// The path of a chat completion under a base path.
pub fn path(base_path: &str) -> String {
    of_endpoint(base_path, "chat/completions")
}

/// The path of an endpoint under a base path. One that names a version keeps it: Google's is
/// `/v1beta/openai/chat/completions`, others have `/api/v3/chat/completions`.
pub fn of_endpoint(base_path: &str, endpoint: &str) -> String {
    let version = if names_version(base_path) { "" } else { "/v1" };
    format!("{base_path}{version}/{endpoint}")
}

/// Whether a segment of the path is a version: `v1`, `v1beta`.
pub(crate) fn names_version(path: &str) -> bool {
    path.split('/').any(|segment| {
        segment.strip_prefix('v').is_some_and(|rest| {
            rest.starts_with(|first: char| first.is_ascii_digit())
                && rest.bytes().all(|byte| byte.is_ascii_alphanumeric())
        })
    })
}

/// The headers that carry the credential.
pub fn credential_headers(credential: Credential, key: &str) -> [(&'static str, String); 1] {
    match credential {
        Credential::Bearer => [("authorization", format!("Bearer {key}"))],
        Credential::ApiKey => [("api-key", key.to_owned())],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn a_base_path_that_names_a_version_is_taken_as_it_is() {
        for (base, path) in [
            ("", "/v1/chat/completions"),
            ("/openai", "/openai/v1/chat/completions"),
            ("/openai/v1", "/openai/v1/chat/completions"),
            ("/v1beta/openai", "/v1beta/openai/chat/completions"),
            ("/api/v3", "/api/v3/chat/completions"),
            ("/client/v4/accounts/7/ai/v1", "/client/v4/accounts/7/ai/v1/chat/completions"),
            ("/vllm", "/vllm/v1/chat/completions"),
        ] {
            assert_eq!(self::path(base), path);
        }
    }

    #[test]
    fn azure_wants_its_own_header() {
        assert_eq!(credential_headers(Credential::Bearer, "k"), [("authorization", "Bearer k".to_owned())]);
        assert_eq!(credential_headers(Credential::ApiKey, "k"), [("api-key", "k".to_owned())]);
    }
}
