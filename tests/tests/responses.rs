//! `/v1/responses`, with the official SDK of OpenAI as the client.

use serde_json::json;
use std::time::Duration;
use weir_e2e::{Answer, CLIENT_KEY, Gateway, Setup, Stats, assert_no_leaks, script};
use weir_sim::{Fault, Provider, Sim, SimConfig};

/// `smart` has two targets of OpenAI's kind, and between them one that has no such API.
async fn start() -> (Gateway, Sim) {
    let second = Sim::start(SimConfig::free_ports()).await.expect("the simulator starts");
    let gateway = Setup::new("models:\n  smart: [openai/gpt-5.6, claude/claude-sonnet-5-5, azure/gpt-5.5]\n")
        .provider("azure", "openai", &second.url(Provider::OpenAi))
        .env("AZURE_KEY", weir_sim::OPENAI_KEY)
        .start()
        .await;
    (gateway, second)
}

#[tokio::test]
async fn the_sdk_gets_its_responses_whole_and_streamed() {
    let (gateway, _second) = start().await;
    let said = script("responses.py", &["smart", "openai", "gpt-5.6"]).run(&gateway).await;
    assert_eq!(said.trim(), "ok");
    script("responses_conversation.py", &["smart", "openai"]).run(&gateway).await;
    assert_no_leaks(&gateway, "responses");
}

#[tokio::test]
async fn the_sdk_sees_nothing_of_a_fallback_to_another_target_of_the_kind() {
    let (gateway, _second) = start().await;
    for fault in [
        Fault::status(429),
        Fault::status(500),
        Fault::refuse(),
        Fault::error_event_after(0),
        Fault::error_event_after(2),
    ] {
        gateway.reset().await;
        gateway.sim.set_faults(Provider::OpenAi, [fault]).await.expect("a fault");
        let body = json!({ "model": "smart", "input": "Hi", "stream": true });
        let request = gateway.http.post(gateway.url("/v1/responses")).bearer_auth(CLIENT_KEY).json(&body);
        let answer = Answer::of(request).await;
        assert_eq!((answer.status, answer.header("x-weir-provider")), (200, Some("azure")), "{}", answer.body);
        assert!(answer.body.contains("event: response.completed"), "{}", answer.body);
        assert_eq!(gateway.journal(Provider::Anthropic).len(), 0, "it has no such API");
    }
    gateway.sim.set_faults(Provider::OpenAi, [Fault::status(500)]).await.expect("a fault");
    script("responses.py", &["smart", "azure", "gpt-5.5"]).run(&gateway).await;
}

#[tokio::test]
async fn the_sdk_raises_on_a_stream_that_breaks() {
    let (gateway, _second) = start().await;
    for fault in [Fault::cut_after(8), Fault::close_after(8), Fault::error_event_after(8)] {
        gateway.reset().await;
        let fault = Fault { event_delay_ms: Some(20), ..fault };
        gateway.sim.set_faults(Provider::OpenAi, [fault]).await.expect("a fault");
        script("responses_broken_stream.py", &["smart"]).run(&gateway).await;
    }
}

#[tokio::test]
async fn the_usage_of_a_streamed_response_is_counted() {
    let (gateway, _second) = start().await;
    let body = json!({ "model": "smart", "input": "How are you?", "stream": true });
    let request = gateway.http.post(gateway.url("/v1/responses")).bearer_auth(CLIENT_KEY).json(&body);
    let answer = Answer::of(request).await;
    let (_, last) = answer.body.trim_end().rsplit_once("data: ").expect("an event");
    let last: serde_json::Value = serde_json::from_str(last).expect("JSON");
    let usage = &last["response"]["usage"];
    let expected = ["input_tokens", "output_tokens"].map(|name| usage[name].as_f64());
    assert!(expected.iter().all(|tokens| *tokens > Some(0.0)), "{usage}");
    let counted = |stats: &Stats| {
        let of = |kind| stats.find("weir_tokens", &[("provider", "openai"), ("model", "gpt-5.6"), ("kind", kind)]);
        [of("input"), of("output")] == expected
    };
    gateway.stats_until("the tokens are counted", Duration::from_secs(10), counted).await;
}

#[tokio::test]
async fn an_error_is_the_exception_that_the_sdk_has_for_it() {
    let (gateway, second) = start().await;
    for (status, expected) in [(429, 429), (500, 502), (401, 502), (400, 400)] {
        for sim in [&*gateway.sim, &second] {
            sim.reset().await.expect("it is reset");
            sim.set_faults(Provider::OpenAi, [Fault::status(status)]).await.expect("a fault");
        }
        let body = json!({ "model": "smart", "input": "Hi" });
        let request = gateway.http.post(gateway.url("/v1/responses")).bearer_auth(CLIENT_KEY).json(&body);
        let answer = Answer::of(request).await;
        assert_eq!(answer.status, expected, "{status}: {}", answer.body);
        assert!(answer.json()["error"]["message"].is_string(), "{}", answer.body);
    }
}
