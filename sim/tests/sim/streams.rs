//! Streams, byte for byte.

use expect_test::{Expect, expect};
use serde_json::{Value, json};
use weir_sim::{Provider, Reply};

use crate::common::{Rig, hello, with};

/// Checks a stream; carriage returns are shown as `␍` and OpenAI's clock is stopped.
async fn check(rig: &Rig, request: reqwest::RequestBuilder, content_type: &str, expected: Expect) {
    let response = request.send().await.unwrap();
    assert_eq!(response.headers()["content-type"], content_type);
    assert!(!response.headers().contains_key("content-length"));
    let mut text = response.text().await.unwrap();
    while let Some((before, after)) = text.split_once("\"created\":1") {
        let rest = after.trim_start_matches(|c: char| c.is_ascii_digit());
        text = format!("{before}\"created\":0{rest}");
    }
    expected.assert_eq(&text.replace('\r', "␍"));
    rig.journaled(|entry| entry.outcome == Some(weir_sim::Outcome::Complete)).await;
}

async fn rig(provider: Provider, text: &str) -> Rig {
    let rig = Rig::start().await;
    rig.sim.set_reply(provider, Reply::text(text)).unwrap();
    rig
}

const SSE: &str = "text/event-stream; charset=utf-8";

#[tokio::test]
async fn openai_streams_data_lines_padded_by_default_and_ends_with_done() {
    let rig = rig(Provider::OpenAi, "Hi there").await;
    check(&rig, rig.hello_stream(Provider::OpenAi), SSE, expect![[r#"
        data: {"id":"chatcmpl-sim000000000001","object":"chat.completion.chunk","created":0,"model":"gpt-5.6","service_tier":"default","system_fingerprint":null,"choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}],"obfuscation":"aZ3kQ9xT1mB7"}

        data: {"id":"chatcmpl-sim000000000001","object":"chat.completion.chunk","created":0,"model":"gpt-5.6","service_tier":"default","system_fingerprint":null,"choices":[{"index":0,"delta":{"content":"Hi "},"logprobs":null,"finish_reason":null}],"obfuscation":"aZ3kQ9xT1"}

        data: {"id":"chatcmpl-sim000000000001","object":"chat.completion.chunk","created":0,"model":"gpt-5.6","service_tier":"default","system_fingerprint":null,"choices":[{"index":0,"delta":{"content":"there"},"logprobs":null,"finish_reason":null}],"obfuscation":"aZ3kQ9x"}

        data: {"id":"chatcmpl-sim000000000001","object":"chat.completion.chunk","created":0,"model":"gpt-5.6","service_tier":"default","system_fingerprint":null,"choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}],"obfuscation":"aZ3kQ9xT1mB7"}

        data: [DONE]

    "#]]).await;
}

#[tokio::test]
async fn openai_usage_comes_last_and_is_null_before() {
    let rig = rig(Provider::OpenAi, "Hi").await;
    let options = json!({"stream": true, "stream_options": {"include_usage": true, "include_obfuscation": false}});
    let body = with(&hello(Provider::OpenAi), options);
    check(&rig, rig.chat(Provider::OpenAi).json(&body), SSE, expect![[r#"
        data: {"id":"chatcmpl-sim000000000001","object":"chat.completion.chunk","created":0,"model":"gpt-5.6","service_tier":"default","system_fingerprint":null,"choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}],"usage":null}

        data: {"id":"chatcmpl-sim000000000001","object":"chat.completion.chunk","created":0,"model":"gpt-5.6","service_tier":"default","system_fingerprint":null,"choices":[{"index":0,"delta":{"content":"Hi"},"logprobs":null,"finish_reason":null}],"usage":null}

        data: {"id":"chatcmpl-sim000000000001","object":"chat.completion.chunk","created":0,"model":"gpt-5.6","service_tier":"default","system_fingerprint":null,"choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}],"usage":null}

        data: {"id":"chatcmpl-sim000000000001","object":"chat.completion.chunk","created":0,"model":"gpt-5.6","service_tier":"default","system_fingerprint":null,"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2,"prompt_tokens_details":{"cached_tokens":0,"cache_write_tokens":0,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}}

        data: [DONE]

    "#]]).await;
}

#[tokio::test]
async fn openai_tool_calls_come_in_fragments() {
    let rig = Rig::start().await;
    let schema = json!({"type": "object", "properties": {"city": {"type": "string"}, "unit": {"enum": ["celsius"]}}, "required": ["city", "unit"]});
    let tools = json!([{"type": "function", "function": {"name": "w", "parameters": schema}}]);
    let body = json!({"stream": true, "tools": tools, "stream_options": {"include_obfuscation": false}});
    let body = with(&hello(Provider::OpenAi), body);
    check(&rig, rig.chat(Provider::OpenAi).json(&body), SSE, expect![[r#"
        data: {"id":"chatcmpl-sim000000000001","object":"chat.completion.chunk","created":0,"model":"gpt-5.6","service_tier":"default","system_fingerprint":null,"choices":[{"index":0,"delta":{"role":"assistant","content":null,"refusal":null},"logprobs":null,"finish_reason":null}]}

        data: {"id":"chatcmpl-sim000000000001","object":"chat.completion.chunk","created":0,"model":"gpt-5.6","service_tier":"default","system_fingerprint":null,"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"call_sim000000000001_0_0","type":"function","function":{"name":"w","arguments":""}}]},"logprobs":null,"finish_reason":null}]}

        data: {"id":"chatcmpl-sim000000000001","object":"chat.completion.chunk","created":0,"model":"gpt-5.6","service_tier":"default","system_fingerprint":null,"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"city\":\"sim\",\"u"}}]},"logprobs":null,"finish_reason":null}]}

        data: {"id":"chatcmpl-sim000000000001","object":"chat.completion.chunk","created":0,"model":"gpt-5.6","service_tier":"default","system_fingerprint":null,"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"nit\":\"celsius\"}"}}]},"logprobs":null,"finish_reason":null}]}

        data: {"id":"chatcmpl-sim000000000001","object":"chat.completion.chunk","created":0,"model":"gpt-5.6","service_tier":"default","system_fingerprint":null,"choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"tool_calls"}]}

        data: [DONE]

    "#]]).await;
}

#[tokio::test]
async fn anthropic_streams_named_events_with_usage_at_both_ends() {
    let rig = rig(Provider::Anthropic, "Hi there").await;
    check(&rig, rig.hello_stream(Provider::Anthropic), SSE, expect![[r#"
        event: message_start
        data: {"type":"message_start","message":{"model":"claude-sonnet-4-6","id":"msg_sim000000000001","type":"message","role":"assistant","content":[],"stop_reason":null,"stop_sequence":null,"stop_details":null,"usage":{"input_tokens":1,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"cache_creation":{"ephemeral_5m_input_tokens":0,"ephemeral_1h_input_tokens":0},"output_tokens":1,"service_tier":"standard"}}}

        event: ping
        data: {"type":"ping"}

        event: content_block_start
        data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}

        event: content_block_delta
        data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hi "}}

        event: content_block_delta
        data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"there"}}

        event: content_block_stop
        data: {"type":"content_block_stop","index":0}

        event: message_delta
        data: {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null,"stop_details":null},"usage":{"input_tokens":1,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":2,"output_tokens_details":{"thinking_tokens":0}}}

        event: message_stop
        data: {"type":"message_stop"}

    "#]]).await;
}

#[tokio::test]
async fn anthropic_streams_thinking_and_tool_input_as_blocks_of_their_own() {
    let rig = Rig::start().await;
    let schema = json!({"type": "object", "properties": {"city": {"type": "string"}, "unit": {"enum": ["celsius"]}}, "required": ["city", "unit"]});
    let body =
        json!({"stream": true, "tools": [{"name": "w", "input_schema": schema}], "thinking": {"type": "adaptive"}});
    let body = with(&hello(Provider::Anthropic), body);
    rig.sim.set_reply(Provider::Anthropic, Reply { reasoning: Some("Hm".into()), ..Reply::default() }).unwrap();
    check(&rig, rig.chat(Provider::Anthropic).json(&body), SSE, expect![[r#"
        event: message_start
        data: {"type":"message_start","message":{"model":"claude-sonnet-4-6","id":"msg_sim000000000001","type":"message","role":"assistant","content":[],"stop_reason":null,"stop_sequence":null,"stop_details":null,"usage":{"input_tokens":1,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"cache_creation":{"ephemeral_5m_input_tokens":0,"ephemeral_1h_input_tokens":0},"output_tokens":1,"service_tier":"standard"}}}

        event: ping
        data: {"type":"ping"}

        event: content_block_start
        data: {"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}

        event: content_block_delta
        data: {"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"c2ltLXRoaW5raW5nLXNpZ25hdHVyZQ=="}}

        event: content_block_stop
        data: {"type":"content_block_stop","index":0}

        event: content_block_start
        data: {"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"toolu_sim000000000001_0","name":"w","input":{}}}

        event: content_block_delta
        data: {"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":""}}

        event: content_block_delta
        data: {"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\"city\":\"sim\",\"u"}}

        event: content_block_delta
        data: {"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"nit\":\"celsius\"}"}}

        event: content_block_stop
        data: {"type":"content_block_stop","index":1}

        event: message_delta
        data: {"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null,"stop_details":null},"usage":{"input_tokens":1,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":4,"output_tokens_details":{"thinking_tokens":1}}}

        event: message_stop
        data: {"type":"message_stop"}

    "#]]).await;
}

#[tokio::test]
async fn gemini_streams_crlf_events_without_done_and_signs_an_empty_last_part() {
    let rig = rig(Provider::Gemini, "Hi there").await;
    check(&rig, rig.hello_stream(Provider::Gemini), "text/event-stream", expect![[r#"
        data: {"candidates":[{"content":{"parts":[{"text":"Hi "}],"role":"model"},"index":0}],"usageMetadata":{"promptTokenCount":1,"candidatesTokenCount":1,"totalTokenCount":2,"promptTokensDetails":[{"modality":"TEXT","tokenCount":1}]},"modelVersion":"gemini-3.8-flash","responseId":"sim000000000001"}␍
        ␍
        data: {"candidates":[{"content":{"parts":[{"text":"there"}],"role":"model"},"index":0}],"usageMetadata":{"promptTokenCount":1,"candidatesTokenCount":2,"totalTokenCount":3,"promptTokensDetails":[{"modality":"TEXT","tokenCount":1}]},"modelVersion":"gemini-3.8-flash","responseId":"sim000000000001"}␍
        ␍
        data: {"candidates":[{"content":{"parts":[{"text":"","thoughtSignature":"c2ltLXRob3VnaHQ6MQ=="}],"role":"model"},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":1,"candidatesTokenCount":2,"totalTokenCount":3,"promptTokensDetails":[{"modality":"TEXT","tokenCount":1}]},"modelVersion":"gemini-3.8-flash","responseId":"sim000000000001"}␍
        ␍
    "#]]).await;
}

#[tokio::test]
async fn gemini_streams_a_function_call_in_one_signed_piece() {
    let rig = Rig::start().await;
    let body = with(&hello(Provider::Gemini), json!({"tools": [{"functionDeclarations": [{"name": "w"}]}]}));
    let request = rig.post(Provider::Gemini, "/v1beta/models/gemini-4-argon:streamGenerateContent?alt=sse");
    check(&rig, request.json(&body), "text/event-stream", expect![[r#"
        data: {"candidates":[{"content":{"parts":[{"functionCall":{"name":"w","args":{}},"thoughtSignature":"c2ltLXRob3VnaHQ6MQ=="}],"role":"model"},"index":0}],"usageMetadata":{"promptTokenCount":1,"candidatesTokenCount":1,"totalTokenCount":2,"promptTokensDetails":[{"modality":"TEXT","tokenCount":1}]},"modelVersion":"gemini-4-argon","responseId":"sim000000000001"}␍
        ␍
        data: {"candidates":[{"content":{"parts":[{"text":""}],"role":"model"},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":1,"candidatesTokenCount":2,"totalTokenCount":3,"promptTokensDetails":[{"modality":"TEXT","tokenCount":1}]},"modelVersion":"gemini-4-argon","responseId":"sim000000000001"}␍
        ␍
    "#]]).await;
}

#[tokio::test]
async fn gemini_without_alt_sse_is_a_json_array() {
    let rig = rig(Provider::Gemini, "Hi there").await;
    let request = rig.post(Provider::Gemini, "/v1/models/gemini-2.5-flash:streamGenerateContent");
    let chunks: Vec<Value> = request.json(&hello(Provider::Gemini)).send().await.unwrap().json().await.unwrap();
    assert_eq!(chunks.len(), 3);
    let request = rig.post(Provider::Gemini, "/v1/models/gemini-2.5-flash:streamGenerateContent");
    check(&rig, request.json(&hello(Provider::Gemini)), "application/json; charset=UTF-8", expect![[r#"
        [{"candidates":[{"content":{"parts":[{"text":"Hi "}],"role":"model"},"index":0}],"usageMetadata":{"promptTokenCount":1,"candidatesTokenCount":1,"totalTokenCount":2,"promptTokensDetails":[{"modality":"TEXT","tokenCount":1}]},"modelVersion":"gemini-2.5-flash","responseId":"sim000000000002"},␍
        {"candidates":[{"content":{"parts":[{"text":"there"}],"role":"model"},"index":0}],"usageMetadata":{"promptTokenCount":1,"candidatesTokenCount":2,"totalTokenCount":3,"promptTokensDetails":[{"modality":"TEXT","tokenCount":1}]},"modelVersion":"gemini-2.5-flash","responseId":"sim000000000002"},␍
        {"candidates":[{"content":{"parts":[{"text":""}],"role":"model"},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":1,"candidatesTokenCount":2,"totalTokenCount":3,"promptTokensDetails":[{"modality":"TEXT","tokenCount":1}]},"modelVersion":"gemini-2.5-flash","responseId":"sim000000000002"}]"#]]).await;
}
