//! Calls to the sidecar that are under way, of one context: the host gives an answer to the context that called.

use crate::host::{self, Buffer, Map};
use std::cell::RefCell;
use std::time::Duration;
use weir_core::exchange::FrontEvent;
use weir_core::gateway::Gateway;
use weir_core::sidecar::{Call, Reply};

#[derive(Default)]
pub(crate) struct Calls(RefCell<Vec<UnderWay>>);

struct UnderWay {
    /// The host's.
    token: u32,
    /// The context whose request waits for it, if that is not the one that called.
    asker: Option<u32>,
    call: Call,
}

const CLUSTER: &str = "sidecar";

impl Calls {
    /// Sends calls. What a look into the cache brought is an event for the request that asked; here, that a call could
    /// not be sent at all.
    pub(crate) fn send(&self, gateway: &Gateway, calls: Vec<Call>, asker: Option<u32>) -> Option<FrontEvent<'static>> {
        let mut event = None;
        for call in calls {
            let secret = gateway.sidecar_secret().map(|secret| format!("Bearer {secret}"));
            let mut headers = vec![
                (":method", "POST"),
                (":path", call.path),
                (":authority", CLUSTER),
                ("content-type", "application/cbor"),
            ];
            headers.extend(secret.as_deref().map(|secret| ("authorization", secret)));
            headers.extend(call.traceparent.as_deref().map(|traceparent| ("traceparent", traceparent)));
            match host::call(CLUSTER, &headers, &call.body, Duration::from_millis(call.timeout)) {
                Ok(token) => self.0.borrow_mut().push(UnderWay { token, asker, call }),
                Err(()) => event = over(gateway, &call, Reply::None).or(event),
            }
        }
        event
    }

    /// The answer to one has come, or that there will be none.
    pub(crate) fn answered(
        &self,
        gateway: &Gateway,
        token: u32,
        headers: usize,
        size: usize,
    ) -> Option<(Option<u32>, FrontEvent<'static>)> {
        let UnderWay { asker, call, .. } = {
            let mut calls = self.0.borrow_mut();
            let index = calls.iter().position(|one| one.token == token)?;
            calls.swap_remove(index)
        };
        let status = (headers > 0).then(|| host::header(Map::CallResponseHeaders, ":status")).flatten();
        let event = match status.and_then(|status| status.parse().ok()) {
            None => over(gateway, &call, Reply::None),
            Some(status) => {
                let body = host::buffer(Buffer::CallResponseBody, size).unwrap_or_default();
                over(gateway, &call, Reply::Answer { status, body: &body })
            }
        };
        Some((asker, event?))
    }

    /// The context goes, and nobody hears of its answers any more.
    pub(crate) fn abandon(&self, gateway: &Gateway) {
        self.0.take().iter().for_each(|one| gateway.abandoned(&one.call, host::now()));
    }
}

fn over(gateway: &Gateway, call: &Call, reply: Reply<'_>) -> Option<FrontEvent<'static>> {
    let found = gateway.called(call, reply, host::now());
    call.is_lookup().then_some(FrontEvent::Looked { found })
}
