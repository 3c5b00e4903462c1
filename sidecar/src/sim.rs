//! `weir sim`: the simulator of the three providers, by itself.

use crate::failure::{Failure, Outcome};
use crate::{output, stop};
use std::net::SocketAddr;
use weir_sim::SimConfig;

/// Where the simulator listens.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The control API [default: 127.0.0.1:10010].
    #[arg(long, value_name = "ADDR")]
    control: Option<SocketAddr>,
    /// OpenAI [default: 127.0.0.1:10011].
    #[arg(long, value_name = "ADDR")]
    openai: Option<SocketAddr>,
    /// Anthropic [default: 127.0.0.1:10012].
    #[arg(long, value_name = "ADDR")]
    anthropic: Option<SocketAddr>,
    /// Gemini [default: 127.0.0.1:10013].
    #[arg(long, value_name = "ADDR")]
    gemini: Option<SocketAddr>,
}

#[tokio::main]
pub(crate) async fn run(options: &Options) -> Outcome {
    let stop = stop::requested()?;
    let defaults = SimConfig::default();
    let config = SimConfig {
        control: options.control.unwrap_or(defaults.control),
        openai: options.openai.unwrap_or(defaults.openai),
        anthropic: options.anthropic.unwrap_or(defaults.anthropic),
        gemini: options.gemini.unwrap_or(defaults.gemini),
        ..defaults
    };
    let lines = [
        format!("control    http://{}", config.control),
        format!("openai     http://{}  key {}", config.openai, config.openai_key),
        format!("anthropic  http://{}  key {}", config.anthropic, config.anthropic_key),
        format!("gemini     http://{}  key {}", config.gemini, config.gemini_key),
    ];
    let sim = weir_sim::Sim::start(config).await.map_err(Failure::runtime)?;
    lines.iter().for_each(output::say);
    stop.await;
    sim.shutdown().await;
    Ok(())
}
