//! A plain chat, whole and streamed, at each of the three providers: one dialect in, one dialect out.

use serde_json::{Value, json};
use weir_e2e::{GEMINI, Gateway, OPENAI, Piece, Scripted, Setup, TARGETS, assert_no_leaks, chat, stream, tool, with};
use weir_sim::Reply;

/// `smart` and, for each provider, a model that only it serves.
fn aliases() -> Setup {
    let mut yaml = "models:\n  smart: [openai/gpt-5.6, claude/claude-sonnet-5-5, gemini/gemini-3.8-flash]\n".to_owned();
    for target in TARGETS {
        yaml.push_str(&format!("  only-{}: [{}]\n", target.name, target.address()));
    }
    Setup::new(&yaml)
}

#[tokio::test]
async fn each_target_answers_a_chat_in_openais_form() {
    let gateway = aliases().start().await;
    for target in TARGETS {
        for model in [target.address(), format!("only-{}", target.name)] {
            let answer = gateway.chat(&chat(&model, "How are you?")).await;
            assert_eq!(answer.status, 200, "{model}: {}", answer.body);
            assert_eq!(answer.header("content-type"), Some("application/json"), "{model}");
            assert_eq!(answer.header("x-weir-provider"), Some(target.name), "{model}");
            assert_eq!(answer.header("x-weir-model"), Some(target.model), "{model}");
            assert_eq!(answer.header("x-weir-attempts"), Some("1"), "{model}");
            let length = answer.body.len().to_string();
            assert_eq!(answer.header("content-length"), Some(length.as_str()), "{model}");

            let body = answer.json();
            assert_eq!(answer.text(), format!("{} You said: \"How are you?\" (12 chars)", target.greeting()));
            assert_eq!(body["object"], "chat.completion", "{model}");
            assert_eq!(body["model"], target.model, "{model}");
            assert!(body["id"].as_str().is_some_and(|id| !id.is_empty()), "{model}: {body}");
            assert!(body["created"].as_u64().is_some_and(|at| at > 1_600_000_000), "{model}: {body}");
            let choice = &body["choices"][0];
            assert_eq!(choice["finish_reason"], "stop", "{model}");
            assert_eq!(choice["index"], 0, "{model}");
            assert_eq!(choice["message"]["role"], "assistant", "{model}");
            assert!(choice["message"].get("refusal").is_some_and(Value::is_null), "{model}: {body}");
            assert!(choice["message"].get("tool_calls").is_none(), "{model}: {body}");
            assert_usage(&body["usage"], &model);
        }
    }
    assert_no_leaks(&gateway, "plain chats");
}

#[tokio::test]
async fn a_stream_says_the_same_in_pieces() {
    let gateway = aliases().start().await;
    for target in TARGETS {
        for model in [target.address(), format!("only-{}", target.name)] {
            let whole = gateway.chat(&chat(&model, "How are you?")).await;
            let stream = gateway.stream(&stream(&model, "How are you?")).await;
            stream.assert_complete(&model);
            assert!(stream.header("content-type").is_some_and(|kind| kind.starts_with("text/event-stream")), "{model}");
            assert_eq!(stream.header("x-weir-provider"), Some(target.name), "{model}");
            assert_eq!(stream.header("x-weir-model"), Some(target.model), "{model}");
            assert_eq!(stream.header("x-weir-attempts"), Some("1"), "{model}");
            assert_eq!(stream.header("content-length"), None, "{model}");
            assert_eq!(stream.text(), whole.text(), "{model}");
            assert_eq!(stream.finish().as_deref(), Some("stop"), "{model}");

            let chunks = stream.chunks();
            assert!(chunks.len() > 4, "{model}: one piece is no stream: {chunks:?}");
            assert_eq!(chunks[0]["choices"][0]["delta"]["role"], "assistant", "{model}");
            for chunk in &chunks {
                assert_eq!(chunk["object"], "chat.completion.chunk", "{model}");
                assert_eq!(chunk["id"], chunks[0]["id"], "{model}");
                assert_eq!(chunk["model"], target.model, "{model}");
                assert_eq!(chunk["created"], chunks[0]["created"], "{model}");
                assert!(chunk["choices"].as_array().is_some_and(|choices| choices.len() == 1), "{model}: {chunk}");
                assert!(chunk.get("usage").is_none(), "{model}: usage that nobody asked for: {chunk}");
            }
        }
    }
    assert_no_leaks(&gateway, "streams");
}

#[tokio::test]
async fn usage_comes_last_in_a_stream_that_asks_for_it() {
    let gateway = aliases().start().await;
    for target in TARGETS {
        let model = target.address();
        let request = with(stream(&model, "How are you?"), json!({ "stream_options": { "include_usage": true } }));
        let stream = gateway.stream(&request).await;
        stream.assert_complete(&model);
        let mut chunks = stream.chunks();
        let last = chunks.pop().expect("chunks");
        assert_eq!(last["choices"], json!([]), "{model}");
        assert_usage(&last["usage"], &model);
        for chunk in chunks {
            assert!(chunk.get("usage").is_some_and(Value::is_null), "{model}: {chunk}");
        }
        let whole = gateway.chat(&chat(&model, "How are you?")).await.json();
        for field in ["prompt_tokens", "completion_tokens", "total_tokens"] {
            assert_eq!(last["usage"][field], whole["usage"][field], "{model} {field}");
        }
    }
}

#[tokio::test]
async fn cached_and_reasoning_tokens_are_counted_alike_everywhere() {
    let gateway = aliases().start().await;
    for target in TARGETS {
        let reply = Reply {
            prompt_tokens: Some(100),
            cached_tokens: Some(60),
            completion_tokens: Some(40),
            ..Reply::text("Hi")
        };
        gateway.sim.set_reply(target.provider, reply).expect("a reply");
        let usage = gateway.chat(&chat(&target.address(), "x")).await.json()["usage"].clone();
        assert_eq!(usage["prompt_tokens"], 100, "{}: {usage}", target.name);
        assert_eq!(usage["completion_tokens"], 40, "{}: {usage}", target.name);
        assert_eq!(usage["total_tokens"], 140, "{}: {usage}", target.name);
        assert_eq!(usage["prompt_tokens_details"]["cached_tokens"], 60, "{}: {usage}", target.name);
    }
}

#[tokio::test]
async fn the_prompt_arrives_in_each_providers_own_form() {
    let gateway = aliases().start().await;
    let request = |model: &str| {
        json!({ "model": model, "max_completion_tokens": 3, "messages": [
            { "role": "system", "content": "Be brief." },
            { "role": "user", "content": "One?" },
            { "role": "assistant", "content": "Two." },
            { "role": "user", "content": [{ "type": "text", "text": "Grüße, 世界 🌍 \"\\\n" }] },
        ] })
    };
    for target in TARGETS {
        let answer = gateway.chat(&request(&target.address())).await;
        assert_eq!(answer.status, 200, "{}: {}", target.name, answer.body);
        assert_eq!(answer.json()["choices"][0]["finish_reason"], "length", "{}: {}", target.name, answer.body);
        let entry = gateway.journal(target.provider).pop().expect("a request");
        let body = entry.json().expect("JSON");
        let (system, turns) = match target.name {
            "openai" => (&body["messages"][0]["content"], &body["messages"]),
            "claude" => (&body["system"][0]["text"], &body["messages"]),
            _ => (&body["systemInstruction"]["parts"][0]["text"], &body["contents"]),
        };
        assert_eq!(system, "Be brief.", "{}: {body}", target.name);
        let last = turns.as_array().and_then(|turns| turns.last()).expect("turns");
        assert!(last.to_string().contains("Grüße, 世界 🌍 \\\"\\\\\\n"), "{}: {last}", target.name);
        let length = entry.body_bytes.to_string();
        assert_eq!(entry.header("content-length"), Some(length.as_str()), "{}", target.name);
        assert_eq!(entry.header("content-type"), Some("application/json"), "{}", target.name);
    }
    assert_no_leaks(&gateway, "translated prompts");
}

#[tokio::test]
async fn a_tool_is_called_and_its_result_answered_at_each_target() {
    let gateway = aliases().start().await;
    for target in TARGETS {
        for streamed in [false, true] {
            let what = format!("{} streamed={streamed}", target.name);
            let question =
                with(chat(&target.address(), "Weather?"), json!({ "tools": [tool("weather")], "stream": streamed }));
            let call = call(&gateway, &question, streamed, &what).await;
            assert_eq!(call["function"]["name"], "weather", "{what}");
            let arguments = call["function"]["arguments"].as_str().expect("arguments are a string");
            assert_eq!(serde_json::from_str::<Value>(arguments).expect("JSON"), json!({ "city": "sim" }), "{what}");

            let answer = gateway
                .chat(&json!({ "model": target.address(), "tools": [tool("weather")], "messages": [
                    { "role": "user", "content": "Weather?" },
                    { "role": "assistant", "content": null, "tool_calls": [call] },
                    { "role": "tool", "tool_call_id": call["id"], "content": "18C and sunny" },
                ] }))
                .await;
            assert_eq!(answer.status, 200, "{what}: {}", answer.body);
            assert!(answer.text().contains("18C and sunny"), "{what}: {}", answer.body);
            assert_eq!(answer.json()["choices"][0]["finish_reason"], "stop", "{what}");
        }
    }
}

/// The call that the model answers with, put together from its pieces if it is streamed.
async fn call(gateway: &Gateway, request: &Value, streamed: bool, what: &str) -> Value {
    if !streamed {
        let answer = gateway.chat(request).await;
        assert_eq!(answer.status, 200, "{what}: {}", answer.body);
        let choice = answer.json()["choices"][0].clone();
        assert_eq!(choice["finish_reason"], "tool_calls", "{what}: {choice}");
        return choice["message"]["tool_calls"][0].clone();
    }
    let stream = gateway.stream(request).await;
    stream.assert_complete(what);
    assert_eq!(stream.finish().as_deref(), Some("tool_calls"), "{what}");
    let mut whole = json!({ "type": "function" });
    let mut arguments = String::new();
    for chunk in stream.chunks() {
        let Some(piece) = chunk["choices"][0]["delta"]["tool_calls"].get(0).cloned() else { continue };
        assert_eq!(piece["index"], 0, "{what}: {piece}");
        if piece["id"].is_string() {
            whole["id"] = piece["id"].clone();
            whole["function"]["name"] = piece["function"]["name"].clone();
        }
        arguments.push_str(piece["function"]["arguments"].as_str().unwrap_or_default());
    }
    whole["function"]["arguments"] = json!(arguments);
    whole
}

#[tokio::test]
async fn json_mode_answers_json_at_each_target() {
    let gateway = aliases().start().await;
    let schema = json!({ "type": "object", "properties": { "name": { "type": "string" }, "age": { "type": "integer" } },
        "required": ["name", "age"], "additionalProperties": false });
    let strict =
        json!({ "type": "json_schema", "json_schema": { "name": "person", "strict": true, "schema": schema } });
    for target in TARGETS {
        for format in [json!({ "type": "json_object" }), strict.clone()] {
            let request = with(chat(&target.address(), "A person as JSON"), json!({ "response_format": format }));
            let answer = gateway.chat(&request).await;
            assert_eq!(answer.status, 200, "{}: {}", target.name, answer.body);
            let text = answer.text();
            let value: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{}: {text}", target.name));
            assert!(value.is_object(), "{}: {text}", target.name);
            if format["type"] == "json_schema" {
                assert!(value["name"].is_string() && value["age"].is_i64(), "{}: {text}", target.name);
            }
        }
    }
}

#[tokio::test]
async fn what_a_provider_cannot_do_is_refused_or_told() {
    let gateway = aliases().start().await;
    let refused = gateway.chat(&with(chat("claude/claude-sonnet-5-5", "x"), json!({ "n": 2 }))).await;
    assert_eq!(refused.expect_error(400, "two answers of Claude")["param"], "n");
    assert!(gateway.sim.journal().is_empty(), "what cannot be served was sent");

    let dropped =
        gateway.chat(&with(chat("claude/claude-sonnet-5-5", "x"), json!({ "seed": 7, "temperature": 0.5 }))).await;
    assert_eq!(dropped.status, 200, "{}", dropped.body);
    let told = dropped.header("x-weir-dropped-params").unwrap_or_default().to_owned();
    assert!(told.split(',').any(|name| name == "seed"), "dropped: {told:?}");
    assert!(told.split(',').any(|name| name == "temperature"), "dropped: {told:?}");

    // Claude is passed over, not asked and refused.
    let route = "claude,openai";
    let other = gateway.chat_with("x-weir-route", route, &with(chat("smart", "x"), json!({ "n": 2 }))).await;
    assert_eq!(other.status, 200, "{}", other.body);
    assert_eq!(other.header("x-weir-provider"), Some("openai"));
    assert_eq!(other.header("x-weir-attempts"), Some("1"));
    assert_eq!(other.json()["choices"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn the_models_are_listed() {
    let gateway = aliases().start().await;
    let answer = gateway.http.get(gateway.url("/v1/models")).send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    let list: Value = serde_json::from_str(&answer.text().await.expect("a body")).expect("JSON");
    assert_eq!(list["object"], "list");
    let ids: Vec<_> =
        list["data"].as_array().expect("a list").iter().filter_map(|model| model["id"].as_str()).collect();
    assert_eq!(ids, ["smart", "only-openai", "only-claude", "only-gemini"]);
    assert!(list["data"].as_array().is_some_and(|data| data.iter().all(|model| model["object"] == "model")));
}

#[tokio::test]
async fn a_compatible_server_is_a_provider_too() {
    let body = json!({ "id": "x", "object": "chat.completion", "created": 1, "model": "llama", "choices": [
        { "index": 0, "message": { "role": "assistant", "content": "Hello from here" }, "finish_reason": "stop" }] });
    let body = Piece::Bytes(body.to_string().into_bytes());
    let headers = [("content-type", "application/json"), ("set-cookie", "a=b"), ("x-own", "header")];
    let server = Scripted::answering(200, &headers, body).await;
    let url = format!("{}/api/v1", server.url());
    let gateway = Setup::new("models:\n  smart: [local/llama-3:8b]\n").provider("local", "openai", &url).start().await;
    let answer = gateway.chat(&chat("smart", "x")).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.text(), "Hello from here");
    assert_eq!(answer.header("x-weir-model"), Some("llama-3:8b"));
    assert_eq!((answer.header("set-cookie"), answer.header("x-own")), (None, None));
    let received = server.received().pop().expect("a request");
    assert!(received.head.starts_with("POST /api/v1/chat/completions HTTP/1.1"), "{}", received.head);
    assert!(received.head.contains("authorization: Bearer sk-local-key"), "{}", received.head);
    let sent: Value = serde_json::from_slice(&received.body).expect("JSON");
    assert_eq!(sent["model"], "llama-3:8b");
}

#[tokio::test]
async fn clients_speak_http1_or_http2() {
    let gateway = aliases().start().await;
    let http2 = reqwest::Client::builder().no_proxy().http2_prior_knowledge().build().expect("a client");
    for target in [OPENAI, GEMINI] {
        for streamed in [false, true] {
            let request = with(chat(&target.address(), "x"), json!({ "stream": streamed }));
            let answer =
                http2.post(gateway.url("/v1/chat/completions")).json(&request).send().await.expect("an answer");
            assert_eq!(answer.version(), reqwest::Version::HTTP_2);
            assert_eq!(answer.status(), 200);
            assert!(answer.text().await.expect("a body").contains("Hello"), "{}", target.name);
        }
    }
}

fn assert_usage(usage: &Value, what: &str) {
    let number = |field: &str| usage[field].as_u64().unwrap_or_else(|| panic!("{what}: no {field} in {usage}"));
    assert!(number("prompt_tokens") > 0 && number("completion_tokens") > 0, "{what}: {usage}");
    assert_eq!(number("total_tokens"), number("prompt_tokens") + number("completion_tokens"), "{what}: {usage}");
}

/// Real providers are names, not numbers: Envoy looks them up, and must still know which provider an endpoint is.
#[tokio::test]
async fn a_provider_is_reached_by_its_host_name() {
    let answer = r#"{"id":"c","object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"By name"},"finish_reason":"stop"}]}"#;
    let headers = [("content-type", "application/json")];
    let server = Scripted::answering(200, &headers, Piece::Bytes(answer.into())).await;
    let url = server.url().replace("127.0.0.1", "localhost");
    let gateway = Setup::new("models:\n  named: [local/some-model]\n").provider("local", "openai", &url).start().await;
    let answer = gateway.chat(&chat("named", "Hello")).await;
    assert_eq!((answer.status, answer.header("x-weir-provider")), (200, Some("local")), "{}", answer.body);
    assert_eq!(answer.text(), "By name");
}
