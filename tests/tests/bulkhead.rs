//! One provider's trouble stays with that provider.

use std::time::Duration;
use weir_e2e::load::{Load, Report, Schedule, Shot};
use weir_e2e::{CLAUDE, GEMINI, Gateway, OPENAI, Setup, TARGETS, alone, chat};
use weir_sim::{Fault, Settings};

/// Noise of a shared machine.
const NOISE: Duration = Duration::from_millis(5);
const ROUNDS: usize = 3;

/// 200 requests per second to `first` and 100 to `other`.
async fn load(gateway: &Gateway, time: Duration) -> Report {
    let first = Shot::new(&chat("first", "Hi")).tag("first");
    let other = Shot::new(&chat("other", "Hi")).tag("other");
    let shot = |number| if number % 3 == 2 { other.clone() } else { first.clone() };
    Load::at(gateway.address).run(Schedule::rate(300, time), shot).await
}

#[tokio::test]
async fn a_provider_that_hangs_slows_no_one_who_does_not_need_it() {
    let _alone = alone().await;
    let mut setup = Setup::new(
        "models:\n  \
         first: { targets: [openai/gpt-5.6, claude/claude-sonnet-5-5], first_token_timeout: 1s, answer_timeout: 1s }\n  \
         other: [claude/claude-sonnet-5-5, gemini/gemini-3.8-flash]\n",
    );
    for target in TARGETS {
        setup = setup.limits(target.name, "{ concurrency: 100 }");
    }
    let gateway = setup.start().await;
    gateway.sim.set_settings(Settings { journal: false, hash_bodies: false });
    let well = Fault::delay(Duration::from_millis(20));
    for target in [CLAUDE, GEMINI] {
        gateway.sim.set_faults(target.provider, [well.clone()]).await.expect("a fault");
    }
    gateway.sim.set_faults(OPENAI.provider, [well.clone()]).await.expect("a fault");
    load(&gateway, Duration::from_secs(1)).await;

    let mut excess = Vec::new();
    for round in 0..ROUNDS {
        let mut times = [Duration::ZERO; 2];
        for (fault, time) in [well.clone(), Fault::hang()].into_iter().zip(&mut times) {
            gateway.sim.set_faults(OPENAI.provider, [fault]).await.expect("a fault");
            let report = load(&gateway, Duration::from_secs(4)).await;
            let (first, other) = (report.tagged("first"), report.tagged("other"));
            assert_eq!(other.success(), 100.0, "round {round}: {}", other.summary());
            assert!(first.success() >= 99.0, "round {round}: {}", first.summary());
            *time = other.percentile(99.0, |sample| sample.total);
        }
        let [without, with] = times;
        eprintln!("round {round}: P99 of the others {without:?}, while one hangs {with:?}");
        excess.push(with.as_secs_f64() - without.mul_f64(1.1).as_secs_f64() - NOISE.as_secs_f64());
    }
    let held = gateway.sim.stats().openai.peak_in_flight;
    assert!(held <= 100, "{held} requests were held by the one that hangs");
    excess.sort_unstable_by(f64::total_cmp);
    assert!(excess[ROUNDS / 2] < 0.0, "{excess:?} s over 10 %");
}
