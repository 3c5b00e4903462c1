//! One provider's trouble stays with that provider.

use std::time::Duration;
use weir_e2e::load::{Load, Report, Schedule, Shot};
use weir_e2e::{CLAUDE, GEMINI, Gateway, OPENAI, Setup, TARGETS, alone, chat};
use weir_sim::{Fault, Settings};

/// A shared machine's noise is what the rounds in which nothing hangs differ by, within these bounds: who waits for the
/// one that hangs waits for a second.
const NOISE: [Duration; 2] = [Duration::from_millis(5), Duration::from_millis(100)];
const ROUNDS: usize = 5;

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

    let (mut well_times, mut hung_times) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        for (fault, times) in [(well.clone(), &mut well_times), (Fault::hang(), &mut hung_times)] {
            gateway.sim.set_faults(OPENAI.provider, [fault]).await.expect("a fault");
            let report = load(&gateway, Duration::from_secs(3)).await;
            let (first, other) = (report.tagged("first"), report.tagged("other"));
            assert_eq!(other.success(), 100.0, "round {round}: {}", other.summary());
            assert!(first.success() >= 99.0, "round {round}: {}", first.summary());
            times.push(other.percentile(99.0, |sample| sample.total));
        }
    }
    let held = gateway.sim.stats().openai.peak_in_flight;
    assert!(held <= 100, "{held} requests were held by the one that hangs");
    well_times.sort_unstable();
    hung_times.sort_unstable();
    let noise = (well_times[ROUNDS - 1] - well_times[0]).clamp(NOISE[0], NOISE[1]);
    let most = well_times[ROUNDS / 2].mul_f64(1.1) + noise;
    eprintln!("P99 of the others: {well_times:?}, while one hangs {hung_times:?}");
    assert!(hung_times[ROUNDS / 2] <= most, "{hung_times:?} while one hangs, {well_times:?} before: over 10 % more");
}
