//! What an answer took, where the provider has not said it, or not to its end.

use super::super::AttemptEvent;
use super::{NOW, OPEN, STREAM, admitted_by, answer, headers, sent};
use crate::config;
use crate::gateway::{Gateway, Ports};
use crate::testing::Host;
use crate::wire::{self, Beat, Report};
use std::rc::Rc;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn gateway() -> Rc<Gateway> {
    let (config, _) = config::parse(OPEN).unwrap();
    let ports = Ports { has_sidecar: true, ..Host::default().ports(1) };
    Rc::new(Gateway::new(config, ports, |_| Some("secret".into())).unwrap_or_else(|error| panic!("{error}")))
}

/// What the sidecar is told of the only attempt that used something.
fn report(gateway: &Rc<Gateway>) -> Report {
    let calls = gateway.due(NOW + 1_000);
    let beat = calls.iter().find(|call| call.path == wire::BEAT).expect("a beat");
    let beat: Beat = wire::decode(&beat.body).unwrap();
    let [report] = <[Report; 1]>::try_from(beat.reports).expect("one report");
    report
}

/// A stream of `provider` up to some content; how it ends by `details`, None: the provider closes it.
fn ended(provider: &str, stream: &str, details: Option<&str>) -> Report {
    let gateway = gateway();
    let exchange = admitted_by(gateway.clone(), &[], STREAM).1.exchange.unwrap();
    let (mut attempt, _) = sent(&exchange, provider);
    let head = headers(&[("content-type", b"text/event-stream")]);
    let _ = attempt.step(NOW, AttemptEvent::ResponseHeaders { status: 200, headers: &head, end: false });
    let _ = attempt.step(NOW, AttemptEvent::ResponseBody { chunk: stream.as_bytes(), end: details.is_none() });
    let _ = attempt.step(NOW, AttemptEvent::Closed { details: details.unwrap_or("via_upstream") });
    drop((attempt, exchange));
    report(&gateway)
}

#[test]
fn what_came_of_a_stream_is_paid_for_and_is_an_estimate_of_the_answer() {
    let text = "a".repeat(400);
    let openai = format!("data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n");
    let claude = format!(
        "data: {{\"type\":\"message_start\",\"message\":{{\"usage\":{{\"input_tokens\":5000,\"output_tokens\":1}}}}}}\n\n\
         data: {{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{{\"type\":\"text_delta\",\"text\":\"{text}\"}}}}\n\n"
    );
    for (provider, stream, prompt) in [("openai", &openai, 1..1000), ("claude", &claude, 5000..5001)] {
        for (details, outcome) in
            [(None, "cut"), (Some("via_upstream"), "cut"), (Some("downstream_remote_disconnect"), "aborted")]
        {
            let report = ended(provider, stream, details);
            let case = format!("{provider} {details:?}: {report:?}");
            assert!(report.estimated && prompt.contains(&report.input), "{case}");
            assert!((90..=130).contains(&report.output), "400 bytes are about 100 tokens: {case}");
            assert!(report.cost_microusd.is_some_and(|cost| cost > 0), "{case}");
            assert_eq!(report.outcome, outcome, "{case}");
        }
    }
}

#[test]
fn an_answer_without_usage_is_estimated_and_one_with_it_is_not() {
    for (usage, estimated) in [("null", true), (r#"{"prompt_tokens":3,"completion_tokens":7}"#, false)] {
        let gateway = gateway();
        let exchange = admitted_by(gateway.clone(), &[], super::CHAT).1.exchange.unwrap();
        let (mut attempt, _) = sent(&exchange, "openai");
        let body = format!(
            r#"{{"id":"c","choices":[{{"index":0,"message":{{"role":"assistant","content":"Hello"}}}}],"usage":{usage}}}"#
        );
        let _ = answer(&mut attempt, 200, b"application/json", &body);
        drop((attempt, exchange));
        let report = report(&gateway);
        assert_eq!(report.estimated, estimated, "{report:?}");
        assert!(report.output > 0 && report.input > 0, "{report:?}");
    }
}
