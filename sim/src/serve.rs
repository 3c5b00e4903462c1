//! Life of a request: receive, journal, door, fault, answer, rate limit, pace.

use std::{future::pending, sync::Arc, time::Instant};

use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::{
    HeaderMap, Method, Request, Response,
    body::Incoming,
    header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER},
};
use tokio::time::{Duration, sleep};

use crate::{
    body::{Body, Pace},
    clock::unix_now,
    dialect::{Answered, Call, Facts},
    door::{self, Entered},
    events::Events,
    exchange::Exchange,
    fault::Fault,
    journal::Outcome,
    limits::{Limited as RateLimited, Scope},
    provider::Provider,
    refusal::Refusal,
    route::Framing,
    state::Station,
    sync::lock,
    wire::{ConnectionReset, ResetSwitch},
};

/// The longest request body, Anthropic's documented 32 MB; the others are not known to accept more.
const MAX_BODY: usize = 32 << 20;

pub(crate) async fn serve(
    station: Arc<Station>,
    switch: ResetSwitch,
    request: Request<Incoming>,
) -> Result<Response<Body>, ConnectionReset> {
    let started = Instant::now();
    let (parts, body) = request.into_parts();
    let (body, too_large) = match Limited::new(body, MAX_BODY).collect().await {
        Ok(body) => (body.to_bytes(), false),
        Err(error) if error.is::<LengthLimitError>() => (Bytes::new(), true),
        // The client left while it was sending: nothing was received.
        Err(_) => return Err(ConnectionReset),
    };
    let mut exchange = Exchange::open(station, parts, &body, started);
    match decide(&mut exchange, &body, too_large).await {
        Decision::Answer(response) => Ok(response.send(exchange, switch)),
        Decision::Hang => {
            exchange.hung();
            pending().await
        }
        Decision::Reset => {
            exchange.finish(Outcome::Cut);
            Err(switch.pull())
        }
    }
}

enum Decision {
    Answer(Planned),
    Hang,
    Reset,
}

async fn decide(exchange: &mut Exchange, body: &[u8], too_large: bool) -> Decision {
    let entered = match door::enter(exchange, body, too_large) {
        Ok(entered) => entered,
        Err(refusal) => return refuse(exchange, &refusal, Framing::Json),
    };
    let fault = lock(&exchange.station().faults).next(entered.model());
    let Some(fault) = fault else { return answer(exchange, &entered, &Fault::default()) };
    if let Some(delay) = fault.delay_ms {
        sleep(Duration::from_millis(delay)).await;
    }
    if fault.hang {
        return Decision::Hang;
    }
    if fault.reset {
        return Decision::Reset;
    }
    if let (Some(status), None) = (fault.status, fault.error_event_after) {
        let refusal = failure(exchange, &fault, status);
        return refuse(exchange, &refusal, entered.route.framing);
    }
    if let Some(text) = &fault.body {
        let mut planned = Planned::new(exchange, 200, Events::one(text.clone()));
        planned.content_type(fault.content_type.as_deref().unwrap_or("application/json"));
        return Decision::Answer(planned);
    }
    answer(exchange, &entered, &fault)
}

fn answer(exchange: &mut Exchange, entered: &Entered, fault: &Fault) -> Decision {
    let framing = entered.route.framing;
    let document = match &entered.document {
        Ok(document) => document,
        Err(refusal) => return refuse(exchange, refusal, framing),
    };
    let station = exchange.station();
    let reply = station.reply();
    let call = Call {
        route: &entered.route,
        parts: exchange.parts(),
        document,
        reply: &reply,
        serial: exchange.serial(),
        created: unix_now().as_secs(),
    };
    let answered = match station.provider.answer(&call) {
        Ok(answered) => answered,
        Err(refusal) => return refuse(exchange, &refusal, framing),
    };
    if exchange.parts().method != Method::GET
        && let Err(limited) = exchange.admit(answered.usage.total())
    {
        return refuse(exchange, &rate_limited(exchange, limited), framing);
    }
    if fault.error_event_after.is_some() && !answered.streamed {
        let status = fault.status.unwrap_or(exchange.station().provider.overload_status());
        return refuse(exchange, &failure(exchange, fault, status), framing);
    }
    Decision::Answer(plan(exchange, answered, framing, fault))
}

/// The answer with the fault's pace and end.
fn plan(exchange: &Exchange, answered: Answered, framing: Framing, fault: &Fault) -> Planned {
    let Answered { mut events, content_type, streamed, usage } = answered;
    let station = exchange.station();
    station.counters.answered(streamed, usage.prompt, usage.completion);
    let pace = Pace::of(fault);
    if let Some(after) = fault.error_event_after {
        let after = after.max(station.provider.preamble_events());
        let status = fault.status.unwrap_or(station.provider.overload_status());
        let event = station.provider.error_event(&failure(exchange, fault, status), framing, after);
        events = pace.shorten(events, Some(after), true).followed_by(&event);
    }
    let after = fault.cut_after_events.or(fault.close_after_events).or(fault.hang_after_events);
    // A cut JSON answer still announces its whole length; an orderly but short one cannot.
    let announced = (!streamed && fault.close_after_events.is_none()).then(|| events.byte_len());
    events = pace.shorten(events, after, streamed);
    let mut planned = Planned::new(exchange, 200, events);
    planned.pace = pace;
    planned.announced = announced;
    planned.content_type(fault.content_type.as_deref().unwrap_or(content_type));
    planned
}

fn refuse(exchange: &Exchange, refusal: &Refusal, framing: Framing) -> Decision {
    let (body, content_type) = exchange.station().provider.error(refusal, framing, exchange.serial());
    let mut planned = Planned::new(exchange, refusal.status, Events::one(body));
    planned.content_type(content_type);
    // Gemini tells it in the body only.
    if let Some(retry_after) = refusal.retry_after
        && exchange.station().provider != Provider::Gemini
    {
        planned.headers.insert(RETRY_AFTER, HeaderValue::from(seconds_up(retry_after)));
        if refusal.retry_in_ms && exchange.station().provider == Provider::OpenAi {
            let millis = u64::try_from(retry_after.as_millis()).unwrap_or(u64::MAX);
            planned.headers.insert("retry-after-ms", HeaderValue::from(millis));
        }
    }
    Decision::Answer(planned)
}

/// The provider's error for a status, with what the fault overrides.
fn failure(exchange: &Exchange, fault: &Fault, status: u16) -> Refusal {
    let mut refusal = exchange.station().provider.failure(status, fault.code.as_deref());
    if let Some(error_type) = &fault.error_type {
        refusal.error_type = Some(error_type.clone().into());
    }
    if let Some(message) = &fault.message {
        refusal.message.clone_from(message);
    }
    if let Some(millis) = fault.retry_after_ms {
        refusal.retry_after = Some(Duration::from_millis(millis));
        refusal.retry_in_ms = true;
    }
    if let Some(seconds) = fault.retry_after {
        refusal.retry_after = Some(Duration::from_secs(seconds));
        refusal.retry_in_ms = fault.retry_after_ms.is_some();
    }
    refusal
}

fn rate_limited(exchange: &Exchange, limited: RateLimited) -> Refusal {
    let mut refusal = exchange.station().provider.failure(429, None);
    if limited.scope == Scope::Tokens && exchange.station().provider == Provider::OpenAi {
        refusal = refusal.with_type("tokens");
    }
    refusal.retry_after = Some(limited.retry_after);
    refusal.retry_in_ms = true;
    refusal
}

fn seconds_up(duration: Duration) -> u64 {
    duration.as_secs().saturating_add(u64::from(duration.subsec_nanos() > 0))
}

/// A response that is ready to be sent.
struct Planned {
    status: u16,
    headers: HeaderMap,
    events: Events,
    pace: Pace,
    /// Bytes to announce in `content-length`; `None` sends chunks.
    announced: Option<usize>,
}

impl Planned {
    fn new(exchange: &Exchange, status: u16, events: Events) -> Self {
        let station = exchange.station();
        let headroom = lock(&station.limiter).headroom(Instant::now());
        let mut headers = HeaderMap::with_capacity(16);
        let facts = Facts {
            serial: exchange.serial(),
            status,
            headroom: &headroom,
            now: unix_now(),
            elapsed: exchange.started().elapsed(),
        };
        station.provider.headers(&mut headers, &facts);
        let announced = Some(events.byte_len());
        Self { status, headers, events, pace: Pace::default(), announced }
    }

    fn content_type(&mut self, content_type: &str) {
        // A fault's content type may be no header value at all; then none is sent.
        if let Ok(value) = HeaderValue::from_str(content_type) {
            self.headers.insert(CONTENT_TYPE, value);
        }
    }

    fn send(self, exchange: Exchange, switch: ResetSwitch) -> Response<Body> {
        exchange.status(self.status);
        let mut response = Response::new(Body::new(self.events, self.pace, self.announced, switch, exchange));
        *response.status_mut() = hyper::StatusCode::from_u16(self.status).unwrap_or_default();
        *response.headers_mut() = self.headers;
        response
    }
}
