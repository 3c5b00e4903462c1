//! The front role: a filter on the listener.

use crate::apply::apply;
use crate::exchanges;
use crate::host::{self, Buffer, Map};
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;
use std::rc::Rc;
use weir_core::exchange::{Front, FrontEvent};
use weir_core::gateway::Gateway;

/// One request on the listener.
pub(crate) struct FrontContext {
    context_id: u32,
    front: Front,
}

impl FrontContext {
    pub(crate) fn new(context_id: u32, gateway: Rc<Gateway>) -> Self {
        Self { context_id, front: Front::new(gateway) }
    }

    fn step(&mut self, event: FrontEvent<'_>) -> Action {
        apply(self.context_id, self.front.step(event))
    }

    fn complete(&mut self, size: usize) -> Action {
        let body = host::buffer(Buffer::RequestBody, size).unwrap_or_default();
        self.step(FrontEvent::RequestComplete { body, now: host::now() })
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
        if end_of_stream && self.front.is_reading() {
            return self.step(FrontEvent::RequestComplete { body: Vec::new(), now: host::now() });
        }
        action
    }

    fn on_http_request_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        if !self.front.is_reading() {
            return Action::Continue;
        }
        let action = self.step(FrontEvent::RequestBody { size });
        if end_of_stream && self.front.is_reading() { self.complete(size) } else { action }
    }

    /// With trailers the last part of the body does not say that it is the last.
    fn on_http_request_trailers(&mut self, _count: usize) -> Action {
        // They are the client's, and go to nobody.
        let _ = host::set_headers(Map::RequestTrailers, &Vec::new());
        if self.front.is_reading() { self.complete(usize::MAX) } else { Action::Continue }
    }

    fn on_http_response_headers(&mut self, _count: usize, _end_of_stream: bool) -> Action {
        if !self.front.minds_response() {
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
    fn drop(&mut self) {
        exchanges::withdraw(self.context_id);
    }
}
