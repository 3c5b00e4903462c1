mod answer;
mod error;
mod messages;
mod parameters;
mod stream;
mod tools;

use super::request;
use crate::capability::Table;
use crate::config::{Kind, OnUnsupported};
use crate::provider::testing;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// What a request of these fields is for `model`.
fn translated(model: &str, fields: &str) -> String {
    let capabilities = Table::builtin().unwrap().of(Kind::Anthropic, model);
    testing::translated(fields, |chat| {
        let request = request::translate(chat, model, &capabilities, OnUnsupported::Error)?;
        Ok((request.write(), request.dropped))
    })
}

#[test]
fn the_path_is_built_on_any_base() {
    assert_eq!(super::path("", "claude-opus-5", true), "/v1/messages");
    assert_eq!(super::path("/proxy/", "claude-opus-5", false), "/proxy/v1/messages");
    assert_eq!(super::path("/v1", "claude-opus-5", false), "/v1/messages");
}

#[test]
fn the_credential_goes_where_anthropic_looks_first() {
    let headers = super::credential_headers("k");
    assert_eq!(headers, [("x-api-key", "k".to_owned()), ("anthropic-version", "2023-06-01".to_owned())]);
}
