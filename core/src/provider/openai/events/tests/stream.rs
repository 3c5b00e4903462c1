use crate::provider::openai::events::Reader;
use crate::provider::testing::streamed;
use expect_test::{Expect, expect};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Reads a stream of these events.
fn check(events: &[&str], expect: Expect) {
    let text: String = events.iter().map(|data| format!("data: {data}\n\n")).collect();
    expect.assert_eq(&streamed(&text, || Reader::new(7, None), Reader::read, Reader::end));
}

/// Reads a stream of chunks with these choices, and an end.
fn check_choices(choices: &[&str], expect: Expect) {
    let chunk = |choices: &&str| format!(r#"{{"id":"c","model":"m","choices":[{choices}]}}"#);
    let mut events: Vec<String> = choices.iter().map(chunk).collect();
    events.push("[DONE]".into());
    check(&events.iter().map(String::as_str).collect::<Vec<_>>(), expect);
}

const ROLE: &str = r#"{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1700000000,"model":"gpt-5.6","system_fingerprint":"fp","choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}],"usage":null,"obfuscation":"x"}"#;
const GRU: &str = r#"{"id":"chatcmpl-1","model":"gpt-5.6","choices":[{"index":0,"delta":{"content":"Grü"},"logprobs":null,"finish_reason":null}],"usage":null}"#;
const FINISH: &str =
    r#"{"id":"chatcmpl-1","model":"gpt-5.6","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null}"#;
const USAGE: &str = r#"{"id":"chatcmpl-1","model":"gpt-5.6","choices":[],"usage":{"prompt_tokens":30,"completion_tokens":9,"total_tokens":39,"prompt_tokens_details":{"cached_tokens":20,"cache_write_tokens":5},"completion_tokens_details":{"reasoning_tokens":4}}}"#;

#[test]
fn a_text() {
    check(
        &[
            ROLE,
            GRU,
            r#"{"id":"chatcmpl-1","model":"gpt-5.6","choices":[{"index":0,"delta":{"content":"ße"}}]}"#,
            FINISH,
            USAGE,
            "[DONE]",
            "not read any more",
        ],
        expect![[r#"
            started "chatcmpl-1" "gpt-5.6"
            0 text "Grü"
            0 text "ße"
            0 finished stop
            usage: prompt 30 (cached 20, written 5), completion 9 (reasoning 4)"#]],
    );
}

#[test]
fn azures_first_chunk_names_nothing_and_is_not_the_start() {
    check(
        &[
            r#"{"choices":[],"created":0,"id":"","model":"","object":"","prompt_filter_results":[{"prompt_index":0,"content_filter_results":{}}]}"#,
            ROLE,
            GRU,
            FINISH,
            "[DONE]",
        ],
        expect![[r#"
            started "chatcmpl-1" "gpt-5.6"
            0 text "Grü"
            0 finished stop"#]],
    );
}

#[test]
fn calls_come_in_pieces_by_their_number() {
    check_choices(
        &[
            r#"{"index":0,"delta":{"role":"assistant","content":null}}"#,
            r#"{"index":0,"delta":{"tool_calls":[{"index":0,"id":"call_a","type":"function","function":{"name":"w","arguments":""}}]}}"#,
            r#"{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"city\":"}}]}}"#,
            r#"{"index":0,"delta":{"tool_calls":[{"index":1,"id":"call_b","type":"function","function":{"name":"now","arguments":"{}"}}]}}"#,
            r#"{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"\"Paris\"}"}}]}}"#,
            r#"{"index":0,"delta":{},"finish_reason":"tool_calls"}"#,
        ],
        expect![[r#"
            started "c" "m"
            0 call 0 call_a w()
            0 arguments 0 "{\"city\":"
            0 call 1 call_b now({})
            0 arguments 0 "\"Paris\"}"
            0 finished tool_calls"#]],
    );
}

#[test]
fn calls_are_told_apart_where_the_number_does_not() {
    // Google's compatible endpoint: whole calls, all numbered 0, with a signature.
    check_choices(
        &[
            r#"{"index":0,"delta":{"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":"{}"},"extra_content":{"google":{"thought_signature":"c2ln"}}},{"index":0,"id":"b","type":"function","function":{"name":"f","arguments":"{\"x\":1}"}}]},"finish_reason":"tool_calls"}"#,
        ],
        expect![[r#"
            started "c" "m"
            0 call 0 a f({}) signature c2ln
            0 call 1 b f({"x":1})
            0 finished tool_calls"#]],
    );
    // No number, no id: a name begins a call.
    check_choices(
        &[
            r#"{"delta":{"tool_calls":[{"function":{"name":"f","arguments":"{"}}]}}"#,
            r#"{"delta":{"tool_calls":[{"function":{"arguments":"}"}}]}}"#,
            r#"{"delta":{"tool_calls":[{"function":{"name":"f","arguments":"{}"}}]},"finish_reason":"tool_calls"}"#,
        ],
        expect![[r#"
            started "c" "m"
            0 call 0 call_P1ctbGykw2on0wfHIxogAXYj f({)
            0 arguments 0 "}"
            0 call 1 call_2zsGbbnFqQ6wu1pXjv92CBIL f({})
            0 finished tool_calls"#]],
    );
    // Id and name are said again with each piece.
    check_choices(
        &[
            r#"{"index":0,"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{"}}]}}"#,
            r#"{"index":0,"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"}"}}]},"finish_reason":"tool_calls"}"#,
        ],
        expect![[r#"
            started "c" "m"
            0 call 0 a f({)
            0 arguments 0 "}"
            0 finished tool_calls"#]],
    );
    // The name comes after the id.
    check_choices(
        &[
            r#"{"index":0,"delta":{"tool_calls":[{"index":3,"id":"a","type":"function","function":{"arguments":""}}]}}"#,
            r#"{"index":0,"delta":{"tool_calls":[{"index":3,"function":{"name":"f","arguments":"{}"}}]},"finish_reason":"tool_calls"}"#,
        ],
        expect![[r#"
            started "c" "m"
            0 call 0 a f({})
            0 finished tool_calls"#]],
    );
}

#[test]
fn reasoning_and_refusal_have_their_places() {
    check_choices(
        &[
            r#"{"index":0,"delta":{"reasoning_content":"Hm.","reasoning":"Hm."}}"#,
            r#"{"index":0,"delta":{"reasoning":" So."}}"#,
            r#"{"index":0,"delta":{"content":[{"type":"thinking","thinking":[{"type":"text","text":" Yes."}]},{"type":"text","text":"Hi"}]}}"#,
            r#"{"index":0,"delta":{"refusal":"I cannot."},"finish_reason":"content_filter"}"#,
        ],
        expect![[r#"
            started "c" "m"
            0 reasoning "Hm."
            0 reasoning " So."
            0 reasoning " Yes."
            0 text "Hi"
            0 refusal "I cannot."
            0 finished content_filter"#]],
    );
}

#[test]
fn choices_are_kept_apart_and_a_reason_counts_once() {
    check_choices(
        &[
            r#"{"index":1,"delta":{"content":"b"},"finish_reason":""},{"index":0,"delta":{"content":"a"}}"#,
            r#"{"index":0,"delta":{"content":"a"},"finish_reason":"length"}"#,
            r#"{"index":0,"delta":{},"finish_reason":"length"},{"index":1,"delta":{},"finish_reason":"stop"}"#,
        ],
        expect![[r#"
            started "c" "m"
            1 text "b"
            0 text "a"
            0 text "a"
            0 finished length
            1 finished stop"#]],
    );
}

#[test]
fn a_server_that_sends_no_done_is_complete_once_every_choice_is() {
    check(
        &[ROLE, GRU, FINISH],
        expect![[r#"
        started "chatcmpl-1" "gpt-5.6"
        0 text "Grü"
        0 finished stop"#]],
    );
    check(
        &[ROLE, GRU],
        expect![[r#"
        started "chatcmpl-1" "gpt-5.6"
        0 text "Grü"
        failure: Truncated: the provider ended the stream before the answer was complete"#]],
    );
    check(&[], expect!["failure: Truncated: the provider ended the stream before the answer was complete"]);
    let text = format!("data: {ROLE}\n\ndata: {FINISH}\n\n");
    let two = streamed(&text, || Reader::new(7, Some(2)), Reader::read, Reader::end);
    assert!(two.contains("failure: Truncated"), "{two}");
}

#[test]
fn the_last_usage_counts() {
    check(
        &[
            r#"{"id":"c","model":"m","choices":[{"index":0,"delta":{"content":"a"}}],"usage":{"prompt_tokens":3,"completion_tokens":1}}"#,
            r#"{"id":"c","model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":2}}"#,
            r#"{"id":"c","model":"m","choices":[],"usage":"odd"}"#,
        ],
        expect![[r#"
            started "c" "m"
            0 text "a"
            0 finished stop
            usage: prompt 3 (cached 0, written 0), completion 2 (reasoning 0)"#]],
    );
}

#[test]
fn an_error_or_what_is_no_chunk_ends_it() {
    check(
        &[ROLE, GRU, r#"{"error":{"message":"boom","type":"server_error","code":null}}"#],
        expect![[r#"
        started "chatcmpl-1" "gpt-5.6"
        0 text "Grü"
        failure: ServerError 500: boom"#]],
    );
    check(
        &[GRU, "not json"],
        expect![[r#"
        started "chatcmpl-1" "gpt-5.6"
        0 text "Grü"
        failure: Unreadable: the stream is not one of chat completion chunks"#]],
    );
    check(&["[]"], expect!["failure: Unreadable: the stream is not one of chat completion chunks"]);
}

#[test]
fn what_a_server_can_make_us_keep_is_bounded() {
    let events = |choice: &dyn Fn(usize) -> String| -> String {
        (0..1100).map(|at| format!("data: {{\"choices\":[{}]}}\n\n", choice(at))).collect()
    };
    for text in [
        events(&|at| format!(r#"{{"index":{at},"delta":{{}}}}"#)),
        events(&|at| format!(r#"{{"index":0,"delta":{{"tool_calls":[{{"index":{at},"function":{{"name":"f"}}}}]}}}}"#)),
    ] {
        let mut reader = Reader::new(7, None);
        let mut cutter = crate::sse::Reader::new(1 << 20);
        let outcome = cutter.read(text.as_bytes(), |event| reader.read(&event, &mut |_| ()));
        assert!(outcome.is_err_and(|failure: crate::failure::Failure| failure.message.contains("too many")));
    }
}
