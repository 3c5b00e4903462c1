//! The peak that Weir is for: 1000 requests per second to three providers, each with hard limits and, one after the
//! other, with its own trouble. `make peak` runs it for a minute; `WEIR_PEAK_SECONDS` and `WEIR_PEAK_RATE` say how long
//! and how much.

#![allow(clippy::print_stdout, reason = "the table is half of what this test is for")]

use std::time::Duration;
use weir_e2e::load::{Load, Report, Sample, Schedule, Shot};
use weir_e2e::{Gateway, OPENAI, Setup, TARGETS, Target, chat, stream};
use weir_sim::{Fault, Limits, Provider, Reply, Settings, Sim, Stats};

/// About 60 tokens, as the simulator counts them, too.
const PROMPT: &str = "The quick brown fox jumps over the lazy dog, and then over the next one, until no dog is left that \
    has not been jumped over. How many jumps is that, if there are seven dogs and each of them is jumped over twice? \
    Answer in a short sentence.";
const TOKENS: u64 = 100;
const REPLY_DELAY: u64 = 20;

struct Scenario {
    name: &'static str,
    /// Percent of the peak that is offered.
    offered: u32,
    /// Requests that a provider takes at once, in milliseconds of its rate.
    burst: u64,
    faults: [fn() -> Vec<Fault>; 3],
    /// Percent of the requests that must be served.
    least: f64,
    budget: &'static str,
}

/// Two providers carry 80 percent of the peak; the burst is what they lack. While that of the first of them lasts the other's
/// is full, and what flows to it is lost: a second of burst carries them for two seconds and two thirds. A fifth more.
fn scenarios(seconds: u64) -> [Scenario; 5] {
    let by_two = seconds * 1_000 * 3 / 8 * 6 / 5;
    let trouble = |name, first| Scenario {
        name,
        offered: 100,
        burst: by_two,
        faults: [first, well, well],
        least: 99.9,
        budget: "{ percent: 20, reserve: 100 }",
    };
    [
        Scenario { burst: 1000, least: 100.0, ..trouble("all are well", well) },
        trouble("one is dead", dead),
        trouble("one answers 30 % errors", failing),
        trouble("one is slow to its first token", slow),
        Scenario {
            offered: 20,
            faults: [dead, failing, slow],
            // Three in ten of all requests need a second attempt here.
            budget: "{ percent: 50, reserve: 100 }",
            ..trouble("all three at once", dead)
        },
    ]
}

fn pace() -> Fault {
    Fault { delay_ms: Some(REPLY_DELAY), event_delay_ms: Some(5), ..Fault::default() }
}

fn well() -> Vec<Fault> {
    vec![pace()]
}

fn dead() -> Vec<Fault> {
    vec![Fault::refuse()]
}

fn failing() -> Vec<Fault> {
    vec![Fault { probability: Some(0.3), delay_ms: Some(REPLY_DELAY), ..Fault::status(500) }, pace()]
}

fn slow() -> Vec<Fault> {
    vec![Fault { first_event_delay_ms: Some(1_500), event_delay_ms: Some(5), ..Fault::default() }]
}

/// What each provider allows: 40 percent of the peak.
fn limits(rate: u32, burst: u64) -> Limits {
    let each = u64::from(rate) * 4 / 10;
    Limits {
        requests_per_minute: u32::try_from(each * 60).ok(),
        tokens_per_minute: Some(each * 60 * TOKENS),
        concurrency: u32::try_from(each).ok(),
        burst: u32::try_from(each * burst / 1000).ok(),
    }
}

fn yaml(limits: Limits) -> String {
    let number = |limit: Option<u32>| limit.expect("a limit that is set");
    format!(
        "{{ requests_per_minute: {}, tokens_per_minute: {}, concurrency: {}, burst: {} }}",
        number(limits.requests_per_minute),
        limits.tokens_per_minute.expect("a limit that is set"),
        number(limits.concurrency),
        number(limits.burst)
    )
}

/// The same request whole and as a stream, in turn.
fn shots(model: &str) -> [Shot; 2] {
    [Shot::new(&chat(model, PROMPT)), Shot::new(&stream(model, PROMPT))]
}

fn prepare(sim: &Sim) {
    sim.set_settings(Settings { journal: false, hash_bodies: false });
    for target in TARGETS {
        let usage = Reply { prompt_tokens: Some(60), completion_tokens: Some(40), ..Reply::words(8) };
        sim.set_reply(target.provider, usage).expect("a reply");
    }
}

async fn start(scenario: &Scenario, rate: u32) -> Gateway {
    let targets = TARGETS.map(Target::address).join(", ");
    let limits = limits(rate, scenario.burst);
    let mut setup = Setup::new(&format!(
        "models:\n  smart: [{targets}]\nwaiting_room: {{ max_wait: 5s, max_waiting: 2000 }}\nretry_budget: {}\n",
        scenario.budget
    ))
    .breaker("{ consecutive_failures: 5, failure_rate: 50%, eject_for: 30s }");
    for target in TARGETS {
        setup = setup.limits(target.name, &yaml(limits));
    }
    let gateway = setup.start().await;
    // Connections are made and estimates learnt before the clock starts.
    prepare(&gateway.sim);
    let shots = shots("smart");
    let warm = Load::at(gateway.address);
    warm.run(Schedule::rate(rate / 20, Duration::from_secs(1)), |number| shots[number % 2].clone()).await;
    tokio::time::sleep(Duration::from_millis(300)).await;

    gateway.reset().await;
    prepare(&gateway.sim);
    for (target, faults) in TARGETS.into_iter().zip(scenario.faults) {
        gateway.sim.set_limits(target.provider, limits).expect("limits");
        gateway.sim.set_faults(target.provider, faults()).await.expect("faults");
    }
    gateway
}

/// The same mix without a gateway.
async fn direct(rate: u32) -> Report {
    let sim = Sim::start(weir_sim::SimConfig::free_ports()).await.expect("the simulator starts");
    prepare(&sim);
    sim.set_faults(Provider::OpenAi, well()).await.expect("a fault");
    let shots = shots(OPENAI.model).map(|shot| shot.key(OPENAI.key));
    let load = Load::at(sim.addr(Provider::OpenAi));
    load.run(Schedule::rate(rate, Duration::from_secs(3)), |number| shots[number % 2].clone()).await
}

/// To the first token: of a whole answer, to its head.
fn first(sample: &Sample) -> Duration {
    sample.first_byte.unwrap_or_default()
}

struct Row {
    name: &'static str,
    offered: u32,
    report: Report,
    refused: f64,
}

impl Row {
    async fn measure(scenario: &Scenario, rate: u32, seconds: u64) -> Self {
        let gateway = start(scenario, rate).await;
        let offered = rate * scenario.offered / 100;
        let shots = shots("smart");
        let report = Load::at(gateway.address)
            .run(Schedule::rate(offered, Duration::from_secs(seconds)), |number| shots[number % 2].clone())
            .await;
        let Stats { openai, anthropic, gemini } = gateway.sim.stats();
        let refused = [openai, anthropic, gemini].iter().filter_map(|stats| stats.by_status.get(&429)).sum::<u64>();
        Self { name: scenario.name, offered, refused: 100.0 * refused as f64 / report.samples.len() as f64, report }
    }

    /// A line of the table; times in ms, those added to `direct` in brackets.
    fn print(&self, direct: &Report) {
        let ms = |percent| {
            let time = self.report.percentile(percent, first).as_secs_f64() * 1e3;
            let added = time - direct.percentile(percent, first).as_secs_f64() * 1e3;
            format!("{time:.1} ({added:+.1})")
        };
        let by = TARGETS
            .map(|target| self.report.served().filter(|sample| sample.provider == target.name).count().to_string());
        println!(
            "| {} | {}/s | {:.3} % | {:.3} % | {} | {} | {} | {:.1} |",
            self.name,
            self.offered,
            self.report.success(),
            self.refused,
            by.join(" / "),
            ms(50.0),
            ms(99.0),
            self.report.percentile(99.0, |sample| sample.lag).as_secs_f64() * 1e3
        );
    }
}

fn variable(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |value| value.parse().unwrap_or_else(|_| panic!("{name}={value}")))
}

#[tokio::test]
async fn the_peak_is_served_with_each_provider_well_or_not() {
    let seconds = variable("WEIR_PEAK_SECONDS", 10);
    let rate = u32::try_from(variable("WEIR_PEAK_RATE", 1000)).expect("a rate");
    let direct = direct(rate).await;
    assert_eq!(direct.success(), 100.0, "the simulator alone: {}", direct.summary());
    println!(
        "| providers | offered | served | 429 at a provider | openai / claude / gemini | P50 to first token, ms (added) | P99 | load late, P99 |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    let mut rows = Vec::new();
    for scenario in scenarios(seconds) {
        let row = Row::measure(&scenario, rate, seconds).await;
        row.print(&direct);
        rows.push((row, scenario.least));
    }
    for (row, least) in &rows {
        let alone = direct.percentile(50.0, first);
        let summary = row.report.summary();
        assert!(row.report.success() >= *least, "{}: {summary}; the simulator alone takes {alone:?}", row.name);
    }
    assert!(rows[0].0.refused < 0.1, "{} % of the requests met a 429 at a provider", rows[0].0.refused);
}
