//! How a request ends, how it waits, and what is counted of it.

use super::super::{AttemptEvent, Exchange, Front, FrontEvent, Waker};
use super::{ANSWER, CHAT, NOW, OPEN, STREAM, admitted_by, answer, done, gateway_on, headers, sent};
use crate::testing::Host;
use std::rc::Rc;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// How often requests of `smart` ended so.
fn ended(host: &Host, outcome: &str) -> u64 {
    host.stat(&format!("weir.requests;model=smart;;tenant=-;;outcome={outcome};"))
}

#[test]
fn a_request_is_counted_once_when_nobody_holds_it_any_more() {
    let host = Host::default();
    let gateway = gateway_on(&host, OPEN);
    let (front, done) = admitted_by(gateway.clone(), &[], CHAT);
    let exchange = done.exchange.unwrap();
    let (mut attempt, _) = sent(&exchange, "openai");
    let _ = answer(&mut attempt, 200, b"application/json", ANSWER);
    drop((front, exchange));
    assert_eq!(ended(&host, "ok"), 0);
    drop(attempt);
    assert_eq!(ended(&host, "ok"), 1);
    assert_eq!(host.stat("weir.attempts;provider=openai;;model=gpt-5.6;;result=ok;"), 1);
    assert_eq!(host.stat("weir.request_duration_ms;model=smart;"), 1);
    assert_eq!(host.stat("weir.overhead_us"), 1, "of its first attempt alone");
}

#[test]
fn a_refusal_counts_under_the_model_that_was_asked_for() {
    let nowhere: (&'static str, &[u8]) = ("x-weir-route", b"nowhere");
    for (asked, headers, label) in
        [("smart", vec![nowhere], "smart"), ("openai/gpt-5.6", vec![nowhere], "direct"), ("smarter", vec![], "-")]
    {
        let host = Host::default();
        let (mut front, done) = admitted_by(gateway_on(&host, OPEN), &headers, &CHAT.replace("smart", asked));
        assert!(done.reply.is_some_and(|(status, ..)| [400, 404].contains(&status)), "{asked}");
        assert_eq!(host.stat(&format!("weir.requests;model={label};;tenant=-;;outcome=client_error;")), 1, "{asked}");
        let line = front.log(NOW).unwrap();
        assert!(line.contains(&format!(r#""request_model":"{asked}""#)), "{line}");
    }
}

#[test]
fn how_a_request_ended_is_told_apart() {
    let events: &[u8] = b"text/event-stream";
    let text = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi\"}}]}\n\n";
    let run = |outcome: &str, ends: &dyn Fn(&mut Front, &Rc<Exchange>)| {
        let host = Host::default();
        let (mut front, done) = admitted_by(gateway_on(&host, OPEN), &[], STREAM);
        let exchange = done.exchange.unwrap();
        ends(&mut front, &exchange);
        drop((front, exchange));
        assert_eq!(ended(&host, outcome), 1, "{outcome}");
        assert_eq!(host.stat("weir.inflight;provider=openai;"), 0);
    };
    let running = |exchange: &Rc<Exchange>| {
        let (mut attempt, _) = sent(exchange, "openai");
        let headers = headers(&[("content-type", events)]);
        let _ = attempt.step(NOW, AttemptEvent::ResponseHeaders { status: 200, headers: &headers, end: false });
        let _ = attempt.step(NOW, AttemptEvent::ResponseBody { chunk: text.as_bytes(), end: false });
        attempt
    };
    run("aborted", &|front, exchange| {
        let mut attempt = running(exchange);
        let _ = front.step(NOW, FrontEvent::Closed);
        let _ = attempt.step(NOW, AttemptEvent::Closed { details: "downstream_remote_disconnect" });
    });
    run("cut", &|_, exchange| {
        let _ = running(exchange).step(NOW, AttemptEvent::Closed { details: "via_upstream" });
    });
    run("timeout", &|front, exchange| {
        let later = NOW + 10_000;
        let (mut first, _) = sent(exchange, "openai");
        let _ = first.step(later, AttemptEvent::Closed { details: "" });
        let (mut second, _) = sent(exchange, "claude");
        let _ = second.step(later + 10_000, AttemptEvent::Closed { details: "" });
        let event = FrontEvent::ResponseHeaders { status: 504, details: "upstream_per_try_timeout" };
        let _ = front.step(later + 10_000, event);
    });
    run("upstream_5xx", &|front, exchange| {
        for provider in ["openai", "claude"] {
            let (mut attempt, _) = sent(exchange, provider);
            let _ = attempt.step(NOW, AttemptEvent::Closed { details: "" });
        }
        let _ = front.step(NOW, FrontEvent::ResponseHeaders { status: 503, details: "" });
    });
}

#[test]
fn no_request_makes_a_stat() {
    let host = Host::default();
    let gateway = gateway_on(&host, OPEN);
    let before = host.stats();
    for number in 0..500 {
        for model in [format!("model-{number}"), format!("openai/model-{number}"), format!("claude/m;x={number};")] {
            let (_, done) = admitted_by(gateway.clone(), &[], &CHAT.replace("smart", &model));
            if let Some(exchange) = done.exchange {
                let provider = if model.starts_with("openai") { "openai" } else { "claude" };
                let (mut attempt, _) = sent(&exchange, provider);
                let _ = answer(&mut attempt, 200, b"application/json", ANSWER);
            }
        }
    }
    assert_eq!(host.stats(), before);
    assert_eq!(host.stat("weir.attempts;provider=openai;;model=other;;result=ok;"), 500);
    assert_eq!(host.stat("weir.requests;model=direct;;tenant=-;;outcome=ok;"), 500);
}

#[test]
fn who_finds_no_room_waits_for_its_turn() {
    let host = Host::default();
    let yaml = OPEN
        .replace("api_key: $OPENAI_API_KEY", "api_key: $OPENAI_API_KEY, limits: { concurrency: 1 }")
        .replace("[openai/gpt-5.6, claude/claude-sonnet-4-6]", "[openai/gpt-5.6]");
    let gateway = gateway_on(&host, &yaml);
    let (_front, first) = admitted_by(gateway.clone(), &[], CHAT);
    let (mut waiting, done_) = admitted_by(gateway.clone(), &[], CHAT);
    assert_eq!((done_.waits, done_.request_body.as_deref()), (Some(Waker::Turn), Some("x")));
    gateway.show(1 << 20, NOW + 3);
    assert_eq!((host.stat("weir.oldest_wait_ms"), host.stat("weir.vm_memory_bytes")), (3, 1 << 20));
    assert_eq!((host.stat("weir.waiting"), host.stat("weir.inflight;provider=openai;")), (1, 1));
    gateway.traffic.begin_round();
    assert_eq!(done(waiting.step(NOW + 5, FrontEvent::Turn)).waits, Some(Waker::Turn));
    gateway.traffic.end_round(NOW + 5);
    drop(first.exchange);
    drop(_front);
    let went = done(waiting.step(NOW + 50, FrontEvent::Turn));
    let exchange = went.exchange.unwrap();
    assert!(went.request_body.is_none());
    let (_attempt, _) = sent(&exchange, "openai");
    assert_eq!(host.stat("weir.overhead_us"), 0, "its wait is no work of ours");
    gateway.show(1 << 20, NOW + 60);
    assert_eq!(host.stat("weir.oldest_wait_ms"), 0);
    assert_eq!(went.request_headers.unwrap().text("x-envoy-upstream-rq-timeout-ms"), Some("119950"));
    assert_eq!((host.stat("weir.wait_ms"), gateway.traffic.waiting()), (1, 0));

    let (mut late, _) = admitted_by(gateway.clone(), &[], CHAT);
    let (status, body) = done(late.step(NOW + 2_000, FrontEvent::Turn)).reply.unwrap();
    assert_eq!(status, 429);
    let log = late.log(NOW + 2_000).unwrap();
    assert!(log.contains("\"wait_ms\":2000,"), "it waited in vain: {log}");
    assert!(body.contains("concurrent requests"), "{body}");
    let (mut left, _) = admitted_by(gateway.clone(), &[], CHAT);
    let log = left.log(NOW + 700).unwrap();
    let told = ["\"request_model\":\"smart\"", "\"outcome\":\"aborted\"", "\"wait_ms\":700,"];
    assert!(told.iter().all(|part| log.contains(part)), "{log}");
    let _ = left.step(NOW, FrontEvent::Closed);
    assert_eq!(gateway.traffic.waiting(), 0, "who leaves frees its place");
    assert_eq!((ended(&host, "limited"), ended(&host, "aborted")), (1, 2));
}

#[test]
fn a_hedge_that_fails_does_not_end_the_one_that_would_answer() {
    let (_front, admitted) = admitted_by(gateway_on(&Host::default(), OPEN), &[], CHAT);
    let exchange = admitted.exchange.unwrap();
    let (mut first, _) = sent(&exchange, "openai");
    let (mut hedge, _) = sent(&exchange, "claude");
    let failed = answer(&mut first, 500, b"application/json", "");
    assert_eq!(super::status(&failed), "502", "a status that Envoy discards while the other is under way");
    let last = answer(&mut hedge, 500, b"application/json", "");
    assert_eq!(super::status(&last), "501", "and now there is nobody left");
}

#[test]
fn a_clients_short_deadline_is_not_the_providers_fault() {
    let gateway = gateway_on(&Host::default(), OPEN);
    let chain = || {
        let (_front, admitted) = admitted_by(gateway.clone(), &[("x-weir-deadline-ms", b"50")], CHAT);
        let chain = admitted.request_headers.unwrap().text("x-weir-chain").map(str::to_owned);
        let (mut attempt, _) = sent(&admitted.exchange.unwrap(), "openai");
        let _ = attempt.step(NOW + 50, AttemptEvent::Closed { details: "" });
        chain
    };
    for number in 0..10 {
        assert_eq!(chain().as_deref(), Some("chain:openai+claude"), "after {number}");
    }
}

#[test]
fn who_envoy_has_ejected_by_its_own_count_is_left_alone_for_a_while() {
    let host = Host::default();
    let yaml = OPEN.replace("[openai/gpt-5.6, claude/claude-sonnet-4-6]", "[openai/gpt-5.6]");
    let gateway = gateway_on(&host, &yaml);
    let (mut front, _) = admitted_by(gateway.clone(), &[], CHAT);
    let event = FrontEvent::ResponseHeaders { status: 503, details: "no_healthy_upstream" };
    let (status, body) = done(front.step(NOW, event)).reply.unwrap();
    assert_eq!(status, 503);
    assert!(body.contains("no_target_available"), "{body}");
    let (status, _) = admitted_by(gateway, &[], CHAT).1.reply.unwrap();
    assert_eq!((status, ended(&host, "upstream_5xx")), (503, 2), "at once, and not as a limit of ours");
}

#[test]
fn a_refused_credential_is_not_tried_again_where_nobody_else_follows() {
    let yaml = OPEN.replace(
        "smart: [openai/gpt-5.6, claude/claude-sonnet-4-6]",
        "smart: { targets: [openai/gpt-5.6], retries: { per_target: 1 } }",
    );
    for (status, expect) in [(401, "400"), (500, "502")] {
        let exchange = admitted_by(gateway_on(&Host::default(), &yaml), &[], CHAT).1.exchange.unwrap();
        let (mut attempt, _) = sent(&exchange, "openai");
        let body = r#"{"error":{"message":"no"}}"#;
        assert_eq!(super::status(&answer(&mut attempt, status, b"application/json", body)), expect);
    }
}
