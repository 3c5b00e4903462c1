//! What a request has taken, and how it is given back: exactly once, whatever becomes of the request.

use super::breaker::Failed;
use super::cooldown::{Cooldown, Why};
use super::desk::Desk;
use super::estimate::Size;
use super::leases::{Books, Want};
use super::provider::Offer;
use super::quota::Request;
use super::{Levels, Traffic};
use crate::chat::Usage;
use crate::failure::{Class, Cool, Failure, Scope, Verdict};
use crate::limit_headers::Told;
use crate::shared::Change;
use std::rc::Rc;

/// What an attempt used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Used {
    pub usage: Usage,
    /// The provider did not say.
    pub is_estimate: bool,
}

/// A slot and tokens of a provider. Dropped without an outcome, it is as if nothing had been taken.
pub struct Permit {
    traffic: Rc<Traffic>,
    provider: usize,
    part: u64,
    size: Size,
    /// Estimated.
    tokens: u64,
    /// When the attempt began, in milliseconds since 1970.
    since: u64,
    /// It finds out whether an ejected provider is well again.
    probe: bool,
    /// Its first token has come.
    answered: bool,
    open: bool,
}

impl Permit {
    /// Takes what `request` needs from the provider at `provider`, if it is there.
    pub(super) fn ask(
        traffic: &Rc<Traffic>,
        provider: usize,
        request: &Request,
        size: Size,
        now: u64,
    ) -> Result<(Self, Levels), (Offer, Levels)> {
        let refused = (Offer::NotYourTurn { wait: None }, Levels::default());
        let desk = traffic.desks.get(provider).ok_or(refused)?;
        let mut is_low = false;
        let offer = desk.change(now, |state| {
            let offer = state.offer(&desk.limiting, request, now);
            let levels = state.quota.ledger.levels(&desk.limiting, request.part, now);
            if matches!(offer, Offer::Taken { .. }) {
                is_low = state.quota.ledger.is_low(&desk.limiting, request.part, now);
                Change::Write((offer, levels))
            } else {
                Change::Keep((offer, levels))
            }
        });
        match offer.unwrap_or(refused) {
            (Offer::Taken { probe }, levels) => {
                if is_low {
                    traffic.leases.want(vec![Want { of: Books::Provider(provider), part: request.part, tokens: None }]);
                }
                desk.began(request.part, request.tokens);
                Ok((Self::new(traffic, provider, (request.part, request.tokens), size, probe, now), levels))
            }
            refused => Err(refused),
        }
    }

    /// Takes it whether or not it is there: Envoy has gone to the provider already.
    pub fn force(traffic: &Rc<Traffic>, provider: usize, part: u64, size: Size, now: u64) -> Option<Self> {
        let desk = traffic.desks.get(provider)?;
        let tokens = desk.tokens(part, size);
        desk.change(now, |state| {
            state.quota.ledger.take(&desk.limiting, part, traffic.worker, tokens, now);
            Change::Write(())
        });
        desk.began(part, tokens);
        Some(Self::new(traffic, provider, (part, tokens), size, false, now))
    }

    fn new(
        traffic: &Rc<Traffic>,
        provider: usize,
        (part, tokens): (u64, u64),
        size: Size,
        probe: bool,
        now: u64,
    ) -> Self {
        let traffic = traffic.clone();
        Self { traffic, provider, part, size, tokens, since: now, probe, answered: false, open: true }
    }

    /// The provider's place in the configuration.
    pub fn provider(&self) -> usize {
        self.provider
    }

    /// Envoy has gone by the provider: what was taken is given back, and nobody else need try there for a while.
    pub fn passed_over(self, now: u64) {
        if let Some(desk) = self.desk() {
            desk.change(now, |state| {
                state.health.passed_over(now);
                Change::Write(())
            });
        }
    }

    /// Whether it is for this target.
    pub fn is_for(&self, provider: usize, part: u64) -> bool {
        (self.provider, self.part) == (provider, part)
    }

    /// Milliseconds since the attempt began.
    pub fn age(&self, now: u64) -> u64 {
        now.saturating_sub(self.since)
    }

    /// The attempt begins only now.
    pub fn begin(&mut self, now: u64) {
        self.since = now;
    }

    /// What the provider says of our limits there. It knows of other callers, so less than we think is the truth.
    pub fn told(&self, told: &Told, now: u64) {
        let Some(desk) = self.desk() else { return };
        if told.requests.is_none() && told.tokens.is_none() {
            return;
        }
        let (requests, tokens) = (told.requests.map(|level| level.remaining), told.tokens.map(|level| level.remaining));
        let levels =
            desk.peek(now, |state| state.quota.ledger.levels(&desk.limiting, self.part, now)).unwrap_or_default();
        let is_less = |ours: Option<super::Level>, theirs: Option<u64>| {
            ours.zip(theirs).is_some_and(|(ours, theirs)| theirs < ours.remaining)
        };
        if is_less(levels.requests, requests) || is_less(levels.tokens, tokens) {
            // It counted when the request came to it: what has flowed in since then is there too.
            let counted = self.since;
            desk.change(now, |state| {
                state.quota.ledger.at_most(&desk.limiting, self.part, requests, tokens, counted);
                Change::Write(())
            });
            let of = Books::Provider(self.provider);
            self.traffic.leases.tell(Want { of, part: self.part, tokens: None });
        }
    }

    /// The first token came. Milliseconds since the attempt began.
    pub fn first_token(&mut self, now: u64) -> u64 {
        let millis = now.saturating_sub(self.since);
        let Some(desk) = self.desk() else { return millis };
        desk.learn_first_token(self.part, millis, now);
        if self.probe || desk.peek(now, |state| state.health.is_troubled()).unwrap_or(false) {
            desk.change(now, |state| {
                state.health.answered(now);
                Change::Write(())
            });
        }
        self.answered = true;
        millis
    }

    /// The whole answer came. Without a usage, `text` bytes of it are what is known.
    pub fn served(mut self, usage: Option<Usage>, text: u64, now: u64) -> Used {
        let used = self.used(usage, text);
        if let Some(desk) = self.desk() {
            if let Some(usage) = usage {
                desk.learn_usage(self.part, self.size, &usage);
            }
            if !self.answered && !self.size.is_nothing() {
                desk.learn_answer(self.part, now.saturating_sub(self.since));
            }
        }
        self.close(used.usage.total(), now, |state| state.health.succeeded(now));
        used
    }

    /// The client left. What the provider had told by then, and the bytes that had come, are what is known of its cost.
    pub fn aborted(mut self, usage: Option<Usage>, text: u64, now: u64) -> Used {
        let used = self.used_so_far(usage, text);
        let (probe, worker) = (self.probe, self.traffic.worker);
        self.close(used.usage.total(), now, |state| {
            if probe {
                state.health.forget_probe(worker);
            }
        });
        used
    }

    /// The time of the whole request was over before the provider's own: nothing is known of it.
    pub fn out_of_time(mut self, now: u64) -> u64 {
        let (used, probe, worker) = (self.tokens, self.probe, self.traffic.worker);
        self.close(used, now, |state| {
            if probe {
                state.health.forget_probe(worker);
            }
        });
        used
    }

    /// A stream broke off that the client saw. What had come by then is what is known of its cost.
    pub fn broke_off(self, failure: &Failure, usage: Option<Usage>, text: u64, now: u64) -> Used {
        let used = self.used_so_far(usage, text);
        self.fails(failure, used.usage.total(), now);
        used
    }

    /// No answer came. The tokens it took all the same, and what Envoy's outlier detection shall make of it; None: nothing.
    pub fn failed(self, failure: &Failure, now: u64) -> (u64, Option<Failed>) {
        // Where the provider may have worked on it, the estimate stands.
        let used = match failure.class {
            Class::Timeout | Class::Connection | Class::Truncated | Class::Unreadable | Class::AnswerTooLarge => {
                self.tokens
            }
            _ => 0,
        };
        (used, self.fails(failure, used, now))
    }

    fn fails(mut self, failure: &Failure, used: u64, now: u64) -> Option<Failed> {
        let rule = failure.class.rule();
        let breaker = self.desk()?.breaker.clone();
        let why = if matches!(rule.cool, Cool::AtLeast(_)) { Why::Broken } else { Why::Asked };
        let cool = rule.cool.time(failure.retry_after).map(|wait| wait.0.min(breaker.max_cooldown.0));
        let part = (rule.scope == Scope::Target).then_some(self.part);
        let (worker, probe, cut) = (self.traffic.worker, self.probe, self.answered);
        let mut outcome = None;
        self.close(used, now, |state| {
            if let Some(wait) = cool {
                state.cool(part, Cooldown::new(now.saturating_add(wait), why), now);
            }
            outcome = match rule.verdict {
                Verdict::NextSick => Some(state.health.failed(&breaker, cut, now)),
                Verdict::Return if probe => {
                    state.health.succeeded(now);
                    None
                }
                Verdict::NextHealthy if probe => {
                    state.health.forget_probe(worker);
                    None
                }
                Verdict::NextHealthy | Verdict::Return => None,
            };
        });
        outcome
    }

    /// Of an answer that has not come to its end: what the provider has told so far may be the beginning of it only
    /// (Anthropic counts the prompt before the answer begins).
    fn used_so_far(&self, usage: Option<Usage>, text: u64) -> Used {
        let Used { usage: guess, .. } = self.used(None, text);
        let usage = match usage {
            Some(told) => Usage { completion: told.completion.max(guess.completion), ..told },
            None => guess,
        };
        Used { usage, is_estimate: true }
    }

    fn used(&self, usage: Option<Usage>, text: u64) -> Used {
        if let Some(usage) = usage {
            return Used { usage, is_estimate: false };
        }
        let tokens = |bytes| self.desk().map_or(0, |desk| desk.text_tokens(self.part, bytes));
        let (prompt, completion) = (tokens(self.size.prompt_bytes), if text == 0 { 0 } else { tokens(text) });
        Used { usage: Usage { prompt, completion, ..Usage::default() }, is_estimate: true }
    }

    fn close(&mut self, used: u64, now: u64, mut also: impl FnMut(&mut super::provider::ProviderState)) {
        self.open = false;
        let Some(desk) = self.desk() else { return };
        desk.ended(self.part, self.tokens);
        desk.change(now, |state| {
            state.quota.ledger.settle(&desk.limiting, self.part, self.traffic.worker, (self.tokens, used), now);
            also(state);
            Change::Write(())
        });
    }

    fn desk(&self) -> Option<&Desk> {
        self.traffic.desks.get(self.provider)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let Some(desk) = self.traffic.desks.get(self.provider).filter(|_| self.open) else { return };
        desk.ended(self.part, self.tokens);
        desk.change(self.since, |state| {
            state.quota.ledger.undo(&desk.limiting, self.part, self.traffic.worker, self.tokens);
            if self.probe {
                state.health.forget_probe(self.traffic.worker);
            }
            Change::Write(())
        });
    }
}

/// A slot and tokens of a tenant. Dropped, it is settled with what was used.
pub struct TenantPermit {
    traffic: Rc<Traffic>,
    tenant: usize,
    part: u64,
    tokens: u64,
    used: u64,
    /// When it was last looked at, in milliseconds since 1970.
    at: u64,
    undone: bool,
}

impl TenantPermit {
    pub(super) fn new(traffic: &Rc<Traffic>, tenant: usize, part: u64, tokens: u64, now: u64) -> Self {
        Self { traffic: traffic.clone(), tenant, part, tokens, used: 0, at: now, undone: false }
    }

    /// An attempt has used so many tokens.
    pub fn used(&mut self, tokens: u64, now: u64) {
        self.used = self.used.saturating_add(tokens);
        self.at = now;
    }

    /// As if it had never been taken.
    pub(super) fn undo(mut self) {
        self.undone = true;
    }
}

impl Drop for TenantPermit {
    fn drop(&mut self) {
        let Some(desk) = self.traffic.tenants.get(self.tenant) else { return };
        if self.undone {
            desk.undo(self.part, self.tokens);
        } else {
            desk.settle(self.part, (self.tokens, self.used), self.at);
        }
    }
}
