mod answer;
mod contents;
mod error;
mod parameters;
mod stream;
mod tools;

use super::request;
use crate::capability::Table;
use crate::config::{Kind, OnUnsupported};
use crate::provider::testing;
use expect_test::expect;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// What a request of these fields is for `model`.
fn translated(model: &str, fields: &str) -> String {
    let capabilities = Table::builtin().unwrap().of(Kind::Gemini, model);
    testing::translated(fields, |chat| {
        let request = request::translate(chat, model, &capabilities, OnUnsupported::Error)?;
        Ok((request.write(false), request.dropped))
    })
}

#[test]
fn the_path_names_model_and_mode_and_no_model_leaves_its_segment() {
    let lines = [
        super::path("", "gemini-3.8-flash", false),
        super::path("", "models/gemini-3.8-flash", true),
        super::path("/proxy/v1/", "gemini-3.8-flash", true),
        super::path("/v1beta", "gemini-3.8-flash", false),
        super::path("", "../x?key=1#ü%2e", false),
    ];
    expect![[r#"
        /v1beta/models/gemini-3.8-flash:generateContent
        /v1beta/models/gemini-3.8-flash:streamGenerateContent?alt=sse
        /proxy/v1/models/gemini-3.8-flash:streamGenerateContent?alt=sse
        /v1beta/models/gemini-3.8-flash:generateContent
        /v1beta/models/..%2Fx%3Fkey%3D1%23%C3%BC%252e:generateContent"#]]
    .assert_eq(&lines.join("\n"));
}

#[test]
fn the_credential_is_a_header_and_never_in_the_path() {
    assert_eq!(super::credential_headers("k"), [("x-goog-api-key", "k".to_owned())]);
}
