//! The cache's part in a request: whether its answer may come from there, and whether it goes there.

use super::Exchange;
use super::ask::Ask;
use super::plan::Plan;
use super::task::Wish;
use crate::cache::{self, Entry, Form, Origin, Weigh, Written};
use crate::config::Target;
use crate::dialect::{Dialect, Parsed, Request, gemini};
use crate::gateway::Gateway;
use crate::headers::HeaderList;
use crate::refusal::Reply;
use crate::sidecar::{LeadGuard, Pilot};
use crate::stats::CacheResult;
use crate::traffic::Levels;
use crate::wire::{Found, Key, Lookup, Put};
use std::cell::RefCell;
use std::rc::Rc;

/// `x-weir-cache` of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Mode {
    #[default]
    Normal,
    /// Neither looked up nor kept.
    NoStore,
    /// Not looked up, but kept.
    Refresh,
    /// From the cache or not at all.
    Only,
}

impl Mode {
    pub(super) fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "no-store" => Mode::NoStore,
            "refresh" => Mode::Refresh,
            "only" => Mode::Only,
            _ => return None,
        })
    }
}

/// Of one request whose model has a cache.
pub(super) struct Caching {
    /// None: it is neither looked up nor kept.
    key: Option<Key>,
    mode: Mode,
    token: u64,
    /// Milliseconds for which its answer may be served.
    ttl: u64,
    /// Others of this worker wait for it.
    pilot: Option<Pilot>,
    /// Others of all workers do.
    lead: RefCell<Option<LeadGuard>>,
    result: CacheResult,
}

/// Where an answer was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Looked {
    Hit { age: u64 },
    Coalesced { age: u64 },
}

impl Caching {
    /// None: the model has no cache.
    pub(super) fn new(gateway: &Gateway, ask: &Ask, plan: &Plan) -> Option<Self> {
        let exact = plan.cache()?;
        let request = plan.task.chat().filter(|request| {
            // What only one kind of provider has may depend on the day, or run there.
            request.bound().is_none() && cache::may_cache(request.chat(), exact.sampled).is_ok()
        });
        let key = request.filter(|_| ask.cache != Mode::NoStore).map(|request| {
            let (tenant, scope) = (gateway.tenant_name(ask.tenant), plan.scope(ask));
            let of_body = |form, parsed: &Parsed| cache::key_of_body(tenant, &scope, form, &ask.own, parsed.body());
            match request {
                Request::OpenAi(parsed) => cache::key(tenant, &scope, parsed),
                Request::Anthropic(parsed) if parsed.chat().stream => of_body(Form::MessageStream, parsed),
                Request::Anthropic(parsed) => of_body(Form::Message, parsed),
                Request::Gemini(parsed, gemini::Mode::Whole) => of_body(Form::Content, parsed),
                Request::Gemini(parsed, gemini::Mode::Sse) => of_body(Form::ContentStream, parsed),
                Request::Gemini(parsed, gemini::Mode::Array) => of_body(Form::ContentArray, parsed),
            }
        });
        let result = if key.is_some() { CacheResult::Miss } else { CacheResult::Bypass };
        let token = gateway.token();
        Some(Self { key, mode: ask.cache, token, ttl: exact.ttl.0, pilot: None, lead: RefCell::default(), result })
    }

    /// What this worker has itself.
    pub(super) fn near(&self, gateway: &Gateway, now: u64) -> Option<cache::Hit> {
        let key = self.key.as_ref().filter(|_| self.mode != Mode::Refresh)?;
        gateway.l1.borrow_mut().get(key, now)
    }

    /// Of what this worker had itself.
    pub(super) fn origin(&self, hit: &cache::Hit) -> Option<Origin> {
        Some(Origin { key: self.key?, serial: hit.serial })
    }

    /// Whether another request of this worker is about to bring the answer: then this one waits for it until `until`.
    pub(super) fn joins(&mut self, gateway: &Rc<Gateway>, ticket: u32, until: u64) -> bool {
        let Some(key) = self.key.filter(|_| self.mode == Mode::Normal) else { return false };
        self.pilot = Pilot::or_wait(gateway, key, ticket, until);
        self.pilot.is_none()
    }

    /// The question for the sidecar; None: it is not asked.
    pub(super) fn lookup(&mut self, gateway: &Gateway) -> Option<Lookup> {
        let key = self.key.filter(|_| self.mode != Mode::Refresh)?;
        if !gateway.has_sidecar() {
            self.result = CacheResult::Bypass;
            return None;
        }
        Some(Lookup { key, token: self.token, leads: self.mode == Mode::Normal })
    }

    /// What the sidecar found.
    pub(super) fn found(&mut self, gateway: &Rc<Gateway>, found: Option<Found>, followed: bool, now: u64) -> Next {
        let Some(key) = self.key else { return Next::GoOn };
        match found {
            Some(Found::Hit(hit)) => {
                let age = hit.age;
                let looked = if followed { Looked::Coalesced { age } } else { Looked::Hit { age } };
                let value: Rc<[u8]> = hit.value.into();
                gateway.l1.borrow_mut().put(key, value.clone(), age, hit.left, now);
                if let Some(pilot) = &self.pilot {
                    pilot.land(&value, age);
                }
                Next::Reply(value, looked)
            }
            Some(Found::Lead) => {
                *self.lead.borrow_mut() = Some(LeadGuard::new(gateway, key, self.token));
                Next::GoOn
            }
            Some(Found::Follow) if !followed => Next::Follow { key, token: self.token },
            Some(Found::Follow | Found::Miss) => Next::GoOn,
            None => {
                self.result = CacheResult::Bypass;
                Next::GoOn
            }
        }
    }

    /// The client has left while the sidecar looked: should it lead now, it gives the lead back.
    pub(super) fn abandon(&self, gateway: &Gateway, ticket: u32) {
        if let Some(key) = &self.key
            && self.pilot.is_none()
        {
            gateway.flights.leave(key, ticket);
            return;
        }
        if let Some(key) = self.key.filter(|_| self.mode == Mode::Normal) {
            gateway.put(Put { key, token: self.token, value: None, ttl: 0 });
        }
    }

    /// The longest answer that is worth recording; None: it is not kept.
    pub(super) fn records(&self, gateway: &Gateway) -> Option<usize> {
        self.key.map(|_| usize::try_from(gateway.config.cache.max_entry_bytes).unwrap_or(usize::MAX))
    }

    /// Keeps an answer, here and for the others.
    pub(super) fn keep(&self, gateway: &Gateway, value: Vec<u8>, now: u64) {
        let Some(key) = self.key else { return };
        let near: Rc<[u8]> = value.as_slice().into();
        gateway.l1.borrow_mut().put(key, near.clone(), 0, self.ttl, now);
        if let Some(pilot) = &self.pilot {
            pilot.land(&near, 0);
        }
        gateway.stats.cache(CacheResult::Stored);
        let token = if self.lead.borrow().is_some() { self.token } else { 0 };
        gateway.put(Put { key, token, value: Some(value), ttl: self.ttl });
    }

    /// `x-weir-cache` of an answer that did not come from the cache, and its stat.
    pub(super) fn result(&self) -> CacheResult {
        self.result
    }
}

/// What follows from what the sidecar found.
pub(super) enum Next {
    Reply(Rc<[u8]>, Looked),
    /// Another request brings it.
    Follow {
        key: Key,
        token: u64,
    },
    /// To a provider.
    GoOn,
}

impl Looked {
    pub(super) fn result(self) -> CacheResult {
        match self {
            Looked::Hit { .. } => CacheResult::Hit,
            Looked::Coalesced { .. } => CacheResult::Coalesced,
        }
    }

    fn age(self) -> u64 {
        match self {
            Looked::Hit { age } | Looked::Coalesced { age } => age,
        }
    }
}

/// What of a request shapes its answer from the cache, besides its body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    tenant: Option<usize>,
    route: Option<String>,
    own: HeaderList,
    wish: Wish,
}

impl Asked {
    /// None: the client does not want what this worker has.
    pub(super) fn of(ask: &Ask, wish: &Wish) -> Option<Self> {
        let Ask { tenant, route, cache, own, priority: _, deadline: _, arrived: _, request_id: _, trace: _, kept: _ } =
            ask;
        let asked = || Self { tenant: *tenant, route: route.clone(), own: own.clone(), wish: wish.clone() };
        match cache {
            Mode::Normal | Mode::Only => Some(asked()),
            Mode::NoStore | Mode::Refresh => None,
        }
    }
}

impl Weigh for Asked {
    fn bytes(&self) -> usize {
        let Self { tenant: _, route, own, wish } = self;
        let own = own.iter().map(|(_, value)| value.len());
        [route.as_ref().map_or(0, String::len), wish.bytes()].into_iter().chain(own).fold(0, usize::saturating_add)
    }
}

/// A cached answer, as the client wants it.
pub(super) fn write(dialect: Dialect, plan: &Plan, ask: &Ask, entry: &Entry<'_>) -> Written {
    let wants_usage = plan.task.chat().is_some_and(|request| request.chat().wants_usage());
    let id = super::fallback_id(dialect, &ask.request_id);
    let (content_type, body) = if let Some(told) = entry.told() {
        (plan.task.answer_type(), told.to_vec())
    } else if plan.task.is_stream() {
        ("text/event-stream; charset=utf-8", entry.stream(&id, wants_usage))
    } else {
        ("application/json", entry.whole(&id))
    };
    Written {
        asked: plan.model().to_owned(),
        provider: entry.provider().to_owned(),
        model: entry.model().to_owned(),
        usage: entry.usage(),
        content_type,
        body,
    }
}

/// A cached answer, to be sent.
pub(super) fn reply(answer: &Written, dialect: Dialect, looked: Looked, levels: &Levels, now: u64) -> Reply {
    let age = looked.age().checked_div(1_000).unwrap_or(0);
    let mut headers: HeaderList = vec![
        ("content-type".into(), answer.content_type.into()),
        ("x-weir-provider".into(), answer.provider.as_str().into()),
        ("x-weir-model".into(), answer.model.as_str().into()),
        ("x-weir-attempts".into(), b"0".to_vec()),
        ("x-weir-cache".into(), looked.result().name().into()),
        ("x-weir-cost-usd".into(), b"0".to_vec()),
        ("age".into(), age.to_string().into_bytes()),
    ];
    headers.extend(dialect.limit_headers(levels, now));
    Reply { status: 200, headers, body: answer.body.clone() }
}

impl Exchange {
    /// What its answer is recorded with, if it may be kept.
    pub(super) fn recorder(&self) -> Option<cache::Recorder> {
        let max = self.caching.as_ref()?.records(&self.gateway)?;
        Some(match self.task.chat()? {
            Request::OpenAi(_) => cache::Recorder::new(max, self.seed),
            Request::Anthropic(_) | Request::Gemini(..) => cache::Recorder::verbatim(max, self.seed),
        })
    }

    /// The answer is complete.
    pub(super) fn keep(&self, recorder: cache::Recorder, target: &Target, now: u64) {
        let Some(caching) = &self.caching else { return };
        if let Some(value) = recorder.finish(target, self.created) {
            caching.keep(&self.gateway, value, now);
        }
    }
}
