//! Reads a configuration and reports it in compiler form: `file:line:column: path: message`.

use crate::failure::{Failure, Outcome};
use std::path::Path;
use weir_core::config::{self, Config, Warning};

/// The file that is read without `--config`.
const DEFAULT: &str = "./weir.yaml";

/// Whether there is one to read: it is named, or it is where one is looked for.
pub(crate) fn is_there(path: Option<&Path>) -> bool {
    path.is_some() || Path::new(DEFAULT).exists()
}

/// The configuration in `path`, or in [`DEFAULT`]; its warnings go to stderr.
pub(crate) fn load(path: Option<&Path>) -> Outcome<Config> {
    let (config, warnings) = load_quietly(path)?;
    for warning in warnings {
        eprintln!("{warning}");
    }
    Ok(config)
}

/// Like [`load`]; the warnings are returned as lines.
pub(crate) fn load_quietly(path: Option<&Path>) -> Outcome<(Config, Vec<String>)> {
    let path = path.unwrap_or(Path::new(DEFAULT));
    let shown = path.strip_prefix("./").unwrap_or(path).display();
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::Config(format!("{shown}: cannot be read: {}", reason(&error))))?;
    match config::parse(&text) {
        Ok((config, warnings)) => {
            Ok((config, warnings.iter().map(|Warning(warning)| format!("{shown}:{warning} (warning)")).collect()))
        }
        Err(problems) => Err(Failure::Config(problems.iter().map(|problem| format!("{shown}:{problem}\n")).collect())),
    }
}

fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "no such file".to_owned(),
        std::io::ErrorKind::InvalidData => "not UTF-8".to_owned(),
        _ => error.to_string(),
    }
}
