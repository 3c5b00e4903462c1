//! A provider's address, ceilings and breaker.

use super::problem::{At, Findings};
use super::resolve::{percent, small, value_or};
use super::{BaseUrl, Breaker, Kind, Millis, Provider, limits, names, raw, url};

pub(super) fn resolve(raw: &raw::Provider, found: &mut Findings) -> Option<Provider> {
    if let Err(reason) = names::provider(&raw.name.value) {
        found.problem(&raw.name.place, reason);
    }
    let limits = limits::limits(&raw.limits, found);
    let model_limits = limits::of_models(raw.models.iter(), &limits, "provider", found);
    let breaker = Breaker {
        consecutive_failures: small(&raw.consecutive_failures, 5, found),
        failure_rate: percent(&raw.failure_rate, (1, 50), found),
        eject_for: value_or(&raw.eject_for, Millis(30_000)),
        max_cooldown: value_or(&raw.max_cooldown, Millis(3_600_000)),
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
    Some(Provider { name: raw.name.value.clone(), kind, base_url, api_key, limits, model_limits, breaker })
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
