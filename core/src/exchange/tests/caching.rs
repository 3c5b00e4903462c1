//! What the cache does to a request: near, far, and on its way to another.

use super::*;
use crate::gateway::Ports;
use crate::sidecar::Reply;
use crate::wire::{self, Answer, Ask, Found, Hit, Put, Wait};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const KEPT: &str = "
providers:
  openai: { kind: openai, api_key: $OPENAI_API_KEY }
models:
  smart: { targets: [openai/gpt-5.6], cache: { exact: { ttl: 1h } } }
  plain: [openai/gpt-5.6]
";

fn kept(has_sidecar: bool) -> Rc<Gateway> {
    let (config, _) = config::parse(KEPT).unwrap();
    let ports = Ports { has_sidecar, ..Host::default().ports(1) };
    Rc::new(Gateway::new(config, ports, |_| Some("secret".into())).unwrap_or_else(|error| panic!("{error}")))
}

fn ask(gateway: &Rc<Gateway>, ticket: u32, mode: Option<&'static [u8]>) -> (Front, Done) {
    let mut front = Front::new(gateway.clone(), ticket);
    let mut list: Vec<(&'static str, &[u8])> =
        vec![(":method", b"POST"), (":path", b"/v1/chat/completions"), (":authority", b"weir"), (":scheme", b"http")];
    list.extend(mode.map(|mode| ("x-weir-cache", mode)));
    let _ = front.step(NOW, FrontEvent::RequestHeaders { headers: &headers(&list) });
    let step = front.step(NOW, FrontEvent::RequestComplete { body: CHAT.as_bytes().to_vec(), micros: 0 });
    (front, done(step))
}

/// The sidecar answers the only call of `asked`.
fn told<T: minicbor::Encode<()> + minicbor::CborLen<()>>(gateway: &Gateway, asked: &Done, answer: &T) -> Option<Found> {
    let [call] = asked.calls.as_slice() else { panic!("{} calls", asked.calls.len()) };
    gateway.called(call, Reply::Answer { status: 200, body: &wire::encode(answer) }, NOW)
}

fn serve(exchange: &Rc<Exchange>) {
    let (mut attempt, _) = sent(exchange, "openai");
    let whole = ANSWER.replace(r#""Hello"}"#, r#""Hello"},"finish_reason":"stop""#);
    let done = answer(&mut attempt, 200, b"application/json", &whole);
    assert_eq!(status(&done), "200");
}

fn cache_header(done: &Done) -> Option<&str> {
    done.reply_headers.as_ref()?.text("x-weir-cache")
}

fn land(gateway: &Gateway, fronts: &mut [&mut Front]) -> Vec<Done> {
    let news = gateway.landed(NOW);
    let step = |(ticket, landed)| {
        let front = fronts.iter_mut().find(|front| front.ticket() == ticket).unwrap();
        done(front.step(NOW, FrontEvent::Landed(landed)))
    };
    news.into_iter().map(step).collect()
}

#[test]
fn identical_requests_of_a_worker_are_one_even_without_a_sidecar() {
    let gateway = kept(false);
    let (first, first_done) = ask(&gateway, 1, None);
    let (mut second, second_done) = ask(&gateway, 2, None);
    let (mut third, _) = ask(&gateway, 3, None);
    assert_eq!((second_done.waits, second_done.exchange.is_none()), (Some(Waker::Flight), true));
    serve(&first_done.exchange.unwrap());
    let landed = land(&gateway, &mut [&mut second, &mut third]);
    assert_eq!(landed.len(), 2);
    for done in landed {
        assert_eq!((done.reply.as_ref().unwrap().0, cache_header(&done)), (200, Some("coalesced")));
    }
    let (_, near) = ask(&gateway, 4, None);
    assert_eq!((near.reply.as_ref().unwrap().0, cache_header(&near)), (200, Some("hit")));
    drop(first);
}

#[test]
fn when_the_first_one_is_gone_the_next_one_looks() {
    let gateway = kept(false);
    let (mut first, first_done) = ask(&gateway, 1, None);
    let (mut second, _) = ask(&gateway, 2, None);
    let (mut third, _) = ask(&gateway, 3, None);
    let (mut gone, _) = ask(&gateway, 4, None);
    let _ = gone.step(NOW, FrontEvent::Closed);
    let _ = first.step(NOW, FrontEvent::Closed);
    drop(first_done);
    let landed = land(&gateway, &mut [&mut second, &mut third]);
    let goes: Vec<bool> = landed.iter().map(|done| done.exchange.is_some()).collect();
    assert_eq!(goes, [true, false], "one asks, one waits for it, and nobody for who left");
    drop(landed);
}

#[test]
fn who_leads_brings_the_answer_for_all() {
    let gateway = kept(true);
    let (mut front, looking) = ask(&gateway, 1, None);
    assert_eq!(looking.waits, Some(Waker::Sidecar));
    let asked: Ask = wire::decode(&looking.calls[0].body).unwrap();
    assert!(asked.lookup.as_ref().unwrap().leads);
    let found = told(&gateway, &looking, &Answer { found: Some(Found::Lead), leases: vec![] });
    let done = done(front.step(NOW, FrontEvent::Looked { found }));
    serve(&done.exchange.unwrap());
    let puts: Vec<Put> = gateway
        .due(NOW)
        .iter()
        .filter(|call| call.path == wire::PUT)
        .map(|call| wire::decode(&call.body).unwrap())
        .collect();
    let [put] = puts.as_slice() else { panic!("{} puts", puts.len()) };
    assert_eq!((put.token, put.ttl), (asked.lookup.unwrap().token, 3_600_000));

    // Another Envoy finds it.
    let other = kept(true);
    let (mut front, looking) = ask(&other, 1, None);
    let hit = Hit { value: put.value.clone().unwrap(), age: 61_000, left: 1_000 };
    let found = told(&other, &looking, &Answer { found: Some(Found::Hit(hit)), leases: vec![] });
    let reply = super::done(front.step(NOW, FrontEvent::Looked { found }));
    assert_eq!((reply.reply.as_ref().unwrap().0, cache_header(&reply)), (200, Some("hit")));
    assert_eq!(reply.reply_headers.unwrap().text("age"), Some("61"));
}

#[test]
fn a_follower_waits_and_then_goes_on_alone() {
    let gateway = kept(true);
    let (mut front, looking) = ask(&gateway, 1, None);
    let found = told(&gateway, &looking, &Answer { found: Some(Found::Follow), leases: vec![] });
    let following = done(front.step(NOW, FrontEvent::Looked { found }));
    assert_eq!(following.waits, Some(Waker::Sidecar));
    let wait: Wait = wire::decode(&following.calls[0].body).unwrap();
    assert!(wait.millis > 0 && wait.millis <= 60_000, "{}", wait.millis);
    let found = told(&gateway, &following, &Found::Follow);
    let alone = done(front.step(NOW, FrontEvent::Looked { found }));
    assert!(alone.exchange.is_some());
}

#[test]
fn only_what_is_cached_is_asked_for_nowhere_else() {
    let gateway = kept(true);
    let (mut front, looking) = ask(&gateway, 1, Some(b"only"));
    let asked: Ask = wire::decode(&looking.calls[0].body).unwrap();
    assert!(!asked.lookup.unwrap().leads);
    let found = told(&gateway, &looking, &Answer { found: Some(Found::Miss), leases: vec![] });
    let refused = done(front.step(NOW, FrontEvent::Looked { found }));
    assert_eq!(refused.reply.unwrap().0, 504);
    let (_, bypass) = ask(&gateway, 2, Some(b"no-store"));
    assert!(bypass.calls.is_empty() && bypass.exchange.is_some());
}
