//! Requests that come again byte by byte.

use super::*;
use crate::cache::Repeats;
use crate::testing::hex_sha256;
use crate::wire::{self, Beat};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[cfg(not(target_arch = "wasm32"))]
mod properties;

const TTL: u64 = 60_000;

fn kept(tenants: bool, repeats: bool) -> Rc<Gateway> {
    let mut yaml = "
providers:
  openai: { kind: openai, api_key: $OPENAI_API_KEY }
  other: { kind: openai, api_key: $OTHER_API_KEY }
models:
  smart: { targets: [openai/gpt-5.6, other/gpt-5.6], cache: { exact: { ttl: 60s } } }
  plain: { targets: [other/gpt-5.6], cache: { exact: { ttl: 60s } } }
"
    .to_owned();
    if tenants {
        for name in ["a", "b"] {
            yaml += &format!(
                "{}  {name}: {{ key_sha256: {} }}\n",
                if name == "a" { "tenants:\n" } else { "" },
                hex_sha256(name)
            );
        }
    }
    let gateway = gateway(&yaml);
    if !repeats {
        *gateway.repeats.borrow_mut() = Repeats::new(0);
    }
    gateway
}

/// One request, answered by who it goes to with `text` if it is not in the cache. Its status, headers and body.
fn ask(gateway: &Rc<Gateway>, extra: &[(&'static str, &[u8])], body: &str, text: &str, now: u64) -> String {
    let mut front = Front::new(gateway.clone(), 1);
    let mut list: Vec<(&'static str, &[u8])> =
        vec![(":method", b"POST"), (":authority", b"weir"), (":scheme", b"http")];
    list.extend_from_slice(extra);
    if !extra.iter().any(|(name, _)| *name == ":path") {
        list.push((":path", b"/v1/chat/completions"));
    }
    let _ = front.step(now, FrontEvent::RequestHeaders { headers: &headers(&list) });
    let asked = done(front.step(now, FrontEvent::RequestComplete { body: body.as_bytes().to_vec(), micros: 0 }));
    if let Some((status, body)) = asked.reply {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let pairs = asked.reply_headers.iter().flat_map(Headers::iter);
        let headers: Vec<_> = pairs.map(|(name, value)| format!("{}: {}", text(name), text(value))).collect();
        return format!("{status} {headers:?} {body}");
    }
    let exchange = asked.exchange.expect("it goes to a provider");
    let provider = exchange.slots[0].provider.clone();
    let is_stream = exchange.task.is_stream();
    let mut attempt = Attempt::begin(exchange, &provider, now).unwrap();
    let _ = attempt.step(now, AttemptEvent::RequestHeaders { traceparent: None, tracestate: None });
    let _ = attempt.step(now, AttemptEvent::RequestBody { micros: 0 });
    let said = |name: &str| {
        format!(
            r#"{{"id":"c","model":"m","choices":[{{"index":0,"{name}":{{"role":"assistant","content":"{text} by {provider}"}},"finish_reason":"stop"}}]}}"#
        )
    };
    let (kind, answer): (&[u8], String) = match is_stream {
        true => (b"text/event-stream", format!("data: {}\n\ndata: [DONE]\n\n", said("delta"))),
        false => (b"application/json", said("message")),
    };
    let list = headers(&[("content-type", kind)]);
    let _ = attempt.step(now, AttemptEvent::ResponseHeaders { status: 200, headers: &list, end: false });
    let answered = done(attempt.step(now, AttemptEvent::ResponseBody { chunk: answer.as_bytes(), end: true }));
    drop(attempt);
    let _ = front.step(now, FrontEvent::Closed);
    format!("asked {:?}", answered.response_body)
}

#[test]
fn a_request_that_comes_again_is_answered_unread_until_its_entry_is_gone() {
    let gateway = kept(false, true);
    let asks = |text, now| ask(&gateway, &[], CHAT, text, now);
    assert!(asks("one", NOW).contains("asked"));
    let read = asks("two", NOW + 1_000);
    assert!(read.contains("one by openai") && read.contains("hit"), "{read}");
    let told = gateway.repeats.borrow().bytes();
    assert!(told > 0, "it is known by its bytes now");
    assert_eq!(asks("three", NOW + 1_000), read);
    assert_eq!(gateway.repeats.borrow().bytes(), told);
    assert_eq!(asks("four", NOW + 5_000), read.replace("age: 1", "age: 5"));
    assert!(asks("five", NOW + TTL).contains("five"), "its time is over");
    assert!(asks("six", NOW + TTL).contains("five"), "the later answer, not the one that was told before");
}

#[test]
fn a_client_that_wants_a_new_answer_is_not_given_the_old_one() {
    let gateway = kept(false, true);
    let asks = |mode: &'static [u8], text| ask(&gateway, &[("x-weir-cache", mode)], CHAT, text, NOW);
    for text in ["one", "two", "three"] {
        ask(&gateway, &[], CHAT, text, NOW);
    }
    assert!(asks(b"only", "four").contains("one by"));
    assert!(asks(b"no-store", "five").contains("five by"));
    assert!(asks(b"refresh", "six").contains("six by"));
    assert!(asks(b"only", "seven").contains("six by"), "what was told before is not the entry any more");
}

#[test]
fn hits_are_reported_together_and_each_counts() {
    let (config, _) = config::parse(
        "
providers:
  openai: { kind: openai, api_key: $OPENAI_API_KEY }
models:
  smart: { targets: [openai/gpt-5.6], cache: { exact: { ttl: 60s } } }
",
    )
    .unwrap();
    let ports = crate::gateway::Ports { has_sidecar: true, ..Host::default().ports(1) };
    let gateway = Gateway::new(config, ports, |_| Some("secret".into())).unwrap_or_else(|error| panic!("{error}"));
    let usage = crate::chat::Usage { prompt: 3, completion: 2, cached: 1, ..Default::default() };
    for _ in 0..20_000 {
        gateway.report_hit(None, "smart", Some(usage));
    }
    gateway.report_hit(None, "openai/gpt-5.6", None);
    let reports = |now| -> Vec<wire::Report> {
        let calls = gateway.due(now);
        let beat: Beat = wire::decode(&calls.iter().find(|call| call.path == wire::BEAT).unwrap().body).unwrap();
        beat.reports
    };
    let told: Vec<_> = reports(NOW)
        .into_iter()
        .map(|report| (report.number, report.model, report.more, report.input, report.output, report.cached))
        .collect();
    assert_eq!(told, [(1, "direct".to_owned(), 0, 0, 0, 0), (2, "smart".to_owned(), 19_999, 60_000, 40_000, 20_000)]);
}
