use super::full;
use crate::cache::key::{Form, key, key_of_body};
use crate::dialect::openai;
use crate::headers::HeaderList;
use std::collections::HashMap;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[test]
fn no_tenant_has_a_key_of_another_whatever_the_names_and_scopes() {
    let request = openai::parse(full().to_string().into_bytes()).unwrap();
    let texts = [
        "",
        "a",
        "b",
        "ab",
        "a\0",
        "\0a",
        "a\0b",
        "a/b",
        "/",
        "a|b",
        "\u{1}",
        "\u{1}\0\0\0\0\0\0\0a",
        "None",
        "Some(\"a\")",
    ];
    let tenants: Vec<Option<&str>> = [None].into_iter().chain(texts.map(Some)).collect();
    let mut seen = HashMap::new();
    for tenant in &tenants {
        for scope in texts {
            let key = *key(*tenant, scope, &request);
            assert_eq!(seen.insert(key, (tenant, scope)), None, "{tenant:?} {scope:?}");
            for form in [Form::Message, Form::MessageStream, Form::Content, Form::ContentStream, Form::ContentArray] {
                let key = *key_of_body(*tenant, scope, form, &HeaderList::new(), request.body());
                assert_eq!(seen.insert(key, (tenant, scope)), None, "{tenant:?} {scope:?} {form:?}");
            }
        }
    }
}
