//! One request and its answer. Two roles take part, each a state machine that is told what happened and says what to
//! do: [`Front`] on the listener, once per request, and [`Attempt`] at the provider, once per attempt. Both run in one
//! VM and share the [`Exchange`], which holds what is decided once.

mod attempt;
mod front;
mod step;
#[cfg(test)]
mod tests;
mod translate;

pub use attempt::{Attempt, AttemptEvent};
pub use front::{Front, FrontEvent};
pub use step::{Effect, Flow, Step, Waker};

use crate::config::Target;
use crate::dialect::openai::ParsedChat;
use crate::failure::{Class, Failure};
use crate::gateway::{Gateway, Held};
use crate::refusal::Attempted;
use std::cell::RefCell;
use std::rc::Rc;

/// What the front role decided, and what the attempts made of it.
pub struct Exchange {
    gateway: Rc<Gateway>,
    chat: ParsedChat,
    /// The body's share of the VM's memory.
    _held: Held,
    /// The target of each attempt of the chain, in order.
    slots: Vec<Target>,
    request_id: String,
    /// What ids of this answer derive from. A client may send one request id with many requests, so the time is in it.
    seed: u64,
    /// Seconds since 1970.
    created: u64,
    attempts: RefCell<Vec<Record>>,
}

/// One attempt, by its place in [`Exchange::attempts`].
struct Record {
    target: Target,
    outcome: Outcome,
}

enum Outcome {
    /// No answer yet, or none that ever came.
    Pending,
    Failed(Failure),
    /// Its answer went to the client.
    Served,
}

impl Exchange {
    /// Notes that an attempt at `provider` begins. Envoy may pass over members of the chain, and a provider may stand
    /// in it several times, so the target is the provider's next one that was not used yet.
    fn begin(&self, provider: &str) -> Option<(usize, Target)> {
        let mut attempts = self.attempts.borrow_mut();
        let earlier = attempts.iter().filter(|record| record.target.provider == provider).count();
        let mut slots = self.slots.iter().filter(|slot| slot.provider == provider);
        let target = slots.clone().nth(earlier).or_else(|| slots.next_back())?.clone();
        attempts.push(Record { target: target.clone(), outcome: Outcome::Pending });
        Some((attempts.len().saturating_sub(1), target))
    }

    fn settle(&self, attempt: usize, outcome: Outcome) {
        if let Some(record) = self.attempts.borrow_mut().get_mut(attempt) {
            record.outcome = outcome;
        }
    }

    fn attempt_count(&self) -> usize {
        self.attempts.borrow().len()
    }

    fn is_served(&self) -> bool {
        self.attempts.borrow().iter().any(|record| matches!(record.outcome, Outcome::Served))
    }

    /// Every attempt as a failure; one that got no answer failed as `silent`.
    fn failures(&self, silent: Class) -> Vec<Attempted> {
        let attempts = self.attempts.borrow();
        let failed = attempts.iter().map(|record| Attempted {
            target: record.target.clone(),
            failure: match &record.outcome {
                Outcome::Failed(failure) => failure.clone(),
                Outcome::Pending | Outcome::Served => Failure::plain(silent, None, ""),
            },
        });
        failed.collect()
    }

    /// The id of the answer when the provider gives none.
    fn fallback_id(&self) -> String {
        let id: String = self.request_id.chars().filter(char::is_ascii_alphanumeric).take(32).collect();
        format!("chatcmpl-{id}")
    }
}
