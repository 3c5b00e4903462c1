//! How an attempt ends: its permit is settled, the request hears of it, and it is counted.

use super::super::step::Step;
use super::super::{CANCELLED, Outcome, Silence};
use super::{Attempt, State};
use crate::cache::Recorder;
use crate::chat::Usage;
use crate::failure::{Class, Failure};
use crate::stats::{self, AttemptResult, TokenKind};
use crate::traffic::{Failed, Used};

impl Attempt {
    /// A stream has come to its end.
    pub(super) fn complete(&mut self, now: u64) {
        if let State::Running { mut stream, .. } = std::mem::replace(&mut self.state, State::Over) {
            self.exchange.finish.set(stream.finish());
            self.served(stream.usage(), stream.text(), stream.recorder(), now);
        }
    }

    /// A stream that the client sees ends without its end; `so_far` is what the provider has told of its usage, and the
    /// bytes of content that came.
    pub(super) fn broke_off(&mut self, failure: &Failure, so_far: (Option<Usage>, u64), now: u64) {
        self.exchange.ends(stats::Outcome::Cut, now);
        self.state = State::Over;
        let Some(permit) = self.permit.take() else { return };
        self.count(AttemptResult::Failed(failure.class), permit.age(now), now);
        let provider = permit.provider();
        self.used(permit.broke_off(failure, so_far.0, so_far.1, now), now);
        self.exchange.gateway.show_provider(provider, now);
    }

    pub(super) fn served(&mut self, usage: Option<Usage>, text: u64, recorder: Option<Recorder>, now: u64) {
        let Some(permit) = self.permit.take() else { return };
        self.exchange.ends(stats::Outcome::Ok, now);
        self.count(AttemptResult::Ok, permit.age(now), now);
        self.used(permit.served(usage, text, now), now);
        if let Some(recorder) = recorder {
            self.exchange.keep(recorder, &self.target, now);
        }
    }

    fn count(&mut self, result: AttemptResult, millis: u64, now: u64) {
        self.exchange.gateway.stats.attempt(&self.target, result, millis);
        let error = match result {
            AttemptResult::Ok => None,
            AttemptResult::Cancelled => Some(CANCELLED),
            AttemptResult::Failed(class) => Some(class.name()),
        };
        self.exchange.note_end((self.index, &self.target), error, millis, &mut self.pace, now);
    }

    /// Counts what the provider has been paid for.
    fn used(&self, used: Used, now: u64) {
        self.exchange.used(used.usage.total(), now);
        self.exchange.bill((self.index, &self.target), used, now);
        let Used { usage, .. } = used;
        for (kind, amount) in [
            (TokenKind::Input, usage.prompt),
            (TokenKind::Output, usage.completion),
            (TokenKind::Cached, usage.cached),
            (TokenKind::CacheWrite, usage.cache_write),
            (TokenKind::Reasoning, usage.reasoning),
        ] {
            self.exchange.gateway.stats.tokens(&self.target, kind, amount);
        }
    }

    pub(super) fn failed(&mut self, failure: &Failure, now: u64) -> Option<Failed> {
        let permit = self.permit.take()?;
        self.count(AttemptResult::Failed(failure.class), permit.age(now), now);
        let provider = permit.provider();
        let (used, failed) = permit.failed(failure, now);
        self.exchange.used(used, now);
        // A cooldown shall be seen when it begins.
        self.exchange.gateway.show_provider(provider, now);
        failed
    }

    pub(super) fn closed(&mut self, details: &str, now: u64) -> Step {
        match std::mem::replace(&mut self.state, State::Over) {
            // The client has it all; the provider only did not say so.
            State::Running { mut stream, .. } if stream.is_complete() => {
                self.exchange.finish.set(stream.finish());
                self.served(stream.usage(), stream.text(), stream.recorder(), now);
            }
            State::Running { stream, .. } if client_left(details) => {
                self.exchange.ends(stats::Outcome::Aborted, now);
                self.cancelled(stream.usage(), stream.text(), now);
            }
            State::Running { stream, .. } => self.broke_off(&truncated(), (stream.usage(), stream.text()), now),
            _ if self.exchange.is_served() => self.cancelled(None, 0, now),
            _ if client_left(details) => {
                self.exchange.ends(stats::Outcome::Aborted, now);
                self.cancelled(None, 0, now);
            }
            _ => {
                let silence = self.exchange.silent(self.index, now);
                let class = if silence == Silence::Unreached { Class::Connection } else { Class::Timeout };
                let failure = Failure::plain(class, None, "");
                if silence == Silence::OutOfTime {
                    self.out_of_time(now);
                } else {
                    self.failed(&failure, now);
                }
                self.exchange.settle(self.index, Outcome::Failed(failure));
            }
        }
        Step::go_on(vec![])
    }

    /// The request's deadline came before the provider's own time was over.
    fn out_of_time(&mut self, now: u64) {
        let Some(permit) = self.permit.take() else { return };
        self.count(AttemptResult::Failed(Class::Timeout), permit.age(now), now);
        self.exchange.used(permit.out_of_time(now), now);
    }

    /// The client left, or another attempt was faster.
    fn cancelled(&mut self, usage: Option<Usage>, text: u64, now: u64) {
        let Some(permit) = self.permit.take() else { return };
        self.count(AttemptResult::Cancelled, permit.age(now), now);
        self.used(permit.aborted(usage, text, now), now);
    }
}

/// Whether Envoy says that it was the client who ended the stream.
fn client_left(details: &str) -> bool {
    ["downstream", "http1.", "http2.", "http3."].iter().any(|start| details.starts_with(start))
}

pub(super) fn truncated() -> Failure {
    Failure::plain(Class::Truncated, None, "the provider ended the stream before the answer was complete")
}
