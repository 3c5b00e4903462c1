use crate::provider::anthropic::answer;
use crate::provider::testing::answered;
use expect_test::{Expect, expect};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn check(body: &str, expect: Expect) {
    expect.assert_eq(&answered(|emit| answer::read(body.as_bytes(), 7, emit)));
}

#[test]
fn a_text() {
    check(
        r#"{"id":"msg_1","type":"message","role":"assistant","model":"claude-opus-5","content":[
             {"type":"text","text":"Grüße ","citations":null},{"type":"text","text":""},{"type":"text","text":"\ud83c\udf0a"}],
            "stop_reason":"end_turn","stop_sequence":null,
            "usage":{"input_tokens":5,"output_tokens":3,"service_tier":"standard"}}"#,
        expect![[r#"
            started "msg_1" "claude-opus-5"
            0 text "Grüße "
            0 text "🌊"
            0 finished stop
            usage: prompt 5 (cached 0, written 0), completion 3 (reasoning 0)"#]],
    );
}

#[test]
fn calls_are_counted_among_themselves_and_written_compactly() {
    check(
        r#"{"id":"msg_1","model":"m","content":[
             {"type":"thinking","thinking":"Let me see.","signature":"x"},
             {"type":"redacted_thinking","data":"x"},
             {"type":"text","text":"Wait."},
             {"type":"server_tool_use","id":"s","name":"web_search","input":{}},
             {"type":"web_search_tool_result","content":[{"text":1}]},
             {"type":"hologram","text":{"deep":1},"name":7},
             {"type":"tool_use","id":"toolu_1","name":"w","input":{"city": "Paris", "n": [1, 2]}},
             {"type":"tool_use","id":"","name":"now"}],
            "stop_reason":"tool_use","usage":{"input_tokens":1,"output_tokens":2}}"#,
        expect![[r#"
            started "msg_1" "m"
            0 reasoning "Let me see."
            0 text "Wait."
            0 call 0 toolu_1 w({"city":"Paris","n":[1,2]})
            0 call 1 call_2zsGbbnFqQ6wu1pXjv92CBIL now({})
            0 finished tool_calls
            usage: prompt 1 (cached 0, written 0), completion 2 (reasoning 0)"#]],
    );
}

#[test]
fn every_stop_reason_has_a_finish_reason() {
    for (stop_reason, expect) in [
        (r#""end_turn""#, "stop"),
        (r#""stop_sequence""#, "stop"),
        (r#""max_tokens""#, "length"),
        (r#""model_context_window_exceeded""#, "length"),
        (r#""pause_turn""#, "length"),
        (r#""refusal""#, "content_filter"),
        ("null", "stop"),
        // No call to answer.
        (r#""tool_use""#, "stop"),
    ] {
        let body = format!(r#"{{"id":"m","model":"m","content":[],"stop_reason":{stop_reason}}}"#);
        let text = answered(|emit| answer::read(body.as_bytes(), 7, emit));
        assert_eq!(text, format!("started \"m\" \"m\"\n0 finished {expect}"), "{stop_reason}");
    }
    let body = br#"{"id":"m","model":"m","content":[],"stop_reason":"something_new"}"#;
    let text = answered(|emit| answer::read(body, 7, emit));
    assert_eq!(text, "started \"m\" \"m\"\n0 finishes for an unknown reason\n0 finished stop");
}

#[test]
fn a_refusal_says_why() {
    check(
        r#"{"id":"m","model":"m","content":[],"stop_reason":"refusal",
            "stop_details":{"type":"refusal","category":"cyber","explanation":"I cannot help with that."},
            "usage":{"input_tokens":1,"output_tokens":0}}"#,
        expect![[r#"
            started "m" "m"
            0 refusal "I cannot help with that."
            0 finished content_filter
            usage: prompt 1 (cached 0, written 0), completion 0 (reasoning 0)"#]],
    );
}

#[test]
fn cached_and_written_tokens_are_part_of_the_prompt() {
    check(
        r#"{"id":"m","model":"m","content":[],"stop_reason":"end_turn","usage":{
            "input_tokens":500,"cache_creation_input_tokens":200,"cache_read_input_tokens":300,
            "cache_creation":{"ephemeral_5m_input_tokens":200,"ephemeral_1h_input_tokens":0},
            "output_tokens":50,"output_tokens_details":{"thinking_tokens":20}}}"#,
        expect![[r#"
            started "m" "m"
            0 finished stop
            usage: prompt 1000 (cached 300, written 200), completion 50 (reasoning 20)"#]],
    );
    check(
        r#"{"id":"m","model":"m","content":[],"stop_reason":"end_turn","usage":{
            "input_tokens":null,"cache_creation_input_tokens":null,"output_tokens":5,"output_tokens_details":null}}"#,
        expect![[r#"
            started "m" "m"
            0 finished stop
            usage: prompt 0 (cached 0, written 0), completion 5 (reasoning 0)"#]],
    );
}

#[test]
fn what_is_no_answer_is_a_failure() {
    check("", expect!["failure: Unreadable 200: the answer is not a message"]);
    check("<html>", expect!["failure: Unreadable 200: the answer is not a message"]);
    check("{}", expect!["failure: Unreadable 200: the answer has no content"]);
    check(r#"{"content":"text"}"#, expect!["failure: Unreadable 200: the answer is not a message"]);
    check(
        r#"{"content":[{"text":"a"}]}"#,
        expect![[r#"
        started "" ""
        failure: Unreadable 200: a content block has no type"#]],
    );
    check(
        r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#,
        expect!["failure: Overloaded 529 code=overloaded_error: Overloaded"],
    );
}
