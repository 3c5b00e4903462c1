//! From what was written to what the program uses: defaults filled in, every part compared with the others.

use super::problem::{At, Findings, Place};
use super::{
    Config, JobBackend, Jobs, Millis, Provider, RetryBudget, Store, Telemetry, WaitingRoom, capability, model, price,
    provider, raw, sidecar, tenant, units, url,
};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

pub(super) const KIB: u64 = 1 << 10;
pub(super) const MIB: u64 = 1 << 20;
const REQUEST_BYTES: (u64, u64, u64) = (64 * KIB, 8 * MIB, 256 * MIB);
const RESPONSE_BYTES: (u64, u64, u64) = (64 * KIB, 16 * MIB, 256 * MIB);
const WAITING_BYTES: (u64, u64, u64) = (64 * KIB, 64 * MIB, 1024 * MIB);
/// Of retries. More would be no budget.
const MOST_RESERVE: u64 = 100_000;

/// The configuration that `raw` means. It is only to be used if nothing was found wrong: what was refused is left
/// out or replaced by its default, so that the rest can still be checked.
pub(super) fn resolve(raw: raw::Config, found: &mut Findings) -> Config {
    let providers: Vec<Provider> =
        raw.providers.iter().filter_map(|provider| provider::resolve(provider, found)).collect();
    let provider_names: Vec<&str> = raw.providers.iter().map(|provider| provider.name.value.as_str()).collect();
    let model_names: Vec<&str> = raw.models.iter().map(|model| model.name.value.as_str()).collect();
    let models = raw.models.iter().filter_map(|model| model::resolve(model, &provider_names, found)).collect();
    access(&raw, found);
    addresses(&raw, found);
    let waiting_room = waiting_room(&raw, found);
    let tenants =
        raw.tenants.as_ref().map(|tenants| tenant::resolve(&tenants.value, &model_names, &provider_names, found));
    let admin = value_or(&raw.admin, loopback(9901));
    Config {
        listen: value_or(&raw.listen, loopback(10000)),
        admin,
        sidecar: sidecar::resolve(&raw.sidecar, admin, found),
        store: raw.store.map_or(Store::Memory, |store| store.value),
        providers,
        models,
        tenants: tenants.unwrap_or_default(),
        prices: price::resolve(&raw.prices, &provider_names, found),
        capabilities: capability::resolve(&raw.capabilities, &provider_names, found),
        cache: sidecar::cache(&raw.cache, found),
        waiting_room,
        retry_budget: retry_budget(&raw.retry_budget, found),
        jobs: raw.jobs.map_or(Jobs { backend: JobBackend::Embedded, url: None }, |jobs| self::jobs(jobs, found)),
        telemetry: Telemetry {
            otlp: raw.telemetry.otlp.map(|otlp| otlp.value),
            trace_percent: percent(&raw.telemetry.trace_percent, (0, 100), found),
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
    let sidecar = raw.sidecar.listen.as_ref().map(|listen| (listen.value.tcp(), &listen.place));
    let mut written = vec![
        ("listen", place(&raw.listen), value_or(&raw.listen, loopback(10000))),
        ("admin", place(&raw.admin), value_or(&raw.admin, loopback(9901))),
    ];
    match sidecar {
        Some((Some(address), place)) => written.push(("sidecar.listen", Some(place), address)),
        Some((None, _)) => {}
        None => written.push(("sidecar.listen", None, loopback(sidecar::DEFAULT_PORT))),
    }
    let mut rest = written.as_slice();
    while let Some(((first, a, a_address), others)) = rest.split_first() {
        for (second, b, b_address) in others {
            // Two defaults do not clash, so at least one was written.
            if let Some(place) = b.or(*a).filter(|_| clash(*a_address, *b_address)) {
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

/// A request that waits must have time left to be answered, whatever its model.
fn waiting_room(raw: &raw::Config, found: &mut Findings) -> WaitingRoom {
    let written = &raw.waiting_room;
    let max_wait = value_or(&written.max_wait, Millis(2_000));
    let deadline = |model: &&raw::Model| value_or(&model.deadline, model::DEADLINE);
    // A default is cut by the deadline of each request; what was written is meant.
    if let Some(place) = place(&written.max_wait)
        && let Some(model) = raw.models.iter().min_by_key(deadline).filter(|model| max_wait >= deadline(model))
    {
        let (name, deadline) = (&model.name.value, units::show(deadline(&model)));
        found.problem(place, format!("a request would wait past the deadline of model {name} ({deadline})"));
    }
    WaitingRoom {
        max_wait,
        max_waiting: small(&written.max_waiting, 1_000, found),
        max_bytes: bounded(&written.max_bytes, WAITING_BYTES, found),
    }
}

fn retry_budget(raw: &raw::RetryBudget, found: &mut Findings) -> RetryBudget {
    let reserve = at_most(&raw.reserve, MOST_RESERVE, found).and_then(|reserve| u32::try_from(reserve).ok());
    RetryBudget { percent: percent(&raw.percent, (0, 20), found), reserve: reserve.unwrap_or(100) }
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
    at_most(written, u64::from(u32::MAX), found).and_then(|value| u32::try_from(value).ok()).unwrap_or(default)
}

/// None: absent, or over `most` and reported.
pub(super) fn at_most(written: &Option<At<u64>>, most: u64, found: &mut Findings) -> Option<u64> {
    let written = written.as_ref()?;
    if written.value > most {
        found.problem(&written.place, format!("is too large; at most {most}"));
        return None;
    }
    Some(written.value)
}

/// From `least` to 100.
pub(super) fn percent(written: &Option<At<u64>>, (least, default): (u32, u32), found: &mut Findings) -> u32 {
    let Some(written) = written else { return default };
    match u32::try_from(written.value) {
        Ok(value) if (least..=100).contains(&value) => value,
        _ => {
            found.problem(&written.place, format!("must be between {least}% and 100%"));
            default
        }
    }
}

pub(super) fn bounded(written: &Option<At<u64>>, (least, default, most): (u64, u64, u64), found: &mut Findings) -> u64 {
    let Some(written) = written else { return default };
    if written.value < least || written.value > most {
        found.problem(
            &written.place,
            format!("must be between {} and {}", units::show_size(least), units::show_size(most)),
        );
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

pub(super) fn loopback(port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)
}
