//! Each class of error as the exception that each official SDK has for it, at each of the three targets; streams that
//! break; what is tried again, by Weir and by the SDK.

use weir_e2e::{CLIENT_KEY, Setup, TARGETS, assert_no_leaks, key_sha256, script};

/// Of each target a model that is given up soon, and one that is tried again; tenants that may do less than others.
fn setup() -> Setup {
    let mut models = "models:\n  smart: [openai/gpt-5.6]\n  other: [openai/gpt-5.6]\n".to_owned();
    for target in TARGETS {
        let (name, address) = (target.name, target.address());
        let soon = "first_token_timeout: 400ms, answer_timeout: 400ms, retries: { per_target: 0 }";
        models.push_str(&format!("  quick-{name}: {{ targets: [{address}], {soon} }}\n"));
        models.push_str(&format!(
            "  again-{name}: {{ targets: [{address}], retries: {{ per_target: 1, backoff: 1ms..2ms }} }}\n"
        ));
    }
    let tenants = [
        ("all", CLIENT_KEY, ""),
        ("narrow", "narrow-key", ", models: [other]"),
        ("slow", "slow-key", ", limits: { requests_per_minute: 20, burst: 1 }"),
    ];
    let tenants = tenants.map(|(name, key, rest)| format!("  {name}: {{ key_sha256: {}{rest} }}\n", key_sha256(key)));
    Setup::new(&format!("{models}tenants:\n{}waiting_room: {{ max_wait: 100ms }}\n", tenants.concat()))
}

async fn check(name: &str) {
    let gateway = setup().start().await;
    let targets = TARGETS.map(|target| target.address());
    let said = script(name, &targets.each_ref().map(String::as_str)).run(&gateway).await;
    assert_eq!(said.trim(), "ok", "{name}");
    assert_no_leaks(&gateway, name);
}

#[tokio::test]
async fn openais_sdk_raises_the_proper_exception_and_tries_again_when_it_should() {
    check("openai_errors.py").await;
}

#[tokio::test]
async fn anthropics_sdk_raises_the_proper_exception_and_tries_again_when_it_should() {
    check("anthropic_errors.py").await;
}

#[tokio::test]
async fn googles_sdk_raises_the_proper_exception_and_tries_again_when_it_should() {
    check("gemini_errors.py").await;
}
