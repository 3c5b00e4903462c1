use crate::provider::gemini::answer;
use crate::provider::testing::answered;
use expect_test::{Expect, expect};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn check(body: &str, expect: Expect) {
    expect.assert_eq(&answered(|emit| answer::read(body.as_bytes(), 7, emit)));
}

#[test]
fn a_text_and_its_thoughts() {
    check(
        r#"{"candidates":[{"content":{"role":"model","parts":[
              {"text":"Hm.","thought":true},{"text":"Grüße "},{"text":"🌊"},{"text":"","thoughtSignature":"c2ln"}]},
              "finishReason":"STOP","avgLogprobs":-0.1}],
            "usageMetadata":{"promptTokenCount":10,"cachedContentTokenCount":4,"toolUsePromptTokenCount":3,
              "candidatesTokenCount":5,"thoughtsTokenCount":7,"totalTokenCount":25,"promptTokensDetails":[{"modality":"TEXT"}]},
            "modelVersion":"gemini-3.8-flash","responseId":"r1"}"#,
        expect![[r#"
            started "r1" "gemini-3.8-flash"
            0 reasoning "Hm."
            0 text "Grüße "
            0 text "🌊"
            0 finished stop
            usage: prompt 13 (cached 4, written 0), completion 12 (reasoning 7)"#]],
    );
}

#[test]
fn snake_case_is_read_too() {
    check(
        r#"{"candidates":[{"content":{"parts":[{"function_call":{"name":"f","args":{"a":1}},"thought_signature":"c2ln"}]},
              "finish_reason":"STOP"}],
            "usage_metadata":{"prompt_token_count":1,"candidates_token_count":2},"model_version":"m","response_id":"r"}"#,
        expect![[r#"
            started "r" "m"
            0 call 0 call_P1ctbGykw2on0wfHIxogAXYj f({"a":1}) signature c2ln
            0 finished tool_calls
            usage: prompt 1 (cached 0, written 0), completion 2 (reasoning 0)"#]],
    );
}

#[test]
fn calls_get_an_id_and_an_object() {
    check(
        r#"{"candidates":[{"content":{"parts":[
              {"functionCall":{"name":"w","args":{
                 "city": "Paris  x"
               }},"thoughtSignature":"c2ln"},
              {"functionCall":{"id":"fc_1","name":"now"}},
              {"functionCall":{}},
              {"inlineData":{"mimeType":"image/png","data":"AAAA"}},{"executableCode":{"code":"1"}}]},
              "finishReason":"STOP"}]}"#,
        expect![[r#"
            started "" ""
            0 call 0 call_P1ctbGykw2on0wfHIxogAXYj w({"city":"Paris  x"}) signature c2ln
            0 call 1 fc_1 now({})
            0 finished tool_calls"#]],
    );
}

#[test]
fn candidates_are_choices() {
    check(
        r#"{"candidates":[{"content":{"parts":[{"text":"a"}]},"finishReason":"STOP"},
              {"index":1,"content":{"parts":[{"text":"b"}]},"finishReason":"MAX_TOKENS"}],"responseId":"r","modelVersion":"m"}"#,
        expect![[r#"
            started "r" "m"
            0 text "a"
            1 text "b"
            0 finished stop
            1 finished length"#]],
    );
}

#[test]
fn every_finish_reason_has_a_twin() {
    let finish = |reason: &str, part: &str| {
        let body = format!(r#"{{"candidates":[{{"content":{{"parts":[{part}]}},"finishReason":"{reason}"}}]}}"#);
        let text = answered(|emit| answer::read(body.as_bytes(), 7, emit));
        text.lines().last().unwrap_or_default().to_owned()
    };
    let (text, call) = (r#"{"text":"a"}"#, r#"{"functionCall":{"name":"f"}}"#);
    let mut lines = Vec::new();
    for reason in [
        "STOP",
        "FINISH_REASON_UNSPECIFIED",
        "SOMETHING_NEW",
        "MAX_TOKENS",
        "CONTINUATION",
        "SAFETY",
        "RECITATION",
        "LANGUAGE",
        "BLOCKLIST",
        "PROHIBITED_CONTENT",
        "SPII",
        "IMAGE_SAFETY",
        "IMAGE_PROHIBITED_CONTENT",
        "IMAGE_RECITATION",
        "IMAGE_OTHER",
        "ESCALATION",
        "PUP_LIMITED_DISABLED",
        "MODEL_ARMOR",
        "OTHER",
        "NO_IMAGE",
        "MALFORMED_FUNCTION_CALL",
        "UNEXPECTED_TOOL_CALL",
        "TOO_MANY_TOOL_CALLS",
        "MALFORMED_RESPONSE",
        "MISSING_THOUGHT_SIGNATURE",
    ] {
        let of = [text, call, ""].map(|part| finish(reason, part).replace("0 finished ", ""));
        lines.push(format!("{reason}: text {}; call {}; nothing {}", of[0], of[1], of[2]));
    }
    expect![[r#"
        STOP: text stop; call tool_calls; nothing stop
        FINISH_REASON_UNSPECIFIED: text stop; call tool_calls; nothing stop
        SOMETHING_NEW: text stop; call tool_calls; nothing stop
        MAX_TOKENS: text length; call length; nothing length
        CONTINUATION: text length; call length; nothing length
        SAFETY: text content_filter; call content_filter; nothing content_filter
        RECITATION: text content_filter; call content_filter; nothing content_filter
        LANGUAGE: text content_filter; call content_filter; nothing content_filter
        BLOCKLIST: text content_filter; call content_filter; nothing content_filter
        PROHIBITED_CONTENT: text content_filter; call content_filter; nothing content_filter
        SPII: text content_filter; call content_filter; nothing content_filter
        IMAGE_SAFETY: text content_filter; call content_filter; nothing content_filter
        IMAGE_PROHIBITED_CONTENT: text content_filter; call content_filter; nothing content_filter
        IMAGE_RECITATION: text content_filter; call content_filter; nothing content_filter
        IMAGE_OTHER: text content_filter; call content_filter; nothing content_filter
        ESCALATION: text content_filter; call content_filter; nothing content_filter
        PUP_LIMITED_DISABLED: text content_filter; call content_filter; nothing content_filter
        MODEL_ARMOR: text content_filter; call content_filter; nothing content_filter
        OTHER: text stop; call tool_calls; nothing content_filter
        NO_IMAGE: text stop; call tool_calls; nothing stop
        MALFORMED_FUNCTION_CALL: text stop; call stop; nothing failure: ServerError 200: the model made a malformed function call
        UNEXPECTED_TOOL_CALL: text stop; call stop; nothing failure: ServerError 200: the model made a malformed function call
        TOO_MANY_TOOL_CALLS: text stop; call stop; nothing failure: ServerError 200: the model made a malformed function call
        MALFORMED_RESPONSE: text stop; call stop; nothing failure: ServerError 200: the model made a malformed function call
        MISSING_THOUGHT_SIGNATURE: text stop; call stop; nothing failure: ServerError 200: the model made a malformed function call"#]].assert_eq(&lines.join("\n"));
}

#[test]
fn thoughts_alone_do_not_excuse_a_malformed_call() {
    check(
        r#"{"candidates":[{"content":{"parts":[{"text":"Hm.","thought":true}]},"finishReason":"MALFORMED_FUNCTION_CALL"}]}"#,
        expect!["failure: ServerError 200: the model made a malformed function call"],
    );
}

#[test]
fn a_blocked_prompt_is_an_answer_without_content() {
    check(
        r#"{"promptFeedback":{"blockReason":"PROHIBITED_CONTENT"},"usageMetadata":{"promptTokenCount":9,"totalTokenCount":9},
            "modelVersion":"m","responseId":"r"}"#,
        expect![[r#"
            started "r" "m"
            0 finished content_filter
            usage: prompt 9 (cached 0, written 0), completion 0 (reasoning 0)"#]],
    );
}

#[test]
fn without_a_finish_reason_it_just_ended() {
    check(
        r#"{"candidates":[{"content":{"parts":[{"text":"a"}]}}]}"#,
        expect![[r#"
        started "" ""
        0 text "a"
        0 finished stop"#]],
    );
}

#[test]
fn what_is_no_answer_is_a_failure() {
    check("", expect!["failure: Unreadable 200: the answer is not a response"]);
    check("{}", expect!["failure: Unreadable 200: the answer has no candidates"]);
    check(r#"{"candidates":[]}"#, expect!["failure: Unreadable 200: the answer has no candidates"]);
    check(r#"{"candidates":[{}]}"#, expect!["failure: Unreadable 200: the answer has no candidates"]);
    check(r#"{"candidates":"x"}"#, expect!["failure: Unreadable 200: the answer is not a response"]);
    check(
        r#"{"error":{"code":503,"message":"The model is overloaded.","status":"UNAVAILABLE"}}"#,
        expect!["failure: Overloaded 503 code=UNAVAILABLE: The model is overloaded."],
    );
}
