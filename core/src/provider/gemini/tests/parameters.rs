use super::translated;
use expect_test::{Expect, expect};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn check(model: &str, fields: &str, expect: Expect) {
    expect.assert_eq(&translated(model, fields));
}

#[test]
fn the_limit_is_the_clients_within_the_models() {
    check("gemini-3.8-flash", "", expect![[r#"{"contents":[{"role":"user","parts":[{"text":"Hi"}]}]}"#]]);
    check(
        "gemini-3.8-flash",
        r#""max_tokens":100,"max_completion_tokens":200"#,
        expect![[
            r#"{"contents":[{"role":"user","parts":[{"text":"Hi"}]}],"generationConfig":{"maxOutputTokens":200}}"#
        ]],
    );
    check(
        "gemini-3.8-flash",
        r#""max_tokens":1000000"#,
        expect![[
            r#"{"contents":[{"role":"user","parts":[{"text":"Hi"}]}],"generationConfig":{"maxOutputTokens":65536}}"#
        ]],
    );
    check(
        "gemini-3.8-flash",
        r#""max_completion_tokens":0"#,
        expect!["unsupported: max_completion_tokens: the limit must be at least 1"],
    );
}

#[test]
fn numbers_have_the_same_scale() {
    check(
        "gemini-2.5-flash",
        r#""temperature":2,"top_p":0.5,"seed":-7,"presence_penalty":0.5,"frequency_penalty":-0.5,"stop":["a","","b"],"n":3"#,
        expect![[r#"
            {
              "contents": [{"role":"user","parts":[{"text":"Hi"}]}],
              "generationConfig": {
                "candidateCount": 3,
                "temperature": 2.0,
                "topP": 0.5,
                "seed": -7,
                "presencePenalty": 0.5,
                "frequencyPenalty": -0.5,
                "stopSequences": ["a","b"]
              }
            }"#]],
    );
    check(
        "gemini-2.5-flash",
        r#""seed":5000000000,"stop":"END","n":1"#,
        expect![[r#"
            {"contents":[{"role":"user","parts":[{"text":"Hi"}]}],"generationConfig":{"stopSequences":["END"]}}
            dropped: seed"#]],
    );
    check(
        "gemini-2.5-flash",
        r#""stop":["a","b","c","d","e","f"]"#,
        expect!["unsupported: stop: this provider takes at most 5 stop sequences"],
    );
}

#[test]
fn what_the_model_ignores_or_refuses_is_not_sent() {
    check(
        "gemini-3.8-flash",
        r#""temperature":0.2,"top_p":0.5,"presence_penalty":1,"frequency_penalty":1"#,
        expect![[r#"
            {"contents":[{"role":"user","parts":[{"text":"Hi"}]}]}
            dropped: temperature, top_p, presence_penalty, frequency_penalty"#]],
    );
    check(
        "gemini-3.8-flash",
        r#""temperature":1,"top_p":1,"presence_penalty":0,"frequency_penalty":0"#,
        expect![[r#"{"contents":[{"role":"user","parts":[{"text":"Hi"}]}]}"#]],
    );
}

#[test]
fn hints_that_gemini_does_not_know_are_dropped_and_named() {
    check(
        "gemini-3.8-flash",
        r#""metadata":{"a":"b"},"store":true,"verbosity":"low","prompt_cache_key":"k","prediction":{"type":"content"},
           "user":"u","safety_identifier":"s","service_tier":"scale","parallel_tool_calls":false,
           "tools":[{"type":"function","function":{"name":"f","strict":true}}]"#,
        expect![[r#"
            {
              "contents": [{"role":"user","parts":[{"text":"Hi"}]}],
              "tools": [{"functionDeclarations":[{"name":"f"}]}]
            }
            dropped: metadata, prediction, prompt_cache_key, store, verbosity, strict, parallel_tool_calls, user, safety_identifier, service_tier"#]],
    );
    check(
        "gemini-3.8-flash",
        r#""service_tier":"auto","parallel_tool_calls":false,"logprobs":false"#,
        expect![[r#"{"contents":[{"role":"user","parts":[{"text":"Hi"}]}]}"#]],
    );
}

#[test]
fn what_changes_the_answer_is_refused() {
    for (fields, param) in [
        (r#""n":9"#, "n"),
        (r#""top_logprobs":2"#, "top_logprobs"),
        (r#""logit_bias":{"1":-100}"#, "logit_bias"),
        (r#""modalities":["audio"]"#, "modalities"),
        (r#""web_search_options":{}"#, "web_search_options"),
        (r#""functions":[]"#, "functions"),
        (r#""response_format":{"type":"grammar"}"#, "response_format.type"),
        (r#""reasoning_effort":"extreme""#, "reasoning_effort"),
    ] {
        let text = translated("gemini-3.8-flash", fields);
        assert!(text.starts_with(&format!("unsupported: {param}: ")), "{fields}: {text}");
    }
}

#[test]
fn json_is_a_mime_type_and_a_schema_of_known_keywords_in_its_order() {
    check(
        "gemini-3.8-flash",
        r#""response_format":{"type":"json_object"}"#,
        expect![[r#"
            {
              "contents": [{"role":"user","parts":[{"text":"Hi"}]}],
              "generationConfig": {"responseMimeType":"application/json"}
            }"#]],
    );
    check(
        "gemini-3.8-flash",
        r#""response_format":{"type":"text"}"#,
        expect![[r#"{"contents":[{"role":"user","parts":[{"text":"Hi"}]}]}"#]],
    );
    check(
        "gemini-3.8-flash",
        r##""response_format":{"type":"json_schema","json_schema":{"name":"x","strict":true,"schema":{
            "$schema":"http://json-schema.org/draft-07/schema#","type":"object",
            "properties":{
              "z":{"type":"string","minLength":1,"const":"a"},
              "pattern":{"type":"integer","minimum":1,"default":2},
              "one":{"allOf":[{"$ref":"#/definitions/item"}],"description":"d"},
              "either":{"oneOf":[{"type":"null"},{"type":"string","not":{}}]}},
            "required":["z"],"additionalProperties":false,
            "definitions":{"item":{"type":["object","null"],"patternProperties":{}}}}}}"##,
        expect![[r##"
            {
              "contents": [{"role":"user","parts":[{"text":"Hi"}]}],
              "generationConfig": {
                "responseMimeType": "application/json",
                "responseJsonSchema": {
                  "type": "object",
                  "properties": {
                    "z": {"type":"string","enum":["a"]},
                    "pattern": {"type":"integer","minimum":1},
                    "one": {"description":"d","$ref":"#/$defs/item"},
                    "either": {"oneOf":[{"type":"null"},{"type":"string"}]}
                  },
                  "required": ["z"],
                  "additionalProperties": false,
                  "$defs": {"item":{"type":["object","null"]}}
                }
              }
            }"##]],
    );
    check(
        "gemini-3.8-flash",
        r#""response_format":{"type":"json_schema","json_schema":{"name":"x","schema":{"allOf":[{},{}]}}}"#,
        expect!["unsupported: response_format.json_schema.schema: this provider has no `allOf`"],
    );
}

#[test]
fn effort_is_a_level_or_a_budget_and_never_both() {
    let thinking = |model: &str, effort: &str| {
        let text = translated(model, &format!(r#""reasoning_effort":"{effort}""#));
        let (body, dropped) = text.split_once("\ndropped: ").unwrap_or((&text, ""));
        let value: serde_json::Value = serde_json::from_str(body).unwrap();
        let config = value.pointer("/generationConfig/thinkingConfig").map(ToString::to_string).unwrap_or_default();
        format!("{model} {effort}: {config} {dropped}")
    };
    let mut lines = Vec::new();
    for (model, efforts) in [
        ("gemini-2.0-flash", ["none", "high"].as_slice()),
        ("gemini-2.5-pro", &["none", "minimal", "max"]),
        ("gemini-2.5-flash", &["none", "low", "medium", "high", "max"]),
        ("gemini-3-flash", &["none", "minimal", "xhigh"]),
        ("gemini-3-pro", &["none", "minimal", "medium", "high"]),
        ("gemini-3.8-flash", &["none", "minimal", "medium"]),
        ("gemini-9-xenon", &["high"]),
    ] {
        lines.extend(efforts.iter().map(|effort| thinking(model, effort)));
    }
    expect![[r#"
        gemini-2.0-flash none:  
        gemini-2.0-flash high:  reasoning_effort
        gemini-2.5-pro none: {"thinkingBudget":128} reasoning_effort
        gemini-2.5-pro minimal: {"includeThoughts":true,"thinkingBudget":1024} 
        gemini-2.5-pro max: {"includeThoughts":true,"thinkingBudget":32768} 
        gemini-2.5-flash none: {"thinkingBudget":0} 
        gemini-2.5-flash low: {"includeThoughts":true,"thinkingBudget":1024} 
        gemini-2.5-flash medium: {"includeThoughts":true,"thinkingBudget":8192} 
        gemini-2.5-flash high: {"includeThoughts":true,"thinkingBudget":24576} 
        gemini-2.5-flash max: {"includeThoughts":true,"thinkingBudget":24576} 
        gemini-3-flash none: {"thinkingLevel":"minimal"} 
        gemini-3-flash minimal: {"includeThoughts":true,"thinkingLevel":"minimal"} 
        gemini-3-flash xhigh: {"includeThoughts":true,"thinkingLevel":"high"} 
        gemini-3-pro none: {"thinkingLevel":"low"} reasoning_effort
        gemini-3-pro minimal: {"includeThoughts":true,"thinkingLevel":"low"} 
        gemini-3-pro medium: {"includeThoughts":true,"thinkingLevel":"low"} 
        gemini-3-pro high: {"includeThoughts":true,"thinkingLevel":"high"} 
        gemini-3.8-flash none: {"thinkingLevel":"low"} reasoning_effort
        gemini-3.8-flash minimal: {"includeThoughts":true,"thinkingLevel":"low"} 
        gemini-3.8-flash medium: {"includeThoughts":true,"thinkingLevel":"medium"} 
        gemini-9-xenon high: {"includeThoughts":true,"thinkingLevel":"high"} "#]]
    .assert_eq(&lines.join("\n"));
}
