//! How exports reach the collector: OTLP over HTTP, as protobuf.
//! <https://opentelemetry.io/docs/specs/otlp/#otlphttp-response>

use super::environment::Environment;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, USER_AGENT};
use hyper::{HeaderMap, Method, Request, StatusCode, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message;
use std::fmt;
use std::time::Duration;

/// Of a collector's answer, in bytes.
const LONGEST: usize = 64 << 10;
/// What a collector asks for is heard up to this.
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(60);

pub(super) struct Exporter {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    /// Without `/v1/…`.
    base: String,
    headers: HeaderMap,
    deadline: Duration,
}

impl Exporter {
    /// To `url`. What it wants to know of its callers is in `OTEL_EXPORTER_OTLP_HEADERS`.
    ///
    /// # Errors
    /// It is no URL, or this machine knows no certificate authorities and it asks for TLS. The text can be shown.
    pub(super) fn new(url: &str, environment: &Environment) -> Result<Self, String> {
        let base = url.trim_end_matches('/').to_owned();
        let uri: Uri = base.parse().map_err(|_| "telemetry.otlp is no URL".to_owned())?;
        let provider = rustls::crypto::ring::default_provider();
        let with_roots = if uri.scheme_str() == Some("https") {
            HttpsConnectorBuilder::new().with_provider_and_native_roots(provider).map_err(|error| no_tls(&error))?
        } else {
            // Nobody's certificate is looked at.
            let config = rustls::ClientConfig::builder_with_provider(provider.into());
            let config = config.with_safe_default_protocol_versions().map_err(|error| no_tls(&error))?;
            let config = config.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth();
            HttpsConnectorBuilder::new().with_tls_config(config)
        };
        let connector = with_roots.https_or_http().enable_http1().build();
        let mut headers = HeaderMap::new();
        for (name, value) in &environment.headers {
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
                headers.insert(name, value);
            }
        }
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
        headers.insert(USER_AGENT, HeaderValue::from_static(concat!("weir/", env!("CARGO_PKG_VERSION"))));
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Ok(Self { client, base, headers, deadline: environment.deadline })
    }

    /// Sends one export, encoded, to `path`, within the deadline. Of what is in it, so much the collector has refused.
    ///
    /// # Errors
    /// The collector did not take it.
    pub(super) async fn send(&self, path: &str, export: Bytes) -> Result<u64, NotTaken> {
        let mut request = Request::new(Full::new(export));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = format!("{}{path}", self.base).parse().map_err(|_| NotTaken::Away("no URL".to_owned()))?;
        *request.headers_mut() = self.headers.clone();
        let exchange = async {
            let response = self.client.request(request).await.map_err(|error| NotTaken::Away(reason(&error)))?;
            let status = response.status();
            let after = response.headers().get(RETRY_AFTER).and_then(|after| after.to_str().ok()?.parse().ok());
            // All of it, so that the connection can be used again.
            let said = Limited::new(response.into_body(), LONGEST).collect().await;
            let said = said.map(http_body_util::Collected::to_bytes).unwrap_or_default();
            if status.is_success() { Ok(rejected(said)) } else { Err(NotTaken::Refused { status, after }) }
        };
        let late = || NotTaken::Away(format!("no answer within {} ms", self.deadline.as_millis()));
        tokio::time::timeout(self.deadline, exchange).await.map_err(|_| late())?
    }
}

/// OTLP's partial success; that of metrics is the same to the wire. A collector that says nothing of it has taken all.
fn rejected(answer: Bytes) -> u64 {
    let partial = ExportTraceServiceResponse::decode(answer).ok().and_then(|answer| answer.partial_success);
    partial.map_or(0, |partial| partial.rejected_spans.max(0).unsigned_abs())
}

/// Why the collector did not take an export. The text names neither its address nor what was sent.
#[derive(Debug)]
pub(super) enum NotTaken {
    /// It may take another. `after`: seconds that it asked for.
    Refused {
        status: StatusCode,
        after: Option<u64>,
    },
    Away(String),
}

impl NotTaken {
    /// How long to wait until it may take the same, where that is of any use: `pause`, or longer if it says so.
    pub(super) fn wait(&self, pause: Duration) -> Option<Duration> {
        match self {
            Self::Away(_) => Some(pause),
            Self::Refused { status, after } => {
                let is_passing = matches!(status.as_u16(), 429 | 502 | 503 | 504);
                is_passing.then(|| Duration::from_secs(after.unwrap_or(0)).min(LONGEST_WAIT).max(pause))
            }
        }
    }
}

impl fmt::Display for NotTaken {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { status, .. } => write!(out, "it answers {status}"),
            Self::Away(why) => out.write_str(why),
        }
    }
}

fn no_tls(error: &dyn std::error::Error) -> String {
    format!("telemetry.otlp: {error}")
}

/// The innermost cause: the others say no more than that something failed.
fn reason(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_taken_later_is_waited_for_as_the_collector_asks_within_bounds() {
        let pause = Duration::from_secs(2);
        let refused = |status: u16, after| {
            NotTaken::Refused { status: StatusCode::from_u16(status).unwrap(), after }
                .wait(pause)
                .map(|wait| wait.as_secs())
        };
        for status in [429, 502, 503, 504] {
            let waits = [None, Some(0), Some(1), Some(30), Some(u64::MAX)].map(|after| refused(status, after));
            assert_eq!(waits, [2, 2, 2, 30, 60].map(Some), "{status}");
        }
        assert_eq!([400, 401, 404, 413, 500].map(|status| refused(status, Some(1))), [None; 5]);
        assert_eq!(NotTaken::Away(String::new()).wait(pause), Some(pause));
    }
}
