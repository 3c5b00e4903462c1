//! What calls to the sidecar must carry.

use crate::failure::{Failure, Outcome};
use weir_core::config::Config;

/// The value of the variable that `sidecar.secret` names; None: the configuration wants none.
///
/// # Errors
/// The variable is not set.
pub(crate) fn read(config: &Config) -> Outcome<Option<String>> {
    let Some(name) = &config.sidecar.secret else { return Ok(None) };
    let secret = std::env::var(&name.0).ok().filter(|secret| !secret.is_empty());
    let missing = || Failure::Runtime(format!("environment variable {} (sidecar.secret) is not set", name.0));
    secret.map(Some).ok_or_else(missing)
}
