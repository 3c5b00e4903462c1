//! How probable the tokens of an answer were.

use std::borrow::Cow;

/// A token of the answer, and what else could have stood there.
#[derive(Clone, Debug, PartialEq)]
pub struct TokenLogprobs<'a> {
    pub chosen: Logprob<'a>,
    /// The most likely ones, best first; the chosen one may be among them. Empty unless they were asked for.
    pub top: Vec<Logprob<'a>>,
}

/// A token and the natural logarithm of its probability.
#[derive(Clone, Debug, PartialEq)]
pub struct Logprob<'a> {
    pub token: Cow<'a, str>,
    pub logprob: f64,
}

impl TokenLogprobs<'_> {
    /// The same with a lifetime of its own.
    pub fn into_owned(self) -> TokenLogprobs<'static> {
        TokenLogprobs { chosen: self.chosen.into_owned(), top: self.top.into_iter().map(Logprob::into_owned).collect() }
    }
}

impl Logprob<'_> {
    fn into_owned(self) -> Logprob<'static> {
        Logprob { token: Cow::Owned(self.token.into_owned()), logprob: self.logprob }
    }
}
