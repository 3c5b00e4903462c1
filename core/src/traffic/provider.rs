//! What all workers know of one provider: what is left of its limits, whether it is left alone, and who waits for it.

use super::breaker::{Gate, Health};
use super::cooldown::{Cooldown, Why};
use super::ledger::{Limiting, Met};
use super::quota::{Quota, Refused, Request};
use serde::{Deserialize, Serialize};

/// Kept in shared data, one value per provider.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct ProviderState {
    pub quota: Quota,
    pub health: Health,
    /// Of the whole provider.
    cooldown: Cooldown,
    /// Of single targets, by [`part`](super::ledger::part). Those that are over are dropped.
    targets: Vec<(u64, Cooldown)>,
}

/// What the provider has for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Offer {
    /// Taken. `probe`: it finds out whether an ejected provider is well again.
    Taken {
        probe: bool,
    },
    Busy(Met),
    NotYourTurn {
        /// Milliseconds; None when nobody can know.
        wait: Option<u64>,
    },
    Cooling(Cooldown),
}

/// More targets than this are not left alone: clients may name any, and each that does not exist would be one.
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
            None => {}
        }
    }

    /// Takes what the request needs, if it is there and nobody waits with more right to it.
    pub(super) fn offer(&mut self, limiting: &Limiting, request: &Request, now: u64) -> Offer {
        if let Some(cooldown) = self.cooling(request.part, now) {
            return Offer::Cooling(cooldown);
        }
        match self.quota.offer(limiting, request, now) {
            Err(Refused::Met(met)) => return Offer::Busy(met),
            Err(Refused::NotYourTurn { wait }) => return Offer::NotYourTurn { wait },
            Ok(()) => {}
        }
        let probe = self.health.gate(now) == Gate::Probe;
        if probe {
            self.health.probe(request.worker, now);
        }
        Offer::Taken { probe }
    }

    /// A worker is gone, and with it its requests.
    pub(super) fn forget(&mut self, limiting: &Limiting, worker: u64) {
        self.quota.ledger.lose(limiting, worker);
        self.quota.line.publish(worker, &[], 0);
        self.health.forget_probe(worker);
    }
}
