//! A client that leaves takes its request with it: the provider's connection is closed within a second.

use reqwest::Client;
use serde_json::json;
use std::time::Duration;
use tokio::time::timeout;
use weir_e2e::{CLAUDE, Gateway, Live, OPENAI, RawClient, Setup, TARGETS, Target, chat, eventually, stream, with};
use weir_sim::{Fault, Outcome};

const SOON: Duration = Duration::from_secs(1);

fn clients() -> [(&'static str, Client); 2] {
    let http2 = Client::builder().no_proxy().http2_prior_knowledge().build().expect("a client");
    [("HTTP/1.1", Client::builder().no_proxy().http1_only().build().expect("a client")), ("HTTP/2", http2)]
}

/// Waits until the last request at `target` is one whose client has left.
async fn left(gateway: &Gateway, target: Target, what: &str) {
    let ended = || gateway.journal(target.provider).pop()?.outcome.filter(|outcome| *outcome != Outcome::Hung);
    let (outcome, _) = eventually(&format!("{what}: the connection to {} is closed", target.name), SOON, ended).await;
    assert_eq!(outcome, Outcome::ClientClosed, "{what}");
}

#[tokio::test]
async fn a_client_that_leaves_mid_stream_closes_the_providers_connection() {
    let gateway = Setup::smart().start().await;
    for (protocol, client) in clients() {
        for target in TARGETS {
            let what = format!("{protocol} {}", target.name);
            gateway.reset().await;
            gateway
                .sim
                .set_faults(target.provider, [Fault::event_delay(Duration::from_millis(300))])
                .await
                .expect("a fault");
            let request = client.post(gateway.url("/v1/chat/completions")).json(&stream(&target.address(), "Hi"));
            let mut live = Live::new(request.send().await.expect("an answer"));
            live.first_text().await;
            assert_eq!(gateway.journal(target.provider)[0].outcome, None, "{what}: over too soon to prove it");
            drop(live);
            left(&gateway, target, &what).await;
        }
    }
    gateway.assert_alive("clients that left").await;
}

#[tokio::test]
async fn a_client_that_leaves_before_the_first_token_does_too() {
    let gateway = Setup::smart().start().await;
    for (protocol, client) in clients() {
        for (fault, streamed) in
            [(Fault::hang(), false), (Fault::hang(), true), (Fault::hang_after(0), true), (Fault::hang_after(1), true)]
        {
            for target in TARGETS {
                let what = format!("{protocol} {} {fault:?} streamed={streamed}", target.name);
                gateway.reset().await;
                gateway.sim.set_faults(target.provider, [fault.clone()]).await.expect("a fault");
                let request = with(chat(&target.address(), "Hi"), json!({ "stream": streamed }));
                let request = client.post(gateway.url("/v1/chat/completions")).json(&request).send();
                if fault == Fault::hang_after(1) && target.preamble == 0 {
                    // Its first event is text already.
                    continue;
                }
                assert!(timeout(Duration::from_millis(150), request).await.is_err(), "{what}: an answer came");
                assert_eq!(gateway.journal(target.provider).len(), 1, "{what}: not asked yet");
                left(&gateway, target, &what).await;
            }
        }
    }
    gateway.reset().await;
    gateway.assert_alive("clients that left").await;
}

#[tokio::test]
async fn a_client_that_leaves_during_fallback_stops_it() {
    let gateway = Setup::smart().start().await;
    for streamed in [false, true] {
        gateway.reset().await;
        gateway.sim.set_faults(OPENAI.provider, [Fault::status(500)]).await.expect("a fault");
        gateway.sim.set_faults(CLAUDE.provider, [Fault::hang()]).await.expect("a fault");
        let request = gateway.post().json(&with(chat("smart", "Hi"), json!({ "stream": streamed }))).send();
        assert!(timeout(Duration::from_millis(500), request).await.is_err(), "an answer came");
        assert_eq!(gateway.journal(CLAUDE.provider).len(), 1, "the second was not asked yet");
        left(&gateway, CLAUDE, "during fallback").await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(gateway.sim.journal().len(), 2, "somebody was asked for a client that has left");
    }
    gateway.reset().await;
    gateway.assert_alive("clients that left").await;
}

#[tokio::test]
async fn a_client_that_crashes_is_noticed_like_one_that_closes() {
    let gateway = Setup::smart().start().await;
    gateway.sim.set_faults(OPENAI.provider, [Fault::hang()]).await.expect("a fault");
    let body = stream("smart", "Hi").to_string();
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let mut client = RawClient::connect(gateway.address).await;
    client.send((head + &body).as_bytes()).await;
    eventually("the request arrives", SOON, || gateway.journal(OPENAI.provider).pop()).await;
    client.reset();
    left(&gateway, OPENAI, "a reset").await;
}

#[tokio::test]
async fn clients_that_leave_in_crowds_leave_nothing_behind() {
    let gateway = Setup::smart().start().await;
    gateway.sim.set_faults(OPENAI.provider, [Fault::event_delay(Duration::from_millis(50))]).await.expect("a fault");
    let crowd = (0..60_u64).map(|number| {
        let gateway = &gateway;
        async move {
            let request = stream("smart", &format!("number {number}"));
            let _ = timeout(Duration::from_millis(10 + number * 7), gateway.stream(&request)).await;
        }
    });
    futures_util::future::join_all(crowd).await;
    eventually("nothing is under way", Duration::from_secs(2), || {
        (gateway.sim.stats().openai.in_flight == 0).then_some(())
    })
    .await;
    gateway.reset().await;
    gateway.assert_alive("a crowd that left").await;
}
