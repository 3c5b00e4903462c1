//! What one owner of limits has left, and who waits for it: shared by all workers, one for each provider and tenant.

use super::account::{Ceiling, Until};
use super::lease::Regime;
use super::ledger::{Ledger, Limiting, Met};
use super::queue::{Line, Priority, Rank};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Quota {
    pub ledger: Ledger,
    pub line: Line,
}

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request {
    /// The target or the model, by [`part`](super::ledger::part).
    pub part: u64,
    /// The worker that asks.
    pub worker: u64,
    /// Estimated.
    pub tokens: u64,
    pub priority: Priority,
    /// Its place among those that wait; None: it has only come.
    pub rank: Option<Rank>,
    /// How many stand before a newcomer in its own worker.
    pub rivals: u64,
}

/// Why it gets nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    Met(Met),
    /// There is room, and others were here first.
    NotYourTurn {
        /// Milliseconds until those ahead have been served, as far as it can be known.
        wait: Option<u64>,
    },
}

impl Quota {
    /// Takes what the request needs, if it is there and nobody waits with more right to it.
    pub(super) fn offer(&mut self, limiting: &Limiting, request: &Request, now: u64) -> Result<(), Refused> {
        let Request { part, worker, tokens, .. } = *request;
        let met = |ahead| self.ledger.met(limiting, part, tokens, ahead, now);
        if let Some(lacking) = met(0) {
            // Who waits is told by those that come; its own wait is that of the bucket.
            return Err(Refused::Met(met(self.ahead(request, now)).unwrap_or(lacking)));
        }
        let is_turn = match request.rank {
            None => self.ahead(request, now) == 0,
            Some(rank) => {
                let room = self.ledger.capacity(limiting, part, tokens, now);
                self.line.is_turn(rank, worker, part, room, now)
            }
        };
        if !is_turn {
            let wait = met(self.ahead(request, now)).and_then(|met| met.until.wait());
            if wait.is_none() && limiting.regime.get() == Regime::Leased {
                return Err(Refused::Met(Met { of_part: false, ceiling: Ceiling::Requests, until: Until::Turn }));
            }
            return Err(Refused::NotYourTurn { wait });
        }
        self.ledger.take(limiting, part, worker, tokens, now);
        Ok(())
    }

    /// What the request would meet if it came only now, behind all that wait.
    pub(super) fn foresee(&self, limiting: &Limiting, request: &Request, now: u64) -> Option<Met> {
        let ahead = self.ahead(&Request { rank: None, ..*request }, now);
        self.ledger.met(limiting, request.part, request.tokens, ahead, now)
    }

    /// How many stand before a request that has only come.
    fn ahead(&self, request: &Request, now: u64) -> u64 {
        match request.rank {
            Some(_) => 0,
            None => {
                let others = self.line.ahead(request.worker, request.part, request.priority, now);
                others.saturating_add(request.rivals)
            }
        }
    }
}
