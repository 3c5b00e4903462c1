//! The control API: JSON over HTTP, the same as the methods of [`Sim`](crate::Sim).

use std::{collections::HashMap, fmt, sync::Arc};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{delete, get, post, put},
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::{fault::Fault, limits::Limits, provider::Provider, reply::Reply, state::Simulation};

const DEFAULT_JOURNAL_LIMIT: usize = 10_000;

/// Why a control request was refused: a message for whoever wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected(pub(crate) String);

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Rejected {}

impl IntoResponse for Rejected {
    fn into_response(self) -> Response {
        (StatusCode::BAD_REQUEST, Json(json!({ "error": self.0 }))).into_response()
    }
}

type Controlled = Result<Json<Value>, Rejected>;
type Shared = State<Arc<Simulation>>;

pub(crate) fn router(simulation: Arc<Simulation>) -> Router {
    Router::new()
        .route("/healthz", get(async || Json(json!({ "status": "ok" }))))
        .route("/faults", delete(clear_all_faults))
        .route("/faults/{provider}", put(set_faults).delete(clear_faults))
        .route("/reply/{provider}", put(set_reply).delete(clear_reply))
        .route("/limits/{provider}", put(set_limits).delete(clear_limits))
        .route("/settings", put(set_settings))
        .route("/journal", get(journal).delete(clear_journal))
        .route("/stats", get(stats))
        .route("/reset", post(reset))
        .fallback(async || (StatusCode::NOT_FOUND, Json(json!({ "error": "no such control path" }))))
        .method_not_allowed_fallback(async || {
            (StatusCode::METHOD_NOT_ALLOWED, Json(json!({ "error": "method not allowed on this control path" })))
        })
        .with_state(simulation)
}

async fn set_faults(State(simulation): Shared, Path(name): Path<String>, body: Bytes) -> Controlled {
    let provider = provider(&name)?;
    let faults = match parse::<Value>(&body)? {
        Value::Array(faults) => faults,
        fault => vec![fault],
    };
    let faults = faults
        .into_iter()
        .enumerate()
        .map(|(index, fault)| {
            serde_json::from_value::<Fault>(fault).map_err(|error| Rejected(format!("fault {index}: {error}")))
        })
        .collect::<Result<Vec<_>, _>>()?;
    simulation.set_faults(provider, faults).await?;
    done()
}

async fn clear_faults(State(simulation): Shared, Path(name): Path<String>) -> Controlled {
    simulation.set_faults(provider(&name)?, Vec::new()).await?;
    done()
}

async fn clear_all_faults(State(simulation): Shared) -> Controlled {
    simulation.clear_faults().await?;
    done()
}

async fn set_reply(State(simulation): Shared, Path(name): Path<String>, body: Bytes) -> Controlled {
    simulation.set_reply(provider(&name)?, parse::<Reply>(&body)?)?;
    done()
}

async fn clear_reply(State(simulation): Shared, Path(name): Path<String>) -> Controlled {
    simulation.set_reply(provider(&name)?, Reply::default())?;
    done()
}

async fn set_limits(State(simulation): Shared, Path(name): Path<String>, body: Bytes) -> Controlled {
    simulation.set_limits(provider(&name)?, parse::<Limits>(&body)?)?;
    done()
}

async fn clear_limits(State(simulation): Shared, Path(name): Path<String>) -> Controlled {
    simulation.set_limits(provider(&name)?, Limits::default())?;
    done()
}

async fn set_settings(State(simulation): Shared, body: Bytes) -> Controlled {
    simulation.set_settings(parse(&body)?);
    done()
}

async fn journal(
    State(simulation): Shared,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Response, Rejected> {
    if let Some(unknown) = query.keys().find(|key| !matches!(key.as_str(), "provider" | "limit")) {
        return Err(Rejected(format!("unknown parameter {unknown:?}: expected provider or limit")));
    }
    let provider = query.get("provider").map(|name| provider(name)).transpose()?;
    let limit = match query.get("limit") {
        None => DEFAULT_JOURNAL_LIMIT,
        Some(limit) => limit.parse().map_err(|_| Rejected(format!("limit must be a number, not {limit:?}")))?,
    };
    Ok(Json(simulation.journal(provider, limit)).into_response())
}

async fn clear_journal(State(simulation): Shared) -> Controlled {
    simulation.clear_journal();
    done()
}

async fn stats(State(simulation): Shared) -> Response {
    Json(simulation.stats()).into_response()
}

async fn reset(State(simulation): Shared) -> Controlled {
    simulation.reset().await?;
    done()
}

fn done() -> Controlled {
    Ok(Json(json!({ "ok": true })))
}

fn provider(name: &str) -> Result<Provider, Rejected> {
    name.parse().map_err(Rejected)
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Rejected> {
    serde_json::from_slice(body).map_err(|error| Rejected(error.to_string()))
}
