//! The front role: from the client's first header to the moment the request goes to a chain of providers, and the last
//! look at what comes back.

use super::step::{Effect, Step, Waker};
use super::{Exchange, translate};
use crate::chance;
use crate::config::{Model, Target};
use crate::dialect::{Dialect, openai};
use crate::failure::Class;
use crate::gateway::{Access, Gateway, Walk};
use crate::headers::{HeaderList, Headers};
use crate::refusal::{Refusal, Reply};
use crate::route;
use serde_json::json;
use std::borrow::Cow;
use std::cell::RefCell;
use std::net::IpAddr;
use std::rc::Rc;

/// What happened to the request, as the listener's filter sees it.
pub enum FrontEvent<'a> {
    RequestHeaders {
        headers: &'a Headers,
    },
    /// A part of the body came; `size` is that of all parts so far.
    RequestBody {
        size: usize,
    },
    /// The body is complete. `now` is in milliseconds since 1970.
    RequestComplete {
        body: Vec<u8>,
        now: u64,
    },
    /// An answer came back from upstream, or Envoy made one. `details` is Envoy's response code details.
    ResponseHeaders {
        status: u16,
        details: &'a str,
    },
}

/// The state of one request on the listener.
pub struct Front {
    gateway: Rc<Gateway>,
    dialect: Dialect,
    state: State,
}

enum State {
    Start,
    /// The headers are held, and the body is on its way.
    Reading(Ask),
    /// On its way to the providers.
    Proxying(Rc<Exchange>),
    /// Weir has answered. Its own answer passes by here too, and is left alone.
    Replied,
}

/// What the headers asked for.
struct Ask {
    endpoint: Endpoint,
    tenant: Option<String>,
    route: Option<String>,
    request_id: String,
    /// Headers that go on as they are.
    kept: HeaderList,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Endpoint {
    ChatCompletions,
    Models,
    Health,
}

/// What goes to the chain instead of the prompt: Envoy's replay buffer then holds one byte, whatever the prompt's size.
const PLACEHOLDER: &[u8] = b"x";

/// Where a client may put its key, in the order of search (PROVIDERS F).
const CREDENTIALS: [&str; 4] = ["authorization", "x-api-key", "x-goog-api-key", "api-key"];

impl Front {
    /// A request that has only begun.
    pub fn new(gateway: Rc<Gateway>) -> Self {
        Self { gateway, dialect: Dialect::OpenAi, state: State::Start }
    }

    /// Takes one event.
    pub fn step(&mut self, event: FrontEvent<'_>) -> Step {
        match event {
            FrontEvent::RequestHeaders { headers } => self.request_headers(headers),
            FrontEvent::RequestBody { size } => {
                let limit = self.gateway.config.max_request_bytes;
                match u64::try_from(size) {
                    Ok(size) if size <= limit => Step::wait(Waker::RequestBody, vec![]),
                    _ => self.refuse(&Refusal::BodyTooLarge { limit }),
                }
            }
            FrontEvent::RequestComplete { body, now } => self.request_complete(body, now),
            FrontEvent::ResponseHeaders { status, details } => self.response_headers(status, details),
        }
    }

    /// Whether the front still wants the request's body: an answered or a passing request does not.
    pub fn is_reading(&self) -> bool {
        matches!(self.state, State::Reading(_))
    }

    /// Whether the answer's headers must be seen: those of an attempt's own answer are what they shall be, and each
    /// look at them costs calls to the host.
    pub fn minds_response(&self) -> bool {
        match &self.state {
            State::Proxying(exchange) => !exchange.is_served(),
            State::Start | State::Reading(_) => true,
            State::Replied => false,
        }
    }

    fn request_headers(&mut self, headers: &Headers) -> Step {
        let path = path(headers);
        self.dialect = Dialect::of_path(path);
        let mut step = match self.read_headers(headers) {
            Err(refusal) => self.refuse(&refusal),
            Ok(ask) => match ask.endpoint {
                Endpoint::Health => return self.answer(Reply::json(200, br#"{"status":"ok"}"#.to_vec())),
                Endpoint::Models => {
                    let reply = self.models(ask.tenant.as_deref());
                    self.answer(reply)
                }
                Endpoint::ChatCompletions => {
                    self.state = State::Reading(ask);
                    Step::wait(Waker::RequestBody, vec![])
                }
            },
        };
        if self.gateway.config.telemetry.access_log != "off" {
            step.effects.insert(0, Effect::NotePath(path.to_owned()));
        }
        step
    }

    fn read_headers(&self, headers: &Headers) -> Result<Ask, Refusal> {
        for (name, value) in headers.iter() {
            if std::str::from_utf8(value).is_err() {
                return Err(Refusal::HeaderNotText { name: String::from_utf8_lossy(name).into_owned() });
            }
        }
        let endpoint = endpoint(headers.text(":method").unwrap_or_default(), path(headers))?;
        let tenant = match endpoint {
            Endpoint::Health => None,
            Endpoint::ChatCompletions | Endpoint::Models => self.authenticate(headers)?,
        };
        let is_local = self.gateway.config.tenants.is_empty() && self.gateway.config.listen.ip().is_loopback();
        if is_local && headers.text("origin").is_some_and(|origin| !is_loopback(origin)) {
            return Err(Refusal::ForeignOrigin);
        }
        let limit = self.gateway.config.max_request_bytes;
        if headers.text("content-length").and_then(|size| size.parse::<u64>().ok()).is_some_and(|size| size > limit) {
            return Err(Refusal::BodyTooLarge { limit });
        }
        if headers.text("content-encoding").is_some_and(|encoding| !encoding.eq_ignore_ascii_case("identity")) {
            return Err(Refusal::ContentEncoding);
        }
        let kept = KEPT.iter().filter_map(|name| Some(((*name).into(), headers.text(name)?.into())));
        Ok(Ask {
            endpoint,
            tenant,
            route: once(headers, "x-weir-route")?.map(str::to_owned),
            request_id: headers.text("x-request-id").unwrap_or_default().to_owned(),
            kept: kept.collect(),
        })
    }

    fn authenticate(&self, headers: &Headers) -> Result<Option<String>, Refusal> {
        let mut key = None;
        for name in CREDENTIALS {
            if let Some(value) = once(headers, name)? {
                // Envoy joins repeated `authorization` headers by a comma, which no bearer token holds (RFC 6750).
                if name == "authorization" && value.contains(',') {
                    return Err(Refusal::RepeatedHeader { name });
                }
                let value = if name == "authorization" { bearer(value) } else { value };
                key = key.or(Some(value));
            }
        }
        let key = key.or_else(|| query_key(headers));
        match self.gateway.access(key) {
            Access::Open => Ok(None),
            Access::Tenant(name) => Ok(Some(name.to_owned())),
            Access::Denied if key.is_none() => Err(Refusal::MissingKey),
            Access::Denied => Err(Refusal::UnknownKey),
        }
    }

    fn request_complete(&mut self, body: Vec<u8>, now: u64) -> Step {
        let State::Reading(ask) = std::mem::replace(&mut self.state, State::Replied) else {
            return Step::go_on(vec![]);
        };
        if !u64::try_from(body.len()).is_ok_and(|size| size <= self.gateway.config.max_request_bytes) {
            return self.refuse(&Refusal::BodyTooLarge { limit: self.gateway.config.max_request_bytes });
        }
        match self.admit(&ask, body, now) {
            Err(refusal) => self.refuse(&refusal),
            Ok((exchange, headers)) => {
                let exchange = Rc::new(exchange);
                self.state = State::Proxying(exchange.clone());
                Step::go_on(vec![
                    Effect::Publish(exchange),
                    Effect::RequestHeaders(headers),
                    Effect::RequestBody(PLACEHOLDER.to_vec()),
                ])
            }
        }
    }

    /// Parses, routes, and picks the chain of those targets that can serve the request.
    fn admit(&self, ask: &Ask, body: Vec<u8>, now: u64) -> Result<(Exchange, HeaderList), Refusal> {
        let held = self.gateway.hold(body.len()).ok_or(Refusal::OutOfMemory)?;
        let parsed = openai::parse(body)?;
        let chat = parsed.chat();
        if let Some(tenant) = &ask.tenant
            && !self.gateway.may_use(tenant, &chat.model)
        {
            return Err(Refusal::ModelNotAllowed { model: crate::failure::bounded(&chat.model) });
        }
        let seed = chance::mix(chance::seed(&ask.request_id) ^ now);
        let model = route::resolve(&self.gateway.config, &chat.model, ask.route.as_deref(), seed)?;
        if let Some(tenant) = &ask.tenant
            && let Some(target) = model.targets.iter().find(|target| !self.may_reach(tenant, &chat.model, target))
        {
            return Err(Refusal::ModelNotAllowed { model: format!("{}/{}", target.provider, target.model) });
        }
        let mut able = Vec::with_capacity(model.targets.len());
        let mut obstacle = None;
        for target in &model.targets {
            match translate::lower(&self.gateway, chat, target) {
                Ok(_) => able.push(target.clone()),
                Err(unsupported) => obstacle = obstacle.or(Some(unsupported)),
            }
        }
        let walk = match (self.gateway.walk(&able, model.retries.per_target), obstacle) {
            (Some(walk), _) => walk,
            (None, Some(unsupported)) => return Err(Refusal::Unsupported(unsupported)),
            (None, None) => return Err(Refusal::Failed(Vec::new())),
        };
        if ask.route.is_some() && !able.iter().all(|target| walk.slots.contains(target)) {
            let walked = walk.slots.iter().map(|slot| format!("{}/{}", slot.provider, slot.model)).collect::<Vec<_>>();
            let message = format!("no chain was rendered for this order; it could only go to {}", walked.join(", "));
            return Err(Refusal::InvalidField { param: "x-weir-route".into(), message });
        }
        let headers = chain_headers(ask, &model, &walk, chat.stream);
        let exchange = Exchange {
            gateway: self.gateway.clone(),
            slots: walk.slots,
            request_id: ask.request_id.clone(),
            seed,
            created: now.checked_div(1000).unwrap_or(0),
            attempts: RefCell::default(),
            chat: parsed,
            _held: held,
        };
        Ok((exchange, headers))
    }

    /// `x-weir-route` may name any target; a tenant goes to those of the model it may use, or to one it may address.
    fn may_reach(&self, tenant: &str, model: &str, target: &Target) -> bool {
        let listed = self.gateway.config.model(model).is_some_and(|model| {
            model.targets.iter().any(|own| (&own.provider, &own.model) == (&target.provider, &target.model))
        });
        listed || self.gateway.may_use(tenant, &format!("{}/{}", target.provider, target.model))
    }

    fn response_headers(&mut self, status: u16, details: &str) -> Step {
        let refusal = match &self.state {
            State::Proxying(exchange) if exchange.is_served() => return Step::go_on(vec![]),
            State::Proxying(exchange) => {
                let silent = if details.contains("timeout") { Class::Timeout } else { Class::Connection };
                Refusal::Failed(exchange.failures(silent))
            }
            State::Start | State::Reading(_) => Refusal::Gateway { status },
            State::Replied => return Step::go_on(vec![]),
        };
        // A reply of our own, rather than another body in place of the attempt's: it ends the answer at once, even
        // if the provider keeps its connection open.
        self.refuse(&refusal)
    }

    /// `GET /v1/models`: the names that this client may ask for.
    fn models(&self, tenant: Option<&str>) -> Reply {
        let model = |id: &str| json!({ "id": id, "object": "model", "created": 0, "owned_by": "weir" });
        let names = self.gateway.config.models.iter().map(|known| known.name.as_str());
        let names = names.filter(|name| tenant.is_none_or(|tenant| self.gateway.may_use(tenant, name)));
        let data: Vec<_> = names.map(model).collect();
        Reply::json(200, json!({ "object": "list", "data": data }).to_string().into_bytes())
    }

    fn refuse(&mut self, refusal: &Refusal) -> Step {
        let reply = refusal.reply(self.dialect);
        self.answer(reply)
    }

    fn answer(&mut self, reply: Reply) -> Step {
        self.state = State::Replied;
        Step::reply(reply)
    }
}

/// The client's headers that go on: ids for tracing, and what HTTP needs. All others stay here, keys above all.
const KEPT: [&str; 8] =
    [":method", ":scheme", ":authority", ":path", "x-request-id", "traceparent", "tracestate", "x-forwarded-proto"];

/// The headers under which the request goes to its chain: the route reads the cluster, the router the times.
fn chain_headers(ask: &Ask, model: &Model, walk: &Walk, stream: bool) -> HeaderList {
    let mut headers = ask.kept.clone();
    for (name, value) in &mut headers {
        // A query can carry a key (`?key=`).
        if name == ":path"
            && let Some(query) = value.iter().position(|byte| *byte == b'?')
        {
            value.truncate(query);
        }
    }
    let retries = walk.slots.len().saturating_sub(1);
    // Response headers are held until the first content event, so this is a first-token timeout for streams.
    let per_try = if stream { model.first_token_timeout } else { model.answer_timeout };
    let set: [(&'static str, Cow<'_, str>); 6] = [
        ("content-type", "application/json".into()),
        ("content-length", PLACEHOLDER.len().to_string().into()),
        ("x-weir-chain", walk.cluster.as_str().into()),
        ("x-envoy-max-retries", retries.to_string().into()),
        ("x-envoy-upstream-rq-timeout-ms", model.deadline.0.to_string().into()),
        ("x-envoy-upstream-rq-per-try-timeout-ms", per_try.0.to_string().into()),
    ];
    headers.extend(set.map(|(name, value)| (name.into(), value.into_owned().into_bytes())));
    headers
}

fn path(headers: &Headers) -> &str {
    let path = headers.text(":path").unwrap_or_default();
    path.split_once('?').map_or(path, |(path, _)| path)
}

/// Whether a page's origin, `http://localhost:3000`, is of this machine.
fn is_loopback(origin: &str) -> bool {
    let Some((_, authority)) = origin.split_once("://") else { return false };
    let host = match authority.strip_prefix('[') {
        Some(literal) => literal.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// `?key=…`, where Gemini's clients may put theirs.
fn query_key(headers: &Headers) -> Option<&str> {
    let (_, query) = headers.text(":path")?.split_once('?')?;
    query.split('&').find_map(|pair| pair.strip_prefix("key="))
}

fn endpoint(method: &str, path: &str) -> Result<Endpoint, Refusal> {
    let (endpoint, allow) = match path {
        "/v1/chat/completions" => (Endpoint::ChatCompletions, "POST"),
        "/v1/models" => (Endpoint::Models, "GET"),
        "/healthz" | "/readyz" => (Endpoint::Health, "GET"),
        _ => return Err(Refusal::UnknownPath),
    };
    if method == allow { Ok(endpoint) } else { Err(Refusal::MethodNotAllowed { allow }) }
}

/// The value of a header that may come once.
fn once<'a>(headers: &'a Headers, name: &'static str) -> Result<Option<&'a str>, Refusal> {
    if headers.all(name).nth(1).is_some() {
        return Err(Refusal::RepeatedHeader { name });
    }
    Ok(headers.text(name))
}

fn bearer(value: &str) -> &str {
    match value.split_once(' ') {
        Some((scheme, key)) if scheme.eq_ignore_ascii_case("bearer") => key.trim(),
        _ => value,
    }
}
