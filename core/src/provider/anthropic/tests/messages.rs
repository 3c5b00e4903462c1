use super::translated;
use expect_test::{Expect, expect};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// On a model that lets the conversation end with the assistant.
fn check(messages: &str, expect: Expect) {
    expect.assert_eq(&translated("claude-haiku-4-5", &format!(r#""max_tokens":9,"messages":[{messages}]"#)));
}

#[test]
fn instructions_are_hoisted_in_order_and_empty_ones_left_out() {
    check(
        r#"{"role":"system","content":"Be brief."},
           {"role":"user","content":"Hi","name":"ann"},
           {"role":"system","content":""},
           {"role":"developer","content":[{"type":"text","text":"Be kind."},{"type":"text","text":" "}]}"#,
        expect![[r#"
            {
              "model": "claude-haiku-4-5",
              "max_tokens": 9,
              "system": [{"type":"text","text":"Be brief."},{"type":"text","text":"Be kind."}],
              "messages": [{"role":"user","content":[{"type":"text","text":"Hi"}]}]
            }
            dropped: name"#]],
    );
}

#[test]
fn a_conversation_without_a_user_is_refused() {
    check(
        r#"{"role":"system","content":"Be brief."}"#,
        expect!["unsupported: messages: this provider needs at least one user message"],
    );
    check(
        r#"{"role":"assistant","content":"Hello"}"#,
        expect!["unsupported: messages: this provider needs at least one user message"],
    );
    check("", expect!["unsupported: messages: this provider needs at least one user message"]);
}

#[test]
fn a_conversation_that_does_not_begin_with_the_user_is_refused() {
    check(
        r#"{"role":"system","content":"Be brief."},{"role":"assistant","content":"Hello"},{"role":"user","content":"Hi"}"#,
        expect!["unsupported: messages[1].role: this provider needs the conversation to begin with a user message"],
    );
}

#[test]
fn one_role_speaks_once_in_a_row() {
    check(
        r#"{"role":"user","content":"a"},
           {"role":"user","content":[{"type":"text","text":"b"},{"type":"text","text":""}]},
           {"role":"assistant","content":"c"},
           {"role":"assistant","content":""},
           {"role":"assistant","content":null,"refusal":"No."},
           {"role":"assistant","content":[{"type":"text","text":"d"},{"type":"refusal","refusal":"Never."}]},
           {"role":"user","content":"e"}"#,
        expect![[r#"
            {
              "model": "claude-haiku-4-5",
              "max_tokens": 9,
              "messages": [
                {"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]},
                {
                  "role": "assistant",
                  "content": [
                    {"type":"text","text":"c"},
                    {"type":"text","text":"No."},
                    {"type":"text","text":"d"},
                    {"type":"text","text":"Never."}
                  ]
                },
                {"role":"user","content":[{"type":"text","text":"e"}]}
              ]
            }"#]],
    );
}

#[test]
fn an_empty_user_message_is_refused() {
    check(
        r#"{"role":"user","content":""}"#,
        expect!["unsupported: messages[0].content: this provider does not take an empty user message"],
    );
    check(
        r#"{"role":"user","content":"a"},{"role":"user","content":[{"type":"text","text":"\n"}]}"#,
        expect!["unsupported: messages[1].content: this provider does not take an empty user message"],
    );
}

#[test]
fn a_begun_answer_goes_where_it_is_continued_and_ends_in_no_blank() {
    let messages =
        r#""max_tokens":9,"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b: \n"}]"#;
    expect![[r#"
        {
          "model": "claude-haiku-4-5",
          "max_tokens": 9,
          "messages": [
            {"role":"user","content":[{"type":"text","text":"a"}]},
            {"role":"assistant","content":[{"type":"text","text":"b:"}]}
          ]
        }"#]]
    .assert_eq(&translated("claude-haiku-4-5", messages));
    expect!["unsupported: messages[1].role: this model does not continue an answer that was begun for it: end with a user message"].assert_eq(&translated("claude-opus-4-6", messages));
}

#[test]
fn results_of_one_turn_stand_in_one_message_with_what_the_user_adds() {
    check(
        r#"{"role":"user","content":"Weather?"},
           {"role":"assistant","content":"","tool_calls":[
             {"id":"call_1","type":"function","function":{"name":"w","arguments":"{\"city\": \"Paris\"}"},
              "extra_content":{"google":{"thought_signature":"c2ln"}}},
             {"id":"call_2","type":"function","function":{"name":"now","arguments":""}}]},
           {"role":"tool","tool_call_id":"call_1","content":"18C"},
           {"role":"tool","tool_call_id":"call_2","content":""},
           {"role":"user","content":"And?"}"#,
        expect![[r#"
            {
              "model": "claude-haiku-4-5",
              "max_tokens": 9,
              "messages": [
                {"role":"user","content":[{"type":"text","text":"Weather?"}]},
                {
                  "role": "assistant",
                  "content": [
                    {"type":"tool_use","id":"call_1","name":"w","input":{"city":"Paris"}},
                    {"type":"tool_use","id":"call_2","name":"now","input":{}}
                  ]
                },
                {
                  "role": "user",
                  "content": [
                    {"type":"tool_result","tool_use_id":"call_1","content":[{"type":"text","text":"18C"}]},
                    {"type":"tool_result","tool_use_id":"call_2"},
                    {"type":"text","text":"And?"}
                  ]
                }
              ],
              "tools": [
                {"name":"now","input_schema":{"type":"object","properties":{}}},
                {"name":"w","input_schema":{"type":"object","properties":{}}}
              ],
              "tool_choice": {"type":"none"}
            }"#]],
    );
}

#[test]
fn a_result_may_be_in_parts() {
    check(
        r#"{"role":"user","content":"a"},
           {"role":"assistant","tool_calls":[{"id":"c","function":{"name":"f","arguments":"{}"}}]},
           {"role":"tool","tool_call_id":"c","content":[{"type":"text","text":"18C"},
             {"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}]}"#,
        expect![[r#"
            {
              "model": "claude-haiku-4-5",
              "max_tokens": 9,
              "messages": [
                {"role":"user","content":[{"type":"text","text":"a"}]},
                {"role":"assistant","content":[{"type":"tool_use","id":"c","name":"f","input":{}}]},
                {
                  "role": "user",
                  "content": [
                    {
                      "type": "tool_result",
                      "tool_use_id": "c",
                      "content": [
                        {"type":"text","text":"18C"},
                        {"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAAA"}}
                      ]
                    }
                  ]
                }
              ],
              "tools": [{"name":"f","input_schema":{"type":"object","properties":{}}}],
              "tool_choice": {"type":"none"}
            }"#]],
    );
}

#[test]
fn ids_are_made_plain_alike_in_call_and_result() {
    check(
        r#"{"role":"user","content":"a"},
           {"role":"assistant","tool_calls":[{"id":"functions.f:0","function":{"name":"f","arguments":"{}"}}]},
           {"role":"tool","tool_call_id":"functions.f:0","content":"x"}"#,
        expect![[r#"
            {
              "model": "claude-haiku-4-5",
              "max_tokens": 9,
              "messages": [
                {"role":"user","content":[{"type":"text","text":"a"}]},
                {
                  "role": "assistant",
                  "content": [{"type":"tool_use","id":"functions_f_0_4be0e962e9dcd7b8","name":"f","input":{}}]
                },
                {
                  "role": "user",
                  "content": [
                    {
                      "type": "tool_result",
                      "tool_use_id": "functions_f_0_4be0e962e9dcd7b8",
                      "content": [{"type":"text","text":"x"}]
                    }
                  ]
                }
              ],
              "tools": [{"name":"f","input_schema":{"type":"object","properties":{}}}],
              "tool_choice": {"type":"none"}
            }"#]],
    );
}

#[test]
fn arguments_that_are_no_object_are_refused() {
    for arguments in ["{", "[1]", "null", "nonsense"] {
        check(
            &format!(
                r#"{{"role":"user","content":"a"}},{{"role":"assistant","tool_calls":[
                    {{"id":"a","function":{{"name":"f","arguments":"{{}}"}}}},
                    {{"id":"b","function":{{"name":"f","arguments":"{arguments}"}}}}]}}"#
            ),
            expect!["unsupported: messages[1].tool_calls[1].function.arguments: the arguments must be a JSON object"],
        );
    }
}

#[test]
fn what_is_deprecated_or_of_an_unknown_type_is_refused() {
    let after = |message: &str| {
        translated("claude-haiku-4-5", &format!(r#""messages":[{{"role":"user","content":"a"}},{message}]"#))
    };
    expect!["unsupported: messages[1].role: the `function` role is deprecated; use `tool`"]
        .assert_eq(&after(r#"{"role":"function","name":"f","content":"x"}"#));
    expect!["unsupported: messages[1].function_call: `function_call` is deprecated; use `tool_calls`"]
        .assert_eq(&after(r#"{"role":"assistant","function_call":{"name":"f","arguments":"{}"}}"#));
    expect!["unsupported: messages[1].tool_calls[0].type: this provider has function calls only"]
        .assert_eq(&after(r#"{"role":"assistant","tool_calls":[{"id":"c","type":"custom","custom":{}}]}"#));
    expect!["unsupported: messages[1].tool_call_id: a tool message must name the call that it answers"]
        .assert_eq(&after(r#"{"role":"tool","content":"x"}"#));
    expect!["unsupported: messages[1].content[0].type: this provider has no content of type `hologram`"]
        .assert_eq(&after(r#"{"role":"user","content":[{"type":"hologram"}]}"#));
    expect![[r#"unsupported: messages[1].content[0].type: this provider does not take this content in a message of this role"#]]
    .assert_eq(&after(r#"{"role":"system","content":[{"type":"image_url","image_url":{"url":"https://x/y.png"}}]}"#));
}

#[test]
fn images_come_inline_or_by_address() {
    check(
        r#"{"role":"user","content":[
             {"type":"image_url","image_url":{"url":"data:image/jpg;base64,AAAA","detail":"auto"}},
             {"type":"image_url","image_url":{"url":"https://example.com/a.png?b","detail":"high"}},
             {"type":"image_url","image_url":{"url":"data:application/pdf;base64,JVBERi0="}}]}"#,
        expect![[r#"
            {
              "model": "claude-haiku-4-5",
              "max_tokens": 9,
              "messages": [
                {
                  "role": "user",
                  "content": [
                    {"type":"image","source":{"type":"base64","media_type":"image/jpeg","data":"AAAA"}},
                    {"type":"image","source":{"type":"url","url":"https://example.com/a.png?b"}},
                    {"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"JVBERi0="}}
                  ]
                }
              ]
            }
            dropped: detail"#]],
    );
    let image = |url: &str| {
        translated(
            "claude-haiku-4-5",
            &format!(
                r#""messages":[{{"role":"user","content":[{{"type":"text","text":"a"}},{{"type":"image_url","image_url":{{"url":"{url}"}}}}]}}]"#
            ),
        )
    };
    expect!["unsupported: messages[0].content[1].image_url.url: this provider takes JPEG, PNG, GIF, WebP and PDF, not `image/bmp`"].assert_eq(&image("data:image/bmp;base64,AAAA"));
    expect!["unsupported: messages[0].content[1].image_url.url: the data URL must be base64"]
        .assert_eq(&image("data:image/png,raw"));
    expect!["unsupported: messages[0].content[1].image_url.url: the URL must begin with https://, http:// or data:"]
        .assert_eq(&image("gs://bucket/a.png"));
}

#[test]
fn files_come_as_documents() {
    check(
        r#"{"role":"user","content":[
             {"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,JVBERi0="}},
             {"type":"file","file":{"filename":"b.md","file_data":"SGkg8J+Yig=="}},
             {"type":"file","file":{"filename":"c.png","file_data":"AAAA"}}]}"#,
        expect![[r#"
            {
              "model": "claude-haiku-4-5",
              "max_tokens": 9,
              "messages": [
                {
                  "role": "user",
                  "content": [
                    {
                      "type": "document",
                      "source": {"type":"base64","media_type":"application/pdf","data":"JVBERi0="},
                      "title": "a.pdf"
                    },
                    {
                      "type": "document",
                      "source": {"type":"text","media_type":"text/plain","data":"Hi 😊"},
                      "title": "b.md"
                    },
                    {"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAAA"}}
                  ]
                }
              ]
            }"#]],
    );
    let file = |file: &str| {
        translated(
            "claude-haiku-4-5",
            &format!(r#""messages":[{{"role":"user","content":[{{"type":"file","file":{file}}}]}}]"#),
        )
    };
    expect!["unsupported: messages[0].content[0].file.file_id: an uploaded file cannot be reached from this provider; send `file_data`"].assert_eq(&file(r#"{"file_id":"file-1"}"#));
    expect!["unsupported: messages[0].content[0].file.file_data: a file part needs `file_data`"]
        .assert_eq(&file(r#"{"filename":"a.pdf"}"#));
    expect!["unsupported: messages[0].content[0].file.file_data: the file's media type is told neither by a data URL nor by its name"].assert_eq(&file(r#"{"filename":"a.zip","file_data":"AAAA"}"#));
    expect!["unsupported: messages[0].content[0].file.file_data: the file is not valid base64"]
        .assert_eq(&file(r#"{"filename":"a.txt","file_data":"!"}"#));
    expect!["unsupported: messages[0].content[0].file.file_data: the file is not UTF-8 text"]
        .assert_eq(&file(r#"{"filename":"a.txt","file_data":"/w=="}"#));
}

#[test]
fn audio_is_refused() {
    check(
        r#"{"role":"user","content":[{"type":"input_audio","input_audio":{"data":"AAAA","format":"wav"}}]}"#,
        expect!["unsupported: messages[0].content[0].input_audio: this provider does not take audio"],
    );
}
