//! The VM itself: what happens if the module panics after all.

use std::time::{Duration, Instant};
use weir_e2e::{Answer, Setup, chat, panicking_filter};

/// The module is built with a header that panics. Envoy must answer 503 and reload the VM: `failure_policy: FAIL_RELOAD`.
#[tokio::test]
async fn a_panic_costs_a_moment_not_the_worker() {
    let filter = panicking_filter().display().to_string();
    let gateway = Setup::smart().env("WEIR_FILTER", &filter).concurrency(1).start().await;
    assert_eq!(gateway.chat(&chat("smart", "Before")).await.status, 200);

    let panicked = Answer::of(gateway.post().header("x-weir-test-panic", "now").json(&chat("smart", "Panic"))).await;
    assert_eq!(panicked.status, 503, "{}", panicked.body);

    let begun = Instant::now();
    while gateway.chat(&chat("smart", "After")).await.status != 200 {
        assert!(begun.elapsed() < Duration::from_secs(20), "the VM did not come back");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    // What the alert WeirVmReloaded goes by.
    let counted = |stats: &weir_e2e::Stats| {
        stats.value("envoy_wasm_weir_vm_reload_success", &[]) >= 1.0
            && stats.value("envoy_wasm_weir_vm_reload_failure", &[]) == 0.0
    };
    gateway.stats_until("the reload is counted", Duration::from_secs(5), counted).await;
}
