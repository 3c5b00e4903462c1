//! The front role: a filter on the listener.

use crate::apply::apply;
use crate::attempt;
use crate::calls::Calls;
use crate::exchanges;
use crate::host::{self, Buffer, Map};
use crate::turns::Turns;
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;
use std::cell::RefCell;
use std::rc::Rc;
use weir_core::exchange::{Front, FrontEvent, LOG_PROPERTY};
use weir_core::gateway::Gateway;

/// One request on the listener.
pub(crate) struct FrontContext {
    context_id: u32,
    /// Shared with the root, which tells it when it is its turn.
    front: Rc<RefCell<Front>>,
    gateway: Rc<Gateway>,
    turns: Rc<Turns>,
    calls: Calls,
}

impl FrontContext {
    pub(crate) fn new(context_id: u32, gateway: Rc<Gateway>, turns: Rc<Turns>) -> Self {
        let front = Rc::new(RefCell::new(Front::new(gateway.clone(), context_id)));
        Self { context_id, front, gateway, turns, calls: Calls::default() }
    }

    fn step(&mut self, event: FrontEvent<'_>) -> Action {
        let mut step = self.front.borrow_mut().step(host::now(), event);
        let calls = step.take_calls();
        if step.waits_for_others() {
            self.turns.await_turn(self.context_id, &self.front);
        }
        let action = apply(self.context_id, step);
        let action = match self.calls.send(&self.gateway, calls, None) {
            // It could not even be asked: the request goes on without.
            Some(event) => self.step(event),
            None => action,
        };
        self.turns.hurry(&self.gateway);
        action
    }

    fn complete(&mut self, size: usize) -> Action {
        let micros = host::micros();
        let body = host::buffer(Buffer::RequestBody, size).unwrap_or_default();
        self.step(FrontEvent::RequestComplete { body, micros })
    }

    fn is_reading(&self) -> bool {
        self.front.borrow().is_reading()
    }
}

impl Context for FrontContext {
    fn on_http_call_response(&mut self, token: u32, headers: usize, body_size: usize, _trailers: usize) {
        let event = self.calls.answered(&self.gateway, token, headers, body_size);
        if let Some((_, event)) = event
            && self.step(event) == Action::Continue
        {
            let _ = host::resume();
        }
        self.turns.lease_round(&self.gateway, &self.calls);
        let _ = host::act_for(self.context_id);
    }
}

impl HttpContext for FrontContext {
    fn on_http_request_headers(&mut self, _count: usize, end_of_stream: bool) -> Action {
        let headers = host::headers(Map::RequestHeaders).unwrap_or_default();
        #[cfg(feature = "test-panic")]
        if headers.text("x-weir-test-panic").is_some() {
            std::process::abort();
        }
        let action = self.step(FrontEvent::RequestHeaders { headers: &headers });
        if end_of_stream && self.is_reading() {
            return self.step(FrontEvent::RequestComplete { body: Vec::new(), micros: host::micros() });
        }
        action
    }

    fn on_http_request_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        if !self.is_reading() {
            return Action::Continue;
        }
        let action = self.step(FrontEvent::RequestBody { size });
        if end_of_stream && self.is_reading() { self.complete(size) } else { action }
    }

    /// With trailers the last part of the body does not say that it is the last.
    fn on_http_request_trailers(&mut self, _count: usize) -> Action {
        // They are the client's, and go to nobody.
        let _ = host::set_headers(Map::RequestTrailers, &Vec::new());
        if self.is_reading() { self.complete(usize::MAX) } else { Action::Continue }
    }

    fn on_http_response_headers(&mut self, _count: usize, _end_of_stream: bool) -> Action {
        if !self.front.borrow().minds_response() {
            return Action::Continue;
        }
        let status = host::headers(Map::ResponseHeaders).ok();
        let status = status.and_then(|headers| headers.text(":status")?.parse().ok()).unwrap_or(502);
        let details = host::property(&["response", "code_details"]).unwrap_or_default();
        let details = String::from_utf8_lossy(&details);
        self.step(FrontEvent::ResponseHeaders { status, details: &details })
    }

    /// What the answer's end has left to be told is told at once.
    fn on_http_response_body(&mut self, _size: usize, end_of_stream: bool) -> Action {
        if end_of_stream {
            self.turns.hurry(&self.gateway);
        }
        Action::Continue
    }

    /// Keeps what is to be said of the request where the access log, which is written next, finds it.
    fn on_log(&mut self) {
        // Envoy lets go of them only afterwards, and the log shall say how they ended.
        exchanges::attempts(self.context_id).iter().for_each(|attempt| attempt::close(attempt));
        let log = self.front.borrow_mut().log(host::now());
        if let Some(log) = log {
            let _ = host::set_property(LOG_PROPERTY, log.as_bytes());
        }
    }
}

impl Drop for FrontContext {
    /// The stream is gone, whether it was answered or its client left.
    fn drop(&mut self) {
        let _ = self.front.borrow_mut().step(host::now(), FrontEvent::Closed);
        self.turns.forget(self.context_id);
        self.calls.abandon(&self.gateway);
        self.turns.hurry(&self.gateway);
        exchanges::withdraw(self.context_id);
    }
}
