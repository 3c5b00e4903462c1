//! Admission: whether a request may go now, and to whom.

use super::account::Ceiling;
use super::desk::Desk;
use super::estimate::Size;
use super::ledger::{Levels, Met};
use super::permit::{Permit, TenantPermit};
use super::provider::{Offer, Request};
use super::queue::{Priority, Rank};
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
    Limited {
        owner: Owner,
        ceiling: Ceiling,
        /// Milliseconds; None when nobody can know.
        wait: Option<u64>,
        levels: Levels,
    },
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
            Self::Limited { wait, .. } | Self::Queued { wait } => *wait,
            Self::Cooling { wait, .. } => Some(*wait),
        }
    }

    /// Whether to wait is of any use, for at most `most` milliseconds.
    pub fn is_worth_waiting(&self, most: u64) -> bool {
        let passes = !matches!(self, Self::Cooling { passes: false, .. });
        passes && most > 0 && self.wait().is_none_or(|wait| wait <= most)
    }
}

impl Traffic {
    /// Takes what the request needs from its tenant and from the first target that has it; or from nobody.
    pub fn admit(self: &Rc<Self>, demand: &Demand<'_>, now: u64) -> Admission {
        let tenant = match self.tenant(demand, now) {
            Ok(tenant) => tenant,
            Err(obstacle) => return Admission::Not(obstacle),
        };
        let mut obstacle: Option<Obstacle> = None;
        for index in self.by_load(demand.candidates, now) {
            let Some(candidate) = demand.candidates.get(index) else { continue };
            match self.ask(demand, candidate, now) {
                Ok((permit, levels)) => {
                    let order = self.order(demand, index, now);
                    let levels = tenant.as_ref().map_or(levels, |(_, levels)| *levels);
                    let tenant = tenant.map(|(permit, _)| permit);
                    return Admission::Go(Admitted { order, permit, tenant, levels });
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

    /// A waiting request was refused again: nobody else who wants the same need be asked in this round.
    pub fn mark(&self, demand: &Demand<'_>, obstacle: &Obstacle) {
        let mut room = self.room.borrow_mut();
        room.refused(obstacle.wait());
        match (obstacle, demand.tenant) {
            (Obstacle::Limited { owner: Owner::Tenant | Owner::TenantModel, .. }, Some(tenant)) => room.limit(tenant),
            _ => room.spend(demand.candidates.iter().map(|candidate| candidate.provider)),
        }
    }

    fn tenant(self: &Rc<Self>, demand: &Demand<'_>, now: u64) -> Result<Option<(TenantPermit, Levels)>, Obstacle> {
        let desk = demand.tenant.and_then(|index| Some((index, self.tenants.get(index)?)));
        let Some((index, desk)) = desk.filter(|(_, desk)| desk.is_limited()) else { return Ok(None) };
        let first = demand.candidates.first();
        let tokens = first.and_then(|first| Some(self.desks.get(first.provider)?.tokens(first.part, demand.size)));
        let tokens = tokens.unwrap_or(0);
        match desk.offer(demand.model, tokens, now) {
            Ok(levels) => Ok(Some((TenantPermit::new(self, index, demand.model, tokens, now), levels))),
            Err(Met { of_part, ceiling, wait }) => {
                let owner = if of_part { Owner::TenantModel } else { Owner::Tenant };
                Err(Obstacle::Limited { owner, ceiling, wait, levels: desk.levels(demand.model, now) })
            }
        }
    }

    fn ask(
        self: &Rc<Self>,
        demand: &Demand<'_>,
        candidate: &Candidate,
        now: u64,
    ) -> Result<(Permit, Levels), Obstacle> {
        let Candidate { provider, part, .. } = *candidate;
        let desk = self.desks.get(provider).ok_or(Obstacle::Queued { wait: None })?;
        let is_queued = demand.rank.is_none() && self.room.borrow().waits_for(provider, demand.priority);
        let tokens = desk.tokens(part, demand.size);
        let request = Request { part, worker: self.worker, tokens, priority: demand.priority, rank: demand.rank };
        let levels = || desk.peek(now, |state| state.ledger.levels(&desk.limiting, part, now)).unwrap_or_default();
        if is_queued {
            let cooling = desk.peek(now, |state| state.cooling(part, now)).flatten();
            if let Some(cooldown) = cooling {
                return Err(Obstacle::Cooling { wait: cooldown.left(now), passes: cooldown.passes() });
            }
            // Those who wait here have not all been told of yet.
            let ahead = u64::from(self.room.borrow().held().0);
            let met = desk.peek(now, |state| state.ledger.met(&desk.limiting, part, tokens, ahead, now)).flatten();
            return Err(Obstacle::Queued { wait: met.and_then(|met| met.wait) });
        }
        Permit::ask(self, provider, &request, demand.size, now).map_err(|offer| match offer {
            Offer::Busy(Met { of_part, ceiling, wait }) => {
                let owner = if of_part { Owner::Target } else { Owner::Provider };
                Obstacle::Limited { owner, ceiling, wait, levels: levels() }
            }
            Offer::Cooling(cooldown) => Obstacle::Cooling { wait: cooldown.left(now), passes: cooldown.passes() },
            Offer::NotYourTurn { wait } => Obstacle::Queued { wait },
            Offer::Taken { .. } => Obstacle::Queued { wait: None },
        })
    }

    /// The candidates, equals of which one has much less to do in its place, and those that often fail last.
    fn by_load(&self, candidates: &[Candidate], now: u64) -> Vec<usize> {
        let mut order: Vec<usize> = (0..candidates.len()).collect();
        if let [first, second, ..] = candidates
            && first.target.weight.is_some()
            && second.target.weight.is_some()
            && self.is_much_busier(first, second, now)
        {
            order.swap(0, 1);
        }
        // A stable sort: among the healthy, and among the others, the order stays.
        order.sort_by_key(|index| candidates.get(*index).is_some_and(|candidate| self.is_degraded(candidate, now)));
        order
    }

    fn is_degraded(&self, candidate: &Candidate, now: u64) -> bool {
        let desk = self.desks.get(candidate.provider);
        desk.and_then(|desk| desk.peek(now, |state| state.health.is_degraded(&desk.breaker))).unwrap_or(false)
    }

    /// Whether `first` has more than twice as much to do as `second`, one request aside, which is chance: those under way,
    /// by how long a first token takes, in proportion to the share that each shall have.
    fn is_much_busier(&self, first: &Candidate, second: &Candidate, now: u64) -> bool {
        let [Some(a), Some(b)] = [first, second].map(|candidate| self.desks.get(candidate.provider)) else {
            return false;
        };
        let in_flight = |desk: &Desk| desk.peek(now, |state| state.ledger.in_flight()).unwrap_or(0);
        let (before, after) = (in_flight(a).saturating_sub(1), in_flight(b));
        // Of two times that are not both known, neither counts.
        let (slow, quick) = a.first_token(first.part).zip(b.first_token(second.part)).unwrap_or((1.0, 1.0));
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
                (cooling, state.ledger.met(&desk.limiting, candidate.part, tokens, 0, now).is_some())
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
    /// Of two, the one that passes first; one that nobody can know the end of may pass at once.
    fn or_sooner(self, other: Self) -> Self {
        let key =
            |obstacle: &Self| (matches!(obstacle, Self::Cooling { passes: false, .. }), obstacle.wait().unwrap_or(0));
        if key(&other) < key(&self) { other } else { self }
    }
}
