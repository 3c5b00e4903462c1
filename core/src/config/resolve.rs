//! From what was written to what the program uses: defaults filled in, every part compared with the others.

use super::problem::{At, Findings, Place};
use super::{
    BaseUrl, Breaker, Config, JobBackend, Jobs, Kind, Limits, Millis, OnOutage, Provider, Sidecar, Store, Telemetry,
    WaitingRoom, model, names, raw, tenant, url,
};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const REQUEST_BYTES: (u64, u64, u64) = (64 * KIB, 8 * MIB, 256 * MIB);
const RESPONSE_BYTES: (u64, u64, u64) = (64 * KIB, 16 * MIB, 256 * MIB);

/// The configuration that `raw` means. It is only to be used if nothing was found wrong: what was refused is left
/// out or replaced by its default, so that the rest can still be checked.
pub(super) fn resolve(raw: raw::Config, found: &mut Findings) -> Config {
    let providers: Vec<Provider> =
        raw.providers.iter().filter_map(|provider| self::provider(provider, found)).collect();
    let provider_names: Vec<&str> = raw.providers.iter().map(|provider| provider.name.value.as_str()).collect();
    let model_names: Vec<&str> = raw.models.iter().map(|model| model.name.value.as_str()).collect();
    let models = raw.models.iter().filter_map(|model| model::resolve(model, &provider_names, found)).collect();
    access(&raw, found);
    addresses(&raw, found);
    let tenants =
        raw.tenants.as_ref().map(|tenants| tenant::resolve(&tenants.value, &model_names, &provider_names, found));
    Config {
        listen: value_or(&raw.listen, loopback(10000)),
        admin: value_or(&raw.admin, loopback(9901)),
        sidecar: Sidecar {
            listen: value_or(&raw.sidecar.listen, loopback(10001)),
            on_outage: value_or(&raw.sidecar.on_outage, OnOutage::Local),
        },
        store: raw.store.map_or(Store::Memory, |store| store.value),
        providers,
        models,
        tenants: tenants.unwrap_or_default(),
        waiting_room: WaitingRoom {
            max_wait: value_or(&raw.waiting_room.max_wait, Millis(2_000)),
            max_waiting: small(&raw.waiting_room.max_waiting, 1_000, found),
        },
        jobs: raw.jobs.map_or(Jobs { backend: JobBackend::Embedded, url: None }, |jobs| self::jobs(jobs, found)),
        telemetry: Telemetry {
            otlp: raw.telemetry.otlp.map(|otlp| otlp.value),
            access_log: raw.telemetry.access_log.map_or_else(|| "stdout".to_owned(), |log| log.value),
        },
        max_request_bytes: bounded(&raw.max_request_bytes, REQUEST_BYTES, found),
        max_response_bytes: bounded(&raw.max_response_bytes, RESPONSE_BYTES, found),
    }
}

/// Who may call: a gateway that others can reach asks for a key, unless the file says that it shall not.
fn access(raw: &raw::Config, found: &mut Findings) {
    match (&raw.tenants, &raw.open) {
        (Some(_), Some(open)) => {
            found.problem(&open.place, "none contradicts tenants: either callers have keys, or they need none");
        }
        (None, None) => {
            if let Some(listen) = raw.listen.as_ref().filter(|listen| !listen.value.ip().is_loopback()) {
                let message = "others can reach this address and no tenants are written; \
                               add tenants, or say auth: none if it is meant to be open";
                found.problem(&listen.place, message);
            }
        }
        _ => {}
    }
    if let Some(admin) = raw.admin.as_ref().filter(|admin| !admin.value.ip().is_loopback()) {
        found.warn(
            &admin.place,
            "others can reach Envoy's admin interface; it can stop the gateway and asks for no key",
        );
    }
}

/// Three listeners in one network namespace.
fn addresses(raw: &raw::Config, found: &mut Findings) {
    let written = [
        ("listen", &raw.listen, loopback(10000)),
        ("admin", &raw.admin, loopback(9901)),
        ("sidecar.listen", &raw.sidecar.listen, loopback(10001)),
    ];
    let mut rest = written.as_slice();
    while let Some(((first, a, a_default), others)) = rest.split_first() {
        for (second, b, b_default) in others {
            let clash = clash(value_or(a, *a_default), value_or(b, *b_default));
            // Two defaults do not clash, so at least one was written.
            if let Some(place) = place(b).or(place(a)).filter(|_| clash) {
                let (this, other) = if b.is_some() { (second, first) } else { (first, second) };
                found.problem(place, format!("{this} and {other} cannot both have this address"));
            }
        }
        rest = others;
    }
}

fn clash(a: SocketAddr, b: SocketAddr) -> bool {
    a.port() == b.port() && (a.ip() == b.ip() || a.ip().is_unspecified() || b.ip().is_unspecified())
}

fn provider(raw: &raw::Provider, found: &mut Findings) -> Option<Provider> {
    if let Err(reason) = names::provider(&raw.name.value) {
        found.problem(&raw.name.place, reason);
    }
    let limits = self::limits(&raw.limits, found);
    let breaker = Breaker {
        consecutive_failures: small(&raw.consecutive_failures, 5, found),
        eject_for: value_or(&raw.eject_for, Millis(30_000)),
    };
    let kind = raw.kind.as_ref()?.value;
    if raw.base_url.is_none() && !raw.has_key {
        found
            .warn(&raw.name.place, format!("has no api_key; {} will refuse its requests", url::default_for(kind).host));
    }
    let base_url = match &raw.base_url {
        Some(written) => without_version(kind, written, found),
        None => url::default_for(kind),
    };
    let api_key = raw.api_key.as_ref().map(|key| key.value.clone());
    Some(Provider { name: raw.name.value.clone(), kind, base_url, api_key, limits, breaker })
}

/// SDKs want `/v1` in their base URL, so it is written here too; Weir adds the version itself.
fn without_version(kind: Kind, written: &At<BaseUrl>, found: &mut Findings) -> BaseUrl {
    let versions: &[&str] = match kind {
        Kind::OpenAi | Kind::Anthropic => &["/v1"],
        Kind::Gemini => &["/v1", "/v1beta"],
    };
    let mut url = written.value.clone();
    if let Some(version) = versions.iter().find(|version| url.path.ends_with(**version)) {
        url.path = url.path.strip_suffix(version).unwrap_or_default().to_owned();
        found.warn(&written.place, format!("Weir adds {version} itself; it is left off here"));
    }
    url
}

/// Also for tenants.
pub(super) fn limits(raw: &raw::Limits, found: &mut Findings) -> Limits {
    if let Some(burst) = &raw.burst {
        match &raw.requests_per_minute {
            Some(limit) if burst.value > limit.value => {
                found.problem(&burst.place, format!("is over its limit of {} requests per minute", limit.value));
            }
            None => found.problem(&burst.place, "means nothing without requests_per_minute"),
            _ => {}
        }
    }
    let value = |limit: &Option<At<u64>>| limit.as_ref().map(|limit| limit.value);
    Limits {
        requests_per_minute: value(&raw.requests_per_minute),
        tokens_per_minute: value(&raw.tokens_per_minute),
        concurrency: value(&raw.concurrency),
        burst: value(&raw.burst),
    }
}

fn jobs(raw: At<raw::Jobs>, found: &mut Findings) -> Jobs {
    let backend = raw.value.backend.map(|backend| backend.value);
    let schemes: &[&str] = match backend {
        None | Some(JobBackend::Embedded) => &[],
        Some(JobBackend::Redis) => &["redis", "rediss", "redis-cluster"],
        Some(JobBackend::RabbitMq) => &["amqp", "amqps"],
        Some(JobBackend::Kafka) => &["kafka"],
    };
    match (&raw.value.url, backend) {
        (None, Some(JobBackend::Redis | JobBackend::RabbitMq | JobBackend::Kafka)) => {
            found.problem(&raw.place, format!("this backend needs a url ({}://…)", schemes.join(":// or ")));
        }
        (Some(url), Some(JobBackend::Embedded)) => found.problem(&url.place, "the embedded backend has no url"),
        (Some(url), Some(_)) if !url::has_scheme(&url.value, schemes) => {
            found.problem(&url.place, format!("must start with {}://", schemes.join(":// or ")));
        }
        _ => {}
    }
    Jobs { backend: backend.unwrap_or(JobBackend::Embedded), url: raw.value.url.map(|url| url.value) }
}

/// Writes `{name}: known are …` for a reference that leads nowhere.
pub(super) fn unknown(what: &str, name: &str, known: &[&str]) -> String {
    let name = super::read::quote(name);
    match super::suggest::closest(name.trim_matches('"'), known.iter().copied()) {
        Some(close) => format!("unknown {what} {name}; did you mean {close}?"),
        None if known.is_empty() => format!("unknown {what} {name}"),
        None => format!("unknown {what} {name}; known: {}", known.join(", ")),
    }
}

/// The first place of each value that is written more than once, by the place that repeats it.
pub(super) fn repeated<'a>(values: impl Iterator<Item = &'a At<String>>) -> Vec<(&'a At<String>, &'a At<String>)> {
    let mut first: BTreeMap<&str, &At<String>> = BTreeMap::new();
    let mut repeats = Vec::new();
    for value in values {
        match first.get(value.value.as_str()) {
            Some(earlier) => repeats.push((value, *earlier)),
            None => drop(first.insert(&value.value, value)),
        }
    }
    repeats
}

/// A number that must fit 32 bits.
pub(super) fn small(written: &Option<At<u64>>, default: u32, found: &mut Findings) -> u32 {
    let Some(written) = written else { return default };
    u32::try_from(written.value).unwrap_or_else(|_| {
        found.problem(&written.place, format!("is too large; at most {}", u32::MAX));
        default
    })
}

fn bounded(written: &Option<At<u64>>, (least, default, most): (u64, u64, u64), found: &mut Findings) -> u64 {
    let Some(written) = written else { return default };
    if written.value < least || written.value > most {
        found.problem(&written.place, format!("must be between {}KiB and {}MiB", least / KIB, most / MIB));
        return default;
    }
    written.value
}

pub(super) fn value_or<T: Copy>(written: &Option<At<T>>, default: T) -> T {
    written.as_ref().map_or(default, |written| written.value)
}

fn place<T>(written: &Option<At<T>>) -> Option<&Place> {
    written.as_ref().map(|written| &written.place)
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)
}
