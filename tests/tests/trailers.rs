//! Trailers: a body whose last part does not say that it is the last.

use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Frame;
use hyper::header::{HeaderMap, HeaderValue};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::convert::Infallible;
use weir_e2e::{CLIENT_KEY, Gateway, Setup, TARGETS, chat};
use weir_sim::Fault;

/// A chat over HTTP/2 that ends in trailers: its status and body.
async fn ask(gateway: &Gateway, body: Vec<u8>) -> (u16, String) {
    let socket = tokio::net::TcpStream::connect(gateway.address).await.expect("a connection");
    let io = TokioIo::new(socket);
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.expect("HTTP/2");
    tokio::spawn(connection);
    let trailers = HeaderMap::from_iter([(
        hyper::header::HeaderName::from_static("x-secret-trailer"),
        HeaderValue::from_static("of-the-client"),
    )]);
    let frames = [Ok::<_, Infallible>(Frame::data(Bytes::from(body))), Ok(Frame::trailers(trailers))];
    let request = hyper::Request::post(gateway.url("/v1/chat/completions"))
        .header("content-type", "application/json")
        .header("authorization", format!("Bearer {CLIENT_KEY}"))
        .body(StreamBody::new(stream::iter(frames)))
        .expect("a request");
    let answer = sender.send_request(request).await.expect("an answer");
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await.expect("the whole answer").to_bytes();
    (status, String::from_utf8_lossy(&body).into_owned())
}

#[tokio::test]
async fn a_prompt_that_ends_in_trailers_arrives_whole_and_without_them() {
    let gateway = Setup::smart().start().await;
    for (fails, answers) in TARGETS.iter().enumerate() {
        gateway.reset().await;
        for target in TARGETS.iter().take(fails) {
            gateway.sim.set_faults(target.provider, [Fault::status(500)]).await.expect("a fault");
        }
        let (status, body) = ask(&gateway, chat("smart", "with trailers").to_string().into_bytes()).await;
        assert_eq!(status, 200, "{body}");
        let entries = gateway.journal(answers.provider);
        assert_eq!(entries.len(), 1);
        let received = entries[0].body.as_deref().unwrap_or_default();
        assert!(received.contains("with trailers"), "{received}");
        assert!(!format!("{entries:?}").contains("of-the-client"), "{entries:?}");
    }
}
