use crate::provider::gemini::stream::Reader;
use crate::provider::testing::streamed;
use expect_test::{Expect, expect};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Reads a stream of these chunks, with the line ends that Gemini writes.
fn check(chunks: &[&str], expect: Expect) {
    let text: String = chunks.iter().map(|chunk| format!("data: {chunk}\r\n\r\n")).collect();
    expect.assert_eq(&streamed(&text, || Reader::new(7), Reader::read, Reader::end));
}

const FIRST: &str = r#"{"candidates":[{"content":{"role":"model","parts":[{"text":"Grü"}]}}],"usageMetadata":{"promptTokenCount":55,"thoughtsTokenCount":4},"modelVersion":"gemini-3.8-flash","responseId":"r1"}"#;
const LAST: &str = r#"{"candidates":[{"content":{"parts":[{"text":"","thoughtSignature":"c2ln"}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":257,"candidatesTokenCount":9},"modelVersion":"gemini-3.8-flash","responseId":"r1"}"#;

#[test]
fn a_text_ends_with_the_connection_and_the_last_usage_counts() {
    check(
        &[
            r#"{"candidates":[{"content":{"parts":[{"text":"Hm.","thought":true}]}}],"modelVersion":"gemini-3.8-flash","responseId":"r1"}"#,
            FIRST,
            r#"{"candidates":[{"content":{"parts":[{"text":"ße"},{"text":""}]}}]}"#,
            LAST,
        ],
        expect![[r#"
            started "r1" "gemini-3.8-flash"
            0 reasoning "Hm."
            0 text "Grü"
            0 text "ße"
            0 finished stop
            usage: prompt 257 (cached 0, written 0), completion 13 (reasoning 4)"#]],
    );
}

#[test]
fn usage_may_come_after_the_finish() {
    check(
        &[FIRST, LAST, r#"{"usageMetadata":{"promptTokenCount":300,"candidatesTokenCount":10}}"#],
        expect![[r#"
        started "r1" "gemini-3.8-flash"
        0 text "Grü"
        0 finished stop
        usage: prompt 300 (cached 0, written 0), completion 14 (reasoning 4)"#]],
    );
}

#[test]
fn calls_are_counted_over_all_chunks_and_make_the_reason() {
    check(
        &[
            r#"{"candidates":[{"content":{"parts":[{"functionCall":{"name":"w","args":{"city":"Paris"}},"thoughtSignature":"c2ln"}]}}],"responseId":"r1","modelVersion":"m"}"#,
            r#"{"candidates":[{"content":{"parts":[{"functionCall":{"id":"fc_2","name":"now"}}]}}]}"#,
            LAST,
        ],
        expect![[r#"
            started "r1" "m"
            0 call 0 call_P1ctbGykw2on0wfHIxogAXYj w({"city":"Paris"}) signature c2ln
            0 call 1 fc_2 now({})
            0 finished tool_calls
            usage: prompt 257 (cached 0, written 0), completion 9 (reasoning 0)"#]],
    );
}

#[test]
fn choices_are_kept_apart() {
    check(
        &[
            r#"{"candidates":[{"content":{"parts":[{"text":"a"}]}},{"index":1,"content":{"parts":[{"functionCall":{"name":"f"}}]}}]}"#,
            r#"{"candidates":[{"index":1,"content":{"parts":[{"functionCall":{"name":"f"}}]},"finishReason":"STOP"}]}"#,
            r#"{"candidates":[{"finishReason":"MAX_TOKENS"}]}"#,
        ],
        expect![[r#"
            started "" ""
            0 text "a"
            1 call 0 call_xrmxaMuQfhO3HXLqhDxDcZRr f({})
            1 call 1 call_KxPuqakH0OQSlvvlanslvjs9 f({})
            0 finished length
            1 finished tool_calls"#]],
    );
}

#[test]
fn a_continuation_is_an_answer_cut_by_length() {
    check(
        &[FIRST, r#"{"candidates":[{"finishReason":"CONTINUATION"}],"continuationToken":"x"}"#],
        expect![[r#"
        started "r1" "gemini-3.8-flash"
        0 text "Grü"
        0 finished length
        usage: prompt 55 (cached 0, written 0), completion 4 (reasoning 4)"#]],
    );
}

#[test]
fn arguments_in_pieces_are_put_together() {
    check(
        &[
            r#"{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","willContinue":true},"thoughtSignature":"c2ln"}]}}]}"#,
            r#"{"candidates":[{"content":{"parts":[{"functionCall":{"partialArgs":[{"jsonPath":"$.city","stringValue":"Pa","willContinue":true}],"willContinue":true}}]}}]}"#,
            r#"{"candidates":[{"content":{"parts":[{"functionCall":{"partialArgs":[{"jsonPath":"$.city","stringValue":"ris"},{"jsonPath":"$.list[0].n","numberValue":1.5},{"jsonPath":"$.list[1]","boolValue":true},{"jsonPath":"$['a b']","nullValue":"NULL_VALUE"}],"willContinue":true}}]}}]}"#,
            r#"{"candidates":[{"content":{"parts":[{"functionCall":{}}]}}]}"#,
            r#"{"candidates":[{"content":{"parts":[{"functionCall":{"name":"g","willContinue":true}}]},"finishReason":"STOP"}]}"#,
        ],
        expect![[r#"
            started "" ""
            0 call 0 call_P1ctbGykw2on0wfHIxogAXYj f({"city":"Paris","list":[{"n":1.5},true],"a b":null}) signature c2ln
            0 call 1 call_2zsGbbnFqQ6wu1pXjv92CBIL g({})
            0 finished tool_calls"#]],
    );
    check(
        &[
            r#"{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","partialArgs":[{"jsonPath":"$.a[9]","boolValue":true}]}}]}}]}"#,
        ],
        expect![[r#"
            started "" ""
            failure: Unreadable 200: a piece of a call's arguments belongs nowhere"#]],
    );
}

#[test]
fn a_malformed_call_is_a_failure_until_something_was_said() {
    let malformed = r#"{"candidates":[{"finishReason":"MALFORMED_FUNCTION_CALL","finishMessage":"x"}],"usageMetadata":{"promptTokenCount":1}}"#;
    check(&[malformed], expect!["failure: ServerError 200: the model made a malformed function call"]);
    check(
        &[r#"{"usageMetadata":{"promptTokenCount":1},"responseId":"r1"}"#, malformed],
        expect![[r#"
        started "r1" ""
        failure: ServerError 200: the model made a malformed function call"#]],
    );
    check(
        &[FIRST, malformed],
        expect![[r#"
        started "r1" "gemini-3.8-flash"
        0 text "Grü"
        0 finished stop
        usage: prompt 1 (cached 0, written 0), completion 4 (reasoning 4)"#]],
    );
}

#[test]
fn a_block_ends_what_has_not_ended() {
    let block = r#"{"promptFeedback":{"blockReason":"SAFETY"},"usageMetadata":{"promptTokenCount":9}}"#;
    check(
        &[block],
        expect![[r#"
        started "" ""
        0 finished content_filter
        usage: prompt 9 (cached 0, written 0), completion 0 (reasoning 0)"#]],
    );
    check(
        &[FIRST, block],
        expect![[r#"
        started "r1" "gemini-3.8-flash"
        0 text "Grü"
        0 finished content_filter
        usage: prompt 9 (cached 0, written 0), completion 4 (reasoning 4)"#]],
    );
    check(
        &[FIRST, LAST, block],
        expect![[r#"
        started "r1" "gemini-3.8-flash"
        0 text "Grü"
        0 finished stop
        usage: prompt 9 (cached 0, written 0), completion 13 (reasoning 4)"#]],
    );
}

#[test]
fn an_error_object_is_the_failure_that_it_names() {
    check(
        &[FIRST, r#"{"error":{"code":503,"message":"The model is overloaded.","status":"UNAVAILABLE"}}"#],
        expect![[r#"
        started "r1" "gemini-3.8-flash"
        0 text "Grü"
        failure: Overloaded 503 code=UNAVAILABLE: The model is overloaded."#]],
    );
    check(
        &[
            r#"{"error":{"message":"m","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"2s"}]}}"#,
        ],
        expect!["failure: RateLimited 429 code=RESOURCE_EXHAUSTED retry_after=2000ms: m"],
    );
    check(&[r#"{"error":{}}"#], expect!["failure: ServerError 500: server error"]);
}

#[test]
fn a_cut_stream_never_looks_complete() {
    check(&[], expect!["failure: Truncated 200: the stream ended before the answer did"]);
    check(
        &[FIRST],
        expect![[r#"
        started "r1" "gemini-3.8-flash"
        0 text "Grü"
        failure: Truncated 200: the stream ended before the answer did"#]],
    );
    check(
        &[
            r#"{"candidates":[{"content":{"parts":[{"text":"a"}]},"finishReason":"STOP"}]}"#,
            r#"{"candidates":[{"index":1,"content":{"parts":[{"text":"b"}]}}]}"#,
        ],
        expect![[r#"
            started "" ""
            0 text "a"
            1 text "b"
            failure: Truncated 200: the stream ended before the answer did"#]],
    );
}

#[test]
fn what_is_no_chunk_is_unreadable_and_a_borrowed_end_mark_is_passed_over() {
    check(
        &[FIRST, "not json"],
        expect![[r#"
        started "r1" "gemini-3.8-flash"
        0 text "Grü"
        failure: Unreadable 200: the stream holds an event of the wrong form"#]],
    );
    check(
        &[FIRST, LAST, "[DONE]"],
        expect![[r#"
        started "r1" "gemini-3.8-flash"
        0 text "Grü"
        0 finished stop
        usage: prompt 257 (cached 0, written 0), completion 13 (reasoning 4)"#]],
    );
}

#[test]
fn a_flood_of_candidates_is_bounded() {
    let chunk =
        |index: u32| format!(r#"{{"candidates":[{{"index":{index},"content":{{"parts":[{{"text":"a"}}]}}}}]}}"#);
    let mut reader = Reader::new(7);
    let outcome = (0..1000).try_for_each(|index| {
        reader.read(&crate::sse::Event { name: b"", data: chunk(index).as_bytes() }, &mut |_| ())
    });
    assert!(outcome.is_err());
}
