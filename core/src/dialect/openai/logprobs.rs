//! `choices[].logprobs` (PROVIDERS B.2).

use crate::chat::{Logprob, TokenLogprobs};
use serde::Serialize;

#[derive(Serialize)]
pub(super) struct LogprobsBody<'a> {
    content: Vec<TokenBody<'a>>,
    /// Nobody else tells them of a refusal.
    refusal: Option<&'a str>,
}

#[derive(Serialize)]
struct TokenBody<'a> {
    #[serde(flatten)]
    chosen: LikelyBody<'a>,
    top_logprobs: Vec<LikelyBody<'a>>,
}

#[derive(Serialize)]
struct LikelyBody<'a> {
    token: &'a str,
    logprob: f64,
    bytes: Option<&'a [u8]>,
}

impl<'a> From<&'a [TokenLogprobs<'_>]> for LogprobsBody<'a> {
    fn from(tokens: &'a [TokenLogprobs<'_>]) -> Self {
        let token = |token: &'a TokenLogprobs<'_>| TokenBody {
            chosen: LikelyBody::from(&token.chosen),
            top_logprobs: token.top.iter().map(LikelyBody::from).collect(),
        };
        Self { content: tokens.iter().map(token).collect(), refusal: None }
    }
}

impl<'a> From<&'a Logprob<'_>> for LikelyBody<'a> {
    fn from(likely: &'a Logprob<'_>) -> Self {
        let Logprob { token, logprob } = likely;
        // A token that is part of a character comes without its bytes.
        let is_part = token.contains(char::REPLACEMENT_CHARACTER);
        Self { token, logprob: *logprob, bytes: (!is_part).then_some(token.as_bytes()) }
    }
}
