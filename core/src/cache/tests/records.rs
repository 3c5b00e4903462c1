//! What is kept, and what is not.

use super::{Entry, recorded, target};
use crate::cache::Recorder;
use crate::chat::{ChatEvent, Delta, FinishReason, Usage};
use crate::sse;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn started() -> ChatEvent<'static> {
    ChatEvent::Started { id: "msg_1".into(), model: "claude".into() }
}

fn delta(choice: u32, delta: Delta<'static>) -> ChatEvent<'static> {
    ChatEvent::Delta { choice, delta }
}

fn text(text: &'static str) -> ChatEvent<'static> {
    delta(0, Delta::Text(text.into()))
}

fn call(index: u32, arguments: &'static str) -> ChatEvent<'static> {
    let (id, name) = ("c".into(), "f".into());
    delta(0, Delta::ToolCall { index, id, name, arguments: arguments.into(), signature: None })
}

fn piece(index: u32, fragment: &'static str) -> ChatEvent<'static> {
    delta(0, Delta::Arguments { index, fragment: fragment.into() })
}

fn finished(reason: FinishReason) -> ChatEvent<'static> {
    ChatEvent::Finished { choice: 0, reason }
}

#[test]
fn a_whole_answer_is_kept() {
    use FinishReason::{Length, Stop, ToolCalls};
    for events in [
        vec![started(), text("x"), finished(Stop)],
        vec![text("x"), finished(Length)],
        vec![started(), delta(0, Delta::Reasoning("hm".into())), text("x"), finished(Stop)],
        vec![started(), call(0, "{}"), finished(ToolCalls)],
        vec![started(), call(0, ""), finished(ToolCalls)],
        vec![started(), call(0, ""), call(1, "{\"a\":"), piece(1, "1}"), piece(0, "{}"), finished(ToolCalls)],
        vec![text("x"), ChatEvent::Usage(Usage::default()), finished(Stop), ChatEvent::Usage(Usage::default())],
    ] {
        let entry = recorded(&events).unwrap_or_else(|| panic!("{events:?}"));
        let replayed: Vec<_> = Entry::decode(&entry).unwrap().events().collect();
        let kept = |events: &[ChatEvent<'_>]| {
            let is_kept =
                |event: &&ChatEvent<'_>| matches!(event, ChatEvent::Delta { .. } | ChatEvent::Finished { .. });
            events.iter().filter(is_kept).map(|event| format!("{event:?}")).collect::<Vec<_>>()
        };
        assert_eq!(kept(&replayed), kept(&events));
    }
}

#[test]
fn what_is_cut_refused_empty_or_unparsable_is_not_kept() {
    use FinishReason::{ContentFilter, Stop, ToolCalls};
    for events in [
        vec![],
        vec![started()],
        vec![started(), text("x")],
        vec![started(), finished(Stop)],
        vec![started(), text(""), finished(Stop)],
        vec![started(), delta(0, Delta::Reasoning("hm".into())), finished(Stop)],
        vec![started(), text("x"), finished(ContentFilter)],
        vec![started(), text("x"), delta(0, Delta::Refusal("no".into())), finished(Stop)],
        // Another choice is cut, or empty.
        vec![started(), text("x"), delta(1, Delta::Text("y".into())), finished(Stop)],
        vec![started(), text("x"), finished(Stop), ChatEvent::Finished { choice: 1, reason: Stop }],
        // Calls that a client could not follow.
        vec![started(), call(0, "{\"a\":"), finished(ToolCalls)],
        vec![started(), call(0, "{\"a\":"), piece(0, "1"), finished(ToolCalls)],
        vec![started(), call(0, "[1]"), finished(ToolCalls)],
        vec![started(), call(0, "{}"), piece(0, "{}"), finished(ToolCalls)],
        vec![started(), call(0, "{}"), piece(1, "{}"), finished(ToolCalls)],
        vec![started(), call(0, "{}"), call(0, "{}"), finished(ToolCalls)],
        // An end that is none.
        vec![started(), text("x"), finished(Stop), text("y")],
        vec![started(), text("x"), finished(Stop), finished(Stop)],
    ] {
        assert_eq!(recorded(&events), None, "{events:?}");
    }
}

#[test]
fn a_relayed_answer_that_says_more_than_its_events_is_not_kept() {
    let whole = |body: &str| {
        let mut recorder = Recorder::new(1 << 20, 7);
        recorder.whole(body.as_bytes());
        recorder.finish(&target(), 1)
    };
    let body = |more: &str| {
        format!(r#"{{"choices":[{{"index":0,"message":{{"content":"x"{more}}},"finish_reason":"stop"}}]}}"#)
    };
    assert!(whole(&body("")).is_some());
    assert!(whole(&body(r#","annotations":[]"#)).is_some());
    for more in [r#","annotations":[{}]"#, r#","audio":{"id":"a"}"#, r#","refusal":"no""#, r#","new":1"#] {
        assert_eq!(whole(&body(more)), None, "{more}");
    }
    for body in ["", "{}", r#"{"error":{"message":"m"}}"#, &body("").replace("\"stop\"", "null")] {
        assert_eq!(whole(body), None, "{body}");
    }
}

#[test]
fn a_relayed_stream_is_kept_only_at_its_end() {
    let events = [
        r#"{"choices":[{"index":0,"delta":{"content":"x"}}]}"#,
        r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#,
        "[DONE]",
    ];
    let stream = |events: &[&str]| {
        let mut recorder = Recorder::new(1 << 20, 7);
        events.iter().for_each(|data| recorder.relayed(&sse::Event { name: b"", data: data.as_bytes() }));
        recorder.finish(&target(), 1)
    };
    assert!(stream(&events).is_some());
    assert!(stream(&events[..2]).is_some(), "a server that sends no [DONE]");
    assert_eq!(stream(&events[..1]), None);
    assert_eq!(stream(&[events[0], events[2]]), None, "no reason");
    assert_eq!(stream(&[]), None);
    assert_eq!(stream(&[events[0], "garbage", events[1], events[2]]), None);
    assert_eq!(stream(&[events[0], r#"{"error":{"message":"m"}}"#, events[1], events[2]]), None);
    let logprobs = r#"{"choices":[{"index":0,"delta":{},"logprobs":{"content":[]}}]}"#;
    assert_eq!(stream(&[events[0], logprobs, events[1], events[2]]), None);
}

#[test]
fn beyond_the_bound_nothing_is_held() {
    let answer = |pieces: usize| -> Vec<ChatEvent<'static>> {
        let texts = std::iter::repeat_with(|| text("0123456789")).take(pieces);
        [started()].into_iter().chain(texts).chain([finished(FinishReason::Stop)]).collect()
    };
    let small = recorded(&answer(10)).unwrap();
    let record = |events: &[ChatEvent<'_>], max_bytes: usize| {
        let mut recorder = Recorder::new(max_bytes, 7);
        events.iter().for_each(|event| recorder.take(event));
        (recorder.has_given_up(), recorder.finish(&target(), 1_700_000_000))
    };
    assert_eq!(record(&answer(10), small.len()), (false, Some(small.clone())));
    assert_eq!(record(&answer(10), small.len() - 1).1, None);
    assert_eq!(record(&answer(1_000), small.len()), (true, None));
    assert_eq!(record(&answer(10), 0), (true, None));
    let many: Vec<_> = (0..200).map(|choice| delta(choice, Delta::Text("".into()))).collect();
    assert_eq!(record(&many, 1 << 20), (true, None));
}

#[test]
fn what_was_given_up_is_not_gathered_any_more() {
    let mut recorder = Recorder::verbatim(10, 0);
    recorder.take(&started());
    recorder.take(&text("x"));
    recorder.tell(b"12345678901");
    assert!(recorder.has_given_up());
    for event in [started(), text("x"), finished(FinishReason::Stop)] {
        recorder.take(&event);
        recorder.tell(b"1");
    }
    assert!(!format!("{recorder:?}").contains("told: Some"), "nothing is held: {recorder:?}");
    assert_eq!(recorder.finish(&target(), 0), None);
}
