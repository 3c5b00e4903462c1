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

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(given: &[(&'static str, &str)]) -> Outcome<BTreeMap<String, OsString>> {
        let yaml =
            "providers: { a: { kind: openai, api_key: $WEIR_TEST_KEY } }\nsidecar: { secret: $WEIR_TEST_SECRET }\n";
        let (config, _) = weir_core::config::parse(yaml).expect("right");
        let given = given.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        for_envoy(&Setup { config, simulated: false, given })
    }

    #[test]
    fn envoy_gets_the_credentials_and_the_sidecars_secret_and_what_is_missing_is_named() {
        let all = environment(&[("WEIR_TEST_KEY", "k"), ("WEIR_TEST_SECRET", "s")]).expect("all is there");
        assert_eq!(all.get("WEIR_TEST_KEY"), Some(&OsString::from("k")));
        assert_eq!(all.get("WEIR_TEST_SECRET"), Some(&OsString::from("s")));
        match environment(&[("WEIR_TEST_KEY", "k")]) {
            Err(Failure::Runtime(message)) => assert!(message.ends_with(": WEIR_TEST_SECRET"), "{message}"),
            _ => panic!("it is missing"),
        }
    }
}
