//! How many tokens a chat has, from a provider of its own kind.

use super::Whole;
use crate::chat::Usage;
use crate::config::Kind;
use crate::failure::{Class, Failure};
use crate::provider::Unsupported;
use serde::Deserialize;

/// Why a target of another kind is not asked: its tokens are others.
pub(super) fn elsewhere() -> Unsupported {
    let message = "the targets that are left do not count this dialect's tokens".to_owned();
    Unsupported { param: "model".to_owned(), message }
}

/// A whole 2xx answer. Counting is free.
///
/// # Errors
/// The answer is none.
pub(super) fn whole(kind: Kind, body: Vec<u8>) -> Result<Whole, Failure> {
    #[derive(Deserialize)]
    struct Answer {
        input_tokens: Option<u64>,
        #[serde(rename = "totalTokens", alias = "total_tokens")]
        total_tokens: Option<u64>,
    }

    let unreadable = || Failure::plain(Class::Unreadable, None, "the answer is no count of tokens");
    let answer: Answer = serde_json::from_slice(&body).map_err(|_| unreadable())?;
    let counted = if kind == Kind::Gemini { answer.total_tokens } else { answer.input_tokens };
    counted.ok_or_else(unreadable)?;
    Ok(Whole { body, usage: Some(Usage::default()), finish: None, text: 0, recorder: None })
}
