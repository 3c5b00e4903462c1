//! The port itself.

use super::{Options, Running, envoy, flaky, look};
use crate::serve::{Sidecar, Socket, serve};
use crate::store::Memory;
use reqwest::{Client, StatusCode, Version};
use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::{UnixListener, UnixSocket, UnixStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use weir_core::config::Listen;
use weir_core::wire::{self, Answer, Ask, Beat, Found, Lookup};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn envoy_speaks_http_2_without_tls_and_a_thousand_calls_share_a_connection() {
    let sidecar = Arc::new(Running::start(Arc::new(Memory::new(1 << 20))).await);
    let mut calls = JoinSet::new();
    for token in 0..1_000 {
        let sidecar = sidecar.clone();
        calls.spawn(async move {
            let response = sidecar.post(wire::ASK, wire::encode(&look(1, token))).await;
            assert_eq!((response.status(), response.version()), (StatusCode::OK, Version::HTTP_2));
            let bytes = response.bytes().await.unwrap();
            wire::decode::<Answer>(&bytes).unwrap().found
        });
    }
    let found = calls.join_all().await;
    assert_eq!(found.iter().filter(|found| **found == Some(Found::Lead)).count(), 1);
    assert_eq!(found.iter().filter(|found| **found == Some(Found::Follow)).count(), 999);
}

#[tokio::test]
async fn http_1_is_spoken_too() {
    let sidecar = Running::start(Arc::new(Memory::new(1 << 20))).await;
    let client = Client::builder().http1_only().no_proxy().build().unwrap();
    let response = client.post(sidecar.url(wire::ASK)).body(wire::encode(&look(1, 1))).send().await.unwrap();
    assert_eq!((response.status(), response.version()), (StatusCode::OK, Version::HTTP_11));
    let length = response.content_length();
    let bytes = response.bytes().await.unwrap();
    assert_eq!(length, Some(bytes.len() as u64));
    assert_eq!(wire::decode::<Answer>(&bytes).unwrap().found, Some(Found::Lead));
}

#[tokio::test]
async fn it_is_ready_while_its_store_answers_and_lives_in_any_case() {
    let store = flaky();
    let sidecar = Running::start(store.clone()).await;
    assert_eq!(sidecar.get("/readyz").await, (StatusCode::OK, "ready\n".to_owned()));
    store.fail(&["ping"]);
    assert_eq!(sidecar.get("/readyz").await, (StatusCode::SERVICE_UNAVAILABLE, "store\n".to_owned()));
    assert_eq!(sidecar.get("/healthz").await, (StatusCode::OK, "ok\n".to_owned()));
}

#[tokio::test]
async fn its_metrics_are_open_metrics_and_whole_from_the_first_scrape_on() {
    let sidecar = Running::start(Arc::new(Memory::new(1 << 20))).await;
    let response = sidecar.client.get(sidecar.url("/metrics")).send().await.unwrap();
    assert!(response.headers()["content-type"].to_str().unwrap().starts_with("application/openmetrics-text"));
    let text = response.text().await.unwrap();
    assert!(text.ends_with("# EOF\n"), "{text}");
    for name in [
        "weir_build_info{",
        "weir_quota_reserved_total{",
        "weir_quota_settled_total{",
        "weir_quota_expired_total{",
        "weir_quota_outstanding{",
        "weir_coalescing_waiters 0",
        "weir_store_cache_bytes 0",
    ] {
        assert!(text.contains(name), "{name} is not in\n{text}");
    }
}

#[tokio::test]
async fn nothing_that_comes_of_a_call_makes_a_series() {
    let store = flaky();
    let sidecar = Running::start(store.clone()).await;
    let series = async || -> BTreeSet<String> {
        let (_, text) = sidecar.get("/metrics").await;
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        lines.filter_map(|line| line.rsplit_once(' ')).map(|(series, _)| series.to_owned()).collect()
    };
    let before = series().await;
    let only_looks = Ask { lookup: Some(Lookup { leads: false, ..look(1, 9).lookup.unwrap() }), ..look(1, 9) };
    assert_eq!(sidecar.ask(&only_looks).await.found, Some(Found::Miss));
    assert_eq!(sidecar.look(1, 1).await, Some(Found::Lead));
    assert_eq!(sidecar.look(1, 2).await, Some(Found::Follow));
    sidecar.put(1, 1, Some(b"value")).await;
    assert!(matches!(sidecar.look(1, 3).await, Some(Found::Hit(_))));
    store.fail(&["lookup", "put", "ping", "touch", "keys_version"]);
    assert_eq!(sidecar.look(1, 4).await, None);
    assert_eq!(sidecar.put(1, 1, Some(b"value")).await, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(sidecar.get("/readyz").await.0, StatusCode::SERVICE_UNAVAILABLE);
    sidecar.beat(&Beat::default()).await;
    let after = series().await;
    assert_eq!(after.difference(&before).collect::<Vec<_>>(), Vec::<&String>::new());
    let (_, text) = sidecar.get("/metrics").await;
    for counted in [
        r#"weir_cache_lookups_total{result="miss"} 1"#,
        r#"weir_cache_lookups_total{result="follow"} 1"#,
        r#"weir_store_failures_total{call="lookup"} 1"#,
        r#"weir_store_failures_total{call="touch"} 1"#,
        r#"weir_store_failures_total{call="keys"} 1"#,
        r#"weir_store_failures_total{call="lease"} 0"#,
    ] {
        assert!(text.contains(counted), "{counted} is not in\n{text}");
    }
}

#[tokio::test]
async fn what_is_under_way_is_finished_before_it_stops() {
    let store = Arc::new(Memory::new(1 << 20));
    let mut sidecar = Running::start(store.clone()).await;
    sidecar.look(1, 1).await;
    let client = envoy();
    let url = sidecar.url(wire::WAIT);
    let body = wire::encode(&wire::Wait { key: [1; 32].into(), token: 2, millis: 10_000 });
    let waiting = tokio::spawn(async move { client.post(url).body(body).send().await?.bytes().await });
    while sidecar.sidecar.followers.count() < 1 {
        sleep(Duration::from_millis(2)).await;
    }
    sidecar.stop.take().unwrap().send(()).unwrap();
    sleep(Duration::from_millis(200)).await;
    assert!(tokio::net::TcpStream::connect(sidecar.address).await.is_err(), "nobody new is let in");
    crate::store::Store::put(&*store, [1; 32], crate::serve::cache::pack(b"x"), 60_000).await.unwrap();
    let bytes = waiting.await.unwrap().expect("it is answered");
    assert!(matches!(wire::decode::<Found>(&bytes), Ok(Found::Hit(_))));
    timeout(Duration::from_secs(2), &mut sidecar.serving).await.expect("nothing keeps it").unwrap();
}

#[tokio::test]
async fn what_does_not_end_does_not_keep_it_for_long() {
    let mut sidecar = Running::start(Arc::new(Memory::new(1 << 20))).await;
    sidecar.look(1, 1).await;
    let client = envoy();
    let url = sidecar.url(wire::WAIT);
    let body = wire::encode(&wire::Wait { key: [1; 32].into(), token: 2, millis: 60_000 });
    // Held, so that the leader's time does not run out.
    let waiting = tokio::spawn(async move { client.post(url).body(body).send().await });
    while sidecar.sidecar.followers.count() < 1 {
        sleep(Duration::from_millis(2)).await;
    }
    let hold = sidecar.sidecar.store.clone();
    let holding = tokio::spawn(async move {
        loop {
            let _ = hold.hold(&[([1; 32], 1)]).await;
            sleep(Duration::from_millis(500)).await;
        }
    });
    let begin = Instant::now();
    sidecar.stop.take().unwrap().send(()).unwrap();
    timeout(Duration::from_secs(8), &mut sidecar.serving).await.expect("within its time").unwrap();
    assert!(begin.elapsed() >= Duration::from_secs(4));
    assert!(waiting.await.unwrap().is_err());
    holding.abort();
}

#[tokio::test]
async fn a_unix_socket_is_its_users_own_and_a_left_one_is_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weir.sock");
    let listen = Listen::Unix(path.to_str().unwrap().to_owned());
    drop(UnixListener::bind(&path).expect("it is free"));
    assert!(path.exists(), "a process that died has left it");
    let socket = Socket::bind(&listen).await.expect("it is taken over");
    assert!(Socket::bind(&listen).await.is_err(), "somebody listens");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let sidecar = Sidecar::with(Arc::new(Memory::new(1 << 20)), Options::default()).expect("a sidecar");
    let serving = tokio::spawn(serve(socket, sidecar, std::future::pending()));
    for builder in [Client::builder().http2_prior_knowledge(), Client::builder().http1_only()] {
        let client = builder.unix_socket(path.as_path()).build().unwrap();
        let answer = client.get("http://weir/healthz").send().await.unwrap();
        assert_eq!(answer.text().await.unwrap(), "ok\n");
    }
    serving.abort();
    let _ = serving.await;
    assert!(!path.exists(), "it goes with its process");
}

#[tokio::test]
async fn a_unix_socket_whose_owner_is_busy_is_not_taken_over_and_neither_is_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weir.sock");
    let listen = Listen::Unix(path.to_str().unwrap().to_owned());
    let busy = UnixSocket::new_stream().unwrap();
    busy.bind(&path).unwrap();
    let busy = busy.listen(1).unwrap();
    // Nobody accepts, so that the next one is told to try again.
    let mut waiting = Vec::new();
    let full = loop {
        match UnixStream::connect(&path).await {
            Ok(stream) => waiting.push(stream),
            Err(error) => break error,
        }
    };
    assert_eq!(full.kind(), std::io::ErrorKind::WouldBlock);
    assert!(Socket::bind(&listen).await.is_err());
    drop(waiting);
    busy.accept().await.expect("it is still there");
    let file = folder.path().join("precious");
    std::fs::write(&file, "data").unwrap();
    assert!(Socket::bind(&Listen::Unix(file.to_str().unwrap().to_owned())).await.is_err());
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "data");
}
