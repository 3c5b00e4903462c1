//! Who may call, how much at once, and what happens to what is no proper call: the right status, and one line in the log
//! for each kind and minute, never with what was sent.

use super::Sidecar;
use super::quiet::Quiet;
use axum::Extension;
use axum::body::{Body, Bytes, HttpBody as _, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::AUTHORIZATION;
use axum::http::{StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http_body_util::LengthLimitError;
use sha2::{Digest as _, Sha256};
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;
use subtle::ConstantTimeEq as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use weir_core::wire;

/// A body that takes longer to come is not waited for.
const BODY_TIME: Duration = Duration::from_secs(5);

/// Bytes in a body; and in that of a follower, who holds it for long.
const LONGEST: u32 = wire::MAX_BYTES as u32;
const LONGEST_WAIT: u32 = 1_024;

/// Why a call is not answered: never with what was sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Refusal(pub(super) StatusCode, pub(super) &'static str);

const TOO_LARGE: Refusal = Refusal(StatusCode::PAYLOAD_TOO_LARGE, "the message is too large");
const WRONG_METHOD: Refusal = Refusal(StatusCode::METHOD_NOT_ALLOWED, "the method is not served here");

/// Brings itself along, for [`admit`] to tell of it.
impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Self(status, why) = self;
        (status, Extension(self), format!("{why}\n")).into_response()
    }
}

/// How much may be under way at once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    /// A follower waits long and does little, so many may.
    pub(super) calls: usize,
    /// Of the bodies of all calls.
    pub(super) bytes: usize,
}

impl Default for Room {
    fn default() -> Self {
        Self { calls: 20_000, bytes: 256 << 20 }
    }
}

pub(super) struct Guard {
    /// SHA-256 of the secret: of two digests the length says nothing.
    secret: Option<[u8; 32]>,
    calls: Arc<Semaphore>,
    bytes: Arc<Semaphore>,
    quiet: Arc<Quiet>,
}

impl Guard {
    pub(super) fn new(secret: Option<String>, room: Room, quiet: Arc<Quiet>) -> Self {
        let secret = secret.map(|secret| Sha256::digest(secret.as_bytes()).into());
        let semaphore = |permits| Arc::new(Semaphore::new(permits));
        Self { secret, calls: semaphore(room.calls), bytes: semaphore(room.bytes), quiet }
    }

    fn knows(&self, request: &Request) -> bool {
        let Some(secret) = &self.secret else { return true };
        let given = request.headers().get(AUTHORIZATION).map_or(&b""[..], |value| value.as_bytes());
        let given = given.strip_prefix(b"Bearer ").unwrap_or_default();
        Sha256::digest(given).ct_eq(secret).into()
    }

    /// Says no, in the log too if that was not said within the minute.
    pub(super) fn refuse(&self, refusal: Refusal) -> Response {
        let Refusal(status, why) = refusal;
        if self.quiet.tells(why) {
            tracing::warn!(status = status.as_u16(), "a call was refused: {why}");
        }
        refusal.into_response()
    }

    /// The whole body of at most so many bytes, and the room that it takes.
    async fn read(&self, body: Body, most: u32) -> Result<(Bytes, OwnedSemaphorePermit), Refusal> {
        let length = body.size_hint().upper().unwrap_or(most.into());
        let length = u32::try_from(length).ok().filter(|length| *length <= most).ok_or(TOO_LARGE)?;
        let room = self.bytes.clone().try_acquire_many_owned(length);
        let room = room.map_err(|_| Refusal(StatusCode::SERVICE_UNAVAILABLE, "too many bytes are under way"))?;
        match tokio::time::timeout(BODY_TIME, to_bytes(body, most as usize)).await {
            Ok(Ok(bytes)) => Ok((bytes, room)),
            Ok(Err(error)) if is_too_large(error.source()) => Err(TOO_LARGE),
            Ok(Err(_)) => Err(Refusal(StatusCode::BAD_REQUEST, "a body ends early")),
            Err(_) => Err(Refusal(StatusCode::REQUEST_TIMEOUT, "a body takes too long")),
        }
    }

    async fn answer(&self, request: Request, next: Next) -> Result<Response, Refusal> {
        if !self.knows(&request) {
            return Err(Refusal(StatusCode::UNAUTHORIZED, "the secret is missing or wrong (sidecar.secret)"));
        }
        let call = self.calls.clone().try_acquire_owned();
        let call = call.map_err(|_| Refusal(StatusCode::SERVICE_UNAVAILABLE, "too many calls are under way"))?;
        let (parts, body) = request.into_parts();
        let is_follower = parts.uri.path() == wire::WAIT;
        let (bytes, room) = self.read(body, if is_follower { LONGEST_WAIT } else { LONGEST }).await?;
        let answer = next.run(Request::from_parts(parts, bytes.into()));
        if is_follower {
            return Ok(answer.await);
        }
        let work = async move {
            let response = answer.await;
            drop((call, room));
            response
        };
        // A panic is one call's, and not that of all that share its connection.
        Ok(tokio::spawn(work).await.unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response()))
    }
}

fn is_too_large(error: Option<&(dyn Error + 'static)>) -> bool {
    error.is_some_and(<dyn Error>::is::<LengthLimitError>)
}

/// Lets a call through that may be made now.
///
/// It is done to its end even if who called is gone by then: a debit that was made must be written down, and an answer
/// kept. Not so a follower, who is to leave its place.
pub(super) async fn admit(State(sidecar): State<Arc<Sidecar>>, request: Request, next: Next) -> Response {
    let guard = &sidecar.guard;
    let response = match guard.answer(request, next).await {
        Ok(response) => response,
        Err(refusal) => return guard.refuse(refusal),
    };
    match response.extensions().get::<Refusal>() {
        Some(refusal) => guard.refuse(*refusal),
        None if response.status() == StatusCode::METHOD_NOT_ALLOWED => guard.refuse(WRONG_METHOD),
        None => response,
    }
}

/// A path that nothing is at.
pub(super) async fn unknown(State(sidecar): State<Arc<Sidecar>>, uri: Uri) -> Response {
    if uri.path().starts_with("/filter/") {
        const WHY: &str = "this sidecar speaks version 1 of the filter's messages";
        const { assert!(wire::VERSION == 1) };
        return sidecar.guard.refuse(Refusal(StatusCode::NOT_FOUND, WHY));
    }
    sidecar.guard.refuse(Refusal(StatusCode::NOT_FOUND, "there is nothing at this path"))
}
