//! One limit over several Envoys: never exceeded, nearly all of it used, and hardly anybody waits for the sidecar.

use futures_util::future::join_all;
use std::sync::Arc;
use std::time::{Duration, Instant};
use weir_e2e::load::{Load, Report, Schedule, Shot};
use weir_e2e::{Gateway, Setup, alone, chat};
use weir_sim::{Provider, Reply, Sim, SimConfig};

/// One model at one provider whose answers take exactly so many tokens, and a limit on them.
fn setup(rest: &str) -> Setup {
    let limits = "{ tokens_per_minute: 6000 }";
    Setup::new(&format!("models:\n  smart: [openai/gpt-5.6]\n{rest}")).limits("openai", limits).concurrency(2)
}

async fn sim() -> Arc<Sim> {
    let sim = Sim::start(SimConfig::free_ports()).await.expect("the simulator starts");
    let usage = Reply { prompt_tokens: Some(12), completion_tokens: Some(8), ..Reply::text("Yes.") };
    sim.set_reply(Provider::OpenAi, usage).expect("a reply");
    Arc::new(sim)
}

/// What the provider was given, against a bucket of 6000 tokens that fills with 100 a second: at any time, from the
/// first request on.
fn check(sim: &Sim, begun: Instant, what: &str) -> f64 {
    let stats = sim.stats().openai;
    let spent = (stats.tokens_in + stats.tokens_out) as f64;
    let allowed = 6000.0 + 100.0 * begun.elapsed().as_secs_f64();
    assert!(spent <= allowed, "{what}: {spent} tokens of {allowed}");
    spent / allowed
}

async fn offer(fleet: &[Gateway], per_second: u32, time: Duration) -> Vec<Report> {
    let shot = Shot::new(&chat("smart", "Hi")).header("x-weir-deadline-ms", "3000");
    let loads = fleet.iter().map(|gateway| {
        let (load, shot) = (Load::at(gateway.address), shot.clone());
        async move { load.run(Schedule::rate(per_second, time), |_| shot.clone()).await }
    });
    join_all(loads).await
}

#[tokio::test]
async fn four_envoys_and_one_sidecar_share_a_limit() {
    let _alone = alone().await;
    let sim = sim().await;
    let setup = setup("waiting_room: { max_wait: 500ms }\n");
    let first = setup.start_at(&sim).await;
    let mut fleet = vec![first];
    for _ in 0..3 {
        let next = setup.start_beside(&fleet[0]).await;
        fleet.push(next);
    }
    let begun = Instant::now();
    let reports = offer(&fleet, 250, Duration::from_secs(20)).await;
    let used = check(&sim, begun, "20,000 requests");
    let summary: Vec<String> = reports.iter().map(Report::summary).collect();
    assert!(used >= 0.95, "only {used} of the limit: {summary:?}");
    for report in &reports {
        assert_eq!(report.served().count() + report.with_status(429).count(), 5000, "{}", report.summary());
    }
}
