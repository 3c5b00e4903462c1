//! The front role: a filter on the listener.

use crate::apply::apply;
use crate::exchanges;
use crate::host::{self, Buffer, Map};
use crate::turns::Turns;
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;
use std::cell::RefCell;
use std::rc::Rc;
use weir_core::exchange::{Front, FrontEvent};
use weir_core::gateway::Gateway;

/// One request on the listener.
pub(crate) struct FrontContext {
    context_id: u32,
    /// Shared with the root, which tells it when it is its turn.
    front: Rc<RefCell<Front>>,
    turns: Rc<Turns>,
}

impl FrontContext {
    pub(crate) fn new(context_id: u32, gateway: Rc<Gateway>, turns: Rc<Turns>) -> Self {
        Self { context_id, front: Rc::new(RefCell::new(Front::new(gateway, context_id))), turns }
    }

    fn step(&mut self, event: FrontEvent<'_>) -> Action {
        let step = self.front.borrow_mut().step(host::now(), event);
        if step.waits_for_turn() {
            self.turns.await_turn(self.context_id, &self.front);
        }
        apply(self.context_id, step)
    }

    fn complete(&mut self, size: usize) -> Action {
        let body = host::buffer(Buffer::RequestBody, size).unwrap_or_default();
        self.step(FrontEvent::RequestComplete { body })
    }

    fn is_reading(&self) -> bool {
        self.front.borrow().is_reading()
    }
}

impl Context for FrontContext {}

impl HttpContext for FrontContext {
    fn on_http_request_headers(&mut self, _count: usize, end_of_stream: bool) -> Action {
        let headers = host::headers(Map::RequestHeaders).unwrap_or_default();
        #[cfg(feature = "test-panic")]
        if headers.text("x-weir-test-panic").is_some() {
            std::process::abort();
        }
        let action = self.step(FrontEvent::RequestHeaders { headers: &headers });
        if end_of_stream && self.is_reading() {
            return self.step(FrontEvent::RequestComplete { body: Vec::new() });
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
}

impl Drop for FrontContext {
    /// The stream is gone, whether it was answered or its client left.
    fn drop(&mut self) {
        let _ = self.front.borrow_mut().step(host::now(), FrontEvent::Closed);
        self.turns.forget(self.context_id);
        exchanges::withdraw(self.context_id);
    }
}
