//! The command around the pure rendering: which files, and where the result goes.

use super::{Inputs, bootstrap};
use crate::failure::{Failure, Outcome};
use crate::{files, load, output};
use std::path::{Path, PathBuf};

/// What to render.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// For which proxy.
    #[arg(long, value_enum, default_value_t = Target::Envoy)]
    target: Target,
    /// The file to write; `-` is standard output.
    #[arg(long, value_name = "FILE", default_value = "-")]
    out: PathBuf,
    #[command(flatten)]
    files: files::Files,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Target {
    /// A complete bootstrap for a plain Envoy.
    Envoy,
}

pub(crate) fn run(path: Option<&Path>, options: &Options) -> Outcome {
    let config = load::load(path)?;
    let filter = files::filter(&options.files)?;
    let ca_file = files::authorities(&options.files, &config)?;
    let Target::Envoy = options.target;
    let text = bootstrap(Inputs { config: &config, filter: &filter, ca_file: ca_file.as_deref() }).to_yaml();
    if options.out == Path::new("-") {
        output::say(text.trim_end());
        return Ok(());
    }
    std::fs::write(&options.out, text)
        .map_err(|error| Failure::Runtime(format!("cannot write {}: {error}", options.out.display())))
}
