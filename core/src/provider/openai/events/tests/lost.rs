use crate::provider::openai::events::{Lost, Reader, read};
use crate::sse::Event;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// What is lost of an answer with these fields in its message, beside it, and beside the choices.
fn lost(message: &str, choice: &str, answer: &str) -> Option<Lost> {
    let body = |name: &str| {
        format!(
            r#"{{"id":"c","created":17,"model":"m","choices":[{{"index":0,"{name}":{{"role":"assistant"{message}}},
            "finish_reason":"stop"{choice}}}]{answer}}}"#
        )
    };
    let whole = read(body("message").as_bytes(), 7, &mut |_| ()).unwrap();
    let mut reader = Reader::new(7, None);
    reader.read(&Event { name: b"", data: body("delta").as_bytes() }, &mut |_| ()).unwrap();
    reader.end(&mut |_| ()).unwrap();
    assert_eq!((reader.lost(), reader.created()), (whole.lost, whole.created), "{message} {choice} {answer}");
    assert_eq!(whole.created, Some(17));
    whole.lost
}

#[test]
fn what_the_events_have_no_place_for_is_reported() {
    for (message, expect) in [
        (r#""audio":{"id":"a","data":"AAAA"}"#, Lost::Audio),
        (r#""annotations":[{"type":"url_citation"}]"#, Lost::Annotations),
        (r#""function_call":{"name":"f","arguments":"{}"}"#, Lost::FunctionCall),
        (r#""tool_calls":[{"index":0,"id":"a","type":"custom","custom":{"name":"c","input":"x"}}]"#, Lost::Call),
        (r#""tool_calls":[{"index":0,"id":"a","type":"function","function":{"arguments":"{}"}}]"#, Lost::Call),
        (r#""tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"","arguments":""}}]"#, Lost::Call),
        (r#""tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":[1]}}]"#, Lost::Call),
        (r#""tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"},"more":1}]"#, Lost::Call),
        (r#""tool_calls":[{"index":0,"function":{"name":"f"},"extra_content":{"google":{"other":1}}}]"#, Lost::Unknown),
        (r#""content":[{"type":"image_url","image_url":{"url":"u"}}]"#, Lost::Content),
        (r#""content":5"#, Lost::Content),
        (r#""reasoning":{"summary":"s"}"#, Lost::Content),
        (r#""reasoning_details":[{"type":"reasoning.encrypted"}]"#, Lost::Unknown),
        (r#""images":[{"image_url":{"url":"u"}}]"#, Lost::Unknown),
    ] {
        assert_eq!(lost(&format!(",{message}"), "", ""), Some(expect), "{message}");
    }
    assert_eq!(lost("", r#","logprobs":{"content":[{"token":"a"}]}"#, ""), Some(Lost::Logprobs));
    assert_eq!(lost("", r#","logprobs":{"content":[],"refusal":null}"#, ""), Some(Lost::Logprobs));
    // The form of the older completions.
    assert_eq!(lost("", r#","logprobs":{"tokens":["a"],"token_logprobs":[-1]}"#, ""), Some(Lost::Logprobs));
    assert_eq!(lost("", r#","token_ids":[1,2]"#, ""), Some(Lost::Unknown));
    assert_eq!(lost("", "", r#","citations":["https://x"]"#), Some(Lost::Unknown));
    assert_eq!(lost("", "", r#","prompt_logprobs":[null,{}]"#), Some(Lost::Unknown));
}

#[test]
fn what_says_nothing_or_nothing_of_the_answer_is_not_missed() {
    let message = r#","content":"x","refusal":null,"audio":null,"annotations":[],"function_call":null,"prefix":false,
        "tool_calls":[],"reasoning":"","reasoning_details":[ ],"provider_specific_fields":{ },"name":"""#;
    let choice =
        r#","logprobs":null,"stop_reason":"\n","content_filter_results":{"hate":{"filtered":false}},"token_ids":null"#;
    let answer = r#","object":"chat.completion","system_fingerprint":"fp","service_tier":"default","prompt_logprobs":null,
        "timings":{"prompt_ms":1.5},"x_groq":{"id":"r"},"obfuscation":"ab""#;
    assert_eq!(lost(message, choice, answer), None);
}

#[test]
fn a_reason_that_is_not_openais_is_reported() {
    for (reason, expect) in [
        ("stop", None),
        ("length", None),
        ("tool_calls", None),
        ("content_filter", None),
        ("model_length", None),
        ("eos", None),
        ("function_call", Some(Lost::FinishReason)),
        ("insufficient_system_resource", Some(Lost::FinishReason)),
        ("", Some(Lost::FinishReason)),
    ] {
        let body = format!(r#"{{"choices":[{{"message":{{"content":"x"}},"finish_reason":"{reason}"}}]}}"#);
        assert_eq!(read(body.as_bytes(), 7, &mut |_| ()).unwrap().lost, expect, "{reason}");
    }
}

#[test]
fn what_comes_after_the_end_is_reported() {
    let mut reader = Reader::new(7, None);
    for data in [
        r#"{"choices":[{"index":0,"delta":{"content":"x"},"finish_reason":"stop"}]}"#,
        r#"{"choices":[{"index":0,"delta":{"content":""},"finish_reason":"stop"}]}"#,
    ] {
        reader.read(&Event { name: b"", data: data.as_bytes() }, &mut |_| ()).unwrap();
        assert_eq!(reader.lost(), None);
    }
    let late = br#"{"choices":[{"index":0,"delta":{"content":"y"}}]}"#;
    reader.read(&Event { name: b"", data: late }, &mut |event| panic!("{event:?}")).unwrap();
    assert_eq!(reader.lost(), Some(Lost::Late));
}
