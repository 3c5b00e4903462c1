//! A provider as it was written.

use super::limits::{Limits, ModelLimits, limits};
use super::{ANSWERS, each, env_var, whole};
use crate::config::problem::{At, Findings};
use crate::config::read::Cursor;
use crate::config::{BaseUrl, Credential, EnvVar, Kind, Millis, names, url};

#[derive(Debug)]
pub(in crate::config) struct Provider {
    pub(in crate::config) name: At<String>,
    pub(in crate::config) kind: Option<At<Kind>>,
    pub(in crate::config) base_url: Option<At<BaseUrl>>,
    pub(in crate::config) api_key: Option<At<EnvVar>>,
    /// A key was written, if perhaps not one that can be used.
    pub(in crate::config) has_key: bool,
    pub(in crate::config) credential: Option<At<Credential>>,
    pub(in crate::config) stream_usage: Option<At<bool>>,
    pub(in crate::config) limits: Limits,
    pub(in crate::config) models: Vec<ModelLimits>,
    pub(in crate::config) consecutive_failures: Option<At<u64>>,
    /// In percent.
    pub(in crate::config) failure_rate: Option<At<u64>>,
    pub(in crate::config) eject_for: Option<At<Millis>>,
    pub(in crate::config) max_cooldown: Option<At<Millis>>,
}

pub(super) fn provider(name: At<String>, cursor: Cursor<'_>, found: &mut Findings) -> Provider {
    const KINDS: &[(&str, Kind)] =
        &[("openai", Kind::OpenAi), ("anthropic", Kind::Anthropic), ("gemini", Kind::Gemini)];
    const CREDENTIALS: &[(&str, Credential)] = &[("bearer", Credential::Bearer), ("api-key", Credential::ApiKey)];
    let mut provider = Provider {
        name,
        kind: None,
        base_url: None,
        api_key: None,
        has_key: false,
        credential: None,
        stream_usage: None,
        limits: Limits::default(),
        models: Vec::new(),
        consecutive_failures: None,
        failure_rate: None,
        eject_for: None,
        max_cooldown: None,
    };
    whole(cursor, "a map with kind, api_key, …", found, |map, f| {
        provider.kind = map.need("kind", f, |c, f| c.choice("kind", KINDS, f));
        provider.base_url = map.get("base_url", f, base_url);
        provider.has_key = map.has("api_key");
        provider.api_key = map.get("api_key", f, |c, f| env_var(c, "OPENAI_API_KEY", "key", f));
        provider.credential = map.get("credential", f, |c, f| c.choice("header", CREDENTIALS, f));
        provider.stream_usage = map.get("stream_usage", f, |c, f| c.choice("answer", ANSWERS, f));
        provider.limits = map.get("limits", f, limits).unwrap_or_default();
        let models = map.get("models", f, |c, f| each(c, "model", f, model_limits));
        provider.models = models.into_iter().flatten().flatten().collect();
        map.get("breaker", f, |c, f| {
            whole(c, "a map with consecutive_failures, failure_rate, eject_for and max_cooldown", f, |map, f| {
                provider.consecutive_failures = map.get("consecutive_failures", f, |c, f| c.count(f));
                provider.failure_rate = map.get("failure_rate", f, |c, f| c.percent(f));
                provider.eject_for = map.get("eject_for", f, |c, f| c.duration(f));
                provider.max_cooldown = map.get("max_cooldown", f, |c, f| c.duration(f));
            })
        });
    });
    provider
}

fn base_url(cursor: Cursor<'_>, found: &mut Findings) -> Option<At<BaseUrl>> {
    let text = cursor.text("a URL such as https://api.openai.com", found)?.value;
    match url::base_url(&text) {
        Ok(url) => Some(cursor.at(url)),
        Err(reason) => {
            found.problem(&cursor.place(), reason);
            None
        }
    }
}

/// Limits of one model at this provider. The name is the provider's own, so only what could not be addressed is wrong.
fn model_limits(name: At<String>, cursor: Cursor<'_>, found: &mut Findings) -> Option<ModelLimits> {
    let limits = whole(cursor, "a map with limits", found, |map, f| map.get("limits", f, limits).unwrap_or_default());
    if names::target(&format!("provider/{}", name.value)).is_none() {
        found.problem(&name.place, "is no model id that provider/model could address");
        return None;
    }
    Some(ModelLimits { model: name, limits: limits? })
}
