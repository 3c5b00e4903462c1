//! A model's targets and times, checked against each other.

use super::problem::Findings;
use super::resolve::{small, value_or};
use super::{
    Cache, ExactCache, Millis, Model, OnUnsupported, Retries, SemanticCache, Target, names, raw, target, units,
};
use crate::chain;

const FIRST_TOKEN_TIMEOUT: Millis = Millis(10_000);
/// Of a model that names none, and of a target that is addressed directly.
pub const DEADLINE: Millis = Millis(120_000);
/// First and longest pause between attempts, where none is named.
pub const BACKOFF: (Millis, Millis) = (Millis(50), Millis(2_000));
const MOST_RETRIES: u32 = 5;
const SIMILARITY: f64 = 0.95;

pub(super) fn resolve(raw: &raw::Model, providers: &[&str], found: &mut Findings) -> Option<Model> {
    if let Err(reason) = names::model(&raw.name.value) {
        found.problem(&raw.name.place, reason);
    }
    let (first_token_timeout, answer_timeout, deadline) = times(raw, found);
    let retries = retries(raw, deadline, found);
    let cache = raw.cache.as_ref().map(|cache| self::cache(cache, found));
    let targets = raw.targets.as_ref()?;
    if let Some(hedge) = raw.hedge_after.as_ref().filter(|_| targets.value.len() == 1 && retries.per_target == 0) {
        found
            .problem(&hedge.place, "there is nobody to hedge to: the model has one target and retries.per_target is 0");
    }
    Some(Model {
        name: raw.name.value.clone(),
        targets: target::resolve(targets, providers, found),
        first_token_timeout,
        answer_timeout,
        deadline,
        retries,
        hedge_after: raw.hedge_after.as_ref().map(|hedge| hedge.value),
        cache,
        on_unsupported: value_or(&raw.on_unsupported, OnUnsupported::default()),
    })
}

fn times(raw: &raw::Model, found: &mut Findings) -> (Millis, Millis, Millis) {
    let first_token = value_or(&raw.first_token_timeout, FIRST_TOKEN_TIMEOUT);
    let deadline = value_or(&raw.deadline, DEADLINE);
    if deadline <= first_token {
        // Not the two defaults: one of them was written.
        let place = raw.deadline.as_ref().or(raw.first_token_timeout.as_ref()).map(|written| &written.place);
        let (deadline, first_token) = (units::show(deadline), units::show(first_token));
        let message = format!("a deadline of {deadline} leaves no room for a first_token_timeout of {first_token}");
        found.problem(place.unwrap_or(&raw.name.place), message);
    }
    if let Some(answer) = raw.answer_timeout.as_ref().filter(|answer| answer.value > deadline) {
        found.problem(&answer.place, format!("is over the deadline of {}", units::show(deadline)));
    }
    if let Some(hedge) = raw.hedge_after.as_ref().filter(|hedge| hedge.value >= first_token) {
        let first_token = units::show(first_token);
        found.problem(&hedge.place, format!("comes too late to be of use: the first_token_timeout is {first_token}"));
    }
    let six = first_token.0.saturating_mul(6);
    let half = deadline.0.checked_div(2).unwrap_or(deadline.0);
    let answer = value_or(&raw.answer_timeout, Millis(six.min(half).max(first_token.0)));
    (first_token, answer, deadline)
}

fn retries(raw: &raw::Model, deadline: Millis, found: &mut Findings) -> Retries {
    let per_target = small(&raw.per_target, chain::DEFAULT_PER_TARGET, found);
    if let Some(written) = raw.per_target.as_ref().filter(|_| per_target > MOST_RETRIES) {
        found.problem(&written.place, format!("is more than {MOST_RETRIES}; the next target is the better retry"));
    }
    let (backoff_min, backoff_max) = value_or(&raw.backoff, BACKOFF);
    if let Some(written) = raw.backoff.as_ref().filter(|_| backoff_max >= deadline) {
        let (pause, deadline) = (units::show(backoff_max), units::show(deadline));
        found.problem(&written.place, format!("a pause of {pause} leaves no room within the deadline of {deadline}"));
    }
    Retries { per_target: per_target.min(MOST_RETRIES), backoff_min, backoff_max }
}

fn cache(raw: &raw::Cache, found: &mut Findings) -> Cache {
    let semantic = raw.semantic.as_ref().map(|semantic| {
        let threshold = value_or(&semantic.threshold, SIMILARITY);
        if let Some(written) = semantic.threshold.as_ref().filter(|_| !(0.0..=1.0).contains(&threshold)) {
            found.problem(&written.place, "must lie between 0 and 1");
        }
        SemanticCache { threshold, shadow: value_or(&semantic.shadow, false) }
    });
    let exact = raw.exact.as_ref().and_then(|exact| {
        Some(ExactCache { ttl: exact.ttl.as_ref()?.value, sampled: value_or(&exact.sampled, false) })
    });
    Cache { exact, semantic }
}

impl Model {
    /// What a request for `provider/model` uses: that one target, and every default.
    pub fn direct(target: Target) -> Self {
        let half = DEADLINE.0.checked_div(2).unwrap_or(DEADLINE.0);
        Self {
            name: format!("{}/{}", target.provider, target.model),
            targets: vec![target],
            first_token_timeout: FIRST_TOKEN_TIMEOUT,
            answer_timeout: Millis(FIRST_TOKEN_TIMEOUT.0.saturating_mul(6).min(half)),
            deadline: DEADLINE,
            retries: Retries { per_target: chain::DEFAULT_PER_TARGET, backoff_min: BACKOFF.0, backoff_max: BACKOFF.1 },
            hedge_after: None,
            cache: None,
            on_unsupported: OnUnsupported::default(),
        }
    }
}

impl Retries {
    /// As the route that has this pause is known: `50-2000`, in milliseconds.
    pub fn pause(&self) -> String {
        format!("{}-{}", self.backoff_min.0, self.backoff_max.0)
    }
}
