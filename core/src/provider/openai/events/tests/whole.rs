use crate::provider::openai::events::read;
use crate::provider::testing::answered;
use expect_test::{Expect, expect};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn check(body: &str, expect: Expect) {
    expect.assert_eq(&answered(|emit| read(body.as_bytes(), 7, emit).map(drop)));
}

#[test]
fn a_text_with_its_usage() {
    check(
        r#"{"id":"chatcmpl-1","object":"chat.completion","created":1700000000,"model":"gpt-5.6","choices":[{"index":0,
        "message":{"role":"assistant","content":"Grüße","refusal":null,"annotations":[]},"logprobs":null,
        "finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5,
        "prompt_tokens_details":{"cached_tokens":1,"audio_tokens":0},"completion_tokens_details":null},
        "service_tier":"default","system_fingerprint":"fp"}"#,
        expect![[r#"
            started "chatcmpl-1" "gpt-5.6"
            0 text "Grüße"
            0 finished stop
            usage: prompt 3 (cached 1, written 0), completion 2 (reasoning 0)"#]],
    );
}

#[test]
fn calls_are_each_one_of_its_own() {
    check(
        r#"{"id":"c","model":"m","choices":[{"message":{"content":null,"tool_calls":[
        {"id":"a","type":"function","function":{"name":"f","arguments":"{\"x\": 1}"}},
        {"id":"a","type":"function","function":{"name":"f","arguments":"{}"}},
        {"function":{"name":"g","arguments":{"an": "object"}}},
        {"index":0,"id":"","function":{"name":"h"},"extra_content":{"google":{"thought_signature":"c2ln"}}}
        ]},"finish_reason":"tool_calls"}]}"#,
        expect![[r#"
            started "c" "m"
            0 call 0 a f({"x": 1})
            0 call 1 a f({})
            0 call 2 call_p3qzK2nOhEeNOsLOLjWC3N3d g({"an":"object"})
            0 call 3 call_lgTddzRhtXj9xFQ4585fGcsJ h() signature c2ln
            0 finished tool_calls"#]],
    );
}

#[test]
fn choices_without_a_number_have_their_order() {
    check(
        r#"{"choices":[{"message":{"content":"a"},"finish_reason":"stop"},
        {"message":{"content":"b","reasoning_content":"hm"},"finish_reason":"model_length"}]}"#,
        expect![[r#"
            started "" ""
            0 text "a"
            0 finished stop
            1 reasoning "hm"
            1 text "b"
            1 finished length"#]],
    );
}

#[test]
fn a_choice_without_a_reason_has_stopped() {
    check(
        r#"{"id":"c","model":"m","choices":[{"message":{"content":"a"},"finish_reason":null}]}"#,
        expect![[r#"
        started "c" "m"
        0 text "a"
        0 finished stop"#]],
    );
}

#[test]
fn what_is_no_answer_is_none() {
    for body in ["", "[]", "{", "{}", r#"{"choices":[]}"#, r#"{"choices":{}}"#, r#"{"choices":[{"index":"a"}]}"#] {
        let text = answered(|emit| read(body.as_bytes(), 7, emit).map(drop));
        assert!(text.starts_with("failure: Unreadable"), "{body}: {text}");
    }
    check(r#"{"error":{"message":"m","code":429}}"#, expect!["failure: RateLimited 429 code=429: m"]);
}
