use super::translated;
use expect_test::{Expect, expect};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// On a model that wants thought signatures.
fn check(messages: &str, expect: Expect) {
    expect.assert_eq(&translated("gemini-3.8-flash", &format!(r#""messages":[{messages}]"#)));
}

#[test]
fn instructions_are_hoisted_and_roles_merged() {
    check(
        r#"{"role":"system","content":"Be brief."},
           {"role":"user","content":"a","name":"ann"},
           {"role":"developer","content":[{"type":"text","text":"Be kind."},{"type":"text","text":""}]},
           {"role":"user","content":[{"type":"text","text":"b"},{"type":"text","text":""}]},
           {"role":"assistant","content":"c"},
           {"role":"assistant","content":null,"refusal":"No."},
           {"role":"assistant","content":[{"type":"refusal","refusal":"Never."}]},
           {"role":"user","content":"d"}"#,
        expect![[r#"
            {
              "systemInstruction": {"parts":[{"text":"Be brief."},{"text":"Be kind."}]},
              "contents": [
                {"role":"user","parts":[{"text":"a"},{"text":"b"}]},
                {"role":"model","parts":[{"text":"c"},{"text":"No."},{"text":"Never."}]},
                {"role":"user","parts":[{"text":"d"}]}
              ]
            }
            dropped: name"#]],
    );
}

#[test]
fn nothing_said_is_refused() {
    check("", expect!["unsupported: messages: this provider needs at least one user message"]);
    check(
        r#"{"role":"system","content":"Be brief."}"#,
        expect!["unsupported: messages: this provider needs at least one user message"],
    );
    check(
        r#"{"role":"user","content":""}"#,
        expect!["unsupported: messages[0].content: this provider does not take an empty user message"],
    );
    check(
        r#"{"role":"user","content":[{"type":"text","text":""}]}"#,
        expect!["unsupported: messages[0].content: this provider does not take an empty user message"],
    );
}

#[test]
fn results_are_named_after_their_calls_and_stand_in_one_content() {
    check(
        r#"{"role":"user","content":"Weather?"},
           {"role":"assistant","content":"Wait.","tool_calls":[
             {"id":"call_1","type":"function","function":{"name":"w","arguments":"{\"city\": \"Paris\"}"},
              "extra_content":{"google":{"thought_signature":"c2ln"}}},
             {"id":"call_2","type":"function","function":{"name":"now","arguments":""}}]},
           {"role":"tool","tool_call_id":"call_1","content":"{\"t\": 18}"},
           {"role":"tool","tool_call_id":"call_2","content":[{"type":"text","text":"12"},{"type":"text","text":":00"}]},
           {"role":"user","content":"And?"}"#,
        expect![[r#"
            {
              "contents": [
                {"role":"user","parts":[{"text":"Weather?"}]},
                {
                  "role": "model",
                  "parts": [
                    {"text":"Wait."},
                    {"functionCall":{"id":"call_1","name":"w","args":{"city":"Paris"}},"thoughtSignature":"c2ln"},
                    {"functionCall":{"id":"call_2","name":"now","args":{}}}
                  ]
                },
                {
                  "role": "user",
                  "parts": [
                    {"functionResponse":{"id":"call_1","name":"w","response":{"output":{"t":18}}}},
                    {"functionResponse":{"id":"call_2","name":"now","response":{"output":"12:00"}}},
                    {"text":"And?"}
                  ]
                }
              ]
            }"#]],
    );
}

#[test]
fn a_foreign_call_gets_the_documented_escape_on_the_first_of_its_turn() {
    let messages = r#""messages":[{"role":"user","content":"a"},
        {"role":"assistant","tool_calls":[{"id":"c","function":{"name":"f"}},{"id":"d","function":{"name":"g"}}]},
        {"role":"tool","tool_call_id":"c","content":"not {json"},
        {"role":"tool","tool_call_id":"d","content":""},
        {"role":"assistant","tool_calls":[{"id":"c","function":{"name":"h"},"extra_content":{"other":1}}]},
        {"role":"tool","tool_call_id":"c","content":"[1]"}]"#;
    expect![[r#"
        {
          "contents": [
            {"role":"user","parts":[{"text":"a"}]},
            {
              "role": "model",
              "parts": [
                {
                  "functionCall": {"id":"c","name":"f","args":{}},
                  "thoughtSignature": "skip_thought_signature_validator"
                },
                {"functionCall":{"id":"d","name":"g","args":{}}}
              ]
            },
            {
              "role": "user",
              "parts": [
                {"functionResponse":{"id":"c","name":"f","response":{"output":"not {json"}}},
                {"functionResponse":{"id":"d","name":"g","response":{"output":""}}}
              ]
            },
            {
              "role": "model",
              "parts": [
                {
                  "functionCall": {"id":"c","name":"h","args":{}},
                  "thoughtSignature": "skip_thought_signature_validator"
                }
              ]
            },
            {"role":"user","parts":[{"functionResponse":{"id":"c","name":"h","response":{"output":"[1]"}}}]}
          ]
        }"#]]
    .assert_eq(&translated("gemini-3.8-flash", messages));
    // Before Gemini 3 there is nothing to sign.
    assert!(!translated("gemini-2.5-flash", messages).contains("thoughtSignature"));
}

#[test]
fn a_result_of_an_unknown_call_is_refused() {
    check(
        r#"{"role":"user","content":"a"},{"role":"tool","tool_call_id":"x","content":"18C"}"#,
        expect!["unsupported: messages[1].tool_call_id: no earlier assistant message holds a call of this id"],
    );
    check(
        r#"{"role":"user","content":"a"},{"role":"tool","content":"18C"}"#,
        expect!["unsupported: messages[1].tool_call_id: no earlier assistant message holds a call of this id"],
    );
}

#[test]
fn what_is_deprecated_or_of_an_unknown_type_is_refused() {
    let after = |message: &str| {
        translated("gemini-3.8-flash", &format!(r#""messages":[{{"role":"user","content":"a"}},{message}]"#))
    };
    expect!["unsupported: messages[1].role: the `function` role is deprecated; use `tool`"]
        .assert_eq(&after(r#"{"role":"function","name":"f","content":"x"}"#));
    expect!["unsupported: messages[1].function_call: `function_call` is deprecated; use `tool_calls`"]
        .assert_eq(&after(r#"{"role":"assistant","function_call":{"name":"f","arguments":"{}"}}"#));
    expect!["unsupported: messages[1].tool_calls[0].type: this provider has function calls only"]
        .assert_eq(&after(r#"{"role":"assistant","tool_calls":[{"id":"c","type":"custom","custom":{}}]}"#));
    expect!["unsupported: messages[1].tool_calls[0].function.arguments: the arguments must be a JSON object"]
        .assert_eq(&after(
            r#"{"role":"assistant","tool_calls":[{"id":"c","function":{"name":"f","arguments":"[1]"}}]}"#,
        ));
    expect!["unsupported: messages[1].content[0].type: this provider has no content of type `hologram`"]
        .assert_eq(&after(r#"{"role":"user","content":[{"type":"hologram"}]}"#));
    expect![[r#"unsupported: messages[1].content[0].type: this provider does not take this content in a message of this role"#]]
    .assert_eq(&after(
        r#"{"role":"assistant","content":[{"type":"image_url","image_url":{"url":"https://x/y.png"}}]}"#,
    ));
}

#[test]
fn media_come_inline_or_by_address() {
    check(
        r#"{"role":"user","content":[
             {"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA","detail":"low"}},
             {"type":"image_url","image_url":{"url":"https://example.com/a.webp?b","detail":"original"}},
             {"type":"image_url","image_url":{"url":"https://example.com/a","detail":"auto"}},
             {"type":"input_audio","input_audio":{"data":"AAAA","format":"wav"}},
             {"type":"input_audio","input_audio":{"data":"AAAA","format":"mp3"}},
             {"type":"file","file":{"filename":"a.pdf","file_data":"JVBERi0="}}]}"#,
        expect![[r#"
            {
              "contents": [
                {
                  "role": "user",
                  "parts": [
                    {
                      "inlineData": {"mimeType":"image/png","data":"AAAA"},
                      "mediaResolution": {"level":"MEDIA_RESOLUTION_LOW"}
                    },
                    {
                      "fileData": {"mimeType":"image/webp","fileUri":"https://example.com/a.webp?b"},
                      "mediaResolution": {"level":"MEDIA_RESOLUTION_HIGH"}
                    },
                    {"fileData":{"mimeType":"image/jpeg","fileUri":"https://example.com/a"}},
                    {"inlineData":{"mimeType":"audio/wav","data":"AAAA"}},
                    {"inlineData":{"mimeType":"audio/mp3","data":"AAAA"}},
                    {"inlineData":{"mimeType":"application/pdf","data":"JVBERi0="}}
                  ]
                }
              ]
            }"#]],
    );
    let one = |model: &str, part: &str| {
        let text = translated(model, &format!(r#""messages":[{{"role":"user","content":[{part}]}}]"#));
        text.lines().filter(|line| line.starts_with("unsupported") || line.starts_with("dropped")).collect::<String>()
    };
    let detail = r#"{"type":"image_url","image_url":{"url":"https://example.com/a","detail":"high"}}"#;
    expect!["dropped: detail"].assert_eq(&one("gemini-2.5-flash", detail));
    expect!["unsupported: messages[0].content[0].image_url.url: the data URL tells no media type"]
        .assert_eq(&one("gemini-3-pro", r#"{"type":"image_url","image_url":{"url":"data:;base64,AAAA"}}"#));
    expect!["unsupported: messages[0].content[0].image_url.url: the URL must begin with https://, http:// or data:"]
        .assert_eq(&one("gemini-3-pro", r#"{"type":"image_url","image_url":{"url":"x.png"}}"#));
    expect!["unsupported: messages[0].content[0].input_audio.format: audio must be wav or mp3"]
        .assert_eq(&one("gemini-3-pro", r#"{"type":"input_audio","input_audio":{"data":"AAAA","format":"opus"}}"#));
    expect!["unsupported: messages[0].content[0].file.file_id: an uploaded file cannot be reached from this provider; send `file_data`"].assert_eq(&one("gemini-3-pro", r#"{"type":"file","file":{"file_id":"file-1"}}"#));
    expect!["unsupported: messages[0].content[0].file.file_data: the file's media type is told neither by a data URL nor by its name"].assert_eq(&one("gemini-3-pro", r#"{"type":"file","file":{"file_data":"AAAA"}}"#));
}
