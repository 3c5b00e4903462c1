//! Before a provider is asked: whether the answer is in the cache, near or far, or on its way to another client.

use super::super::ask::Ask;
use super::super::caching::{self, Caching, Looked, Mode, Next};
use super::super::plan::Plan;
use super::super::step::{Effect, Step, Waker};
use super::{Front, Looking, State};
use crate::cache::Entry;
use crate::refusal::Refusal;
use crate::sidecar::Landed;
use crate::stats::Outcome;
use crate::traffic::part;
use crate::wire::Found;

/// For so many milliseconds a request waits for another: not longer than it would wait for a provider, and time must be
/// left to ask one.
fn longest(plan: &Plan, now: u64) -> u64 {
    plan.patience().min(plan.deadline.saturating_sub(now).checked_div(2).unwrap_or(0))
}

impl Front {
    /// Looks into the cache, if the model has one; then the request goes on.
    pub(super) fn look(&mut self, ask: Ask, mut plan: Plan, now: u64) -> Step {
        let Some(mut caching) = Caching::new(&self.gateway, &ask, &plan) else {
            return self.go_on(ask, plan, now);
        };
        if let Some((value, looked)) = caching.near(&self.gateway, now)
            && let Some(entry) = Entry::decode(&value)
        {
            return self.serve(&ask, &plan, &entry, looked, now);
        }
        let longest = now.saturating_add(longest(&plan, now));
        if caching.joins(&self.gateway, self.ticket, longest) {
            plan.caching = Some(caching);
            self.state = State::Looking(Box::new(Looking { ask, plan, follows: true }));
            return Step::wait(Waker::Flight, vec![]);
        }
        let call = caching.lookup(&self.gateway).and_then(|lookup| self.gateway.ask(Some(lookup), now));
        plan.caching = Some(caching);
        let Some(call) = call else { return self.go_on(ask, plan, now) };
        self.state = State::Looking(Box::new(Looking { ask, plan, follows: false }));
        Step::wait(Waker::Sidecar, vec![Effect::Call(call)])
    }

    /// The sidecar has answered, or will not.
    pub(super) fn looked(&mut self, found: Option<Found>, now: u64) -> Step {
        let Looking { ask, mut plan, follows } = match std::mem::replace(&mut self.state, State::Replied) {
            State::Looking(looking) => *looking,
            other => {
                self.state = other;
                return Step::wait(Waker::Sidecar, vec![]);
            }
        };
        let next = plan.caching.as_mut().map(|caching| caching.found(&self.gateway, found, follows, now));
        match next {
            Some(Next::Reply(value, looked)) => match Entry::decode(&value) {
                Some(entry) => self.serve(&ask, &plan, &entry, looked, now),
                // Of another version of this module.
                None => self.go_on(ask, plan, now),
            },
            Some(Next::Follow { key, token }) => {
                let call = self.gateway.follow(key, token, longest(&plan, now), now);
                self.state = State::Looking(Box::new(Looking { ask, plan, follows: true }));
                Step::wait(Waker::Sidecar, vec![Effect::Call(call)])
            }
            Some(Next::GoOn) | None => self.go_on(ask, plan, now),
        }
    }

    /// The request of this worker that it waited for is over.
    pub(super) fn landed(&mut self, landed: Landed, now: u64) -> Step {
        let Looking { ask, plan, .. } = match std::mem::replace(&mut self.state, State::Replied) {
            State::Looking(looking) => *looking,
            other => {
                self.state = other;
                return Step::wait(Waker::Flight, vec![]);
            }
        };
        match landed {
            Landed::Answer { value, age } => match Entry::decode(&value) {
                Some(entry) => self.serve(&ask, &plan, &entry, Looked::Coalesced { age }, now),
                None => self.go_on(ask, plan, now),
            },
            Landed::Again => self.look(ask, plan, now),
            Landed::Late => self.go_on(ask, plan, now),
        }
    }

    /// To a provider, if the client wants that and may.
    fn go_on(&mut self, ask: Ask, plan: Plan, now: u64) -> Step {
        if ask.cache == Mode::Only {
            return self.refuse_of(&Refusal::NotCached, Some(plan.model()), ask.tenant, now);
        }
        if let Some(caching) = &plan.caching {
            self.gateway.stats.cache(caching.result());
        }
        if let Err(refusal) = self.gateway.may_spend(ask.tenant, now) {
            return self.refuse_of(&refusal, Some(plan.model()), ask.tenant, now);
        }
        self.admit(ask, plan, now)
    }

    /// Answers from the cache. It costs nothing, and no limit counts it.
    fn serve(&mut self, ask: &Ask, plan: &Plan, entry: &Entry<'_>, looked: Looked, now: u64) -> Step {
        self.gateway.stats.cache(looked.result());
        let levels = self.gateway.traffic.tenant_levels(ask.tenant, part(plan.model()), now).unwrap_or_default();
        let reply = caching::reply(plan, ask, self.wording.dialect, entry, looked, &levels, now);
        self.over(Some(plan.model()), ask.tenant, Outcome::Ok, now);
        self.gateway.report_hit(ask.tenant, plan.model(), entry, now);
        self.answer(reply)
    }
}
