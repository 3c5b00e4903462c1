//! The official Python SDKs of Anthropic and Google as clients, each against each of the three targets.

use weir_e2e::{Gateway, Setup, TARGETS, assert_no_leaks, script};
use weir_sim::Fault;

const SDKS: [&str; 2] = ["anthropic", "gemini"];

async fn start() -> Gateway {
    let targets = "[openai/gpt-5.6, claude/claude-sonnet-5-5, gemini/gemini-3.8-flash]";
    Setup::new(&format!(
        "models:\n  smart: {targets}\n  quick: {{ targets: {targets}, first_token_timeout: 400ms, answer_timeout: 400ms }}\n"
    ))
    .start()
    .await
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
async fn each_sdk_raises_the_proper_exception() {
    let gateway = start().await;
    // The fault of all, the model, what Anthropic's SDK raises, what Google's does, and its word.
    for (fault, model, anthropic, google, status) in [
        (Fault::status(429), "smart", "RateLimitError", "ClientError", "RESOURCE_EXHAUSTED"),
        (Fault::status(500), "smart", "InternalServerError", "ServerError", "UNAVAILABLE"),
        (Fault::status(401), "smart", "InternalServerError", "ServerError", "UNAVAILABLE"),
        (Fault::status(404), "smart", "NotFoundError", "ClientError", "NOT_FOUND"),
        (Fault::hang(), "quick", "GatewayTimeoutError", "ServerError", "DEADLINE_EXCEEDED"),
    ] {
        gateway.reset().await;
        for target in TARGETS {
            gateway.sim.set_faults(target.provider, [fault.clone()]).await.expect("a fault");
        }
        script("anthropic_failure.py", &[model, anthropic, "claude/claude-sonnet-5-5"]).run(&gateway).await;
        script("gemini_failure.py", &[model, google, status, "claude/claude-sonnet-5-5"]).run(&gateway).await;
    }
    gateway.reset().await;
    let mistake = Fault { message: Some("Your thing is wrong.".into()), ..Fault::status(400) };
    gateway.sim.set_faults(TARGETS[0].provider, [mistake]).await.expect("a fault");
    script("anthropic_failure.py", &["smart", "BadRequestError", "Your thing"]).run(&gateway).await;
    script("gemini_failure.py", &["smart", "ClientError", "INVALID_ARGUMENT", "Your thing"]).run(&gateway).await;
    script("anthropic_failure.py", &["nothing", "NotFoundError", "does not exist here"]).run(&gateway).await;
    script("gemini_failure.py", &["nothing", "ClientError", "NOT_FOUND", "does not exist here"]).run(&gateway).await;
}

#[tokio::test]
async fn the_sdks_raise_on_a_stream_that_breaks() {
    let gateway = start().await;
    for sdk in SDKS {
        for target in TARGETS {
            let events = target.preamble + 4;
            for fault in [Fault::cut_after(events), Fault::close_after(events), Fault::error_event_after(events)] {
                gateway.reset().await;
                let fault = Fault { event_delay_ms: Some(20), ..fault };
                gateway.sim.set_faults(target.provider, [fault]).await.expect("a fault");
                script(&format!("{sdk}_broken_stream.py"), &[&target.address()]).run(&gateway).await;
            }
        }
    }
}

#[tokio::test]
async fn the_sdks_are_told_who_may_do_what() {
    // printf %s team-a-key | sha256sum
    let gateway = Setup::new(
        "models:\n  smart: [openai/gpt-5.6]\n  other: [openai/gpt-5.6]\n\
         tenants:\n  team-a: { key_sha256: 554a0d05033791f46fede07b724fa246c95235f60a9fb74caad37d1408b4df58, models: [smart] }\n",
    )
    .start()
    .await;
    let check = async |name: &str, arguments: &[&str], key: &str| script(name, arguments).key(key).run(&gateway).await;
    check("anthropic_failure.py", &["smart", "AuthenticationError", "not known"], "wrong").await;
    check("gemini_failure.py", &["smart", "ClientError", "UNAUTHENTICATED", "not known"], "wrong").await;
    check("anthropic_failure.py", &["other", "PermissionDeniedError", "may not"], "team-a-key").await;
    check("gemini_failure.py", &["other", "ClientError", "PERMISSION_DENIED", "may not"], "team-a-key").await;
    for sdk in SDKS {
        assert_eq!(check(&format!("{sdk}_models.py"), &["403"], "team-a-key").await.trim(), "smart", "{sdk}");
        check(&format!("{sdk}_chat.py"), &["smart", "openai", "gpt-5.6"], "team-a-key").await;
    }
    assert_no_leaks(&gateway, "the SDKs of a tenant");
}

#[tokio::test]
async fn each_sdk_lists_the_models() {
    let gateway = start().await;
    for sdk in SDKS {
        assert_eq!(script(&format!("{sdk}_models.py"), &["404"]).run(&gateway).await.trim(), "smart quick", "{sdk}");
    }
}
