//! The OpenAI API: chat completions, embeddings, models.

mod chat;
mod content;
mod embeddings;
pub(crate) mod error;
pub(crate) mod headers;
mod invalid;
mod messages;
mod models;
mod params;
mod stream;
mod tools;

use hyper::{Method, http::request::Parts};

use crate::{
    credential::{Credentials, bearer},
    dialect::{Answered, Call},
    refusal::{Checked, Refusal},
    route::{Operation, Route},
};

pub(crate) fn route(parts: &Parts) -> Checked<Route> {
    let (method, path) = (&parts.method, parts.uri.path());
    let (operation, expected) = match path {
        "/v1/chat/completions" => (Operation::Chat, Method::POST),
        "/v1/embeddings" => (Operation::Embed, Method::POST),
        "/v1/models" => (Operation::Models, Method::GET),
        _ => return Err(Refusal::new(404, format!("Invalid URL ({method} {path})"))),
    };
    if *method != expected {
        let refusal = Refusal::new(405, format!("Not allowed to {method} on {path}."));
        return Err(refusal.with_code("method_not_supported"));
    }
    Ok(Route::new(operation))
}

pub(crate) fn authorize(parts: &Parts, credentials: &Credentials) -> Checked {
    match bearer(&parts.headers) {
        None => Err(Refusal::new(
            401,
            "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer \
             auth (i.e. Authorization: Bearer YOUR_KEY).",
        )),
        Some(key) if credentials.is_expected(key) => Ok(()),
        Some(_) => Err(error::failure(401, None)),
    }
}

pub(crate) fn answer(call: &Call<'_>) -> Checked<Answered> {
    match call.route.operation {
        Operation::Chat => chat::answer(call),
        Operation::Embed | Operation::BatchEmbed => embeddings::answer(call),
        Operation::Models => Ok(models::answer()),
    }
}
