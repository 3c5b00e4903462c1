//! What is no proper call is refused with the right status, told once in the log, and harms nobody.

use super::{Options, Running, flaky, look, whole};
use crate::serve::guard::Room;
use crate::store::Memory;
use hyper_util::rt::{TokioExecutor, TokioIo};
use reqwest::{Client, Method, StatusCode};
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use weir_core::wire::{self, Ask, Found, LeaseAsk, LimitAsk};

async fn start() -> Running {
    Running::start(Arc::new(Memory::new(1 << 20))).await
}

async fn check(sidecar: &Running, method: Method, path: &str, body: Vec<u8>, expected: StatusCode, says: &str) {
    let what = format!("{method} {path} with {} bytes", body.len());
    let request = sidecar.client.request(method, sidecar.url(path)).body(body);
    let (status, text) = whole(request.send().await.expect("an answer")).await;
    assert_eq!(status, expected, "{what}: {text}");
    assert!(text.contains(says), "{what}: {text:?}");
    assert_eq!(sidecar.get("/healthz").await.0, StatusCode::OK, "{what}: it lives");
}

#[tokio::test]
async fn what_is_no_message_is_refused() {
    let sidecar = start().await;
    let good = wire::encode(&look(1, 1));
    let truncated = good[..good.len() - 1].to_vec();
    let longer = [good, vec![0]].concat();
    let deep = vec![0x81; 1_000_000];
    for body in [vec![], b"garbage, and more of it".to_vec(), truncated, longer, deep, vec![0xff; 1_000], vec![0x9b; 9]]
    {
        for path in [wire::ASK, wire::PUT, wire::BEAT] {
            check(&sidecar, Method::POST, path, body.clone(), StatusCode::BAD_REQUEST, "no message").await;
        }
    }
    check(&sidecar, Method::POST, wire::WAIT, vec![0x81; 1_000], StatusCode::BAD_REQUEST, "no message").await;
}

#[tokio::test]
async fn another_version_is_told_which_ones_are_spoken() {
    let sidecar = start().await;
    for path in ["/filter/v2/ask", "/filter/v0/beat", "/filter/ask"] {
        check(&sidecar, Method::POST, path, vec![], StatusCode::NOT_FOUND, "version 1").await;
    }
    check(&sidecar, Method::GET, "/nothing", vec![], StatusCode::NOT_FOUND, "nothing at this path").await;
}

#[tokio::test]
async fn another_method_is_refused() {
    let sidecar = start().await;
    for path in [wire::ASK, wire::WAIT, wire::PUT, wire::BEAT] {
        check(&sidecar, Method::GET, path, vec![], StatusCode::METHOD_NOT_ALLOWED, "method").await;
    }
    check(&sidecar, Method::PUT, "/admin/v1/keys", vec![], StatusCode::METHOD_NOT_ALLOWED, "method").await;
}

#[tokio::test]
async fn a_body_over_the_bound_is_refused_before_it_has_come() {
    let sidecar = start().await;
    check(&sidecar, Method::POST, wire::PUT, vec![0; wire::MAX_BYTES + 1], StatusCode::PAYLOAD_TOO_LARGE, "too large")
        .await;
    check(&sidecar, Method::POST, wire::WAIT, vec![0; 1_025], StatusCode::PAYLOAD_TOO_LARGE, "too large").await;
    // 100 MB, announced.
    let head = "POST /filter/v1/ask HTTP/1.1\r\nhost: x\r\ncontent-length: 100000000\r\n\r\n";
    assert!(raw(&sidecar, head.as_bytes()).await.starts_with("HTTP/1.1 413"));
    // 100 MB, not announced.
    let mut stream = TcpStream::connect(sidecar.address).await.unwrap();
    stream.write_all(b"POST /filter/v1/ask HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n").await.unwrap();
    let chunk = [b"100000\r\n".to_vec(), vec![0; 1 << 20], b"\r\n".to_vec()].concat();
    let (mut read, mut write) = stream.split();
    let mut answer = vec![0; 12];
    let sending = async {
        for _ in 0..100 {
            if write.write_all(&chunk).await.is_err() {
                break;
            }
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = sending => unreachable!(),
        done = read.read_exact(&mut answer) => drop(done.expect("an answer")),
    }
    assert_eq!(answer, b"HTTP/1.1 413");
    assert_eq!(sidecar.look(1, 1).await, Some(Found::Lead));
}

/// What comes back for these bytes, until the connection ends or nothing more comes.
async fn raw(sidecar: &Running, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(sidecar.address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    let _ = timeout(Duration::from_millis(300), stream.read_to_end(&mut answer)).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_body_that_ends_early_and_bytes_that_are_no_http_harm_nobody() {
    let sidecar = start().await;
    for bytes in [
        &b"POST /filter/v1/ask HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nabc"[..],
        b"\x00\x01\x02\x03\x04\xff\xfe\xfd",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        b"GET / HTTP/9.9\r\n\r\n",
    ] {
        raw(&sidecar, bytes).await;
        assert_eq!(sidecar.look(1, 1).await, Some(Found::Lead), "who leads and asks again leads");
    }
}

#[tokio::test(start_paused = true)]
async fn a_head_or_a_body_that_does_not_come_is_not_waited_for() {
    let sidecar = start().await;
    for bytes in [
        &b""[..],
        b"PRI * HT",
        b"POST /filter/v1/ask HTTP/1.1\r\nhost:",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00",
    ] {
        let mut stream = TcpStream::connect(sidecar.address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let mut answer = Vec::new();
        let ended = timeout(Duration::from_secs(15), stream.read_to_end(&mut answer)).await;
        assert!(ended.is_ok(), "{bytes:?}");
    }
    let mut stream = TcpStream::connect(sidecar.address).await.unwrap();
    stream.write_all(b"POST /filter/v1/ask HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nabc").await.unwrap();
    let mut answer = vec![0; 12];
    timeout(Duration::from_secs(8), stream.read_exact(&mut answer)).await.expect("in time").unwrap();
    assert_eq!(answer, b"HTTP/1.1 408");
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_lives_and_calls_no_more_is_let_go() {
    let sidecar = start().await;
    let stream = TcpStream::connect(sidecar.address).await.unwrap();
    // It answers each ping.
    let (mut calls, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    let connection = tokio::spawn(connection);
    let url = format!("http://{}/healthz", sidecar.address);
    let request = axum::http::Request::get(url).body(axum::body::Body::empty()).unwrap();
    assert_eq!(calls.send_request(request).await.unwrap().status(), StatusCode::OK);
    let _ = timeout(Duration::from_secs(200), connection).await.expect("it is closed");
    drop(calls);
}

#[tokio::test]
async fn without_the_secret_only_who_looks_whether_it_lives_is_answered() {
    let options = Options { secret: Some("open sesame".to_owned()), ..Options::default() };
    let sidecar = Running::with(Arc::new(Memory::new(1 << 20)), options).await;
    for path in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(sidecar.get(path).await.0, StatusCode::OK, "{path}");
    }
    let ask = wire::encode(&look(1, 1));
    let calls = [wire::ASK, wire::WAIT, wire::PUT, wire::BEAT, "/admin/v1/keys", "/admin/v1/usage", "/admin/v1/keys/x"];
    for path in calls {
        for given in [None, Some("Bearer open sesame!"), Some("Bearer open"), Some("open sesame"), Some("Bearer ")] {
            let mut request = sidecar.client.post(sidecar.url(path)).body(ask.clone());
            if let Some(given) = given {
                request = request.header("authorization", given);
            }
            let (status, text) = whole(request.send().await.expect("an answer")).await;
            assert_eq!(status, StatusCode::UNAUTHORIZED, "{path} {given:?}");
            assert!(!text.contains("sesame"));
        }
    }
    let right = sidecar.client.post(sidecar.url(wire::ASK)).body(ask).header("authorization", "Bearer open sesame");
    assert_eq!(right.send().await.expect("an answer").status(), StatusCode::OK);
}

#[tokio::test]
async fn a_full_sidecar_says_so_at_once_and_has_room_again_when_a_call_ends() {
    let room = Room { calls: 2, ..Room::default() };
    let store = flaky();
    let sidecar = Arc::new(Running::with(store, Options { room, ..Options::default() }).await);
    sidecar.look(1, 1).await;
    let waiting: Vec<_> = (2..4)
        .map(|token| {
            let sidecar = sidecar.clone();
            tokio::spawn(async move { sidecar.wait(1, token, 10_000).await })
        })
        .collect();
    while sidecar.sidecar.followers.count() < 2 {
        sleep(Duration::from_millis(2)).await;
    }
    check(&sidecar, Method::POST, wire::ASK, wire::encode(&look(1, 9)), StatusCode::SERVICE_UNAVAILABLE, "too many")
        .await;
    waiting[0].abort();
    while sidecar.sidecar.followers.count() > 1 {
        sleep(Duration::from_millis(2)).await;
    }
    check(&sidecar, Method::POST, wire::ASK, wire::encode(&look(1, 9)), StatusCode::OK, "").await;
}

#[tokio::test]
async fn the_bodies_of_all_calls_together_are_bounded() {
    let room = Room { bytes: 1_000, ..Room::default() };
    let sidecar = Running::with(Arc::new(Memory::new(1 << 20)), Options { room, ..Options::default() }).await;
    check(&sidecar, Method::POST, wire::PUT, vec![0; 1_001], StatusCode::SERVICE_UNAVAILABLE, "bytes").await;
    for _ in 0..3 {
        check(&sidecar, Method::POST, wire::PUT, vec![0; 1_000], StatusCode::BAD_REQUEST, "no message").await;
    }
}

#[tokio::test]
async fn what_no_envoy_asks_for_is_refused() {
    let sidecar = start().await;
    let limit = |id: String| LimitAsk { id, per_minute: 1, burst: 1, ..LimitAsk::default() };
    let many = LeaseAsk { limits: vec![limit("a".to_owned()); 65] };
    let long = LeaseAsk { limits: vec![limit("a".repeat(513))] };
    for leases in [vec![many], vec![long], vec![LeaseAsk { limits: vec![limit("a".to_owned()); 64] }; 1_000]] {
        let ask = wire::encode(&Ask { envoy: 1, lookup: None, leases });
        check(&sidecar, Method::POST, wire::ASK, ask, StatusCode::BAD_REQUEST, "too many limits").await;
    }
    let mad = LimitAsk {
        known: u64::MAX,
        spent: u64::MAX,
        returned: u64::MAX,
        need: u64::MAX,
        want: u64::MAX,
        ..limit("b".into())
    };
    let ask = wire::encode(&Ask { envoy: 1, lookup: None, leases: vec![LeaseAsk { limits: vec![mad] }; 3] });
    check(&sidecar, Method::POST, wire::ASK, ask, StatusCode::OK, "").await;
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// On one thread, so that the test's own subscriber hears all.
#[tokio::test]
async fn each_kind_is_one_line_in_the_log_and_without_what_was_sent() {
    // Beside a single subscriber, the thread that first reaches a line settles for the whole process whether it is
    // heard, and on the threads of other tests nobody listens. Of two, each is asked.
    let _second = tracing::Dispatch::new(tracing::subscriber::NoSubscriber::new());
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).with_ansi(false).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let store = flaky();
    let sidecar = Running::start(store.clone()).await;
    store.fail(&["lookup"]);
    let plain = Client::builder().no_proxy().build().unwrap();
    for _ in 0..20 {
        sidecar.post(wire::ASK, "garbage-in-the-body").await;
        sidecar.get("/filter/v7/garbage-in-the-path").await;
        plain.get(sidecar.url(wire::ASK)).header("x-garbage", "garbage-in-a-header").send().await.unwrap();
        assert_eq!(sidecar.look(1, 1).await, None);
    }
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let lines: Vec<&str> = text.lines().filter(|line| line.contains("WARN")).collect();
    assert_eq!(lines.len(), 4, "{text}");
    assert!(!text.contains("garbage"), "{text}");
}
