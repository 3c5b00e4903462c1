//! The simulated Anthropic over HTTP.

use serde_json::{Value, json};
use weir_sim::{ANTHROPIC_KEY, Provider::Anthropic, Reply};

use crate::common::{Rig, hello, with};

fn tool() -> Value {
    json!({"name": "weather", "description": "d", "input_schema": {"type": "object",
        "properties": {"city": {"type": "string"}}, "required": ["city"]}})
}

fn user(content: Value) -> Value {
    json!({"role": "user", "content": content})
}

fn assistant(content: Value) -> Value {
    json!({"role": "assistant", "content": content})
}

fn calling(id: &str) -> Value {
    assistant(json!([{"type": "tool_use", "id": id, "name": "weather", "input": {}}]))
}

fn result(id: &str) -> Value {
    user(json!([{"type": "tool_result", "tool_use_id": id, "content": "18C"}]))
}

#[tokio::test]
async fn a_message_is_answered_with_every_field_the_sdks_read() {
    let rig = Rig::start().await;
    let response = rig.hello(Anthropic).send().await.unwrap();
    let headers = response.headers().clone();
    assert_eq!(headers["request-id"], "req_sim000000000001");
    assert_eq!(headers["anthropic-ratelimit-requests-limit"], "10000");
    assert_eq!(headers["anthropic-ratelimit-output-tokens-remaining"], "29999000");
    let reset = headers["anthropic-ratelimit-tokens-reset"].to_str().unwrap();
    assert!(reset.len() == 20 && reset.ends_with('Z') && reset.contains('T'), "{reset}");
    let message: Value = response.json().await.unwrap();
    let text = r#"Hello from claude-sonnet-4-6 at anthropic. You said: "Hi" (2 chars)"#;
    assert_eq!(message["content"], json!([{"type": "text", "text": text}]));
    assert_eq!(
        (&message["type"], &message["role"], &message["stop_reason"]),
        (&json!("message"), &json!("assistant"), &json!("end_turn"))
    );
    assert_eq!(message["usage"]["input_tokens"], 1);
    assert_eq!(message["usage"]["cache_creation"]["ephemeral_1h_input_tokens"], 0);
    assert_eq!(message["usage"]["service_tier"], "standard");
}

#[tokio::test]
async fn tools_are_called_and_their_results_read() {
    let rig = Rig::start().await;
    let base = with(&hello(Anthropic), json!({"tools": [tool()]}));
    let message = rig.ok(Anthropic, &base).await;
    assert_eq!(message["stop_reason"], "tool_use");
    assert_eq!(message["content"][0]["input"], json!({"city": "sim"}));
    let id = message["content"][0]["id"].as_str().unwrap();
    let messages = json!([user(json!("Hi")), assistant(message["content"].clone()), result(id)]);
    let message = rig.ok(Anthropic, &with(&base, json!({"messages": messages}))).await;
    assert_eq!(message["content"][0]["text"], "Hello from claude-sonnet-4-6 at anthropic. The tool said: 18C");
}

#[tokio::test]
async fn stop_sequences_and_token_limits_name_their_reason() {
    let rig = Rig::start().await;
    let message = rig.ok(Anthropic, &with(&hello(Anthropic), json!({"stop_sequences": [" at "]}))).await;
    assert_eq!((&message["stop_reason"], &message["stop_sequence"]), (&json!("stop_sequence"), &json!(" at ")));
    let message = rig.ok(Anthropic, &with(&hello(Anthropic), json!({"max_tokens": 2}))).await;
    assert_eq!(
        (&message["stop_reason"], &message["content"][0]["text"]),
        (&json!("max_tokens"), &json!("Hello from "))
    );
    let message = rig.ok(Anthropic, &with(&hello(Anthropic), json!({"max_tokens": 0}))).await;
    assert_eq!(message["content"], json!([]), "0 warms the cache");
}

#[tokio::test]
async fn cached_tokens_are_not_input_tokens() {
    let rig = Rig::start().await;
    rig.sim
        .set_reply(Anthropic, Reply { prompt_tokens: Some(100), cached_tokens: Some(60), ..Reply::default() })
        .unwrap();
    let usage = rig.ok(Anthropic, &hello(Anthropic)).await["usage"].clone();
    assert_eq!((&usage["input_tokens"], &usage["cache_read_input_tokens"]), (&json!(40), &json!(60)));
}

#[tokio::test]
async fn thinking_is_shown_blank_or_as_text_as_asked() {
    let rig = Rig::start().await;
    for (thinking, expected) in [
        (json!({"type": "enabled", "budget_tokens": 1024}), Some("A friendly echo will do.")),
        (json!({"type": "adaptive", "display": "summarized"}), Some("A friendly echo will do.")),
        (json!({"type": "adaptive"}), Some("")),
        (json!({"type": "disabled"}), None),
    ] {
        let body = with(&hello(Anthropic), json!({"thinking": thinking, "max_tokens": 2000}));
        let message = rig.ok(Anthropic, &body).await;
        assert_eq!(message["content"][0]["thinking"].as_str(), expected, "{thinking}");
        let replay = json!([user(json!("Hi")), assistant(message["content"].clone()), user(json!("More"))]);
        rig.ok(Anthropic, &with(&body, json!({"messages": replay}))).await;
    }
}

#[tokio::test]
async fn what_anthropic_refuses_is_refused_in_its_words() {
    let rig = Rig::start().await;
    let base = hello(Anthropic);
    let schema = |schema: Value| json!({"output_config": {"format": {"type": "json_schema", "schema": schema}}});
    let image = |kind: &str| json!({"type": "image", "source": {"type": "base64", "media_type": kind, "data": "AAAA"}});
    let text = |text: &str| json!({"type": "text", "text": text});
    let hi = user(json!("Hi"));
    let cases = [
        (json!({"model": null}), "model: Field required"),
        (json!({"max_tokens": null}), "max_tokens: Field required"),
        (json!({"max_tokens": 500_000}), "max_tokens: 500000 > 128000, which is the maximum allowed"),
        (json!({"messages": null}), "messages: Field required"),
        (json!({"messages": []}), "messages: at least one message is required"),
        (json!({"messages": [assistant(json!("x")), hi]}), "messages: first message must use the \"user\" role"),
        (
            json!({"messages": [{"role": "tool", "content": "x"}]}),
            "messages.0.role: Input should be 'user' or 'assistant'",
        ),
        (json!({"messages": [{"role": "system", "content": "x"}]}), "messages: Unexpected role \"system\""),
        (
            json!({"messages": [{"role": "user", "content": "x", "name": "n"}]}),
            "messages.0.name: Extra inputs are not permitted",
        ),
        (json!({"messages": [user(json!(""))]}), "messages: text content blocks must be non-empty"),
        (json!({"messages": [user(json!([text("")]))]}), "messages: text content blocks must be non-empty"),
        (json!({"messages": [user(json!([]))]}), "messages.0: user messages must have non-empty content"),
        (
            json!({"messages": [user(json!([image("image/tiff")]))]}),
            "messages.0.content.0.image.source.base64.media_type: Input should be 'image/jpeg'",
        ),
        (
            json!({"messages": [user(json!([{"type": "input_audio"}]))]}),
            "messages.0.content.0: Input tag 'input_audio' found",
        ),
        (
            json!({"messages": [hi, calling("a b"), result("a b")]}),
            "messages.1.content.0.tool_use.id: String should match pattern",
        ),
        (
            json!({"messages": [hi, calling("a")]}),
            "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: a.",
        ),
        (
            json!({"messages": [hi, calling("a"), user(json!("never mind"))]}),
            "messages.1: `tool_use` ids were found without",
        ),
        (
            json!({"messages": [hi, calling("a"), user(json!([text("late"), result("a")["content"][0]]))]}),
            "messages.1: `tool_use` ids were found without",
        ),
        (
            json!({"messages": [hi, result("a")]}),
            "messages.1.content.0: unexpected `tool_use_id` found in `tool_result` blocks: a.",
        ),
        (
            json!({"messages": [hi, assistant(json!("prefill"))]}),
            "This model does not support assistant message prefill.",
        ),
        (
            json!({"model": "claude-haiku-4-5", "messages": [hi, assistant(json!("prefill "))]}),
            "messages: final assistant content cannot end with trailing whitespace",
        ),
        (
            json!({"messages": [hi, assistant(json!([{"type": "thinking", "thinking": "x", "signature": "forged"}])), hi]}),
            "messages.1.content.0: Invalid `signature` in `thinking` block",
        ),
        (json!({"system": [text("")]}), "system: text content blocks must be non-empty"),
        (json!({"temperature": 1.5}), "temperature: Input should be less than or equal to 1"),
        (json!({"model": "claude-sonnet-5-5", "temperature": 1}), "temperature: Extra inputs are not permitted"),
        (json!({"model": "claude-opus-4-7", "top_p": 1}), "top_p: Extra inputs are not permitted"),
        (json!({"model": "claude-haiku-5-5", "top_k": 1}), "top_k: Extra inputs are not permitted"),
        (json!({"seed": 1}), "seed: Extra inputs are not permitted"),
        (json!({"output_format": {}}), "output_format: Extra inputs are not permitted"),
        (json!({"stop_sequences": ["x", "\n"]}), "stop_sequences: each stop sequence must contain non-whitespace"),
        (json!({"metadata": {"user_id": "a@b.c"}}), "metadata.user_id: user_id appears to contain an email address"),
        (json!({"service_tier": "flex"}), "service_tier: Input should be 'auto', 'standard_only'"),
        (json!({"tools": [{"name": "f"}]}), "tools.0.custom.input_schema: Field required"),
        (json!({"tools": [{"name": "f", "input_schema": {}}]}), "tools.0.custom.input_schema.type: Field required"),
        (
            json!({"tools": [{"name": "f", "input_schema": {"type": "string"}}]}),
            "tools.0.custom.input_schema.type: Input should be 'object'",
        ),
        (json!({"tools": [with(&tool(), json!({"name": "a.b"}))]}), "tools.0.custom.name: String should match pattern"),
        (json!({"tools": [tool(), tool()]}), "tools: Tool names must be unique."),
        (
            json!({"tools": [with(&tool(), json!({"parameters": {}}))]}),
            "tools.0.custom.parameters: Extra inputs are not permitted",
        ),
        (json!({"tool_choice": {"type": "auto"}}), "tool_choice: may only be specified while providing `tools`."),
        (
            json!({"tools": [tool()], "tool_choice": {"type": "tool", "name": "other"}}),
            "Tool 'other' not found in provided tools",
        ),
        (json!({"tools": [tool()], "tool_choice": {"type": "required"}}), "tool_choice.type: Input should be"),
        (
            json!({"tools": [tool()], "tool_choice": {"type": "none", "disable_parallel_tool_use": true}}),
            "tool_choice.none.disable_parallel_tool_use: Extra inputs",
        ),
        (
            json!({"model": "claude-opus-5-5", "tools": [tool()], "tool_choice": {"type": "any"}}),
            "tool_choice: forced tool use",
        ),
        (
            json!({"thinking": {"type": "enabled", "budget_tokens": 10}}),
            "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024",
        ),
        (
            json!({"thinking": {"type": "enabled", "budget_tokens": 1024}}),
            "`max_tokens` must be greater than `thinking.budget_tokens`.",
        ),
        (
            json!({"max_tokens": 2000, "temperature": 0.5, "thinking": {"type": "enabled", "budget_tokens": 1024}}),
            "`temperature` may only be set to 1",
        ),
        (
            json!({"max_tokens": 2000, "tools": [tool()], "tool_choice": {"type": "any"}, "thinking": {"type": "enabled", "budget_tokens": 1024}}),
            "Thinking may not be enabled when tool_choice forces tool use.",
        ),
        (
            json!({"model": "claude-opus-4-7", "thinking": {"type": "enabled", "budget_tokens": 1024}}),
            "thinking.type: \"enabled\" is not supported",
        ),
        (
            json!({"model": "claude-haiku-4-5", "thinking": {"type": "adaptive"}}),
            "thinking.type: \"adaptive\" is not supported",
        ),
        (
            json!({"model": "claude-fable-5", "thinking": {"type": "disabled"}}),
            "thinking.type: \"disabled\" is not supported",
        ),
        (
            json!({"output_config": {"effort": "xhigh"}}),
            "output_config.effort: Input should be 'low', 'medium', 'high', 'max'",
        ),
        (
            json!({"model": "claude-haiku-4-5", "output_config": {"effort": "low"}}),
            "This model does not support the effort parameter.",
        ),
        (
            schema(json!({"type": "string", "minLength": 3})),
            "output_config.format.schema: For 'string' type, property 'minLength' is not supported",
        ),
        (
            schema(json!({"type": "object", "properties": {"a": {"oneOf": []}}, "additionalProperties": false})),
            "output_config.format.schema: For 'schema' type, property 'oneOf'",
        ),
        (
            schema(json!({"type": "object", "properties": {}})),
            "output_config.format.schema: For 'object' type, 'additionalProperties' must be",
        ),
    ];
    for (patch, message) in cases {
        let (status, answer) = rig.send(rig.chat(Anthropic).json(&with(&base, patch.clone()))).await;
        assert_eq!(status, 400, "{patch}: {answer}");
        assert_eq!((&answer["type"], &answer["error"]["type"]), (&json!("error"), &json!("invalid_request_error")));
        let got = answer["error"]["message"].as_str().unwrap();
        assert!(got.starts_with(message), "{patch}:\n  expected {message}\n  got      {got}");
    }
}

#[tokio::test]
async fn what_is_right_is_accepted() {
    let rig = Rig::start().await;
    let hi = user(json!("Hi"));
    let both = assistant(
        json!([{"type": "text", "text": "Let me see."}, calling("a")["content"][0], calling("b")["content"][0]]),
    );
    let results = user(json!([result("b")["content"][0], result("a")["content"][0], {"type": "text", "text": "And?"}]));
    let properties = json!({"minimum": {"type": "string"}});
    let schema = json!({"type": "object", "properties": properties, "additionalProperties": false});
    for patch in [
        json!({"messages": [hi, both, results], "tools": [tool()], "tool_choice": {"type": "auto", "disable_parallel_tool_use": true}}),
        json!({"messages": [hi, hi, assistant(json!("x")), assistant(json!("y")), hi]}),
        json!({"model": "claude-haiku-4-5", "messages": [hi, assistant(json!("prefill"))]}),
        json!({"model": "claude-opus-5", "messages": [hi, {"role": "system", "content": "x"}, hi]}),
        json!({"system": "Be brief.", "temperature": 0, "top_k": 5, "metadata": {"user_id": "u"}, "service_tier": "auto"}),
        json!({"output_config": {"format": {"type": "json_schema", "schema": schema}}}),
        json!({"output_config": {"format": {"type": "json_schema", "schema": {"type": "object", "additionalProperties": true}}}}),
        json!({"tools": [tool(), {"type": "web_search_20250305", "name": "web_search"}], "tool_choice": {"type": "none"}}),
    ] {
        rig.ok(Anthropic, &with(&hello(Anthropic), patch)).await;
    }
}

#[tokio::test]
async fn the_versions_of_the_api_differ() {
    let rig = Rig::start().await;
    let url = format!("{}/v1/messages", rig.sim.anthropic_url());
    let send = |version: Option<&'static str>, body: Value| {
        let mut request = rig.http.post(&url).bearer_auth(ANTHROPIC_KEY).json(&body);
        if let Some(version) = version {
            request = request.header("anthropic-version", version);
        }
        rig.send(request)
    };
    let cool = with(&hello(Anthropic), json!({"temperature": 0.5}));
    assert_eq!(send(Some("2023-06-01"), cool.clone()).await.0, 200);
    let (status, answer) = send(Some("2026-10-21"), cool).await;
    assert_eq!(
        (status.as_u16(), &answer["error"]["message"]),
        (400, &json!("temperature: Extra inputs are not permitted"))
    );
    let document = json!({"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "x"}});
    let messages = json!([user(json!("Hi")), assistant(json!([document])), user(json!("Hi"))]);
    let body = with(&hello(Anthropic), json!({"messages": messages}));
    assert_eq!(send(Some("2023-06-01"), body.clone()).await.0, 200);
    assert_eq!(send(Some("2026-10-21"), body).await.0, 400);
    assert_eq!(send(None, hello(Anthropic)).await.1["error"]["message"], "anthropic-version: header is required");
    assert_eq!(send(Some("2024-01-01"), hello(Anthropic)).await.0, 400);
}

#[tokio::test]
async fn paths_methods_and_models_fail_in_anthropics_shape() {
    let rig = Rig::start().await;
    let (status, answer) =
        rig.send(rig.chat(Anthropic).json(&with(&hello(Anthropic), json!({"model": "unknown-1"})))).await;
    assert_eq!(
        (status.as_u16(), &answer["error"]),
        (404, &json!({"type": "not_found_error", "message": "model: unknown-1", "details": null}))
    );
    let (status, answer) = rig.send(rig.post(Anthropic, "/v1/complete").json(&json!({}))).await;
    assert_eq!((status.as_u16(), &answer["error"]["type"]), (404, &json!("not_found_error")));
    assert_eq!(rig.http.get(format!("{}/v1/messages", rig.sim.anthropic_url())).send().await.unwrap().status(), 405);
    let models = rig.http.get(format!("{}/v1/models", rig.sim.anthropic_url())).header("x-api-key", ANTHROPIC_KEY);
    let (_, models) = rig.send(models.header("anthropic-version", "2026-10-21")).await;
    assert_eq!((&models["has_more"], &models["data"][0]["type"]), (&json!(false), &json!("model")));
}

#[tokio::test]
async fn tokens_are_counted_of_what_a_message_would_take_and_nothing_else() {
    let rig = Rig::start().await;
    let body = json!({"model": "claude-sonnet-4-6", "messages": [{"role": "user", "content": "four and four"}]});
    let (status, answer) = rig.send(rig.post(Anthropic, "/v1/messages/count_tokens").json(&body)).await;
    assert_eq!((status.as_u16(), answer), (200, json!({"input_tokens": 4})));
    let body = with(&body, json!({"max_tokens": 5}));
    let (status, answer) = rig.send(rig.post(Anthropic, "/v1/messages/count_tokens").json(&body)).await;
    assert_eq!(
        (status.as_u16(), &answer["error"]["message"]),
        (400, &json!("max_tokens: Extra inputs are not permitted"))
    );
}
