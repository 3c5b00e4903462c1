//! A lead on its way to who asked for it.

use crate::store::{CacheKey, Store};
use axum::body::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::sync::Notify;

/// The lead of a token. Dropped before the answer that tells of it has left, it is given back: who asked is gone, and
/// others wait.
pub(super) struct Offer(Option<Held>);

struct Held {
    store: Arc<dyn Store>,
    key: CacheKey,
    token: u64,
    /// Told when it was given back.
    wake: Option<Arc<Notify>>,
}

impl Offer {
    pub(super) fn new(store: Arc<dyn Store>, key: CacheKey, token: u64, wake: Option<Arc<Notify>>) -> Self {
        Self(Some(Held { store, key, token, wake }))
    }

    fn left(&mut self) {
        self.0 = None;
    }
}

impl Drop for Offer {
    fn drop(&mut self) {
        let Some(Held { store, key, token, wake }) = self.0.take() else { return };
        // Without a runtime the process ends, and the lead in its time.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move {
            let _ = store.release(key, token).await;
            if let Some(wake) = wake {
                wake.notify_one();
            }
        });
    }
}

/// A message that brings an offer along. It has left when the connection takes its bytes.
pub(super) struct Carrier {
    bytes: Option<Bytes>,
    offer: Offer,
}

impl Carrier {
    pub(super) fn new(bytes: Bytes, offer: Offer) -> Self {
        Self { bytes: Some(bytes), offer }
    }
}

impl Body for Carrier {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.offer.left();
        Poll::Ready(self.bytes.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}
