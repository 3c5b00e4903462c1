//! An answer of vectors: relayed as it is, looked at for its usage and for being an answer at all.

use crate::chat::Usage;
use crate::failure::{Class, Failure};
use crate::json::Raw;
use serde::Deserialize;
use serde::de::IgnoredAny;

#[derive(Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
struct Probe<'a> {
    data: Option<Vec<IgnoredAny>>,
    usage: Option<Raw<'a>>,
    error: Option<IgnoredAny>,
}

/// The usage of a 2xx answer to a request for `count` vectors, None when it names none.
///
/// # Errors
/// Another number of vectors, no such answer, or an error that came with a 2xx.
pub fn read(body: &[u8], count: usize) -> Result<Option<Usage>, Failure> {
    let unreadable = |why: &str| Failure::plain(Class::Unreadable, None, why);
    let probe: Probe<'_> =
        serde_json::from_slice(body).map_err(|_| unreadable("the answer is not a list of embeddings"))?;
    if probe.error.is_some() {
        return Err(super::error::read_in_band(body));
    }
    match probe.data {
        Some(data) if data.len() == count => Ok(probe.usage.and_then(super::answer::usage)),
        _ => Err(unreadable("the answer does not have an embedding for each input")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn the_usage_is_the_prompts() {
        let body = r#"{"object":"list","data":[{"embedding":"AAA="}],"usage":{"prompt_tokens":5,"total_tokens":5}}"#;
        assert_eq!(read(body.as_bytes(), 1).unwrap(), Some(Usage { prompt: 5, ..Usage::default() }));
        assert_eq!(read(br#"{"data":[{}],"usage":null}"#, 1).unwrap(), None);
    }

    #[test]
    fn anything_else_is_a_failure() {
        for (body, class) in [
            (r#"{"data":[{}]}"#, Class::Unreadable),
            (r#"{"data":null}"#, Class::Unreadable),
            ("<html>", Class::Unreadable),
            (r#"{"error":{"message":"m","type":"rate_limit_error"}}"#, Class::RateLimited),
        ] {
            assert_eq!(read(body.as_bytes(), 2).unwrap_err().class, class, "{body}");
        }
    }
}
