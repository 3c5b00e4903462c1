use crate::provider::anthropic::stream::Reader;
use crate::provider::testing::streamed;
use expect_test::{Expect, expect};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Reads a stream of these events, each written as its data.
fn check(events: &[&str], expect: Expect) {
    let mut text = String::new();
    for data in events {
        let name = data.split('"').nth(3).unwrap_or_default();
        text.push_str(&format!("event: {name}\ndata: {data}   \n\n"));
    }
    expect.assert_eq(&streamed(&text, || Reader::new(7), Reader::read, Reader::end));
}

const START: &str = r#"{"type":"message_start","message":{"id":"msg_1","model":"claude-opus-5","content":[],"stop_reason":null,"usage":{"input_tokens":43,"output_tokens":1}}}"#;
const STOP: &str = r#"{"type":"message_stop"}"#;
const TEXT: &str = r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#;
const HI: &str = r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Grüße"}}"#;
const BLOCK_STOP: &str = r#"{"type":"content_block_stop","index":0}"#;
const END_TURN: &str =
    r#"{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":9}}"#;

#[test]
fn a_text() {
    check(
        &[START, r#"{"type":"ping"}"#, TEXT, HI, BLOCK_STOP, END_TURN, STOP],
        expect![[r#"
        started "msg_1" "claude-opus-5"
        0 text "Grüße"
        0 finished stop
        usage: prompt 43 (cached 0, written 0), completion 9 (reasoning 0)"#]],
    );
}

#[test]
fn calls_are_counted_among_themselves_and_one_without_arguments_gets_an_empty_object() {
    check(
        &[
            START,
            TEXT,
            HI,
            BLOCK_STOP,
            r#"{"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"toolu_1","name":"w","input":{}}}"#,
            r#"{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":""}}"#,
            r#"{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\"city\":"}}"#,
            r#"{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"\"Paris\"}"}}"#,
            r#"{"type":"content_block_stop","index":1}"#,
            r#"{"type":"content_block_start","index":2,"content_block":{"type":"server_tool_use","id":"s","name":"web_search","input":{}}}"#,
            r#"{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"{\"q\":1}"}}"#,
            r#"{"type":"content_block_stop","index":2}"#,
            r#"{"type":"content_block_start","index":3,"content_block":{"type":"tool_use","id":"toolu_2","name":"now","input":{}}}"#,
            r#"{"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":""}}"#,
            r#"{"type":"content_block_stop","index":3}"#,
            r#"{"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":9}}"#,
            STOP,
        ],
        expect![[r#"
            started "msg_1" "claude-opus-5"
            0 text "Grüße"
            0 call 0 toolu_1 w()
            0 arguments 0 "{\"city\":"
            0 arguments 0 "\"Paris\"}"
            0 call 1 toolu_2 now()
            0 arguments 1 "{}"
            0 finished tool_calls
            usage: prompt 43 (cached 0, written 0), completion 9 (reasoning 0)"#]],
    );
}

#[test]
fn a_call_may_come_whole_and_without_an_id() {
    check(
        &[
            START,
            r#"{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","name":"w","input":{"a": 1}}}"#,
            BLOCK_STOP,
            r#"{"type":"message_delta","delta":{"stop_reason":"tool_use"}}"#,
            STOP,
        ],
        expect![[r#"
            started "msg_1" "claude-opus-5"
            0 call 0 call_P1ctbGykw2on0wfHIxogAXYj w({"a":1})
            0 finished tool_calls
            usage: prompt 43 (cached 0, written 0), completion 1 (reasoning 0)"#]],
    );
}

#[test]
fn thinking_is_shown_and_its_signature_is_not() {
    check(
        &[
            START,
            r#"{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}"#,
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"Hm."}}"#,
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"x"}}"#,
            BLOCK_STOP,
            r#"{"type":"content_block_start","index":1,"content_block":{"type":"redacted_thinking","data":"x"}}"#,
            r#"{"type":"content_block_stop","index":1}"#,
            r#"{"type":"content_block_start","index":2,"content_block":{"type":"text","text":"A"}}"#,
            r#"{"type":"content_block_delta","index":2,"delta":{"type":"citations_delta","citation":{"type":"x"}}}"#,
            r#"{"type":"content_block_stop","index":2}"#,
            END_TURN,
            STOP,
        ],
        expect![[r#"
            started "msg_1" "claude-opus-5"
            0 reasoning "Hm."
            0 text "A"
            0 finished stop
            usage: prompt 43 (cached 0, written 0), completion 9 (reasoning 0)"#]],
    );
}

#[test]
fn usage_is_cumulative_and_may_correct_itself() {
    check(
        &[
            r#"{"type":"message_start","message":{"id":"m","model":"m","usage":{"input_tokens":43,"cache_read_input_tokens":7,"cache_creation_input_tokens":null,"output_tokens":1}}}"#,
            TEXT,
            HI,
            BLOCK_STOP,
            r#"{"type":"message_delta","delta":{},"usage":{"output_tokens":4}}"#,
            r#"{"type":"message_delta","delta":{"stop_reason":"max_tokens"},"usage":{"input_tokens":61,"output_tokens":9,"output_tokens_details":{"thinking_tokens":2}}}"#,
            r#"{"type":"message_delta","delta":{"stop_reason":null},"usage":{"output_tokens":12}}"#,
            STOP,
        ],
        expect![[r#"
            started "m" "m"
            0 text "Grüße"
            0 finished length
            usage: prompt 68 (cached 7, written 0), completion 12 (reasoning 2)"#]],
    );
}

#[test]
fn a_refusal_may_have_no_content() {
    check(
        &[
            START,
            r#"{"type":"message_delta","delta":{"stop_reason":"refusal","stop_details":{"type":"refusal","explanation":"No."}},"usage":{"output_tokens":0}}"#,
            STOP,
        ],
        expect![[r#"
            started "msg_1" "claude-opus-5"
            0 refusal "No."
            0 finished content_filter
            usage: prompt 43 (cached 0, written 0), completion 0 (reasoning 0)"#]],
    );
}

#[test]
fn what_is_to_come_is_passed_over() {
    check(
        &[
            START,
            r#"{"type":"weather_report","index":"north","delta":7}"#,
            r#"{"type":"content_block_start","index":0,"content_block":{"type":"hologram","text":{"deep":1}}}"#,
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"hologram_delta","text":[1]}}"#,
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"other_delta"}}"#,
            BLOCK_STOP,
            r#"{"type":"message_delta","delta":{"stop_reason":"something_new"},"usage":{"output_tokens":1,"new":{}}}"#,
            STOP,
            HI,
        ],
        expect![[r#"
            started "msg_1" "claude-opus-5"
            0 finishes for an unknown reason
            0 finished stop
            usage: prompt 43 (cached 0, written 0), completion 1 (reasoning 0)"#]],
    );
}

#[test]
fn a_known_event_of_the_wrong_form_is_unreadable() {
    check(
        &[START, r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":1}}"#],
        expect![[r#"
        started "msg_1" "claude-opus-5"
        failure: Unreadable 200: the stream holds an event of the wrong form"#]],
    );
    check(&["not json"], expect!["failure: Unreadable 200: the stream holds an event of the wrong form"]);
    check(&[r#"{"no":"type"}"#], expect!["failure: Unreadable 200: the stream holds an event of the wrong form"]);
}

#[test]
fn an_error_event_is_the_failure_that_its_type_has_outside_a_stream() {
    for (kind, expect) in [
        (
            "overloaded_error",
            expect![[r#"
            started "msg_1" "claude-opus-5"
            failure: Overloaded 529 code=overloaded_error: Sorry"#]],
        ),
        (
            "rate_limit_error",
            expect![[r#"
            started "msg_1" "claude-opus-5"
            failure: RateLimited 429 code=rate_limit_error: Sorry"#]],
        ),
        (
            "api_error",
            expect![[r#"
            started "msg_1" "claude-opus-5"
            failure: ServerError 500 code=api_error: Sorry"#]],
        ),
        (
            "timeout_error",
            expect![[r#"
            started "msg_1" "claude-opus-5"
            failure: Timeout 504 code=timeout_error: Sorry"#]],
        ),
        (
            "something_new",
            expect![[r#"
            started "msg_1" "claude-opus-5"
            failure: ServerError 500 code=something_new: Sorry"#]],
        ),
    ] {
        let error = format!(r#"{{"type":"error","error":{{"details":null,"type":"{kind}","message":"Sorry"}}}}"#);
        check(&[START, &error], expect);
    }
    check(&[r#"{"type":"error"}"#], expect!["failure: Unreadable 200: the stream holds an error without words"]);
}

#[test]
fn a_cut_stream_never_looks_complete() {
    check(&[], expect!["failure: Truncated 200: the stream ended before its last event"]);
    check(
        &[START, TEXT, HI],
        expect![[r#"
        started "msg_1" "claude-opus-5"
        0 text "Grüße"
        failure: Truncated 200: the stream ended before its last event"#]],
    );
    check(
        &[START, TEXT, HI, BLOCK_STOP, END_TURN],
        expect![[r#"
        started "msg_1" "claude-opus-5"
        0 text "Grüße"
        failure: Truncated 200: the stream ended before its last event"#]],
    );
}

#[test]
fn usage_is_known_before_the_end() {
    let mut reader = Reader::new(7);
    assert_eq!(reader.usage(), None);
    reader.read(&crate::sse::Event { name: b"", data: START.as_bytes() }, &mut |_| ()).unwrap();
    assert_eq!(reader.usage().unwrap().prompt, 43);
}
