//! `candidates[].logprobsResult` (PROVIDERS B.2 in reverse).

use crate::chat::{Logprob, TokenLogprobs};
use serde::Serialize;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LogprobsResult<'a> {
    /// Of each token, in the order of the chosen ones.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    top_candidates: Vec<TopCandidates<'a>>,
    chosen_candidates: Vec<Candidate<'a>>,
}

#[derive(Serialize)]
struct TopCandidates<'a> {
    candidates: Vec<Candidate<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Candidate<'a> {
    token: &'a str,
    log_probability: f64,
}

impl<'a> From<&'a [TokenLogprobs<'_>]> for LogprobsResult<'a> {
    fn from(tokens: &'a [TokenLogprobs<'_>]) -> Self {
        let has_top = tokens.iter().any(|token| !token.top.is_empty());
        let top = |token: &'a TokenLogprobs<'_>| TopCandidates {
            candidates: token.top.iter().map(Candidate::from).collect(),
        };
        Self {
            top_candidates: if has_top { tokens.iter().map(top).collect() } else { Vec::new() },
            chosen_candidates: tokens.iter().map(|token| Candidate::from(&token.chosen)).collect(),
        }
    }
}

impl<'a> From<&'a Logprob<'_>> for Candidate<'a> {
    fn from(likely: &'a Logprob<'_>) -> Self {
        Self { token: &likely.token, log_probability: likely.logprob }
    }
}
