//! The file as it was written: types and spelling checked, positions kept, no default filled in, nothing compared
//! with anything else. None means absent, or refused and already reported.

mod capability;
mod limits;
mod model;
mod price;
mod provider;
mod sidecar;
mod target;
mod tenant;

pub(super) use capability::Capability;
pub(super) use limits::{Limits, ModelLimits};
pub(super) use model::{Cache, Model};
pub(super) use price::{Price, Rates};
pub(super) use provider::Provider;
pub(super) use sidecar::{CacheSizes, Sidecar};
pub(super) use target::Targets;
pub(super) use tenant::{AllowedModel, ApiKey, Tenant};

use super::problem::{At, Findings};
use super::read::{Cursor, Entries, quote};
use super::yaml::{Node, Value};
use super::{EnvVar, JobBackend, Millis, RedisUrl, Store, names, url};
use std::net::SocketAddr;

#[derive(Debug, Default)]
pub(super) struct Config {
    pub(super) listen: Option<At<SocketAddr>>,
    pub(super) admin: Option<At<SocketAddr>>,
    pub(super) sidecar: Sidecar,
    pub(super) store: Option<At<Store>>,
    /// `auth: none`.
    pub(super) open: Option<At<()>>,
    pub(super) providers: Vec<Provider>,
    pub(super) models: Vec<Model>,
    pub(super) tenants: Option<At<Vec<Tenant>>>,
    pub(super) prices: Vec<Price>,
    pub(super) capabilities: Vec<Capability>,
    pub(super) cache: CacheSizes,
    pub(super) waiting_room: WaitingRoom,
    pub(super) retry_budget: RetryBudget,
    pub(super) jobs: Option<At<Jobs>>,
    pub(super) telemetry: Telemetry,
    pub(super) max_request_bytes: Option<At<u64>>,
    pub(super) max_response_bytes: Option<At<u64>>,
}

#[derive(Debug, Default)]
pub(super) struct WaitingRoom {
    pub(super) max_wait: Option<At<Millis>>,
    pub(super) max_waiting: Option<At<u64>>,
    pub(super) max_bytes: Option<At<u64>>,
}

#[derive(Debug, Default)]
pub(super) struct RetryBudget {
    pub(super) percent: Option<At<u64>>,
    pub(super) reserve: Option<At<u64>>,
}

#[derive(Debug, Default)]
pub(super) struct Jobs {
    pub(super) backend: Option<At<JobBackend>>,
    pub(super) url: Option<At<String>>,
}

#[derive(Debug, Default)]
pub(super) struct Telemetry {
    pub(super) otlp: Option<At<String>>,
    pub(super) trace_percent: Option<At<u64>>,
    pub(super) access_log: Option<At<String>>,
}

/// What a question is answered with.
const ANSWERS: &[(&str, bool)] = &[("true", true), ("false", false)];

/// Reads the whole file; reports everything that is no configuration by itself.
pub(super) fn read(root: &Node, found: &mut Findings) -> Option<Config> {
    let mut map = match &root.value {
        Value::Null => {
            found.problem(&Cursor::new(root, "").place(), "the file is empty; at least providers must be written");
            return None;
        }
        _ => Cursor::new(root, "").map("a map with providers, models, …", found)?,
    };
    let config = Config {
        listen: map.get("listen", found, |c, f| c.address(f)),
        admin: map.get("admin", found, |c, f| c.address(f)),
        sidecar: map.get("sidecar", found, sidecar::sidecar).unwrap_or_default(),
        store: map.get("store", found, store),
        open: map.get("auth", found, |c, f| c.choice("auth", &[("none", ())], f)),
        providers: map.need("providers", found, |c, f| each(c, "provider", f, provider::provider)).unwrap_or_default(),
        models: map.get("models", found, |c, f| each(c, "model", f, model::model)).unwrap_or_default(),
        tenants: map.get("tenants", found, |c, f| each(c, "tenant", f, tenant::tenant).map(|tenants| c.at(tenants))),
        prices: map.get("prices", found, price::prices).unwrap_or_default(),
        capabilities: map.get("capabilities", found, capability::capabilities).unwrap_or_default(),
        cache: map.get("cache", found, sidecar::cache).unwrap_or_default(),
        waiting_room: map.get("waiting_room", found, waiting_room).unwrap_or_default(),
        retry_budget: map.get("retry_budget", found, retry_budget).unwrap_or_default(),
        jobs: map.get("jobs", found, jobs),
        telemetry: map.get("telemetry", found, telemetry).unwrap_or_default(),
        max_request_bytes: map.get("max_request_bytes", found, |c, f| c.size(f)),
        max_response_bytes: map.get("max_response_bytes", found, |c, f| c.size(f)),
    };
    map.finish(found);
    Some(config)
}

/// A map from names to `T`. A name stays known although its body was refused: what refers to it is not wrong.
fn each<T>(
    cursor: Cursor<'_>,
    what: &str,
    found: &mut Findings,
    read: impl Fn(At<String>, Cursor<'_>, &mut Findings) -> T,
) -> Option<Vec<T>> {
    let entries = cursor.map(&format!("a map from {what} names to {what}s"), found)?.named();
    if entries.is_empty() {
        found.problem(&cursor.place(), format!("holds no {what}"));
    }
    Some(entries.iter().map(|entry| read(entry.name(), entry.cursor(), found)).collect())
}

/// The map at `cursor`, taken apart by `read`; what `read` leaves is unknown.
fn whole<T>(
    cursor: Cursor<'_>,
    wanted: &str,
    found: &mut Findings,
    read: impl FnOnce(&mut Entries<'_>, &mut Findings) -> T,
) -> Option<T> {
    let mut map = cursor.map(wanted, found)?;
    let value = read(&mut map, found);
    map.finish(found);
    Some(value)
}

/// The name in `$NAME`. The message never repeats what was written: it is likely to be the `what` itself.
fn env_var(cursor: Cursor<'_>, example: &str, what: &str, found: &mut Findings) -> Option<At<EnvVar>> {
    let name = cursor.node.text().and_then(names::env_reference);
    if name.is_none() {
        let message = format!(
            "must name an environment variable, such as ${example}; a {what} itself does not belong into this file"
        );
        found.problem(&cursor.place(), message);
    }
    name.map(|name| cursor.at(EnvVar(name.to_owned())))
}

fn store(cursor: Cursor<'_>, found: &mut Findings) -> Option<At<Store>> {
    let text = cursor.text("memory or a Redis URL", found)?.value;
    if text == "memory" {
        return Some(cursor.at(Store::Memory));
    }
    if let Some(name) = names::env_reference(&text) {
        return Some(cursor.at(Store::Variable(EnvVar(name.to_owned()))));
    }
    // Not repeated: it may hold a password.
    match RedisUrl::parse(&text) {
        Ok(_) => Some(cursor.at(Store::Redis(text))),
        Err(problem) => {
            found.problem(
                &cursor.place(),
                format!("must be memory, the URL of a Redis, or $NAME of a variable that holds one: {problem}"),
            );
            None
        }
    }
}

fn waiting_room(cursor: Cursor<'_>, found: &mut Findings) -> Option<WaitingRoom> {
    whole(cursor, "a map with max_wait, max_waiting and max_bytes", found, |map, f| WaitingRoom {
        max_wait: map.get("max_wait", f, |c, f| c.duration_or_zero(f)),
        max_waiting: map.get("max_waiting", f, |c, f| c.whole(f)),
        max_bytes: map.get("max_bytes", f, |c, f| c.size(f)),
    })
}

fn retry_budget(cursor: Cursor<'_>, found: &mut Findings) -> Option<RetryBudget> {
    whole(cursor, "a map with percent and reserve", found, |map, f| RetryBudget {
        percent: map.get("percent", f, |c, f| c.percent(f)),
        reserve: map.get("reserve", f, |c, f| c.whole(f)),
    })
}

fn jobs(cursor: Cursor<'_>, found: &mut Findings) -> Option<At<Jobs>> {
    const BACKENDS: &[(&str, JobBackend)] = &[
        ("embedded", JobBackend::Embedded),
        ("redis", JobBackend::Redis),
        ("rabbitmq", JobBackend::RabbitMq),
        ("kafka", JobBackend::Kafka),
    ];
    whole(cursor, "a map with backend and url", found, |map, f| Jobs {
        backend: map.need("backend", f, |c, f| c.choice("backend", BACKENDS, f)),
        url: map.get("url", f, |c, f| c.text("a URL", f)),
    })
    .map(|jobs| cursor.at(jobs))
}

fn telemetry(cursor: Cursor<'_>, found: &mut Findings) -> Option<Telemetry> {
    whole(cursor, "a map with otlp, trace_percent and access_log", found, |map, f| Telemetry {
        otlp: map.get("otlp", f, |c, f| {
            let text = c.text("the URL of an OTLP/HTTP collector", f)?;
            if url::base_url(&text.value).is_ok() {
                return Some(text);
            }
            f.problem(&c.place(), "must be http:// or https:// and a host, without a user, a query or a fragment");
            None
        }),
        trace_percent: map.get("trace_percent", f, |c, f| c.percent(f)),
        access_log: map.get("access_log", f, |c, f| {
            let text = c.text("stdout, stderr, off or a path", f)?;
            let is_path = text.value.contains('/') && !text.value.chars().any(char::is_control);
            if is_path || ["stdout", "stderr", "off"].contains(&text.value.as_str()) {
                return Some(text);
            }
            let written = quote(&text.value);
            f.problem(&c.place(), format!("{written} is neither stdout, stderr, off nor a path (./weir.log)"));
            None
        }),
    })
}
