//! What a client of a dialect reads is what the provider said: a stream that is written in a dialect, read again as if
//! its provider had sent it, says the same, and so does the whole answer.

use crate::streams::Writer;
use proptest::prelude::*;
use serde_json::Value;
use weir_core::chat::{ChatEvent, Delta, FinishReason, TokenLogprobs, Usage};
use weir_core::dialect::{anthropic, gemini, openai};
use weir_core::failure::Failure;
use weir_core::provider;
use weir_core::sse;

/// A piece of an answer in the order in which it comes; call pieces of several calls may be mixed.
#[derive(Clone, Debug)]
enum Piece {
    Text(String),
    Reasoning(String),
    /// A new call, whose arguments come in this many characters at a time, among the pieces that follow.
    Call {
        arguments: String,
        step: usize,
    },
    /// The next fragment of the call that is this many before the last.
    More(usize),
}

fn piece() -> impl Strategy<Value = Piece> {
    let arguments = prop_oneof![
        Just("{}".to_owned()),
        Just(r#"{"a":"}\"{","b":[{},[]]}"#.to_owned()),
        "[a-zü\"\\\\{}]{0,9}".prop_map(|text| serde_json::json!({ "x": text }).to_string()),
    ];
    prop_oneof![
        "[a-zß🌊 \"\n]{0,8}".prop_map(Piece::Text),
        "[a-z]{0,8}".prop_map(Piece::Reasoning),
        (arguments, 1usize..8).prop_map(|(arguments, step)| Piece::Call { arguments, step }),
        (0usize..3).prop_map(Piece::More),
    ]
}

/// The events of an answer made of these pieces.
fn events(pieces: &[Piece], refusal: Option<&str>, length: bool) -> Vec<ChatEvent<'static>> {
    let mut list = vec![ChatEvent::Started { id: "id".into(), model: "m".into() }];
    let delta = |delta| ChatEvent::Delta { choice: 0, delta };
    let mut calls: Vec<Vec<String>> = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Text(text) => list.push(delta(Delta::Text(text.clone().into()))),
            Piece::Reasoning(text) => list.push(delta(Delta::Reasoning(text.clone().into()))),
            Piece::Call { arguments, step } => {
                let chars: Vec<char> = arguments.chars().collect();
                let mut fragments: Vec<String> = chars.chunks(*step).map(|part| part.iter().collect()).collect();
                fragments.reverse();
                let index = u32::try_from(calls.len()).unwrap();
                let first = if *step % 2 == 0 { fragments.pop().unwrap_or_default() } else { String::new() };
                let (id, name) = (format!("c{index}").into(), format!("f{index}").into());
                list.push(delta(Delta::ToolCall { index, id, name, arguments: first.into(), signature: None }));
                calls.push(fragments);
            }
            Piece::More(back) => {
                let Some(at) = calls.len().checked_sub(back + 1) else { continue };
                if let Some(fragment) = calls[at].pop() {
                    let index = u32::try_from(at).unwrap();
                    list.push(delta(Delta::Arguments { index, fragment: fragment.into() }));
                }
            }
        }
    }
    for (at, fragments) in calls.iter_mut().enumerate() {
        while let Some(fragment) = fragments.pop() {
            let index = u32::try_from(at).unwrap();
            list.push(delta(Delta::Arguments { index, fragment: fragment.into() }));
        }
    }
    if let Some(refusal) = refusal {
        list.push(delta(Delta::Refusal(refusal.to_owned().into())));
    }
    let reason = match (refusal, length, calls.is_empty()) {
        (Some(_), ..) => FinishReason::ContentFilter,
        (None, true, _) => FinishReason::Length,
        (None, false, true) => FinishReason::Stop,
        (None, false, false) => FinishReason::ToolCalls,
    };
    list.push(ChatEvent::Finished { choice: 0, reason });
    list.push(ChatEvent::Usage(Usage { prompt: 100, cached: 40, cache_write: 0, completion: 9, reasoning: 4 }));
    list
}

/// The answer in OpenAI's form, without what it does not say of the answer itself.
fn told(events: &[ChatEvent<'_>]) -> Value {
    let mut collector = openai::Collector::default();
    events.iter().for_each(|event| collector.take(event.clone()));
    let mut value: Value = serde_json::from_slice(&collector.finish("", 0)).unwrap();
    let message = &mut value["choices"][0]["message"];
    let message = message.as_object_mut().unwrap();
    for call in message.get_mut("tool_calls").and_then(Value::as_array_mut).into_iter().flatten() {
        call.as_object_mut().unwrap().remove("extra_content");
    }
    // An empty text is none.
    message.retain(|_, value| *value != "" && !value.is_null());
    value
}

type Emit<'e> = &'e mut dyn FnMut(ChatEvent<'_>);

/// The events that a provider's reader finds in a client's stream.
fn streamed<R>(
    client: &str,
    events: &[ChatEvent<'_>],
    mut reader: R,
    read: impl Fn(&mut R, &sse::Event<'_>, Emit<'_>) -> Result<(), Failure>,
    end: impl Fn(&mut R, Emit<'_>) -> Result<(), Failure>,
) -> Vec<ChatEvent<'static>> {
    let mut writer = Writer::new(client);
    let mut out = Vec::new();
    events.iter().for_each(|event| writer.write(event, &mut out));
    writer.end(&mut out);
    let mut found = Vec::new();
    let mut emit = |event: ChatEvent<'_>| found.push(owned(&event));
    sse::Reader::new(1 << 20)
        .read::<sse::TooLong>(&out, |event| {
            read(&mut reader, &event, &mut emit).unwrap();
            Ok(())
        })
        .unwrap();
    end(&mut reader, &mut emit).unwrap();
    found
}

fn owned(event: &ChatEvent<'_>) -> ChatEvent<'static> {
    let own = |text: &str| text.to_owned().into();
    match event {
        ChatEvent::Started { id, model } => ChatEvent::Started { id: own(id), model: own(model) },
        ChatEvent::Finished { choice, reason } => ChatEvent::Finished { choice: *choice, reason: *reason },
        ChatEvent::Logprobs { choice, tokens } => ChatEvent::Logprobs {
            choice: *choice,
            tokens: tokens.iter().cloned().map(TokenLogprobs::into_owned).collect(),
        },
        ChatEvent::UnknownFinish { choice } => ChatEvent::UnknownFinish { choice: *choice },
        ChatEvent::Usage(usage) => ChatEvent::Usage(*usage),
        ChatEvent::Delta { choice, delta } => ChatEvent::Delta {
            choice: *choice,
            delta: match delta {
                Delta::Text(text) => Delta::Text(own(text)),
                Delta::Reasoning(text) => Delta::Reasoning(own(text)),
                Delta::Refusal(text) => Delta::Refusal(own(text)),
                Delta::ToolCall { index, id, name, arguments, signature } => Delta::ToolCall {
                    index: *index,
                    id: own(id),
                    name: own(name),
                    arguments: own(arguments),
                    signature: signature.as_deref().map(own),
                },
                Delta::Arguments { index, fragment } => Delta::Arguments { index: *index, fragment: own(fragment) },
            },
        },
    }
}

fn whole(read: impl FnOnce(Emit<'_>) -> Result<(), Failure>) -> Vec<ChatEvent<'static>> {
    let mut found = Vec::new();
    read(&mut |event| found.push(owned(&event))).unwrap();
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn an_anthropic_client_reads_what_was_said(
        pieces in prop::collection::vec(piece(), 0..24),
        refusal in prop::option::of("[a-z]{1,8}"),
        length in any::<bool>(),
    ) {
        let events = events(&pieces, refusal.as_deref(), length);
        let expect = told(&events);
        let reader = provider::anthropic::stream::Reader::new(7);
        let seen = streamed("anthropic", &events, reader, |r, event, emit| r.read(event, emit), |r, emit| r.end(emit));
        prop_assert_eq!(told(&seen), expect.clone());

        let mut collector = anthropic::Collector::new(true);
        events.iter().for_each(|event| collector.take(event.clone()));
        let body = collector.finish("");
        prop_assert_eq!(told(&whole(|emit| provider::anthropic::answer::read(&body, 7, emit))), expect);
    }

    /// Gemini has no words for a refusal but `finishMessage`, which its reader does not read.
    #[test]
    fn a_gemini_client_reads_what_was_said(
        pieces in prop::collection::vec(piece(), 0..24),
        length in any::<bool>(),
    ) {
        let events = events(&pieces, None, length);
        let expect = told(&events);
        let reader = provider::gemini::stream::Reader::new(7);
        let seen = streamed("gemini", &events, reader, |r, event, emit| r.read(event, emit), |r, emit| r.end(emit));
        prop_assert_eq!(told(&seen), expect.clone());

        let mut collector = gemini::Collector::new(true);
        events.iter().for_each(|event| collector.take(event.clone()));
        let body = collector.finish("");
        prop_assert_eq!(told(&whole(|emit| provider::gemini::answer::read(&body, 7, emit))), expect);
    }
}
