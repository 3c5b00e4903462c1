//! What the journal tells about a request.

use std::time::Duration;

use serde_json::json;
use weir_sim::{Fault, Outcome, Provider, Reply, Settings};

use crate::common::{Rig, hello};

#[tokio::test]
async fn an_entry_holds_the_request_and_its_outcome() {
    let rig = Rig::start().await;
    let body = hello(Provider::Gemini);
    let path = "/v1/models/m:generateContent?a=b";
    rig.post(Provider::Gemini, path).header("traceparent", "00-1-2-01").json(&body).send().await.unwrap();
    let entry = rig.journaled(|entry| entry.outcome == Some(Outcome::Complete)).await;
    assert_eq!((entry.provider, entry.method.as_str()), (Provider::Gemini, "POST"));
    assert_eq!((entry.path.as_str(), entry.query.as_deref()), ("/v1/models/m:generateContent", Some("a=b")));
    assert_eq!((entry.header("traceparent"), entry.json()), (Some("00-1-2-01"), Some(body.clone())));
    assert_eq!((entry.status, entry.events_sent, entry.foreign_credential), (Some(200), 1, false));
    assert_eq!(entry.body_bytes, body.to_string().len());
    assert_eq!(entry.body_sha256.map(|hash| hash.len()), Some(64));
    assert!(entry.at_ms > 1_700_000_000_000 && entry.duration_ms.is_some());
}

#[tokio::test]
async fn a_client_that_leaves_mid_stream_is_seen_within_a_second() {
    let rig = Rig::start().await;
    for provider in Provider::ALL {
        rig.sim.set_faults(provider, [Fault::event_delay(Duration::from_millis(200))]).await.unwrap();
        let mut response = rig.hello_stream(provider).send().await.unwrap();
        response.chunk().await.unwrap();
        drop(response);
        let entry = rig.journaled(|entry| entry.outcome == Some(Outcome::ClientClosed)).await;
        assert_eq!(entry.provider, provider);
        assert!((1..4).contains(&entry.events_sent), "{}", entry.events_sent);
        assert_eq!(rig.sim.stats().openai.in_flight, 0);
    }
}

#[tokio::test]
async fn a_client_that_leaves_a_long_unpaced_stream_is_seen_too() {
    let rig = Rig::start().await;
    rig.sim.set_reply(Provider::OpenAi, Reply::words(200_000)).unwrap();
    let mut response = rig.hello_stream(Provider::OpenAi).send().await.unwrap();
    response.chunk().await.unwrap();
    drop(response);
    rig.journaled(|entry| entry.outcome == Some(Outcome::ClientClosed)).await;
}

#[tokio::test]
async fn a_client_that_leaves_before_the_answer_is_seen() {
    let rig = Rig::start().await;
    rig.sim.set_faults(Provider::OpenAi, [Fault::delay(Duration::from_secs(60))]).await.unwrap();
    let request = rig.hello(Provider::OpenAi).timeout(Duration::from_millis(100));
    assert!(request.send().await.unwrap_err().is_timeout());
    let entry = rig.journaled(|entry| entry.outcome == Some(Outcome::ClientClosed)).await;
    assert_eq!((entry.status, entry.events_sent), (None, 0));
}

#[tokio::test]
async fn the_journal_can_be_switched_off_and_cleared() {
    let rig = Rig::start().await;
    rig.hello(Provider::OpenAi).send().await.unwrap();
    rig.sim.clear_journal();
    rig.sim.set_settings(Settings { journal: false, hash_bodies: false });
    rig.hello(Provider::OpenAi).send().await.unwrap();
    assert_eq!(rig.sim.journal(), []);
    assert_eq!(rig.sim.stats().openai.requests, 2, "counters go on");
    rig.sim.set_settings(Settings { journal: true, hash_bodies: false });
    rig.hello(Provider::OpenAi).send().await.unwrap();
    assert_eq!(rig.sim.journal()[0].body_sha256, None);
}

#[tokio::test]
async fn stats_count_statuses_streams_and_tokens() {
    let rig = Rig::start().await;
    rig.sim.set_faults(Provider::OpenAi, [Fault::status(500).times(1)]).await.unwrap();
    rig.hello(Provider::OpenAi).send().await.unwrap();
    rig.hello(Provider::OpenAi).send().await.unwrap();
    rig.hello_stream(Provider::OpenAi).send().await.unwrap().text().await.unwrap();
    let stats = rig.sim.stats().openai;
    assert_eq!(json!(stats.by_status), json!({"200": 2, "500": 1}));
    assert_eq!((stats.requests, stats.streams, stats.in_flight, stats.peak_in_flight), (3, 1, 0, 1));
    assert_eq!((stats.tokens_in, stats.tokens_out), (2, 20));
}
