//! The official Python SDK of OpenAI as the client, against each of the three targets.

use weir_e2e::{Gateway, Setup, TARGETS, script};
use weir_sim::Fault;

async fn start() -> Gateway {
    let targets = "[openai/gpt-5.6, claude/claude-sonnet-5-5, gemini/gemini-3.8-flash]";
    Setup::new(&format!("max_request_bytes: 1MiB\nmodels:\n  smart: {targets}\n  other: {targets}\n")).start().await
}

#[tokio::test]
async fn the_sdk_chats_streams_and_calls_tools_at_each_target() {
    let gateway = start().await;
    for target in TARGETS {
        let address = target.address();
        let said = script("chat.py", &[&address, target.name, target.model]).run(&gateway).await;
        assert_eq!(said.trim(), "ok", "{}", target.name);
    }
    weir_e2e::assert_no_leaks(&gateway, "the SDK");
}

#[tokio::test]
async fn the_sdk_sees_nothing_of_a_fallback_but_the_answer() {
    let gateway = start().await;
    for (first, fault) in
        [(TARGETS[0], Fault::status(429)), (TARGETS[0], Fault::refuse()), (TARGETS[0], Fault::error_event_after(0))]
    {
        gateway.reset().await;
        gateway.sim.set_faults(first.provider, [fault]).await.expect("a fault");
        script("chat.py", &["smart", TARGETS[1].name, TARGETS[1].model]).run(&gateway).await;
    }
}

#[tokio::test]
async fn the_sdk_understands_what_the_gateway_refuses() {
    let gateway = start().await;
    script("refusals.py", &[]).run(&gateway).await;
    // What the client did wrong is wrong everywhere.
    gateway.reset().await;
    for target in TARGETS {
        gateway.sim.set_faults(target.provider, [Fault::status(422)]).await.expect("a fault");
    }
    script("failure.py", &["smart", "UnprocessableEntityError", "1"]).run(&gateway).await;
    assert_eq!(gateway.sim.journal().len(), 2, "it was asked elsewhere, or again");
}

#[tokio::test]
async fn the_sdk_does_not_multiply_what_failed_everywhere() {
    let gateway = start().await;
    for target in TARGETS {
        gateway.sim.set_faults(target.provider, [Fault::status(500)]).await.expect("a fault");
    }
    script("failure.py", &["smart", "InternalServerError", "3"]).run(&gateway).await;
    assert_eq!(gateway.sim.journal().len(), 3, "the SDK came again");

    // A rate limit is worth coming again, at the time that is said.
    gateway.reset().await;
    let limited = Fault { retry_after_ms: Some(100), ..Fault::status(429) };
    gateway.sim.set_faults(TARGETS[0].provider, [limited.times(1)]).await.expect("a fault");
    script("chat.py", &["openai/gpt-5.6", "openai", "gpt-5.6"]).run(&gateway).await;
}

#[tokio::test]
async fn the_sdk_lists_the_models() {
    let gateway = start().await;
    let said = script("models.py", &[]).run(&gateway).await;
    assert_eq!(said.trim(), "smart other");
}
