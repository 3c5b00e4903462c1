//! One worker and a sidecar that answers, or does not.

use super::*;
use crate::config;
use crate::testing::Host;
use crate::traffic::Regime;
use std::rc::Rc;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const NOW: u64 = 1_700_000_000_000;
const KEY: [u8; 32] = [7; 32];

fn gateway(on_outage: &str) -> Rc<Gateway> {
    let yaml = format!(
        "providers:\n  a: {{ kind: openai, base_url: \"http://localhost:1\", limits: {{ requests_per_minute: 600 }} }}\n\
         sidecar: {{ on_outage: {on_outage} }}\n"
    );
    let (config, _) = config::parse(&yaml).unwrap_or_else(|problems| panic!("{problems:?}"));
    let ports = crate::gateway::Ports { has_sidecar: true, ..Host::default().ports(1) };
    Rc::new(Gateway::new(config, ports, |_| None).unwrap())
}

fn beat_of(calls: &[Call]) -> Option<Beat> {
    calls.iter().find(|call| call.path == wire::BEAT).map(|call| wire::decode(&call.body).unwrap())
}

fn answer_beat(gateway: &Gateway, calls: &[Call], beaten: &Beaten, now: u64) {
    let call = calls.iter().find(|call| call.path == wire::BEAT).unwrap();
    gateway.called(call, Reply::Answer { status: 200, body: &wire::encode(beaten) }, now);
}

#[test]
fn a_sidecar_that_does_not_answer_is_out_until_beats_have_succeeded_for_as_long() {
    for (policy, regime) in [("local", Regime::Local { envoys: 3 }), ("open", Regime::Open), ("closed", Regime::Closed)]
    {
        let gateway = gateway(policy);
        assert_eq!(gateway.traffic.regime(), Regime::Leased, "{policy}: at first it is believed to be there");
        let calls = gateway.due(NOW);
        answer_beat(&gateway, &calls, &Beaten { envoys: 3, ..Beaten::default() }, NOW);
        for reply in [
            Reply::None,
            Reply::Answer { status: 504, body: b"" },
            Reply::Answer { status: 503, body: b"" },
            Reply::Answer { status: 401, body: b"" },
            Reply::Answer { status: 200, body: b"garbage" },
        ] {
            let look = || {
                let call = gateway.ask(Some(Lookup { key: KEY.into(), token: 1, leads: true }), NOW).unwrap();
                assert_eq!(gateway.called(&call, reply, NOW), None);
            };
            if matches!(reply, Reply::Answer { status: 504, .. }) {
                // A late answer may be this worker's own doing; many in a row are not.
                (0..7).for_each(|_| look());
                assert_eq!(gateway.traffic.regime(), Regime::Leased, "{policy}");
            }
            look();
            assert_eq!(gateway.traffic.regime(), regime, "{policy}: {reply:?}");
            assert!(!gateway.has_sidecar(), "{policy}");
            assert!(gateway.due(NOW + SOON - 1).is_empty(), "{policy}: not asked again at once");
            let calls = gateway.due(NOW + SOON);
            answer_beat(&gateway, &calls, &Beaten { envoys: 0, ..Beaten::default() }, NOW + SOON);
            assert_eq!(gateway.traffic.regime(), regime, "{policy}: its store is out of order");
            let mut regimes = Vec::new();
            for beat in 2..5 {
                let calls = gateway.due(NOW + beat * SOON);
                answer_beat(&gateway, &calls, &Beaten { envoys: 3, ..Beaten::default() }, NOW + beat * SOON);
                regimes.push(gateway.traffic.regime());
            }
            assert_eq!(regimes, [regime, regime, Regime::Leased], "{policy}: away for two beats, then back for two");
        }
    }
}

#[test]
fn a_lead_is_held_until_it_is_put_or_dropped() {
    let gateway = gateway("local");
    let leads = |now| beat_of(&gateway.due(now)).map(|beat| beat.leads.len());
    let done = |now| {
        gateway.sidecar.beating.set(false);
        now
    };
    let lead = LeadGuard::new(&gateway, KEY.into(), 5);
    let other = LeadGuard::new(&gateway, KEY.into(), 6);
    assert_eq!(leads(NOW), Some(2));
    gateway.put(Put { key: KEY.into(), token: 5, value: Some(b"x".to_vec()), ttl: 1 });
    drop(lead);
    drop(other);
    let calls = gateway.due(done(NOW + BEAT));
    let puts: Vec<Put> =
        calls.iter().filter(|call| call.path == wire::PUT).map(|call| wire::decode(&call.body).unwrap()).collect();
    let kept: Vec<(u64, bool)> = puts.iter().map(|put| (put.token, put.value.is_some())).collect();
    assert_eq!(kept, [(5, true), (6, false)]);
    assert_eq!(beat_of(&calls).unwrap().leads, []);
}

#[test]
fn a_report_is_told_until_it_is_counted() {
    let gateway = gateway("local");
    for _ in 0..3 {
        gateway.report(Report { input: 1, ..Report::default() }, NOW);
    }
    let calls = gateway.due(NOW + 5);
    let numbers = |beat: &Beat| beat.reports.iter().map(|report| (report.number, report.age)).collect::<Vec<_>>();
    assert_eq!(numbers(&beat_of(&calls).unwrap()), [(1, 5), (2, 5), (3, 5)]);
    let beat = calls.iter().find(|call| call.path == wire::BEAT).unwrap();
    gateway.called(beat, Reply::None, NOW + 5);
    let calls = gateway.due(NOW + 5 + SOON);
    assert_eq!(numbers(&beat_of(&calls).unwrap()).len(), 3, "the answer was lost");
    answer_beat(&gateway, &calls, &Beaten { envoys: 1, counted: 2, ..Beaten::default() }, NOW + 5 + SOON);
    let calls = gateway.due(NOW + 5 + SOON + BEAT);
    assert_eq!(numbers(&beat_of(&calls).unwrap()).iter().map(|(number, _)| *number).collect::<Vec<_>>(), [3]);
}

#[test]
fn what_waits_for_a_sidecar_that_is_away_is_bounded() {
    let gateway = gateway("local");
    for _ in 0..11_000 {
        gateway.report(Report::default(), NOW);
        gateway.put(Put { key: KEY.into(), token: 0, value: Some(vec![0; 10_000]), ttl: 1 });
    }
    let bytes: usize = std::iter::repeat_with(|| gateway.sidecar.outbox.borrow_mut().take_puts())
        .take_while(|puts| !puts.is_empty())
        .flatten()
        .map(|put| put.value.unwrap_or_default().len())
        .sum();
    assert!(bytes <= 8 << 20, "{bytes}");
    let beat = beat_of(&gateway.due(NOW)).unwrap();
    assert_eq!(beat.reports.first().map(|report| report.number), Some(1_001), "the oldest are lost");
    assert!(wire::encode(&beat).len() < wire::MAX_BYTES);
}
