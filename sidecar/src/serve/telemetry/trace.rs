//! Spans on their way to the collector, and the sidecar's own: one for each call of the filter's that belongs to a trace.
//! <https://www.w3.org/TR/trace-context/>

use super::otlp::{key_values, nanos};
use super::table::{Attributes, Value};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use opentelemetry_proto::tonic::trace::v1::{Span as Message, Status, span, status};
use prost::Message as _;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;
use tokio::sync::Notify;

/// Spans that wait to be exported, and their bytes. Those over it are lost, and counted.
const MOST: usize = 8_192;
const MOST_BYTES: usize = 32 << 20;
/// Of one export: with so many it goes at once.
pub(super) const BATCH: usize = 512;
/// Within the trace-flags; a span of a trace that is not sampled is not made.
const SAMPLED: u8 = 1;
/// OTLP's own flags: it is known whether the parent is remote, and it is.
pub(super) const REMOTE: u32 = 0x300;

/// Whose call it is: the parent that `traceparent` names, if its trace is sampled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::serve) struct Parent {
    trace: [u8; 16],
    span: [u8; 8],
    flags: u8,
}

impl Parent {
    /// None: it is no `traceparent`, or its trace is not sampled.
    fn parse(header: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(header).ok()?;
        let mut parts = text.split('-');
        let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        // A later version may add parts, this one has none.
        let is_known = version != "ff" && (version != "00" || parts.next().is_none());
        let [_version] = hex(version)?;
        let (trace, span, [flags]) = (hex(trace)?, hex(span)?, hex(flags)?);
        let is_real = trace != [0; 16] && span != [0; 8];
        (is_known && is_real && flags & SAMPLED != 0).then_some(Self { trace, span, flags })
    }
}

/// Lower case, as the specification wants it.
fn hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    crate::serve::hex::decode(text).filter(|_| !text.bytes().any(|byte| byte.is_ascii_uppercase()))
}

/// A call's `traceparent`, for a handler.
pub(in crate::serve) struct Traceparent(pub(in crate::serve) Option<Parent>);

impl<S: Sync> FromRequestParts<S> for Traceparent {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let header = parts.headers.get("traceparent");
        Ok(Self(header.and_then(|header| Parent::parse(header.as_bytes()))))
    }
}

/// Spans that have ended.
#[derive(Default)]
pub(super) struct Spans {
    ended: Mutex<Ended>,
    lost: AtomicU64,
    /// There is a batch.
    pub(super) full: Notify,
}

#[derive(Default)]
struct Ended {
    spans: VecDeque<Message>,
    /// As they are sent.
    bytes: usize,
}

impl Spans {
    /// The first so many that wait.
    pub(super) fn take(&self, most: usize) -> Vec<Message> {
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        let count = most.min(ended.spans.len());
        let taken: Vec<Message> = ended.spans.drain(..count).collect();
        let bytes: usize = taken.iter().map(Message::encoded_len).sum();
        ended.bytes = ended.bytes.saturating_sub(bytes);
        taken
    }

    /// Those that were lost, since last asked.
    pub(super) fn take_lost(&self) -> u64 {
        self.lost.swap(0, Ordering::Relaxed)
    }

    pub(super) fn push(&self, span: Message) {
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = ended.bytes.saturating_add(span.encoded_len());
        if ended.spans.len() >= MOST || bytes > MOST_BYTES {
            self.lost.fetch_add(1, Ordering::Relaxed);
            return;
        }
        ended.bytes = bytes;
        ended.spans.push_back(span);
        if ended.spans.len() == BATCH {
            self.full.notify_one();
        }
    }
}

/// A span under way; nothing, if nobody would see it. It ends when it is dropped, also if its call was given up.
pub(in crate::serve) struct Span(Option<Box<Open>>);

struct Open {
    spans: Arc<Spans>,
    name: &'static str,
    parent: Parent,
    begun: SystemTime,
    attributes: Attributes,
    is_error: bool,
}

impl Span {
    pub(super) fn none() -> Self {
        Self(None)
    }

    pub(super) fn open(spans: Arc<Spans>, name: &'static str, parent: Parent) -> Self {
        let (begun, attributes) = (SystemTime::now(), Attributes::new());
        Self(Some(Box::new(Open { spans, name, parent, begun, attributes, is_error: false })))
    }

    /// Says a word of few. It can be said again: the last one counts.
    pub(in crate::serve) fn note(&mut self, name: &'static str, value: &'static str) {
        self.set(name, || value.into());
    }

    pub(in crate::serve) fn note_count(&mut self, name: &'static str, count: usize) {
        self.set(name, || Value::Int(i64::try_from(count).unwrap_or(i64::MAX)));
    }

    /// What was asked for could not be done.
    pub(in crate::serve) fn fail(&mut self) {
        if let Some(open) = &mut self.0 {
            open.is_error = true;
        }
    }

    fn set(&mut self, name: &'static str, value: impl FnOnce() -> Value) {
        if let Some(open) = &mut self.0 {
            open.attributes.retain(|(known, _)| *known != name);
            open.attributes.push((name, value()));
        }
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        let Some(open) = self.0.take() else { return };
        let Open { spans, name, parent, begun, attributes, is_error } = *open;
        let code = if is_error { status::StatusCode::Error } else { status::StatusCode::Unset };
        spans.push(Message {
            trace_id: parent.trace.to_vec(),
            span_id: id().to_vec(),
            parent_span_id: parent.span.to_vec(),
            flags: u32::from(parent.flags) | REMOTE,
            name: name.to_owned(),
            kind: span::SpanKind::Server.into(),
            start_time_unix_nano: nanos(begun),
            end_time_unix_nano: nanos(SystemTime::now()),
            attributes: key_values(attributes),
            status: Some(Status { code: code.into(), ..Default::default() }),
            ..Default::default()
        });
    }
}

/// Never zero. The standard library's only chance is that of its hash maps' keys.
pub(super) fn id() -> [u8; 8] {
    RandomState::new().hash_one(0).max(1).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
    const SPAN: &str = "b7ad6b7169203331";

    #[test]
    fn only_a_sampled_parent_has_a_child() {
        let parse = |text: &str| Parent::parse(text.as_bytes()).is_some();
        for good in ["01", "03", "ff"].map(|flags| format!("00-{TRACE}-{SPAN}-{flags}")) {
            assert!(parse(&good), "{good}");
        }
        assert!(parse(&format!("cc-{TRACE}-{SPAN}-01-what-will-be")), "a later version");
        for bad in [
            String::new(),
            format!("00-{TRACE}-{SPAN}-00"),
            format!("00-{TRACE}-{SPAN}-01-more"),
            format!("ff-{TRACE}-{SPAN}-01"),
            format!("0-{TRACE}-{SPAN}-01"),
            format!("00-{}-{SPAN}-01", "0".repeat(32)),
            format!("00-{TRACE}-{}-01", "0".repeat(16)),
            format!("00-{}-{SPAN}-01", TRACE.to_uppercase()),
            format!("00-{TRACE}-{SPAN}"),
            format!("00-{SPAN}-{TRACE}-01"),
            format!("00-{TRACE}-{SPAN}-+1"),
        ] {
            assert!(!parse(&bad), "{bad}");
        }
    }

    #[test]
    fn what_waits_is_bounded_and_what_is_lost_is_counted() {
        let spans = Arc::new(Spans::default());
        let parent = Parent::parse(format!("00-{TRACE}-{SPAN}-01").as_bytes()).unwrap();
        for _ in 0..MOST + 3 {
            drop(Span::open(spans.clone(), "weir.ask", parent));
        }
        assert_eq!((spans.take(MOST + 1).len(), spans.take_lost(), spans.take_lost()), (MOST, 3, 0));
        assert_eq!(spans.take(MOST).len(), 0);
    }

    #[test]
    fn ids_differ() {
        let ids: std::collections::BTreeSet<_> = (0..10_000).map(|_| id()).collect();
        assert_eq!(ids.len(), 10_000);
    }
}
