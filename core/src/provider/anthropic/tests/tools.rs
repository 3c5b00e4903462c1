use super::translated;
use expect_test::{Expect, expect};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// `tools` and `tool_choice`, each in one line, or what stands against them.
fn on(model: &str, fields: &str) -> String {
    let text = translated(model, fields);
    let body = text.split_once("\ndropped: ").map_or(text.as_str(), |(body, _)| body);
    let Ok(value) = serde_json::from_str::<serde_json::Value>(body) else { return text };
    let tools = value.get("tools").and_then(|tools| tools.as_array()).cloned().unwrap_or_default();
    let lines = tools.iter().map(|tool| tool.to_string());
    lines
        .chain([format!("choice: {}", value.get("tool_choice").unwrap_or(&serde_json::Value::Null))])
        .collect::<Vec<_>>()
        .join("\n")
}

fn check(fields: &str, expect: Expect) {
    expect.assert_eq(&on("claude-opus-5", fields));
}

const TWO: &str =
    r#""tools":[{"type":"function","function":{"name":"a"}},{"type":"function","function":{"name":"b"}}]"#;

#[test]
fn a_function_has_a_schema_of_type_object() {
    check(
        r#""tools":[
            {"type":"function","function":{"name":"none"}},
            {"type":"function","function":{"name":"empty","description":"","parameters":{}}},
            {"type":"function","function":{"name":"full","description":"d","strict":false,
             "parameters":{"type":"object","properties":{"a":{"type":"string","minLength":1}}}}},
            {"type":"function","function":{"name":"strict","strict":true,
             "parameters":{"type":"object","properties":{"a":{"type":"string","minLength":1}}}}}]"#,
        expect![[r#"
            {"input_schema":{"properties":{},"type":"object"},"name":"none"}
            {"input_schema":{"type":"object"},"name":"empty"}
            {"description":"d","input_schema":{"properties":{"a":{"minLength":1,"type":"string"}},"type":"object"},"name":"full"}
            {"input_schema":{"additionalProperties":false,"properties":{"a":{"type":"string"}},"type":"object"},"name":"strict","strict":true}
            choice: null"#]],
    );
    check(
        r#""tools":[{"type":"function","function":{"name":"a","parameters":{"type":"string"}}}]"#,
        expect!["unsupported: tools[0].function.parameters: the schema must be of type `object`"],
    );
    check(
        r#""tools":[{"type":"function","function":{"name":"a","parameters":[]}}]"#,
        expect!["unsupported: tools[0].function.parameters: the schema must be an object"],
    );
}

#[test]
fn strict_is_left_out_where_the_model_has_no_grammar() {
    let fields =
        r#""tools":[{"type":"function","function":{"name":"a","strict":true,"parameters":{"type":"object"}}}]"#;
    expect![[r#"
        {"input_schema":{"type":"object"},"name":"a"}
        choice: null"#]]
    .assert_eq(&on("claude-3-5-haiku", fields));
}

#[test]
fn tools_of_other_types_and_names_of_other_characters_are_refused() {
    check(
        r#""tools":[{"type":"function","function":{"name":"a"}},{"type":"custom","custom":{"name":"b"}}]"#,
        expect!["unsupported: tools[1].type: this provider has no tools of type `custom`"],
    );
    check(
        r#""tools":[{"type":"function","function":{"name":"a b"}}]"#,
        expect!["unsupported: tools[0].function.name: the name must be 1 to 128 letters, digits, `_` or `-`"],
    );
    check(
        r#""tools":[{"type":"function","function":{"name":""}}]"#,
        expect!["unsupported: tools[0].function.name: the name must be 1 to 128 letters, digits, `_` or `-`"],
    );
}

#[test]
fn each_choice_has_its_twin() {
    let choose = |choice: &str, expect: Expect| {
        let text = on("claude-opus-5", &format!("{TWO},{choice}"));
        let choice = text.split_once("choice: ").map_or(text.as_str(), |(_, choice)| choice);
        expect.assert_eq(choice);
    };
    choose(r#""n":1"#, expect!["null"]);
    choose(r#""tool_choice":"auto""#, expect![[r#"{"type":"auto"}"#]]);
    choose(r#""tool_choice":"none""#, expect![[r#"{"type":"none"}"#]]);
    choose(r#""tool_choice":"required""#, expect![[r#"{"type":"any"}"#]]);
    choose(r#""tool_choice":{"type":"function","function":{"name":"b"}}"#, expect![[r#"{"name":"b","type":"tool"}"#]]);
    choose(
        r#""tool_choice":{"type":"function","function":{"name":"c"}}"#,
        expect!["unsupported: tool_choice.function.name: no tool has this name"],
    );
    choose(
        r#""tool_choice":{"type":"custom","custom":{"name":"b"}}"#,
        expect!["unsupported: tool_choice.type: this provider has no tool choice of type `custom`"],
    );
    choose(r#""parallel_tool_calls":false"#, expect![[r#"{"disable_parallel_tool_use":true,"type":"auto"}"#]]);
    choose(r#""parallel_tool_calls":true"#, expect!["null"]);
    choose(
        r#""parallel_tool_calls":false,"tool_choice":"required""#,
        expect![[r#"{"disable_parallel_tool_use":true,"type":"any"}"#]],
    );
    choose(r#""parallel_tool_calls":false,"tool_choice":"none""#, expect![[r#"{"type":"none"}"#]]);
}

#[test]
fn allowed_tools_are_those_that_are_sent() {
    let allowed = |mode: &str, name: &str| {
        format!(
            r#"{TWO},"tool_choice":{{"type":"allowed_tools","allowed_tools":{{"mode":"{mode}","tools":[{{"type":"function","function":{{"name":"{name}"}}}}]}}}}"#
        )
    };
    check(
        &allowed("auto", "b"),
        expect![[r#"
        {"input_schema":{"properties":{},"type":"object"},"name":"b"}
        choice: {"type":"auto"}"#]],
    );
    check(
        &allowed("required", "b"),
        expect![[r#"
        {"input_schema":{"properties":{},"type":"object"},"name":"b"}
        choice: {"type":"any"}"#]],
    );
    check(
        &allowed("auto", "c"),
        expect!["unsupported: tool_choice.allowed_tools.tools: none of these tools is offered"],
    );
}

#[test]
fn a_model_that_cannot_be_forced_is_not() {
    for choice in [r#""required""#, r#"{"type":"function","function":{"name":"a"}}"#] {
        expect!["unsupported: tool_choice: this model decides itself whether to call a tool: only `auto` and `none` can be asked for"]
            .assert_eq(&on("claude-sonnet-5-5", &format!(r#"{TWO},"tool_choice":{choice}"#)));
    }
    expect![[r#"
        {"input_schema":{"properties":{},"type":"object"},"name":"a"}
        {"input_schema":{"properties":{},"type":"object"},"name":"b"}
        choice: {"type":"auto"}"#]]
    .assert_eq(&on("claude-sonnet-5-5", &format!(r#"{TWO},"tool_choice":"auto""#)));
}

#[test]
fn a_choice_among_no_tools_is_refused() {
    check(r#""tool_choice":"required""#, expect!["unsupported: tool_choice: there are no tools to choose from"]);
    check(r#""tool_choice":"auto""#, expect!["choice: null"]);
}

#[test]
fn tools_called_before_are_declared_though_no_longer_offered() {
    check(
        r#""messages":[{"role":"user","content":"a"},
           {"role":"assistant","tool_calls":[{"id":"c","function":{"name":"f"}},{"id":"d","function":{"name":"f"}}]},
           {"role":"tool","tool_call_id":"c","content":"x"},{"role":"tool","tool_call_id":"d","content":"y"}]"#,
        expect![[r#"
            {"input_schema":{"properties":{},"type":"object"},"name":"f"}
            choice: {"type":"none"}"#]],
    );
}
