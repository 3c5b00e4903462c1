//! What differs between the providers, behind one closed enum.

use std::time::Duration;

use hyper::{HeaderMap, http::request::Parts};
use serde_json::Value;

use crate::{
    answer::Usage,
    anthropic,
    credential::Credentials,
    events::Events,
    gemini,
    limits::Headroom,
    openai,
    provider::Provider,
    refusal::{Checked, Refusal},
    reply::Reply,
    route::{Framing, Route},
};

/// A request that passed the door: what a provider's module needs to answer it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call<'a> {
    pub(crate) route: &'a Route,
    pub(crate) parts: &'a Parts,
    /// `null` for a GET.
    pub(crate) document: &'a Value,
    pub(crate) reply: &'a Reply,
    /// Number of the answer, for ids.
    pub(crate) serial: u64,
    /// Seconds since 1970.
    pub(crate) created: u64,
}

/// An answer as it goes over the wire, before its pace.
#[derive(Clone, Debug)]
pub(crate) struct Answered {
    pub(crate) events: Events,
    pub(crate) content_type: &'static str,
    pub(crate) streamed: bool,
    pub(crate) usage: Usage,
}

impl Answered {
    pub(crate) fn json(events: Events, usage: Usage) -> Self {
        Self { events, content_type: "application/json", streamed: false, usage }
    }

    pub(crate) fn stream(events: Events, usage: Usage) -> Self {
        Self { events, content_type: "text/event-stream; charset=utf-8", streamed: true, usage }
    }
}

/// What the response headers tell.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts<'a> {
    pub(crate) serial: u64,
    pub(crate) status: u16,
    pub(crate) headroom: &'a Headroom,
    /// Since 1970.
    pub(crate) now: Duration,
    pub(crate) elapsed: Duration,
}

impl Provider {
    pub(crate) fn route(self, parts: &Parts) -> Checked<Route> {
        match self {
            Self::OpenAi => openai::route(parts),
            Self::Anthropic => anthropic::route(parts),
            Self::Gemini => gemini::route(parts),
        }
    }

    pub(crate) fn authorize(self, parts: &Parts, credentials: &Credentials) -> Checked {
        match self {
            Self::OpenAi => openai::authorize(parts, credentials),
            Self::Anthropic => anthropic::authorize(parts, credentials),
            Self::Gemini => gemini::authorize(parts, credentials),
        }
    }

    pub(crate) fn answer(self, call: &Call<'_>) -> Checked<Answered> {
        match self {
            Self::OpenAi => openai::answer(call),
            Self::Anthropic => anthropic::answer(call),
            Self::Gemini => gemini::answer(call),
        }
    }

    /// The body of an error answer and its content type.
    pub(crate) fn error(self, refusal: &Refusal, framing: Framing, serial: u64) -> (Vec<u8>, &'static str) {
        match self {
            Self::OpenAi => openai::error::document(refusal),
            Self::Anthropic => anthropic::error::document(refusal, serial),
            Self::Gemini => gemini::error::document(refusal, framing),
        }
    }

    /// The same error after `events` events of a stream.
    pub(crate) fn error_event(self, refusal: &Refusal, framing: Framing, events: u32) -> Vec<u8> {
        match self {
            Self::OpenAi => openai::error::event(refusal, framing, events),
            Self::Anthropic => anthropic::error::event(refusal),
            Self::Gemini => gemini::error::event(refusal, framing, events),
        }
    }

    /// Events that always leave before an error event.
    pub(crate) fn preamble_events(self) -> u32 {
        match self {
            Self::OpenAi | Self::Gemini => 0,
            // `message_start` and `ping`: the provider accepts the request before it finds out that it is overloaded.
            Self::Anthropic => 2,
        }
    }

    pub(crate) fn headers(self, headers: &mut HeaderMap, facts: &Facts<'_>) {
        match self {
            Self::OpenAi => openai::headers::write(headers, facts),
            Self::Anthropic => anthropic::headers::write(headers, facts),
            Self::Gemini => gemini::headers::write(headers, facts),
        }
    }

    /// The real message for a status, and the code or type that `fault` asks for.
    pub(crate) fn failure(self, status: u16, code: Option<&str>) -> Refusal {
        match self {
            Self::OpenAi => openai::error::failure(status, code),
            Self::Anthropic => anthropic::error::failure(status, code),
            Self::Gemini => gemini::error::failure(status, code),
        }
    }

    /// The status an error event stands for unless the fault says otherwise.
    pub(crate) fn overload_status(self) -> u16 {
        match self {
            Self::OpenAi => 500,
            Self::Anthropic => 529,
            Self::Gemini => 503,
        }
    }
}
