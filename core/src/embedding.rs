//! A request for embeddings, borrowed from the body it was parsed from.

use crate::json::Str;
use serde::Deserialize;

/// `POST /v1/embeddings`, the whole inventory of fields (PROVIDERS A.6).
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(bound(deserialize = "'de: 'a"), expecting = "an object")]
pub struct EmbeddingsRequest<'a> {
    pub model: Str<'a>,
    pub input: Input<'a>,
    #[serde(default, deserialize_with = "crate::json::count")]
    pub dimensions: Option<u64>,
    /// `float` or `base64`; absent it is `float`. The official SDKs ask for `base64`.
    pub encoding_format: Option<Str<'a>>,
    pub user: Option<Str<'a>>,
}

/// What is to be embedded: one vector for each text, or for each list of a model's own token ids.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(
    untagged,
    bound(deserialize = "'de: 'a"),
    expecting = "expected a string, or an array of strings, of token ids or of arrays of token ids"
)]
pub enum Input<'a> {
    Text(Str<'a>),
    Texts(Vec<Str<'a>>),
    Tokens(Vec<u32>),
    TokenLists(Vec<Vec<u32>>),
}

/// What one token id weighs among text (OpenAI's rule of thumb: four bytes a token).
const TOKEN_BYTES: usize = 4;

impl Input<'_> {
    /// How many vectors it asks for.
    pub fn count(&self) -> usize {
        match self {
            Input::Text(_) | Input::Tokens(_) => 1,
            Input::Texts(texts) => texts.len(),
            Input::TokenLists(lists) => lists.len(),
        }
    }

    /// Bytes of text in it; tokens are taken for [`TOKEN_BYTES`] each.
    pub fn bytes(&self) -> u64 {
        let add = |sum: usize, bytes: usize| sum.saturating_add(bytes);
        let bytes = match self {
            Input::Text(text) => text.len(),
            Input::Texts(texts) => texts.iter().map(|text| text.len()).fold(0, add),
            Input::Tokens(tokens) => tokens.len().saturating_mul(TOKEN_BYTES),
            Input::TokenLists(lists) => lists.iter().map(Vec::len).fold(0, add).saturating_mul(TOKEN_BYTES),
        };
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }
}
