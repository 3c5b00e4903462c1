//! One request and its answer. Two roles take part, each a state machine that is told what happened and says what to
//! do: [`Front`] on the listener, once per request, and [`Attempt`] at the provider, once per attempt. Both run in one
//! VM and share the [`Exchange`], which holds what is decided once.

mod ask;
mod attempt;
mod bill;
mod caching;
mod context;
mod front;
mod log;
mod plan;
mod prompt;
mod step;
mod task;
#[cfg(test)]
mod tests;
mod trace;
mod translate;

pub use attempt::{Attempt, AttemptEvent, RETRY_AFTER};
pub use front::{Front, FrontEvent};
pub use log::LOG_PROPERTY;
pub use step::{Effect, Flow, Step, Waker};

use crate::chat::{FinishReason, Usage};
use crate::config::{OnUnsupported, Target};
use crate::dialect::Dialect;
use crate::failure::{Class, Failure};
use crate::gateway::{Gateway, Held, Walk};
use crate::headers::HeaderList;
use crate::refusal;
use crate::stats;
use crate::traffic::{Admitted, Levels, Permit, Size, TenantPermit, part};
use crate::wire::Attempted;
use ask::Ask;
pub(crate) use caching::Asked;
use caching::Caching;
use plan::Plan;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use task::Task;
use trace::{Telling, TraceContext};

/// What the front role decided, and what the attempts made of it. The request is over when nobody holds it any more.
pub struct Exchange {
    gateway: Rc<Gateway>,
    task: Task,
    /// As OpenTelemetry names it.
    operation: &'static str,
    /// What of the client's headers a provider of its own kind gets.
    own_headers: HeaderList,
    /// The body's share of the VM's memory.
    _held: Held,
    on_unsupported: OnUnsupported,
    /// The target of each attempt of the chain, in order.
    slots: Vec<Target>,
    request_id: String,
    /// None: there are no traces.
    trace: Option<TraceContext>,
    telling: Cell<Telling>,
    /// What ids of this answer derive from. A client may send one request id with many requests, so the time is in it.
    seed: u64,
    /// Seconds since 1970.
    created: u64,
    attempts: RefCell<Vec<Record>>,
    /// In the configuration.
    tenant: Option<usize>,
    size: Size,
    /// None: its model has no cache.
    caching: Option<Caching>,
    /// When it came, when its answer must be, and when it was last heard of, in milliseconds since 1970.
    arrived: u64,
    deadline: u64,
    seen: Cell<u64>,
    /// After how many milliseconds of silence Envoy goes on, or asks the next target too.
    patience: u64,
    /// What was taken for the first attempt, until that begins.
    permit: RefCell<Option<Permit>>,
    tenant_permit: RefCell<Option<TenantPermit>>,
    /// What the client had left when it was admitted.
    levels: Levels,
    /// Whether Envoy was told that it may try again.
    retries: bool,
    /// A target knew a thought's signature for another model's: the next ones do not get any.
    foreign_thought: Cell<bool>,
    /// The next attempt has been paid for out of the retry budget.
    paid: Cell<bool>,
    outcome: Cell<Option<stats::Outcome>>,
    /// What of the request the provider that answered could not be told.
    dropped: RefCell<Vec<String>>,
    /// When a provider's answer began to go to the client, in milliseconds since 1970.
    answered: Cell<Option<u64>>,
    /// So far, in micro-dollars; None: not known.
    cost: Cell<Option<u64>>,
    /// Of all attempts so far; None: nothing was used.
    usage: Cell<Option<Usage>>,
    /// Why the answer ended, as far as it says.
    finish: Cell<Option<FinishReason>>,
    /// The sidecar will hear of it; of how it ended for its client; and, with the next report, of these attempts.
    reported: Cell<bool>,
    timed: Cell<bool>,
    ended: RefCell<Vec<Attempted>>,
    /// When the client's stream began to have content, in milliseconds since 1970.
    first_token: Cell<Option<u64>>,
    /// When the request was complete, in microseconds since 1970, until its first attempt is sent. None: it has waited.
    unsent: Cell<Option<u64>>,
}

/// One attempt, by its place in [`Exchange::attempts`].
struct Record {
    target: Target,
    /// When it began, in milliseconds since 1970.
    since: u64,
    outcome: Outcome,
    /// None: it is under way.
    end: Option<End>,
    /// None: it was not paid for.
    usage: Option<Usage>,
}

impl Record {
    /// How it failed, or that it was [`CANCELLED`]; None: neither, so far.
    fn error(&self) -> Option<&'static str> {
        match (&self.end, &self.outcome) {
            (Some(End { error: Some(error), .. }), _) => Some(error),
            (_, Outcome::Failed(failure)) => Some(failure.class.name()),
            _ => None,
        }
    }

    fn is_served(&self) -> bool {
        matches!(self.outcome, Outcome::Served)
    }
}

/// The model that a client asks for, as it is told: all that there are have shorter names.
fn asked(model: &str) -> String {
    const LONGEST: usize = 512;
    model.get(..model.floor_char_boundary(LONGEST)).unwrap_or_default().to_owned()
}

/// How an attempt ended that nobody wanted any more: its client left, or another was faster.
const CANCELLED: &str = "cancelled";

/// How an attempt ended. Times are in milliseconds, from its beginning on.
struct End {
    millis: u64,
    /// Of a stream with content, until that began.
    first: Option<u64>,
    /// The name of the class of failure, or [`CANCELLED`].
    error: Option<&'static str>,
}

/// What an attempt's silence means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Silence {
    /// It had the time that an attempt has.
    TimedOut,
    /// The request's own deadline came first: the provider is not to blame.
    OutOfTime,
    Unreached,
}

enum Outcome {
    /// No answer yet, or none that ever came.
    Pending,
    Failed(Failure),
    /// Its answer went to the client.
    Served,
}

impl Exchange {
    fn new(
        gateway: &Rc<Gateway>,
        ask: Ask,
        plan: Plan,
        walk: Walk,
        admitted: Admitted,
        (retries, hedge): (bool, Option<u64>),
        now: u64,
    ) -> Self {
        let patience = hedge.unwrap_or(plan.patience());
        Self {
            gateway: gateway.clone(),
            on_unsupported: plan.on_unsupported,
            slots: walk.slots,
            request_id: ask.request_id,
            trace: ask.trace,
            telling: Cell::default(),
            own_headers: ask.own,
            seed: plan.seed,
            created: now.checked_div(1000).unwrap_or(0),
            attempts: RefCell::default(),
            tenant: ask.tenant,
            size: plan.size,
            caching: plan.caching,
            arrived: ask.arrived,
            deadline: plan.deadline,
            seen: Cell::new(now),
            patience,
            permit: RefCell::new(Some(admitted.permit)),
            tenant_permit: RefCell::new(admitted.tenant),
            levels: admitted.levels,
            retries,
            foreign_thought: Cell::new(false),
            paid: Cell::new(false),
            outcome: Cell::new(None),
            dropped: RefCell::default(),
            answered: Cell::new(None),
            cost: Cell::new(None),
            usage: Cell::new(None),
            finish: Cell::new(None),
            reported: Cell::new(false),
            timed: Cell::new(false),
            ended: RefCell::default(),
            first_token: Cell::new(None),
            unsent: Cell::new(None),
            _held: plan.held,
            operation: plan.wish.operation(),
            task: plan.task,
        }
    }

    /// Notes that an attempt at `provider` begins. Envoy may pass over members of the chain, and a provider may stand
    /// in it several times, so the target is the provider's next one that was not used yet.
    fn begin(&self, provider: &str, now: u64) -> Option<(usize, Target, Permit)> {
        self.seen.set(now);
        let index = self.gateway.config.providers.iter().position(|known| known.name == provider)?;
        let (number, target) = {
            let mut attempts = self.attempts.borrow_mut();
            let earlier = attempts.iter().filter(|record| record.target.provider == provider).count();
            let mut slots = self.slots.iter().filter(|slot| slot.provider == provider);
            let target = slots.clone().nth(earlier).or_else(|| slots.next_back())?.clone();
            attempts.push(Record {
                target: target.clone(),
                since: now,
                outcome: Outcome::Pending,
                end: None,
                usage: None,
            });
            (attempts.len().saturating_sub(1), target)
        };
        if number > 0 {
            self.follows(number, &target, now);
        }
        let part = part(&target.model);
        let permit = match self.permit.borrow_mut().take() {
            Some(mut permit) if permit.is_for(index, part) => {
                permit.begin(now);
                permit
            }
            other => {
                other.into_iter().for_each(|permit| permit.passed_over(now));
                Permit::force(&self.gateway.traffic, index, part, self.size, now)?
            }
        };
        Some((number, target, permit))
    }

    /// One attempt follows another: out of the retry budget, and counted.
    fn follows(&self, number: usize, target: &Target, now: u64) {
        if !self.paid.replace(false) {
            self.gateway.traffic.overdraw_retry(now);
        }
        let attempts = self.attempts.borrow();
        let Some(before) = number.checked_sub(1).and_then(|before| attempts.get(before)) else { return };
        let reason = match &before.outcome {
            Outcome::Failed(failure) => failure.class,
            Outcome::Pending | Outcome::Served => {
                let silence = self.silent(number.saturating_sub(1), now);
                if silence == Silence::Unreached { Class::Connection } else { Class::Timeout }
            }
        };
        if before.target.provider != target.provider {
            self.gateway.stats.fallback(&before.target.provider, &target.provider, reason);
        }
    }

    /// How an attempt failed from which nothing was heard. Envoy does not say why it gave an attempt up, but it does so
    /// early only when the connection failed, or the time of the whole request is over.
    fn silent(&self, attempt: usize, now: u64) -> Silence {
        /// Timers fire a little early or late.
        const SLACK: u64 = 20;
        let since = self.attempts.borrow().get(attempt).map_or(now, |record| record.since);
        if now.saturating_sub(since).saturating_add(SLACK) >= self.patience {
            Silence::TimedOut
        } else if now.saturating_add(SLACK) >= self.deadline {
            Silence::OutOfTime
        } else {
            Silence::Unreached
        }
    }

    /// Envoy had nobody to send it to.
    fn nobody(&self, now: u64) {
        if let Some(permit) = self.permit.borrow_mut().take() {
            permit.passed_over(now);
        }
    }

    fn tenant_name(&self) -> Option<&str> {
        self.gateway.tenant_name(self.tenant)
    }

    /// Whether another attempt is under way, so that Envoy waits for it before it gives up.
    fn has_rival(&self, attempt: usize) -> bool {
        let attempts = self.attempts.borrow();
        let mut others = attempts.iter().enumerate().filter(|(number, _)| *number != attempt);
        others.any(|(_, record)| matches!(record.outcome, Outcome::Pending))
    }

    /// Whether the next attempts are all at `target` again.
    fn only_again(&self, target: &Target) -> bool {
        self.slots.iter().skip(self.attempt_count()).all(|slot| slot == target)
    }

    /// Whether the chain has another attempt, and the budget a retry for it.
    fn may_go_on(&self, now: u64) -> bool {
        if self.attempt_count() >= self.slots.len() {
            return false;
        }
        let paid = self.retries && self.gateway.traffic.withdraw_retry(now);
        self.paid.set(paid);
        if !paid {
            self.gateway.stats.limited(stats::Limited::RetryBudget);
        }
        paid
    }

    /// The target of the next attempt, if Envoy passes over none.
    fn next_target(&self) -> Option<&Target> {
        self.slots.get(self.attempt_count())
    }

    /// An attempt is sent.
    fn sent(&self, micros: u64) {
        if let Some(complete) = self.unsent.take() {
            self.gateway.stats.overhead(micros.saturating_sub(complete));
        }
    }

    /// An attempt has taken so many tokens.
    fn used(&self, tokens: u64, now: u64) {
        if let Some(permit) = &mut *self.tenant_permit.borrow_mut() {
            permit.used(tokens, now);
        }
    }

    /// Whether `target` shall not see the signatures of thoughts in the conversation: they are of the model that made
    /// them, which most likely is the one that is asked first.
    fn forgets_thoughts(&self, target: &Target) -> bool {
        let is_first = self.slots.first().is_some_and(|first| first == target);
        !is_first || self.foreign_thought.get()
    }

    /// How the request ends for its client; the first word counts.
    fn ends(&self, outcome: stats::Outcome, now: u64) {
        self.seen.set(now);
        if self.outcome.get().is_none() {
            self.outcome.set(Some(outcome));
        }
    }

    /// How the request ends, as far as is known now.
    fn ended(&self) -> stats::Outcome {
        self.outcome.get().unwrap_or(stats::Outcome::Aborted)
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
        self.attempts.borrow().iter().any(Record::is_served)
    }

    /// Every attempt as a failure; one that got no answer failed as `silent`.
    fn failures(&self, silent: Class) -> Vec<refusal::Attempted> {
        let attempts = self.attempts.borrow();
        let failed = attempts.iter().map(|record| refusal::Attempted {
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
        fallback_id(self.task.dialect(), &self.request_id)
    }
}

fn fallback_id(dialect: Dialect, request_id: &str) -> String {
    let id: String = request_id.chars().filter(char::is_ascii_alphanumeric).take(32).collect();
    format!("{}{id}", dialect.id_prefix())
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.report_rest();
        if let Some(traced) = self.traced() {
            self.gateway.trace(*traced);
        }
        let millis = self.seen.get().saturating_sub(self.arrived);
        self.gateway.stats.request(Some(self.task.model()), self.tenant_name(), self.ended(), millis);
    }
}
