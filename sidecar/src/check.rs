//! `weir check`: every problem of a configuration at once, or one line that sums it up.

use crate::failure::Outcome;
use crate::{load, output};
use std::path::Path;

pub(crate) fn run(path: Option<&Path>) -> Outcome {
    let (config, warnings) = load::load_quietly(path)?;
    output::say(format_args!(
        "ok: {}, {}, {}",
        count(config.providers.len(), "provider"),
        count(config.models.len(), "model"),
        count(weir_core::chain::all(&config).len(), "chain"),
    ));
    for warning in warnings {
        eprintln!("{warning}");
    }
    Ok(())
}

fn count(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}
