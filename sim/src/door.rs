//! The door: foreign keys, path and method, the provider's own key, content type, JSON.

use hyper::{Method, header::CONTENT_TYPE};
use serde_json::Value;

use crate::{
    exchange::Exchange,
    provider::Provider,
    refusal::{Checked, Refusal},
    route::Route,
};

/// A request whose credentials are right. Its document may still be no JSON: a fault goes before that.
#[derive(Debug)]
pub(crate) struct Entered {
    pub(crate) route: Route,
    pub(crate) document: Checked<Value>,
}

impl Entered {
    /// The model that faults are filtered by.
    pub(crate) fn model(&self) -> Option<&str> {
        let in_body = || self.document.as_ref().ok()?.get("model")?.as_str();
        self.route.model.as_deref().or_else(in_body)
    }
}

pub(crate) fn enter(exchange: &Exchange, body: &[u8], too_large: bool) -> Checked<Entered> {
    let (station, parts) = (exchange.station(), exchange.parts());
    if exchange.foreign_credential() {
        return Err(Refusal::new(401, "this request carries the key of another provider"));
    }
    let route = station.provider.route(parts)?;
    station.provider.authorize(parts, &station.credentials)?;
    if too_large {
        return Err(station.provider.failure(413, None));
    }
    let document = match parts.method {
        Method::GET => Ok(Value::Null),
        _ => document(exchange, body),
    };
    Ok(Entered { route, document })
}

fn document(exchange: &Exchange, body: &[u8]) -> Checked<Value> {
    let content_type = exchange.parts().headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let essence = content_type.split(';').next().unwrap_or("").trim();
    if !essence.eq_ignore_ascii_case("application/json") {
        return Err(wrong_content_type(exchange.station().provider, essence));
    }
    let document: Value =
        serde_json::from_slice(body).map_err(|error| no_json(exchange.station().provider, &error.to_string()))?;
    if document.is_object() { Ok(document) } else { Err(no_json(exchange.station().provider, "expected an object")) }
}

fn wrong_content_type(provider: Provider, given: &str) -> Refusal {
    match provider {
        Provider::OpenAi => Refusal::invalid(format!(
            "Unsupported content type: '{given}'. This API method only accepts 'application/json' requests, but you \
             specified the header 'Content-Type: {given}'. Please try again with a supported content type."
        ))
        .with_code("unsupported_content_type"),
        Provider::Anthropic => Refusal::invalid("Content-Type must be application/json"),
        Provider::Gemini => Refusal::invalid(format!("Invalid content type {given:?}: expected application/json.")),
    }
}

fn no_json(provider: Provider, error: &str) -> Refusal {
    match provider {
        Provider::OpenAi => Refusal::invalid(
            "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP \
             library correctly. The OpenAI API expects a JSON payload, but what was sent was not valid JSON.)",
        ),
        Provider::Anthropic => Refusal::invalid(format!("The request body is not valid JSON: {error}")),
        Provider::Gemini => Refusal::invalid(format!("Invalid JSON payload received. {error}")),
    }
}
