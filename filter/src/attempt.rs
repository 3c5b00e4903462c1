//! The attempt role: an upstream filter of the chain's cluster, made anew for each attempt.

use crate::apply::apply;
use crate::exchanges;
use crate::host::{self, Buffer, Level, Map};
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;
use std::cell::RefCell;
use std::rc::Rc;
use weir_core::exchange::{Attempt, AttemptEvent};

/// One attempt.
pub(crate) struct AttemptContext {
    context_id: u32,
    /// None until the headers say which provider it is for.
    attempt: Option<Rc<RefCell<Attempt>>>,
}

impl AttemptContext {
    pub(crate) fn new(context_id: u32) -> Self {
        Self { context_id, attempt: None }
    }

    fn step(&mut self, event: AttemptEvent<'_>) -> Action {
        let Some(attempt) = &self.attempt else { return Action::Continue };
        let step = attempt.borrow_mut().step(host::now(), event);
        apply(self.context_id, step)
    }

    fn knows(&self, what: impl Fn(&Attempt) -> bool) -> bool {
        self.attempt.as_ref().is_some_and(|attempt| what(&attempt.borrow()))
    }
}

/// Its request is over, or goes on without it.
pub(crate) fn close(attempt: &RefCell<Attempt>) {
    if attempt.borrow().is_open() {
        let details = host::property(&["response", "code_details"]).unwrap_or_default();
        let details = String::from_utf8_lossy(&details);
        let _ = attempt.borrow_mut().step(host::now(), AttemptEvent::Closed { details: &details });
    }
}

/// Answers in the provider's place, with headers that say nothing.
fn refuse() -> Action {
    let headers = vec![(":method".into(), b"GET".to_vec()), (":path".into(), b"/".to_vec())];
    let _ = host::set_headers(Map::RequestHeaders, &headers);
    let _ = host::reply(503, "weir_no_exchange", &Vec::new(), b"");
    Action::Pause
}

/// The provider that Envoy picked: its endpoint carries the name.
fn provider() -> Option<String> {
    let name = host::property(&["xds", "upstream_host_metadata", "filter_metadata", "weir", "provider"])?;
    String::from_utf8(name).ok()
}

impl Context for AttemptContext {}

impl HttpContext for AttemptContext {
    fn on_http_request_headers(&mut self, _count: usize, _end_of_stream: bool) -> Action {
        self.attempt = provider().and_then(|name| exchanges::begin(&name));
        if self.attempt.is_none() {
            // The VM was reloaded since the request came, or `weir render` did not write this configuration. The
            // headers may be those of an earlier attempt, its credential among them: nothing goes out.
            host::log(Level::Error, "weir: an attempt without an exchange or a provider");
            return refuse();
        }
        let traceparent = host::header(Map::RequestHeaders, "traceparent");
        let tracestate = traceparent.as_ref().and_then(|_| host::header(Map::RequestHeaders, "tracestate"));
        self.step(AttemptEvent::RequestHeaders {
            traceparent: traceparent.as_deref(),
            tracestate: tracestate.as_deref(),
        })
    }

    fn on_http_request_body(&mut self, _size: usize, _end_of_stream: bool) -> Action {
        self.step(AttemptEvent::RequestBody { micros: host::micros() })
    }

    fn on_http_response_headers(&mut self, _count: usize, end: bool) -> Action {
        let headers = host::headers(Map::ResponseHeaders).unwrap_or_default();
        let status = headers.text(":status").and_then(|status| status.parse().ok()).unwrap_or(502);
        self.step(AttemptEvent::ResponseHeaders { status, headers: &headers, end })
    }

    fn on_http_response_body(&mut self, size: usize, end: bool) -> Action {
        let begun = self.knows(Attempt::is_running).then(host::micros);
        let chunk = host::buffer(Buffer::ResponseBody, size).unwrap_or_default();
        let action = self.step(AttemptEvent::ResponseBody { chunk: &chunk, end });
        if let (Some(begun), Some(attempt)) = (begun, &self.attempt) {
            attempt.borrow().passed(host::micros().saturating_sub(begun));
        }
        action
    }

    /// With trailers the last part of the body did not say that it was the last.
    fn on_http_response_trailers(&mut self, _count: usize) -> Action {
        self.step(AttemptEvent::ResponseTrailers)
    }
}

impl Drop for AttemptContext {
    /// `on_log` does not run for an attempt that Envoy gave up; this does for each.
    fn drop(&mut self) {
        if let Some(attempt) = &self.attempt {
            close(attempt);
        }
    }
}
