//! One request of a load, and what became of it.

use super::Sample;
use super::pool::Pool;
use crate::CLIENT_KEY;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{HeaderMap, Request};
use serde_json::Value;
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// No request of a load may take longer.
const PATIENCE: Duration = Duration::from_secs(60);
/// The end of a stream in OpenAI's dialect.
const DONE: &[u8] = b"data: [DONE]\n\n";
/// What a stream says when it ends before its answer does.
const ERROR: &str = "data: {\"error\"";

/// A chat request still to be sent. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Shot {
    body: Bytes,
    streamed: bool,
    key: &'static str,
    headers: Vec<(&'static str, String)>,
    leaves: Option<Duration>,
    tag: &'static str,
}

impl Shot {
    /// A chat, with the key that the harness's clients present.
    pub fn new(request: &Value) -> Self {
        Self {
            body: request.to_string().into(),
            streamed: request["stream"] == true,
            key: CLIENT_KEY,
            headers: vec![],
            leaves: None,
            tag: "",
        }
    }

    /// Presents this key.
    pub fn key(mut self, key: &'static str) -> Self {
        self.key = key;
        self
    }

    /// One more header.
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The client leaves after this long, whatever came.
    pub fn leaves(mut self, after: Duration) -> Self {
        self.leaves = Some(after);
        self
    }

    /// What its sample is found by.
    pub fn tag(mut self, tag: &'static str) -> Self {
        self.tag = tag;
        self
    }

    /// Sends it and reads all of the answer. `scheduled` counts from `begun`.
    pub(super) async fn fire(self, pool: &Pool, number: usize, begun: Instant, scheduled: Duration) -> Sample {
        let due = begun + scheduled;
        let mut sample = Sample { number, tag: self.tag, scheduled, lag: due.elapsed(), ..Sample::default() };
        let patience = self.leaves.unwrap_or(PATIENCE);
        match timeout(patience, self.exchange(pool, due, &mut sample)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => sample.broken = Some(error),
            Err(_) if self.leaves.is_some() => sample.left = true,
            Err(_) => sample.broken = Some(format!("no end within {PATIENCE:?}")),
        }
        sample.total = due.elapsed();
        sample
    }

    async fn exchange(&self, pool: &Pool, due: Instant, sample: &mut Sample) -> Result<(), String> {
        let (response, connection) = pool.send(self.request()?).await?;
        sample.first_byte = Some(due.elapsed());
        sample.status = response.status().as_u16();
        sample.read(response.headers());
        let body = response.into_body().collect().await.map_err(|error| format!("{error:?}"))?.to_bytes();
        sample.complete = !self.streamed || sample.status != 200 || is_whole_stream(&body);
        pool.keep(connection).await;
        Ok(())
    }

    fn request(&self) -> Result<Request<Full<Bytes>>, String> {
        let mut request = Request::post("/v1/chat/completions")
            .header("host", "load")
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {}", self.key));
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        request.body(Full::new(self.body.clone())).map_err(|error| error.to_string())
    }
}

impl Sample {
    fn read(&mut self, headers: &HeaderMap) {
        let text = |name: &str| headers.get(name)?.to_str().ok();
        let number = |name: &str| text(name)?.parse::<u64>().ok();
        self.provider = text("x-weir-provider").unwrap_or_default().to_owned();
        self.attempts = number("x-weir-attempts");
        self.retry_after = number("retry-after").map(Duration::from_secs);
        self.retry_after_ms = number("retry-after-ms").map(Duration::from_millis);
    }
}

fn is_whole_stream(body: &[u8]) -> bool {
    body.ends_with(DONE) && !String::from_utf8_lossy(body).contains(ERROR)
}
