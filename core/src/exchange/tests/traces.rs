//! What is told of a request for its spans, and whose parents they are.

use super::*;
use crate::sidecar::Reply;
use crate::testing::hex_sha256;
use crate::wire::{self, Beat, Beaten, Tokens, Traced};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const TRACED: &str = "telemetry: { otlp: \"http://127.0.0.1:4318\", access_log: off }\n";
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// A client's own span.
fn client(flags: &str) -> String {
    format!("00-{TRACE}-1111111111111111-{flags}")
}

fn with_sidecar(yaml: &str) -> Rc<Gateway> {
    let (config, _) = config::parse(yaml).unwrap();
    let ports = crate::gateway::Ports { has_sidecar: true, ..Host::default().ports(1) };
    Rc::new(Gateway::new(config, ports, |_| Some("secret".into())).unwrap_or_else(|error| panic!("{error}")))
}

fn traced() -> Rc<Gateway> {
    with_sidecar(&format!("{OPEN}{TRACED}"))
}

/// What the next beat tells.
fn told(gateway: &Gateway) -> Vec<Traced> {
    static LATER: AtomicU64 = AtomicU64::new(NOW);
    let later = LATER.fetch_add(60_000, Ordering::Relaxed);
    let (beat, call) = beat(gateway, later);
    let answer = wire::encode(&Beaten { envoys: 1, ..Beaten::default() });
    let _ = gateway.called(&call, Reply::Answer { status: 200, body: &answer }, later);
    beat.traces
}

fn beat(gateway: &Gateway, now: u64) -> (Beat, Call) {
    let call = gateway.due(now).into_iter().find(|call| call.path == wire::BEAT).expect("a beat");
    (wire::decode(&call.body).unwrap(), call)
}

fn traceparent(done: &Done) -> Option<&str> {
    done.request_headers.as_ref().and_then(|headers| headers.text("traceparent"))
}

#[test]
fn a_request_over_two_attempts_is_told_once_with_both() {
    let gateway = traced();
    let client = client("01");
    let headers: [(&'static str, &[u8]); 1] = [("traceparent", client.as_bytes())];
    let (mut front, done) = admitted_by(gateway.clone(), &headers, CHAT);
    let exchange = done.exchange.unwrap();
    let (mut first, to_first) = sent(&exchange, "openai");
    let _ = answer(&mut first, 500, b"application/json", "{}");
    let (mut second, to_second) = sent(&exchange, "claude");
    let claude = r#"{"id":"m","type":"message","model":"claude","content":[{"type":"text","text":"Hi"}],"stop_reason":"max_tokens","usage":{"input_tokens":9,"cache_read_input_tokens":4,"output_tokens":2}}"#;
    let _ = answer(&mut second, 200, b"application/json", claude);
    let _ = front.step(NOW + 5, FrontEvent::Closed);
    assert_eq!(told(&gateway), [], "while somebody holds it, it is not over");
    drop((front, first, second, exchange));
    let [traced]: [Traced; 1] = told(&gateway).try_into().unwrap();
    assert_eq!(told(&gateway), []);

    assert_eq!(format!("{:032x}", u128::from_be_bytes(*traced.trace)), TRACE);
    assert_eq!((traced.parent, traced.began, traced.status), (Some(0x1111_1111_1111_1111), NOW, 200));
    let said = |text: &Option<String>| text.clone().unwrap_or_default();
    assert_eq!(
        (traced.operation.as_str(), traced.outcome.as_str(), said(&traced.model)),
        ("chat", "ok", "smart".into())
    );
    assert_eq!((traced.stream, said(&traced.finish)), (Some(false), "length".into()));
    assert_eq!(traced.tokens, Some(Tokens { input: 13, output: 2, cached: 4, ..Tokens::default() }));
    assert_eq!(traced.cost_microusd, Some(58));
    assert_eq!(traced.path, "/v1/chat/completions", "without its query");
    let tries: Vec<_> = traced.tries.iter().map(|one| (one.provider.as_str(), one.error.as_deref())).collect();
    assert_eq!(tries, [("openai", Some("server_error")), ("claude", None)]);
    for (one, sent) in traced.tries.iter().zip([&to_first, &to_second]) {
        assert_eq!(traceparent(sent), Some(format!("00-{TRACE}-{:016x}-01", one.span).as_str()), "its own attempt");
    }
    let spans = BTreeSet::from_iter(traced.tries.iter().map(|one| one.span).chain([traced.span]));
    assert_eq!(spans.len(), 3);
}

#[test]
fn what_ends_without_a_provider_is_told_too() {
    let key = format!("tenants: {{ t: {{ key_sha256: {} }} }}\n", hex_sha256("client-key"));
    let gateway = with_sidecar(&format!("{OPEN}{TRACED}{key}"));
    let bearer: [(&'static str, &[u8]); 1] = [("authorization", b"Bearer client-key")];
    let long = "m".repeat(4_000);
    let (mut front, _) = admitted_by(gateway.clone(), &bearer, &CHAT.replace("smart", &long));
    let _ = front.step(NOW + 7, FrontEvent::Closed);
    let _ = front.step(NOW + 9, FrontEvent::Closed);
    let [refused]: [Traced; 1] = told(&gateway).try_into().unwrap();
    assert_eq!((refused.outcome.as_str(), refused.status, refused.millis), ("client_error", 404, 7));
    assert_eq!((refused.tenant.as_deref(), refused.tries.len()), (Some("t"), 0));
    assert!(refused.model.is_some_and(|model| long.starts_with(&model) && model.len() < 1_000), "made up, and cut");

    // For its headers alone.
    let size = ("content-length", b"99999999999".as_slice());
    let (mut front, _) = admitted_by(gateway.clone(), &[bearer[0], size], CHAT);
    let _ = front.step(NOW, FrontEvent::Closed);
    let [refused]: [Traced; 1] = told(&gateway).try_into().unwrap();
    assert_eq!((refused.outcome.as_str(), refused.status, refused.model), ("client_error", 413, None));
    assert_eq!((refused.operation.as_str(), refused.tenant.as_deref()), ("chat", Some("t")));
    // Nobody whom Weir does not know makes a span, even where a span is asked for.
    let (client, unknown) = (client("01"), ("authorization", b"Bearer x".as_slice()));
    for (path, key) in [("/v1/chat/completions", unknown), ("/nowhere", bearer[0])] {
        let headers = [key, ("traceparent", client.as_bytes())];
        let (mut front, done) = admitted_at(gateway.clone(), path, &headers, CHAT);
        assert!(done.reply.is_some_and(|(status, _)| [401, 404].contains(&status)), "{path}");
        let _ = front.step(NOW, FrontEvent::Closed);
        assert_eq!(told(&gateway), [], "{path}");
    }

    let (mut front, done) = admitted_by(gateway.clone(), &bearer, CHAT);
    let exchange = done.exchange.unwrap();
    for provider in ["openai", "claude"] {
        let (mut attempt, _) = sent(&exchange, provider);
        let _ = answer(&mut attempt, 429, b"application/json", "{}");
    }
    drop(exchange);
    let _ = front.step(NOW, FrontEvent::ResponseHeaders { status: 400, details: "" });
    let _ = front.step(NOW + 3, FrontEvent::Closed);
    drop(front);
    let [failed]: [Traced; 1] = told(&gateway).try_into().unwrap();
    assert_eq!((failed.outcome.as_str(), failed.status, failed.tries.len()), ("upstream_429", 429, 2));
}

#[test]
fn a_client_says_whether_it_is_traced_and_else_it_is_chance() {
    let gateway = |percent: u32| {
        let telemetry = TRACED.replace("access_log", &format!("trace_percent: {percent}, access_log"));
        with_sidecar(&format!("{OPEN}{telemetry}"))
    };
    let is_told = |gateway: &Rc<Gateway>, traceparent: Option<&str>| {
        let headers: Vec<(&'static str, &[u8])> =
            traceparent.iter().map(|text| ("traceparent", text.as_bytes())).collect();
        let (mut front, done) = admitted_by(gateway.clone(), &headers, CHAT);
        let (attempt, to_provider) = sent(&done.exchange.unwrap(), "openai");
        let _ = front.step(NOW, FrontEvent::Closed);
        drop((front, attempt));
        (told(gateway).len(), self::traceparent(&to_provider).unwrap_or_default().to_owned())
    };
    for (percent, traceparent, expected) in [
        (0, Some(client("01")), Some("-01")),
        (0, Some(client("fb")), Some("-03")),
        (100, Some(client("00")), None),
        (100, Some(client("02")), None),
        (100, None, Some("-01")),
        (100, Some("nonsense".to_owned()), Some("-01")),
        (0, None, None),
    ] {
        let (count, sent) = is_told(&gateway(percent), traceparent.as_deref());
        assert_eq!(count, usize::from(expected.is_some()), "{percent} {traceparent:?}");
        let flags = if traceparent == Some(client("02")) { "-02" } else { expected.unwrap_or("-00") };
        assert!(sent.ends_with(flags), "{sent}: that its id was made by lot stays, what nobody knows does not");
        let is_clients = traceparent.is_some_and(|text| text.starts_with("00-"));
        assert_eq!(sent.contains(TRACE), is_clients, "{sent}");
    }
    let half = gateway(50);
    let traced = (0..400u32).filter(|number| {
        let mut front = Front::new(half.clone(), *number);
        let list: [(&'static str, &[u8]); 3] =
            [(":method", b"POST"), (":path", b"/v1/chat/completions"), ("x-request-id", b"the same")];
        let _ = front.step(NOW, FrontEvent::RequestHeaders { headers: &headers(&list) });
        let _ = front.step(NOW, FrontEvent::Closed);
        told(&half).len() == 1
    });
    let count = traced.count();
    assert!((140..=260).contains(&count), "{count} of 400");
}

#[test]
fn calls_go_on_in_the_trace_of_their_request_if_that_is_sampled() {
    let cached = "{ targets: [openai/gpt-5.6], cache: { exact: { ttl: 1h } } }";
    let yaml = OPEN.replace("[openai/gpt-5.6, claude/claude-sonnet-4-6]", cached);
    for (telemetry, flags, is_told) in [(TRACED, "01", true), (TRACED, "00", false), ("", "01", false)] {
        let gateway = with_sidecar(&format!("{yaml}{telemetry}"));
        let client = client(flags);
        let (mut front, asked) = admitted_by(gateway.clone(), &[("traceparent", client.as_bytes())], CHAT);
        let parent = asked.calls.first().expect("a call").traceparent.clone();
        let _ = front.step(NOW, FrontEvent::Closed);
        let own = told(&gateway).first().map(|traced| format!("00-{TRACE}-{:016x}-01", traced.span));
        assert_eq!((parent.is_some(), parent), (is_told, own), "its own span, and not its client's");
    }
}

#[test]
fn a_prompt_is_told_only_where_its_tenant_wants_that() {
    for (wish, expected) in [
        ("", None),
        (", trace_prompts: false", None),
        (", trace_prompts: true", Some(r#"[{"parts":[{"content":"Hi","type":"text"}],"role":"user"}]"#)),
    ] {
        let key = format!("tenants: {{ t: {{ key_sha256: {}{wish} }} }}\n", hex_sha256("client-key"));
        let gateway = with_sidecar(&format!("{OPEN}{TRACED}{key}"));
        let (mut front, done) = admitted_by(gateway.clone(), &[("authorization", b"Bearer client-key")], CHAT);
        let (attempt, _) = sent(&done.exchange.unwrap(), "openai");
        let _ = front.step(NOW, FrontEvent::Closed);
        drop((front, attempt));
        let [traced]: [Traced; 1] = told(&gateway).try_into().unwrap();
        assert_eq!(traced.prompt.as_deref(), expected, "{wish}");
    }
}

#[test]
fn a_prompt_is_told_of_an_answer_from_the_cache_too() {
    let key = format!("tenants: {{ t: {{ key_sha256: {}, trace_prompts: true }} }}\n", hex_sha256("client-key"));
    let kept = "{ targets: [openai/gpt-5.6], cache: { exact: { ttl: 1h } } }";
    let yaml = OPEN.replace("[openai/gpt-5.6, claude/claude-sonnet-4-6]", kept);
    let gateway = with_sidecar(&format!("{yaml}{TRACED}{key}"));
    let ask = || {
        let (mut front, mut done) = admitted_by(gateway.clone(), &[("authorization", b"Bearer client-key")], CHAT);
        if !done.calls.is_empty() {
            done = self::done(front.step(NOW, FrontEvent::Looked { found: None }));
        }
        (front, done)
    };
    let (mut front, done) = ask();
    let (mut attempt, _) = sent(&done.exchange.unwrap(), "openai");
    let whole = ANSWER.replace(r#""Hello"}"#, r#""Hello"},"finish_reason":"stop""#);
    let _ = answer(&mut attempt, 200, b"application/json", &whole);
    let _ = front.step(NOW, FrontEvent::Closed);
    drop((front, attempt));
    for _ in 0..2 {
        let (mut front, hit) = ask();
        assert_eq!(hit.reply.unwrap().0, 200);
        let _ = front.step(NOW, FrontEvent::Closed);
    }
    let told = told(&gateway);
    let hits: Vec<_> = told.iter().map(|one| (one.cache.as_deref().unwrap_or_default(), one.stream)).collect();
    // The first found no store.
    assert_eq!(hits, [("bypass", Some(false)), ("hit", Some(false)), ("hit", Some(false))]);
    assert!(told.iter().all(|one| one.prompt.as_deref().is_some_and(|prompt| prompt.contains("Hi"))), "{told:?}");
}

#[test]
fn only_the_clients_own_tracestate_goes_on_and_is_told() {
    for (traceparent, is_clients) in [(client("01"), true), ("nonsense".to_owned(), false)] {
        let gateway = traced();
        let list: [(&'static str, &[u8]); 2] = [("traceparent", traceparent.as_bytes()), ("tracestate", b"vendor=1")];
        let (mut front, done) = admitted_by(gateway.clone(), &list, CHAT);
        let mut attempt = Attempt::begin(done.exchange.unwrap(), "openai", NOW).unwrap();
        let event = AttemptEvent::RequestHeaders { traceparent: Some("00-of-envoy"), tracestate: Some("vendor=1") };
        let request = self::done(attempt.step(NOW, event)).request_headers.unwrap();
        let _ = front.step(NOW, FrontEvent::Closed);
        drop((front, attempt));
        let [traced]: [Traced; 1] = told(&gateway).try_into().unwrap();
        let expected = is_clients.then_some("vendor=1");
        assert_eq!((request.text("tracestate"), traced.state.as_deref()), (expected, expected), "{traceparent}");
        assert_eq!(traced.scheme.as_deref(), Some("http"));
    }
}

#[test]
fn several_traceparents_are_none_and_several_tracestates_one_list() {
    let (one, other) = (client("01"), client("01").replace('4', "5"));
    let (one, other) = (("traceparent", one.as_bytes()), ("traceparent", other.as_bytes()));
    let states: [(&'static str, &[u8]); 4] =
        [("tracestate", b""), ("tracestate", b"foo=1,bar=2"), ("tracestate", b""), ("tracestate", b"rojo=1")];
    for (parents, expected) in [(vec![one], Some("foo=1,bar=2,rojo=1")), (vec![one, other], None), (vec![], None)] {
        let gateway = traced();
        let list: Vec<_> = parents.iter().chain(&states).copied().collect();
        let (mut front, done) = admitted_by(gateway.clone(), &list, CHAT);
        let to_attempt = done.request_headers.unwrap();
        let (parent, state) = (to_attempt.text("traceparent"), to_attempt.text("tracestate"));
        assert_eq!((to_attempt.all("tracestate").count(), state), (1, Some("foo=1,bar=2,rojo=1")), "{parents:?}");
        let mut attempt = Attempt::begin(done.exchange.unwrap(), "openai", NOW).unwrap();
        let event = AttemptEvent::RequestHeaders { traceparent: parent, tracestate: state };
        let request = self::done(attempt.step(NOW, event)).request_headers.unwrap();
        assert_eq!(request.text("tracestate"), expected, "{parents:?}");
        let _ = front.step(NOW, FrontEvent::Closed);
        drop((front, attempt));
        let told = told(&gateway);
        let told = told.first().unwrap();
        assert_eq!((told.state.as_deref(), told.parent.is_some()), (expected, parents.len() == 1), "{parents:?}");
    }
    // Nor does it go on where there are no traces.
    let (_, done) = admitted(OPEN, &[one, other], CHAT);
    assert_eq!(done.request_headers.unwrap().text("traceparent"), None);
}

#[test]
fn a_client_that_leaves_between_two_attempts_has_waited_for_the_first() {
    let gateway = traced();
    let (mut front, done) = admitted_by(gateway.clone(), &[], CHAT);
    let (mut attempt, _) = sent(&done.exchange.unwrap(), "openai");
    let head = headers(&[]);
    let _ = attempt.step(NOW + 10_000, AttemptEvent::ResponseHeaders { status: 500, headers: &head, end: true });
    drop(attempt);
    let _ = front.step(NOW + 12_000, FrontEvent::Closed);
    drop(front);
    let [traced]: [Traced; 1] = told(&gateway).try_into().unwrap();
    assert_eq!((traced.outcome.as_str(), traced.millis, traced.tries[0].millis), ("aborted", 12_000, 10_000));
}

#[test]
fn without_a_collector_the_clients_trace_goes_on_as_it_is() {
    let (_, done) = admitted(OPEN, &[], CHAT);
    let (_, request) = sent(&done.exchange.unwrap(), "openai");
    assert_eq!(traceparent(&request), Some("00-trace-span-01"));
}

#[test]
fn what_waits_to_be_told_is_bounded_and_what_is_lost_is_counted() {
    let host = Host::default();
    let (config, _) = config::parse(&format!("{OPEN}{TRACED}")).unwrap();
    let ports = crate::gateway::Ports { has_sidecar: true, ..host.ports(1) };
    let gateway = Rc::new(Gateway::new(config, ports, |_| Some("secret".into())).unwrap_or_else(|e| panic!("{e}")));
    for ticket in 0..1_003 {
        let mut front = Front::new(gateway.clone(), ticket);
        let list: [(&'static str, &[u8]); 2] = [(":method", b"POST"), (":path", b"/v1/chat/completions")];
        let _ = front.step(NOW, FrontEvent::RequestHeaders { headers: &headers(&list) });
        let _ = front.step(NOW, FrontEvent::Closed);
    }
    assert_eq!(host.stat("weir.traces_lost"), 3);
    let (beat, call) = beat(&gateway, NOW + 60_000);
    assert_eq!(beat.traces.len(), 250);
    let _ = gateway.called(&call, Reply::None, NOW + 60_001);
    assert_eq!(host.stat("weir.traces_lost"), 253, "what a beat that got lost has told");
}

#[test]
fn long_prompts_are_told_in_several_beats() {
    let key = format!("tenants: {{ t: {{ key_sha256: {}, trace_prompts: true }} }}\n", hex_sha256("client-key"));
    let gateway = with_sidecar(&format!("{OPEN}{TRACED}{key}"));
    let long = format!("[{}]", vec![format!(r#"{{"role":"user","content":"{}"}}"#, "w".repeat(4_000)); 5].join(","));
    let body = CHAT.replace(r#"[{"role":"user","content":"Hi"}]"#, &long);
    for _ in 0..200 {
        let (mut front, done) = admitted_by(gateway.clone(), &[("authorization", b"Bearer client-key")], &body);
        let (attempt, _) = sent(&done.exchange.unwrap(), "openai");
        let _ = front.step(NOW, FrontEvent::Closed);
        drop((front, attempt));
    }
    let (mut beats, mut count) = (0, 0);
    while count < 200 {
        let traces = told(&gateway);
        assert!(
            !traces.is_empty() && wire::encode(&Beat { traces: traces.clone(), ..Beat::default() }).len() <= 1 << 20
        );
        (beats, count) = (beats + 1, count + traces.len());
    }
    assert!(beats > 2 && count == 200, "{beats} beats, {count} requests");
}
