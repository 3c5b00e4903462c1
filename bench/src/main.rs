//! `make bench`: CPU per request and added latency of Weir, as ratios against a bare Envoy in interleaved rounds of
//! one run. The gateway has one core, load and simulator another: absolute times mean nothing on a shared machine,
//! ratios of neighbouring rounds do.

#![allow(clippy::print_stdout, reason = "the table is what this program is for")]

mod cases;
mod collector;
mod cpu;
mod envoy;
mod load;
mod report;

use anyhow::{Context as _, Result};
use cases::{CASES, Case};
use envoy::Envoy;
use load::Client;
use report::{Row, Sample};
use weir_sim::{Provider, Settings, Sim, SimConfig};

/// Rounds per case and gateway, after one that is not counted. Neighbours are compared, the median is shown.
const ROUNDS: usize = 5;
/// The same, where the ratio is near 1: noise of a tenth would be all that is seen.
const CLOSE_ROUNDS: usize = 13;
/// Connections of the rounds that measure CPU: enough that the gateway never idles.
const CONNECTIONS: usize = 32;

fn main() -> Result<()> {
    anyhow::ensure!(cpu::count() >= 2, "the bench needs two cores: one for the gateway, one for load and simulator");
    // Before the runtime starts, so that its threads inherit it: everything but the gateways runs on core 1.
    cpu::pin(1)?;
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(run())
}

async fn run() -> Result<()> {
    let sim = Sim::start(SimConfig::free_ports()).await.context("starting the simulator")?;
    sim.set_settings(Settings { journal: false, ..Settings::default() });
    let folder = tempfile::tempdir()?;
    let bare = Envoy::bare(folder.path(), &sim).await.context("starting the bare Envoy")?;
    const QUIET: &str = "access_log: \"off\"";
    let weir = Envoy::weir(folder.path(), &sim, "near", "16MiB", QUIET).await.context("starting Envoy with Weir")?;
    let far = Envoy::weir(folder.path(), &sim, "far", "0B", QUIET)
        .await
        .context("starting Envoy with Weir, without an L1")?;
    let collector = collector::start().await?;
    let log = folder.path().join("access.log");
    let all = format!("access_log: \"{}\", otlp: \"http://{collector}\"", log.display());
    let telling =
        Envoy::weir(folder.path(), &sim, "telling", "16MiB", &all).await.context("starting Envoy with telemetry")?;

    let mut rows = Vec::new();
    for case in CASES {
        answer_as(&sim, case)?;
        rows.push(
            measure(case, ROUNDS, &bare, if case.is_far { &far } else { &weir })
                .await
                .with_context(|| case.name.to_owned())?,
        );
        report::progress(&rows);
    }
    let mut told = Vec::new();
    for case in CASES.iter().filter(|case| !case.is_far) {
        answer_as(&sim, case)?;
        told.push(measure(case, CLOSE_ROUNDS, &weir, &telling).await.with_context(|| case.name.to_owned())?);
        report::progress(&told);
    }
    report::print("bare", "weir", &rows);
    println!("\nThe same gateway, telling all of each request: access log, traces and metrics over OTLP.");
    report::print("silent", "telling", &told);
    Ok(())
}

fn answer_as(sim: &Sim, case: &Case) -> Result<()> {
    for provider in [Provider::OpenAi, Provider::Anthropic] {
        sim.set_reply(provider, case.reply()).map_err(|refused| anyhow::anyhow!("{refused:?}"))?;
    }
    Ok(())
}

async fn measure(case: &'static Case, rounds: usize, bare: &Envoy, weir: &Envoy) -> Result<Row> {
    let mut row = Row::new(case.name);
    for round in 0..=rounds {
        // Which of the two comes first changes from round to round.
        let order = if round % 2 == 0 { [bare, weir] } else { [weir, bare] };
        let first = sample(case, order[0]).await?;
        let second = sample(case, order[1]).await?;
        if round > 0 {
            let (bare, weir) = if round % 2 == 0 { (first, second) } else { (second, first) };
            row.add(bare, weir);
        }
    }
    Ok(row)
}

/// One round: CPU under many connections, then latency of one request at a time.
async fn sample(case: &Case, envoy: &Envoy) -> Result<Sample> {
    let request = case.request(envoy.direct);
    let before = envoy.cpu()?;
    let clients = (0..CONNECTIONS).map(|_| Client::connect(envoy.address));
    let clients = futures(clients).await?;
    let each = case.requests / CONNECTIONS;
    let runs = clients.into_iter().map(|client| load::repeat(client, request.clone(), each));
    futures(runs).await?;
    let spent = envoy.cpu()?.saturating_sub(before);
    let served = u32::try_from(each * CONNECTIONS)?;

    let client = Client::connect(envoy.address).await?;
    let latencies = load::timed(client, request, case.requests / 8).await?;
    Ok(Sample::new(spent / served, latencies))
}

/// All of them, at once.
async fn futures<T: Send + 'static>(
    list: impl Iterator<Item = impl Future<Output = Result<T>> + 'static>,
) -> Result<Vec<T>> {
    let local = tokio::task::LocalSet::new();
    local
        .run_until(async {
            let tasks: Vec<_> = list.map(tokio::task::spawn_local).collect();
            let mut done = Vec::with_capacity(tasks.len());
            for task in tasks {
                done.push(task.await??);
            }
            Ok(done)
        })
        .await
}
