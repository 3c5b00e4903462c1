//! What the official SDKs of all three providers have forms of their own for, each against each of the three targets:
//! structured output, pictures, tools, thoughts, reasons for an end, their asynchronous clients.

use weir_e2e::{Setup, TARGETS, assert_no_leaks, script};

async fn check(name: &str) {
    let gateway = Setup::smart().start().await;
    let targets = TARGETS.map(|target| target.address());
    let said = script(name, &targets.each_ref().map(String::as_str)).run(&gateway).await;
    assert_eq!(said.trim(), "ok", "{name}");
    assert_no_leaks(&gateway, name);
}

#[tokio::test]
async fn what_openais_sdk_has_forms_for_is_answered_at_each_target() {
    check("openai_forms.py").await;
}

#[tokio::test]
async fn what_anthropics_sdk_has_forms_for_is_answered_at_each_target() {
    check("anthropic_forms.py").await;
}

#[tokio::test]
async fn what_googles_sdk_has_forms_for_is_answered_at_each_target() {
    check("gemini_forms.py").await;
}
