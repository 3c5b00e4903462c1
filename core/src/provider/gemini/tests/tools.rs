use super::translated;
use expect_test::{Expect, expect};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// `tools` and `toolConfig`, or what stands against them.
fn on(fields: &str) -> (String, String) {
    let text = translated("gemini-3.8-flash", fields);
    let body = text.split_once("\ndropped: ").map_or(text.as_str(), |(body, _)| body);
    let Ok(value) = serde_json::from_str::<serde_json::Value>(body) else { return (text.clone(), text) };
    let field = |name: &str| value.get(name).map(ToString::to_string).unwrap_or_default();
    (field("tools"), field("toolConfig"))
}

const TWO: &str =
    r#""tools":[{"type":"function","function":{"name":"a"}},{"type":"function","function":{"name":"b"}}]"#;

#[test]
fn all_functions_stand_in_one_tool_and_without_parameters_there_is_no_schema() {
    let (tools, _) = on(r##""tools":[
            {"type":"function","function":{"name":"none","description":""}},
            {"type":"function","function":{"name":"empty","parameters":{"type":"object","properties":{ }}}},
            {"type":"function","function":{"name":"closed","parameters":{"type":"object","properties":{},"additionalProperties":false}}},
            {"type":"function","function":{"name":"open","parameters":{"type":"object","additionalProperties":{"type":"string"}}}},
            {"type":"function","function":{"name":"ref","parameters":{"$ref":"#/$defs/a","$defs":{"a":{}}}}},
            {"type":"function","function":{"name":"full","description":"d",
             "parameters":{"$schema":"x","type":"object","properties":{"a":{"type":"string","minLength":1}}}}}]"##);
    expect![[r##"
        [{"functionDeclarations":[{"name":"none"},
        {"name":"empty"},
        {"name":"closed"},
        {"name":"open","parametersJsonSchema":{"additionalProperties":{"type":"string"},"type":"object"}},
        {"name":"ref","parametersJsonSchema":{"$defs":{"a":{}},"$ref":"#/$defs/a"}},
        {"description":"d","name":"full","parametersJsonSchema":{"$schema":"x","properties":{"a":{"minLength":1,"type":"string"}},"type":"object"}}]}]"##]].assert_eq(&tools.replace("},{\"", "},\n{\""));
}

#[test]
fn what_is_no_function_is_refused() {
    let check = |fields: &str, expect: Expect| expect.assert_eq(&on(fields).0);
    check(
        r#""tools":[{"type":"custom","custom":{"name":"b"}}]"#,
        expect!["unsupported: tools[0].type: this provider has no tools of type `custom`"],
    );
    check(
        r#""tools":[{"type":"function","function":{"name":"1st"}}]"#,
        expect![[
            r#"unsupported: tools[0].function.name: the name must be a letter or `_`, then up to 127 letters, digits, `_`, `.`, `:` or `-`"#
        ]],
    );
    check(
        r#""tools":[{"type":"function","function":{"name":"a","parameters":{"type":"string"}}}]"#,
        expect!["unsupported: tools[0].function.parameters: the schema must be of type `object`"],
    );
    check(
        r#""tools":[{"type":"function","function":{"name":"a","parameters":7}}]"#,
        expect!["unsupported: tools[0].function.parameters: the schema must be an object"],
    );
    check(r#""tool_choice":"required""#, expect!["unsupported: tool_choice: there are no tools to choose from"]);
}

#[test]
fn each_choice_has_its_mode() {
    let choose = |choice: &str, expect: Expect| expect.assert_eq(&on(&format!("{TWO},{choice}")).1);
    let allowed = |mode: &str, name: &str| {
        format!(
            r#""tool_choice":{{"type":"allowed_tools","allowed_tools":{{"mode":"{mode}","tools":[{{"type":"function","function":{{"name":"{name}"}}}}]}}}}"#
        )
    };
    choose(r#""n":1"#, expect![[""]]);
    choose(r#""tool_choice":"auto""#, expect![[r#"{"functionCallingConfig":{"mode":"AUTO"}}"#]]);
    choose(r#""tool_choice":"none""#, expect![[r#"{"functionCallingConfig":{"mode":"NONE"}}"#]]);
    choose(r#""tool_choice":"required""#, expect![[r#"{"functionCallingConfig":{"mode":"ANY"}}"#]]);
    choose(
        r#""tool_choice":{"type":"function","function":{"name":"b"}}"#,
        expect![[r#"{"functionCallingConfig":{"allowedFunctionNames":["b"],"mode":"ANY"}}"#]],
    );
    choose(
        r#""tool_choice":{"type":"function","function":{"name":"c"}}"#,
        expect!["unsupported: tool_choice.function.name: no tool has this name"],
    );
    choose(
        r#""tool_choice":{"type":"custom","custom":{"name":"b"}}"#,
        expect!["unsupported: tool_choice.type: this provider has no tool choice of type `custom`"],
    );
    choose(
        &allowed("auto", "b"),
        expect![[r#"{"functionCallingConfig":{"allowedFunctionNames":["b"],"mode":"VALIDATED"}}"#]],
    );
    choose(
        &allowed("required", "b"),
        expect![[r#"{"functionCallingConfig":{"allowedFunctionNames":["b"],"mode":"ANY"}}"#]],
    );
    choose(
        &allowed("required", "c"),
        expect!["unsupported: tool_choice.allowed_tools.tools: none of these tools is offered"],
    );
}
