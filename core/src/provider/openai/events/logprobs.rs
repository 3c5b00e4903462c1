//! `choices[].logprobs`.

use super::wire::says_something;
use crate::chat::{self, TokenLogprobs};
use crate::json::{Raw, Str};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
struct Logprobs<'a> {
    content: Vec<Token<'a>>,
    refusal: Option<Raw<'a>>,
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
struct Token<'a> {
    token: Str<'a>,
    logprob: f64,
    top_logprobs: Option<Vec<Likely<'a>>>,
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
struct Likely<'a> {
    token: Str<'a>,
    logprob: f64,
}

/// Those of the text, and whether they are all that it says; None for a form that is not OpenAI's.
pub(super) fn read(raw: Raw<'_>) -> Option<(Vec<TokenLogprobs<'_>>, bool)> {
    let Logprobs { content, refusal } = raw.parse().ok()?;

    let tokens = content.into_iter().map(|Token { token, logprob, top_logprobs }| TokenLogprobs {
        chosen: chat::Logprob { token: token.0, logprob },
        top: top_logprobs
            .into_iter()
            .flatten()
            .map(|other| chat::Logprob { token: other.token.0, logprob: other.logprob })
            .collect(),
    });
    Some((tokens.collect(), !refusal.is_some_and(says_something)))
}
