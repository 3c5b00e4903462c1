//! Servers that are compatible with OpenAI, each in its own way.

use super::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const SERVERS: &str = "
providers:
  azure: { kind: openai, api_key: $AZURE_API_KEY, base_url: \"https://x.openai.azure.com/openai/v1\" }
  entra: { kind: openai, api_key: $ENTRA_TOKEN, base_url: \"https://y.openai.azure.com/openai\", credential: bearer }
  front: { kind: openai, api_key: $FRONT_KEY, base_url: \"https://api.example/azure\", credential: api-key }
  google: { kind: openai, api_key: $GEMINI_API_KEY, base_url: \"https://generativelanguage.googleapis.com/v1beta/openai\" }
  ollama: { kind: openai, base_url: \"http://localhost:11434\" }
  old: { kind: openai, base_url: \"http://localhost:8080/v1\", stream_usage: false }
models:
  smart: [azure/gpt-5.6, entra/gpt-5.6, front/gpt-5.6, google/gemini-3.8-flash, ollama/qwen, old/llama]
";

#[test]
fn each_server_gets_its_credential_where_it_looks_and_its_own_path() {
    let exchange = admitted(SERVERS, &[("api-key", b"client-key")], CHAT).1.exchange.unwrap();
    for (provider, path, authorization, api_key) in [
        ("azure", "/openai/v1/chat/completions", None, Some("secret-of-AZURE_API_KEY")),
        ("entra", "/openai/v1/chat/completions", Some("Bearer secret-of-ENTRA_TOKEN"), None),
        ("front", "/azure/v1/chat/completions", None, Some("secret-of-FRONT_KEY")),
        ("google", "/v1beta/openai/chat/completions", Some("Bearer secret-of-GEMINI_API_KEY"), None),
        ("ollama", "/v1/chat/completions", None, None),
        ("old", "/v1/chat/completions", None, None),
    ] {
        let headers = sent(&exchange, provider).1.request_headers.unwrap();
        let seen = (headers.text(":path"), headers.text("authorization"), headers.text("api-key"));
        assert_eq!(seen, (Some(path), authorization, api_key), "{provider}");
    }
}

#[test]
fn a_server_that_cannot_be_asked_for_usage_is_not_asked() {
    let chat = admitted(SERVERS, &[], STREAM).1.exchange.unwrap();
    let message = r#"{"model":"smart","max_tokens":5,"stream":true,"messages":[{"role":"user","content":"Hi"}]}"#;
    let other = admitted_at(gateway(SERVERS), "/v1/messages", &[], message).1.exchange.unwrap();
    for exchange in [&chat, &other] {
        assert!(sent(exchange, "ollama").1.request_body.unwrap().contains(r#""include_usage":true"#));
        assert!(!sent(exchange, "old").1.request_body.unwrap().contains("stream_options"));
    }
    let (mut attempt, _) = sent(&chat, "old");
    let stream = "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi\"},\"finish_reason\":\"stop\"}],\"usage\":null}\n\n\
        data: [DONE]\n\n";
    let done = answer(&mut attempt, 200, b"text/event-stream", stream);
    assert_eq!(done.response_body.as_deref(), Some(stream), "nothing was asked for, so nothing is hidden");
}
