//! One worker's view of a provider: the state that all share, its own requests, and what their answers were like.

use super::account::Ceilings;
use super::estimate::{Estimate, Size};
use super::ledger::Limiting;
use super::own::Own;
use super::provider::ProviderState;
use super::queue::Queue;
use crate::chat::Usage;
use crate::config::{Breaker, Provider};
use crate::shared::{Change, SharedData, create, read, update_and_read};
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// A shared state is looked at again after this time, in milliseconds, unless something is to be taken from it.
const LOOK: u64 = 20;
/// Models of which a desk remembers what their answers were like. Clients may name any that the provider has.
const MAX_LEARNT: usize = 256;
/// A latency says nothing any more after this time, in milliseconds: who was slow once would not be asked again.
const LATELY: u64 = 10_000;
/// Weight of one more first-token latency.
const WEIGHT: f64 = 0.2;

pub(super) struct Desk {
    key: String,
    pub(super) limiting: Limiting,
    pub(super) breaker: Breaker,
    shared: Rc<dyn SharedData>,
    worker: u64,
    own: Own,
    /// The shared state as it was last seen, and when.
    seen: RefCell<Option<(u64, ProviderState)>>,
    learnt: RefCell<Vec<(u64, Learnt)>>,
    /// Whether the other workers have been told that somebody waits here.
    published: Cell<bool>,
}

/// What the answers of one target were like.
#[derive(Clone, Copy, Debug, Default)]
struct Learnt {
    estimate: Estimate,
    /// Milliseconds to the first token, on average, and when the last one came.
    first_token: Option<f64>,
    first_token_at: u64,
    /// Milliseconds to the whole of an answer that was not streamed, on average.
    answer: Option<f64>,
}

impl Desk {
    pub(super) fn new(provider: &Provider, shared: Rc<dyn SharedData>, worker: u64) -> Self {
        let key = format!("weir.1.provider.{}", provider.name);
        create::<ProviderState>(&*shared, &key);
        Self {
            key,
            limiting: Limiting::new(&provider.limits, &provider.model_limits, Ceilings::of_provider),
            breaker: provider.breaker.clone(),
            shared,
            worker,
            own: Own::default(),
            seen: RefCell::default(),
            learnt: RefCell::default(),
            published: Cell::default(),
        }
    }

    /// Changes the shared state. None when other workers were always first.
    pub(super) fn change<T>(&self, now: u64, change: impl FnMut(&mut ProviderState) -> Change<T>) -> Option<T> {
        let (outcome, state) = update_and_read(&*self.shared, &self.key, change)?;
        *self.seen.borrow_mut() = Some((now, state));
        Some(outcome)
    }

    /// Looks at the shared state, as it is or was a moment ago.
    pub(super) fn peek<T>(&self, now: u64, look: impl FnOnce(&ProviderState) -> T) -> Option<T> {
        let mut seen = self.seen.borrow_mut();
        if seen.as_ref().is_none_or(|(at, _)| now.abs_diff(*at) >= LOOK) {
            *seen = Some((now, read(&*self.shared, &self.key)));
        }
        seen.as_ref().map(|(_, state)| look(state))
    }

    /// One more of this worker's requests is under way.
    pub(super) fn began(&self, part: u64, tokens: u64) {
        self.own.add(&self.limiting, part, tokens);
    }

    /// One is over.
    pub(super) fn ended(&self, part: u64, tokens: u64) {
        self.own.remove(&self.limiting, part, tokens);
    }

    /// Tells the others who waits here.
    pub(super) fn publish(&self, queues: &[Queue], now: u64) {
        if queues.is_empty() && !self.published.replace(!queues.is_empty()) {
            return;
        }
        self.published.set(!queues.is_empty());
        self.change(now, |state| {
            if state.quota.line.publish(self.worker, queues, now) { Change::Write(()) } else { Change::Keep(()) }
        });
    }

    /// Makes the shared counts those of the workers that live.
    pub(super) fn reconcile(&self, gone: &[u64], now: u64) {
        self.change(now, |state| {
            gone.iter().for_each(|worker| state.forget(&self.limiting, *worker));
            let corrected = self.own.correct(&mut state.quota.ledger, &self.limiting, self.worker);
            if corrected || !gone.is_empty() { Change::Write(()) } else { Change::Keep(()) }
        });
    }

    /// Tokens that a request will take, estimated.
    pub(super) fn tokens(&self, part: u64, size: Size) -> u64 {
        self.learnt(part).estimate.tokens(size)
    }

    /// Tokens of `bytes` of text, estimated.
    pub(super) fn text_tokens(&self, part: u64, bytes: u64) -> u64 {
        self.learnt(part).estimate.prompt(bytes)
    }

    /// Milliseconds to the first token, as it was lately; at least one. None when it was not lately asked.
    pub(super) fn first_token(&self, part: u64, now: u64) -> Option<f64> {
        let Learnt { first_token, first_token_at, .. } = self.learnt(part);
        first_token.filter(|_| now.abs_diff(first_token_at) < LATELY).map(|millis| millis.max(1.0))
    }

    /// Remembers what a request really took.
    pub(super) fn learn_usage(&self, part: u64, size: Size, usage: &Usage) {
        self.learn(part, |learnt| learnt.estimate.learn(size, usage));
    }

    /// Milliseconds that an answer takes that is not streamed, as it usually is; None before the first.
    pub(super) fn answer(&self, part: u64) -> Option<f64> {
        self.learnt(part).answer
    }

    /// Remembers how long a first token took.
    pub(super) fn learn_first_token(&self, part: u64, millis: u64, now: u64) {
        self.learn(part, |learnt| {
            average(&mut learnt.first_token, millis);
            learnt.first_token_at = now;
        });
    }

    /// Remembers how long an answer took that was not streamed.
    pub(super) fn learn_answer(&self, part: u64, millis: u64) {
        self.learn(part, |learnt| average(&mut learnt.answer, millis));
    }

    fn learnt(&self, part: u64) -> Learnt {
        self.learnt.borrow().iter().find(|(have, _)| *have == part).map(|(_, learnt)| *learnt).unwrap_or_default()
    }

    fn learn(&self, part: u64, learn: impl FnOnce(&mut Learnt)) {
        let mut all = self.learnt.borrow_mut();
        if let Some((_, learnt)) = all.iter_mut().find(|(have, _)| *have == part) {
            learn(learnt);
        } else if all.len() < MAX_LEARNT {
            let mut learnt = Learnt::default();
            learn(&mut learnt);
            all.push((part, learnt));
        }
    }
}

fn average(average: &mut Option<f64>, millis: u64) {
    #[allow(clippy::cast_precision_loss, reason = "an average")]
    let millis = millis as f64;
    let before = average.unwrap_or(millis);
    *average = Some(before + WEIGHT * (millis - before));
}
