//! Effects of core as host calls.

use crate::exchanges;
use crate::host::{self, Buffer, Level, Map};
use proxy_wasm::types::Action;
use weir_core::exchange::{Effect, Flow, Step};

/// Does what `step` says for the stream of `context_id`.
pub(crate) fn apply(context_id: u32, step: Step) -> Action {
    for effect in step.effects {
        let outcome = match &effect {
            // Without them the request would go out under the headers of another attempt.
            Effect::RequestHeaders(headers) => host::set_headers(Map::RequestHeaders, headers)
                .or_else(|_| host::reply(503, "weir_headers_refused", &Vec::new(), b"")),
            Effect::RequestBody(bytes) => host::set_buffer(Buffer::RequestBody, bytes),
            Effect::ResponseHeaders(headers) => host::set_headers(Map::ResponseHeaders, headers),
            Effect::ResponseBody(bytes) => host::set_buffer(Buffer::ResponseBody, bytes),
            Effect::Reset => host::reset(),
            Effect::Reply(reply) => host::reply(reply.status, "weir", &reply.headers, &reply.body),
            // The context that calls keeps it until the answer comes.
            Effect::Call(_) => Ok(()),
            Effect::Publish(exchange) => exchanges::publish(context_id, exchange),
        };
        if let Err(status) = outcome {
            host::log(Level::Warn, &format!("weir: the host refused {}: {status:?}", name(&effect)));
        }
    }
    match step.flow {
        Flow::Continue => Action::Continue,
        Flow::Wait(_) => Action::Pause,
    }
}

fn name(effect: &Effect) -> &'static str {
    match effect {
        Effect::RequestHeaders(_) => "request headers",
        Effect::RequestBody(_) => "a request body",
        Effect::ResponseHeaders(_) => "response headers",
        Effect::ResponseBody(_) => "a response body",
        Effect::Reset => "a reset",
        Effect::Reply(_) => "a reply",
        Effect::Publish(_) => "filter state",
        Effect::Call(_) => "a call",
    }
}
