//! Whatever a client sends, it gets a clear answer, no provider is bothered, and the next request is served.

use futures_util::future::join_all;
use serde_json::{Value, json};
use std::time::Duration;
use weir_e2e::{Answer, CLIENT_KEY, Gateway, RawClient, Setup, chat, with};

async fn start() -> Gateway {
    // One worker: the next request meets the very VM that saw the bad one.
    Setup::smart().concurrency(1).start().await
}

fn user(content: &Value) -> Value {
    json!({ "model": "smart", "messages": [{ "role": "user", "content": content }] })
}

/// Bodies that are no chat request, the status they get, and the field that is named.
fn bodies() -> Vec<(&'static str, Vec<u8>, u16, Option<&'static str>)> {
    let good = chat("smart", "Hi");
    let field = |fields: Value| with(good.clone(), fields).to_string().into_bytes();
    let messages = |messages: Value| json!({ "model": "smart", "messages": messages }).to_string().into_bytes();
    let nest = |open: &str, close: &str| format!("{}{}", open.repeat(10_000), close.repeat(10_000));
    vec![
        ("no JSON", b"hello".to_vec(), 400, None),
        ("nothing", vec![], 400, None),
        ("blanks", b" \n\t ".to_vec(), 400, None),
        ("half of it", b"{\"model\":\"smart\",\"mess".to_vec(), 400, None),
        ("two of it", format!("{good}{good}").into_bytes(), 400, None),
        ("something after it", format!("{good}x").into_bytes(), 400, None),
        ("an array", b"[]".to_vec(), 400, None),
        ("an array of the fields", b"[\"smart\",[]]".to_vec(), 400, None),
        ("null", b"null".to_vec(), 400, None),
        ("a string", b"\"smart\"".to_vec(), 400, None),
        ("zero bytes", vec![0; 100], 400, None),
        ("no UTF-8", b"{\"model\":\"smart\",\"messages\":[{\"role\":\"user\",\"content\":\"\xff\xfe\"}]}".to_vec(), 400, None),
        ("a byte order mark", format!("\u{feff}{good}").into_bytes(), 400, None),
        ("a form", b"model=smart&messages=Hi".to_vec(), 400, None),
        ("no model", json!({ "messages": [{ "role": "user", "content": "Hi" }] }).to_string().into_bytes(), 400, Some("model")),
        ("a null model", field(json!({ "model": null })), 400, Some("model")),
        ("an empty model", field(json!({ "model": "" })), 400, Some("model")),
        ("a number for a model", field(json!({ "model": 7 })), 400, Some("model")),
        ("an unknown model", field(json!({ "model": "smarter" })), 404, Some("model")),
        ("a very long model", field(json!({ "model": "m".repeat(100_000) })), 404, Some("model")),
        ("two models", b"{\"model\":\"smart\",\"model\":\"x\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}".to_vec(), 400, Some("model")),
        ("no messages", json!({ "model": "smart" }).to_string().into_bytes(), 400, Some("messages")),
        ("null messages", messages(Value::Null), 400, Some("messages")),
        ("empty messages", messages(json!([])), 400, Some("messages")),
        ("an object for messages", messages(json!({})), 400, Some("messages")),
        ("a string for messages", messages(json!("Hi")), 400, Some("messages")),
        ("numbers for messages", messages(json!([1, 2])), 400, Some("messages[0]")),
        ("a message without a role", messages(json!([{ "content": "Hi" }])), 400, Some("messages[0].role")),
        ("an unknown role", messages(json!([{ "role": "wizard", "content": "Hi" }])), 400, Some("messages[0].role")),
        ("a number for content", user(&json!(7)).to_string().into_bytes(), 400, Some("messages[0].content")),
        ("a part without its text", user(&json!([{ "type": "text" }])).to_string().into_bytes(), 400, Some("messages[0].content[0].text")),
        ("a word for stream", field(json!({ "stream": "yes" })), 400, Some("stream")),
        ("a word for temperature", field(json!({ "temperature": "hot" })), 400, Some("temperature")),
        ("no tokens at all", field(json!({ "max_completion_tokens": 0 })), 400, Some("max_completion_tokens")),
        ("less than no tokens", field(json!({ "max_completion_tokens": -1 })), 400, Some("max_completion_tokens")),
        ("no answers", field(json!({ "n": 0 })), 400, Some("n")),
        ("an object for tools", field(json!({ "tools": {} })), 400, Some("tools")),
        ("a deep nest of lists for messages", format!("{{\"model\":\"smart\",\"messages\":{}}}", nest("[", "]")).into_bytes(), 400, None),
        ("a deep nest in content", format!("{{\"model\":\"smart\",\"messages\":[{{\"role\":\"user\",\"content\":{}}}]}}", nest("[", "]")).into_bytes(), 400, None),
        ("a deep nest in a tool", format!("{{\"model\":\"smart\",\"messages\":[{{\"role\":\"user\",\"content\":\"x\"}}],\"tools\":[{{\"type\":\"function\",\"function\":{{\"name\":\"f\",\"parameters\":{}}}}}]}}", nest("{\"a\":", "").replace("}", "") + "1" + &"}".repeat(10_000)).into_bytes(), 400, None),
        ("a deep nest in an unknown field", format!("{{\"model\":\"smart\",\"future\":{},\"messages\":[{{\"role\":\"user\",\"content\":\"x\"}}]}}", nest("[", "]")).into_bytes(), 400, None),
        ("nothing but opening brackets", "[".repeat(1_000_000).into_bytes(), 400, None),
        ("nothing but opening braces", "{\"a\":".repeat(200_000).into_bytes(), 400, None),
    ]
}

#[tokio::test]
async fn a_body_that_is_no_chat_is_a_clear_4xx() {
    let gateway = start().await;
    for (what, body, status, param) in bodies() {
        gateway.reset().await;
        let answer = Answer::of(gateway.post().body(body)).await;
        let error = answer.expect_error(status, what);
        assert_eq!(error["type"], "invalid_request_error", "{what}: {}", answer.body);
        if let Some(param) = param {
            assert_eq!(error["param"], param, "{what}: {}", answer.body);
        }
        assert!(answer.body.len() < 8 << 10, "{what}: an answer of {} bytes", answer.body.len());
        assert!(answer.header("x-request-id").is_some(), "{what}");
        // An unknown field is the provider's to judge; everything else is known to be wrong here.
        if what != "a deep nest in an unknown field" && what != "a deep nest in a tool" {
            assert!(gateway.sim.journal().is_empty(), "{what}: a provider was asked");
        }
        gateway.assert_alive(what).await;
    }
}

/// A request line, headers and a good body, as bytes; the connection is to be closed.
fn raw(line: &str, headers: &[&[u8]]) -> Vec<u8> {
    let body = chat("smart", "Hi").to_string();
    let mut request =
        format!("{line}\r\nhost: weir\r\nconnection: close\r\ncontent-type: application/json\r\n").into_bytes();
    for header in headers {
        request.extend_from_slice(header);
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(format!("content-length: {}\r\n\r\n{body}", body.len()).as_bytes());
    request
}

const CHAT: &str = "POST /v1/chat/completions HTTP/1.1";

#[tokio::test]
async fn headers_that_are_no_text_are_a_400_that_names_them() {
    let gateway = start().await;
    for name in [
        "authorization",
        "x-api-key",
        "x-weir-route",
        "x-request-id",
        "traceparent",
        "content-encoding",
        "x-anything",
        "user-agent",
    ] {
        for value in [&b"\xff"[..], b"\xff\xfe\xfd", b"abc\x80def", b"\xc3\x28", b"Bearer \xff"] {
            let header = [name.as_bytes(), b": ", value].concat();
            let answer = RawClient::exchange(gateway.address, &raw(CHAT, &[&header])).await;
            assert!(answer.starts_with("HTTP/1.1 400"), "{name}: {value:?}: {answer}");
            assert!(answer.contains("invalid_request_error") && answer.contains(name), "{name}: {value:?}: {answer}");
        }
        gateway.assert_alive(name).await;
    }
    let text = "x-anything: Grüße, 世界".as_bytes();
    let answer = RawClient::exchange(gateway.address, &raw(CHAT, &[text])).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "UTF-8 is text: {answer}");
}

#[tokio::test]
async fn a_header_that_may_stand_once_is_refused_when_it_stands_twice() {
    let gateway = start().await;
    for name in ["authorization", "x-api-key", "x-goog-api-key", "api-key", "x-weir-route"] {
        let header = format!("{name}: openai");
        let answer = RawClient::exchange(gateway.address, &raw(CHAT, &[header.as_bytes(), header.as_bytes()])).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{name}: {answer}");
        assert!(answer.contains(&format!("'{name}'")), "{name}: {answer}");
        assert!(gateway.sim.journal().is_empty(), "{name}: a provider was asked");
    }
    gateway.assert_alive("repeated headers").await;
}

#[tokio::test]
async fn http_that_is_none_leaves_the_gateway_alive() {
    let gateway = start().await;
    let huge = format!("x-huge: {}", "h".repeat(100_000));
    let many: Vec<String> = (0..500).map(|number| format!("x-{number}: y")).collect();
    let many: Vec<&[u8]> = many.iter().map(String::as_bytes).collect();
    for (what, request, statuses) in [
        ("a null byte in a header", raw(CHAT, &[b"x-a: b\0c"]), &["400"][..]),
        ("a space in a header's name", raw(CHAT, &[b"x a: b"]), &["400"]),
        ("a huge header", raw(CHAT, &[huge.as_bytes()]), &["431"]),
        ("five hundred headers", raw(CHAT, &many), &["431"]),
        ("two lengths", raw(CHAT, &[b"content-length: 3"]), &["400"]),
        ("a length and chunks", raw(CHAT, &[b"transfer-encoding: chunked"]), &["400"]),
        ("an unknown transfer encoding", raw(CHAT, &[b"transfer-encoding: zebra"]), &["400", "501"]),
        (
            "a path that is no text",
            b"POST /v1/\xff\xfe HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 0\r\n\r\n".to_vec(),
            &["400", "404"],
        ),
        (
            "no host",
            b"POST /v1/chat/completions HTTP/1.1\r\nconnection: close\r\ncontent-length: 0\r\n\r\n".to_vec(),
            &["400"],
        ),
        ("a TLS hello", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(), &["400"]),
        (
            "an upgrade",
            raw("GET /v1/chat/completions HTTP/1.1", &[b"upgrade: websocket", b"connection: upgrade"]),
            &["400", "403", "405"],
        ),
        (
            "CONNECT",
            b"CONNECT example.com:443 HTTP/1.1\r\nhost: example.com:443\r\nconnection: close\r\n\r\n".to_vec(),
            &["400", "403", "404", "405"],
        ),
    ] {
        let answer = RawClient::exchange(gateway.address, &request).await;
        let status = answer.get(9..12).unwrap_or_default();
        assert!(statuses.contains(&status), "{what}: {answer}");
        gateway.assert_alive(what).await;
    }
}

#[tokio::test]
async fn a_body_cut_half_way_reaches_no_provider() {
    let gateway = start().await;
    let request = raw(CHAT, &[]);
    for keep in [request.len() - 1, request.len() - 20, request.len() / 2, 40, 5] {
        for crash in [false, true] {
            let mut client = RawClient::connect(gateway.address).await;
            client.send(request.get(..keep).unwrap_or_default()).await;
            tokio::time::sleep(Duration::from_millis(30)).await;
            if crash {
                client.reset();
            } else {
                drop(client);
            }
        }
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(gateway.sim.journal().is_empty(), "half a request was sent on");
    gateway.assert_alive("half requests").await;
}

#[tokio::test]
async fn a_body_in_many_pieces_is_one_body() {
    let gateway = start().await;
    let body = chat("smart", "Grüße, 世界 🌍").to_string();
    let head = format!("{CHAT}\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\n");
    // Byte by byte, with a length.
    let mut client = RawClient::connect(gateway.address).await;
    client.send(format!("{head}content-length: {}\r\n\r\n", body.len()).as_bytes()).await;
    for byte in body.as_bytes() {
        client.send(&[*byte]).await;
        tokio::task::yield_now().await;
    }
    let answer = client.read_answer().await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("世界"), "{answer}");
    // In chunks, with trailers.
    let mut chunked = format!("{head}transfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n").into_bytes();
    for piece in body.as_bytes().chunks(7) {
        chunked.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
        chunked.extend_from_slice(piece);
        chunked.extend_from_slice(b"\r\n");
    }
    chunked.extend_from_slice(b"0\r\nx-sum: 7\r\n\r\n");
    let answer = RawClient::exchange(gateway.address, &chunked).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("世界"), "{answer}");
}

#[tokio::test]
async fn a_wrong_method_is_a_405_and_an_unknown_path_a_404() {
    let gateway = start().await;
    for method in ["GET", "DELETE", "PUT", "PATCH", "OPTIONS"] {
        let method = method.parse::<reqwest::Method>().expect("a method");
        let answer = Answer::of(gateway.http.request(method.clone(), gateway.url("/v1/chat/completions"))).await;
        answer.expect_error(405, method.as_str());
        assert_eq!(answer.header("allow"), Some("POST"), "{method}");
    }
    let head = Answer::of(gateway.http.head(gateway.url("/v1/chat/completions"))).await;
    assert_eq!((head.status, head.body.as_str()), (405, ""), "a HEAD has no body");
    Answer::of(gateway.http.post(gateway.url("/v1/models")).body("{}")).await.expect_error(405, "POST to the models");
    for path in [
        "/",
        "/v1",
        "/v1/chat",
        "/v1/chat/completions/x",
        "/v1/completions",
        "/admin",
        "/v1/chat/completions/../../x",
        "/v1/%63hat",
        "/config_dump",
    ] {
        let answer = Answer::of(gateway.post().body(chat("smart", "Hi").to_string())).await;
        assert_eq!(answer.status, 200);
        let answer = Answer::of(gateway.http.post(gateway.url(path)).json(&chat("smart", "Hi"))).await;
        if path == "/v1/%63hat" {
            assert_eq!(answer.status, 404, "{path}");
        } else {
            answer.expect_error(404, path);
        }
    }
    gateway.assert_alive("wrong methods and paths").await;
}

#[tokio::test]
async fn a_compressed_body_is_refused_in_words() {
    let gateway = start().await;
    for encoding in ["gzip", "deflate", "br", "zstd", "gzip, gzip"] {
        let answer = Answer::of(gateway.post().header("content-encoding", encoding).body(vec![0x1f, 0x8b, 8])).await;
        let error = answer.expect_error(415, encoding);
        assert!(error["message"].as_str().is_some_and(|text| text.contains("content-encoding")), "{encoding}: {error}");
    }
    let plain = Answer::of(gateway.post().header("content-encoding", "identity").json(&chat("smart", "Hi"))).await;
    assert_eq!(plain.status, 200, "{}", plain.body);
}

#[tokio::test]
async fn a_client_that_waits_for_100_continue_gets_it() {
    let gateway = start().await;
    let body = chat("smart", "Hi").to_string();
    let head = format!(
        "{CHAT}\r\nhost: x\r\nconnection: close\r\nexpect: 100-continue\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let mut client = RawClient::connect(gateway.address).await;
    let go_on = client.send(head.as_bytes()).await.read_until("\r\n\r\n").await;
    assert!(go_on.starts_with("HTTP/1.1 100"), "{go_on}");
    let answer = client.send(body.as_bytes()).await.read_answer().await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    // Who may not come in is told so before it sends its body.
    let head = head.replace("expect", "x-weir-route: a\r\nx-weir-route: b\r\nexpect");
    let answer = RawClient::exchange(gateway.address, head.as_bytes()).await;
    assert!(answer.contains("HTTP/1.1 400"), "{answer}");
}

#[tokio::test]
async fn a_storm_of_bad_input_does_not_touch_the_good() {
    let gateway = Setup::smart().start().await;
    let bodies = bodies();
    let storm = (0..600_usize).map(|number| {
        let (gateway, bodies) = (&gateway, &bodies);
        async move {
            let (what, body, status, _) = &bodies[number % bodies.len()];
            if number % 5 == 0 {
                let text = format!("good {number}");
                let answer = gateway.chat(&with(chat("smart", &text), json!({ "stream": number % 2 == 0 }))).await;
                assert_eq!(answer.status, 200, "{}", answer.body);
                assert!(answer.body.contains("good"), "{}", answer.body);
            } else if number % 5 == 1 {
                let answer = RawClient::exchange(
                    gateway.address,
                    &raw(CHAT, &[b"authorization: \xff", b"x-api-key: a", b"x-api-key: b"]),
                )
                .await;
                assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
            } else if number % 5 == 2 {
                let request = raw(CHAT, &[]);
                RawClient::connect(gateway.address)
                    .await
                    .send(request.get(..request.len() - number % 90 - 1).unwrap_or_default())
                    .await;
            } else {
                let answer = Answer::of(gateway.post().body(body.clone())).await;
                assert_eq!(answer.status, *status, "{what}: {}", answer.body);
            }
        }
    });
    join_all(storm).await;
    gateway.assert_alive("a storm").await;
    let log = gateway.process.stderr();
    for word in ["panicked", "wasm trap", "unreachable", "Function: proxy_on"] {
        assert!(!log.contains(word), "Envoy's log speaks of {word}");
    }
    assert!(!log.contains(CLIENT_KEY), "the client's key is in Envoy's log");
}
