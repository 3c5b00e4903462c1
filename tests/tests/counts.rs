//! Counting tokens, with the official SDKs of Anthropic and Google as clients.

use weir_e2e::{Gateway, Setup, assert_no_leaks, script};
use weir_sim::{Fault, Provider};

async fn start() -> Gateway {
    Setup::new(
        "models:\n  smart: [openai/gpt-5.6, claude/claude-sonnet-5-5, gemini/gemini-3.8-flash]\n  other: [openai/gpt-5.6]\n",
    )
    .start()
    .await
}

#[tokio::test]
async fn each_sdk_counts_at_the_target_of_its_kind_or_gets_an_estimate() {
    let gateway = start().await;
    script("counts.py", &["smart", "exact"]).run(&gateway).await;
    assert_eq!(gateway.journal(Provider::OpenAi).len(), 0, "it counts no tokens");
    script("counts.py", &["other", "estimate"]).run(&gateway).await;
    assert_eq!(gateway.journal(Provider::OpenAi).len(), 0, "an estimate asks nobody");
    assert_no_leaks(&gateway, "counts");
}

#[tokio::test]
async fn a_count_that_fails_is_the_sdks_own_exception() {
    let gateway = start().await;
    gateway.sim.set_faults(Provider::Anthropic, [Fault::status(500)]).await.expect("a fault");
    gateway.sim.set_faults(Provider::Gemini, [Fault::status(500)]).await.expect("a fault");
    let said = script("counts_failure.py", &["smart"]).run(&gateway).await;
    assert_eq!(said.trim(), "InternalServerError ServerError");
    let said = script("counts_failure.py", &["nothing"]).run(&gateway).await;
    assert_eq!(said.trim(), "NotFoundError ClientError");
}
