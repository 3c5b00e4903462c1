//! Clients of Anthropic's and Gemini's dialects get from the cache what another one got, byte for byte.

use super::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const KEPT: &str = "
providers:
  openai: { kind: openai, api_key: $OPENAI_API_KEY }
  claude: { kind: anthropic, api_key: $ANTHROPIC_API_KEY }
  gemini: { kind: gemini, api_key: $GEMINI_API_KEY }
models:
  smart: { targets: [openai/gpt-5.6, claude/claude-sonnet-4-6, gemini/gemini-3.8-flash], cache: { exact: { ttl: 1h } } }
";
const MESSAGES: &str = "/v1/messages";
const GENERATE: &str = "/v1beta/models/smart:generateContent";
const SSE: &str = "/v1beta/models/smart:streamGenerateContent?alt=sse";
const ARRAY: &str = "/v1beta/models/smart:streamGenerateContent";
const MESSAGE: &str = r#"{"model":"smart","max_tokens":5,"messages":[{"role":"user","content":"Hi"}],"tomorrow":1}"#;
const MESSAGE_STREAM: &str =
    r#"{"stream":true,"model":"smart","max_tokens":5,"messages":[{"role":"user","content":"Hi"}]}"#;
const CONTENTS: &str = r#"{"contents":[{"role":"user","parts":[{"text":"Hi"}]}]}"#;

const CLAUDE: &str = r#"{ "id":"msg_1","content":[{"type":"thinking","thinking":"hm","signature":"c2ln"},{"type":"text","text":"Hi"},{"type":"of_tomorrow"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":3,"output_tokens":7} }"#;
const GEMINI: &str = r#"{ "candidates":[{"content":{"parts":[{"text":"Hi","thoughtSignature":"c2ln"}]},"finishReason":"STOP","safetyRatings":[1]}],"usageMetadata":{"promptTokenCount":3} }"#;
const OPENAI: &str = r#"{"id":"c","choices":[{"index":0,"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":7}}"#;
const CLAUDE_STREAM: &str = "event: message_start\ndata: {\"type\":\"message_start\", \"message\":{\"id\":\"msg_1\",\"model\":\"claude\",\"usage\":{\"input_tokens\":3}}}\n\n\
    event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n\
    event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"Hi\"}}\n\n\
    event: of_tomorrow\ndata: {\"type\":\"of_tomorrow\"}\n\n\
    event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n\
    event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":7}}\n\n\
    event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
const GEMINI_STREAM: &str = "data: {\"candidates\": [{\"content\": {\"parts\": [{\"text\": \"Hi\"}]}}]}\r\n\r\n\
    data: {\"candidates\": [{\"finishReason\": \"STOP\"}]}\r\n\r\n";
const OPENAI_STREAM: &str = "data: {\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";

fn kept() -> Rc<Gateway> {
    gateway(KEPT)
}

fn ask(gateway: &Rc<Gateway>, path: &str, extra: &[(&'static str, &[u8])], body: &str) -> Done {
    admitted_at(gateway.clone(), path, extra, body).1
}

/// `provider` answers `asked`; what the client sees.
fn serve(asked: Done, provider: &str, answered: &str) -> String {
    let (mut attempt, _) = sent(&asked.exchange.unwrap(), provider);
    let is_stream = !answered.starts_with('{');
    let kind: &[u8] = if is_stream { b"text/event-stream" } else { b"application/json" };
    let cut = answered.len() / 2;
    let (head, tail) = answered.split_at(cut);
    let _ = attempt.step(
        NOW,
        AttemptEvent::ResponseHeaders { status: 200, headers: &headers(&[("content-type", kind)]), end: false },
    );
    let mut seen = String::new();
    for (chunk, end) in [(head, false), (tail, true)] {
        let step = attempt.step(NOW, AttemptEvent::ResponseBody { chunk: chunk.as_bytes(), end });
        seen.push_str(&done(step).response_body.unwrap_or_default());
    }
    seen
}

fn cached(done: &Done) -> (Option<&str>, Option<&str>) {
    let header = |name| done.reply_headers.as_ref().and_then(|headers| headers.text(name));
    (header("x-weir-cache"), header("content-type"))
}

#[test]
fn whoever_asks_the_same_in_the_same_form_reads_the_same_bytes() {
    let (json, sse) = ("application/json", "text/event-stream; charset=utf-8");
    for (path, body, content_type, answers) in [
        (MESSAGES, MESSAGE, json, [("claude", CLAUDE), ("gemini", GEMINI), ("openai", OPENAI)]),
        (GENERATE, CONTENTS, json, [("claude", CLAUDE), ("gemini", GEMINI), ("openai", OPENAI)]),
        (
            MESSAGES,
            MESSAGE_STREAM,
            sse,
            [("claude", CLAUDE_STREAM), ("gemini", GEMINI_STREAM), ("openai", OPENAI_STREAM)],
        ),
        (
            SSE,
            CONTENTS,
            "text/event-stream",
            [("claude", CLAUDE_STREAM), ("gemini", GEMINI_STREAM), ("openai", OPENAI_STREAM)],
        ),
        (ARRAY, CONTENTS, json, [("claude", CLAUDE_STREAM), ("gemini", GEMINI_STREAM), ("openai", OPENAI_STREAM)]),
    ] {
        for (provider, answered) in answers {
            let gateway = kept();
            let seen = serve(ask(&gateway, path, &[], body), provider, answered);
            let again = ask(&gateway, path, &[], &body.replace(':', " : "));
            let case = format!("{path} {provider}");
            assert_eq!(
                again.reply.as_ref().map(|(status, body)| (*status, body.as_str())),
                Some((200, seen.as_str())),
                "{case}"
            );
            assert_eq!(
                (cached(&again).0, cached(&again).1.unwrap().split(';').next()),
                (Some("hit"), content_type.split(';').next()),
                "{case}"
            );
            let headers = again.reply_headers.unwrap();
            assert_eq!(
                (headers.text("x-weir-provider"), headers.text("x-weir-attempts")),
                (Some(provider), Some("0")),
                "{case}"
            );
        }
    }
}

#[test]
fn what_a_provider_of_the_same_kind_could_read_is_part_of_the_key() {
    let gateway = kept();
    serve(ask(&gateway, MESSAGES, &[], MESSAGE), "claude", CLAUDE);
    serve(ask(&gateway, GENERATE, &[], CONTENTS), "gemini", GEMINI);
    let misses =
        |path, extra: &[(&'static str, &[u8])], body: &str| ask(&gateway, path, extra, body).exchange.is_some();
    assert!(
        misses(MESSAGES, &[], &MESSAGE.replace(r#""tomorrow":1"#, r#""tomorrow":2"#)),
        "a field that Weir does not know"
    );
    assert!(misses(MESSAGES, &[("anthropic-beta", b"x")], MESSAGE), "a header");
    assert!(
        misses(MESSAGES, &[], MESSAGE_STREAM) && misses(SSE, &[], CONTENTS) && misses(ARRAY, &[], CONTENTS),
        "a form"
    );
    assert!(misses("/v1/chat/completions", &[], CHAT), "a dialect");
    assert!(!misses(MESSAGES, &[], &MESSAGE.replacen('{', r#"{"metadata":{"user_id":"u"},"#, 1)), "who asks");
    assert!(!misses(GENERATE, &[], &CONTENTS.replacen('{', r#"{"labels":{"a":"b"},"#, 1)), "why");
}

#[test]
fn what_is_cut_refused_or_runs_at_a_provider_is_not_kept() {
    let refused = CLAUDE.replace("end_turn", "refusal");
    let gateway = kept();
    serve(ask(&gateway, MESSAGES, &[], MESSAGE), "claude", &refused);
    assert!(ask(&gateway, MESSAGES, &[], MESSAGE).exchange.is_some());
    let cut = CLAUDE_STREAM.split("event: message_stop").next().unwrap();
    assert!(serve(ask(&gateway, MESSAGES, &[], MESSAGE_STREAM), "claude", cut).contains("event: error"));
    assert!(ask(&gateway, MESSAGES, &[], MESSAGE_STREAM).exchange.is_some());
    let search = r#"{"contents":[{"role":"user","parts":[{"text":"Hi"}]}],"tools":[{"googleSearch":{}}]}"#;
    serve(ask(&gateway, GENERATE, &[], search), "gemini", GEMINI);
    assert!(ask(&gateway, GENERATE, &[], search).exchange.is_some());
    let warm = MESSAGE.replacen('{', r#"{"temperature":0.5,"#, 1);
    serve(ask(&gateway, MESSAGES, &[], &warm), "claude", CLAUDE);
    assert!(ask(&gateway, MESSAGES, &[], &warm).exchange.is_some());
}

#[test]
fn identical_requests_at_once_are_one() {
    for (path, body, provider, answered) in
        [(MESSAGES, MESSAGE_STREAM, "claude", CLAUDE_STREAM), (ARRAY, CONTENTS, "openai", OPENAI_STREAM)]
    {
        let (config, _) = config::parse(KEPT).unwrap();
        let ports = crate::gateway::Ports { has_sidecar: false, ..Host::default().ports(1) };
        let gateway =
            Rc::new(Gateway::new(config, ports, |_| Some("secret".into())).unwrap_or_else(|error| panic!("{error}")));
        let first = ask(&gateway, path, &[], body);
        let (mut second, waiting) = admitted_at(gateway.clone(), path, &[], body);
        assert_eq!(waiting.waits, Some(Waker::Flight));
        let seen = serve(first, provider, answered);
        let landed: Vec<Done> = gateway
            .landed(NOW)
            .into_iter()
            .map(|(_, landed)| done(second.step(NOW, FrontEvent::Landed(landed))))
            .collect();
        let [landed] = landed.as_slice() else { panic!("{} landed", landed.len()) };
        assert_eq!(landed.reply.as_ref().map(|(_, body)| body.as_str()), Some(seen.as_str()));
        assert_eq!(cached(landed).0, Some("coalesced"));
    }
}
