//! What a request's headers ask for: who calls, which endpoint, and how it wants to be treated.

use super::caching::Mode;
use super::task::Wish;
use super::trace::{self, TraceContext};
use crate::config::Millis;
use crate::dialect::gemini::Call;
use crate::dialect::{CountForm, Form, model_of_path};
use crate::gateway::{Access, Gateway};
use crate::headers::{HeaderList, Headers};
use crate::origin::is_loopback_origin;
use crate::refusal::Refusal;
use crate::traffic::Priority;
use std::borrow::Cow;

pub(super) struct Ask {
    /// In the configuration; None: the gateway is open.
    pub(super) tenant: Option<usize>,
    /// `x-weir-route`.
    pub(super) route: Option<String>,
    /// `x-weir-cache`.
    pub(super) cache: Mode,
    /// `x-weir-priority`.
    pub(super) priority: Priority,
    /// `x-weir-deadline-ms`.
    pub(super) deadline: Option<Millis>,
    /// When its headers came, in milliseconds since 1970.
    pub(super) arrived: u64,
    pub(super) request_id: String,
    /// None: there are no traces.
    pub(super) trace: Option<TraceContext>,
    /// Headers that go on as they are.
    pub(super) kept: HeaderList,
    /// Those that a provider of the client's own kind gets too.
    pub(super) own: HeaderList,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    Task(Wish),
    Models,
    /// One model, by its name.
    Model(String),
    Health,
}

/// Where a client may put its key, in the order of search (PROVIDERS F).
const CREDENTIALS: [&str; 4] = ["authorization", "x-api-key", "x-goog-api-key", "api-key"];

/// The client's headers that go on: ids for tracing, and what HTTP needs. All others stay here, keys above all.
const KEPT: [&str; 6] = [":method", ":scheme", ":authority", ":path", "x-request-id", "x-forwarded-proto"];

/// What says which contract an Anthropic client was written for (PROVIDERS 0.1). All else that goes to a provider is ours.
const OWN: [&str; 2] = ["anthropic-version", "anthropic-beta"];

impl Ask {
    /// Reads how a tenant asks `endpoint`, at `now`.
    ///
    /// # Errors
    /// Why the request is refused already.
    pub(super) fn read(
        gateway: &Gateway,
        headers: &Headers,
        (endpoint, tenant): (&Endpoint, Option<usize>),
        trace: Option<TraceContext>,
        now: u64,
    ) -> Result<Self, Refusal> {
        let is_local = gateway.config.tenants.is_empty() && gateway.config.listen.ip().is_loopback();
        if is_local && headers.text("origin").is_some_and(|origin| !is_loopback_origin(origin)) {
            return Err(Refusal::ForeignOrigin);
        }
        let limit = gateway.config.max_request_bytes;
        if headers.text("content-length").and_then(|size| size.parse::<u64>().ok()).is_some_and(|size| size > limit) {
            return Err(Refusal::BodyTooLarge { limit });
        }
        if headers.text("content-encoding").is_some_and(|encoding| !encoding.eq_ignore_ascii_case("identity")) {
            return Err(Refusal::ContentEncoding);
        }
        let kept = KEPT.iter().filter_map(|name| Some(((*name).into(), headers.text(name)?.into())));
        let traced = [
            ("traceparent", trace::parent(headers).map(str::to_owned)),
            ("tracestate", trace::state(headers).map(Cow::into_owned)),
        ];
        let traced = traced.into_iter().filter_map(|(name, value)| Some((name.into(), value?.into_bytes())));
        let own = match endpoint {
            Endpoint::Task(Wish::Chat(Form::Messages) | Wish::Count(CountForm::Messages)) => {
                OWN.iter().flat_map(|name| all(headers, name)).collect()
            }
            _ => HeaderList::new(),
        };
        Ok(Self {
            tenant,
            route: once(headers, "x-weir-route")?.map(str::to_owned),
            cache: cache(headers)?,
            priority: priority(headers)?,
            deadline: deadline(headers)?,
            arrived: now,
            request_id: headers.text("x-request-id").unwrap_or_default().to_owned(),
            trace,
            kept: kept.chain(traced).collect(),
            own,
        })
    }
}

/// The path without its query, which may hold a key.
pub(super) fn path(headers: &Headers) -> &str {
    let path = headers.text(":path").unwrap_or_default();
    path.split_once('?').map_or(path, |(path, _)| path)
}

fn cache(headers: &Headers) -> Result<Mode, Refusal> {
    const NAME: &str = "x-weir-cache";
    let Some(text) = once(headers, NAME)? else { return Ok(Mode::default()) };
    let message = || "it must be no-store, refresh or only".to_owned();
    Mode::parse(text.trim()).ok_or_else(|| Refusal::InvalidField { param: NAME.into(), message: message() })
}

fn priority(headers: &Headers) -> Result<Priority, Refusal> {
    const NAME: &str = "x-weir-priority";
    let Some(text) = once(headers, NAME)? else { return Ok(Priority::default()) };
    let message = || "it must be high, normal or low".to_owned();
    Priority::parse(text.trim()).ok_or_else(|| Refusal::InvalidField { param: NAME.into(), message: message() })
}

fn deadline(headers: &Headers) -> Result<Option<Millis>, Refusal> {
    const NAME: &str = "x-weir-deadline-ms";
    let Some(text) = once(headers, NAME)? else { return Ok(None) };
    match text.trim().parse::<u64>() {
        Ok(millis) if millis > 0 => Ok(Some(Millis(millis))),
        _ => {
            let message = "it must be a whole number of milliseconds, at least 1".to_owned();
            Err(Refusal::InvalidField { param: NAME.into(), message })
        }
    }
}

fn authenticate(gateway: &Gateway, headers: &Headers, now: u64) -> Result<Option<usize>, Refusal> {
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
    match gateway.access(key, now) {
        Access::Open => Ok(None),
        Access::Tenant(tenant) => Ok(Some(tenant)),
        Access::Denied if key.is_none() => Err(Refusal::MissingKey),
        Access::Denied => Err(Refusal::UnknownKey),
        Access::NotYetKnown => Err(Refusal::KeysNotKnown),
    }
}

/// `?key=…`, where Gemini's clients may put theirs.
fn query_key(headers: &Headers) -> Option<&str> {
    let (_, query) = headers.text(":path")?.split_once('?')?;
    query.split('&').find_map(|pair| pair.strip_prefix("key="))
}

/// What is asked, and by whom.
///
/// # Errors
/// There is no such endpoint, a key is needed, or a header is no text.
pub(super) fn identify(gateway: &Gateway, headers: &Headers, now: u64) -> Result<(Endpoint, Option<usize>), Refusal> {
    for (name, value) in headers.iter() {
        if std::str::from_utf8(value).is_err() {
            return Err(Refusal::HeaderNotText { name: String::from_utf8_lossy(name).into_owned() });
        }
    }
    let endpoint = endpoint(headers)?;
    let tenant = match endpoint {
        Endpoint::Health => None,
        Endpoint::Task(_) | Endpoint::Models | Endpoint::Model(_) => authenticate(gateway, headers, now)?,
    };
    Ok((endpoint, tenant))
}

fn endpoint(headers: &Headers) -> Result<Endpoint, Refusal> {
    let (endpoint, allow) = match path(headers) {
        "/v1/chat/completions" => (Endpoint::Task(Wish::Chat(Form::ChatCompletions)), "POST"),
        "/v1/messages" => (Endpoint::Task(Wish::Chat(Form::Messages)), "POST"),
        "/v1/messages/count_tokens" => (Endpoint::Task(Wish::Count(CountForm::Messages)), "POST"),
        "/v1/embeddings" => (Endpoint::Task(Wish::Embeddings), "POST"),
        "/v1/responses" => (Endpoint::Task(Wish::Response), "POST"),
        "/v1/models" | "/v1beta/models" => (Endpoint::Models, "GET"),
        "/healthz" | "/readyz" => (Endpoint::Health, "GET"),
        _ => of_model(headers.text(":path").unwrap_or_default()).ok_or(Refusal::UnknownPath)?,
    };
    if headers.text(":method") == Some(allow) { Ok(endpoint) } else { Err(Refusal::MethodNotAllowed { allow }) }
}

/// What a path that names a model asks for; methods that are not served are none of the model's.
fn of_model(path: &str) -> Option<(Endpoint, &'static str)> {
    if let Some(call) = Call::parse(path) {
        return Some((Endpoint::Task(Wish::Chat(Form::Generate(call))), "POST"));
    }
    if let Some(model) = Call::counted(path) {
        return Some((Endpoint::Task(Wish::Count(CountForm::Contents { model })), "POST"));
    }
    if Call::is_method(path) {
        return None;
    }
    let (path, _) = path.split_once('?').unwrap_or((path, ""));
    Some((Endpoint::Model(model_of_path(path)?), "GET"))
}

/// Every header of that name, to be sent on.
fn all(headers: &Headers, name: &'static str) -> impl Iterator<Item = (Cow<'static, str>, Vec<u8>)> {
    headers.all(name).map(|value| (name.into(), value.to_vec()))
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
