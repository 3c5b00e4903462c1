//! `/v1/embeddings`, with the official SDK of OpenAI as the client, against the two kinds of target that embed.

use serde_json::json;
use std::time::Duration;
use weir_e2e::{Answer, CLIENT_KEY, Gateway, Setup, Stats, assert_no_leaks, script};
use weir_sim::{Fault, Provider};

const SMALL: &str = "text-embedding-3-small";
const GEMINI: &str = "gemini-embedding-001";

async fn start() -> Gateway {
    Setup::new(&format!("models:\n  words: [openai/{SMALL}, claude/claude-sonnet-5-5, gemini/{GEMINI}]\n"))
        .start()
        .await
}

async fn embed(gateway: &Gateway, body: &serde_json::Value) -> Answer {
    Answer::of(gateway.http.post(gateway.url("/v1/embeddings")).bearer_auth(CLIENT_KEY).json(body)).await
}

#[tokio::test]
async fn the_sdk_embeds_at_each_target() {
    let gateway = start().await;
    script("embeddings.py", &[&format!("openai/{SMALL}"), "openai", SMALL, "tokens"]).run(&gateway).await;
    script("embeddings.py", &[&format!("gemini/{GEMINI}"), "gemini", GEMINI, "texts"]).run(&gateway).await;
    script("embeddings_refusals.py", &[]).run(&gateway).await;
    assert_no_leaks(&gateway, "embeddings");
}

#[tokio::test]
async fn the_sdk_sees_nothing_of_a_fallback_but_the_vectors() {
    let gateway = start().await;
    for fault in [Fault::status(429), Fault::status(500), Fault::refuse()] {
        gateway.reset().await;
        gateway.sim.set_faults(Provider::OpenAi, [fault]).await.expect("a fault");
        script("embeddings.py", &["words", "gemini", GEMINI, "-"]).run(&gateway).await;
        assert_eq!(gateway.journal(Provider::Anthropic).len(), 0, "it has no embeddings");
    }
    assert_no_leaks(&gateway, "embeddings that fell back");
}

#[tokio::test]
async fn embeddings_are_counted_and_paid_for_as_input() {
    let gateway = start().await;
    let answer = embed(&gateway, &json!({ "model": "words", "input": vec!["word ".repeat(200); 100] })).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let tokens = answer.json()["usage"]["prompt_tokens"].as_u64().expect("tokens");
    // $0.02 for a million.
    let cost: f64 = answer.header("x-weir-cost-usd").expect("a cost").parse().expect("a number");
    assert!((cost - tokens as f64 * 0.02 / 1e6).abs() < 2e-6, "{cost} for {tokens}");
    let counted = |stats: &Stats| {
        let of = |kind| stats.find("weir_tokens", &[("provider", "openai"), ("model", SMALL), ("kind", kind)]);
        (of("input"), of("output").unwrap_or(0.0)) == (Some(tokens as f64), 0.0)
    };
    gateway.stats_until("the tokens are counted", Duration::from_secs(10), counted).await;
}

#[tokio::test]
async fn the_limits_of_a_provider_hold_for_embeddings_too() {
    let gateway = Setup::new(&format!("models:\n  words: [openai/{SMALL}]\nwaiting_room: {{ max_wait: 1ms }}\n"))
        .limits("openai", "{ requests_per_minute: 2 }")
        .start()
        .await;
    let mut seen = vec![];
    for _ in 0..3 {
        seen.push(embed(&gateway, &json!({ "model": "words", "input": "x" })).await.status);
    }
    assert_eq!(seen, [200, 200, 429]);
    assert_eq!(gateway.journal(Provider::OpenAi).len(), 2);
}
