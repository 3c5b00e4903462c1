//! What the headers of an answer say about our limits at the provider (PROVIDERS E).

mod time;

#[cfg(test)]
mod tests;

pub use time::duration;

use crate::config::Millis;
use crate::headers::Headers;

/// What a provider's answer says about our limits there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Told {
    pub requests: Option<Level>,
    /// Of the limits on tokens, the scarcest.
    pub tokens: Option<Level>,
    /// How long the provider asks to be left alone, at most a day.
    pub retry_after: Option<Millis>,
}

/// How much of a limit is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    pub limit: Option<u64>,
    pub remaining: u64,
    /// Until it is full again, or the window ends; at most a day.
    pub reset: Option<Millis>,
}

impl Told {
    /// When a refused request may come again: `retry-after`, else the longest reset of a level with nothing left.
    pub fn wait(&self) -> Option<Millis> {
        let empty = [self.requests, self.tokens].into_iter().flatten().filter(|level| level.remaining == 0);
        self.retry_after.or_else(|| empty.filter_map(|level| level.reset).max())
    }
}

/// Reads both families, OpenAI's (Azure and the compatible servers speak it too) and Anthropic's; of a header that is
/// repeated, the first value that can be read. `now`: milliseconds since 1970.
pub fn read(headers: &Headers, now: u64) -> Told {
    let mut found = Found::default();
    for (name, value) in headers.iter() {
        if let (Ok(name), Ok(value)) = (std::str::from_utf8(name), std::str::from_utf8(value)) {
            found.take(name, value.trim_ascii(), now);
        }
    }
    let Found { requests, tokens, input_tokens, output_tokens, millis, azure_millis, seconds } = found;
    Told {
        requests: requests.level(),
        tokens: tokens.level().or_else(|| scarcer(input_tokens.level(), output_tokens.level())),
        retry_after: millis.or(azure_millis).or(seconds),
    }
}

#[derive(Default)]
struct Found {
    requests: Draft,
    tokens: Draft,
    input_tokens: Draft,
    output_tokens: Draft,
    /// `retry-after-ms`
    millis: Option<Millis>,
    /// `x-ms-retry-after-ms`
    azure_millis: Option<Millis>,
    /// `retry-after`
    seconds: Option<Millis>,
}

impl Found {
    fn take(&mut self, name: &str, value: &str, now: u64) {
        if let Some(rest) = name.strip_prefix("x-ratelimit-") {
            if let Some((field, kind)) = rest.split_once('-') {
                self.take_level(kind, field, value, now);
            }
        } else if let Some(rest) = name.strip_prefix("anthropic-ratelimit-") {
            if let Some((kind, field)) = rest.rsplit_once('-') {
                self.take_level(kind, field, value, now);
            }
        } else if name == "retry-after-ms" {
            self.millis = self.millis.or_else(|| time::millis(value));
        } else if name == "x-ms-retry-after-ms" {
            self.azure_millis = self.azure_millis.or_else(|| time::millis(value));
        } else if name == "retry-after" {
            self.seconds = self.seconds.or_else(|| time::wait(value, now));
        }
    }

    /// Other kinds (`unified`, `project-tokens`) are of limits that no level is kept of.
    fn take_level(&mut self, kind: &str, field: &str, value: &str, now: u64) {
        let draft = match kind {
            "requests" => &mut self.requests,
            "tokens" => &mut self.tokens,
            "input-tokens" => &mut self.input_tokens,
            "output-tokens" => &mut self.output_tokens,
            _ => return,
        };
        match field {
            "limit" => draft.limit = draft.limit.or_else(|| count(value)),
            "remaining" => draft.remaining = draft.remaining.or_else(|| count(value)),
            "reset" => draft.reset = draft.reset.or_else(|| time::wait(value, now)),
            _ => {}
        }
    }
}

/// A level of which not all has been read.
#[derive(Default)]
struct Draft {
    limit: Option<Count>,
    remaining: Option<Count>,
    reset: Option<Millis>,
}

/// Azure's -1 says that there is a number, and that it is not known.
#[derive(Clone, Copy)]
enum Count {
    Known(u64),
    Unknown,
}

fn count(text: &str) -> Option<Count> {
    if text == "-1" { Some(Count::Unknown) } else { time::digits(text).map(Count::Known) }
}

impl Draft {
    fn level(self) -> Option<Level> {
        let limit = match self.limit {
            // What is left of an unknown limit, or of none at all, says nothing: Azure tells 0 of it.
            Some(Count::Unknown | Count::Known(0)) => return None,
            Some(Count::Known(limit)) => Some(limit),
            None => None,
        };
        let Some(Count::Known(remaining)) = self.remaining else { return None };
        Some(Level { limit, remaining, reset: self.reset })
    }
}

/// The level with less left: by its share of the limit where both are known, as an output limit is a fraction of an
/// input limit. Of equals, the one that takes longer.
fn scarcer(one: Option<Level>, other: Option<Level>) -> Option<Level> {
    let (Some(a), Some(b)) = (one, other) else { return one.or(other) };
    let (of_a, of_b) = match (a.limit, b.limit) {
        (Some(limit_a), Some(limit_b)) => (share(a.remaining, limit_b), share(b.remaining, limit_a)),
        _ => (share(a.remaining, 1), share(b.remaining, 1)),
    };
    Some(if of_a.cmp(&of_b).then(b.reset.cmp(&a.reset)).is_le() { a } else { b })
}

/// For comparison: a/x < b/y as a·y < b·x.
fn share(remaining: u64, limit_of_other: u64) -> u128 {
    u128::from(remaining).saturating_mul(u128::from(limit_of_other))
}
