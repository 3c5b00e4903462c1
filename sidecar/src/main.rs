//! The `weir` command.

mod check;
mod client;
mod envoy;
mod explain;
mod failure;
mod files;
mod keys;
mod load;
mod log;
mod output;
mod render;
mod secret;
mod serve;
mod sim;
mod stop;
mod store;
mod table;
mod top;
mod up;
mod usage;

use clap::{Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

/// An LLM gateway inside Envoy: one entry to OpenAI, Claude and Gemini.
#[derive(Parser)]
#[command(name = "weir", version, about)]
struct Arguments {
    /// The configuration [default: ./weir.yaml].
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the whole gateway: Envoy with the filter, and the sidecar.
    Up(up::Options),
    /// Run the sidecar alone.
    Serve,
    /// Write the proxy's configuration.
    Render(render::Options),
    /// Tell every problem of the configuration.
    Check,
    /// Tell what the configuration means, defaults included.
    Explain(explain::Options),
    /// Make, list and revoke API keys.
    #[command(subcommand)]
    Keys(keys::Command),
    /// Tell what was used and what it cost.
    Usage(usage::Options),
    /// Show the status page in this terminal.
    Top(top::Options),
    /// Run the simulator of the three providers.
    Sim(sim::Options),
    /// Become Envoy, and end with the parent. For `up`.
    #[command(hide = true)]
    ExecEnvoy(envoy::Exec),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let config = arguments.config.as_deref();
    let result = match arguments.command {
        Command::Up(options) => up::run(config, &options),
        Command::Serve => serve::run(config),
        Command::Render(options) => render::run(config, &options),
        Command::Check => check::run(config),
        Command::Explain(options) => explain::run(config, &options),
        Command::Keys(command) => keys::run(config, &command),
        Command::Usage(options) => usage::run(config, &options),
        Command::Top(options) => top::run(config, &options),
        Command::Sim(options) => sim::run(&options),
        Command::ExecEnvoy(exec) => envoy::exec(&exec),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
