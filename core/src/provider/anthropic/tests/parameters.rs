use super::translated;
use expect_test::{Expect, expect};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn check(model: &str, fields: &str, expect: Expect) {
    expect.assert_eq(&translated(model, fields));
}

#[test]
fn the_limit_is_the_clients_within_the_models() {
    check(
        "claude-haiku-4-5",
        "",
        expect![[r#"
            {
              "model": "claude-haiku-4-5",
              "max_tokens": 64000,
              "messages": [{"role":"user","content":[{"type":"text","text":"Hi"}]}]
            }"#]],
    );
    check(
        "claude-haiku-4-5",
        r#""max_tokens":100,"max_completion_tokens":200"#,
        expect![[r#"
            {
              "model": "claude-haiku-4-5",
              "max_tokens": 200,
              "messages": [{"role":"user","content":[{"type":"text","text":"Hi"}]}]
            }"#]],
    );
    check(
        "claude-haiku-4-5",
        r#""max_tokens":1000000"#,
        expect![[r#"
            {
              "model": "claude-haiku-4-5",
              "max_tokens": 64000,
              "messages": [{"role":"user","content":[{"type":"text","text":"Hi"}]}]
            }"#]],
    );
    check("claude-haiku-4-5", r#""max_tokens":0"#, expect!["unsupported: max_tokens: the limit must be at least 1"]);
}

#[test]
fn sampling_is_clamped_and_the_temperature_goes_first() {
    check(
        "claude-haiku-4-5",
        r#""temperature":0.5,"top_p":1"#,
        expect![[r#"
            {
              "model": "claude-haiku-4-5",
              "max_tokens": 64000,
              "messages": [{"role":"user","content":[{"type":"text","text":"Hi"}]}],
              "temperature": 0.5
            }"#]],
    );
    check(
        "claude-haiku-4-5",
        r#""temperature":1.7"#,
        expect![[r#"
            {
              "model": "claude-haiku-4-5",
              "max_tokens": 64000,
              "messages": [{"role":"user","content":[{"type":"text","text":"Hi"}]}],
              "temperature": 1.0
            }
            dropped: temperature"#]],
    );
    check(
        "claude-haiku-4-5",
        r#""temperature":0.5,"top_p":0.9"#,
        expect![[r#"
            {
              "model": "claude-haiku-4-5",
              "max_tokens": 64000,
              "messages": [{"role":"user","content":[{"type":"text","text":"Hi"}]}],
              "temperature": 0.5
            }
            dropped: top_p"#]],
    );
    check(
        "claude-haiku-4-5",
        r#""temperature":1,"top_p":0.9"#,
        expect![[r#"
            {
              "model": "claude-haiku-4-5",
              "max_tokens": 64000,
              "messages": [{"role":"user","content":[{"type":"text","text":"Hi"}]}],
              "top_p": 0.9
            }"#]],
    );
}

#[test]
fn a_model_without_sampling_gets_none() {
    check(
        "claude-opus-5",
        r#""temperature":1,"top_p":1"#,
        expect![[r#"
            {
              "model": "claude-opus-5",
              "max_tokens": 128000,
              "messages": [{"role":"user","content":[{"type":"text","text":"Hi"}]}]
            }"#]],
    );
    check(
        "claude-opus-5",
        r#""temperature":0,"top_p":0.5"#,
        expect![[r#"
            {
              "model": "claude-opus-5",
              "max_tokens": 128000,
              "messages": [{"role":"user","content":[{"type":"text","text":"Hi"}]}]
            }
            dropped: temperature, top_p"#]],
    );
}

#[test]
fn hints_that_anthropic_does_not_know_are_dropped_and_named() {
    check(
        "claude-opus-5",
        r#""seed":1,"presence_penalty":0.1,"frequency_penalty":0.1,"metadata":{"a":"b"},"store":true,"verbosity":"low",
           "prompt_cache_key":"k","prompt_cache_options":{"a":1},"prompt_cache_retention":"24h","prediction":{"type":"content"},
           "moderation":{"a":1},"service_tier":"flex""#,
        expect![[r#"
            {
              "model": "claude-opus-5",
              "max_tokens": 128000,
              "messages": [{"role":"user","content":[{"type":"text","text":"Hi"}]}]
            }
            dropped: metadata, moderation, prediction, prompt_cache_key, prompt_cache_options, prompt_cache_retention, store, verbosity, seed, presence_penalty, frequency_penalty, service_tier"#]],
    );
    check(
        "claude-opus-5",
        r#""presence_penalty":0,"frequency_penalty":0,"metadata":{},"store":false,"n":1,"logprobs":false,"top_logprobs":0,
           "logit_bias":{},"modalities":["text"],"stream_options":{"include_usage":true},"parallel_tool_calls":false,
           "response_format":{"type":"text"}"#,
        expect![[r#"
            {
              "model": "claude-opus-5",
              "max_tokens": 128000,
              "messages": [{"role":"user","content":[{"type":"text","text":"Hi"}]}]
            }"#]],
    );
}

#[test]
fn what_changes_the_answer_is_refused() {
    for (fields, param) in [
        (r#""n":2"#, "n"),
        (r#""n":0"#, "n"),
        (r#""logprobs":true"#, "logprobs"),
        (r#""top_logprobs":2"#, "top_logprobs"),
        (r#""logit_bias":{"1":-100}"#, "logit_bias"),
        (r#""modalities":["text","audio"]"#, "modalities"),
        (r#""audio":{"voice":"a"}"#, "audio"),
        (r#""web_search_options":{}"#, "web_search_options"),
        (r#""functions":[{"name":"f"}]"#, "functions"),
        (r#""function_call":"auto""#, "function_call"),
        (r#""response_format":{"type":"grammar"}"#, "response_format.type"),
        (r#""reasoning_effort":"extreme""#, "reasoning_effort"),
    ] {
        let text = translated("claude-opus-5", fields);
        assert!(text.starts_with(&format!("unsupported: {param}: ")), "{fields}: {text}");
    }
}

#[test]
fn stop_stream_tier_and_user() {
    check(
        "claude-opus-5",
        r#""stop":["END"," \n"],"stream":true,"service_tier":"default","user":"u-1","safety_identifier":"s-1""#,
        expect![[r#"
            {
              "model": "claude-opus-5",
              "max_tokens": 128000,
              "messages": [{"role":"user","content":[{"type":"text","text":"Hi"}]}],
              "stop_sequences": ["END"],
              "stream": true,
              "metadata": {"user_id":"s-1"},
              "service_tier": "standard_only"
            }
            dropped: stop"#]],
    );
    check(
        "claude-opus-5",
        r#""stop":"END","service_tier":"auto","user":"ann@example.com""#,
        expect![[r#"
            {
              "model": "claude-opus-5",
              "max_tokens": 128000,
              "messages": [{"role":"user","content":[{"type":"text","text":"Hi"}]}],
              "stop_sequences": ["END"],
              "metadata": {"user_id":"71d4f55f72fa128dfb468a1a3901507c804b74316488744d769d7f4b16696476"},
              "service_tier": "auto"
            }"#]],
    );
    check(
        "claude-opus-5",
        r#""user":"+49 170 1234567""#,
        expect![[r#"
            {
              "model": "claude-opus-5",
              "max_tokens": 128000,
              "messages": [{"role":"user","content":[{"type":"text","text":"Hi"}]}],
              "metadata": {"user_id":"cdbb568f5dc8fe5cd9bc2ebd65796f299d1a34f507133e3d3826a3513fba9d1c"}
            }"#]],
    );
}

#[test]
fn json_object_is_a_schema_that_allows_any() {
    check(
        "claude-opus-5",
        r#""response_format":{"type":"json_object"}"#,
        expect![[r#"
            {
              "model": "claude-opus-5",
              "max_tokens": 128000,
              "messages": [{"role":"user","content":[{"type":"text","text":"Hi"}]}],
              "output_config": {"format":{"type":"json_schema","schema":{"type":"object","additionalProperties":true}}}
            }"#]],
    );
    check(
        "claude-3-5-haiku-20241022",
        r#""response_format":{"type":"json_object"}"#,
        expect!["unsupported: response_format: this model's answer cannot be held to a schema"],
    );
}

#[test]
fn a_schema_keeps_its_order_and_loses_what_the_grammar_rejects() {
    check(
        "claude-opus-5",
        r##""response_format":{"type":"json_schema","json_schema":{"name":"x","strict":true,"schema":{
            "type":"object",
            "properties":{
              "z":{"type":"string","minLength":1,"pattern":"^a"},
              "minimum":{"type":"integer","minimum":1,"enum":[1,2]},
              "list":{"type":"array","minItems":1,"maxItems":9,"items":{"$ref":"#/$defs/item"}},
              "either":{"oneOf":[{"type":"object","properties":{"a":{"type":"null"}},"additionalProperties":true},{"type":"string"}]}},
            "required":["z"],
            "$defs":{"item":{"type":["object","null"],"properties":{"b":{"const":{"minLength":1}}},"not":{}}}}}}"##,
        expect![[r##"
            {
              "model": "claude-opus-5",
              "max_tokens": 128000,
              "messages": [{"role":"user","content":[{"type":"text","text":"Hi"}]}],
              "output_config": {
                "format": {
                  "type": "json_schema",
                  "schema": {
                    "type": "object",
                    "properties": {
                      "z": {"type":"string","pattern":"^a"},
                      "minimum": {"type":"integer","enum":[1,2]},
                      "list": {"type":"array","minItems":1,"items":{"$ref":"#/$defs/item"}},
                      "either": {
                        "anyOf": [
                          {"type":"object","properties":{"a":{"type":"null"}},"additionalProperties":false},
                          {"type":"string"}
                        ]
                      }
                    },
                    "required": ["z"],
                    "$defs": {
                      "item": {"type":["object","null"],"properties":{"b":{"const":{"minLength":1}}},"additionalProperties":false}
                    },
                    "additionalProperties": false
                  }
                }
              }
            }"##]],
    );
}

#[test]
fn a_schema_of_free_keys_is_refused() {
    for schema in [
        r#"{"type":"object","additionalProperties":{"type":"string"}}"#,
        r#"{"type":"object","properties":{"a":{"type":"object","patternProperties":{"^x":{}}}}}"#,
    ] {
        let format =
            format!(r#""response_format":{{"type":"json_schema","json_schema":{{"name":"x","schema":{schema}}}}}"#);
        check(
            "claude-opus-5",
            &format,
            expect![[
                r#"unsupported: response_format.json_schema.schema: this provider cannot answer with an object whose keys are not named in `properties`"#
            ]],
        );
    }
    let deep = format!("{}{{}}{}", r#"{"items":"#.repeat(200), "}".repeat(200));
    let format = format!(r#""response_format":{{"type":"json_schema","json_schema":{{"name":"x","schema":{deep}}}}}"#);
    check(
        "claude-opus-5",
        &format,
        expect!["unsupported: response_format.json_schema.schema: the schema is nested too deeply"],
    );
}

/// What `reasoning_effort` becomes: `thinking`, `output_config` and `temperature`, in one line.
fn thinking(model: &str, fields: &str) -> String {
    let text = translated(model, fields);
    let Some((body, dropped)) = text.split_once("\ndropped: ").or(Some((&text, ""))) else { return text };
    let value: serde_json::Value = serde_json::from_str(body).unwrap();
    let field = |name: &str| value.get(name).map(|value| format!("{name}={value} ")).unwrap_or_default();
    format!("{}{}{}dropped={dropped}", field("thinking"), field("output_config"), field("temperature"))
}

#[test]
fn effort_is_adaptive_thinking_where_there_is_any() {
    for (model, effort, expect) in [
        (
            "claude-opus-5",
            "minimal",
            expect![[r#"thinking={"display":"summarized","type":"adaptive"} output_config={"effort":"low"} dropped="#]],
        ),
        (
            "claude-opus-5",
            "xhigh",
            expect![[
                r#"thinking={"display":"summarized","type":"adaptive"} output_config={"effort":"xhigh"} dropped="#
            ]],
        ),
        ("claude-opus-5", "none", expect![[r#"thinking={"type":"disabled"} dropped="#]]),
        (
            "claude-opus-4-6",
            "xhigh",
            expect![[
                r#"thinking={"display":"summarized","type":"adaptive"} output_config={"effort":"high"} dropped="#
            ]],
        ),
        (
            "claude-opus-4-6",
            "max",
            expect![[r#"thinking={"display":"summarized","type":"adaptive"} output_config={"effort":"max"} dropped="#]],
        ),
        ("claude-opus-5-5", "none", expect![[r#"output_config={"effort":"low"} dropped=reasoning_effort"#]]),
        (
            "claude-opus-5-5",
            "high",
            expect![[
                r#"thinking={"display":"summarized","type":"adaptive"} output_config={"effort":"high"} dropped="#
            ]],
        ),
        (
            "claude-opus-99",
            "high",
            expect![[
                r#"thinking={"display":"summarized","type":"adaptive"} output_config={"effort":"high"} dropped="#
            ]],
        ),
        ("claude-3-5-haiku", "high", expect!["dropped=reasoning_effort"]),
        ("claude-3-5-haiku", "none", expect!["dropped="]),
    ] {
        expect.assert_eq(&thinking(model, &format!(r#""reasoning_effort":"{effort}""#)));
    }
}

#[test]
fn effort_is_a_budget_before_that() {
    for (fields, expect) in [
        (r#""reasoning_effort":"none""#, expect!["dropped="]),
        (r#""reasoning_effort":"minimal""#, expect![[r#"thinking={"budget_tokens":1024,"type":"enabled"} dropped="#]]),
        (
            r#""reasoning_effort":"medium","temperature":0.3"#,
            expect![[r#"thinking={"budget_tokens":2048,"type":"enabled"} dropped=temperature"#]],
        ),
        (r#""reasoning_effort":"high""#, expect![[r#"thinking={"budget_tokens":4096,"type":"enabled"} dropped="#]]),
        (r#""reasoning_effort":"xhigh""#, expect![[r#"thinking={"budget_tokens":8192,"type":"enabled"} dropped="#]]),
        (
            r#""reasoning_effort":"max","max_tokens":9000"#,
            expect![[r#"thinking={"budget_tokens":8999,"type":"enabled"} dropped="#]],
        ),
        (r#""reasoning_effort":"low","max_tokens":1024"#, expect!["dropped=reasoning_effort"]),
        (
            r#""reasoning_effort":"low","tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":"required""#,
            expect!["dropped=reasoning_effort"],
        ),
        (
            r#""reasoning_effort":"low","messages":[{"role":"user","content":"a"},
               {"role":"assistant","tool_calls":[{"id":"c","function":{"name":"f"}}]},
               {"role":"tool","tool_call_id":"c","content":"x"}]"#,
            expect!["dropped=reasoning_effort"],
        ),
    ] {
        expect.assert_eq(&thinking("claude-haiku-4-5", fields));
    }
}

#[test]
fn adaptive_thinking_and_a_required_call_leave_the_mode_to_the_model() {
    let fields =
        r#""reasoning_effort":"high","tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":"required""#;
    expect![[r#"output_config={"effort":"high"} dropped="#]].assert_eq(&thinking("claude-opus-5", fields));
}
