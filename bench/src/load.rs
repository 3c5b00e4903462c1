//! A client that asks one request after another over one connection.

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// What is sent, again and again.
#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) credential: Option<&'static str>,
    pub(crate) body: Bytes,
}

pub(crate) struct Client(SendRequest<Full<Bytes>>);

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Result<Self> {
        let stream = tokio::net::TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self(sender))
    }

    /// Sends one request and reads the whole answer.
    async fn ask(&mut self, request: &Request) -> Result<()> {
        let mut message = hyper::Request::post("/v1/chat/completions")
            .header("host", "bench")
            .header("content-type", "application/json");
        if let Some(key) = request.credential {
            message = message.header("authorization", format!("Bearer {key}"));
        }
        self.0.ready().await?;
        let answer = self.0.send_request(message.body(Full::new(request.body.clone()))?).await?;
        let status = answer.status();
        let mut body = answer.into_body();
        let mut last = Bytes::new();
        while let Some(frame) = body.frame().await {
            if let Ok(data) = frame?.into_data() {
                last = data;
            }
        }
        ensure!(status == 200, "the gateway answered {status}: {}", String::from_utf8_lossy(&last));
        ensure!(!last.is_empty(), "the gateway answered nothing");
        Ok(())
    }
}

/// `count` requests, one after another.
pub(crate) async fn repeat(mut client: Client, request: Request, count: usize) -> Result<()> {
    for _ in 0..count {
        client.ask(&request).await.context("under load")?;
    }
    Ok(())
}

/// The time of each of `count` requests, sorted.
pub(crate) async fn timed(mut client: Client, request: Request, count: usize) -> Result<Vec<Duration>> {
    let mut times = Vec::with_capacity(count);
    for _ in 0..count {
        let start = Instant::now();
        client.ask(&request).await.context("one at a time")?;
        times.push(start.elapsed());
    }
    times.sort_unstable();
    Ok(times)
}
