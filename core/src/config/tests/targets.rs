//! A tenant's own targets.

use super::super::parse;
use super::{check, with};
use expect_test::expect;
#[cfg(all(test, target_arch = "wasm32"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// One tenant that may use `models`, in line 6.
fn tenant(models: &str) -> String {
    with(&format!("tenants:\n  t:\n    key_sha256: {}\n    models: {models}\n", "a".repeat(64)))
}

#[test]
fn a_tenant_may_have_targets_of_its_own() {
    let yaml = tenant("[{ model: m, targets: [a/y, { target: a/z, weight: 2 }], limits: { concurrency: 1 } }, a/x]");
    let tenant = parse(&yaml).unwrap().0.tenants.remove(0);
    expect![[r#"[["m","a/x"],[{"model":"m","limits":{"requests_per_minute":null,"tokens_per_minute":null,"concurrency":1,"burst":null,"burst_tokens":null}}],[{"model":"m","targets":[{"provider":"a","model":"y","weight":null},{"provider":"a","model":"z","weight":2}]}]]"#]]
        .assert_eq(&serde_json::to_string(&(&tenant.models, &tenant.model_limits, &tenant.model_targets)).unwrap());
}

#[test]
fn only_a_model_has_other_targets() {
    check(
        &tenant("[{ model: a/x, targets: [a/y, b/y] }]"),
        expect![[r#"
        6:37: tenants.t.models.0.targets: a target addressed directly has no other targets
    "#]],
    );
    check(
        &tenant("[{ model: n, targets: [a/y] }]"),
        expect![[r#"
        6:23: tenants.t.models.0.model: unknown model "n"; known: m
    "#]],
    );
}

#[test]
fn the_targets_of_a_tenant_exist_like_those_of_a_model() {
    check(
        &tenant("[{ model: m, targets: [b/y, a/, a/y] }]"),
        expect![[r#"
        6:36: tenants.t.models.0.targets.0: unknown provider "b"; known: a
        6:41: tenants.t.models.0.targets.1: "a/" is no target; write provider/model
    "#]],
    );
    check(
        &tenant("[{ model: m, targets: [] }]"),
        expect![[r#"
        6:35: tenants.t.models.0.targets: must name at least one target
    "#]],
    );
    check(
        &tenant("[{ model: m, targets: a/y }]"),
        expect![[r#"
        6:35: tenants.t.models.0.targets: expected a list of targets such as [openai/gpt-5.6], found "a/y"
    "#]],
    );
    check(
        &tenant("[{ model: m, target: [a/y] }]"),
        expect![[r#"
        6:26: tenants.t.models.0.target: unknown key; did you mean targets?
    "#]],
    );
    let targets = |count: usize| tenant(&format!("[{{ model: m, targets: [{}] }}]", vec!["a/y"; count].join(", ")));
    check(
        &targets(16),
        expect![[r#"
        ok
    "#]],
    );
    check(
        &targets(17),
        expect![[r#"
        6:35: tenants.t.models.0.targets: names more than 16 targets
    "#]],
    );
}
