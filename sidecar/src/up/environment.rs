//! What Envoy gets to know: the variables that the configuration names, and the few that any program needs.

use super::setup::Setup;
use crate::failure::{Failure, Outcome};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;

/// Nothing in here is a secret.
const ALWAYS: &[&str] = &["PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH"];

/// Envoy's environment; an error that lists every named variable that is not set.
pub(super) fn for_envoy(setup: &Setup) -> Outcome<BTreeMap<String, OsString>> {
    let mut environment = BTreeMap::new();
    for name in ALWAYS {
        if let Some(value) = std::env::var_os(name) {
            environment.insert((*name).to_owned(), value);
        }
    }
    let mut missing = BTreeSet::new();
    for key in setup.config.secrets() {
        let given = setup.given.get(key.0.as_str()).map(OsString::from);
        match given.or_else(|| std::env::var_os(&key.0)).filter(|value| !value.is_empty()) {
            Some(value) => drop(environment.insert(key.0.clone(), value)),
            None => drop(missing.insert(key.0.as_str())),
        }
    }
    if missing.is_empty() {
        return Ok(environment);
    }
    let names: Vec<&str> = missing.into_iter().collect();
    Err(Failure::Runtime(format!("not set in the environment: {}", names.join(", "))))
}
