//! Rate limits as a client meets them.

use std::time::{Duration, Instant};

use serde_json::Value;
use weir_sim::{Fault, Limits, Provider, Reply};

use crate::common::Rig;

#[tokio::test]
async fn a_request_limit_answers_429_with_a_true_retry_after() {
    let rig = Rig::start().await;
    let limits = Limits { requests_per_minute: Some(120), burst: Some(2), ..Limits::default() };
    rig.sim.set_limits(Provider::OpenAi, limits).unwrap();
    let first = rig.hello(Provider::OpenAi).send().await.unwrap();
    assert_eq!(first.headers()["x-ratelimit-limit-requests"], "2");
    assert_eq!(first.headers()["x-ratelimit-remaining-requests"], "1");
    assert_eq!(rig.hello(Provider::OpenAi).send().await.unwrap().status(), 200);
    let refused = rig.hello(Provider::OpenAi).send().await.unwrap();
    assert_eq!(refused.status(), 429);
    let number = |name: &str| refused.headers()[name].to_str().unwrap().parse::<u64>().unwrap();
    let wait = Duration::from_millis(number("retry-after-ms") + 2);
    assert!(wait > Duration::from_millis(300) && wait <= Duration::from_millis(502), "{wait:?}");
    assert_eq!(number("retry-after"), 1);
    let begin = Instant::now();
    tokio::time::sleep(wait).await;
    assert_eq!(rig.hello(Provider::OpenAi).send().await.unwrap().status(), 200, "after {:?}", begin.elapsed());
}

#[tokio::test]
async fn a_token_limit_counts_prompt_and_completion() {
    let rig = Rig::start().await;
    rig.sim.set_limits(Provider::OpenAi, Limits { tokens_per_minute: Some(100), ..Limits::default() }).unwrap();
    let reply = Reply { prompt_tokens: Some(40), completion_tokens: Some(40), ..Reply::default() };
    rig.sim.set_reply(Provider::OpenAi, reply).unwrap();
    let first = rig.hello(Provider::OpenAi).send().await.unwrap();
    assert_eq!(first.headers()["x-ratelimit-remaining-tokens"], "20");
    let refused = rig.hello(Provider::OpenAi).send().await.unwrap();
    assert_eq!(refused.status(), 429);
    assert_eq!(refused.json::<Value>().await.unwrap()["error"]["type"], "tokens");
}

#[tokio::test]
async fn the_other_providers_say_it_their_way() {
    let rig = Rig::start().await;
    let limits = Limits { requests_per_minute: Some(30), burst: Some(1), ..Limits::default() };
    for provider in [Provider::Anthropic, Provider::Gemini] {
        rig.sim.set_limits(provider, limits).unwrap();
        assert_eq!(rig.hello(provider).send().await.unwrap().status(), 200);
    }
    let anthropic = rig.hello(Provider::Anthropic).send().await.unwrap();
    assert_eq!(anthropic.status(), 429);
    assert_eq!(anthropic.headers()["retry-after"], "2");
    assert_eq!(anthropic.headers()["anthropic-ratelimit-requests-remaining"], "0");
    let gemini = rig.hello(Provider::Gemini).send().await.unwrap();
    assert!(!gemini.headers().contains_key("retry-after"));
    let error = gemini.json::<Value>().await.unwrap();
    let delay = error.pointer("/error/details/1/retryDelay").unwrap().as_str().unwrap();
    assert!(delay.starts_with("1.9"), "{delay}");
}

#[tokio::test]
async fn a_concurrency_limit_frees_its_slot_when_the_client_leaves() {
    let rig = Rig::start().await;
    rig.sim.set_limits(Provider::OpenAi, Limits { concurrency: Some(1), ..Limits::default() }).unwrap();
    rig.sim.set_faults(Provider::OpenAi, [Fault::hang_after(1).times(1)]).await.unwrap();
    let mut held = rig.hello_stream(Provider::OpenAi).send().await.unwrap();
    held.chunk().await.unwrap();
    assert_eq!(rig.hello(Provider::OpenAi).send().await.unwrap().status(), 429);
    drop(held);
    let deadline = Instant::now() + Duration::from_secs(1);
    while rig.hello(Provider::OpenAi).send().await.unwrap().status() != 200 {
        assert!(Instant::now() < deadline, "the slot is still taken");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
