//! Clients of Anthropic's and Gemini's dialects: passed on to their own kind, translated to the others.

use super::*;
use serde_json::Value;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const ALL: &str = "
providers:
  openai: { kind: openai, api_key: $OPENAI_API_KEY }
  claude: { kind: anthropic, api_key: $ANTHROPIC_API_KEY }
  gemini: { kind: gemini, api_key: $GEMINI_API_KEY }
models:
  smart: [openai/gpt-5.6, claude/claude-sonnet-4-6, gemini/gemini-3.8-flash]
  own: [claude/claude-sonnet-4-6]
";
const MESSAGES: &str = "/v1/messages";
const GENERATE: &str = "/v1beta/models/smart:generateContent?key=client-key";
const SSE: &str = "/v1/models/smart:streamGenerateContent?alt=sse";
const ARRAY: &str = "/v1beta/models/smart:streamGenerateContent";
const MESSAGE: &str =
    r#"{ "model": "smart", "max_tokens": 5, "messages": [{"role":"user","content":"Hi"}], "tomorrow": 1 }"#;
const CONTENTS: &str = r#"{ "contents": [{"role":"user","parts":[{"text":"Hi"}]}], "tomorrow": 1 }"#;

fn streamed(message: &str) -> String {
    message.replacen('{', r#"{"stream":true,"#, 1)
}

fn exchange(path: &str, body: &str) -> Rc<Exchange> {
    admitted_at(gateway(ALL), path, &[("authorization", b"Bearer client-key")], body).1.exchange.unwrap()
}

/// What the client sees of `chunk`, the whole stream of `provider`.
fn seen(path: &str, body: &str, provider: &str, chunk: &str) -> (Done, String) {
    let (mut attempt, _) = sent(&exchange(path, body), provider);
    let done = answer(&mut attempt, 200, b"text/event-stream", chunk);
    let text = done.response_body.clone().unwrap_or_default();
    (done, text)
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

const ANTHROPIC_STREAM: &str = "event: message_start\ndata: {\"type\":\"message_start\", \"message\":{\"id\":\"msg_1\",\"model\":\"claude\",\"usage\":{\"input_tokens\":3,\"output_tokens\":1}}}\n\n\
    event: ping\ndata: {\"type\": \"ping\"}   \n\n\
    event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n\
    event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"Hi\"}}\n\n\
    event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n\
    event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":7}}\n\n\
    event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
const GEMINI_STREAM: &str = "data: {\"candidates\": [{\"content\": {\"parts\": [{\"text\": \"Hi\"}]}}], \"modelVersion\": \"g\"}\r\n\r\n\
    data: {\"candidates\": [{\"finishReason\": \"STOP\", \"tomorrow\": 1}], \"usageMetadata\": {\"promptTokenCount\": 3, \"candidatesTokenCount\": 7}}\r\n\r\n";
const OPENAI_STREAM: &str = "data: {\"id\":\"c1\",\"model\":\"gpt\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n\
    data: {\"id\":\"c1\",\"model\":\"gpt\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi\"}}]}\n\n\
    data: {\"id\":\"c1\",\"model\":\"gpt\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n\
    data: {\"id\":\"c1\",\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":7}}\n\ndata: [DONE]\n\n";

#[test]
fn its_own_kind_gets_the_body_as_it_came_under_our_credential() {
    let version: &[(&'static str, &[u8])] =
        &[("anthropic-version", b"2026-10-21"), ("anthropic-beta", b"a,b"), ("x-api-key", b"client-key")];
    let exchange = admitted_at(gateway(ALL), MESSAGES, version, MESSAGE).1.exchange.unwrap();
    let (_, own) = sent(&exchange, "claude");
    let expect =
        r#"{"model":"claude-sonnet-4-6","max_tokens":5,"messages":[{"role":"user","content":"Hi"}],"tomorrow":1}"#;
    assert_eq!(own.request_body.as_deref(), Some(expect));
    let headers = own.request_headers.unwrap();
    assert_eq!(headers.text(":path"), Some("/v1/messages"));
    assert_eq!(headers.all("x-api-key").collect::<Vec<_>>(), [b"secret-of-ANTHROPIC_API_KEY"]);
    assert_eq!(headers.all("anthropic-version").collect::<Vec<_>>(), [b"2026-10-21"]);
    assert_eq!(headers.text("anthropic-beta"), Some("a,b"));
    assert_eq!(headers.text("authorization"), None);
    let (_, other) = sent(&exchange, "openai");
    let headers = other.request_headers.unwrap();
    assert_eq!(headers.text("authorization"), Some("Bearer secret-of-OPENAI_API_KEY"));
    assert!(["anthropic-version", "anthropic-beta", "x-api-key"].iter().all(|name| headers.text(name).is_none()));

    for (path, expect) in [
        (GENERATE, "/v1beta/models/gemini-3.8-flash:generateContent"),
        (SSE, "/v1beta/models/gemini-3.8-flash:streamGenerateContent?alt=sse"),
        (ARRAY, "/v1beta/models/gemini-3.8-flash:streamGenerateContent?alt=sse"),
    ] {
        let (_, own) = sent(&self::exchange(path, CONTENTS), "gemini");
        assert_eq!(own.request_body.as_deref(), Some(CONTENTS));
        let headers = own.request_headers.unwrap();
        assert_eq!(headers.text(":path"), Some(expect));
        assert_eq!(headers.text("x-goog-api-key"), Some("secret-of-GEMINI_API_KEY"));
    }
}

#[test]
fn the_clients_version_is_the_one_we_know_where_it_names_none() {
    let (_, own) = sent(&exchange(MESSAGES, MESSAGE), "claude");
    assert_eq!(own.request_headers.unwrap().text("anthropic-version"), Some("2023-06-01"));
    let extra: &[(&'static str, &[u8])] = &[("anthropic-version", b"2026-10-21")];
    let chat = admitted(ALL, extra, CHAT).1.exchange.unwrap();
    let headers = sent(&chat, "claude").1.request_headers.unwrap();
    assert_eq!(headers.all("anthropic-version").collect::<Vec<_>>(), [b"2023-06-01"], "a translation is for this one");
}

#[test]
fn a_whole_answer_of_its_own_kind_comes_back_as_it_is_and_is_counted() {
    let anthropic =
        r#"{ "id":"msg_1","content":[{"type":"of_tomorrow"}],"usage":{"input_tokens":3,"output_tokens":7} }"#;
    let gemini = r#"{ "candidates":[{"content":{"parts":[{"inlineData":{}}]}}],"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":7} }"#;
    for (path, body, provider, model, answered) in [
        (MESSAGES, MESSAGE, "claude", "claude-sonnet-4-6", anthropic),
        (GENERATE, CONTENTS, "gemini", "gemini-3.8-flash", gemini),
    ] {
        let host = Host::default();
        let exchange = admitted_at(gateway_on(&host, ALL), path, &[], body).1.exchange.unwrap();
        let (mut attempt, _) = sent(&exchange, provider);
        let done = answer(&mut attempt, 200, b"application/json", answered);
        assert_eq!(done.response_body.as_deref(), Some(answered));
        let headers = done.response_headers.unwrap();
        assert_eq!((headers.text("x-weir-provider"), headers.text("x-weir-model")), (Some(provider), Some(model)));
        let tokens = |kind| host.stat(&format!("weir.tokens;provider={provider};;model={model};;kind={kind};"));
        assert_eq!((tokens("input"), tokens("output")), (3, 7), "{provider}");
    }
}

#[test]
fn a_stream_of_its_own_kind_comes_back_byte_for_byte() {
    let (done, text) = seen(MESSAGES, &streamed(MESSAGE), "claude", ANTHROPIC_STREAM);
    assert_eq!(text, ANTHROPIC_STREAM);
    let headers = done.response_headers.unwrap();
    assert_eq!(headers.text("content-type"), Some("text/event-stream; charset=utf-8"));
    assert_eq!(headers.text("request-id"), Some("0f1e2d3c-0000-4000-8000-000000000001"));

    let (done, text) = seen(SSE, CONTENTS, "gemini", GEMINI_STREAM);
    assert_eq!(text, GEMINI_STREAM);
    assert_eq!(done.response_headers.unwrap().text("content-type"), Some("text/event-stream"));
    let (done, text) = seen(ARRAY, CONTENTS, "gemini", GEMINI_STREAM);
    let chunks: Vec<&str> = GEMINI_STREAM.split("\r\n\r\n").filter_map(|event| event.strip_prefix("data: ")).collect();
    assert_eq!(text, format!("[{}]", chunks.join(",\r\n")));
    assert_eq!(done.response_headers.unwrap().text("content-type"), Some("application/json"));
}

#[test]
fn a_stream_of_its_own_kind_is_held_until_its_first_content() {
    let block = |kind: &str| {
        format!(
            "event: content_block_start\ndata: {{\"type\":\"content_block_start\",\"index\":0,\"content_block\":{{\"type\":\"{kind}\"}}}}\n\n"
        )
    };
    let start = ANTHROPIC_STREAM.split_inclusive("\n\n").next().unwrap();
    for (path, body, provider, held, first) in [
        (MESSAGES, streamed(MESSAGE), "claude", format!("{start}{}", block("text")), block("server_tool_use")),
        (MESSAGES, streamed(MESSAGE), "claude", format!("{start}{}", block("thinking")), block("redacted_thinking")),
        (
            SSE,
            CONTENTS.to_owned(),
            "gemini",
            "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"\"}]}}]}\r\n\r\n".to_owned(),
            "data: {\"candidates\":[{\"content\":{\"parts\":[{\"inlineData\":{}}]}}]}\r\n\r\n".to_owned(),
        ),
    ] {
        let (mut attempt, _) = sent(&exchange(path, &body), provider);
        let headers = headers(&[("content-type", b"text/event-stream")]);
        let _ = attempt.step(NOW, AttemptEvent::ResponseHeaders { status: 200, headers: &headers, end: false });
        let waits = done(attempt.step(NOW, AttemptEvent::ResponseBody { chunk: held.as_bytes(), end: false }));
        assert_eq!((waits.waits, waits.response_body.as_deref()), (Some(Waker::ResponseBody), Some("")), "{held}");
        let goes = done(attempt.step(NOW, AttemptEvent::ResponseBody { chunk: first.as_bytes(), end: false }));
        assert_eq!((goes.waits, goes.response_body), (None, Some(held + &first)));
    }
}

#[test]
fn whoever_answers_the_client_reads_its_own_dialect() {
    let providers = [("openai", OPENAI_STREAM), ("claude", ANTHROPIC_STREAM), ("gemini", GEMINI_STREAM)];
    for (provider, stream) in providers {
        let (_, text) = seen(MESSAGES, &streamed(MESSAGE), provider, stream);
        assert!(text.starts_with("event: message_start\ndata: "), "{provider}: {text}");
        assert!(text.ends_with("event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"), "{provider}: {text}");
        assert!(text.contains(r#""text":"Hi""#) && text.contains(r#""output_tokens":7"#), "{provider}: {text}");

        let (_, text) = seen(SSE, CONTENTS, provider, stream);
        let chunks: Vec<Value> =
            text.split_terminator("\r\n\r\n").map(|event| json(event.strip_prefix("data: ").unwrap())).collect();
        let (_, array) = seen(ARRAY, CONTENTS, provider, stream);
        assert_eq!(json(&array), Value::from(chunks.clone()), "{provider}");
        assert_eq!(chunks[0]["candidates"][0]["content"]["parts"][0]["text"], "Hi", "{provider}: {text}");
        let last = chunks.last().unwrap();
        assert_eq!(last["candidates"][0]["finishReason"], "STOP", "{provider}: {text}");
        assert_eq!(last["usageMetadata"]["candidatesTokenCount"], 7, "{provider}: {text}");
    }
}

#[test]
fn a_whole_answer_of_another_kind_is_translated() {
    let (mut attempt, request) = sent(&exchange(MESSAGES, MESSAGE), "openai");
    let body = json(&request.request_body.unwrap());
    assert_eq!((&body["model"], &body["max_completion_tokens"]), (&"gpt-5.6".into(), &5.into()));
    let message = json(&answer(&mut attempt, 200, b"application/json", ANSWER).response_body.unwrap());
    assert_eq!((&message["type"], &message["content"][0]["text"]), (&"message".into(), &"Hello".into()));

    let (mut attempt, request) = sent(&exchange(GENERATE, CONTENTS), "openai");
    assert_eq!(request.request_headers.unwrap().text(":path"), Some("/v1/chat/completions"));
    let answer = answer(&mut attempt, 200, b"application/json", &ANSWER.replace(r#""id":"c","#, ""));
    let response = json(&answer.response_body.unwrap());
    assert_eq!(response["candidates"][0]["content"]["parts"][0]["text"], "Hello");
    assert_eq!(response["responseId"], "0f1e2d3c000040008000000000000001", "ours, where the provider has none");
}

#[test]
fn a_cut_stream_ends_in_the_dialects_own_error() {
    let cut = |stream: &str, events: usize| {
        let end = stream.match_indices("data: ").nth(events).map_or(stream.len(), |(at, _)| at);
        stream[..end].to_owned()
    };
    for (provider, stream) in
        [("openai", cut(OPENAI_STREAM, 2)), ("claude", cut(ANTHROPIC_STREAM, 5)), ("gemini", cut(GEMINI_STREAM, 1))]
    {
        let (_, text) = seen(MESSAGES, &streamed(MESSAGE), provider, &stream);
        assert!(text.contains("Hi") && !text.contains("message_stop"), "{provider}: {text}");
        let (_, error) = text.rsplit_once("event: error\ndata: ").unwrap_or_else(|| panic!("{provider}: {text}"));
        assert_eq!(json(error)["error"]["type"], "api_error");

        let (_, text) = seen(SSE, CONTENTS, provider, &stream);
        let error = json(text.rsplit_once("data: ").unwrap().1);
        assert_eq!((&error["error"]["code"], &error["error"]["status"]), (&502.into(), &"UNAVAILABLE".into()));
        let (_, array) = seen(ARRAY, CONTENTS, provider, &stream);
        assert_eq!(json(&array)[1], error, "{provider}");
    }
}

#[test]
fn what_only_its_own_kind_serves_goes_to_nobody_else() {
    let search = MESSAGE.replacen('{', r#"{"tools":[{"type":"web_search_20250305","name":"web_search"}],"#, 1);
    let (_, done) = admitted_at(gateway(ALL), MESSAGES, &[], &search);
    assert_eq!(done.request_headers.unwrap().text("x-weir-chain"), Some("chain:claude"));
    let (_, refused) = admitted_at(gateway(ALL), MESSAGES, &[("x-weir-route", b"openai,gemini")], &search);
    let (status, body) = refused.reply.unwrap();
    let error = &json(&body)["error"];
    assert_eq!((status, &error["type"]), (400, &"invalid_request_error".into()));
    assert!(error["message"].as_str().unwrap().contains("tools that the provider runs itself"), "{body}");

    let cached = CONTENTS.replacen('{', r#"{"cachedContent":"cachedContents/x","#, 1);
    let (_, done) = admitted_at(gateway(ALL), GENERATE, &[], &cached);
    assert_eq!(done.request_headers.unwrap().text("x-weir-chain"), Some("chain:gemini"));
}

#[test]
fn what_is_dropped_is_named_as_the_client_names_it() {
    let body = MESSAGE.replacen('{', r#"{"top_k":4,"cache_control":{"type":"ephemeral"},"#, 1);
    let exchange = exchange(MESSAGES, &body);
    for (provider, expect) in [("openai", Some("cache_control,top_k")), ("claude", None)] {
        let (mut attempt, _) = sent(&exchange, provider);
        let body = if provider == "claude" { r#"{"id":"m","content":[]}"# } else { ANSWER };
        let headers = answer(&mut attempt, 200, b"application/json", body).response_headers.unwrap();
        assert_eq!(headers.text("x-weir-dropped-params"), expect, "{provider}");
    }
    let body = CONTENTS.replacen('{', r#"{"labels":{"a":"b"},"generationConfig":{"topK":4},"#, 1);
    let (mut attempt, _) = sent(&self::exchange(GENERATE, &body), "openai");
    let headers = answer(&mut attempt, 200, b"application/json", ANSWER).response_headers.unwrap();
    assert_eq!(headers.text("x-weir-dropped-params"), Some("labels,generationConfig.topK"));
}

#[test]
fn refusals_are_in_the_clients_words() {
    let check = |path, body: &str, expect: u16, kind: &str| {
        let (_, done) = admitted_at(gateway(ALL), path, &[], body);
        let (status, text) = done.reply.unwrap_or_else(|| panic!("{path} was admitted"));
        let value = json(&text);
        let error = if path == ARRAY { &value[0]["error"] } else { &value["error"] };
        let named = if path == MESSAGES { &error["type"] } else { &error["status"] };
        assert_eq!((status, named), (expect, &Value::from(kind)), "{text}");
        let id = (path == MESSAGES).then_some("0f1e2d3c-0000-4000-8000-000000000001");
        assert_eq!(value.get("request_id").and_then(Value::as_str), id, "{text}");
        (done.reply_headers.unwrap(), error["message"].as_str().unwrap().to_owned())
    };
    let (headers, message) = check(MESSAGES, &MESSAGE.replace("\"Hi\"", "7"), 400, "invalid_request_error");
    assert!(message.contains("messages.0.content"), "{message}");
    assert_eq!(headers.text("request-id"), Some("0f1e2d3c-0000-4000-8000-000000000001"));
    check(MESSAGES, &MESSAGE.replace("smart", "dumb"), 404, "not_found_error");
    let (_, message) = check(GENERATE, r#"{"contents":[{"parts":7}]}"#, 400, "INVALID_ARGUMENT");
    assert!(message.contains("contents[0].parts"), "{message}");
    check(ARRAY, "", 400, "INVALID_ARGUMENT");
    check("/v1/models/dumb:generateContent", CONTENTS, 404, "NOT_FOUND");
    check("/v1/models/smart:embedContent", CONTENTS, 404, "NOT_FOUND");
    let tenants = format!("{ALL}tenants:\n  team: {{ key_sha256: {} }}\n", crate::testing::hex_sha256("other"));
    for (path, kind) in [(MESSAGES, r#""type":"authentication_error""#), (GENERATE, r#""status":"UNAUTHENTICATED""#)] {
        let (status, body) = admitted_at(gateway(&tenants), path, &[], "").1.reply.unwrap();
        assert!(status == 401 && body.contains(kind), "{body}");
    }
}

#[test]
fn when_all_fail_the_error_is_in_the_clients_dialect() {
    for (path, body, says) in
        [(MESSAGES, MESSAGE, r#""type":"rate_limit_error""#), (GENERATE, CONTENTS, r#""status":"RESOURCE_EXHAUSTED""#)]
    {
        let (mut front, done_) = admitted_at(gateway(ALL), path, &[], body);
        let exchange = done_.exchange.unwrap();
        for provider in ["openai", "claude", "gemini"] {
            let (mut attempt, _) = sent(&exchange, provider);
            let _ = answer(&mut attempt, 429, b"application/json", "{}");
        }
        let event = FrontEvent::ResponseHeaders { status: 400, details: "" };
        let (status, body) = done(front.step(NOW, event)).reply.unwrap();
        assert!(status == 429 && body.contains(says) && body.contains("claude/claude-sonnet-4-6"), "{body}");
    }
}

#[test]
fn the_models_are_listed_for_each_sdk_and_told_one_by_one() {
    let get = |path: &'static str, header: &'static str| {
        let list = headers(&[(":method", b"GET"), (":path", path.as_bytes()), (header, b"x")]);
        let step = Front::new(gateway(ALL), 1).step(NOW, FrontEvent::RequestHeaders { headers: &list });
        let (status, body) = done(step).reply.unwrap();
        (status, json(&body))
    };
    let (_, list) = get("/v1/models", "x-api-key");
    assert_eq!((&list["data"][0]["id"], &list["data"][0]["object"]), (&"smart".into(), &"model".into()));
    let (_, list) = get("/v1/models?limit=9", "anthropic-version");
    assert_eq!((&list["data"][1]["id"], &list["has_more"]), (&"own".into(), &false.into()));
    assert_eq!(list["data"][1]["max_tokens"], 128_000, "what its only target gives");
    for (path, header) in [("/v1beta/models", "x"), ("/v1/models", "x-goog-api-key")] {
        assert_eq!(get(path, header).1["models"][0]["name"], "models/smart");
    }
    assert_eq!(get("/v1/models/smart", "x").1["object"], "model");
    assert_eq!(get("/v1/models/claude%2Fclaude-sonnet-4-6", "anthropic-version").1["id"], "claude/claude-sonnet-4-6");
    assert_eq!(get("/v1beta/models/smart", "x").1["name"], "models/smart");
    let (status, error) = get("/v1/models/dumb", "anthropic-version");
    assert_eq!((status, &error["error"]["type"]), (404, &"not_found_error".into()));
}
