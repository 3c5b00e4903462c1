//! Faults: what goes wrong, for which requests, how often.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The longest delay a fault may ask for: one hour.
const MAX_DELAY_MS: u64 = 3_600_000;

/// One fault. The first fault in a provider's list that matches a request and has `times` left is applied to it; when
/// none matches, the request is answered. So `[{"times":2,"status":429},{"times":1,"status":500}]` fails three requests.
///
/// Credentials are checked before any fault but `refuse`: a request with a wrong key gets its 401 and uses up nothing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Fault {
    /// How many requests it hits; `None` means all of them.
    pub times: Option<u32>,
    /// Only requests for exactly this model.
    pub model: Option<String>,
    /// Hits this share of the matching requests, 0 to 1, drawn from a fixed seed: the same run fails the same requests.
    pub probability: Option<f64>,
    /// Answer with this status, 400 to 599, in the provider's error shape. With `error_event_after`: the status that the
    /// error event stands for.
    pub status: Option<u16>,
    /// Overrides the error's code: OpenAI `code`, Anthropic `details.error_code`, Gemini a quota id (429) or reason.
    pub code: Option<String>,
    /// Overrides the error's type (Gemini: `status`, such as `UNAVAILABLE`).
    pub error_type: Option<String>,
    /// Overrides the error's message.
    pub message: Option<String>,
    /// Seconds in `retry-after` (Gemini: `RetryInfo`). A 429 that is no billing error says 1 if nothing is set.
    pub retry_after: Option<u64>,
    /// Milliseconds in `retry-after-ms` (Gemini: `RetryInfo`); Anthropic rounds up to seconds.
    pub retry_after_ms: Option<u64>,
    /// Wait before the status line, in milliseconds.
    pub delay_ms: Option<u64>,
    /// Send the headers at once, then wait this many milliseconds before the first event.
    pub first_event_delay_ms: Option<u64>,
    /// Wait this many milliseconds before each further event.
    pub event_delay_ms: Option<u64>,
    /// Reset the TCP connection after this many events. An answer that is not streamed counts as one event: 0 cuts
    /// after its headers, 1 or more in its middle.
    pub cut_after_events: Option<u32>,
    /// End the body in good order after this many events, the final ones missing.
    pub close_after_events: Option<u32>,
    /// Send the provider's own error event after this many events and end. Anthropic sends at least `message_start` and
    /// `ping` first. An answer that is not streamed becomes the error with its status.
    pub error_event_after: Option<u32>,
    /// Fall silent after this many events, the connection open.
    pub hang_after_events: Option<u32>,
    /// Accept the request and never answer.
    pub hang: bool,
    /// Reset the connection instead of sending a status line.
    pub reset: bool,
    /// Close the listener, so that connects are refused until the fault is removed. Stands alone.
    pub refuse: bool,
    /// Answer 200 with this text instead of the real answer.
    pub body: Option<String>,
    /// Overrides the content type of `body` or of the real answer.
    pub content_type: Option<String>,
}

impl Fault {
    /// Answers with a status.
    pub fn status(status: u16) -> Self {
        Self { status: Some(status), ..Self::default() }
    }

    /// Never answers.
    pub fn hang() -> Self {
        Self { hang: true, ..Self::default() }
    }

    /// Refuses connects.
    pub fn refuse() -> Self {
        Self { refuse: true, ..Self::default() }
    }

    /// Resets the connection before the status line.
    pub fn reset() -> Self {
        Self { reset: true, ..Self::default() }
    }

    /// Resets the connection after `events` events.
    pub fn cut_after(events: u32) -> Self {
        Self { cut_after_events: Some(events), ..Self::default() }
    }

    /// Ends the body in good order after `events` events.
    pub fn close_after(events: u32) -> Self {
        Self { close_after_events: Some(events), ..Self::default() }
    }

    /// Sends the provider's error event after `events` events.
    pub fn error_event_after(events: u32) -> Self {
        Self { error_event_after: Some(events), ..Self::default() }
    }

    /// Falls silent after `events` events.
    pub fn hang_after(events: u32) -> Self {
        Self { hang_after_events: Some(events), ..Self::default() }
    }

    /// Waits before the status line.
    pub fn delay(delay: Duration) -> Self {
        Self { delay_ms: Some(u64::try_from(delay.as_millis()).unwrap_or(MAX_DELAY_MS)), ..Self::default() }
    }

    /// Waits before each event after the first.
    pub fn event_delay(delay: Duration) -> Self {
        Self { event_delay_ms: Some(u64::try_from(delay.as_millis()).unwrap_or(MAX_DELAY_MS)), ..Self::default() }
    }

    /// Answers 200 with this text.
    pub fn body(text: impl Into<String>) -> Self {
        Self { body: Some(text.into()), ..Self::default() }
    }

    /// Hits only this many requests.
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    /// Hits only requests for this model.
    pub fn for_model(mut self, model: impl Into<String>) -> Self {
        self.model = Some(model.into());
        self
    }

    /// What is wrong with it, if anything.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.status.is_some_and(|status| !(400..=599).contains(&status)) {
            return Err("status must be 400 to 599".to_owned());
        }
        if self.probability.is_some_and(|share| !(0.0..=1.0).contains(&share)) {
            return Err("probability must be 0 to 1".to_owned());
        }
        let delays = [self.delay_ms, self.first_event_delay_ms, self.event_delay_ms];
        if delays.into_iter().flatten().any(|delay| delay > MAX_DELAY_MS) {
            return Err(format!("a delay must not be longer than {MAX_DELAY_MS} ms"));
        }
        let ends = [
            self.cut_after_events.is_some(),
            self.close_after_events.is_some(),
            self.error_event_after.is_some(),
            self.hang_after_events.is_some(),
            self.hang,
            self.reset,
            self.status.is_some() && self.error_event_after.is_none(),
        ];
        if ends.into_iter().filter(|set| *set).count() > 1 {
            return Err("a fault ends a request in one way: set one of status, hang, reset, cut_after_events, \
                        close_after_events, error_event_after, hang_after_events"
                .to_owned());
        }
        if self.refuse && *self != Self::refuse() {
            return Err("refuse stands alone: connects are refused until the fault is removed".to_owned());
        }
        if *self
            == (Self { times: self.times, model: self.model.clone(), probability: self.probability, ..Self::default() })
        {
            return Err("the fault does nothing: set status, a delay, hang, refuse, body, …".to_owned());
        }
        Ok(())
    }
}

/// The faults of one provider, in order.
#[derive(Debug, Default)]
pub(crate) struct FaultQueue {
    faults: Vec<Fault>,
    draws: u64,
}

impl FaultQueue {
    pub(crate) fn replace(&mut self, faults: Vec<Fault>) {
        *self = Self { faults, draws: 0 };
    }

    /// The fault that hits a request for `model`, counted down.
    pub(crate) fn next(&mut self, model: Option<&str>) -> Option<Fault> {
        for fault in &mut self.faults {
            let other_model = fault.model.is_some() && fault.model.as_deref() != model;
            if other_model || fault.times == Some(0) || fault.refuse {
                continue;
            }
            if let Some(share) = fault.probability {
                self.draws = self.draws.wrapping_add(1);
                if draw(self.draws) >= share {
                    continue;
                }
            }
            fault.times = fault.times.map(|times| times.saturating_sub(1));
            return Some(fault.clone());
        }
        None
    }
}

/// The `n`-th number in 0..1 of a fixed sequence (SplitMix64), so that a run can be repeated.
fn draw(n: u64) -> f64 {
    let mut z = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^= z >> 31;
    (z >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(faults: impl Into<Vec<Fault>>) -> FaultQueue {
        let mut queue = FaultQueue::default();
        queue.replace(faults.into());
        queue
    }

    #[test]
    fn faults_are_used_up_in_order() {
        let mut queue = queue([Fault::status(429).times(2), Fault::status(500).times(1)]);
        let statuses: Vec<_> = (0..4).map(|_| queue.next(None).and_then(|fault| fault.status)).collect();
        assert_eq!(statuses, [Some(429), Some(429), Some(500), None]);
    }

    #[test]
    fn a_model_filter_hits_only_that_model() {
        let mut queue = queue([Fault::status(404).for_model("a")]);
        assert!(queue.next(Some("b")).is_none());
        assert!(queue.next(None).is_none());
        assert!(queue.next(Some("a")).is_some());
    }

    #[test]
    fn a_probability_hits_its_share_and_the_same_requests_each_run() {
        let run = || {
            let mut queue = queue([Fault { probability: Some(0.25), ..Fault::status(503) }]);
            (0..1000).map(|_| queue.next(None).is_some()).collect::<Vec<_>>()
        };
        let hits = run().into_iter().filter(|hit| *hit).count();
        assert!((200..300).contains(&hits), "{hits} of 1000");
        assert_eq!(run(), run());
    }

    #[test]
    fn a_fault_that_makes_no_sense_is_refused() {
        let both = Fault { hang: true, ..Fault::status(500) };
        let counted_refusal = Fault::refuse().times(1);
        for fault in [Fault::default(), Fault::status(200), both, counted_refusal, Fault::default().times(1)] {
            assert!(fault.check().is_err(), "{fault:?}");
        }
        assert_eq!(Fault { status: Some(503), ..Fault::error_event_after(0) }.check(), Ok(()));
    }
}
