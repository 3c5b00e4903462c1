//! What all workers know of one provider: what is left of its limits, whether it is left alone, and who waits for it.

use super::breaker::{Gate, Health};
use super::cooldown::{Cooldown, Why};
use super::ledger::{Ledger, Limiting, Met};
use super::queue::{Priority, Queue, Rank};
use serde::{Deserialize, Serialize};

/// Kept in shared data, one value per provider.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct ProviderState {
    pub ledger: Ledger,
    pub health: Health,
    /// Of the whole provider.
    cooldown: Cooldown,
    /// Of single targets, by [`part`](super::ledger::part). Those that are over are dropped.
    targets: Vec<(u64, Cooldown)>,
    /// Of each worker with requests that wait.
    pub queues: Vec<Queue>,
}

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request {
    /// The target, by [`part`](super::ledger::part).
    pub part: u64,
    /// The worker that asks.
    pub worker: u64,
    /// Estimated.
    pub tokens: u64,
    pub priority: Priority,
    /// Its place among those that wait; None: it has only come.
    pub rank: Option<Rank>,
}

/// What the provider has for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Offer {
    /// Taken. `probe`: it finds out whether an ejected provider is well again.
    Taken {
        probe: bool,
    },
    Busy(Met),
    /// There is room, and others were here first.
    NotYourTurn {
        /// Milliseconds until those ahead have been served, as far as it can be known.
        wait: Option<u64>,
    },
    Cooling(Cooldown),
}

/// A target that is left alone forever costs nothing; more than this many are not remembered.
const MAX_TARGETS: usize = 64;

impl ProviderState {
    /// Why and until when a target is left alone.
    pub(super) fn cooling(&self, part: u64, now: u64) -> Option<Cooldown> {
        let broken = match self.health.gate(now) {
            Gate::Closed { until } => Some(Cooldown::new(until, Why::Broken)),
            Gate::Open | Gate::Probe => None,
        };
        let target = self.targets.iter().find(|(have, _)| *have == part).and_then(|(_, cooldown)| cooldown.at(now));
        // Of two reasons the one that does not pass is the better one to tell.
        [broken, self.cooldown.at(now), target]
            .into_iter()
            .flatten()
            .max_by_key(|cooldown| (!cooldown.passes(), cooldown.left(now)))
    }

    /// The longest time that the provider, or one of its targets, is still left alone, in milliseconds.
    pub(super) fn longest_cooldown(&self, now: u64) -> u64 {
        let ejected = match self.health.gate(now) {
            Gate::Closed { until } => until.saturating_sub(now),
            Gate::Open | Gate::Probe => 0,
        };
        let targets = self.targets.iter().map(|(_, cooldown)| cooldown.left(now));
        targets.chain([ejected, self.cooldown.left(now)]).max().unwrap_or(0)
    }

    /// Leaves a target alone, or without one the whole provider.
    pub(super) fn cool(&mut self, part: Option<u64>, cooldown: Cooldown, now: u64) {
        let Some(part) = part else { return self.cooldown.extend(cooldown) };
        self.targets.retain(|(_, cooldown)| cooldown.at(now).is_some());
        let has_room = self.targets.len() < MAX_TARGETS;
        match self.targets.iter_mut().find(|(have, _)| *have == part) {
            Some((_, have)) => have.extend(cooldown),
            None if has_room => self.targets.push((part, cooldown)),
            None => self.cooldown.extend(cooldown),
        }
    }

    /// Takes what the request needs, if it is there and nobody waits with more right to it.
    pub(super) fn offer(&mut self, limiting: &Limiting, request: &Request, now: u64) -> Offer {
        if let Some(cooldown) = self.cooling(request.part, now) {
            return Offer::Cooling(cooldown);
        }
        let ahead = match request.rank {
            None => self.ahead(request.priority, now),
            Some(_) => 0,
        };
        if let Some(met) = self.ledger.met(limiting, request.part, request.tokens, ahead, now) {
            let now_free = ahead > 0 && self.ledger.met(limiting, request.part, request.tokens, 0, now).is_none();
            return if now_free { Offer::NotYourTurn { wait: met.wait } } else { Offer::Busy(met) };
        }
        let is_its_turn = match request.rank {
            None => ahead == 0,
            Some(rank) => {
                let room = self.ledger.capacity(limiting, request.part, request.tokens, now);
                let others = self.queues.iter().filter(|queue| queue.worker() != request.worker);
                others.filter_map(|queue| queue.head(now)).all(|head| rank.may_go_before(head, room))
            }
        };
        if !is_its_turn {
            return Offer::NotYourTurn { wait: None };
        }
        let probe = self.health.gate(now) == Gate::Probe;
        if probe {
            self.health.probe(request.worker, now);
        }
        self.ledger.take(limiting, request.part, request.worker, request.tokens, now);
        Offer::Taken { probe }
    }

    /// How many wait with as much right as a newcomer of `priority`, or more.
    pub(super) fn ahead(&self, priority: Priority, now: u64) -> u64 {
        let waiting = self.queues.iter().map(|queue| u64::from(queue.waiting(priority, now)));
        waiting.fold(0, u64::saturating_add)
    }

    /// Replaces what one worker says of its own queue; None: nobody waits there. Whether that changed anything.
    pub(super) fn publish(&mut self, worker: u64, queue: Option<Queue>) -> bool {
        let before = self.queues.len();
        self.queues.retain(|have| have.worker() != worker);
        let had = self.queues.len() != before;
        let has = queue.is_some();
        self.queues.extend(queue);
        had || has
    }

    /// A worker is gone, and with it its requests.
    pub(super) fn forget(&mut self, limiting: &Limiting, worker: u64) {
        self.ledger.set_slots(limiting, worker, 0, &[]);
        self.publish(worker, None);
        self.health.forget_probe(worker);
    }
}
