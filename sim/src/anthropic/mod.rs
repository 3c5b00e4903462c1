//! The Anthropic API: messages, their tokens, models.

mod blocks;
mod chat;
mod count;
pub(crate) mod error;
mod format;
pub(crate) mod headers;
mod invalid;
mod messages;
mod model;
mod models;
mod params;
mod stream;
mod thinking;
mod tools;

use hyper::{Method, http::request::Parts};

use crate::{
    credential::{Credentials, bearer, only},
    dialect::{Answered, Call},
    refusal::{Checked, Refusal},
    route::{Operation, Route},
};

/// The versions of the API (docs of the provider, 0.1). The newer one refuses sampling parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    V2023,
    V2026,
}

pub(crate) fn route(parts: &Parts) -> Checked<Route> {
    let (operation, expected) = match parts.uri.path() {
        "/v1/messages" => (Operation::Chat, Method::POST),
        "/v1/messages/count_tokens" => (Operation::Count, Method::POST),
        "/v1/models" => (Operation::Models, Method::GET),
        _ => return Err(Refusal::new(404, "Not Found")),
    };
    if parts.method != expected {
        return Err(Refusal::new(405, "Method Not Allowed").with_type("invalid_request_error"));
    }
    Ok(Route::new(operation))
}

/// `x-api-key` wins over `Authorization` if both are there.
pub(crate) fn authorize(parts: &Parts, credentials: &Credentials) -> Checked {
    let (message, key) = match parts.headers.contains_key("x-api-key") {
        true => ("invalid x-api-key", only(&parts.headers, "x-api-key")),
        false => ("invalid bearer token", bearer(&parts.headers)),
    };
    match key {
        None if parts.headers.contains_key("x-api-key") || parts.headers.contains_key("authorization") => {
            Err(Refusal::new(401, message))
        }
        None => Err(Refusal::new(401, "x-api-key header is required")),
        Some(key) if credentials.is_expected(key) => Ok(()),
        Some(_) => Err(Refusal::new(401, message)),
    }
}

pub(crate) fn answer(call: &Call<'_>) -> Checked<Answered> {
    let version = version(call.parts)?;
    match call.route.operation {
        Operation::Models => Ok(models::answer()),
        Operation::Count => count::answer(call, version),
        Operation::Chat | Operation::Embed | Operation::BatchEmbed | Operation::Respond => chat::answer(call, version),
    }
}

fn version(parts: &Parts) -> Checked<Version> {
    match parts.headers.get("anthropic-version").map(|version| version.as_bytes()) {
        Some(b"2023-06-01") => Ok(Version::V2023),
        Some(b"2026-10-21") => Ok(Version::V2026),
        Some(other) => Err(Refusal::invalid(format!(
            "anthropic-version: \"{}\" is not a valid version. For more information, see \
             https://docs.claude.com/en/api/versioning",
            String::from_utf8_lossy(other)
        ))),
        None => Err(Refusal::invalid("anthropic-version: header is required")),
    }
}
