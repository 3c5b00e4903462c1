//! The filter's messages as bodies.

use crate::serve::guard::Refusal;
use crate::serve::offer::{Carrier, Offer};
use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use minicbor::{CborLen, Decode, Encode};
use weir_core::wire;

/// The message in `body`.
pub(super) fn read<'b, T: Decode<'b, ()>>(body: &'b Bytes) -> Result<T, Refusal> {
    wire::decode(body).map_err(|_| Refusal(StatusCode::BAD_REQUEST, "a body is no message of the filter's"))
}

/// An answer, and the lead that it tells of.
pub(super) fn write<T: Encode<()> + CborLen<()>>(message: &T, offer: Option<Offer>) -> Response {
    let bytes = Bytes::from(wire::encode(message));
    match offer {
        None => respond(bytes),
        Some(offer) => respond(Body::new(Carrier::new(bytes, offer))),
    }
}

/// An answer that is encoded already.
pub(super) fn respond(body: impl Into<Body>) -> Response {
    ([(CONTENT_TYPE, "application/cbor")], body.into()).into_response()
}
