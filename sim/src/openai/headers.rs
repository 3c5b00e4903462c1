//! OpenAI's response headers (docs of the provider, E).

use hyper::{
    HeaderMap,
    header::{HeaderValue, SET_COOKIE},
};

use crate::{clock::go_duration, dialect::Facts, limits::Level};

pub(crate) fn write(headers: &mut HeaderMap, facts: &Facts<'_>) {
    // Cloudflare sits in front of the real one. A gateway that relays this cookie mixes up its clients.
    headers.insert(
        SET_COOKIE,
        HeaderValue::from_static("__cf_bm=sim-cookie; path=/; domain=.api.openai.com; HttpOnly; Secure; SameSite=None"),
    );
    headers.insert("openai-version", HeaderValue::from_static("2020-10-01"));
    headers.insert("openai-organization", HeaderValue::from_static("org-sim"));
    let millis = u64::try_from(facts.elapsed.as_millis()).unwrap_or(u64::MAX);
    headers.insert("openai-processing-ms", HeaderValue::from(millis));
    if let Ok(id) = HeaderValue::try_from(format!("req_sim{:012}", facts.serial)) {
        headers.insert("x-request-id", id);
    }
    // Absent on 404 for an unknown model, present on most other errors.
    if facts.status == 404 {
        return;
    }
    level(
        headers,
        facts.headroom.requests,
        ["x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"],
    );
    level(
        headers,
        facts.headroom.tokens,
        ["x-ratelimit-limit-tokens", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"],
    );
}

fn level(headers: &mut HeaderMap, level: Level, [limit, remaining, reset]: [&'static str; 3]) {
    headers.insert(limit, HeaderValue::from(level.limit));
    headers.insert(remaining, HeaderValue::from(level.remaining));
    if let Ok(value) = HeaderValue::try_from(go_duration(level.reset)) {
        headers.insert(reset, value);
    }
}
