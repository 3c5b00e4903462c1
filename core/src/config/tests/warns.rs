use super::{check, check_with, with};
use expect_test::expect;
#[cfg(all(test, target_arch = "wasm32"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[test]
fn what_is_not_in_force_is_said() {
    check(
        include_str!("../../../../envoy/weir.yaml"),
        expect![[r#"
            warning 44:7: models.smart.cache.semantic: not in force yet in this version
            warning 63:1: jobs: not in force yet in this version
        "#]],
    );
    check_with("store: memory\n", expect!["ok\n"]);
    check_with("store: redis://localhost:6379\n", expect!["ok\n"]);
}

#[test]
fn what_will_surprise_is_said() {
    check(
        "providers: { a: { kind: openai } }",
        expect![[r#"
        warning 1:14: providers.a: has no api_key; api.openai.com will refuse its requests
    "#]],
    );
    check("providers: { a: { kind: openai, base_url: \"http://localhost:11434\" } }", expect!["ok\n"]);
    check(
        "providers: { a: { kind: openai, api_key: $K, base_url: \"https://api.openai.com/v1\" } }",
        expect![[r#"
        warning 1:56: providers.a.base_url: Weir adds /v1 itself; it is left off here
    "#]],
    );
    check(
        "providers: { a: { kind: openai, api_key: $K, base_url: \"https://api.cloudflare.com/client/v4/accounts/7/ai/v1\" } }",
        expect!["ok\n"],
    );
    check(
        &with("admin: 0.0.0.0:9901\n"),
        expect![[r#"
        warning 3:8: admin: others can reach Envoy's admin interface; it can stop the gateway and asks for no key
    "#]],
    );
}
