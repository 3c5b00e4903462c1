//! One answer for all who ask the same: near, far, streamed or not, from any provider, and never another tenant's.

use serde_json::{Value, json};
use std::time::Duration;
use weir_e2e::{Answer, Gateway, Setup, TARGETS, Target, chat, key_sha256, stream, tool, with};
use weir_sim::{Fault, Reply, ToolCall};

/// A model for each provider whose answers are kept, and one with nothing in the workers (`far`).
fn setup(rest: &str) -> Setup {
    let mut yaml = "models:\n  smart: [openai/gpt-5.6]\n".to_owned();
    for target in TARGETS {
        let cache = "cache: { exact: { ttl: 1h } }";
        yaml.push_str(&format!("  kept-{}: {{ targets: [{}], {cache} }}\n", target.name, target.address()));
    }
    yaml.push_str("  brief: { targets: [openai/gpt-5.6], cache: { exact: { ttl: 1s } } }\n");
    Setup::new(&(yaml + rest))
}

const FAR: &str = "cache: { worker_bytes: 0B }\n";

fn kept(target: Target) -> String {
    format!("kept-{}", target.name)
}

/// How many requests have reached the providers.
fn asked(gateway: &Gateway) -> usize {
    TARGETS.iter().map(|target| gateway.journal(target.provider).len()).sum()
}

/// Waits until what was just answered is kept: nobody waits for that.
async fn settled() {
    tokio::time::sleep(Duration::from_millis(300)).await;
}

fn cached(answer: &Answer) -> Option<&str> {
    answer.header("x-weir-cache")
}

/// The same message, but for what says when and how it was sent.
fn message(answer: &Answer) -> Value {
    answer.json()["choices"].clone()
}

#[tokio::test]
async fn a_second_request_is_answered_from_the_cache_near_and_far() {
    for rest in ["", FAR] {
        let gateway = setup(rest).concurrency(2).start().await;
        for target in TARGETS {
            let request = chat(&kept(target), "How are you?");
            let first = gateway.chat(&request).await;
            assert_eq!((first.status, cached(&first)), (200, Some("miss")), "{target:?}: {}", first.body);
            settled().await;
            let before = asked(&gateway);
            for _ in 0..6 {
                let again = gateway.chat(&request).await;
                assert_eq!((again.status, cached(&again)), (200, Some("hit")), "{target:?} {rest}: {}", again.body);
                assert_eq!(message(&again), message(&first), "{target:?}");
                assert_eq!(again.json()["id"], first.json()["id"], "{target:?}");
                assert_eq!(again.json()["usage"]["total_tokens"], first.json()["usage"]["total_tokens"], "{target:?}");
                assert_eq!(again.header("x-weir-provider"), Some(target.name));
                assert_eq!(again.header("x-weir-model"), Some(target.model));
                assert_eq!(again.header("x-weir-cost-usd"), Some("0"));
                assert!(
                    again.header("age").is_some_and(|age| age.parse::<u64>().is_ok_and(|age| age < 30)),
                    "{again:?}"
                );
            }
            assert_eq!(asked(&gateway), before, "{target:?} {rest}");
        }
    }
}

#[tokio::test]
async fn one_entry_serves_streams_and_whole_answers() {
    let gateway = setup("").start().await;
    for target in TARGETS {
        for streamed_first in [false, true] {
            let text = format!("Say it ({streamed_first}).");
            let (whole, live) = (chat(&kept(target), &text), stream(&kept(target), &text));
            let live = with(live, json!({ "stream_options": { "include_usage": true } }));
            if streamed_first {
                gateway.stream(&live).await.assert_complete("first");
            } else {
                assert_eq!(gateway.chat(&whole).await.status, 200);
            }
            settled().await;
            let before = asked(&gateway);
            let (whole, live) = (gateway.chat(&whole).await, gateway.stream(&live).await);
            assert_eq!(asked(&gateway), before, "{target:?}");
            live.assert_complete(target.name);
            assert_eq!((cached(&whole), live.header("x-weir-cache")), (Some("hit"), Some("hit")), "{target:?}");
            assert_eq!(live.text(), whole.text(), "{target:?}");
            assert!(whole.text().contains(&text), "{target:?}: {}", whole.body);
            assert_eq!(live.finish().as_deref(), Some("stop"), "{target:?}");
        }
    }
}

#[tokio::test]
async fn tool_calls_are_replayed_as_they_were() {
    let gateway = setup("").start().await;
    for target in TARGETS {
        let call = ToolCall { name: "weather".into(), arguments: json!({ "city": "Bern" }) };
        gateway.sim.set_reply(target.provider, Reply { tool_call: Some(call), ..Reply::default() }).expect("a reply");
        let request = with(chat(&kept(target), "The weather in Bern?"), json!({ "tools": [tool("weather")] }));
        let first = gateway.chat(&request).await;
        settled().await;
        let again = gateway.chat(&request).await;
        assert_eq!((again.status, cached(&again)), (200, Some("hit")), "{target:?}: {}", again.body);
        assert_eq!(message(&again), message(&first), "{target:?}");
        assert_eq!(again.json()["choices"][0]["finish_reason"], "tool_calls", "{target:?}");
    }
}

#[tokio::test]
async fn a_request_says_what_the_cache_may_do() {
    let gateway = setup("").start().await;
    let request = chat("kept-openai", "What may you do?");
    let with_cache = async |mode: &str| gateway.chat_with("x-weir-cache", mode, &request).await;

    let error = with_cache("only").await;
    assert_eq!(error.expect_error(504, "nothing is cached")["code"], "not_cached");
    assert_eq!(cached(&with_cache("no-store").await), Some("bypass"));
    settled().await;
    assert_eq!(with_cache("only").await.status, 504, "it was not kept");
    assert_eq!(cached(&gateway.chat(&request).await), Some("miss"));
    settled().await;
    assert_eq!(cached(&with_cache("only").await), Some("hit"));

    let before = asked(&gateway);
    assert_eq!(cached(&with_cache("refresh").await), Some("miss"));
    assert_eq!(asked(&gateway), before + 1, "a refresh asks the provider");
    assert_eq!(cached(&with_cache("no-store").await), Some("bypass"));
    assert_eq!(with_cache("maybe").await.expect_error(400, "no such mode")["param"], "x-weir-cache");

    let uncached = gateway.chat(&chat("smart", "Hi")).await;
    assert_eq!((uncached.status, cached(&uncached)), (200, None), "a model without a cache says nothing of one");
}

#[tokio::test]
async fn what_changes_the_answer_is_another_question() {
    let gateway = setup("").start().await;
    let base = chat("kept-openai", "The same?");
    assert_eq!(cached(&gateway.chat(&base).await), Some("miss"));
    settled().await;
    for fields in [
        json!({ "max_completion_tokens": 7 }),
        json!({ "seed": 3 }),
        json!({ "stop": ["x"] }),
        json!({ "messages": [{ "role": "system", "content": "Be brief." }, { "role": "user", "content": "The same?" }] }),
        json!({ "reasoning_effort": "low" }),
        json!({ "response_format": { "type": "json_object" } }),
        json!({ "some_new_field": 1 }),
    ] {
        let answer = gateway.chat(&with(base.clone(), fields.clone())).await;
        assert_ne!(cached(&answer), Some("hit"), "{fields}");
    }
    for fields in [json!({ "user": "someone" }), json!({ "stream": false }), json!({ "metadata": { "a": "b" } })] {
        let answer = gateway.chat(&with(base.clone(), fields.clone())).await;
        assert_eq!(cached(&answer), Some("hit"), "{fields}");
    }
    let sampled = with(base, json!({ "temperature": 0.7 }));
    for _ in 0..2 {
        assert_eq!(cached(&gateway.chat(&sampled).await), Some("bypass"));
        settled().await;
    }
}

#[tokio::test]
async fn what_went_wrong_is_not_kept() {
    let gateway = setup("").start().await;
    for (what, fault) in [
        ("an error", Fault::status(400)),
        ("a cut stream", Fault::cut_after(5)),
        ("an error in a stream", Fault::error_event_after(5)),
    ] {
        let request = stream("kept-openai", &format!("Then {what}."));
        gateway.sim.set_faults(TARGETS[0].provider, [fault.times(1)]).await.expect("a fault");
        let _ = gateway.post().json(&request).send().await.expect("an answer").bytes().await;
        settled().await;
        let next = gateway.stream(&request).await;
        next.assert_complete(what);
        assert_eq!(next.header("x-weir-cache"), Some("miss"), "{what}");
    }
}

#[tokio::test]
async fn an_entry_ends() {
    let gateway = setup("").start().await;
    let request = chat("brief", "For how long?");
    assert_eq!(cached(&gateway.chat(&request).await), Some("miss"));
    settled().await;
    assert_eq!(cached(&gateway.chat(&request).await), Some("hit"));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(cached(&gateway.chat(&request).await), Some("miss"));
}

#[tokio::test]
async fn no_tenant_reads_anothers_answer() {
    let (alice, bob) = ("key-of-a", "key-of-b");
    let tenants = format!(
        "tenants:\n  team-a: {{ key_sha256: \"{}\" }}\n  team-b: {{ key_sha256: \"{}\" }}\n",
        key_sha256(alice),
        key_sha256(bob)
    );
    let gateway = setup(&tenants).start().await;
    let ask = async |key: &str, request: &Value| {
        Answer::of(gateway.http.post(gateway.url("/v1/chat/completions")).bearer_auth(key).json(request)).await
    };
    let request = chat("kept-openai", "A secret of team A.");
    assert_eq!(cached(&ask(alice, &request).await), Some("miss"));
    settled().await;
    assert_eq!(cached(&ask(alice, &request).await), Some("hit"));
    assert_eq!(cached(&ask(bob, &request).await), Some("miss"));
    settled().await;
    assert_eq!(cached(&ask(bob, &request).await), Some("hit"));
    assert_eq!(asked(&gateway), 2);
}
