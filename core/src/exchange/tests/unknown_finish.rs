//! A reason of the end that Weir does not know never fails an answer, and is counted.

use super::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const ALL: &str = "
providers:
  openai: { kind: openai, api_key: $A }
  claude: { kind: anthropic, api_key: $B }
  gemini: { kind: gemini, api_key: $C }
models:
  smart: [openai/gpt-5.6, claude/claude-sonnet-4-6, gemini/gemini-3.8-flash]
";
const MESSAGES: &str = "/v1/messages";
const CHATS: &str = "/v1/chat/completions";

/// How often the reason counts as unknown when `provider` gives it, whole and streamed; the client reads `stop`, or
/// what it asked for by that provider's own dialect.
fn counted(path: &str, provider: &str, reason: &str) -> [u64; 2] {
    let whole = match provider {
        "openai" => format!(r#"{{"choices":[{{"message":{{"content":"Hi"}},"finish_reason":"{reason}"}}]}}"#),
        "claude" => format!(r#"{{"content":[{{"type":"text","text":"Hi"}}],"stop_reason":"{reason}"}}"#),
        _ => format!(r#"{{"candidates":[{{"content":{{"parts":[{{"text":"Hi"}}]}},"finishReason":"{reason}"}}]}}"#),
    };
    let stream = match provider {
        "openai" => {
            let chunk = format!(r#"{{"choices":[{{"delta":{{"content":"Hi"}},"finish_reason":"{reason}"}}]}}"#);
            format!("data: {chunk}\n\ndata: [DONE]\n\n")
        }
        "claude" => {
            let delta = format!(r#"{{"type":"message_delta","delta":{{"stop_reason":"{reason}"}}}}"#);
            let start = r#"{"type":"message_start","message":{"id":"m"}}"#;
            format!("data: {start}\n\ndata: {delta}\n\ndata: {delta}\n\ndata: {{\"type\":\"message_stop\"}}\n\n")
        }
        _ => format!("data: {whole}\r\n\r\n"),
    };
    let answered = |is_stream: bool, kind: &[u8], body: &str| {
        let host = Host::default();
        let extra = format!(r#""max_tokens":5,"stream":{is_stream},"messages""#);
        let ask = CHAT.replace("\"messages\"", &extra);
        let exchange = admitted_at(gateway_on(&host, ALL), path, &[], &ask).1.exchange.unwrap();
        let (mut attempt, _) = sent(&exchange, provider);
        let done = answer(&mut attempt, 200, kind, body);
        assert_eq!(status(&done), "200", "{provider} {reason}");
        host.stat(&format!("weir.unknown_finish;provider={provider};"))
    };
    [answered(false, b"application/json", &whole), answered(true, b"text/event-stream", &stream)]
}

#[test]
fn it_is_counted_once_whether_translated_or_not() {
    for (path, provider) in
        [(MESSAGES, "openai"), (CHATS, "claude"), (MESSAGES, "claude"), (CHATS, "gemini"), (MESSAGES, "gemini")]
    {
        assert_eq!(counted(path, provider, "of_tomorrow"), [1, 1], "{path} {provider}");
    }
}

#[test]
fn what_the_contracts_name_is_not_counted() {
    for reason in ["stop", "length", "tool_calls", "content_filter", "function_call", "eos"] {
        assert_eq!(counted(MESSAGES, "openai", reason), [0, 0], "{reason}");
    }
    for reason in ["end_turn", "stop_sequence", "max_tokens", "tool_use", "pause_turn", "refusal"] {
        assert_eq!(counted(CHATS, "claude", reason), [0, 0], "{reason}");
    }
    for reason in ["STOP", "FINISH_REASON_UNSPECIFIED", "MAX_TOKENS", "SAFETY", "OTHER", "NO_IMAGE"] {
        assert_eq!(counted(CHATS, "gemini", reason), [0, 0], "{reason}");
    }
}
