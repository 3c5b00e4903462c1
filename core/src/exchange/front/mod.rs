//! The front role: from the client's first header to the moment the request goes to a chain of providers, and the last
//! look at what comes back.

mod looking;
mod models;
mod wording;

use super::Exchange;
use super::ask::{self, Ask, Endpoint};
use super::log::Story;
use super::plan::{PLACEHOLDER, Plan};
use super::prompt;
use super::step::{Effect, Step, Waker};
use super::task::Wish;
use super::trace::{Telling, TraceContext};
use crate::chance;
use crate::failure::Class;
use crate::gateway::Gateway;
use crate::headers::Headers;
use crate::refusal::{Refusal, Reply};
use crate::sidecar::Landed;
use crate::stats::{Limited, Outcome};
use crate::traffic::{Admission, Admitted, LOOK_AGAIN, Levels, Obstacle, Place, Until, Waiter, part};
use crate::wire::{Found, Traced};
use std::rc::Rc;
use wording::Wording;

/// What happened to the request, as the listener's filter sees it.
pub enum FrontEvent<'a> {
    RequestHeaders {
        headers: &'a Headers,
    },
    /// A part of the body came; `size` is that of all parts so far.
    RequestBody {
        size: usize,
    },
    /// The body is complete. `micros`: when, in microseconds since 1970.
    RequestComplete {
        body: Vec<u8>,
        micros: u64,
    },
    /// The sidecar has answered a look into the cache; None: it has not, and will not.
    Looked {
        found: Option<Found>,
    },
    /// Another request of this worker has brought the answer, or will not.
    Landed(Landed),
    /// It waits, and it is its turn to try again.
    Turn,
    /// Only looked at if no attempt was served. `details` is Envoy's reason, such as
    /// `upstream_per_try_timeout`.
    ResponseHeaders {
        status: u16,
        details: &'a str,
    },
    /// The request is over, or its client has left.
    Closed,
}

/// The state of one request on the listener.
pub struct Front {
    gateway: Rc<Gateway>,
    /// How the host knows it, among those of its worker.
    ticket: u32,
    wording: Wording,
    state: State,
    /// When its headers came, in milliseconds since 1970.
    since: u64,
    story: Story,
    telling: Telling,
    /// When it was complete, in microseconds since 1970. None: not yet; or it has waited since for others.
    complete: Option<u64>,
}

enum State {
    Start,
    /// The headers are held, and the body is on its way.
    Reading(Ask, Wish),
    /// The sidecar looks into the cache, or another request is about to bring the answer.
    Looking(Box<Looking>),
    /// Nobody could take it yet.
    Waiting(Box<Waiting>),
    /// On its way to the providers.
    Proxying(Rc<Exchange>),
    /// Weir has answered. Its own answer passes by here too, and is left alone.
    Replied,
}

struct Looking {
    ask: Ask,
    plan: Plan,
    /// It waits for another request's answer.
    follows: bool,
}

struct Waiting {
    ask: Ask,
    plan: Plan,
    /// Whose limit it is that it waits for has been counted.
    counted: bool,
    place: Place,
    /// Milliseconds since 1970.
    since: u64,
    until: u64,
}

impl Front {
    /// A request that has only begun. `ticket`: how the host knows it.
    pub fn new(gateway: Rc<Gateway>, ticket: u32) -> Self {
        let (wording, story, telling) = (Wording::default(), Story::default(), Telling::default());
        Self { gateway, ticket, wording, state: State::Start, since: 0, story, telling, complete: None }
    }

    /// How the host knows it.
    #[cfg(test)]
    pub(super) fn ticket(&self) -> u32 {
        self.ticket
    }

    /// Takes one event. `now` is in milliseconds since 1970.
    pub fn step(&mut self, now: u64, event: FrontEvent<'_>) -> Step {
        match event {
            FrontEvent::RequestHeaders { headers } => self.request_headers(headers, now),
            FrontEvent::RequestBody { size } => {
                let limit = self.gateway.config.max_request_bytes;
                match u64::try_from(size) {
                    Ok(size) if size <= limit => Step::wait(Waker::RequestBody, vec![]),
                    _ => self.refuse(&Refusal::BodyTooLarge { limit }, now),
                }
            }
            FrontEvent::RequestComplete { body, micros } => {
                self.complete = Some(micros);
                self.request_complete(body, now)
            }
            FrontEvent::Looked { found } => self.looked(found, now),
            FrontEvent::Landed(landed) => self.landed(landed, now),
            FrontEvent::Turn => self.turn(now),
            FrontEvent::ResponseHeaders { status, details } => self.response_headers(status, details, now),
            FrontEvent::Closed => self.closed(now),
        }
    }

    /// Whether the front still wants the request's body: an answered or a passing request does not.
    pub fn is_reading(&self) -> bool {
        matches!(self.state, State::Reading(..))
    }

    /// Whether the answer's headers must be seen: those of an attempt's own answer are what they shall be, and each
    /// look at them costs calls to the host.
    pub fn minds_response(&self) -> bool {
        match &self.state {
            State::Proxying(exchange) => !exchange.is_served(),
            State::Start | State::Reading(..) | State::Looking(_) | State::Waiting(_) => true,
            State::Replied => false,
        }
    }

    /// What is to be said of the request in the access log, now that it is over, as [`LOG_PROPERTY`](super::LOG_PROPERTY).
    /// Once; None: there is no log.
    pub fn log(&mut self, now: u64) -> Option<String> {
        let story = &mut self.story;
        let mut leaves = |model, tenant| story.ends(model, self.gateway.tenant_name(tenant), Outcome::Aborted);
        match &self.state {
            State::Reading(ask, _) => leaves(None, ask.tenant),
            State::Looking(looking) => leaves(Some(looking.plan.model()), looking.ask.tenant),
            State::Waiting(waiting) => {
                leaves(Some(waiting.plan.model()), waiting.ask.tenant);
                story.waits(now.saturating_sub(waiting.since));
            }
            State::Proxying(exchange) => story.goes(exchange),
            State::Start | State::Replied => {}
        }
        story.tell()
    }

    fn request_headers(&mut self, headers: &Headers, now: u64) -> Step {
        self.since = now;
        let path = ask::path(headers);
        if self.gateway.config.telemetry.is_logged() {
            let text = |name| headers.text(name).unwrap_or_default();
            self.story.comes(text(":method"), path, text("x-request-id"));
        }
        self.wording = Wording::of(headers);
        let (endpoint, tenant) = match ask::identify(&self.gateway, headers, now) {
            Ok(known) => known,
            Err(refusal) => return self.refuse(&refusal, now),
        };
        let nonce = chance::mix(self.gateway.traffic.worker()) ^ u64::from(self.ticket);
        let trace = TraceContext::of(&self.gateway, headers, nonce, now);
        // Not before it is known who asks: nobody else makes spans.
        if let Endpoint::Task(wish) = &endpoint {
            self.story.begins(wish, trace);
            self.telling.begins(wish, trace, headers, now);
        }
        let ask = match Ask::read(&self.gateway, headers, (&endpoint, tenant), trace, now) {
            Ok(ask) => ask,
            Err(refusal) => return self.refuse_of(&refusal, None, tenant, now),
        };
        match endpoint {
            Endpoint::Health => self.answer(Reply::json(200, br#"{"status":"ok"}"#.to_vec())),
            Endpoint::Models => {
                let reply = self.models(ask.tenant);
                self.answer(reply)
            }
            Endpoint::Model(name) => match self.model(&name, ask.tenant) {
                Ok(reply) => self.answer(reply),
                Err(refusal) => self.refuse(&refusal, now),
            },
            Endpoint::Task(wish) => {
                self.state = State::Reading(ask, wish);
                Step::wait(Waker::RequestBody, vec![])
            }
        }
    }

    fn request_complete(&mut self, body: Vec<u8>, now: u64) -> Step {
        let State::Reading(ask, wish) = std::mem::replace(&mut self.state, State::Replied) else {
            return Step::go_on(vec![]);
        };
        let limit = self.gateway.config.max_request_bytes;
        if !u64::try_from(body.len()).is_ok_and(|size| size <= limit) {
            return self.refuse_of(&Refusal::BodyTooLarge { limit }, None, ask.tenant, now);
        }
        if let Some(step) = self.repeat(&ask, &wish, &body, now) {
            return step;
        }
        let plan = match Plan::make(&self.gateway, &ask, wish, body, now) {
            Ok(plan) => plan,
            Err((refusal, model)) => return self.refuse_of(&refusal, model.as_deref(), ask.tenant, now),
        };
        if self.tells_prompt(ask.tenant) {
            self.telling.asks(|| plan.task.chat().map(|request| prompt::messages(request.chat())));
        }
        if let Some(body) = plan.estimate(&self.gateway) {
            self.over(Some(plan.model()), ask.tenant, Outcome::Ok, now);
            let mut reply = Reply::json(200, body);
            reply.headers.push(("x-weir-estimate".into(), b"true".to_vec()));
            return self.answer(reply);
        }
        self.gateway.note_request();
        let mut step = self.look(ask, plan, now);
        // Envoy need not keep the prompt, whether the request goes or waits.
        if !matches!(self.state, State::Replied) {
            step.effects.push(Effect::RequestBody(PLACEHOLDER.to_vec()));
        }
        step
    }

    /// It goes if somebody can take it now.
    fn admit(&mut self, ask: Ask, plan: Plan, now: u64) -> Step {
        let trace = ask.trace;
        let mut step = match self.gateway.traffic.admit(&plan.demand(&ask, None), now) {
            Admission::Go(admitted) => self.go(ask, plan, admitted, now),
            Admission::Not(obstacle) => self.wait(ask, plan, obstacle, now),
        };
        let call = self.gateway.ask(None, now).map(|call| Effect::Call(call.traced(TraceContext::sampled(trace))));
        step.effects.extend(call);
        step
    }

    /// Nobody can take it now. It waits, if that is of any use.
    fn wait(&mut self, ask: Ask, plan: Plan, obstacle: Obstacle, now: u64) -> Step {
        let traffic = &self.gateway.traffic;
        let counted = self.count(&obstacle);
        let until = now.saturating_add(self.gateway.config.waiting_room.max_wait.0).min(plan.deadline);
        if !obstacle.is_worth_waiting(until.saturating_sub(now)) {
            if !counted {
                self.gateway.stats.limited(Limited::WaitingRoom);
            }
            return self.limit(&ask, &plan, obstacle, now);
        }
        let targets = plan.candidates.iter().map(|candidate| (candidate.provider, candidate.part)).collect();
        let bytes = plan.size.prompt_bytes;
        let waiter = Waiter { tenant: ask.tenant, model: part(plan.model()), targets, bytes, since: now, until };
        let Some(place) = traffic.enter(self.ticket, ask.priority, waiter) else {
            self.gateway.stats.limited(Limited::WaitingRoom);
            return self.limit(&ask, &plan, obstacle, now);
        };
        self.complete = None;
        self.state = State::Waiting(Box::new(Waiting { ask, plan, counted, place, since: now, until }));
        Step::wait(Waker::Turn, vec![])
    }

    fn turn(&mut self, now: u64) -> Step {
        let mut waiting = match std::mem::replace(&mut self.state, State::Replied) {
            State::Waiting(waiting) => waiting,
            other => {
                self.state = other;
                return Step::wait(Waker::Turn, vec![]);
            }
        };
        let traffic = self.gateway.traffic.clone();
        let demand = waiting.plan.demand(&waiting.ask, Some(waiting.place.0));
        match traffic.admit(&demand, now) {
            Admission::Go(admitted) => {
                traffic.leave(waiting.place, true);
                self.gateway.stats.waited(now.saturating_sub(waiting.since));
                self.waited(&waiting, now);
                self.go(waiting.ask, waiting.plan, admitted, now)
            }
            Admission::Not(obstacle) => {
                let first = !waiting.counted && self.count(&obstacle);
                waiting.counted |= first;
                if obstacle.is_worth_waiting(waiting.until.saturating_sub(now)) {
                    self.state = State::Waiting(waiting);
                    return Step::wait(Waker::Turn, vec![]);
                }
                traffic.leave(waiting.place, false);
                if !first {
                    self.gateway.stats.limited(Limited::WaitedInVain);
                }
                self.waited(&waiting, now);
                self.limit(&waiting.ask, &waiting.plan, obstacle, now)
            }
        }
    }

    /// Whether what is asked stands in its span, word by word.
    fn tells_prompt(&self, tenant: Option<usize>) -> bool {
        self.telling.is_some() && self.gateway.tenant(tenant).is_some_and(|tenant| tenant.trace_prompts)
    }

    /// It no longer waits for room.
    fn waited(&mut self, waiting: &Waiting, now: u64) {
        let millis = now.saturating_sub(waiting.since);
        self.story.waits(millis);
        self.telling.waits(millis);
    }

    /// Sends it to the chain of those that can take it.
    fn go(&mut self, ask: Ask, plan: Plan, admitted: Admitted, now: u64) -> Step {
        let walk = match plan.walk(&self.gateway, &ask, &admitted.order) {
            Ok(walk) => walk,
            Err(refusal) => return self.refuse_of(&refusal, Some(plan.model()), ask.tenant, now),
        };
        let first = admitted.order.first().and_then(|first| plan.candidates.get(*first));
        let hedge = plan.hedge(&self.gateway, first);
        self.gateway.traffic.count_request();
        let retries = self.gateway.traffic.is_retry_left(now);
        let headers = plan.headers(&ask, &walk, retries, hedge, now);
        let exchange = Exchange::new(&self.gateway, ask, plan, walk, admitted, (retries, hedge), now);
        exchange.telling.set(std::mem::take(&mut self.telling));
        let exchange = Rc::new(exchange);
        exchange.unsent.set(self.complete);
        self.state = State::Proxying(exchange.clone());
        Step::go_on(vec![Effect::Publish(exchange), Effect::RequestHeaders(headers)])
    }

    fn response_headers(&mut self, status: u16, details: &str, now: u64) -> Step {
        let refusal = match &self.state {
            State::Proxying(exchange) if exchange.is_served() => return Step::go_on(vec![]),
            State::Proxying(exchange) if exchange.attempt_count() == 0 => {
                // Envoy had nobody to go to: it has ejected them all by its own count.
                exchange.nobody(now);
                Refusal::Limited(Obstacle::Cooling { wait: LOOK_AGAIN, passes: false })
            }
            State::Proxying(exchange) => {
                let silent = if details.contains("timeout") { Class::Timeout } else { Class::Connection };
                Refusal::Failed(exchange.failures(silent))
            }
            State::Start | State::Reading(..) | State::Looking(_) | State::Waiting(_) => Refusal::Gateway { status },
            State::Replied => return Step::go_on(vec![]),
        };
        // A reply of our own, rather than another body in place of the attempt's: it ends the answer at once, even
        // if the provider keeps its connection open.
        self.refuse(&refusal, now)
    }

    fn closed(&mut self, now: u64) -> Step {
        match std::mem::replace(&mut self.state, State::Replied) {
            State::Waiting(waiting) => {
                self.gateway.traffic.leave(waiting.place, false);
                self.waited(&waiting, now);
                self.over(Some(waiting.plan.model()), waiting.ask.tenant, Outcome::Aborted, now);
            }
            State::Reading(ask, _) => self.over(None, ask.tenant, Outcome::Aborted, now),
            State::Looking(looking) => {
                looking.plan.abandon(&self.gateway, self.ticket);
                self.over(Some(looking.plan.model()), looking.ask.tenant, Outcome::Aborted, now);
            }
            // It ends when its attempts have let go of it too.
            State::Proxying(exchange) => exchange.seen.set(now),
            State::Start | State::Replied => {}
        }
        if let Some(traced) = self.telling.take() {
            self.gateway.trace(Traced { millis: now.saturating_sub(traced.began), ..*traced });
        }
        Step::go_on(vec![])
    }

    /// Counts whose limit it was that a request met. False: that is not known yet.
    fn count(&self, obstacle: &Obstacle) -> bool {
        match obstacle {
            Obstacle::Limited { until, .. } if until.is_brief() => return false,
            Obstacle::Limited { until: Until::Closed, .. } => self.gateway.stats.limited(Limited::Outage),
            Obstacle::Limited { owner, ceiling, .. } => self.gateway.stats.limited(Limited::By(*owner, *ceiling)),
            Obstacle::Cooling { .. } => self.gateway.stats.limited(Limited::Cooling),
            // It is others' turn.
            Obstacle::Queued { .. } => return false,
        }
        true
    }

    /// Refuses for a limit, with the true wait and what is left.
    fn limit(&mut self, ask: &Ask, plan: &Plan, obstacle: Obstacle, now: u64) -> Step {
        let levels = match &obstacle {
            Obstacle::Limited { levels, .. } => *levels,
            Obstacle::Queued { .. } | Obstacle::Cooling { .. } => Levels::default(),
        };
        // Who comes again stands behind those that wait by now.
        let wait = self.gateway.traffic.foresee(&plan.demand(ask, None), now);
        let refusal = Refusal::Limited(obstacle.with_wait(wait));
        self.over(Some(plan.model()), ask.tenant, refusal.outcome(), now);
        let levels = self.gateway.traffic.tenant_levels(ask.tenant, part(plan.model()), now).unwrap_or(levels);
        self.reply(&refusal, &levels, now)
    }

    /// Refuses what an earlier state knew of.
    fn refuse(&mut self, refusal: &Refusal, now: u64) -> Step {
        match std::mem::replace(&mut self.state, State::Replied) {
            State::Proxying(exchange) => {
                exchange.ends(refusal.outcome(), now);
                self.story.goes(&exchange);
                self.telling = exchange.telling.take();
                let step = self.reply(refusal, &exchange.levels, now);
                exchange.telling.set(std::mem::take(&mut self.telling));
                step
            }
            State::Waiting(waiting) => {
                self.gateway.traffic.leave(waiting.place, false);
                self.waited(&waiting, now);
                self.refuse_of(refusal, Some(waiting.plan.model()), waiting.ask.tenant, now)
            }
            State::Looking(looking) => {
                looking.plan.abandon(&self.gateway, self.ticket);
                self.refuse_of(refusal, Some(looking.plan.model()), looking.ask.tenant, now)
            }
            State::Reading(ask, _) => self.refuse_of(refusal, None, ask.tenant, now),
            State::Start | State::Replied => self.refuse_of(refusal, None, None, now),
        }
    }

    fn refuse_of(&mut self, refusal: &Refusal, model: Option<&str>, tenant: Option<usize>, now: u64) -> Step {
        self.over(model, tenant, refusal.outcome(), now);
        let levels = self.gateway.traffic.tenant_levels(tenant, model.map_or(0, part), now);
        self.reply(refusal, &levels.unwrap_or_default(), now)
    }

    fn reply(&mut self, refusal: &Refusal, levels: &Levels, now: u64) -> Step {
        let reply = self.wording.refusal(refusal, levels, now);
        self.answer(reply)
    }

    fn over(&mut self, model: Option<&str>, tenant: Option<usize>, outcome: Outcome, now: u64) {
        let tenant = self.gateway.tenant_name(tenant);
        self.story.ends(model, tenant, outcome);
        self.telling.ends(model, tenant, outcome);
        let millis = now.saturating_sub(self.since);
        self.gateway.stats.request(model, tenant, outcome, millis);
    }

    fn answer(&mut self, mut reply: Reply) -> Step {
        reply.headers.extend(self.wording.headers());
        self.state = State::Replied;
        self.telling.answers(reply.status);
        Step::reply(reply)
    }
}
