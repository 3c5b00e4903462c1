//! The two roles, driven without a host: what a test needs of Envoy is a loop of a few lines.

mod caching;
mod caching_dialects;
mod compatible;
mod contexts;
mod counting;
mod counts;
mod cuts;
mod dialects;
mod embeddings;
mod estimates;
mod keys;
mod log;
mod repeats;
mod reports;
mod responses;
mod thoughts;
mod traces;
mod unknown_finish;
mod unsupported;

use super::{Attempt, AttemptEvent, Effect, Exchange, Flow, Front, FrontEvent, Step, Waker};
use crate::config;
use crate::gateway::Gateway;
use crate::headers::{HeaderList, Headers, encode};
use crate::sidecar::Call;
use crate::testing::Host;
use std::rc::Rc;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const NOW: u64 = 1_700_000_000_000;
/// When a request is complete, in microseconds; its first attempt is sent 250 later.
const COMPLETE: u64 = NOW * 1_000;
const OPEN: &str = "
providers:
  openai: { kind: openai, api_key: $OPENAI_API_KEY }
  claude: { kind: anthropic, api_key: $ANTHROPIC_API_KEY }
models:
  smart: [openai/gpt-5.6, claude/claude-sonnet-4-6]
";
const CHAT: &str = r#"{"model":"smart","messages":[{"role":"user","content":"Hi"}]}"#;
const STREAM: &str = r#"{"model":"smart","messages":[{"role":"user","content":"Hi"}],"stream":true}"#;

fn gateway(yaml: &str) -> Rc<Gateway> {
    gateway_on(&Host::default(), yaml)
}

fn gateway_on(host: &Host, yaml: &str) -> Rc<Gateway> {
    let (config, _) = config::parse(yaml).unwrap();
    let env = |name: &str| Some(format!("secret-of-{name}"));
    Rc::new(Gateway::new(config, host.ports(1), env).unwrap_or_else(|error| panic!("{error}")))
}

fn headers(list: &[(&'static str, &[u8])]) -> Headers {
    let list: HeaderList = list.iter().map(|(name, value)| ((*name).into(), value.to_vec())).collect();
    Headers::decode(encode(&list))
}

/// A step's effects, by kind.
#[derive(Default)]
struct Done {
    request_headers: Option<Headers>,
    request_body: Option<String>,
    response_headers: Option<Headers>,
    response_body: Option<String>,
    reply: Option<(u16, String)>,
    reply_headers: Option<Headers>,
    exchange: Option<Rc<Exchange>>,
    reset: bool,
    calls: Vec<Call>,
    waits: Option<Waker>,
}

fn done(step: Step) -> Done {
    let mut done = Done::default();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    for effect in step.effects {
        match effect {
            Effect::RequestHeaders(list) => done.request_headers = Some(Headers::decode(encode(&list))),
            Effect::RequestBody(body) => done.request_body = Some(text(body)),
            Effect::ResponseHeaders(list) => done.response_headers = Some(Headers::decode(encode(&list))),
            Effect::ResponseBody(body) => done.response_body = Some(text(body)),
            Effect::Reply(reply) => {
                done.reply_headers = Some(Headers::decode(encode(&reply.headers)));
                done.reply = Some((reply.status, text(reply.body)));
            }
            Effect::Reset => done.reset = true,
            Effect::Publish(exchange) => done.exchange = Some(exchange),
            Effect::Call(call) => done.calls.push(call),
        }
    }
    if let Flow::Wait(waker) = step.flow {
        done.waits = Some(waker);
    }
    done
}

/// A front that has taken a whole request in.
fn admitted(yaml: &str, extra: &[(&'static str, &[u8])], body: &str) -> (Front, Done) {
    admitted_by(gateway(yaml), extra, body)
}

fn admitted_by(gateway: Rc<Gateway>, extra: &[(&'static str, &[u8])], body: &str) -> (Front, Done) {
    admitted_at(gateway, "/v1/chat/completions?key=client-key", extra, body)
}

fn admitted_at(gateway: Rc<Gateway>, path: &str, extra: &[(&'static str, &[u8])], body: &str) -> (Front, Done) {
    let mut front = Front::new(gateway, 1);
    let mut list: Vec<(&'static str, &[u8])> = vec![
        (":method", b"POST"),
        (":path", path.as_bytes()),
        (":authority", b"weir"),
        (":scheme", b"http"),
        ("x-request-id", b"0f1e2d3c-0000-4000-8000-000000000001"),
        ("cookie", b"session"),
    ];
    list.extend_from_slice(extra);
    let step = front.step(NOW, FrontEvent::RequestHeaders { headers: &headers(&list) });
    if !front.is_reading() {
        return (front, done(step));
    }
    assert_eq!(step.flow, Flow::Wait(Waker::RequestBody));
    let step = front.step(NOW, FrontEvent::RequestComplete { body: body.as_bytes().to_vec(), micros: COMPLETE });
    (front, done(step))
}

/// An attempt that has sent its request.
fn sent(exchange: &Rc<Exchange>, provider: &str) -> (Attempt, Done) {
    let mut attempt = Attempt::begin(exchange.clone(), provider, NOW).unwrap();
    let event = AttemptEvent::RequestHeaders { traceparent: Some("00-trace-span-01"), tracestate: None };
    let mut request = done(attempt.step(NOW, event));
    request.request_body = done(attempt.step(NOW, AttemptEvent::RequestBody { micros: COMPLETE + 250 })).request_body;
    (attempt, request)
}

fn answer(attempt: &mut Attempt, status: u16, kind: &[u8], body: &str) -> Done {
    let held = attempt.step(
        NOW,
        AttemptEvent::ResponseHeaders {
            status,
            headers: &headers(&[("content-type", kind), ("set-cookie", b"__cf_bm=1")]),
            end: false,
        },
    );
    assert_eq!(held.flow, Flow::Wait(Waker::ResponseBody), "headers are held until the answer is known to be one");
    done(attempt.step(NOW, AttemptEvent::ResponseBody { chunk: body.as_bytes(), end: true }))
}

fn status(done: &Done) -> &str {
    done.response_headers.as_ref().and_then(|headers| headers.text(":status")).unwrap_or("unchanged")
}

const ANSWER: &str =
    r#"{"id":"c","choices":[{"index":0,"message":{"role":"assistant","content":"Hello"}}],"usage":null}"#;

#[test]
fn the_prompt_does_not_travel_through_the_chain() {
    let (_, done) = admitted(OPEN, &[("authorization", b"Bearer client-key")], CHAT);
    assert_eq!(done.request_body.as_deref(), Some("x"));
    let headers = done.request_headers.unwrap();
    assert_eq!(headers.text("x-weir-chain"), Some("chain:openai+claude"));
    assert_eq!(headers.text("x-envoy-max-retries"), Some("1"));
    assert_eq!(headers.text("content-length"), Some("1"));
    assert_eq!(headers.text(":path"), Some("/v1/chat/completions"));
    for (name, value) in headers.iter() {
        let value = String::from_utf8_lossy(value);
        assert!(!value.contains("client-key") && !value.contains("session"), "{name:?}: {value}");
    }
}

#[test]
fn each_attempt_sends_its_own_credential_and_no_other() {
    let exchange = admitted(OPEN, &[], CHAT).1.exchange.unwrap();
    let (_, first) = sent(&exchange, "openai");
    let (_, second) = sent(&exchange, "claude");
    let (first, second) = (first.request_headers.unwrap(), second.request_headers.unwrap());
    assert_eq!(first.text("authorization"), Some("Bearer secret-of-OPENAI_API_KEY"));
    assert_eq!(first.text(":authority"), Some("api.openai.com"));
    assert_eq!(second.text("x-api-key"), Some("secret-of-ANTHROPIC_API_KEY"));
    assert_eq!(second.text(":path"), Some("/v1/messages"));
    assert_eq!(second.text("authorization"), None);
}

#[test]
fn content_length_is_that_of_the_translated_body() {
    let exchange = admitted(OPEN, &[], CHAT).1.exchange.unwrap();
    for provider in ["openai", "claude"] {
        let request = sent(&exchange, provider).1;
        let length = request.request_headers.unwrap().text("content-length").unwrap().parse::<usize>().unwrap();
        assert_eq!(length, request.request_body.unwrap().len());
    }
}

#[test]
fn an_answer_is_relayed_with_nothing_of_the_providers_headers() {
    let (front, done) = admitted(OPEN, &[], CHAT);
    let (mut attempt, _) = sent(&done.exchange.unwrap(), "openai");
    let answer = answer(&mut attempt, 200, b"application/json", ANSWER);
    assert_eq!(answer.response_body.as_deref(), Some(ANSWER));
    let headers = answer.response_headers.unwrap();
    assert_eq!(headers.text("set-cookie"), None);
    assert_eq!(headers.text("x-weir-provider"), Some("openai"));
    assert_eq!(headers.text("x-weir-attempts"), Some("1"));
    assert!(!front.minds_response());
}

#[test]
fn failures_become_a_status_that_envoy_retries() {
    let json: &[u8] = b"application/json";
    let events: &[u8] = b"text/event-stream";
    for (body, code, kind, answered, expect) in [
        (CHAT, 429, json, r#"{"error":{"message":"slow down"}}"#, "421"),
        (CHAT, 401, json, r#"{"error":{"message":"bad key"}}"#, "421"),
        (CHAT, 500, json, "", "502"),
        (CHAT, 520, json, "", "502"),
        (CHAT, 200, json, "<html>", "502"),
        (CHAT, 400, json, r#"{"error":{"message":"no","param":"n"}}"#, "400"),
        (STREAM, 200, json, r#"{"error":{}}"#, "502"),
        (STREAM, 200, events, "data: {\"error\":{\"message\":\"boom\"}}\n\n", "502"),
        (STREAM, 200, events, "data: {\"choices\":[{\"delta\":{\"content\":\"\"}}]}\n\n", "502"),
        (STREAM, 200, events, "", "502"),
    ] {
        let exchange = admitted(OPEN, &[], body).1.exchange.unwrap();
        let (mut attempt, _) = sent(&exchange, "openai");
        let headers = headers(&[("content-type", kind)]);
        let step = attempt.step(NOW, AttemptEvent::ResponseHeaders { status: code, headers: &headers, end: false });
        let result = match step.flow {
            Flow::Continue => done(step),
            Flow::Wait(_) => {
                done(attempt.step(NOW, AttemptEvent::ResponseBody { chunk: answered.as_bytes(), end: true }))
            }
        };
        assert_eq!(status(&result), expect, "{code} {answered}");
    }
}

#[test]
fn a_stream_is_held_until_its_first_content() {
    let exchange = admitted(OPEN, &[], STREAM).1.exchange.unwrap();
    let (mut attempt, _) = sent(&exchange, "openai");
    let role =
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}],\"usage\":null}\n\n";
    let text = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi\"}}],\"usage\":null}\n\n";
    let headers = headers(&[("content-type", b"text/event-stream")]);
    let step = attempt.step(NOW, AttemptEvent::ResponseHeaders { status: 200, headers: &headers, end: false });
    assert_eq!(step.flow, Flow::Wait(Waker::ResponseBody));
    let held = done(attempt.step(NOW, AttemptEvent::ResponseBody { chunk: role.as_bytes(), end: false }));
    assert_eq!((held.waits, held.response_body.as_deref()), (Some(Waker::ResponseBody), Some("")));
    let released = done(attempt.step(NOW, AttemptEvent::ResponseBody { chunk: text.as_bytes(), end: false }));
    assert_eq!((released.waits, status(&released)), (None, "200"));
    assert_eq!(released.response_body.unwrap(), format!("{role}{text}").replace(",\"usage\":null", ""));
}

#[test]
fn a_cut_stream_never_looks_complete() {
    let exchange = admitted(OPEN, &[], STREAM).1.exchange.unwrap();
    let (mut attempt, _) = sent(&exchange, "openai");
    let text = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi\"}}]}\n\n";
    let cut = answer(&mut attempt, 200, b"text/event-stream", text);
    assert_eq!(status(&cut), "200");
    let body = cut.response_body.unwrap();
    assert!(body.starts_with(text) && body.contains("\"code\":\"stream_interrupted\""), "{body}");
    let late = done(attempt.step(NOW, AttemptEvent::ResponseBody { chunk: b"data: more\n\n", end: true }));
    assert_eq!(late.response_body.as_deref(), Some(""), "nothing follows the error");
}

#[test]
fn a_translated_stream_is_done_at_its_last_event() {
    let exchange = admitted(OPEN, &[], STREAM).1.exchange.unwrap();
    let (mut attempt, _) = sent(&exchange, "claude");
    let headers = headers(&[("content-type", b"text/event-stream")]);
    let _ = attempt.step(NOW, AttemptEvent::ResponseHeaders { status: 200, headers: &headers, end: false });
    let events = [
        r#"{"type":"message_start","message":{"id":"msg_1","model":"claude","usage":{"input_tokens":1,"output_tokens":1}}}"#,
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hi"}}"#,
        r#"{"type":"content_block_stop","index":0}"#,
        r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":1}}"#,
        r#"{"type":"message_stop"}"#,
    ];
    let chunk: String = events.map(|event| format!("data: {event}\n\n")).concat();
    let answered = done(attempt.step(NOW, AttemptEvent::ResponseBody { chunk: chunk.as_bytes(), end: false }));
    assert!(answered.response_body.unwrap().ends_with("data: [DONE]\n\n"));
    let closed = done(attempt.step(NOW, AttemptEvent::ResponseBody { chunk: &[], end: true }));
    assert_eq!(closed.response_body.as_deref(), Some(""), "once");
}

#[test]
fn a_stream_that_trailers_end_too_early_is_broken_off() {
    let exchange = admitted(OPEN, &[], STREAM).1.exchange.unwrap();
    let text = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi\"}}]}\n\n";
    for (chunk, reset) in [(text.to_owned(), true), (format!("{text}data: [DONE]\n\n"), false)] {
        let (mut attempt, _) = sent(&exchange, "openai");
        let headers = headers(&[("content-type", b"text/event-stream")]);
        let _ = attempt.step(NOW, AttemptEvent::ResponseHeaders { status: 200, headers: &headers, end: false });
        let _ = attempt.step(NOW, AttemptEvent::ResponseBody { chunk: chunk.as_bytes(), end: false });
        assert_eq!(done(attempt.step(NOW, AttemptEvent::ResponseTrailers)).reset, reset);
    }
}

#[test]
fn when_all_fail_one_honest_error_names_each() {
    let (mut front, admitted) = admitted(OPEN, &[], CHAT);
    let exchange = admitted.exchange.unwrap();
    let (mut first, _) = sent(&exchange, "openai");
    let _ = answer(&mut first, 500, b"application/json", r#"{"error":{"message":"account org-secret is broken"}}"#);
    let (mut second, _) = sent(&exchange, "claude");
    let _ = second
        .step(NOW, AttemptEvent::Closed { details: "upstream_reset_before_response_started{connection_failure}" });
    let told = done(front.step(NOW, FrontEvent::ResponseHeaders { status: 503, details: "" })).reply;
    let (status, body) = told.unwrap();
    assert_eq!(status, 502);
    assert!(body.contains("openai/gpt-5.6: 500 server error; claude/claude-sonnet-4-6: connection failed"), "{body}");
    assert!(!body.contains("org-secret"), "{body}");
}

#[test]
fn the_clients_own_mistake_is_told_as_the_provider_told_it() {
    let (mut front, admitted) = admitted(OPEN, &[], CHAT);
    let (mut attempt, _) = sent(&admitted.exchange.unwrap(), "openai");
    let told = r#"{"error":{"message":"n is too large","type":"invalid_request_error","param":"n","code":"x"}}"#;
    let _ = answer(&mut attempt, 400, b"application/json", told);
    let (_, body) = done(front.step(NOW, FrontEvent::ResponseHeaders { status: 400, details: "" })).reply.unwrap();
    let value: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(value["error"]["message"], "n is too large");
    assert_eq!(value["error"]["param"], "n");
}

#[test]
fn a_provider_that_stands_twice_uses_its_targets_in_order() {
    let yaml = OPEN.replace("[openai/gpt-5.6, claude", "[openai/one, openai/two, claude");
    let exchange = admitted(&yaml, &[], CHAT).1.exchange.unwrap();
    for expect in ["one", "two"] {
        let body = sent(&exchange, "openai").1.request_body.unwrap();
        assert!(body.contains(&format!("\"model\":\"{expect}\"")), "{body}");
    }
}

#[test]
fn bad_requests_are_answered_at_once() {
    let check = |extra: &[(&'static str, &[u8])], body: &str, expect: u16, says: &str| {
        let (front, done) = admitted(OPEN, extra, body);
        let (status, text) = done.reply.unwrap_or_else(|| panic!("{body} was admitted"));
        assert_eq!(status, expect, "{text}");
        assert!(text.contains(says), "{text}");
        assert!(!front.is_reading());
        serde_json::from_str::<serde_json::Value>(&text).unwrap();
    };
    check(&[("x-note", b"caf\xFF")], CHAT, 400, "x-note");
    check(&[("authorization", b"Bearer a"), ("authorization", b"Bearer b")], CHAT, 400, "authorization");
    // How Envoy hands over two.
    check(&[("authorization", b"Bearer a,Bearer b")], CHAT, 400, "authorization");
    check(&[("content-length", b"99999999")], CHAT, 413, "larger");
    check(&[("content-encoding", b"gzip")], CHAT, 415, "content-encoding");
    check(&[("origin", b"https://example.com")], CHAT, 403, "another origin");
    check(&[("origin", b"null")], CHAT, 403, "another origin");
    check(&[("origin", b"http://127.0.0.1.example.com")], CHAT, 403, "another origin");
    check(&[("x-weir-route", b"mistral")], CHAT, 400, "Known: openai, claude");
    check(&[], &CHAT.replace("smart", "dumb"), 404, "Known: smart");
    check(&[], "", 400, "not valid JSON");
    check(&[], &CHAT.replace("\"Hi\"", "7"), 400, "messages[0].content");
}

#[test]
fn all_bodies_of_a_vm_together_are_bounded() {
    let gateway = gateway(OPEN);
    let hold = |bytes| gateway.hold(bytes);
    let first = hold(crate::gateway::MAX_HELD_BYTES - 10);
    assert!(first.is_some() && hold(11).is_none());
    let second = hold(10);
    assert!(second.is_some() && hold(1).is_none());
    drop(first);
    assert!(hold(1).is_some(), "what is over gives its room back");
    assert!(hold(usize::MAX).is_none());
}

#[test]
fn a_tenant_is_shown_only_the_models_it_may_use() {
    let digest: String =
        <sha2::Sha256 as sha2::Digest>::digest("team-key").iter().map(|b| format!("{b:02x}")).collect();
    let yaml =
        format!("{OPEN}  other: [openai/gpt-5.6]\ntenants:\n  team: {{ key_sha256: {digest}, models: [other] }}\n");
    let mut front = Front::new(gateway(&yaml), 1);
    let list = headers(&[(":method", b"GET"), (":path", b"/v1/models"), ("authorization", b"Bearer team-key")]);
    let (status, body) = done(front.step(NOW, FrontEvent::RequestHeaders { headers: &list })).reply.unwrap();
    assert_eq!(status, 200);
    assert!(body.contains("\"other\"") && !body.contains("\"smart\""), "{body}");
}

#[test]
fn two_tenants_reach_different_targets_by_one_name() {
    let tenant = |name: &str, models: &str| {
        let digest: String = <sha2::Sha256 as sha2::Digest>::digest(name).iter().map(|b| format!("{b:02x}")).collect();
        format!("  {name}: {{ key_sha256: {digest}, models: [{models}] }}\n")
    };
    let own = "{ model: smart, targets: [claude/haiku, openai/mini] }";
    let yaml = format!("{OPEN}tenants:\n{}{}", tenant("a", "smart"), tenant("b", own));
    for (key, providers, body) in [
        ("Bearer a", ["openai", "claude"], "\"model\":\"gpt-5.6\""),
        ("Bearer b", ["claude", "openai"], "\"model\":\"haiku\""),
    ] {
        let (_, done) = admitted(&yaml, &[("authorization", key.as_bytes())], CHAT);
        let chain = format!("chain:{}", providers.join("+"));
        assert_eq!(done.request_headers.unwrap().text("x-weir-chain"), Some(chain.as_str()), "{key}");
        let sent = sent(&done.exchange.unwrap(), providers[0]).1.request_body.unwrap();
        assert!(sent.contains(body), "{key}: {sent}");
    }
    for (key, route, expected) in [
        ("Bearer a", "openai/mini", 403),
        ("Bearer b", "openai/mini", 200),
        ("Bearer b", "openai,claude", 200),
        ("Bearer a", "openai/gpt-5.6", 200),
        ("Bearer b", "openai/gpt-5.6", 403),
    ] {
        let extra = [("authorization", key.as_bytes()), ("x-weir-route", route.as_bytes())];
        let status = admitted(&yaml, &extra, CHAT).1.reply.map_or(200, |(status, _)| status);
        assert_eq!(status, expected, "{key} {route}");
    }
}

#[test]
fn a_page_of_this_machine_may_ask() {
    for origin in ["http://localhost:3000", "http://127.0.0.1", "http://[::1]:8080"] {
        assert!(admitted(OPEN, &[("origin", origin.as_bytes())], CHAT).1.exchange.is_some(), "{origin}");
    }
}

#[test]
fn tenants_are_known_by_their_key_and_use_their_models_only() {
    let digest: String = sha2::Digest::finalize(sha2::Digest::chain_update(sha2::Sha256::default(), "team-key"))
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let yaml = format!("{OPEN}tenants:\n  team: {{ key_sha256: {digest}, models: [smart] }}\n");
    let status = |extra: &[(&'static str, &[u8])], body: &str| {
        let (_, done) = admitted(&yaml, extra, body);
        done.reply.map_or(200, |(status, _)| status)
    };
    assert_eq!(status(&[], CHAT), 401);
    assert_eq!(status(&[("authorization", b"Bearer other")], CHAT), 401);
    for name in ["authorization", "x-api-key", "x-goog-api-key", "api-key"] {
        let value: &[u8] = if name == "authorization" { b"Bearer team-key" } else { b"team-key" };
        assert_eq!(status(&[(name, value)], CHAT), 200, "{name}");
    }
    let direct = CHAT.replace("smart", "openai/gpt-5.6");
    assert_eq!(status(&[("authorization", b"Bearer team-key")], &direct), 403);
    for (route, expected) in [("claude,openai/gpt-5.6", 200), ("openai/gpt-6-astra", 403), ("claude,openai/x", 403)] {
        let extra = [("authorization", &b"Bearer team-key"[..]), ("x-weir-route", route.as_bytes())];
        assert_eq!(status(&extra, CHAT), expected, "{route}");
    }
}
