//! What a state machine says to its host.

use super::Exchange;
use crate::headers::HeaderList;
use crate::refusal::Reply;
use crate::sidecar::Call;
use std::rc::Rc;

/// The answer to one event: do this, then go on or wait.
#[must_use]
pub struct Step {
    pub effects: Vec<Effect>,
    pub flow: Flow,
}

/// Something the host does, in the order given.
pub enum Effect {
    /// Replace all request headers by these.
    RequestHeaders(HeaderList),
    /// Replace the request body that is held or passing by.
    RequestBody(Vec<u8>),
    /// Replace all response headers by these.
    ResponseHeaders(HeaderList),
    /// Replace the response body that is held or passing by.
    ResponseBody(Vec<u8>),
    /// Answer the client at once; nothing goes upstream.
    Reply(Reply),
    /// Break the answer off: the client must see that it is not complete.
    Reset,
    /// Send it to the sidecar.
    Call(Call),
    /// Let the attempts of this request find the exchange.
    Publish(Rc<Exchange>),
}

/// Whether what the event brought may go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    Continue,
    /// Hold it. The waker is the only thing that ends the wait.
    Wait(Waker),
}

/// What ends a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waker {
    /// More of the request's body.
    RequestBody,
    /// More of the response's body.
    ResponseBody,
    /// The sidecar's answer.
    Sidecar,
    /// Another request of this worker, which brings the answer.
    Flight,
    /// A turn in the waiting room.
    Turn,
    /// Nothing: an [`Effect::Reply`] has taken the request's place.
    Replied,
}

impl Step {
    /// Whether the request waits for what other requests do.
    pub fn waits_for_others(&self) -> bool {
        matches!(self.flow, Flow::Wait(Waker::Flight | Waker::Turn))
    }

    /// Whether the request goes on waiting.
    pub fn waits_on(&self) -> bool {
        matches!(self.flow, Flow::Wait(Waker::Flight | Waker::Turn | Waker::Sidecar))
    }

    /// What is to be sent to the sidecar, taken out of the effects: the host hears of each answer.
    pub fn take_calls(&mut self) -> Vec<Call> {
        let is_call = |effect: &mut Effect| matches!(effect, Effect::Call(_));
        let calls = self.effects.extract_if(.., is_call);
        calls.filter_map(|effect| if let Effect::Call(call) = effect { Some(call) } else { None }).collect()
    }

    pub(super) fn go_on(effects: Vec<Effect>) -> Self {
        Self { effects, flow: Flow::Continue }
    }

    pub(super) fn wait(waker: Waker, effects: Vec<Effect>) -> Self {
        Self { effects, flow: Flow::Wait(waker) }
    }

    pub(super) fn reply(reply: Reply) -> Self {
        Self { effects: vec![Effect::Reply(reply)], flow: Flow::Wait(Waker::Replied) }
    }
}
