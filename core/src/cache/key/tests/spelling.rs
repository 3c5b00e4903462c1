use super::{full, of, spell};
use crate::cache::key::feed::Feed;
use crate::cache::key::json;
use crate::chance::Chance;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[test]
fn order_blanks_escapes_and_number_forms_do_not_matter() {
    let expect = of(&full().to_string());
    for seed in 0..200 {
        let mut text = String::new();
        spell(&full(), &mut Chance::new(seed), &mut text);
        assert_eq!(of(text.trim()), expect, "{text}");
    }
}

fn request(fields: &str) -> [u8; 32] {
    let messages = if fields.contains("messages") { "" } else { r#""messages":[{"role":"user","content":"x"}],"# };
    of(&format!(r#"{{"model":"m",{messages}{fields}}}"#))
}

#[test]
fn two_spellings_of_one_request_have_one_key() {
    for (one, other) in [
        (
            r#""messages":[{"role":"user","content":"x"}]"#,
            r#""messages":[{"role":"user","content":[{"type":"text","text":"x"}]}]"#,
        ),
        (r#""max_tokens":5"#, r#""max_completion_tokens":5"#),
        (r#""stop":"a""#, r#""stop":["a"]"#),
        (r#""n":1"#, r#""n":null"#),
        (r#""logprobs":false"#, r#""logprobs":null"#),
        (r#""temperature":0"#, r#""temperature":-0.0"#),
        (r#""temperature":1"#, r#""temperature":1e0"#),
        (r#""stream":true,"stream_options":{"include_usage":true}"#, r#""stream":false"#),
        (r#""logit_bias":{"1":1,"2":2,"1":3}"#, r#""logit_bias":{"2":2.0,"1":3e0}"#),
        (r#""top_k":4,"store":true,"user":"u","stream":true"#, r#""top_k":4.0"#),
        (r#""x":{"a":1,"a":2}"#, r#""x":{"a":2}"#),
    ] {
        assert_eq!(request(one), request(other), "{one} {other}");
    }
}

#[test]
fn what_only_looks_alike_has_keys_of_its_own() {
    let all = [
        r#""messages":[{"role":"user","content":""}]"#,
        r#""messages":[{"role":"user","content":[]}]"#,
        r#""messages":[{"role":"user"}]"#,
        r#""messages":[{"role":"user","content":"ab"}]"#,
        r#""messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}]"#,
        r#""messages":[{"role":"user","content":"a"},{"role":"user","content":"b"}]"#,
        r#""messages":[{"role":"user","content":[{"type":"refusal","refusal":"ab"}]}]"#,
        r#""messages":[{"role":"user","content":[{"type":"new","text":"ab"}]}]"#,
        r#""messages":[{"role":"user","content":[{"type":"new","text":"ac"}]}]"#,
        r#""messages":[{"role":"user","content":[{"type":"text","text":"ab","refusal":"no"}]}]"#,
        r#""messages":[{"role":"user","content":[{"type":"text","text":"ab","refusal":"yes"}]}]"#,
        r#""temperature":1"#,
        r#""seed":1"#,
        r#""n":3"#,
        r#""max_tokens":5,"max_completion_tokens":6"#,
        r#""max_tokens":6,"max_completion_tokens":5"#,
        r#""max_tokens":5"#,
        r#""stop":[]"#,
        r#""stop":"ab""#,
        r#""stop":["a","b"]"#,
        r#""tool_choice":"none""#,
        r#""tool_choice":"auto""#,
        r#""tool_choice":{"type":"function","function":{"name":"auto"}}"#,
        r#""tool_choice":{"type":"function","function":{"name":"auto"},"allowed_tools":{"mode":"auto","tools":[]}}"#,
        r#""tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[]}}"#,
        r#""tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"required","tools":[]}}"#,
        r#""tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"any","tools":[]}}"#,
        r#""tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[{}]}}"#,
        r#""logit_bias":{}"#,
        r#""logit_bias":[]"#,
        r#""logit_bias":"""#,
        r#""logit_bias":"1""#,
        r#""logit_bias":1"#,
        r#""logit_bias":-1"#,
        r#""logit_bias":10"#,
        r#""logit_bias":0.1"#,
        r#""logit_bias":"true""#,
        r#""logit_bias":true"#,
        r#""logit_bias":[true]"#,
        r#""logit_bias":[[],[]]"#,
        r#""logit_bias":[[[]]]"#,
        r#""logit_bias":{"a":{},"b":1}"#,
        r#""logit_bias":{"a":1}"#,
        r#""logit_bias":{"b":1}"#,
        // These would be one but for the lengths of their texts.
        r#""logit_bias":{"a\u0003b":""}"#,
        r#""logit_bias":{"a":"b\u0003"}"#,
        r#""messages":[{"role":"user","content":[{"type":"input_audio","input_audio":{"data":"ab","format":"c"}}]}]"#,
        r#""messages":[{"role":"user","content":[{"type":"input_audio","input_audio":{"data":"a","format":"bc"}}]}]"#,
        r#""logit_bias":{"a":{"b":1}}"#,
        // One more than a float can tell apart.
        r#""logit_bias":9007199254740992"#,
        r#""logit_bias":9007199254740993"#,
        r#""logit_bias":1e400"#,
        r#""logit_bias":2e400"#,
        // Half a surrogate pair is no character.
        r#""logit_bias":"\ud800""#,
        r#""logit_bias":"\ud801""#,
        r#""logit_bias":"\ud800\ud800""#,
        r#""top_k":1"#,
        r#""top_p":1"#,
        r#""verbosity":"low""#,
        r#""reasoning_effort":"low""#,
    ];
    for (at, one) in all.iter().enumerate() {
        for other in &all[..at] {
            assert_ne!(request(one), request(other), "{one} {other}");
        }
    }
}

fn digest(json: &str) -> [u8; 32] {
    let mut feed = Feed::new();
    json::feed(json.as_bytes(), &mut feed);
    feed.finish()
}

#[test]
fn numbers_are_compared_by_value() {
    for (one, other) in [
        ("0", "-0.00e7"),
        ("1", "1.0"),
        ("10", "1E1"),
        ("0.1", "100e-3"),
        ("123.450", "0.12345e+3"),
        ("-5e0", "-5"),
        ("1000000000000000000000000000000001", "1000000000000000000000000000000001.0"),
    ] {
        assert_eq!(digest(one), digest(other), "{one} {other}");
    }
    let huge = format!("1e{}", "9".repeat(40));
    assert_eq!(digest(&huge), digest(&huge));
    assert_ne!(digest(&huge), digest(&format!("1e{}", "9".repeat(41))));
}

#[test]
fn any_depth_has_a_key_and_what_is_too_deep_is_told_apart_by_its_text() {
    let nest = |depth: usize, inner: &str| format!("{}{inner}{}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(digest(&nest(127, "1")), digest(&nest(127, " 1.0 ")));
    for depth in [128, 129, 100_000] {
        assert_eq!(digest(&nest(depth, "1")), digest(&nest(depth, "1")));
        assert_ne!(digest(&nest(depth, "1")), digest(&nest(depth, "2")));
        assert_ne!(digest(&nest(depth, "1")), digest(&nest(depth - 1, "1")));
    }
    // A body of which only an unknown field is too deep.
    let body = |inner: &str| request(&format!(r#""x":{}"#, nest(100_000, inner)));
    assert_ne!(body("1"), body("2"));
}

#[test]
fn anything_at_all_is_fed_without_a_panic() {
    for text in
        ["", "{", "[", "\"", "\"\\", "\"\\u12", "{\"a\"", "{\"a\":", "{1:2}", "[1 2]", "-", "1e", ".", "e", "1e5x", "]"]
    {
        digest(text);
    }
}
