//! The Gemini API: generateContent, streamGenerateContent, countTokens, embeddings, models.

mod answer;
mod config;
mod contents;
mod count;
mod embeddings;
pub(crate) mod error;
mod fields;
pub(crate) mod headers;
mod model;
mod models;
mod parts;
mod request;
mod schema;
mod signature;
mod tools;
mod turns;

use hyper::{Method, http::request::Parts};

use crate::{
    credential::{Credentials, only, query},
    dialect::{Answered, Call},
    refusal::{Checked, Refusal},
    route::{Framing, Operation, Route},
};

pub(crate) fn route(parts: &Parts) -> Checked<Route> {
    let not_found = || Refusal::new(404, "Requested entity was not found.");
    let path = parts.uri.path();
    let rest = path.strip_prefix("/v1beta/models").or_else(|| path.strip_prefix("/v1/models")).ok_or_else(not_found)?;
    let (route, expected) = match rest.strip_prefix('/').map(|rest| rest.split_once(':')) {
        None if rest.is_empty() => (Route::new(Operation::Models), Method::GET),
        Some(Some((model, verb))) if !model.is_empty() => {
            let (operation, framing) = match verb {
                "generateContent" => (Operation::Chat, Framing::Json),
                "streamGenerateContent" if query(parts, "alt") == Some("sse") => (Operation::Chat, Framing::Sse),
                "streamGenerateContent" => (Operation::Chat, Framing::JsonArray),
                "countTokens" => (Operation::Count, Framing::Json),
                "embedContent" => (Operation::Embed, Framing::Json),
                "batchEmbedContents" => (Operation::BatchEmbed, Framing::Json),
                _ => return Err(not_found()),
            };
            (Route { operation, model: Some(model.to_owned()), framing }, Method::POST)
        }
        _ => return Err(not_found()),
    };
    if parts.method == expected { Ok(route) } else { Err(Refusal::new(405, "Method not allowed.")) }
}

pub(crate) fn authorize(parts: &Parts, credentials: &Credentials) -> Checked {
    let key = match only(&parts.headers, "x-goog-api-key") {
        Some(key) => Some(key),
        None => query(parts, "key").map(str::as_bytes),
    };
    match key {
        None => Err(Refusal::new(
            403,
            "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or \
             other form of API consumer identity to call this API.",
        )),
        Some(key) if credentials.is_expected(key) => Ok(()),
        Some(_) => {
            Err(Refusal::invalid("API key not valid. Please pass a valid API key.").with_code("API_KEY_INVALID"))
        }
    }
}

pub(crate) fn answer(call: &Call<'_>) -> Checked<Answered> {
    let model = call.route.model.as_deref().unwrap_or_default();
    if model.starts_with("unknown") {
        return Err(Refusal::new(
            404,
            format!(
                "models/{model} is not found for API version v1beta, or is not supported for this method. Call \
                 ListModels to see the list of available models and their supported methods."
            ),
        ));
    }
    match call.route.operation {
        Operation::Chat | Operation::Respond => answer::answer(call, model),
        Operation::Count => count::answer(call, model),
        Operation::Embed => embeddings::one(call, model),
        Operation::BatchEmbed => embeddings::batch(call, model),
        Operation::Models => Ok(models::answer()),
    }
}
