//! Who gets in, and what a leaked key looks like.

use serde_json::{Value, json};
use weir_sim::{ANTHROPIC_KEY, GEMINI_KEY, OPENAI_KEY, Provider};

use crate::common::{Rig, chat_path, hello};

/// A chat request with these headers instead of the right ones.
async fn send(rig: &Rig, provider: Provider, query: &str, headers: &[(&str, &str)]) -> (u16, Value) {
    let url = format!("{}{}{query}", rig.sim.url(provider), chat_path(provider, "generateContent"));
    let mut request = rig.http.post(url).json(&hello(provider)).header("anthropic-version", "2023-06-01");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let (status, answer) = rig.send(request).await;
    (status.as_u16(), answer)
}

#[tokio::test]
async fn the_right_key_gets_in_wherever_the_provider_reads_it() {
    let rig = Rig::start().await;
    let anthropic = format!("Bearer {ANTHROPIC_KEY}");
    let openai = format!("Bearer {OPENAI_KEY}");
    for (provider, query, headers) in [
        (Provider::OpenAi, "", vec![("authorization", openai.as_str())]),
        (Provider::Anthropic, "", vec![("authorization", anthropic.as_str())]),
        (Provider::Anthropic, "", vec![("x-api-key", ANTHROPIC_KEY)]),
        (Provider::Anthropic, "", vec![("x-api-key", ANTHROPIC_KEY), ("authorization", "Bearer virtual")]),
        (Provider::Gemini, "", vec![("x-goog-api-key", GEMINI_KEY)]),
        (Provider::Gemini, "?key=AIza-sim-gemini", vec![]),
    ] {
        assert_eq!(send(&rig, provider, query, &headers).await.0, 200, "{provider} {headers:?}");
    }
}

#[tokio::test]
async fn a_missing_or_wrong_key_is_refused_in_the_providers_shape() {
    let rig = Rig::start().await;
    let bearer = format!("Bearer {ANTHROPIC_KEY}");
    for (provider, headers, status, path, expected) in [
        (Provider::OpenAi, vec![], 401, "/error/type", "invalid_request_error"),
        (Provider::OpenAi, vec![("authorization", "Bearer wrong")], 401, "/error/code", "invalid_api_key"),
        (Provider::Anthropic, vec![], 401, "/error/message", "x-api-key header is required"),
        (
            Provider::Anthropic,
            vec![("x-api-key", "wrong"), ("authorization", &bearer)],
            401,
            "/error/type",
            "authentication_error",
        ),
        (Provider::Gemini, vec![], 403, "/error/status", "PERMISSION_DENIED"),
        (Provider::Gemini, vec![("x-goog-api-key", "wrong")], 400, "/error/details/0/reason", "API_KEY_INVALID"),
    ] {
        let (got, answer) = send(&rig, provider, "", &headers).await;
        assert_eq!((got, answer.pointer(path)), (status, Some(&json!(expected))), "{provider} {headers:?}");
    }
}

#[tokio::test]
async fn another_providers_key_is_refused_and_journaled_wherever_it_stands() {
    let rig = Rig::start().await;
    let openai = format!("Bearer {OPENAI_KEY}");
    for (query, headers) in [
        ("", vec![("authorization", openai.as_str()), ("x-goog-api-key", GEMINI_KEY)]),
        ("", vec![("authorization", openai.as_str()), ("x-left-over", "a sk-ant-sim-claude b")]),
        ("?key=AIza-sim-gemini", vec![("authorization", openai.as_str())]),
    ] {
        assert_eq!(send(&rig, Provider::OpenAi, query, &headers).await.0, 401, "{query} {headers:?}");
        assert!(rig.sim.journal().pop().unwrap().foreign_credential);
    }
    assert_eq!(rig.sim.stats().openai.foreign_credentials, 3);
    assert_eq!(send(&rig, Provider::OpenAi, "", &[("authorization", &openai)]).await.0, 200);
    assert!(!rig.sim.journal().pop().unwrap().foreign_credential);
}
