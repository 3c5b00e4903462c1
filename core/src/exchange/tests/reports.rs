//! What the sidecar hears of a request: each attempt once, and once how it ended for its client.

use super::super::{Attempt, AttemptEvent, Exchange, FrontEvent};
use super::{ANSWER, CHAT, NOW, OPEN, STREAM, admitted_by, answer, headers, sent};
use crate::config;
use crate::gateway::{Gateway, Ports};
use crate::testing::Host;
use crate::wire::{self, Beat, Report, Timing};
use std::rc::Rc;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn gateway() -> Rc<Gateway> {
    let (config, _) = config::parse(OPEN).unwrap();
    let ports = Ports { has_sidecar: true, ..Host::default().ports(1) };
    Rc::new(Gateway::new(config, ports, |_| Some("secret".into())).unwrap_or_else(|error| panic!("{error}")))
}

fn reports(gateway: &Gateway) -> Vec<Report> {
    let calls = gateway.due(NOW + 100_000);
    let beat = calls.iter().find(|call| call.path == wire::BEAT).expect("a beat");
    wire::decode::<Beat>(&beat.body).unwrap().reports
}

/// Provider, error, and whether the report's tokens are its own.
fn attempts(report: &Report) -> Vec<(&str, Option<&str>, bool)> {
    report.attempts.iter().map(|had| (had.provider.as_str(), had.error.as_deref(), had.is_billed)).collect()
}

fn streams(exchange: &Rc<Exchange>, provider: &str, at: &[u64]) -> Attempt {
    let (mut attempt, _) = sent(exchange, provider);
    let text = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi\"}}]}\n\n";
    let headers = headers(&[("content-type", b"text/event-stream")]);
    let _ = attempt.step(NOW, AttemptEvent::ResponseHeaders { status: 200, headers: &headers, end: false });
    for millis in at {
        let _ = attempt.step(NOW + millis, AttemptEvent::ResponseBody { chunk: text.as_bytes(), end: false });
    }
    attempt
}

#[test]
fn a_request_is_one_report_with_all_its_attempts() {
    let gateway = gateway();
    let (front, admitted) = admitted_by(gateway.clone(), &[], CHAT);
    let exchange = admitted.exchange.unwrap();
    let (mut first, _) = sent(&exchange, "openai");
    let _ = answer(&mut first, 500, b"application/json", "");
    let mut second = Attempt::begin(exchange.clone(), "claude", NOW + 70).unwrap();
    let head = headers(&[("content-type", b"application/json")]);
    let _ = second.step(NOW + 90, AttemptEvent::ResponseHeaders { status: 200, headers: &head, end: false });
    let message = br#"{"id":"m","model":"claude","content":[{"type":"text","text":"Hi"}],"stop_reason":"end_turn","usage":{"input_tokens":7,"output_tokens":3}}"#;
    let _ = second.step(NOW + 100, AttemptEvent::ResponseBody { chunk: message, end: true });
    drop((front, first, second, exchange));
    let [report] = <[Report; 1]>::try_from(reports(&gateway)).expect("one report");
    assert_eq!(attempts(&report), [("openai", Some("server_error"), false), ("claude", None, true)]);
    assert_eq!(report.attempts[1].timing, Timing { millis: 30, first: None });
    assert_eq!(report.attempts[1].model, "claude-sonnet-4-6");
    assert_eq!(report.request, Some(Timing { millis: 100, first: None }));
    assert_eq!((report.operation.as_str(), report.outcome.as_str(), report.input), ("chat", "ok", 7));
}

#[test]
fn of_a_stream_the_first_chunk_and_the_times_between_chunks_are_told() {
    let gateway = gateway();
    let (front, admitted) = admitted_by(gateway.clone(), &[], STREAM);
    let exchange = admitted.exchange.unwrap();
    let mut attempt = streams(&exchange, "openai", &[50, 60, 95]);
    let _ = attempt.step(NOW + 99, AttemptEvent::ResponseBody { chunk: b"data: [DONE]\n\n", end: true });
    drop((front, attempt, exchange));
    let [report] = <[Report; 1]>::try_from(reports(&gateway)).expect("one report");
    let [attempt] = report.attempts.as_slice() else { panic!("{report:?}") };
    assert_eq!(attempt.timing, Timing { millis: 99, first: Some(50) });
    assert_eq!((attempt.gaps.as_slice(), attempt.gap_millis), (&[1, 0, 1][..], 45));
    assert_eq!(report.request, Some(Timing { millis: 99, first: Some(50) }));
}

#[test]
fn a_hedge_that_ends_after_its_rival_is_told_later_and_is_no_request() {
    let gateway = gateway();
    let (front, admitted) = admitted_by(gateway.clone(), &[], CHAT);
    let exchange = admitted.exchange.unwrap();
    let (mut slow, _) = sent(&exchange, "openai");
    let (mut hedge, _) = sent(&exchange, "claude");
    let message = r#"{"id":"m","model":"claude","content":[{"type":"text","text":"Hi"}],"stop_reason":"end_turn","usage":{"input_tokens":7,"output_tokens":3}}"#;
    let _ = answer(&mut hedge, 200, b"application/json", message);
    let _ = slow.step(NOW + 5, AttemptEvent::Closed { details: "" });
    drop((front, slow, hedge, exchange));
    let told = reports(&gateway);
    let of = |report: &Report| (report.is_further, report.request.is_some());
    assert_eq!(told.iter().map(of).collect::<Vec<_>>(), [(false, true), (true, false)]);
    assert_eq!(attempts(&told[0]), [("claude", None, true)]);
    assert_eq!(attempts(&told[1])[0].1, Some("cancelled"));
}

#[test]
fn a_request_that_nobody_served_and_one_whose_client_left_are_told_once() {
    let gateway = gateway();
    let (mut front, admitted) = admitted_by(gateway.clone(), &[], CHAT);
    let exchange = admitted.exchange.unwrap();
    for provider in ["openai", "claude"] {
        let (mut attempt, _) = sent(&exchange, provider);
        let _ = answer(&mut attempt, 500, b"application/json", "");
    }
    let _ = front.step(NOW + 9, FrontEvent::ResponseHeaders { status: 502, details: "" });
    drop((front, exchange));
    let (front, admitted) = admitted_by(gateway.clone(), &[], STREAM);
    let exchange = admitted.exchange.unwrap();
    let mut attempt = streams(&exchange, "openai", &[20]);
    let _ = attempt.step(NOW + 40, AttemptEvent::Closed { details: "downstream_remote_disconnect" });
    drop((front, attempt, exchange));
    let (front, admitted) = admitted_by(gateway.clone(), &[], CHAT);
    drop((front, admitted));
    let told = reports(&gateway);
    let of = |report: &Report| (report.outcome.clone(), report.request.as_ref().map(|request| request.millis));
    let expected = [("upstream_5xx", Some(9)), ("aborted", Some(40)), ("aborted", Some(0))];
    assert_eq!(told.iter().map(of).collect::<Vec<_>>(), expected.map(|(outcome, at)| (outcome.to_owned(), at)));
    assert_eq!(attempts(&told[0]), [("openai", Some("server_error"), false), ("claude", Some("server_error"), false)]);
    assert_eq!(attempts(&told[1]), [("openai", Some("cancelled"), true)]);
    assert_eq!(attempts(&told[2]), []);
}

#[test]
fn a_model_that_a_client_made_up_is_other() {
    let gateway = gateway();
    let (front, admitted) = admitted_by(gateway.clone(), &[], &CHAT.replace("smart", "openai/made-up"));
    let exchange = admitted.exchange.unwrap();
    let (mut attempt, _) = sent(&exchange, "openai");
    let _ = answer(&mut attempt, 200, b"application/json", ANSWER);
    drop((front, attempt, exchange));
    let told = reports(&gateway);
    assert_eq!((told[0].model.as_str(), told[0].attempts[0].model.as_str()), ("direct", "other"));
}
