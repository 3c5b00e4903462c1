//! How requests and attempts end, and whose limits they meet, as labels.

use crate::failure::Class;
use crate::traffic::{Ceiling, Owner};

/// How a request ended for its client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Ok,
    ClientError,
    /// Refused by a limit of ours.
    Limited,
    /// Every target was limited.
    Upstream429,
    Upstream5xx,
    Timeout,
    /// The answer broke off.
    Cut,
    /// The client left.
    Aborted,
}

impl Outcome {
    /// As a label.
    pub fn name(self) -> &'static str {
        OUTCOMES.iter().find(|(have, _)| *have == self).map_or("", |(_, name)| name)
    }

    /// All labels.
    pub fn names() -> impl Iterator<Item = &'static str> {
        OUTCOMES.iter().map(|(_, name)| *name)
    }
}

pub(super) const OUTCOMES: [(Outcome, &str); 8] = [
    (Outcome::Ok, "ok"),
    (Outcome::ClientError, "client_error"),
    (Outcome::Limited, "limited"),
    (Outcome::Upstream429, "upstream_429"),
    (Outcome::Upstream5xx, "upstream_5xx"),
    (Outcome::Timeout, "timeout"),
    (Outcome::Cut, "cut"),
    (Outcome::Aborted, "aborted"),
];

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttemptResult {
    Ok,
    /// The client left, or another attempt was faster.
    Cancelled,
    Failed(Class),
}

/// Whose word it was that a request had to wait or was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limited {
    By(Owner, Ceiling),
    /// Every target was left alone.
    Cooling,
    /// The waiting room was full.
    WaitingRoom,
    /// It waited as long as it could.
    WaitedInVain,
    /// No retry was left in the budget.
    RetryBudget,
    /// The tenant's budget is spent, or not known.
    Budget,
    /// The sidecar does not answer, and `on_outage` is `closed`.
    Outage,
    /// The worker holds as many bytes of requests as it may.
    Memory,
}

pub(super) const OWNERS: [(Owner, &str); 4] = [
    (Owner::Provider, "provider"),
    (Owner::Target, "target"),
    (Owner::Tenant, "tenant"),
    (Owner::TenantModel, "tenant_model"),
];
pub(super) const CEILINGS: [(Ceiling, &str); 3] =
    [(Ceiling::Requests, "requests"), (Ceiling::Tokens, "tokens"), (Ceiling::Concurrency, "concurrency")];
pub(super) const OTHER_LIMITS: [(Limited, &str); 7] = [
    (Limited::Cooling, "cooldown"),
    (Limited::WaitingRoom, "waiting_room"),
    (Limited::WaitedInVain, "waited_in_vain"),
    (Limited::RetryBudget, "retry_budget"),
    (Limited::Budget, "budget"),
    (Limited::Outage, "outage"),
    (Limited::Memory, "memory"),
];

/// `kind` of `weir_tokens`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    Input,
    Output,
    Cached,
    CacheWrite,
    Reasoning,
}

pub(super) const TOKEN_KINDS: [(TokenKind, &str); 5] = [
    (TokenKind::Input, "input"),
    (TokenKind::Output, "output"),
    (TokenKind::Cached, "cached"),
    (TokenKind::CacheWrite, "cache_write"),
    (TokenKind::Reasoning, "reasoning"),
];
