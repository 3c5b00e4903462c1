//! Whatever comes, nothing panics.

use crate::cases::{cases, folder};
use crate::requests::{parse, translate};
use crate::streams::{CLIENTS, run};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::sync::LazyLock;
use weir_core::config::Kind;
use weir_core::dialect::{Dialect, gemini};

const PATH: &str = "/v1/models/smart:streamGenerateContent";

/// The bodies of the golden cases.
static BODIES: LazyLock<Vec<(Dialect, Value)>> = LazyLock::new(|| {
    let of = |dialect, name: &str| {
        cases(&folder("requests").join(name), ".json").into_iter().map(move |(_, text)| {
            let mut case: Value = serde_json::from_str(&text).unwrap();
            (dialect, case["body"].take())
        })
    };
    of(Dialect::Anthropic, "anthropic").chain(of(Dialect::Gemini, "gemini")).collect()
});

/// Parses, and if that succeeds, translates for all. What is refused names a field.
fn send(dialect: Dialect, body: &[u8]) {
    let Ok(parsed) = parse(dialect, PATH, body) else { return };
    for (kind, model) in [
        (Kind::OpenAi, "gpt-5.6"),
        (Kind::OpenAi, "some-model"),
        (Kind::Anthropic, "claude-sonnet-4-6"),
        (Kind::Gemini, "gemini-3.8-flash"),
    ] {
        match translate(&parsed, kind, model) {
            Ok((body, _)) => drop(serde_json::from_slice::<Value>(&body).unwrap()),
            Err(unsupported) => {
                let located = parsed.locate(unsupported.clone());
                assert!(!located.param.is_empty(), "{unsupported:?}");
                assert!(!located.param.starts_with("messages["), "{located:?} of {unsupported:?}");
            }
        }
    }
}

/// The places in a document, so that one can be chosen.
fn places(value: &Value, at: &mut Vec<String>, list: &mut Vec<String>) {
    list.push(at.concat());
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                at.push(format!("/{}", key.replace('~', "~0").replace('/', "~1")));
                places(value, at, list);
                at.pop();
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                at.push(format!("/{index}"));
                places(value, at, list);
                at.pop();
            }
        }
        _ => {}
    }
}

/// A value that a client might send by mistake.
fn odd() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        Just(json!(true)),
        Just(json!(0)),
        Just(json!(-1)),
        Just(json!(1.5)),
        Just(json!(u64::MAX)),
        Just(json!("")),
        Just(json!("none")),
        Just(json!("data:image/png;base64,AAA=")),
        Just(json!([])),
        Just(json!([[]])),
        Just(json!({})),
        Just(json!({ "type": "text", "text": "x" })),
        Just(json!({ "type": "OBJECT", "properties": { "a": { "type": "STRING", "nullable": true } } })),
        any::<String>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// One value of a good body replaced by anything.
    #[test]
    fn no_body_panics(which in any::<prop::sample::Index>(), place in any::<prop::sample::Index>(), value in odd()) {
        let (dialect, mut body) = which.get(&BODIES).clone();
        let mut list = Vec::new();
        places(&body, &mut Vec::new(), &mut list);
        *body.pointer_mut(place.get::<String>(&list)).unwrap() = value;
        send(dialect, body.to_string().as_bytes());
    }

    /// Two good bodies of either dialect in one: fields of both.
    #[test]
    fn no_mixture_panics(one in any::<prop::sample::Index>(), other in any::<prop::sample::Index>()) {
        let (dialect, mut body) = one.get(&BODIES).clone();
        let (_, other) = other.get(&BODIES);
        if let (Value::Object(fields), Value::Object(others)) = (&mut body, other) {
            fields.extend(others.clone());
        }
        send(dialect, body.to_string().as_bytes());
    }

    #[test]
    fn no_bytes_panic(bytes in any::<Vec<u8>>(), text in "\\PC{0,60}") {
        for dialect in [Dialect::Anthropic, Dialect::Gemini] {
            send(dialect, &bytes);
            send(dialect, text.as_bytes());
        }
        let _ = gemini::Call::parse(&text);
        let _ = gemini::Call::parse(&format!("/v1/models/{text}:generateContent"));
    }

    /// A good body cut anywhere.
    #[test]
    fn no_cut_body_panics(which in any::<prop::sample::Index>(), end in any::<prop::sample::Index>()) {
        let (dialect, body) = which.get(&BODIES);
        let text = body.to_string();
        send(*dialect, &text.as_bytes()[..end.index(text.len())]);
    }

    /// Events of good streams in any order, in pieces of any size: all clients read the same as of the whole.
    #[test]
    fn no_stream_panics_and_no_cut_changes_it(
        order in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
        size in 1usize..40,
        kind in prop::sample::select(vec!["openai", "anthropic", "gemini"]),
    ) {
        let streams = cases(&folder("streams").join(kind), ".sse");
        let events: Vec<String> = streams
            .iter()
            .flat_map(|(_, text)| text.replace("\r\n", "\n").split("\n\n").map(|event| format!("{event}\n\n")).collect::<Vec<_>>())
            .collect();
        let stream: String = order.iter().map(|index| index.get(&events).as_str()).collect();
        for client in CLIENTS {
            let whole = run(kind, client, [stream.as_bytes()]);
            prop_assert_eq!(&run(kind, client, stream.as_bytes().chunks(size)), &whole);
            if client == "gemini-array" {
                prop_assert!(serde_json::from_str::<Vec<Value>>(&whole).is_ok(), "{}", whole);
            }
        }
    }
}
