//! The filter's messages as bodies.

use crate::serve::Sidecar;
use axum::body::Bytes;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use minicbor::{CborLen, Decode, Encode};
use weir_core::wire;

/// The message in `body`, or the refusal of it.
pub(super) fn read<'b, T: Decode<'b, ()>>(sidecar: &Sidecar, body: &'b Bytes) -> Result<T, Response> {
    wire::decode(body)
        .map_err(|_| sidecar.guard.refuse(StatusCode::BAD_REQUEST, "a body is no message of the filter's"))
}

/// An answer.
pub(super) fn write<T: Encode<()> + CborLen<()>>(message: &T) -> Response {
    ([(CONTENT_TYPE, "application/cbor")], wire::encode(message)).into_response()
}
