//! The official Python SDKs of Anthropic and Google as clients, each against each of the three targets.

use weir_e2e::{CLIENT_KEY, Gateway, Setup, TARGETS, assert_no_leaks, key_sha256, script};
use weir_sim::Fault;

const SDKS: [&str; 2] = ["anthropic", "gemini"];

async fn start() -> Gateway {
    let targets = "[openai/gpt-5.6, claude/claude-sonnet-5-5, gemini/gemini-3.8-flash]";
    Setup::new(&format!("models:\n  smart: {targets}\n  other: {targets}\n")).start().await
}

#[tokio::test]
async fn each_sdk_chats_streams_and_calls_tools_at_each_target() {
    let gateway = start().await;
    for sdk in SDKS {
        for target in TARGETS {
            let said =
                script(&format!("{sdk}_chat.py"), &[&target.address(), target.name, target.model]).run(&gateway).await;
            assert_eq!(said.trim(), "ok", "{sdk} at {}", target.name);
        }
    }
    assert_no_leaks(&gateway, "the SDKs");
}

#[tokio::test]
async fn the_sdks_see_nothing_of_a_fallback_but_the_answer() {
    let gateway = start().await;
    for sdk in SDKS {
        for fault in [Fault::status(429), Fault::refuse(), Fault::error_event_after(0)] {
            gateway.reset().await;
            gateway.sim.set_faults(TARGETS[0].provider, [fault]).await.expect("a fault");
            let name = format!("{sdk}_chat.py");
            script(&name, &["smart", TARGETS[1].name, TARGETS[1].model]).run(&gateway).await;
        }
    }
}

#[tokio::test]
async fn each_sdk_lists_the_models_that_its_tenant_may_use() {
    let team = format!("{{ key_sha256: {}, models: [smart] }}", key_sha256(CLIENT_KEY));
    let models = "models:\n  smart: [openai/gpt-5.6]\n  other: [openai/gpt-5.6]\n";
    let gateway = Setup::new(&format!("{models}tenants:\n  team-a: {team}\n")).start().await;
    for sdk in SDKS {
        assert_eq!(script(&format!("{sdk}_models.py"), &["403"]).run(&gateway).await.trim(), "smart", "{sdk}");
    }
    assert_no_leaks(&gateway, "the SDKs of a tenant");
}

#[tokio::test]
async fn each_sdk_lists_the_models() {
    let gateway = start().await;
    for sdk in SDKS {
        assert_eq!(script(&format!("{sdk}_models.py"), &["404"]).run(&gateway).await.trim(), "smart other", "{sdk}");
    }
}
