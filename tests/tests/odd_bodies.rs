//! Bodies as clients of each dialect write them besides the way their SDKs do: valid all the same, and answered by each
//! target.

use serde_json::{Value, json};
use weir_e2e::{Answer, CLAUDE, CLIENT_KEY, Client, GEMINI, Gateway, OPENAI, Setup, TARGETS, Target, key_sha256, with};

const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

/// A conversation up to the result of a call, with `block` for the result.
fn anthropic_round(block: Value) -> Value {
    let call = json!({ "type": "tool_use", "id": "toolu_1", "name": "weather", "input": { "city": "x" } });
    let result = with(json!({ "type": "tool_result", "tool_use_id": "toolu_1" }), block);
    json!({
        "tools": [{ "name": "weather", "input_schema": { "type": "object" } }],
        "messages": [
            { "role": "user", "content": "Weather?" },
            { "role": "assistant", "content": [{ "type": "text", "text": "I look." }, call] },
            { "role": "user", "content": [result] },
        ],
    })
}

fn anthropic_bodies() -> Vec<(&'static str, Value)> {
    let ephemeral = json!({ "type": "ephemeral" });
    let says = |content: Value| json!({ "messages": [{ "role": "user", "content": content }] });
    let answered = |content: Value| {
        json!({ "messages": [{ "role": "user", "content": "a" }, { "role": "assistant", "content": content },
                             { "role": "user", "content": "b" }] })
    };
    let foreign = json!({ "type": "thinking", "thinking": "Hm.", "signature": "weir:thoughts-of-another-provider" });
    let text = json!({ "type": "text", "text": "b", "citations": null });
    let document =
        |source: Value| says(json!([{ "type": "document", "source": source }, { "type": "text", "text": "?" }]));
    vec![
        ("blocks", says(json!([{ "type": "text", "text": "a" }, { "type": "text", "text": "b" }]))),
        ("a system as a string", json!({ "system": "Be brief." })),
        (
            "a system as blocks",
            json!({ "system": [{ "type": "text", "text": "Be brief.", "cache_control": ephemeral }] }),
        ),
        ("an empty system", json!({ "system": "" })),
        ("a system of no blocks", json!({ "system": [] })),
        (
            "nulls",
            json!({ "system": null, "stop_sequences": null, "tools": null, "tool_choice": null,
                    "thinking": null, "output_config": null, "metadata": null, "stream": null }),
        ),
        ("a cache for all", json!({ "cache_control": ephemeral })),
        (
            "a cached block",
            says(json!([{ "type": "text", "text": "a", "cache_control": { "type": "ephemeral", "ttl": "1h" } }])),
        ),
        ("no stop sequences", json!({ "stop_sequences": [] })),
        ("an unnamed user", json!({ "metadata": { "user_id": null } })),
        ("a service tier", json!({ "service_tier": "standard_only" })),
        ("a result as text", anthropic_round(json!({ "content": "18C" }))),
        ("a result as blocks", anthropic_round(json!({ "content": [{ "type": "text", "text": "18C" }] }))),
        ("a failure", anthropic_round(json!({ "content": "No such city.", "is_error": true }))),
        ("no result", anthropic_round(json!({}))),
        ("an empty result", anthropic_round(json!({ "content": [], "is_error": false }))),
        ("a null result", anthropic_round(json!({ "content": null, "is_error": null, "cache_control": null }))),
        (
            "a picture as a result",
            anthropic_round(json!({ "content": [{ "type": "image",
            "source": { "type": "base64", "media_type": "image/png", "data": PNG } }] })),
        ),
        ("a caller", {
            let mut round = anthropic_round(json!({ "content": "18C" }));
            round["messages"][1]["content"][1]["caller"] = json!({ "type": "direct" });
            round
        }),
        (
            "a tool of a named type",
            json!({ "tools": [{ "type": "custom", "name": "t", "input_schema": { "type": "object" } }] }),
        ),
        (
            "one call at a time",
            json!({ "tools": [{ "name": "t", "input_schema": { "type": "object" }, "description": null }],
            "tool_choice": { "type": "auto", "disable_parallel_tool_use": true } }),
        ),
        ("thoughts of another provider", answered(json!([foreign, text]))),
        ("nothing but thoughts of another provider", answered(json!([foreign]))),
        ("two users", json!({ "messages": [{ "role": "user", "content": "a" }, { "role": "user", "content": "b" }] })),
        ("an answer of no blocks", answered(json!([]))),
        ("a text document", document(json!({ "type": "text", "media_type": "text/plain", "data": "Once." }))),
        ("a PDF", document(json!({ "type": "base64", "media_type": "application/pdf", "data": "JVBERi0=" }))),
        ("a format of nothing", json!({ "output_config": { "format": null, "effort": "low" } })),
    ]
}

/// A conversation up to the result of a call, in the names of `naming`.
fn gemini_round(call: &str, response: &str, signature: &str, role: &str) -> Value {
    json!({ "contents": [
        { "role": "user", "parts": [{ "text": "Weather?" }] },
        { "role": "model", "parts": [{ (call): { "name": "weather", "args": { "city": "x" } }, (signature): "skip_thought_signature_validator" }] },
        { "role": role, "parts": [{ (response): { "name": "weather", "response": { "result": "18C" } } }] },
    ] })
}

fn gemini_bodies() -> Vec<(&'static str, Value)> {
    let says = |parts: Value| json!({ "contents": [{ "role": "user", "parts": parts }] });
    let declared = json!({ "name": "weather", "parameters": { "type": "OBJECT", "properties": { "city": { "type": "STRING" } } } });
    let proto = json!({ "type": "OBJECT", "properties": { "n": { "type": "INTEGER", "nullable": true } }, "required": ["n"],
                        "propertyOrdering": ["n"] });
    vec![
        ("no role", json!({ "contents": [{ "parts": [{ "text": "Hi" }] }] })),
        ("one content alone", json!({ "contents": { "role": "user", "parts": { "text": "Hi" } } })),
        ("one tool alone", json!({ "tools": { "function_declarations": declared } })),
        ("a system in camelCase", json!({ "systemInstruction": { "parts": [{ "text": "Be brief." }] } })),
        (
            "a system in snake_case",
            json!({ "system_instruction": { "role": "user", "parts": { "text": "Be brief." } } }),
        ),
        (
            "nulls",
            json!({ "systemInstruction": null, "tools": null, "toolConfig": null, "generationConfig": null,
                          "safetySettings": null }),
        ),
        (
            "a config of nulls",
            json!({ "generationConfig": { "maxOutputTokens": null, "stopSequences": null,
                                                            "responseSchema": null, "thinkingConfig": null } }),
        ),
        ("a config in snake_case", json!({ "generation_config": { "max_output_tokens": 99, "candidate_count": 1 } })),
        ("numbers as proto writes them", json!({ "generationConfig": { "maxOutputTokens": "99" } })),
        ("no stop sequences", json!({ "generationConfig": { "stopSequences": [] } })),
        ("a name of the model", json!({ "model": "models/smart" })),
        ("no tools", json!({ "tools": [] })),
        ("tools in camelCase", json!({ "tools": [{ "functionDeclarations": [declared] }] })),
        (
            "a choice in any case",
            json!({ "tools": [{ "functionDeclarations": [declared] }],
            "tool_config": { "function_calling_config": { "mode": "auto" } } }),
        ),
        ("a round in camelCase", gemini_round("functionCall", "functionResponse", "thoughtSignature", "user")),
        ("a round in snake_case", gemini_round("function_call", "function_response", "thought_signature", "user")),
        (
            "a picture in camelCase",
            says(json!([{ "inlineData": { "mimeType": "image/png", "data": PNG } }, { "text": "?" }])),
        ),
        (
            "a picture in snake_case",
            says(json!([{ "inline_data": { "mime_type": "image/png", "data": PNG } }, { "text": "?" }])),
        ),
        (
            "a picture for URLs",
            says(
                json!([{ "inline_data": { "mime_type": "image/png", "data": PNG.replace('+', "-").trim_end_matches('=') } }, { "text": "?" }]),
            ),
        ),
        (
            "a schema of proto's",
            json!({ "generationConfig": { "responseMimeType": "application/json", "responseSchema": proto } }),
        ),
        ("JSON of any form", json!({ "generation_config": { "response_mime_type": "application/json" } })),
        (
            "plain text",
            json!({ "generationConfig": { "responseMimeType": "text/plain", "responseModalities": ["TEXT"] } }),
        ),
        (
            "two users",
            json!({ "contents": [{ "role": "user", "parts": [{ "text": "a" }] }, { "role": "user", "parts": [{ "text": "b" }] }] }),
        ),
        (
            "an empty end",
            json!({ "contents": [{ "role": "user", "parts": [{ "text": "a" }] },
            { "role": "model", "parts": [{ "text": "b" }] }, { "role": "model", "parts": [{ "text": "" }] },
            { "role": "user", "parts": [{ "text": "c" }] }] }),
        ),
    ]
}

fn openai_bodies() -> Vec<(&'static str, Value)> {
    let says = |content: Value| json!({ "messages": [{ "role": "user", "content": content }] });
    let tool = json!({ "type": "function", "function": { "name": "weather", "parameters": { "type": "object", "properties": {} } } });
    let round = |message: Value, result: Value| {
        let call = json!({ "id": "call_1", "type": "function", "function": { "name": "weather", "arguments": "{}" } });
        let said = with(json!({ "role": "assistant", "tool_calls": [call] }), message);
        let result = json!({ "role": "tool", "tool_call_id": "call_1", "content": result });
        json!({ "tools": [tool], "messages": [{ "role": "user", "content": "Weather?" }, said, result] })
    };
    vec![
        (
            "a developer",
            json!({ "messages": [{ "role": "developer", "content": "Be brief." }, { "role": "user", "content": "Hi" }] }),
        ),
        (
            "a system in parts",
            json!({ "messages": [{ "role": "system", "content": [{ "type": "text", "text": "Be brief." }] },
                                                  { "role": "user", "content": [{ "type": "text", "text": "Hi" }] }] }),
        ),
        (
            "nulls",
            json!({ "frequency_penalty": null, "logit_bias": null, "logprobs": null, "max_completion_tokens": null,
                    "max_tokens": null, "metadata": null, "modalities": null, "n": null, "parallel_tool_calls": null,
                    "presence_penalty": null, "reasoning_effort": null, "response_format": null, "seed": null, "stop": null,
                    "store": null, "stream": null, "stream_options": null, "temperature": null, "tool_choice": null,
                    "tools": null, "top_logprobs": null, "top_p": null, "user": null, "web_search_options": null }),
        ),
        ("one answer", json!({ "n": 1, "logprobs": false, "modalities": ["text"] })),
        ("text", json!({ "response_format": { "type": "text" } })),
        ("no calls", json!({ "tool_choice": "none", "tools": [tool] })),
        ("calls as it likes", json!({ "tool_choice": "auto", "tools": [tool] })),
        (
            "some of the tools",
            json!({ "tools": [tool], "tool_choice": { "type": "allowed_tools", "allowed_tools": { "mode": "auto",
            "tools": [{ "type": "function", "function": { "name": "weather" } }] } } }),
        ),
        (
            "a tool of nulls",
            json!({ "tools": [{ "type": "function", "function": { "name": "t", "description": null, "parameters": null, "strict": null } }] }),
        ),
        ("a round without content", round(json!({}), json!("18C"))),
        (
            "a round with null content",
            round(json!({ "content": null, "refusal": null, "annotations": [], "audio": null }), json!("18C")),
        ),
        ("a round with empty content", round(json!({ "content": "" }), json!(""))),
        (
            "a round in parts",
            round(
                json!({ "content": [{ "type": "text", "text": "I look." }] }),
                json!([{ "type": "text", "text": "18C" }]),
            ),
        ),
        (
            "a refusal",
            json!({ "messages": [{ "role": "user", "content": "a" },
            { "role": "assistant", "content": null, "refusal": "No." }, { "role": "user", "content": "b" }] }),
        ),
        (
            "two of each",
            json!({ "messages": [{ "role": "user", "content": "a" }, { "role": "user", "content": "b" },
            { "role": "assistant", "content": "c" }, { "role": "assistant", "content": "d" }, { "role": "user", "content": "e" }] }),
        ),
        (
            "an empty system",
            json!({ "messages": [{ "role": "system", "content": "" }, { "role": "user", "content": "Hi" }] }),
        ),
        (
            "a system at the end",
            json!({ "messages": [{ "role": "user", "content": "Hi" }, { "role": "system", "content": "Be brief." }] }),
        ),
        ("a named user", json!({ "messages": [{ "role": "user", "name": "bob", "content": "Hi" }], "user": "bob" })),
        (
            "a picture",
            says(
                json!([{ "type": "image_url", "image_url": { "url": format!("data:image/png;base64,{PNG}") } }, { "type": "text", "text": "?" }]),
            ),
        ),
        (
            "a PDF",
            says(
                json!([{ "type": "file", "file": { "filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0=" } }, { "type": "text", "text": "?" }]),
            ),
        ),
    ]
}

#[tokio::test]
async fn each_target_answers_what_its_clients_may_write() {
    let gateway = Setup::smart().start().await;
    for target in TARGETS {
        for (client, bodies) in [(Client::Messages, anthropic_bodies()), (Client::Generate, gemini_bodies())] {
            for (what, fields) in bodies {
                let heard = client.ask(&gateway, &target.address(), with(client.chat("Hi"), fields)).await;
                heard.assert_complete(&format!("{client:?}, {what} at {}", target.name));
            }
        }
        for (what, fields) in openai_bodies() {
            let answer = gateway.chat(&with(weir_e2e::chat(&target.address(), "Hi"), fields)).await;
            assert_eq!(answer.status, 200, "{what} at {}: {}", target.name, answer.body);
        }
    }
    weir_e2e::assert_no_leaks(&gateway, "odd bodies");
}

/// What not every target can do is done by those that can, and refused by name where there is none.
#[tokio::test]
async fn what_only_some_targets_can_do_is_refused_by_name_at_the_others() {
    let gateway = Setup::smart().start().await;
    let forced = json!({ "tools": [weir_e2e::tool("weather")], "tool_choice": "required" });
    let begun =
        json!({ "messages": [{ "role": "assistant", "content": "Hello." }, { "role": "user", "content": "Hi" }] });
    let cases: [(Value, &[Target], &str); 6] = [
        (json!({ "n": 2 }), &[OPENAI, GEMINI], "n"),
        (json!({ "logprobs": true, "top_logprobs": 2 }), &[OPENAI, GEMINI], "logprobs"),
        (json!({ "logit_bias": { "7": 5 } }), &[OPENAI], "logit_bias"),
        (json!({ "stop": "You" }), &[CLAUDE, GEMINI], "stop"),
        (forced, &[OPENAI, GEMINI], "tool_choice"),
        (begun, &[OPENAI, GEMINI], "messages[0].role"),
    ];
    for (fields, able, param) in cases {
        for target in TARGETS {
            let answer = gateway.chat(&with(weir_e2e::chat(&target.address(), "Hi"), fields.clone())).await;
            let what = format!("{param} at {}", target.name);
            if able.contains(&target) {
                assert_eq!(answer.status, 200, "{what}: {}", answer.body);
            } else {
                assert_eq!(answer.expect_error(400, &what)["param"], param, "{what}");
            }
        }
        // In a chain the first that can does it.
        let request = with(weir_e2e::chat("smart", "Hi"), fields);
        let answer = gateway.chat_with("x-weir-route", "claude,gemini,openai", &request).await;
        let first = [CLAUDE, GEMINI, OPENAI].into_iter().find(|target| able.contains(target)).expect("a target");
        assert_eq!(answer.header("x-weir-provider"), Some(first.name), "{param}: {}", answer.body);
        assert_eq!(answer.header("x-weir-attempts"), Some("1"), "{param}");
    }
}

#[tokio::test]
async fn a_key_may_stand_wherever_a_client_puts_it() {
    let team = format!("{{ key_sha256: {} }}", key_sha256(CLIENT_KEY));
    let gateway = Setup::new(&format!("models:\n  smart: [openai/gpt-5.6]\ntenants:\n  team: {team}\n")).start().await;
    let ask = async |gateway: &Gateway, path: &str, header: Option<(&str, &str)>, body: &Value| {
        let request = gateway.http.post(gateway.url(path)).json(body);
        Answer::of(header.iter().fold(request, |request, (name, value)| request.header(*name, *value))).await
    };
    let bearer = format!("Bearer {CLIENT_KEY}");
    let generate = Client::Generate.chat("Hi");
    for version in ["v1", "v1beta"] {
        for (method, begins) in
            [("generateContent", "{"), ("streamGenerateContent", "["), ("streamGenerateContent?alt=sse", "data: ")]
        {
            let path = format!("/{version}/models/smart:{method}");
            let sep = if method.contains('?') { '&' } else { '?' };
            let by_query = format!("{path}{sep}key={CLIENT_KEY}");
            for (path, header) in [
                (&path, Some(("x-goog-api-key", CLIENT_KEY))),
                (&path, Some(("authorization", bearer.as_str()))),
                (&by_query, None),
            ] {
                let answer = ask(&gateway, path, header, &generate).await;
                assert_eq!(answer.status, 200, "{path} {header:?}: {}", answer.body);
                assert!(answer.body.starts_with(begins), "{path}: {}", answer.body);
            }
            assert_eq!(ask(&gateway, &path, None, &generate).await.status, 401, "{path}");
        }
    }
    let message = with(Client::Messages.chat("Hi"), json!({ "model": "smart" }));
    for path in ["/v1/messages", "/v1/messages?beta=true"] {
        for header in [("x-api-key", CLIENT_KEY), ("authorization", bearer.as_str())] {
            assert_eq!(ask(&gateway, path, Some(header), &message).await.status, 200, "{path} {header:?}");
        }
    }
    let chat = weir_e2e::chat("smart", "Hi");
    for header in [("api-key", CLIENT_KEY), ("authorization", bearer.as_str())] {
        assert_eq!(ask(&gateway, "/v1/chat/completions", Some(header), &chat).await.status, 200, "{header:?}");
    }
    weir_e2e::assert_no_leaks(&gateway, "keys of all kinds");
}
