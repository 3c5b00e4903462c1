//! A provider's address, ceilings and breaker.

use super::problem::{At, Findings};
use super::resolve::{percent, small, value_or};
use super::{BaseUrl, Breaker, Credential, Kind, Millis, Provider, limits, names, raw, url};
use crate::provider::openai;

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
    if kind != Kind::OpenAi {
        let of_openai = [raw.credential.as_ref().map(|at| &at.place), raw.stream_usage.as_ref().map(|at| &at.place)];
        for place in of_openai.into_iter().flatten() {
            found.problem(place, "is for providers of kind openai; the others leave no choice");
        }
    }
    let is_azure = base_url.is_azure();
    if let Some(written) = raw.base_url.as_ref().filter(|_| is_azure && base_url.path.contains("/deployments/")) {
        let message = "is of an Azure API that names the model in the path; write https://….openai.azure.com/openai/v1";
        found.problem(&written.place, message);
    }
    let credential = value_or(&raw.credential, if is_azure { Credential::ApiKey } else { Credential::Bearer });
    let stream_usage = value_or(&raw.stream_usage, true);
    let api_key = raw.api_key.as_ref().map(|key| key.value.clone());
    let name = raw.name.value.clone();
    Some(Provider { name, kind, base_url, api_key, credential, stream_usage, limits, model_limits, breaker })
}

impl Provider {
    /// As OpenTelemetry's conventions for generative AI name who serves it (`gen_ai.provider.name`).
    pub fn genai_name(&self) -> &'static str {
        match self.kind {
            Kind::OpenAi if self.base_url.is_azure() => "azure.ai.openai",
            Kind::OpenAi => "openai",
            Kind::Anthropic => "anthropic",
            Kind::Gemini => "gcp.gemini",
        }
    }
}

/// SDKs want `/v1` in their base URL, so it is written here too; Weir adds the version itself.
fn without_version(kind: Kind, written: &At<BaseUrl>, found: &mut Findings) -> BaseUrl {
    let versions: &[&str] = match kind {
        Kind::OpenAi | Kind::Anthropic => &["/v1"],
        Kind::Gemini => &["/v1", "/v1beta"],
    };
    let mut url = written.value.clone();
    let rest = |version: &str| url.path.strip_suffix(version).map(str::to_owned);
    if let Some((version, rest)) = versions.iter().find_map(|version| Some((version, rest(version)?)))
        && !(kind == Kind::OpenAi && openai::names_version(&rest))
    {
        url.path = rest;
        found.warn(&written.place, format!("Weir adds {version} itself; it is left off here"));
    }
    url
}
