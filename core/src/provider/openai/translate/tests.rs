use super::translate;
use crate::capability::Table;
use crate::chat::{ChatRequest, Content, Media, MediaSource, Message, Part, Role};
use crate::config::{Kind, OnUnsupported};
use crate::provider::testing;
use expect_test::{Expect, expect};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// What a request of these fields, as an OpenAI client would write them, is for `model`.
fn check(model: &str, fields: &str, expect: Expect) {
    let capabilities = Table::builtin().unwrap().of(Kind::OpenAi, model);
    expect.assert_eq(&testing::translated(fields, |chat| {
        let request = translate(chat, model, &capabilities, OnUnsupported::Error)?;
        Ok((request.write(true), request.dropped))
    }));
}

/// What stands against these messages, which no OpenAI client could write.
fn check_messages(messages: Vec<Message<'_>>, expect: Expect) {
    let chat = ChatRequest { messages, ..ChatRequest::of("alias".into()) };
    let capabilities = Table::builtin().unwrap().of(Kind::OpenAi, "m");
    let text = match translate(&chat, "m", &capabilities, OnUnsupported::Error) {
        Ok(request) => format!("{}\n{:?}", String::from_utf8(request.write(true)).unwrap(), request.dropped),
        Err(unsupported) => format!("{}: {}", unsupported.param, unsupported.message),
    };
    expect.assert_eq(&text);
}

fn message<'a>(role: Role, parts: Vec<Part<'a>>) -> Message<'a> {
    Message {
        tool_call_id: (role == Role::Tool).then(|| "c".into()),
        failed: role == Role::Tool,
        ..Message::new(role, Some(Content::Parts(parts)))
    }
}

fn media<'a>(mime: &'a str, source: MediaSource<'a>) -> Part<'a> {
    Part::Media(Media { mime: mime.into(), source, name: None })
}

#[test]
fn every_field_of_a_request_is_written() {
    check(
        "some-model",
        r#""stream":true,"stream_options":{"include_usage":false,"include_obfuscation":false},
        "max_completion_tokens":10,"temperature":0.5,"top_p":0.9,"stop":["a","","b"],"n":2,"seed":7,"presence_penalty":1,
        "frequency_penalty":-1,"logprobs":true,"top_logprobs":3,"response_format":{"type":"json_object"},
        "service_tier":"flex","user":"u","safety_identifier":"s","modalities":["text"],"audio":{"voice":"v"},
        "function_call":"auto","functions":[{"name":"f"}],"logit_bias":{"5":1},"metadata":{"a":"b"},
        "moderation":{"m":1},"prediction":{"type":"content","content":"x"},"prompt_cache_key":"k",
        "prompt_cache_options":{"o":1},"prompt_cache_retention":"24h","store":true,"verbosity":"low",
        "web_search_options":{}"#,
        expect![[r#"
            {
              "model": "some-model",
              "messages": [{"role":"system","content":"Answer with a JSON object."},{"role":"user","content":"Hi"}],
              "stream": true,
              "stream_options": {"include_usage":true,"include_obfuscation":false},
              "max_completion_tokens": 10,
              "temperature": 0.5,
              "top_p": 0.9,
              "stop": ["a","b"],
              "n": 2,
              "seed": 7,
              "presence_penalty": 1.0,
              "frequency_penalty": -1.0,
              "logprobs": true,
              "top_logprobs": 3,
              "response_format": {"type":"json_object"},
              "service_tier": "flex",
              "user": "u",
              "safety_identifier": "s",
              "modalities": ["text"],
              "audio": {"voice":"v"},
              "function_call": "auto",
              "functions": [{"name":"f"}],
              "logit_bias": {"5":1},
              "metadata": {"a":"b"},
              "moderation": {"m":1},
              "prediction": {"type":"content","content":"x"},
              "prompt_cache_key": "k",
              "prompt_cache_options": {"o":1},
              "prompt_cache_retention": "24h",
              "store": true,
              "verbosity": "low",
              "web_search_options": {}
            }"#]],
    );
}

#[test]
fn every_kind_of_message_is_written() {
    check(
        "some-model",
        r#""messages":[{"role":"developer","content":"Be brief."},{"role":"system","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]},
        {"role":"user","name":"n","content":[{"type":"text","text":"See"},{"type":"image_url","image_url":{"url":"https://x/y.png","detail":"low"}},
        {"type":"input_audio","input_audio":{"data":"AA==","format":"wav"}},{"type":"file","file":{"file_id":"f"}}]},
        {"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":""},"extra_content":{"google":{"thought_signature":"s"}}}]},
        {"role":"tool","tool_call_id":"c","content":[{"type":"text","text":"18C"}]},
        {"role":"assistant","content":[{"type":"refusal","refusal":"no"}],"refusal":"no"},
        {"role":"assistant","content":null,"function_call":{"name":"f","arguments":"{}"}},{"role":"function","name":"f","content":"old"},
        {"role":"assistant","content":null},{"role":"user","content":"Go on"}]"#,
        expect![[r#"
            {
              "model": "some-model",
              "messages": [
                {"role":"developer","content":"Be brief."},
                {"role":"system","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]},
                {
                  "role": "user",
                  "content": [
                    {"type":"text","text":"See"},
                    {"type":"image_url","image_url":{"url":"https://x/y.png","detail":"low"}},
                    {"type":"input_audio","input_audio":{"data":"AA==","format":"wav"}},
                    {"type":"file","file":{"file_id":"f"}}
                  ],
                  "name": "n"
                },
                {
                  "role": "assistant",
                  "content": null,
                  "tool_calls": [{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]
                },
                {"role":"tool","content":"18C","tool_call_id":"c"},
                {"role":"assistant","content":[{"type":"refusal","refusal":"no"}],"refusal":"no"},
                {"role":"assistant","content":null,"function_call":{"name":"f","arguments":"{}"}},
                {"role":"function","content":"old","name":"f"},
                {"role":"user","content":"Go on"}
              ]
            }"#]],
    );
}

#[test]
fn tools_are_written_in_the_form_that_openai_takes() {
    check(
        "some-model",
        r#""parallel_tool_calls":false,"tool_choice":"required","tools":[
        {"type":"function","function":{"name":"bare"}},
        {"type":"function","function":{"name":"none","parameters":{"type":"object"}}},
        {"type":"function","function":{"name":"loose","strict":true,"parameters":{"type":"object","properties":{"a":{}}}}},
        {"type":"function","function":{"name":"tight","strict":true,"description":"d","parameters":{"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false}}}]"#,
        expect![[r#"
            {
              "model": "some-model",
              "messages": [{"role":"user","content":"Hi"}],
              "tools": [
                {"type":"function","function":{"name":"bare"}},
                {"type":"function","function":{"name":"none","parameters":{"type":"object","properties":{}}}},
                {"type":"function","function":{"name":"loose","parameters":{"type":"object","properties":{"a":{}}}}},
                {
                  "type": "function",
                  "function": {
                    "name": "tight",
                    "description": "d",
                    "parameters": {"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false},
                    "strict": true
                  }
                }
              ],
              "tool_choice": "required",
              "parallel_tool_calls": false
            }
            dropped: strict"#]],
    );
    let two = r#""tools":[{"type":"function","function":{"name":"a"}},{"type":"function","function":{"name":"b"}}]"#;
    let allowed = r#"{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[{"type":"function","function":{"name":"b"}}]}}"#;
    check(
        "some-model",
        &format!(r#"{two},"tool_choice":{allowed}"#),
        expect![[r#"
        {
          "model": "some-model",
          "messages": [{"role":"user","content":"Hi"}],
          "tools": [{"type":"function","function":{"name":"b"}}],
          "tool_choice": "auto"
        }"#]],
    );
    let named = r#"{"type":"function","function":{"name":"b"}}"#;
    check(
        "some-model",
        &format!(r#"{two},"tool_choice":{named}"#),
        expect![[r#"
        {
          "model": "some-model",
          "messages": [{"role":"user","content":"Hi"}],
          "tools": [{"type":"function","function":{"name":"a"}},{"type":"function","function":{"name":"b"}}],
          "tool_choice": {"type":"function","function":{"name":"b"}}
        }"#]],
    );
    check(
        "some-model",
        &format!(r#""tool_choice":{named}"#),
        expect!["unsupported: tool_choice: there are no tools to choose from"],
    );
    check(
        "some-model",
        r#""tool_choice":"auto","parallel_tool_calls":true"#,
        expect![[r#"{"model":"some-model","messages":[{"role":"user","content":"Hi"}]}"#]],
    );
    let long = "x".repeat(65);
    check(
        "some-model",
        &format!(r#""tools":[{{"type":"function","function":{{"name":"{long}"}}}}]"#),
        expect!["unsupported: tools[0].function.name: the name must be 1 to 64 letters, digits, `_` or `-`"],
    );
}

#[test]
fn a_schema_is_named_and_strict_only_where_it_can_be() {
    let format = |rest: &str| {
        format!(
            r#""response_format":{{"type":"json_schema","json_schema":{{"strict":true,"schema":{{"type":"object",{rest}}}}}}}"#
        )
    };
    let tight = r#""properties":{"a":{"type":"object","properties":{},"additionalProperties":false}},"required":["a"],"additionalProperties":false"#;
    check(
        "some-model",
        &format(tight),
        expect![[r#"
        {
          "model": "some-model",
          "messages": [{"role":"user","content":"Hi"}],
          "response_format": {
            "type": "json_schema",
            "json_schema": {
              "name": "answer",
              "schema": {
                "type": "object",
                "properties": {"a":{"type":"object","properties":{},"additionalProperties":false}},
                "required": ["a"],
                "additionalProperties": false
              },
              "strict": true
            }
          }
        }"#]],
    );
    let loose_inside =
        r#""properties":{"a":{"type":"object","properties":{}}},"required":["a"],"additionalProperties":false"#;
    check(
        "some-model",
        &format(loose_inside),
        expect![[r#"
        {
          "model": "some-model",
          "messages": [{"role":"user","content":"Hi"}],
          "response_format": {
            "type": "json_schema",
            "json_schema": {
              "name": "answer",
              "schema": {
                "type": "object",
                "properties": {"a":{"type":"object","properties":{}}},
                "required": ["a"],
                "additionalProperties": false
              },
              "strict": false
            }
          }
        }
        dropped: strict"#]],
    );
    let optional = r#""properties":{"a":{"type":"string"}},"required":[],"additionalProperties":false"#;
    check(
        "some-model",
        &format(optional),
        expect![[r#"
        {
          "model": "some-model",
          "messages": [{"role":"user","content":"Hi"}],
          "response_format": {
            "type": "json_schema",
            "json_schema": {
              "name": "answer",
              "schema": {"type":"object","properties":{"a":{"type":"string"}},"required":[],"additionalProperties":false},
              "strict": false
            }
          }
        }
        dropped: strict"#]],
    );
}

#[test]
fn a_reasoning_model_gets_what_it_takes() {
    check(
        "gpt-5.6",
        r#""reasoning_effort":"max","temperature":0.2,"top_p":1,"max_tokens":5"#,
        expect![[r#"
        {
          "model": "gpt-5.6",
          "messages": [{"role":"user","content":"Hi"}],
          "max_tokens": 5,
          "reasoning_effort": "xhigh"
        }
        dropped: temperature"#]],
    );
    check(
        "gpt-5.6",
        r#""reasoning_effort":"none""#,
        expect![[r#"{"model":"gpt-5.6","messages":[{"role":"user","content":"Hi"}],"reasoning_effort":"none"}"#]],
    );
    check(
        "o3",
        r#""reasoning_effort":"none""#,
        expect![[r#"
        {"model":"o3","messages":[{"role":"user","content":"Hi"}],"reasoning_effort":"low"}
        dropped: reasoning_effort"#]],
    );
    check(
        "some-model",
        r#""reasoning_effort":"high""#,
        expect![[r#"
        {"model":"some-model","messages":[{"role":"user","content":"Hi"}]}
        dropped: reasoning_effort"#]],
    );
    check("gpt-5.6", r#""stop":"END""#, expect!["unsupported: stop: this model takes no stop sequences"]);
    check(
        "some-model",
        r#""stop":["1","2","3","4","5"]"#,
        expect!["unsupported: stop: this provider takes at most 4 stop sequences"],
    );
}

#[test]
fn media_become_the_part_of_their_kind() {
    let base64 = |mime| media(mime, MediaSource::Base64("SGk=".into()));
    let user = |parts| vec![message(Role::User, parts)];
    check_messages(
        user(vec![base64("image/png"), base64("audio/mpeg"), base64("application/pdf"), base64("text/csv")]),
        expect![[r#"
            {"model":"m","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,SGk="}},{"type":"input_audio","input_audio":{"data":"SGk=","format":"mp3"}},{"type":"file","file":{"file_data":"data:application/pdf;base64,SGk=","filename":"document.pdf"}},{"type":"text","text":"Hi"}]}]}
            []"#]],
    );
    check_messages(
        user(vec![media("image/png", MediaSource::Url("https://x/y".into()))]),
        expect![[r#"
        {"model":"m","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://x/y"}}]}]}
        []"#]],
    );
    check_messages(
        user(vec![media("application/pdf", MediaSource::Url("https://x".into()))]),
        expect!["messages[0].content[0].media: this provider takes no `application/pdf` by its address"],
    );
    check_messages(
        user(vec![base64("video/mp4")]),
        expect![
            "messages[0].content[0].media: this provider takes JPEG, PNG, GIF, WebP, WAV, MP3, PDF and text, not `video/mp4`"
        ],
    );
    check_messages(
        vec![message(Role::Assistant, vec![base64("image/png")])],
        expect!["messages[0].content[0].type: this provider does not take this content in a message of this role"],
    );
}

#[test]
fn what_a_result_shows_follows_all_results_of_the_turn() {
    let result = |text: &'static str| {
        let image = media("image/png", MediaSource::Base64("AA==".into()));
        message(Role::Tool, vec![Part::Text(text.into()), image])
    };
    let user = message(Role::User, vec![Part::Text("And?".into())]);
    check_messages(
        vec![result("one"), result("two"), user],
        expect![[r#"
            {"model":"m","messages":[{"role":"tool","content":"one","tool_call_id":"c"},{"role":"tool","content":"two","tool_call_id":"c"},{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AA=="}},{"type":"image_url","image_url":{"url":"data:image/png;base64,AA=="}}]},{"role":"user","content":"And?"}]}
            ["is_error"]"#]],
    );
}

#[test]
fn an_answer_that_was_begun_is_not_continued() {
    check(
        "some-model",
        r#""messages":[{"role":"user","content":"x"},{"role":"assistant","content":"Once"}]"#,
        expect![
            "unsupported: messages[1].role: this provider does not continue an answer that was begun for it: end with a user message"
        ],
    );
    check(
        "some-model",
        r#""messages":[{"role":"assistant","content":null}]"#,
        expect!["unsupported: messages: this provider needs at least one message"],
    );
    check_messages(
        vec![message(Role::User, vec![])],
        expect!["messages[0].content: this provider does not take an empty user message"],
    );
}

#[test]
fn ids_that_are_too_long_are_hashed_alike() {
    let (id, user) = ("i".repeat(41), "u".repeat(65));
    let fields = format!(
        r#""user":"{user}","messages":[{{"role":"assistant","tool_calls":[{{"id":"{id}","type":"function","function":{{"name":"f","arguments":"{{}}"}}}}]}},{{"role":"tool","tool_call_id":"{id}","content":"x"}}]"#
    );
    check(
        "some-model",
        &fields,
        expect![[r#"
        {
          "model": "some-model",
          "messages": [
            {
              "role": "assistant",
              "content": null,
              "tool_calls": [
                {
                  "id": "call_1a85197c153f039cff2db706567ee253",
                  "type": "function",
                  "function": {"name":"f","arguments":"{}"}
                }
              ]
            },
            {"role":"tool","content":"x","tool_call_id":"call_1a85197c153f039cff2db706567ee253"}
          ],
          "user": "f20e249d15fa4b9f44ba21d154f62e1efa76ddfdce5d25139a33a4787cee5a8b"
        }"#]],
    );
}
