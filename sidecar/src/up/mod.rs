//! `weir up`: the whole gateway in one command. It starts everything, says when a request would be served, stops
//! everything, and restarts nothing: what breaks is shown.

mod announce;
mod child;
mod environment;
mod ports;
mod ready;
mod setup;

pub(crate) use ready::reachable;

use crate::failure::{Failure, Outcome};
use crate::render::{self, Inputs};
use crate::{envoy, files, log, serve, stop};
use child::Child;
use setup::Setup;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use weir_core::config::Config;
use weir_sim::{Sim, SimConfig};

/// How to run.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Envoy's worker threads [default: one per core].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    concurrency: Option<u32>,
    /// Show Envoy's log.
    #[arg(long)]
    verbose: bool,
    #[command(flatten)]
    files: files::Files,
}

/// The configuration that it runs with where there is no file.
pub(crate) fn built_in() -> Outcome<Config> {
    Ok(setup::built_in()?.config)
}

/// On the main thread and not on a worker: Envoy is told to end with the *thread* that started it.
#[tokio::main]
pub(crate) async fn run(path: Option<&Path>, options: &Options) -> Outcome {
    let stop = stop::requested()?;
    tokio::pin!(stop);
    let setup = setup::choose(path)?;
    log::start();
    let environment = environment::for_envoy(&setup)?;
    let sidecar = serve::Sidecar::new(&setup.config)?;
    let socket = serve::Socket::bind(&setup.config.sidecar.listen).await?;
    let sim = match setup.simulated {
        true => {
            Some(Sim::start(SimConfig::default()).await.map_err(|e| Failure::Runtime(format!("simulator: {e:#}")))?)
        }
        false => None,
    };
    let folder = tempfile::Builder::new().prefix("weir-").tempdir().map_err(Failure::runtime)?;
    let mut child = start_envoy(&setup, options, folder.path(), &environment)?;
    let mut serving_sidecar = tokio::spawn(serve::serve(socket, sidecar.clone(), std::future::pending()));

    let serving = async {
        ready::wait(&setup.config).await?;
        announce::ready(&setup);
        std::future::pending::<Result<(), String>>().await
    };
    let result = tokio::select! {
        () = &mut stop => Ok(()),
        Err(reason) = serving => Err(child.failure(&reason)),
        failure = child.ended() => Err(failure),
        ended = &mut serving_sidecar => Err(Failure::Runtime(format!("the sidecar ended: {ended:?}"))),
    };
    child.stop().await;
    serving_sidecar.abort();
    sidecar.finish().await;
    if let Some(sim) = sim {
        sim.shutdown().await;
    }
    result
}

/// Renders into `folder`, which nobody else can read, and starts Envoy on that.
fn start_envoy(
    setup: &Setup,
    options: &Options,
    folder: &Path,
    environment: &BTreeMap<String, OsString>,
) -> Outcome<Child> {
    let config = &setup.config;
    let envoy = envoy::find()?;
    let filter = files::filter(&options.files)?;
    files::exists(&filter, "the module")?;
    let ca_file = files::authorities(&options.files, config)?;
    ports::free(config)?;
    let bootstrap = folder.join("envoy.yaml");
    let text = render::bootstrap(Inputs { config, filter: &filter, ca_file: ca_file.as_deref() }).to_yaml();
    std::fs::write(&bootstrap, text).map_err(Failure::runtime)?;
    let log = (!options.verbose).then(|| folder.join("envoy.log"));
    Child::start(&envoy, &bootstrap, log, options.concurrency, environment)
}
