//! However the network cuts a stream, and wherever it ends, on each way from a provider to a client.

use super::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const ALL: &str = "
providers:
  openai: { kind: openai, api_key: $OPENAI_API_KEY }
  claude: { kind: anthropic, api_key: $ANTHROPIC_API_KEY }
  gemini: { kind: gemini, api_key: $GEMINI_API_KEY }
models:
  smart: [openai/gpt-5.6, claude/claude-sonnet-4-6, gemini/gemini-3.8-flash]
";
const RESPONSES: &str = "/v1/responses";
/// A client's path and body, and what only the end of a whole answer has.
const CLIENTS: [(&str, &str, &str); 5] = [
    ("/v1/chat/completions", STREAM, r#""finish_reason":"stop""#),
    (
        "/v1/messages",
        r#"{"model":"smart","max_tokens":5,"stream":true,"messages":[{"role":"user","content":"Hi"}]}"#,
        "message_stop",
    ),
    ("/v1beta/models/smart:streamGenerateContent?alt=sse", CONTENTS, r#""finishReason":"STOP""#),
    ("/v1beta/models/smart:streamGenerateContent", CONTENTS, r#""finishReason":"STOP""#),
    (RESPONSES, r#"{"model":"smart","stream":true,"input":"Hi"}"#, "response.completed"),
];
const CONTENTS: &str = r#"{"contents":[{"role":"user","parts":[{"text":"Hi"}]}]}"#;

/// Each provider's answer, event by event; it says `text`.
fn stream(provider: &str, path: &str, text: &str) -> Vec<String> {
    let data = |data: String| format!("data: {data}\n\n");
    let named = |name: &str, rest: String| format!("event: {name}\ndata: {{\"type\":\"{name}\"{rest}}}\n\n");
    match provider {
        "openai" if path == RESPONSES => vec![
            named("response.created", r#","sequence_number":0,"response":{"status":"in_progress"}"#.into()),
            named("response.output_text.delta", format!(r#","sequence_number":1,"delta":"{text}""#)),
            named("of_tomorrow", String::new()),
            named("response.completed", r#","sequence_number":2,"response":{"status":"completed"}"#.into()),
        ],
        "openai" => vec![
            ": a comment\r\n\r\n".to_owned(),
            data(r#"{"id":"c","model":"g","choices":[{"index":0,"delta":{"role":"assistant","content":""}}],"usage":null}"#.into()),
            data(format!(r#"{{"id":"c","model":"g","choices":[{{"index":0,"delta":{{"content":"{text}"}}}}],"usage":null}}"#)),
            data(r#"{"id":"c","model":"g","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null}"#.into()),
            data(r#"{"id":"c","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":7}}"#.into()),
            data("[DONE]".into()),
        ],
        "claude" => vec![
            named("message_start", r#", "message":{"id":"msg_1","model":"claude","usage":{"input_tokens":3}}"#.into()),
            named("ping", String::new()),
            named("content_block_start", r#","index":0,"content_block":{"type":"text","text":""}"#.into()),
            named("content_block_delta", format!(r#","index":0,"delta":{{"type":"text_delta","text":"{text}"}}"#)),
            named("of_tomorrow", String::new()),
            named("content_block_stop", r#","index":0"#.into()),
            named("message_delta", r#","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":7}"#.into()),
            named("message_stop", String::new()),
        ],
        "gemini" => vec![
            data(format!(r#"{{"candidates":[{{"content":{{"parts":[{{"text":"{text}"}}]}}}}],"modelVersion":"g"}}"#)),
            ": a comment\r\n\r\n".to_owned(),
            data(r#"{"candidates":[{"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":3}}"#.into()),
        ]
        .into_iter()
        .map(|event| event.replace("\n\n", "\r\n\r\n"))
        .collect(),
        other => panic!("no stream of {other}"),
    }
}

/// What the client sees when the stream comes in these pieces and ends; None: it was a failure before it saw anything.
fn seen<'p>(
    gateway: &Rc<Gateway>,
    (path, body): (&str, &str),
    provider: &str,
    pieces: impl IntoIterator<Item = &'p [u8]>,
) -> Option<String> {
    let exchange =
        admitted_at(gateway.clone(), path, &[("x-weir-route", provider.as_bytes())], body).1.exchange.unwrap();
    let (mut attempt, _) = sent(&exchange, provider);
    let head = headers(&[("content-type", b"text/event-stream")]);
    let _ = attempt.step(NOW, AttemptEvent::ResponseHeaders { status: 200, headers: &head, end: false });
    let mut seen = String::new();
    let empty: &[u8] = &[];
    for (chunk, end) in pieces.into_iter().map(|piece| (piece, false)).chain([(empty, true)]) {
        let done = done(attempt.step(NOW, AttemptEvent::ResponseBody { chunk, end }));
        if done.response_headers.is_some_and(|headers| headers.text(":status") != Some("200")) {
            return None;
        }
        seen.push_str(&done.response_body.unwrap_or_default());
    }
    Some(seen)
}

/// Each client with each provider that can serve it.
fn pairs() -> Vec<(&'static str, &'static str, &'static str, &'static str)> {
    let mut pairs = Vec::new();
    for (path, body, end) in CLIENTS {
        let providers: &[&str] = if path == RESPONSES { &["openai"] } else { &["openai", "claude", "gemini"] };
        pairs.extend(providers.iter().map(|provider| (path, body, end, *provider)));
    }
    pairs
}

#[test]
fn no_cut_changes_what_a_client_reads() {
    let gateway = gateway(ALL);
    for (path, body, end, provider) in pairs() {
        let stream = stream(provider, path, "Grüße 🦀 \\u00fc").concat();
        let bytes = stream.as_bytes();
        let whole = seen(&gateway, (path, body), provider, [bytes]).unwrap_or_else(|| panic!("{path} {provider}"));
        assert!(whole.contains("Grüße 🦀") && whole.contains(end), "{path} {provider}: {whole}");
        for cut in 1..bytes.len() {
            let (head, tail) = bytes.split_at(cut);
            let cut_there = seen(&gateway, (path, body), provider, [head, tail]);
            assert_eq!(cut_there.as_deref(), Some(&*whole), "{path} {provider} cut at {cut}");
        }
        assert_eq!(
            seen(&gateway, (path, body), provider, bytes.chunks(1)).as_deref(),
            Some(&*whole),
            "{path} {provider}"
        );
    }
}

#[test]
fn a_stream_that_ends_too_early_is_an_error_in_the_clients_dialect() {
    let mut broken = 0;
    for (path, body, end, provider) in pairs() {
        let events = stream(provider, path, "Hi");
        for count in 0..events.len() {
            let part = events[..count].concat();
            let case = format!("{path} {provider} {count}");
            let Some(text) = seen(&gateway(ALL), (path, body), provider, [part.as_bytes()]) else { continue };
            if text.contains(end) {
                // Only the closing words are missing: compatible servers never say them.
                assert!(
                    provider == "openai" && part.contains("finish_reason") && !text.contains("error"),
                    "{case}: {text}"
                );
                continue;
            }
            broken += 1;
            match path {
                "/v1/chat/completions" => {
                    assert!(
                        text.contains(r#"{"error":{"code":"stream_interrupted","#)
                            && text.ends_with("data: [DONE]\n\n"),
                        "{case}: {text}"
                    );
                }
                "/v1/messages" => assert!(text.contains("event: error\ndata: {"), "{case}: {text}"),
                RESPONSES => assert!(text.contains("event: error\ndata: {"), "{case}: {text}"),
                _ => assert!(text.contains(r#"{"error":{"code":502,"#), "{case}: {text}"),
            }
        }
    }
    assert!(broken > 25, "{broken} streams broke off");
}

#[test]
fn a_line_of_a_megabyte_passes_on_every_way() {
    let gateway = gateway(ALL);
    let text = "ü".repeat(500_000);
    for (path, body, _, provider) in pairs() {
        let stream = stream(provider, path, &text).concat();
        let seen = seen(&gateway, (path, body), provider, stream.as_bytes().chunks(16_384));
        assert!(seen.is_some_and(|seen| seen.contains(&text)), "{path} {provider}");
    }
}
