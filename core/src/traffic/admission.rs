//! Admission: whether a request may go now, and to whom.

use super::account::{Ceiling, Until};
use super::desk::Desk;
use super::estimate::Size;
use super::leases::{Books, Want};
use super::ledger::{Levels, Met};
use super::permit::{Permit, TenantPermit};
use super::provider::Offer;
use super::queue::{Priority, Rank};
use super::quota::{Refused, Request};
use super::tenant::TenantDesk;
use super::{Traffic, part};
use crate::config::{Config, Target};
use std::rc::Rc;

/// A target that could serve the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    pub target: Target,
    /// Of its provider, in the configuration.
    pub provider: usize,
    /// How its provider's ledger knows it.
    pub part: u64,
}

impl Candidate {
    /// None for a provider that is not configured.
    pub fn new(config: &Config, target: &Target) -> Option<Self> {
        let provider = config.providers.iter().position(|provider| provider.name == target.provider)?;
        Some(Self { target: target.clone(), provider, part: part(&target.model) })
    }
}

/// What a request asks for.
#[derive(Clone, Copy, Debug)]
pub struct Demand<'a> {
    /// In the configuration.
    pub tenant: Option<usize>,
    /// The name that it asked for, as its tenant's ledger knows it.
    pub model: u64,
    pub priority: Priority,
    pub size: Size,
    /// In order of preference.
    pub candidates: &'a [Candidate],
    /// The order is the client's own: nobody is asked before another.
    pub in_order: bool,
    /// Its place among those that wait; None: it has only come.
    pub rank: Option<Rank>,
}

/// The answer.
pub enum Admission {
    Go(Admitted),
    Not(Obstacle),
}

/// It may go.
pub struct Admitted {
    /// Indices of the candidates, the one that is paid for first. Those that are left alone are not among them.
    pub order: Vec<usize>,
    pub permit: Permit,
    pub tenant: Option<TenantPermit>,
    /// What the client has left: of its tenant's limits, where it has some, else of the provider's.
    pub levels: Levels,
}

/// Whose limit it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Owner {
    Provider,
    Target,
    Tenant,
    TenantModel,
}

/// Why it may not go now: of all targets' reasons the one that passes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// A limit is met, and there is a time at which it will not be.
    Limited { owner: Owner, ceiling: Ceiling, until: Until, levels: Levels },
    /// Others wait with more right.
    Queued {
        /// Milliseconds until they have been served; None when nobody can know.
        wait: Option<u64>,
    },
    /// Every target is left alone.
    Cooling {
        /// Milliseconds until the first is not.
        wait: u64,
        /// Whether it asked for that long: then waiting helps. A dead one is not waited for.
        passes: bool,
    },
}

impl Obstacle {
    /// Milliseconds until it may be gone; None when nobody can know.
    pub fn wait(&self) -> Option<u64> {
        match self {
            Self::Limited { until, .. } => until.wait(),
            Self::Queued { wait } => *wait,
            Self::Cooling { wait, .. } => Some(*wait),
        }
    }

    /// Whether to wait is of any use, for at most `most` milliseconds.
    pub fn is_worth_waiting(&self, most: u64) -> bool {
        match self {
            // The sidecar answers at once, or its call's own deadline comes: then it is known.
            Self::Limited { until, .. } if until.is_brief() => true,
            _ => self.passes() && most > 0 && self.wait().is_none_or(|wait| wait <= most),
        }
    }

    /// Whether the sidecar, which does not answer, would have to be asked.
    pub fn is_outage(&self) -> bool {
        matches!(self, Self::Limited { until: Until::Closed, .. })
    }

    fn passes(&self) -> bool {
        !self.is_outage() && !matches!(self, Self::Cooling { passes: false, .. })
    }

    /// Whether it is over in a moment, and nobody knows yet how it will be then.
    pub fn is_brief(&self) -> bool {
        matches!(self, Self::Limited { until, .. } if until.is_brief())
    }
}

impl Traffic {
    /// Takes what the request needs from its tenant and from the first target that has it; or from nobody.
    pub fn admit(self: &Rc<Self>, demand: &Demand<'_>, now: u64) -> Admission {
        let mut lacking = Vec::new();
        let admission = self.try_to_admit(demand, &mut lacking, now);
        self.leases.want(lacking);
        admission
    }

    fn try_to_admit(self: &Rc<Self>, demand: &Demand<'_>, lacking: &mut Vec<Want>, now: u64) -> Admission {
        let preference = self.preference(demand, now);
        let tenant = match self.tenant(demand, lacking, now) {
            Ok(tenant) => tenant,
            Err(obstacle) => {
                // What it will need besides is asked for at once.
                let first = preference.first().and_then(|first| demand.candidates.get(*first));
                lacking.extend(first.filter(|_| obstacle.is_brief()).and_then(|first| self.lacks(demand, first, now)));
                return Admission::Not(obstacle);
            }
        };
        let mut obstacle: Option<Obstacle> = None;
        for index in preference {
            let Some(candidate) = demand.candidates.get(index) else { continue };
            match self.ask(demand, candidate, lacking, now) {
                Ok((permit, levels)) => {
                    let order = self.order(demand, index, now);
                    let levels = tenant.as_ref().map_or(levels, |(_, levels)| *levels);
                    let tenant = tenant.map(|(permit, _)| permit);
                    return Admission::Go(Admitted { order, permit, tenant, levels });
                }
                // Whether it has room is known in a moment: nobody goes to another for that.
                Err(other) if other.is_brief() => {
                    obstacle = Some(other);
                    break;
                }
                Err(other) => obstacle = Some(obstacle.map_or(other, |first| first.or_sooner(other))),
            }
        }
        if let Some((permit, _)) = tenant {
            permit.undo();
        }
        Admission::Not(obstacle.unwrap_or(Obstacle::Cooling { wait: 0, passes: false }))
    }

    /// Milliseconds after which an answer that is not streamed is overdue: twice as long as they take at that target.
    pub fn overdue(&self, candidate: &Candidate) -> Option<u64> {
        let usual = self.desks.get(candidate.provider)?.answer(candidate.part)?;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates, and is not negative")]
        Some((2.0 * usual).ceil() as u64)
    }

    /// What is left of a tenant's limits for a model; None where it has none.
    pub fn tenant_levels(&self, tenant: Option<usize>, model: u64, now: u64) -> Option<Levels> {
        let desk = self.tenants.get(tenant?).filter(|desk| desk.is_limited())?;
        Some(desk.levels(model, now))
    }

    /// Tokens of `bytes` of text at a target, estimated.
    pub fn text_tokens(&self, target: &Candidate, bytes: u64) -> u64 {
        self.desks.get(target.provider).map_or(0, |desk| desk.text_tokens(target.part, bytes))
    }

    /// Milliseconds until a request like this could go, if it came now: behind all that wait. None when nobody can know.
    pub fn foresee(&self, demand: &Demand<'_>, now: u64) -> Option<u64> {
        let tenant = self.limited_tenant(demand).and_then(|(index, desk)| {
            let tokens = self.tokens(demand, demand.candidates.first());
            let rivals = self.room.borrow().rivals_of_tenant(index, demand.model, demand.priority);
            desk.foresee(&self.request(demand, demand.model, tokens, rivals), now)
        });
        let of_candidate = |candidate: &Candidate| {
            let desk = self.desks.get(candidate.provider)?;
            let rivals = self.room.borrow().rivals(candidate.provider, candidate.part, demand.priority);
            let request = self.request(demand, candidate.part, self.tokens(demand, Some(candidate)), rivals);
            desk.peek(now, |state| {
                let cooling = state.cooling(candidate.part, now).map_or(0, |cooldown| cooldown.left(now));
                match state.quota.foresee(&desk.limiting, &request, now) {
                    Some(Met { until, .. }) => until.wait().map(|wait| wait.max(cooling)),
                    None => Some(cooling),
                }
            })?
        };
        let target = demand.candidates.iter().filter_map(of_candidate).min()?;
        match tenant {
            Some(Met { until, .. }) => until.wait().map(|wait| wait.max(target)),
            None => Some(target),
        }
    }

    fn limited_tenant(&self, demand: &Demand<'_>) -> Option<(usize, &TenantDesk)> {
        let index = demand.tenant?;
        self.tenants.get(index).filter(|desk| desk.is_limited()).map(|desk| (index, desk))
    }

    fn tokens(&self, demand: &Demand<'_>, candidate: Option<&Candidate>) -> u64 {
        candidate.and_then(|one| Some(self.desks.get(one.provider)?.tokens(one.part, demand.size))).unwrap_or(0)
    }

    fn request(&self, demand: &Demand<'_>, part: u64, tokens: u64, rivals: u64) -> Request {
        Request { part, worker: self.worker, tokens, priority: demand.priority, rank: demand.rank, rivals }
    }

    fn tenant(
        self: &Rc<Self>,
        demand: &Demand<'_>,
        lacking: &mut Vec<Want>,
        now: u64,
    ) -> Result<Option<(TenantPermit, Levels)>, Obstacle> {
        let Some((index, desk)) = self.limited_tenant(demand) else { return Ok(None) };
        let tokens = self.tokens(demand, demand.candidates.first());
        let rivals = self.room.borrow().rivals_of_tenant(index, demand.model, demand.priority);
        match desk.offer(&self.request(demand, demand.model, tokens, rivals), now) {
            Ok((levels, is_low)) => {
                if is_low {
                    self.leases.want(vec![Want { of: Books::Tenant(index), part: demand.model, tokens: None }]);
                }
                Ok(Some((TenantPermit::new(self, index, demand.model, tokens, now), levels)))
            }
            Err((refused, levels)) => {
                let obstacle = match refused {
                    Refused::Met(Met { of_part, ceiling, until }) => {
                        let owner = if of_part { Owner::TenantModel } else { Owner::Tenant };
                        if until == Until::Leased {
                            let of = Books::Tenant(index);
                            lacking.push(Want { of, part: demand.model, tokens: Some(tokens) });
                        }
                        Obstacle::Limited { owner, ceiling, until, levels }
                    }
                    Refused::NotYourTurn { wait } => Obstacle::Queued { wait },
                };
                let of_part = matches!(refused, Refused::Met(Met { of_part: true, .. }));
                let mut room = self.room.borrow_mut();
                room.limit(index, of_part.then_some(demand.model));
                room.refused(obstacle.wait());
                Err(obstacle)
            }
        }
    }

    /// What a target's limits lack, if it is only that the sidecar has to be asked.
    fn lacks(&self, demand: &Demand<'_>, candidate: &Candidate, now: u64) -> Option<Want> {
        let Candidate { provider, part, .. } = *candidate;
        let desk = self.desks.get(provider)?;
        let tokens = desk.tokens(part, demand.size);
        let met = desk.peek(now, |state| state.quota.ledger.met(&desk.limiting, part, tokens, 0, now))??;
        let of = Books::Provider(provider);
        (met.until == Until::Leased).then_some(Want { of, part, tokens: Some(tokens) })
    }

    fn ask(
        self: &Rc<Self>,
        demand: &Demand<'_>,
        candidate: &Candidate,
        lacking: &mut Vec<Want>,
        now: u64,
    ) -> Result<(Permit, Levels), Obstacle> {
        let Candidate { provider, part, .. } = *candidate;
        let rivals = self.room.borrow().rivals(provider, part, demand.priority);
        let request = self.request(demand, part, self.tokens(demand, Some(candidate)), rivals);
        Permit::ask(self, provider, &request, demand.size, now).map_err(|(offer, levels)| {
            if let Offer::Busy(Met { until: Until::Leased, .. }) = offer {
                lacking.push(Want { of: Books::Provider(provider), part, tokens: Some(request.tokens) });
            }
            let mut room = self.room.borrow_mut();
            let obstacle = match offer {
                Offer::Busy(Met { of_part: true, ceiling, until }) => {
                    room.spend_alone(provider, part);
                    Obstacle::Limited { owner: Owner::Target, ceiling, until, levels }
                }
                Offer::Busy(Met { of_part: false, ceiling, until }) => {
                    room.spend(provider, None);
                    Obstacle::Limited { owner: Owner::Provider, ceiling, until, levels }
                }
                Offer::Cooling(cooldown) => {
                    // Which of the two cools is not worth knowing: who waits for another target asks once more.
                    room.spend_alone(provider, part);
                    Obstacle::Cooling { wait: cooldown.left(now), passes: cooldown.passes() }
                }
                Offer::NotYourTurn { wait } => {
                    room.spend(provider, Some(part));
                    Obstacle::Queued { wait }
                }
                Offer::Taken { .. } => Obstacle::Queued { wait: None },
            };
            room.refused(obstacle.wait());
            obstacle
        })
    }

    /// The candidates in their order; of equals the one with much less to do first, and those that often fail last.
    fn preference(&self, demand: &Demand<'_>, now: u64) -> Vec<usize> {
        let mut order: Vec<usize> = (0..demand.candidates.len()).collect();
        if demand.in_order {
            return order;
        }
        if let [first, second, ..] = demand.candidates
            && first.target.weight.is_some()
            && second.target.weight.is_some()
            && self.is_much_busier(first, second, now)
        {
            order.swap(0, 1);
        }
        // A stable sort: among the healthy, and among the others, the order stays.
        let is_degraded = |index: &usize| demand.candidates.get(*index).is_some_and(|one| self.is_degraded(one, now));
        order.sort_by_key(is_degraded);
        order
    }

    fn is_degraded(&self, candidate: &Candidate, now: u64) -> bool {
        let desk = self.desks.get(candidate.provider);
        desk.and_then(|desk| desk.peek(now, |state| state.health.is_degraded(&desk.breaker, now))).unwrap_or(false)
    }

    /// Whether `first` has more than twice as much to do as `second`, one request aside, which is chance: those under way,
    /// by how long a first token takes, in proportion to the share that each shall have.
    fn is_much_busier(&self, first: &Candidate, second: &Candidate, now: u64) -> bool {
        let [Some(a), Some(b)] = [first, second].map(|candidate| self.desks.get(candidate.provider)) else {
            return false;
        };
        let in_flight = |desk: &Desk| desk.peek(now, |state| state.quota.ledger.in_flight()).unwrap_or(0);
        let (before, after) = (in_flight(a).saturating_sub(1), in_flight(b));
        // Of two times that are not both known, neither counts.
        let (slow, quick) = a.first_token(first.part, now).zip(b.first_token(second.part, now)).unwrap_or((1.0, 1.0));
        let weight = |candidate: &Candidate| f64::from(candidate.target.weight.unwrap_or(1).max(1));
        #[allow(clippy::cast_precision_loss, reason = "a comparison")]
        let (before, after) = (before as f64 * slow / weight(first), after as f64 * quick / weight(second));
        before > 2.0 * after
    }

    /// The chain behind `first`: those that could take the request now, then those that would have to take it beyond
    /// their limits, which is better than no answer.
    fn order(&self, demand: &Demand<'_>, first: usize, now: u64) -> Vec<usize> {
        let mut order = vec![first];
        let mut last = Vec::new();
        for (index, candidate) in demand.candidates.iter().enumerate().filter(|(index, _)| *index != first) {
            let Some(desk) = self.desks.get(candidate.provider) else { continue };
            let tokens = desk.tokens(candidate.part, demand.size);
            let look = desk.peek(now, |state| {
                let cooling = state.cooling(candidate.part, now).is_some();
                (cooling, state.quota.ledger.met(&desk.limiting, candidate.part, tokens, 0, now).is_some())
            });
            match look {
                Some((false, false)) => order.push(index),
                Some((false, true)) => last.push(index),
                Some((true, _)) | None => {}
            }
        }
        order.extend(last);
        order
    }
}

impl Obstacle {
    /// The same, told with another wait if that is longer.
    pub fn with_wait(self, wait: Option<u64>) -> Self {
        let wait = wait.max(self.wait());
        match self {
            Self::Limited { owner, ceiling, levels, until } => {
                Self::Limited { owner, ceiling, levels, until: wait.map_or(until, Until::Millis) }
            }
            Self::Queued { .. } => Self::Queued { wait },
            Self::Cooling { wait: own, passes } => Self::Cooling { wait: wait.unwrap_or(own), passes },
        }
    }

    /// Of two, the one that passes first; one that nobody can know the end of may pass at once.
    fn or_sooner(self, other: Self) -> Self {
        let key = |obstacle: &Self| (!obstacle.passes(), obstacle.wait().unwrap_or(0));
        if key(&other) < key(&self) { other } else { self }
    }
}
