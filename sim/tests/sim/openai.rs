//! The simulated OpenAI over HTTP.

use crate::common::{Rig, hello, with};
use serde_json::{Value, json};
use weir_sim::{Provider::OpenAi, Reply};

fn tools() -> Value {
    json!([
        {"type": "function", "function": {"name": "weather", "parameters": {"type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}, "required": ["city", "days"]}}},
        {"type": "function", "function": {"name": "clock"}},
    ])
}

#[tokio::test]
async fn a_chat_is_answered_with_every_field_the_sdks_read() {
    let rig = Rig::start().await;
    let response = rig.hello(OpenAi).send().await.unwrap();
    for (name, expected) in [
        ("content-type", "application/json"),
        ("x-ratelimit-limit-requests", "10000"),
        ("x-ratelimit-reset-requests", "6ms"),
        ("x-request-id", "req_sim000000000001"),
    ] {
        assert_eq!(response.headers()[name], expected, "{name}");
    }
    assert!(response.headers()["set-cookie"].to_str().unwrap().starts_with("__cf_bm="));
    let answer: Value = response.json().await.unwrap();
    assert_eq!(answer["id"], "chatcmpl-sim000000000001");
    assert_eq!(answer["object"], "chat.completion");
    let choice = &answer["choices"][0];
    assert_eq!(choice["message"]["content"], r#"Hello from gpt-5.6 at openai. You said: "Hi" (2 chars)"#);
    assert_eq!(choice["message"]["refusal"], Value::Null);
    assert_eq!(choice["message"]["annotations"], json!([]));
    assert_eq!(choice["finish_reason"], "stop");
    assert_eq!(answer["usage"]["prompt_tokens"], 1);
    assert_eq!(answer["usage"]["completion_tokens"], 10);
    assert_eq!(answer["usage"]["prompt_tokens_details"]["cache_write_tokens"], 0);
    assert_eq!(answer["usage"]["completion_tokens_details"]["reasoning_tokens"], 0);
}

#[tokio::test]
async fn tools_are_called_with_arguments_that_fit_their_schema_and_results_are_read() {
    let rig = Rig::start().await;
    let answer = rig.ok(OpenAi, &with(&hello(OpenAi), json!({"tools": tools()}))).await;
    assert_eq!(answer["choices"][0]["finish_reason"], "tool_calls");
    let message = answer["choices"][0]["message"].clone();
    assert_eq!(message["content"], Value::Null);
    let call = &message["tool_calls"][0];
    assert_eq!(call["function"], json!({"name": "weather", "arguments": r#"{"city":"sim","days":1}"#}));

    let result = json!({"role": "tool", "tool_call_id": call["id"], "content": "18C"});
    let messages = json!([{"role": "user", "content": "Hi"}, message, result]);
    let answer = rig.ok(OpenAi, &with(&hello(OpenAi), json!({"tools": tools(), "messages": messages}))).await;
    assert_eq!(answer["choices"][0]["message"]["content"], "Hello from gpt-5.6 at openai. The tool said: 18C");
}

#[tokio::test]
async fn a_json_schema_is_fitted() {
    let rig = Rig::start().await;
    let schema = json!({"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]});
    let format = json!({"type": "json_schema", "json_schema": {"name": "answer", "strict": true, "schema": schema}});
    let answer = rig.ok(OpenAi, &with(&hello(OpenAi), json!({"response_format": format}))).await;
    assert_eq!(answer["choices"][0]["message"]["content"], r#"{"ok":true}"#);
}

#[tokio::test]
async fn the_token_limit_and_the_reply_of_the_control_api_are_respected() {
    let rig = Rig::start().await;
    rig.sim.set_reply(OpenAi, Reply { cached_tokens: Some(4), prompt_tokens: Some(9), ..Reply::words(50) }).unwrap();
    let answer = rig.ok(OpenAi, &with(&hello(OpenAi), json!({"max_completion_tokens": 3}))).await;
    assert_eq!(answer["choices"][0]["message"]["content"], "word word word ");
    assert_eq!(answer["choices"][0]["finish_reason"], "length");
    assert_eq!(answer["usage"]["prompt_tokens_details"]["cached_tokens"], 4);
    rig.sim.set_reply(OpenAi, Reply { no_usage: true, ..Reply::text("x") }).unwrap();
    assert_eq!(rig.ok(OpenAi, &hello(OpenAi)).await.get("usage"), None);
}

#[tokio::test]
async fn embeddings_come_as_floats_or_as_base64_of_little_endian_floats() {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let rig = Rig::start().await;
    let body = json!({"model": "text-embedding-3-small", "input": ["capital of France", "x"], "dimensions": 8});
    let (_, floats) = rig.send(rig.post(OpenAi, "/v1/embeddings").json(&body)).await;
    let body = with(&body, json!({"encoding_format": "base64"}));
    let (_, packed) = rig.send(rig.post(OpenAi, "/v1/embeddings").json(&body)).await;
    let bytes = STANDARD.decode(packed["data"][0]["embedding"].as_str().unwrap()).unwrap();
    let unpacked: Vec<f32> = bytes.chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().unwrap())).collect();
    let listed: Vec<f32> =
        floats["data"][0]["embedding"].as_array().unwrap().iter().map(|f| f.as_f64().unwrap() as f32).collect();
    assert_eq!(unpacked, listed);
    assert_eq!(floats["data"][1]["index"], 1);
    assert_eq!(floats["usage"], json!({"prompt_tokens": 6, "total_tokens": 6}));
}

#[tokio::test]
async fn what_openai_refuses_is_refused_in_its_words() {
    let rig = Rig::start().await;
    let base = hello(OpenAi);
    let user = json!({"role": "user", "content": "Hi"});
    let call = json!({"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}});
    let calling = json!({"role": "assistant", "content": null, "tool_calls": [call]});
    let cases = [
        (json!({"model": null}), "you must provide a model parameter", Value::Null, Value::Null),
        (
            json!({"messages": null}),
            "Missing required parameter: 'messages'.",
            json!("messages"),
            json!("missing_required_parameter"),
        ),
        (json!({"messages": []}), "Invalid 'messages': empty array.", json!("messages"), json!("empty_array")),
        (
            json!({"messages": "x"}),
            "Invalid type for 'messages': expected an array, but got a string",
            json!("messages"),
            json!("invalid_type"),
        ),
        (
            json!({"messages": [{"role": 5}]}),
            "Invalid type for 'messages[0].role'",
            json!("messages[0].role"),
            json!("invalid_type"),
        ),
        (
            json!({"messages": [{"role": "model", "content": "x"}]}),
            "Invalid value: 'model'.",
            json!("messages[0].role"),
            json!("invalid_value"),
        ),
        (
            json!({"messages": [{"role": "user"}]}),
            "Missing required parameter",
            json!("messages[0].content"),
            json!("missing_required_parameter"),
        ),
        (
            json!({"messages": [{"role": "user", "content": [{"type": "image"}]}]}),
            "Invalid value: 'image'.",
            json!("messages[0].content[0].type"),
            json!("invalid_value"),
        ),
        (
            json!({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "ftp://x"}}]}]}),
            "Invalid 'messages[0]",
            json!("messages[0].content[0].image_url.url"),
            json!("invalid_image_url"),
        ),
        (
            json!({"messages": [user, {"role": "tool", "tool_call_id": "c1", "content": "x"}]}),
            "Invalid parameter: messages with role 'tool'",
            json!("messages[1].role"),
            Value::Null,
        ),
        (
            json!({"messages": [user, calling, user]}),
            "An assistant message with 'tool_calls' must be followed by",
            json!("messages"),
            Value::Null,
        ),
        (
            json!({"messages": [user, calling, {"role": "tool", "tool_call_id": "c2", "content": "x"}]}),
            "Invalid parameter",
            json!("messages[2].role"),
            Value::Null,
        ),
        (
            json!({"temperature": 2.5}),
            "Invalid 'temperature': decimal above maximum value.",
            json!("temperature"),
            json!("decimal_above_max_value"),
        ),
        (json!({"temperature": "hot"}), "Invalid type for 'temperature'", json!("temperature"), json!("invalid_type")),
        (json!({"n": 0}), "Invalid 'n': integer below minimum value.", json!("n"), json!("integer_below_min_value")),
        (json!({"top_k": 5}), "Unrecognized request argument supplied: top_k", Value::Null, Value::Null),
        (
            json!({"max_tokens": 5}),
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
            json!("max_tokens"),
            json!("unsupported_parameter"),
        ),
        (json!({"stop": "x"}), "Unsupported parameter: 'stop'", json!("stop"), json!("unsupported_parameter")),
        (
            json!({"model": "gpt-4o-mini", "stop": ["1", "2", "3", "4", "5"]}),
            "Invalid 'stop': array too long.",
            json!("stop"),
            json!("array_above_max_length"),
        ),
        (
            json!({"stream_options": {"include_usage": true}}),
            "The 'stream_options' parameter is only allowed",
            json!("stream_options"),
            Value::Null,
        ),
        (
            json!({"top_logprobs": 3}),
            "The 'top_logprobs' parameter is only allowed",
            json!("top_logprobs"),
            Value::Null,
        ),
        (
            json!({"reasoning_effort": "huge"}),
            "Invalid value: 'huge'.",
            json!("reasoning_effort"),
            json!("invalid_value"),
        ),
        (
            json!({"tools": [{"type": "function", "function": {"name": "a b"}}]}),
            "Invalid 'tools[0].function.name'",
            json!("tools[0].function.name"),
            json!("invalid_value"),
        ),
        (
            json!({"tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "string"}}}]}),
            "Invalid schema for function 'f'",
            json!("tools[0].function.parameters"),
            json!("invalid_function_parameters"),
        ),
        (json!({"tool_choice": "auto"}), "Invalid value for 'tool_choice'", json!("tool_choice"), Value::Null),
        (
            json!({"tools": tools(), "tool_choice": {"type": "function", "function": {"name": "none"}}}),
            "Tool choice 'function' not found",
            json!("tool_choice"),
            Value::Null,
        ),
        (
            json!({"response_format": {"type": "json_schema", "json_schema": {"schema": {}}}}),
            "Missing required parameter",
            json!("response_format.json_schema.name"),
            json!("missing_required_parameter"),
        ),
    ];
    for (patch, message, param, code) in cases {
        let (status, answer) = rig.send(rig.chat(OpenAi).json(&with(&base, patch.clone()))).await;
        let error = &answer["error"];
        assert_eq!(status, 400, "{patch}: {answer}");
        assert!(error["message"].as_str().unwrap().starts_with(message), "{patch}: {error}");
        assert_eq!(
            (&error["type"], &error["param"], &error["code"]),
            (&json!("invalid_request_error"), &param, &code),
            "{patch}"
        );
    }
}

#[tokio::test]
async fn everything_in_the_inventory_is_accepted() {
    let rig = Rig::start().await;
    let body = json!({
        "model": "gpt-4o-mini", "messages": [
            {"role": "developer", "content": "Be brief."},
            {"role": "user", "name": "u", "content": [{"type": "text", "text": "Hi"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA", "detail": "low"}}]},
            {"role": "assistant", "content": null, "tool_calls": [
                {"id": "a", "type": "function", "function": {"name": "weather", "arguments": "{}"}},
                {"id": "b", "type": "function", "function": {"name": "clock", "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": "b", "content": "noon"},
            {"role": "tool", "tool_call_id": "a", "content": [{"type": "text", "text": "18C"}]},
            {"role": "user", "content": "Thanks"}],
        "temperature": 0, "top_p": 1, "n": 2, "seed": -1, "stop": ["END"], "max_tokens": 50, "logprobs": true,
        "top_logprobs": 2, "frequency_penalty": -2, "presence_penalty": 2, "logit_bias": {"50256": -100},
        "metadata": {"a": "b"}, "store": false, "user": "u", "service_tier": "fast", "reasoning_effort": "xhigh",
        "verbosity": "low", "parallel_tool_calls": false, "tools": tools(), "tool_choice": "none",
        "response_format": {"type": "text"}, "prompt_cache_key": "k", "safety_identifier": "s", "modalities": ["text"],
    });
    let answer = rig.ok(OpenAi, &body).await;
    assert_eq!(answer["choices"][1]["index"], 1);
    assert!(answer["choices"][0]["logprobs"]["content"].is_array());
}

#[tokio::test]
async fn paths_methods_content_types_and_models_fail_in_openais_shape() {
    let rig = Rig::start().await;
    let url = rig.sim.openai_url();
    let (status, answer) = rig.send(rig.post(OpenAi, "/v1/nothing").json(&json!({}))).await;
    assert_eq!((status.as_u16(), &answer["error"]["message"]), (404, &json!("Invalid URL (POST /v1/nothing)")));
    let (status, answer) = rig.send(rig.http.get(format!("{url}/v1/chat/completions"))).await;
    assert_eq!((status.as_u16(), &answer["error"]["code"]), (405, &json!("method_not_supported")));
    let text = rig.chat(OpenAi).header("content-type", "text/plain").body("{}");
    let (status, answer) = rig.send(text).await;
    assert_eq!((status.as_u16(), &answer["error"]["code"]), (400, &json!("unsupported_content_type")));
    let (status, answer) = rig.send(rig.chat(OpenAi).header("content-type", "application/json").body("{")).await;
    assert_eq!(status, 400);
    assert!(answer["error"]["message"].as_str().unwrap().starts_with("We could not parse the JSON body"));
    let unknown = rig.chat(OpenAi).json(&with(&hello(OpenAi), json!({"model": "unknown-1"}))).send().await.unwrap();
    assert_eq!(unknown.status(), 404);
    assert!(!unknown.headers().contains_key("x-ratelimit-limit-requests"), "absent on an unknown model");
    assert_eq!(unknown.json::<Value>().await.unwrap()["error"]["code"], "model_not_found");
    let models = rig.http.get(format!("{url}/v1/models")).bearer_auth(weir_sim::OPENAI_KEY);
    assert_eq!(rig.send(models).await.1["object"], "list");
}

#[tokio::test]
async fn a_response_is_answered_whole_or_as_named_and_numbered_events() {
    let rig = Rig::start().await;
    let body =
        json!({"model": "gpt-5.6", "input": [{"role": "user", "content": [{"type": "input_text", "text": "Hi"}]}]});
    let (status, answer) = rig.send(rig.post(OpenAi, "/v1/responses").json(&body)).await;
    assert_eq!((status.as_u16(), &answer["status"]), (200, &json!("completed")));
    let text = r#"Hello from gpt-5.6 at openai. You said: "Hi" (2 chars)"#;
    assert_eq!(answer["output"][0]["content"][0]["text"], text);
    assert!(answer["usage"]["output_tokens"].as_u64() > Some(5));

    let response = rig.post(OpenAi, "/v1/responses").json(&with(&body, json!({"stream": true}))).send().await.unwrap();
    let stream = response.text().await.unwrap();
    let events: Vec<(&str, Value)> = stream
        .split_terminator("\n\n")
        .map(|event| event.strip_prefix("event: ").unwrap().split_once("\ndata: ").unwrap())
        .map(|(name, data)| (name, serde_json::from_str(data).unwrap()))
        .collect();
    for (number, (name, data)) in events.iter().enumerate() {
        assert_eq!((&data["type"], &data["sequence_number"]), (&json!(name), &json!(number)));
    }
    let deltas = events.iter().filter(|(name, _)| *name == "response.output_text.delta");
    assert_eq!(deltas.map(|(_, data)| data["delta"].as_str().unwrap()).collect::<String>(), text);
    let (last, data) = events.last().unwrap();
    assert_eq!((*last, &data["response"]["output"][0]["content"][0]["text"]), ("response.completed", &json!(text)));
}

#[tokio::test]
async fn a_response_calls_tools_and_reads_their_results() {
    let rig = Rig::start().await;
    let tools = json!([{"type": "function", "name": "weather", "parameters": {"type": "object",
        "properties": {"city": {"type": "string"}}, "required": ["city"]}}]);
    let body = json!({"model": "gpt-5.6", "input": "Hi", "tools": tools});
    let (_, answer) = rig.send(rig.post(OpenAi, "/v1/responses").json(&body)).await;
    let call = &answer["output"][0];
    assert_eq!((&call["type"], &call["arguments"]), (&json!("function_call"), &json!(r#"{"city":"sim"}"#)));
    let result = json!({"type": "function_call_output", "call_id": call["call_id"], "output": "18C"});
    let body = json!({"model": "gpt-5.6", "input": [{"role": "user", "content": "Hi"}, call, result]});
    let (_, answer) = rig.send(rig.post(OpenAi, "/v1/responses").json(&body)).await;
    assert!(answer["output"][0]["content"][0]["text"].as_str().unwrap().ends_with("The tool said: 18C"));
}

#[tokio::test]
async fn a_bad_response_request_is_refused_by_name() {
    let rig = Rig::start().await;
    for (more, param, code) in [
        (json!({"messages": []}), "messages", "unknown_parameter"),
        (json!({"input": []}), "input", "empty_array"),
        (json!({"max_output_tokens": 3}), "max_output_tokens", "integer_below_min_value"),
        (json!({"previous_response_id": "resp_of_another"}), "previous_response_id", "previous_response_not_found"),
        (json!({"model": "unknown"}), "model", "model_not_found"),
    ] {
        let body = with(&json!({"model": "gpt-5.6", "input": "x"}), more);
        let (status, answer) = rig.send(rig.post(OpenAi, "/v1/responses").json(&body)).await;
        let error = &answer["error"];
        assert_eq!((status.as_u16(), &error["param"], &error["code"]), (400, &json!(param), &json!(code)), "{body}");
    }
}
