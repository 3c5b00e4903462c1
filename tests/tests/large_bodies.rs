//! Prompts of any size up to the limit arrive whole, after any number of attempts; one byte more is a 413.

use reqwest::{Body, Client};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use weir_e2e::{Answer, CLIENT_KEY, GEMINI, Gateway, Setup, Stream, TARGETS, assert_no_leaks, chat, with};
use weir_sim::Fault;

const MIB: usize = 1 << 20;
const LIMIT: usize = 2 * MIB;

async fn start() -> Gateway {
    let targets = "[openai/gpt-5.6, claude/claude-sonnet-5-5, gemini/gemini-3.8-flash]";
    Setup::new(&format!("max_request_bytes: 2MiB\nmodels:\n  smart: {targets}\n")).start().await
}

/// Over HTTP/1.1 and over HTTP/2 without TLS.
fn clients() -> [(&'static str, Client); 2] {
    let http2 = Client::builder().no_proxy().http2_prior_knowledge().build().expect("a client");
    [("HTTP/1.1", Client::builder().no_proxy().http1_only().build().expect("a client")), ("HTTP/2", http2)]
}

/// A text in which no stretch looks like another, so that nothing can be lost, doubled or swapped unseen.
fn prompt(bytes: usize) -> String {
    let mut text = String::with_capacity(bytes + 64);
    let mut number = 0_u64;
    while text.len() < bytes {
        text.push_str(&format!("{number:x} \"ü\\世\n🌍 "));
        number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    }
    text
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn post(client: &Client, gateway: &Gateway) -> reqwest::RequestBuilder {
    client.post(gateway.url("/v1/chat/completions")).bearer_auth(CLIENT_KEY).header("content-type", "application/json")
}

#[tokio::test]
async fn a_prompt_of_1_6_mb_reaches_the_third_target_whole() {
    let gateway = start().await;
    let text = prompt(1_600_000);
    for (protocol, client) in clients() {
        for streamed in [false, true] {
            for order in ["claude,gemini,openai", "openai,gemini,claude", "openai,claude,gemini"] {
                let what = format!("{protocol} {order} streamed={streamed}");
                gateway.reset().await;
                let names: Vec<&str> = order.split(',').collect();
                let last = TARGETS.into_iter().find(|target| Some(&target.name) == names.last()).expect("a target");
                for target in TARGETS.into_iter().filter(|target| *target != last) {
                    gateway.sim.set_faults(target.provider, [Fault::status(529)]).await.expect("a fault");
                }
                let request = with(
                    chat("smart", &text),
                    json!({ "stream": streamed, "stream_options": { "include_usage": true } }),
                );
                let request = if streamed { request } else { chat("smart", &text) };
                let sent = request.to_string();
                let answer = Answer::of(post(&client, &gateway).header("x-weir-route", order).body(sent.clone())).await;
                assert_eq!(answer.status, 200, "{what}: {}", answer.body);
                assert_eq!(answer.header("x-weir-attempts"), Some("3"), "{what}");
                assert_eq!(answer.header("x-weir-provider"), Some(last.name), "{what}");
                let chars = format!("({} chars)", text.chars().count());
                assert!(streamed || answer.text().contains(&chars), "{what}: {}", answer.body);

                let entry = gateway.journal(last.provider).pop().expect("a request");
                let length = entry.body_bytes.to_string();
                assert_eq!(entry.header("content-length"), Some(length.as_str()), "{what}");
                let expected = expected(last.name, &sent, &text, streamed);
                assert_eq!(entry.body_bytes, expected.len(), "{what}: bytes at the third target");
                assert_eq!(
                    entry.body_sha256,
                    Some(hex(expected.as_bytes())),
                    "{what}: another body at the third target"
                );
                assert_no_leaks(&gateway, &what);
            }
        }
    }
}

/// The body that a provider must have received, byte for byte.
fn expected(name: &str, sent: &str, text: &str, streamed: bool) -> String {
    let text = Value::from(text).to_string();
    match name {
        "openai" => sent.replace("\"model\":\"smart\"", "\"model\":\"gpt-5.6\""),
        "claude" => {
            let stream = if streamed { ",\"stream\":true" } else { "" };
            format!(
                "{{\"model\":\"claude-sonnet-5-5\",\"max_tokens\":128000,\"messages\":[{{\"role\":\"user\",\"content\":[{{\"type\":\"text\",\"text\":{text}}}]}}]{stream}}}"
            )
        }
        _ => format!("{{\"contents\":[{{\"role\":\"user\",\"parts\":[{{\"text\":{text}}}]}}]}}"),
    }
}

/// A chat whose body is exactly that long.
fn body_of(bytes: usize) -> String {
    let empty = chat("smart", "").to_string().len();
    chat("smart", &"a".repeat(bytes - empty)).to_string()
}

#[tokio::test]
async fn a_body_at_the_limit_is_served_and_one_byte_more_is_a_413() {
    let gateway = start().await;
    for (protocol, client) in clients() {
        for (bytes, chunked) in [
            (LIMIT, false),
            (LIMIT, true),
            (LIMIT + 1, false),
            (LIMIT + 1, true),
            (LIMIT + MIB, true),
            (12 * MIB, false),
            (12 * MIB, true),
        ] {
            let what = format!("{protocol}, {bytes} bytes, chunked={chunked}");
            gateway.reset().await;
            let sent = body_of(bytes);
            assert_eq!(sent.len(), bytes);
            let body = if chunked { pieces(sent) } else { Body::from(sent) };
            let answer = Answer::of(post(&client, &gateway).body(body)).await;
            if bytes <= LIMIT {
                assert_eq!(answer.status, 200, "{what}: {}", answer.body);
                assert_eq!(gateway.journal(TARGETS[0].provider)[0].body_bytes, bytes + 2, "{what}: gpt-5.6 for smart");
            } else {
                let error = answer.expect_error(413, &what);
                assert_eq!(error["type"], "invalid_request_error", "{what}");
                assert_eq!(error["code"], "request_too_large", "{what}");
                assert!(answer.message().contains(&LIMIT.to_string()), "{what}: {}", answer.message());
                assert!(gateway.sim.journal().is_empty(), "{what}: was sent");
            }
        }
        gateway.assert_alive(protocol).await;
    }
}

/// A body without an announced length, in pieces as a network would make them.
fn pieces(body: String) -> Body {
    let pieces: Vec<Result<Vec<u8>, std::io::Error>> =
        body.into_bytes().chunks(16_000).map(|piece| Ok(piece.to_vec())).collect();
    Body::wrap_stream(futures_util::stream::iter(pieces))
}

#[tokio::test]
async fn many_large_prompts_at_once_do_not_mix() {
    let gateway = start().await;
    for target in [TARGETS[0], TARGETS[1]] {
        gateway.sim.set_faults(target.provider, [Fault::status(529)]).await.expect("a fault");
    }
    let requests = (0..12).map(|number| {
        let gateway = &gateway;
        async move {
            let text = format!("{number} {}", prompt(400_000 + number * 1_000));
            let answer = gateway.chat(&chat("smart", &text)).await;
            assert_eq!(answer.status, 200, "{}", answer.body);
            assert_eq!(answer.header("x-weir-provider"), Some(GEMINI.name));
            hex(expected(GEMINI.name, "", &text, false).as_bytes())
        }
    });
    let mut expected: Vec<String> = futures_util::future::join_all(requests).await;
    let mut received: Vec<String> =
        gateway.journal(GEMINI.provider).into_iter().filter_map(|entry| entry.body_sha256).collect();
    expected.sort();
    received.sort();
    assert_eq!(received, expected);
}

#[tokio::test]
async fn a_large_answer_arrives_whole() {
    let gateway = start().await;
    // The simulator's tokens have at most 16 characters, and no model writes more than 128,000 of them.
    let words = |bytes| prompt(bytes).replace(' ', "_");
    for (streamed, text) in [(false, words(3 * MIB / 2)), (true, words(MIB / 2))] {
        for (protocol, client) in clients() {
            for target in TARGETS {
                let what = format!("{protocol} {} streamed={streamed}", target.name);
                gateway.sim.set_reply(target.provider, weir_sim::Reply::text(&text)).expect("a reply");
                let request = with(chat(&target.address(), "Much, please"), json!({ "stream": streamed }));
                let request = post(&client, &gateway).json(&request);
                let said = if streamed {
                    let stream = Stream::read(request.send().await.expect("an answer")).await;
                    stream.assert_complete(&what);
                    stream.text()
                } else {
                    let answer = Answer::of(request).await;
                    assert_eq!(answer.status, 200, "{what}: {}", answer.body);
                    answer.text()
                };
                assert!(said == text, "{what}: another text");
            }
        }
    }
}
