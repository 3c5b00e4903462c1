//! A collector: it takes what OpenTelemetry exporters send over HTTP as protobuf, and tells a test what came.

mod read;
mod values;

pub use values::{Attributes, Instrument, Metric, Point, Span, SpanKind, Value};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use std::io::Read as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

const LARGEST: usize = 16 << 20;
/// Exporters collect for a while before they send.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running collector. Dropping it closes its port.
pub struct Otlp {
    url: String,
    inbox: Arc<Mutex<Inbox>>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Inbox {
    spans: Vec<Span>,
    metrics: Vec<Metric>,
    exports: usize,
    refuses: Option<StatusCode>,
    /// What was no export: it fails the test that looks next.
    wrong: Vec<String>,
}

impl Otlp {
    /// On a free port of the loopback interface.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let inbox = Arc::new(Mutex::new(Inbox::default()));
        let router = Router::new()
            .route("/v1/traces", post(traces))
            .route("/v1/metrics", post(metrics))
            .layer(DefaultBodyLimit::max(LARGEST))
            .with_state(Arc::clone(&inbox));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.expect("the collector serves") });
        Self { url, inbox, task }
    }

    /// What `telemetry.otlp` takes: without a path.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Answers every export with this status from now on; None: takes them.
    pub fn refuse(&self, status: Option<u16>) {
        self.inbox().refuses = status.map(|status| StatusCode::from_u16(status).expect("a status"));
    }

    /// Exports that came, refused ones too.
    pub fn exports(&self) -> usize {
        self.inbox().exports
    }

    /// All spans, in the order in which they came: a child before its parent, mostly.
    pub fn spans(&self) -> Vec<Span> {
        self.inbox().spans.clone()
    }

    /// Each metric of each resource as it was exported last.
    pub fn metrics(&self) -> Vec<Metric> {
        self.inbox().metrics.clone()
    }

    /// Forgets all that came.
    pub fn clear(&self) {
        let mut inbox = self.inbox();
        *inbox = Inbox { refuses: inbox.refuses, ..Inbox::default() };
    }

    /// Waits for `count` spans of a trace, by its id in hex, and gives all that are there then.
    ///
    /// # Panics
    /// If they do not come.
    pub async fn trace(&self, id: &str, count: usize) -> Vec<Span> {
        let of_it = |spans: Vec<Span>| spans.into_iter().filter(|span| span.trace == id).collect::<Vec<_>>();
        self.wait(&format!("{count} spans of the trace {id}"), |_| {
            Some(of_it(self.spans())).filter(|spans| spans.len() >= count)
        })
        .await
    }

    /// Waits for a span that is as `probe` says.
    ///
    /// # Panics
    /// If none comes; `what` says what was waited for.
    pub async fn span(&self, what: &str, probe: impl Fn(&Span) -> bool) -> Span {
        self.wait(what, |otlp| otlp.spans().into_iter().find(&probe)).await
    }

    /// Waits until the points of metrics of this name that carry these attributes, whatever others they carry, count
    /// `count` together; gives them.
    ///
    /// # Panics
    /// If they do not, or if they come to count more.
    pub async fn points(&self, name: &str, attributes: &[(&str, &str)], count: u64) -> Vec<Point> {
        let what = format!("{count} in {name} {attributes:?}");
        let points = self
            .wait(&what, |otlp| {
                let points = otlp.points_now(name, attributes);
                (points.iter().map(|point| point.count).sum::<u64>() >= count).then_some(points)
            })
            .await;
        assert_eq!(points.iter().map(|point| point.count).sum::<u64>(), count, "{what}: {points:?}");
        points
    }

    /// The same, as they were exported last.
    pub fn points_now(&self, name: &str, attributes: &[(&str, &str)]) -> Vec<Point> {
        let points = self.metrics().into_iter().filter(|metric| metric.name == name).flat_map(|metric| metric.points);
        let carries =
            |point: &Point| attributes.iter().all(|(name, value)| point.attributes.text(name) == Some(*value));
        points.filter(carries).collect()
    }

    /// Waits until `probe` answers.
    ///
    /// # Panics
    /// If it does not in time, or if something came that was no export.
    pub async fn wait<T>(&self, what: &str, mut probe: impl FnMut(&Self) -> Option<T>) -> T {
        let begun = std::time::Instant::now();
        loop {
            assert_eq!(self.inbox().wrong, Vec::<String>::new(), "the collector could not read an export");
            if let Some(found) = probe(self) {
                return found;
            }
            let (spans, metrics) = (self.spans(), self.metrics());
            let named: Vec<_> = spans.iter().map(|span| span.name.as_str()).collect();
            assert!(begun.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}; spans {named:?}; {metrics:#?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn inbox(&self) -> MutexGuard<'_, Inbox> {
        lock(&self.inbox)
    }
}

impl Drop for Otlp {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn lock(inbox: &Mutex<Inbox>) -> MutexGuard<'_, Inbox> {
    inbox.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn traces(State(inbox): State<Arc<Mutex<Inbox>>>, headers: HeaderMap, body: Bytes) -> Response {
    take(&inbox, &headers, &body, |inbox, export: ExportTraceServiceRequest| {
        inbox.spans.extend(read::spans(export)?);
        Ok(())
    })
}

async fn metrics(State(inbox): State<Arc<Mutex<Inbox>>>, headers: HeaderMap, body: Bytes) -> Response {
    take(&inbox, &headers, &body, |inbox, export: ExportMetricsServiceRequest| {
        for metric in read::metrics(export)? {
            inbox.metrics.retain(|known| (&known.name, &known.resource) != (&metric.name, &metric.resource));
            inbox.metrics.push(metric);
        }
        Ok(())
    })
}

/// Answers an export as a collector does: an empty message of the same encoding.
fn take<T: Message + Default>(
    inbox: &Mutex<Inbox>,
    headers: &HeaderMap,
    body: &Bytes,
    keep: impl FnOnce(&mut Inbox, T) -> Result<(), String>,
) -> Response {
    let mut inbox = lock(inbox);
    inbox.exports += 1;
    if let Some(status) = inbox.refuses {
        return status.into_response();
    }
    match decode(headers, body).and_then(|export| keep(&mut inbox, export)) {
        Ok(()) => (StatusCode::OK, [(CONTENT_TYPE, "application/x-protobuf")], Vec::new()).into_response(),
        Err(why) => {
            inbox.wrong.push(why);
            StatusCode::BAD_REQUEST.into_response()
        }
    }
}

fn decode<T: Message + Default>(headers: &HeaderMap, body: &Bytes) -> Result<T, String> {
    let header = |name| headers.get(&name).map_or("", |value| value.to_str().unwrap_or("?"));
    if header(CONTENT_TYPE) != "application/x-protobuf" {
        return Err(format!("content-type: {}", header(CONTENT_TYPE)));
    }
    let bytes = match header(CONTENT_ENCODING) {
        "" | "identity" => body.to_vec(),
        "gzip" => {
            let mut bytes = Vec::new();
            let mut unpacked = flate2::read::GzDecoder::new(body.as_ref()).take(LARGEST as u64);
            unpacked.read_to_end(&mut bytes).map_err(|error| format!("gzip: {error}"))?;
            bytes
        }
        other => return Err(format!("content-encoding: {other}")),
    };
    T::decode(bytes.as_slice()).map_err(|error| error.to_string())
}
