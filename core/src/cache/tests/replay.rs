//! An answer that is replayed is the answer that was given: whoever gave it, streamed or not, to a client that wants it
//! streamed or not.

use super::{Entry, target};
use crate::cache::Recorder;
use crate::chat::ChatEvent;
use crate::dialect::openai::{Collector, StreamWriter};
use crate::failure::Failure;
use crate::provider::{anthropic, gemini, openai};
use crate::sse;
use serde_json::Value;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const SEED: u64 = 7;
const CREATED: u64 = 1_700_000_000;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Anthropic,
    Gemini,
    OpenAi,
}

/// One answer of a provider, told in both ways.
struct Recording {
    kind: Kind,
    whole: &'static str,
    stream: &'static [&'static str],
}

const RECORDINGS: [Recording; 5] = [
    Recording {
        kind: Kind::Anthropic,
        whole: r#"{"id":"msg_1","model":"claude-opus-5","content":[{"type":"thinking","thinking":"Hm. So.","signature":"s"},
            {"type":"text","text":"Grüße 🌊"},{"type":"tool_use","id":"toolu_1","name":"w","input":{"city":"Paris"}},
            {"type":"tool_use","id":"toolu_2","name":"now","input":{}}],"stop_reason":"tool_use",
            "usage":{"input_tokens":43,"output_tokens":9,"cache_read_input_tokens":5,"cache_creation_input_tokens":2}}"#,
        stream: &[
            r#"{"type":"message_start","message":{"id":"msg_1","model":"claude-opus-5","usage":{"input_tokens":43,"output_tokens":1,"cache_read_input_tokens":5,"cache_creation_input_tokens":2}}}"#,
            r#"{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":""}}"#,
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"Hm."}}"#,
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":" So."}}"#,
            r#"{"type":"content_block_stop","index":0}"#,
            r#"{"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}"#,
            r#"{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"Grü"}}"#,
            r#"{"type":"ping"}"#,
            r#"{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"ße 🌊"}}"#,
            r#"{"type":"content_block_stop","index":1}"#,
            r#"{"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"toolu_1","name":"w","input":{}}}"#,
            r#"{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"{\"city\":"}}"#,
            r#"{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"\"Paris\"}"}}"#,
            r#"{"type":"content_block_stop","index":2}"#,
            r#"{"type":"content_block_start","index":3,"content_block":{"type":"tool_use","id":"toolu_2","name":"now","input":{}}}"#,
            r#"{"type":"content_block_stop","index":3}"#,
            r#"{"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":9}}"#,
            r#"{"type":"message_stop"}"#,
        ],
    },
    Recording {
        kind: Kind::Gemini,
        whole: r#"{"candidates":[{"content":{"parts":[{"text":"Hm.","thought":true},{"text":"Grüße"},
            {"functionCall":{"name":"w","args":{"city":"Paris"}},"thoughtSignature":"c2ln"}]},"finishReason":"STOP"},
            {"index":1,"content":{"parts":[{"text":"Long"}]},"finishReason":"MAX_TOKENS"}],
            "usageMetadata":{"promptTokenCount":257,"candidatesTokenCount":9,"thoughtsTokenCount":4},
            "modelVersion":"gemini-3.8-flash","responseId":"r1"}"#,
        stream: &[
            r#"{"candidates":[{"content":{"parts":[{"text":"Hm.","thought":true}]}}],"usageMetadata":{"promptTokenCount":55,"thoughtsTokenCount":4},"modelVersion":"gemini-3.8-flash","responseId":"r1"}"#,
            r#"{"candidates":[{"content":{"parts":[{"text":"Grü"}]}},{"index":1,"content":{"parts":[{"text":"Lo"}]}}]}"#,
            r#"{"candidates":[{"content":{"parts":[{"text":"ße"},{"functionCall":{"name":"w","args":{"city": "Paris"}},"thoughtSignature":"c2ln"}]}},{"index":1,"content":{"parts":[{"text":"ng"}]},"finishReason":"MAX_TOKENS"}]}"#,
            r#"{"candidates":[{"content":{"parts":[{"text":""}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":257,"candidatesTokenCount":9}}"#,
        ],
    },
    // No id, no name, no usage.
    Recording {
        kind: Kind::Gemini,
        whole: r#"{"candidates":[{"content":{"parts":[{"text":"x"}]},"finishReason":"STOP"}]}"#,
        stream: &[r#"{"candidates":[{"content":{"parts":[{"text":"x"}]},"finishReason":"STOP"}]}"#],
    },
    Recording {
        kind: Kind::OpenAi,
        whole: r#"{"id":"chatcmpl-1","object":"chat.completion","created":1700000000,"model":"gpt-5.6","choices":[
            {"index":0,"message":{"role":"assistant","content":"Grüße","refusal":null,"annotations":[]},"logprobs":null,
            "finish_reason":"stop"},{"index":1,"message":{"role":"assistant","content":null,"tool_calls":[{"id":"call_a",
            "type":"function","function":{"name":"w","arguments":"{\"city\": \"Paris\"}"}}]},"finish_reason":"stop"}],
            "usage":{"prompt_tokens":30,"completion_tokens":9,"total_tokens":39,"prompt_tokens_details":{"cached_tokens":20},
            "completion_tokens_details":{"reasoning_tokens":4}},"system_fingerprint":"fp"}"#,
        stream: &[
            r#"{"id":"chatcmpl-1","created":1700000000,"model":"gpt-5.6","choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"finish_reason":null}],"usage":null,"obfuscation":"x"}"#,
            r#"{"id":"chatcmpl-1","created":1700000000,"model":"gpt-5.6","choices":[{"index":0,"delta":{"content":"Grü"}}],"usage":null}"#,
            r#"{"id":"chatcmpl-1","created":1700000000,"model":"gpt-5.6","choices":[{"index":1,"delta":{"role":"assistant","tool_calls":[{"index":0,"id":"call_a","type":"function","function":{"name":"w","arguments":""}}]}}],"usage":null}"#,
            r#"{"id":"chatcmpl-1","created":1700000000,"model":"gpt-5.6","choices":[{"index":0,"delta":{"content":"ße"}}],"usage":null}"#,
            r#"{"id":"chatcmpl-1","created":1700000000,"model":"gpt-5.6","choices":[{"index":1,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"city\": \"Paris\"}"}}]}}],"usage":null}"#,
            r#"{"id":"chatcmpl-1","created":1700000000,"model":"gpt-5.6","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null}"#,
            r#"{"id":"chatcmpl-1","created":1700000000,"model":"gpt-5.6","choices":[{"index":1,"delta":{},"finish_reason":"stop"}],"usage":null}"#,
            r#"{"id":"chatcmpl-1","created":1700000000,"model":"gpt-5.6","choices":[],"usage":{"prompt_tokens":30,"completion_tokens":9,"total_tokens":39,"prompt_tokens_details":{"cached_tokens":20},"completion_tokens_details":{"reasoning_tokens":4}}}"#,
            "[DONE]",
        ],
    },
    // A compatible server: no [DONE], no ids, thoughts, calls at once.
    Recording {
        kind: Kind::OpenAi,
        whole: r#"{"created":1700000000,"model":"m","choices":[{"message":{"content":"a","reasoning":"Hm.","tool_calls":[
            {"function":{"name":"f","arguments":"{}"}}]},"finish_reason":"tool_calls"}]}"#,
        stream: &[
            r#"{"created":1700000000,"model":"m","choices":[{"delta":{"reasoning":"Hm."}}]}"#,
            r#"{"model":"m","choices":[{"delta":{"content":"a"}}]}"#,
            r#"{"model":"m","choices":[{"delta":{"tool_calls":[{"function":{"name":"f","arguments":"{}"}}]},"finish_reason":"tool_calls"}]}"#,
        ],
    },
];

/// The answer, as a client gets it at first, and the entry that was made of it on the way.
struct Passed {
    whole: Value,
    stream: String,
    entry: Vec<u8>,
}

/// Lets the events of an answer pass to a client; with a recorder of their own they are relayed, else recorded here.
fn pass(relayed: Option<Recorder>, read: impl FnOnce(&mut dyn FnMut(ChatEvent<'_>))) -> Passed {
    let mut collector = Collector::default();
    let mut writer = StreamWriter::new("own".into(), CREATED, true);
    let mut stream = Vec::new();
    let mut recorder = Recorder::new(1 << 20, SEED);
    read(&mut |event| {
        writer.write(&event, &mut stream);
        recorder.take(&event);
        collector.take(event);
    });
    writer.end(&mut stream);
    // A relayed answer says itself when it was made.
    let created = if relayed.is_some() { 1 } else { CREATED };
    let entry = relayed.unwrap_or(recorder).finish(&target(), created).expect("it is kept");
    let whole = serde_json::from_slice(&collector.finish("own", CREATED)).unwrap();
    Passed { whole, stream: String::from_utf8(stream).unwrap(), entry }
}

impl Recording {
    fn events(&self) -> impl Iterator<Item = sse::Event<'static>> {
        self.stream.iter().map(|data| sse::Event { name: b"", data: data.as_bytes() })
    }

    fn pass_stream(&self) -> Passed {
        let relayed = (self.kind == Kind::OpenAi).then(|| {
            let mut recorder = Recorder::new(1 << 20, SEED);
            self.events().for_each(|event| recorder.relayed(&event));
            recorder
        });
        pass(relayed, |emit| {
            let outcome: Result<(), Failure> = match self.kind {
                Kind::Anthropic => {
                    let mut reader = anthropic::stream::Reader::new(SEED);
                    self.events().try_for_each(|event| reader.read(&event, emit)).and_then(|()| reader.end(emit))
                }
                Kind::Gemini => {
                    let mut reader = gemini::stream::Reader::new(SEED);
                    self.events().try_for_each(|event| reader.read(&event, emit)).and_then(|()| reader.end(emit))
                }
                Kind::OpenAi => {
                    let mut reader = openai::events::Reader::new(SEED, None);
                    self.events().try_for_each(|event| reader.read(&event, emit)).and_then(|()| reader.end(emit))
                }
            };
            outcome.unwrap();
        })
    }

    fn pass_whole(&self) -> Passed {
        let body = self.whole.as_bytes();
        let relayed = (self.kind == Kind::OpenAi).then(|| {
            let mut recorder = Recorder::new(1 << 20, SEED);
            recorder.whole(body);
            recorder
        });
        pass(relayed, |emit| {
            let outcome = match self.kind {
                Kind::Anthropic => anthropic::answer::read(body, SEED, emit),
                Kind::Gemini => gemini::answer::read(body, SEED, emit),
                Kind::OpenAi => openai::events::read(body, SEED, emit).map(drop),
            };
            outcome.unwrap();
        })
    }
}

/// The message that a client makes of a stream.
fn gathered(stream: &str) -> Value {
    let mut cutter = sse::Reader::new(1 << 20);
    let mut reader = openai::events::Reader::new(SEED, None);
    let mut collector = Collector::default();
    let outcome: Result<(), Failure> =
        cutter.read(stream.as_bytes(), |event| reader.read(&event, &mut |event| collector.take(event)));
    outcome.unwrap();
    assert!(reader.is_complete(), "{stream}");
    assert_eq!((reader.lost(), reader.created()), (None, Some(CREATED)));
    serde_json::from_slice(&collector.finish("own", CREATED)).unwrap()
}

#[test]
fn a_stream_is_replayed_as_it_was() {
    for recording in &RECORDINGS {
        let passed = recording.pass_stream();
        let entry = Entry::decode(&passed.entry).unwrap();
        assert_eq!(String::from_utf8(entry.stream("own", true)).unwrap(), passed.stream);
    }
}

#[test]
fn an_answer_is_the_same_however_it_came_and_however_it_is_told() {
    for recording in &RECORDINGS {
        let (streamed, whole) = (recording.pass_stream(), recording.pass_whole());
        assert_eq!(streamed.whole, whole.whole, "the recording is one answer in two ways");
        for entry in [&streamed.entry, &whole.entry] {
            let entry = Entry::decode(entry).unwrap();
            let told: Value = serde_json::from_slice(&entry.whole("own")).unwrap();
            assert_eq!(told, whole.whole, "whole");
            let stream = String::from_utf8(entry.stream("own", true)).unwrap();
            assert_eq!(gathered(&stream), whole.whole, "streamed");
        }
    }
}

#[test]
fn a_relayed_message_is_kept_to_the_letter() {
    let recording = &RECORDINGS[3];
    let mut original: Value = serde_json::from_str(recording.whole).unwrap();
    let entry = recording.pass_whole().entry;
    let replayed: Value = serde_json::from_slice(&Entry::decode(&entry).unwrap().whole("own")).unwrap();
    // What every message of Weir's says, and what nobody is told.
    original["system_fingerprint"] = Value::Null;
    for choice in original["choices"].as_array_mut().unwrap() {
        choice["logprobs"] = Value::Null;
        choice["message"]["refusal"] = Value::Null;
        choice["message"]["annotations"] = Value::Array(Vec::new());
    }
    original["usage"]["prompt_tokens_details"]["cache_write_tokens"] = 0.into();
    assert_eq!(replayed, original);
}

#[test]
fn usage_is_told_to_who_wants_it() {
    let entry = RECORDINGS[0].pass_stream().entry;
    let entry = Entry::decode(&entry).unwrap();
    let stream = |wants_usage| String::from_utf8(entry.stream("own", wants_usage)).unwrap();
    assert!(!stream(false).contains("usage"));
    assert!(stream(true).contains(r#""prompt_tokens":50"#));
    assert_eq!(entry.usage().unwrap().prompt, 50);
    let none = RECORDINGS[2].pass_stream().entry;
    assert_eq!(Entry::decode(&none).unwrap().usage(), None);
}

#[test]
fn an_entry_says_who_answered_and_when() {
    let entry = RECORDINGS[2].pass_stream().entry;
    let entry = Entry::decode(&entry).unwrap();
    assert_eq!((entry.provider(), entry.model()), ("claude", "claude-sonnet-5-5"));
    assert_eq!(entry.created(), CREATED);
    let whole: Value = serde_json::from_slice(&entry.whole("chatcmpl-own")).unwrap();
    assert_eq!(whole["id"], "chatcmpl-own");
    // What the relayed answer says itself goes before.
    let entry = RECORDINGS[3].pass_stream().entry;
    assert_eq!(Entry::decode(&entry).unwrap().created(), CREATED);
}
