//! Credentials: the one that is expected, and those that must never arrive here.

use hyper::{HeaderMap, http::request::Parts};
use memchr::memmem::Finder;

use crate::{config::SimConfig, provider::Provider};

/// The expected key of one provider and detectors for the keys of the others.
#[derive(Debug)]
pub(crate) struct Credentials {
    expected: String,
    foreign: Vec<Finder<'static>>,
}

impl Credentials {
    pub(crate) fn new(config: &SimConfig, provider: Provider) -> Self {
        let expected = config.key(provider);
        let others = Provider::ALL.into_iter().map(|other| config.key(other));
        let foreign = others.filter(|key| *key != expected && !key.is_empty());
        Self {
            expected: expected.to_owned(),
            foreign: foreign.map(|key| Finder::new(key.as_bytes()).into_owned()).collect(),
        }
    }

    pub(crate) fn is_expected(&self, presented: &[u8]) -> bool {
        presented == self.expected.as_bytes()
    }

    /// Whether any header or the query carries another provider's key.
    pub(crate) fn any_foreign(&self, parts: &Parts) -> bool {
        let carries = |haystack: &[u8]| self.foreign.iter().any(|key| key.find(haystack).is_some());
        parts.headers.values().any(|value| carries(value.as_bytes()))
            || parts.uri.query().is_some_and(|query| carries(query.as_bytes()))
    }
}

/// The token of `Authorization: Bearer`. Two such headers are none: a server may read either.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let value = only(headers, "authorization")?;
    let (scheme, token) = value.split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then_some(token)
}

/// The value of a header that stands exactly once.
pub(crate) fn only<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a [u8]> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => Some(value.as_bytes()),
        _ => None,
    }
}

/// A parameter of the query, not percent-decoded: no value that matters here needs it.
pub(crate) fn query<'a>(parts: &'a Parts, name: &str) -> Option<&'a str> {
    let pairs = parts.uri.query()?.split('&').filter_map(|pair| pair.split_once('='));
    pairs.into_iter().find_map(|(key, value)| (key == name).then_some(value))
}
