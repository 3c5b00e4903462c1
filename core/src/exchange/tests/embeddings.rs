//! `/v1/embeddings`: to OpenAI's kind as it came, to Gemini translated, to Anthropic not at all.

use super::*;
use crate::stats::Outcome;
use serde_json::Value;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const YAML: &str = "
providers:
  openai: { kind: openai, api_key: $OPENAI_API_KEY }
  claude: { kind: anthropic, api_key: $ANTHROPIC_API_KEY }
  gemini: { kind: gemini, api_key: $GEMINI_API_KEY }
models:
  words: [openai/text-embedding-3-small, gemini/gemini-embedding-001]
  none: [claude/claude-sonnet-4-6]
";
const PATH: &str = "/v1/embeddings";
const BODY: &str =
    r#"{ "model": "words", "input": ["Hi", "Ho there"], "encoding_format": "base64", "user": "u", "tomorrow": 1 }"#;

fn admitted_to(body: &str) -> (Front, Done) {
    admitted_at(gateway(YAML), PATH, &[], body)
}

fn refused(body: &str) -> (u16, Value) {
    let (status, text) = admitted_to(body).1.reply.unwrap();
    (status, serde_json::from_str(&text).unwrap())
}

#[test]
fn openais_kind_gets_the_body_and_the_client_its_answer_as_they_came() {
    let exchange = admitted_to(BODY).1.exchange.unwrap();
    let (mut attempt, request) = sent(&exchange, "openai");
    let headers = request.request_headers.unwrap();
    assert_eq!(headers.text(":path"), Some("/v1/embeddings"));
    assert_eq!(headers.text("accept"), Some("application/json"));
    assert_eq!(request.request_body.unwrap(), BODY.replace(r#""words""#, r#""text-embedding-3-small""#));
    let body = r#"{"object":"list", "data":[{"embedding":"AAA="},{"embedding":"AAA="}],"usage":{"prompt_tokens":1000000,"total_tokens":1000000},"tomorrow":1}"#;
    let done = answer(&mut attempt, 200, b"application/json", body);
    assert_eq!(done.response_body.as_deref(), Some(body));
    let headers = done.response_headers.unwrap();
    assert_eq!(headers.text("x-weir-provider"), Some("openai"));
    assert_eq!(headers.text("x-weir-cost-usd"), Some("0.02"), "a million tokens of input, none of output");
    assert_eq!(headers.text("x-weir-dropped-params"), None);
    assert_eq!(exchange.outcome.get(), Some(Outcome::Ok));
}

#[test]
fn gemini_gets_a_batch_and_its_vectors_come_back_as_the_client_asked() {
    for (format, first) in [("base64", r#""AAAAPwAAgL8=""#), ("float", "[0.5,-1.0]")] {
        let exchange = admitted_to(&BODY.replace("base64", format)).1.exchange.unwrap();
        let (mut attempt, request) = sent(&exchange, "gemini");
        let path = "/v1beta/models/gemini-embedding-001:batchEmbedContents";
        assert_eq!(request.request_headers.unwrap().text(":path"), Some(path));
        let one = |text: &str| {
            format!(r#"{{"model":"models/gemini-embedding-001","content":{{"parts":[{{"text":"{text}"}}]}}}}"#)
        };
        assert_eq!(request.request_body.unwrap(), format!(r#"{{"requests":[{},{}]}}"#, one("Hi"), one("Ho there")));
        let body = r#"{"embeddings":[{"values":[0.5,-1]},{"values":[1]}]}"#;
        let done = answer(&mut attempt, 200, b"application/json", body);
        let text = done.response_body.unwrap();
        assert!(text.contains(&format!(r#""index":0,"embedding":{first}"#)), "{text}");
        assert!(
            text.contains(r#""model":"gemini-embedding-001","usage":{"prompt_tokens":3,"total_tokens":3}"#),
            "{text}"
        );
        let headers = done.response_headers.unwrap();
        assert_eq!(headers.text("x-weir-dropped-params"), Some("user"));
        assert_eq!(headers.text("x-weir-cost-usd"), Some("0"), "three tokens are less than a micro-dollar");
    }
}

#[test]
fn an_answer_without_a_vector_for_each_input_goes_to_the_next_target() {
    let exchange = admitted_to(BODY).1.exchange.unwrap();
    let (mut attempt, _) = sent(&exchange, "openai");
    let done = answer(&mut attempt, 200, b"application/json", r#"{"object":"list","data":[{"embedding":"AAA="}]}"#);
    assert_eq!(status(&done), "502");
    let (mut attempt, _) = sent(&exchange, "gemini");
    let body = r#"{"embeddings":[{"values":[0.5]},{"values":[1]}]}"#;
    let done = answer(&mut attempt, 200, b"application/json", body);
    assert_eq!(done.response_headers.unwrap().text("x-weir-attempts"), Some("2"));
}

#[test]
fn a_target_that_cannot_embed_it_is_left_out_and_named_when_none_is_left() {
    let tokens = r#"{"model":"words","input":[[1,2],[3]]}"#;
    let exchange = admitted_to(tokens).1.exchange.unwrap();
    let targets: Vec<_> = exchange.slots.iter().map(|slot| slot.provider.as_str()).collect();
    assert_eq!(targets, ["openai"]);
    let (status, error) = refused(&tokens.replace("words", "gemini/gemini-embedding-001"));
    assert_eq!((status, &error["error"]["param"]), (400, &Value::from("input")));
    let (status, error) = refused(r#"{"model":"none","input":"x"}"#);
    assert_eq!((status, &error["error"]["param"]), (400, &Value::from("model")));
    assert_eq!(error["error"]["code"], "unsupported_parameter");
}

#[test]
fn an_embedding_takes_its_texts_tokens_and_no_more() {
    let exchange = admitted_to(BODY).1.exchange.unwrap();
    assert_eq!((exchange.size.prompt_bytes, exchange.size.output_limit), (10, Some(0)));
}
