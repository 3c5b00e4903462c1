//! `candidates[].logprobsResult` (PROVIDERS B.2).

use crate::chat::{self, TokenLogprobs};
use crate::json::{Raw, Str};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
struct LogprobsResult<'a> {
    #[serde(alias = "chosen_candidates")]
    chosen_candidates: Option<Vec<Candidate<'a>>>,
    /// Of each token, in the order of the chosen ones.
    #[serde(alias = "top_candidates")]
    top_candidates: Option<Vec<TopCandidates<'a>>>,
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
struct TopCandidates<'a> {
    candidates: Option<Vec<Candidate<'a>>>,
}

/// Proto leaves out what is empty or 0.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
struct Candidate<'a> {
    token: Option<Str<'a>>,
    #[serde(alias = "log_probability")]
    log_probability: Option<f64>,
}

/// The tokens of it; None when it has none, or another form: an answer does not fail for them.
pub(super) fn read(raw: Raw<'_>) -> Option<Vec<TokenLogprobs<'_>>> {
    let LogprobsResult { chosen_candidates, top_candidates } = raw.parse().ok()?;
    let mut top = top_candidates.unwrap_or_default().into_iter();
    let tokens = chosen_candidates?.into_iter().map(|chosen| TokenLogprobs {
        chosen: chosen.into(),
        top: top.next().and_then(|top| top.candidates).into_iter().flatten().map(Into::into).collect(),
    });
    Some(tokens.collect()).filter(|tokens: &Vec<_>| !tokens.is_empty())
}

impl<'a> From<Candidate<'a>> for chat::Logprob<'a> {
    fn from(candidate: Candidate<'a>) -> Self {
        Self { token: candidate.token.unwrap_or_default().0, logprob: candidate.log_probability.unwrap_or(0.0) }
    }
}
