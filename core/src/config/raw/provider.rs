//! A provider as it was written, and the ceilings that it shares with tenants.

use super::whole;
use crate::config::problem::{At, Findings};
use crate::config::read::Cursor;
use crate::config::{BaseUrl, EnvVar, Kind, Millis, names, url};

#[derive(Debug)]
pub(in crate::config) struct Provider {
    pub(in crate::config) name: At<String>,
    pub(in crate::config) kind: Option<At<Kind>>,
    pub(in crate::config) base_url: Option<At<BaseUrl>>,
    pub(in crate::config) api_key: Option<At<EnvVar>>,
    /// A key was written, if perhaps not one that can be used.
    pub(in crate::config) has_key: bool,
    pub(in crate::config) limits: Limits,
    pub(in crate::config) consecutive_failures: Option<At<u64>>,
    pub(in crate::config) eject_for: Option<At<Millis>>,
}

#[derive(Debug, Default)]
pub(in crate::config) struct Limits {
    pub(in crate::config) requests_per_minute: Option<At<u64>>,
    pub(in crate::config) tokens_per_minute: Option<At<u64>>,
    pub(in crate::config) concurrency: Option<At<u64>>,
    pub(in crate::config) burst: Option<At<u64>>,
}

pub(super) fn provider(name: At<String>, cursor: Cursor<'_>, found: &mut Findings) -> Provider {
    const KINDS: &[(&str, Kind)] =
        &[("openai", Kind::OpenAi), ("anthropic", Kind::Anthropic), ("gemini", Kind::Gemini)];
    let mut provider = Provider {
        name,
        kind: None,
        base_url: None,
        api_key: None,
        has_key: false,
        limits: Limits::default(),
        consecutive_failures: None,
        eject_for: None,
    };
    whole(cursor, "a map with kind, api_key, …", found, |map, f| {
        provider.kind = map.need("kind", f, |c, f| c.choice("kind", KINDS, f));
        provider.base_url = map.get("base_url", f, base_url);
        provider.has_key = map.has("api_key");
        provider.api_key = map.get("api_key", f, api_key);
        provider.limits = map.get("limits", f, limits).unwrap_or_default();
        map.get("breaker", f, |c, f| {
            whole(c, "a map with consecutive_failures and eject_for", f, |map, f| {
                provider.consecutive_failures = map.get("consecutive_failures", f, |c, f| c.count(f));
                provider.eject_for = map.get("eject_for", f, |c, f| c.duration(f));
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

/// The message never repeats what was written: it is likely to be a credential.
fn api_key(cursor: Cursor<'_>, found: &mut Findings) -> Option<At<EnvVar>> {
    let name = cursor.node.text().and_then(names::env_reference);
    if name.is_none() {
        found.problem(
            &cursor.place(),
            "must name an environment variable, such as $OPENAI_API_KEY; a key itself does not belong into this file",
        );
    }
    name.map(|name| cursor.at(EnvVar(name.to_owned())))
}

pub(super) fn limits(cursor: Cursor<'_>, found: &mut Findings) -> Option<Limits> {
    whole(cursor, "a map with requests_per_minute, tokens_per_minute, concurrency, burst", found, |map, f| {
        let written = map.has("requests_per_minute");
        let requests_per_minute = map.get("requests_per_minute", f, |c, f| c.count(f));
        let tokens_per_minute = map.get("tokens_per_minute", f, |c, f| c.count(f));
        let concurrency = map.get("concurrency", f, |c, f| c.count(f));
        let burst = map.get("burst", f, |c, f| c.count(f));
        // Against a limit that was refused, a burst cannot be wrong.
        let burst = burst.filter(|_| requests_per_minute.is_some() || !written);
        Limits { requests_per_minute, tokens_per_minute, concurrency, burst }
    })
}
