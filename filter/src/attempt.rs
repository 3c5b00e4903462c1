//! The attempt role: an upstream filter of the chain's cluster, made anew for each attempt.

use crate::apply::apply;
use crate::exchanges;
use crate::host::{self, Buffer, Level, Map};
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;
use weir_core::exchange::{Attempt, AttemptEvent};

/// One attempt.
pub(crate) struct AttemptContext {
    context_id: u32,
    /// None until the headers say which provider it is for.
    attempt: Option<Attempt>,
}

impl AttemptContext {
    pub(crate) fn new(context_id: u32) -> Self {
        Self { context_id, attempt: None }
    }

    fn step(&mut self, event: AttemptEvent<'_>) -> Action {
        match &mut self.attempt {
            Some(attempt) => apply(self.context_id, attempt.step(event)),
            None => Action::Continue,
        }
    }
}

/// The provider that Envoy picked: its endpoint carries the name.
fn provider() -> Option<String> {
    let name = host::property(&["xds", "upstream_host_metadata", "filter_metadata", "weir", "provider"])?;
    String::from_utf8(name).ok()
}

impl Context for AttemptContext {}

impl HttpContext for AttemptContext {
    fn on_http_request_headers(&mut self, _count: usize, _end_of_stream: bool) -> Action {
        self.attempt = exchanges::find().zip(provider()).and_then(|(exchange, name)| Attempt::begin(exchange, &name));
        if self.attempt.is_none() {
            // Only a configuration that `weir render` did not write comes here. Nothing of the client's goes out: the
            // headers hold no key, and the body is the placeholder.
            host::log(Level::Error, "weir: an attempt without an exchange or a provider");
        }
        let traceparent = host::header(Map::RequestHeaders, "traceparent");
        let tracestate = traceparent.as_ref().and_then(|_| host::header(Map::RequestHeaders, "tracestate"));
        self.step(AttemptEvent::RequestHeaders {
            traceparent: traceparent.as_deref(),
            tracestate: tracestate.as_deref(),
        })
    }

    fn on_http_request_body(&mut self, _size: usize, end: bool) -> Action {
        self.step(AttemptEvent::RequestBody { end })
    }

    fn on_http_response_headers(&mut self, _count: usize, end: bool) -> Action {
        let headers = host::headers(Map::ResponseHeaders).unwrap_or_default();
        let status = headers.text(":status").and_then(|status| status.parse().ok()).unwrap_or(502);
        self.step(AttemptEvent::ResponseHeaders { status, headers: &headers, end })
    }

    fn on_http_response_body(&mut self, size: usize, end: bool) -> Action {
        let chunk = host::buffer(Buffer::ResponseBody, size).unwrap_or_default();
        self.step(AttemptEvent::ResponseBody { chunk: &chunk, end })
    }

    /// With trailers the last part of the body did not say that it was the last.
    fn on_http_response_trailers(&mut self, _count: usize) -> Action {
        self.step(AttemptEvent::ResponseBody { chunk: &[], end: true })
    }

    fn on_log(&mut self) {
        if !self.attempt.as_ref().is_some_and(Attempt::is_open) {
            return;
        }
        let details = host::property(&["response", "code_details"]).unwrap_or_default();
        let _ = self.step(AttemptEvent::Closed { details: &String::from_utf8_lossy(&details) });
    }
}
