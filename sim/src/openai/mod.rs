//! The OpenAI API: chat completions, responses, embeddings, models.

mod chat;
mod content;
mod embeddings;
pub(crate) mod error;
pub(crate) mod headers;
mod invalid;
mod messages;
mod models;
mod params;
mod responses;
mod stream;
mod tools;

use hyper::{Method, http::request::Parts};

use crate::{
    credential::{Credentials, bearer},
    dialect::{Answered, Call},
    refusal::{Checked, Refusal},
    route::{Framing, Operation, Route},
};

pub(crate) fn route(parts: &Parts) -> Checked<Route> {
    let (method, path) = (&parts.method, parts.uri.path());
    let (operation, expected) = match path {
        "/v1/chat/completions" => (Operation::Chat, Method::POST),
        "/v1/responses" => (Operation::Respond, Method::POST),
        "/v1/embeddings" => (Operation::Embed, Method::POST),
        "/v1/models" => (Operation::Models, Method::GET),
        _ => return Err(Refusal::new(404, format!("Invalid URL ({method} {path})"))),
    };
    if *method != expected {
        let refusal = Refusal::new(405, format!("Not allowed to {method} on {path}."));
        return Err(refusal.with_code("method_not_supported"));
    }
    let framing = if operation == Operation::Respond { Framing::Named } else { Framing::Json };
    Ok(Route { framing, ..Route::new(operation) })
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
        // It counts no tokens.
        Operation::Chat | Operation::Count => chat::answer(call),
        Operation::Embed | Operation::BatchEmbed => embeddings::answer(call),
        Operation::Respond => responses::answer(call),
        Operation::Models => Ok(models::answer()),
    }
}
