//! Before a provider is asked: whether the answer is in the cache, near or far, or on its way to another client.

use super::super::ask::Ask;
use super::super::caching::{self, Asked, Caching, Looked, Mode, Next};
use super::super::plan::Plan;
use super::super::step::{Effect, Step, Waker};
use super::super::task::Wish;
use super::super::trace::TraceContext;
use super::{Front, Looking, State};
use crate::cache::{Entry, Written};
use crate::refusal::Refusal;
use crate::sidecar::Landed;
use crate::stats::Outcome;
use crate::traffic::part;
use crate::wire::Found;
use std::rc::Rc;

/// For so many milliseconds a request waits for another: not longer than it would wait for a provider, and time must be
/// left to ask one.
fn longest(plan: &Plan, now: u64) -> u64 {
    plan.patience().min(plan.deadline.saturating_sub(now).checked_div(2).unwrap_or(0))
}

impl Front {
    /// Answers a request that came before as it is, if what it got then still holds.
    pub(super) fn repeat(&mut self, ask: &Ask, wish: &Wish, body: &[u8], now: u64) -> Option<Step> {
        // Whose prompts are told, theirs is read.
        if self.gateway.repeats.borrow().bytes() == 0 || self.tells_prompt(ask.tenant) {
            return None;
        }
        let asked = Asked::of(ask, wish)?;
        let (answer, origin) = self.gateway.repeats.borrow_mut().get(&asked, body)?;
        let hit = self.gateway.l1.borrow_mut().get(&origin.key, now).filter(|hit| hit.serial == origin.serial)?;
        self.gateway.note_request();
        Some(self.tell(&answer, ask.tenant, Looked::Hit { age: hit.age }, now))
    }

    /// Looks into the cache, if the model has one; then the request goes on.
    pub(super) fn look(&mut self, ask: Ask, mut plan: Plan, now: u64) -> Step {
        let Some(mut caching) = Caching::new(&self.gateway, &ask, &plan) else {
            return self.go_on(ask, plan, now);
        };
        if let Some(hit) = caching.near(&self.gateway, now)
            && let Some(entry) = Entry::decode(&hit.value)
        {
            let answer = Rc::new(caching::write(self.wording.dialect, &plan, &ask, &entry));
            // One that has no id of its own gets another each time.
            if (entry.told().is_some() || entry.has_id())
                && let Some(asked) = Asked::of(&ask, &plan.wish)
                && let Some(origin) = caching.origin(&hit)
                && let Some(body) = plan.task.into_chat_body()
            {
                self.gateway.repeats.borrow_mut().put(asked, body, answer.clone(), origin);
            }
            return self.tell(&answer, ask.tenant, Looked::Hit { age: hit.age }, now);
        }
        let longest = now.saturating_add(longest(&plan, now));
        if caching.joins(&self.gateway, self.ticket, longest) {
            plan.caching = Some(caching);
            self.complete = None;
            self.state = State::Looking(Box::new(Looking { ask, plan, follows: true }));
            return Step::wait(Waker::Flight, vec![]);
        }
        let call = caching.lookup(&self.gateway).and_then(|lookup| self.gateway.ask(Some(lookup), now));
        plan.caching = Some(caching);
        let Some(call) = call else { return self.go_on(ask, plan, now) };
        let call = call.traced(TraceContext::sampled(ask.trace));
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
                let call =
                    self.gateway.follow(key, token, longest(&plan, now), now).traced(TraceContext::sampled(ask.trace));
                self.complete = None;
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

    /// Answers from the cache.
    fn serve(&mut self, ask: &Ask, plan: &Plan, entry: &Entry<'_>, looked: Looked, now: u64) -> Step {
        self.tell(&caching::write(self.wording.dialect, plan, ask, entry), ask.tenant, looked, now)
    }

    /// It costs nothing, and no limit counts it.
    fn tell(&mut self, answer: &Written, tenant: Option<usize>, looked: Looked, now: u64) -> Step {
        let model = answer.asked.as_str();
        self.gateway.stats.cache(looked.result());
        let levels = self.gateway.traffic.tenant_levels(tenant, part(model), now).unwrap_or_default();
        let reply = caching::reply(answer, self.wording.dialect, looked, &levels, now);
        self.over(Some(model), tenant, Outcome::Ok, now);
        self.story.hits(answer, looked.result());
        self.telling.hits(answer, looked.result());
        self.gateway.report_hit(tenant, model, answer.usage);
        self.answer(reply)
    }
}
