//! What was used, by day, tenant and model.

use super::keys::unavailable;
use crate::serve::Sidecar;
use axum::Json;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::civil::Date;
use serde::Deserialize;
use std::sync::Arc;

/// In one answer: no store keeps more.
const MOST_DAYS: i32 = 400;

/// Days, inclusive, in UTC.
#[derive(Deserialize)]
pub(in crate::serve) struct Days {
    from: Date,
    to: Date,
}

pub(in crate::serve) async fn show(
    State(sidecar): State<Arc<Sidecar>>,
    days: Result<Query<Days>, axum::extract::rejection::QueryRejection>,
) -> Response {
    let Ok(Query(Days { from, to })) = days else {
        return (StatusCode::BAD_REQUEST, "from and to must be days, 2026-11-26\n").into_response();
    };
    if !(0..MOST_DAYS).contains(&(to - from).get_days()) {
        let why = format!("from must not be after to, and they may span at most {MOST_DAYS} days\n");
        return (StatusCode::BAD_REQUEST, why).into_response();
    }
    match sidecar.store.usage(&from.to_string(), &to.to_string()).await {
        Ok(usage) => Json(usage).into_response(),
        Err(error) => unavailable(&sidecar, &error),
    }
}
