//! What `up` runs: the user's file, or what the environment has keys for, or the simulator.

use crate::failure::{Failure, Outcome};
use crate::load;
use std::collections::BTreeMap;
use std::path::Path;
use weir_core::config::{self, Config};
use weir_sim::SimConfig;

/// A configuration and what goes with it.
pub(super) struct Setup {
    pub(super) config: Config,
    /// The providers are the simulator's.
    pub(super) simulated: bool,
    /// Variables that Envoy gets although the environment does not hold them.
    pub(super) given: BTreeMap<&'static str, String>,
}

/// A provider that needs nothing but a key.
struct Known {
    name: &'static str,
    kind: &'static str,
    /// The variables its key is usually found in, the first preferred.
    keys: &'static [&'static str],
    model: &'static str,
}

const KNOWN: [Known; 3] = [
    Known { name: "openai", kind: "openai", keys: &["OPENAI_API_KEY"], model: "gpt-5.6" },
    Known { name: "claude", kind: "anthropic", keys: &["ANTHROPIC_API_KEY"], model: "claude-sonnet-5-5" },
    Known { name: "gemini", kind: "gemini", keys: &["GEMINI_API_KEY", "GOOGLE_API_KEY"], model: "gemini-3.8-flash" },
];

/// The file at `path` or in the working directory; without one, what can be done without.
pub(super) fn choose(path: Option<&Path>) -> Outcome<Setup> {
    match load::is_there(path) {
        true => Ok(Setup { config: load::load(path)?, simulated: false, given: BTreeMap::new() }),
        false => built_in(),
    }
}

/// What can be done without a file.
pub(super) fn built_in() -> Outcome<Setup> {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let text = from_keys(set);
    let simulated = text.is_none();
    let sim = SimConfig::default();
    let text = text.unwrap_or_else(|| simulation(&sim));
    let given = match simulated {
        true => BTreeMap::from([
            ("OPENAI_API_KEY", sim.openai_key),
            ("ANTHROPIC_API_KEY", sim.anthropic_key),
            ("GEMINI_API_KEY", sim.gemini_key),
        ]),
        false => BTreeMap::new(),
    };
    let (config, _) = config::parse(&text).map_err(|problems| {
        Failure::Runtime(format!(
            "the built-in configuration is wrong: {}",
            problems.iter().map(ToString::to_string).collect::<String>()
        ))
    })?;
    Ok(Setup { config, simulated, given })
}

/// A configuration of the providers whose key is `set`; None if there is none.
fn from_keys(set: impl Fn(&str) -> bool) -> Option<String> {
    let found = KNOWN.iter().filter_map(|known| Some((known, *known.keys.iter().find(|key| set(key))?, None)));
    let found: Vec<_> = found.collect();
    (!found.is_empty()).then(|| write(&found))
}

/// A configuration of all three, simulated.
fn simulation(sim: &SimConfig) -> String {
    let urls = [sim.openai, sim.anthropic, sim.gemini];
    let all: Vec<_> = KNOWN
        .iter()
        .zip(urls)
        .filter_map(|(known, url)| Some((known, *known.keys.first()?, Some(format!("http://{url}")))))
        .collect();
    write(&all)
}

fn write(providers: &[(&Known, &str, Option<String>)]) -> String {
    let mut text = "providers:\n".to_owned();
    for (known, key, url) in providers {
        let url = url.as_ref().map(|url| format!(", base_url: \"{url}\"")).unwrap_or_default();
        text.push_str(&format!("  {}: {{ kind: {}, api_key: ${key}{url} }}\n", known.name, known.kind));
    }
    let targets: Vec<String> = providers.iter().map(|(known, ..)| format!("{}/{}", known.name, known.model)).collect();
    text.push_str(&format!("models:\n  smart: [{}]\n", targets.join(", ")));
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    fn check(keys: &[&str], expected: Expect) {
        let text = from_keys(|name| keys.contains(&name)).unwrap_or_else(|| simulation(&SimConfig::default()));
        config::parse(&text).expect("the built-in configuration is right");
        expected.assert_eq(&text);
    }

    #[test]
    fn only_providers_whose_key_is_set_are_used() {
        check(
            &["GOOGLE_API_KEY", "OPENAI_API_KEY"],
            expect![[r#"
                providers:
                  openai: { kind: openai, api_key: $OPENAI_API_KEY }
                  gemini: { kind: gemini, api_key: $GOOGLE_API_KEY }
                models:
                  smart: [openai/gpt-5.6, gemini/gemini-3.8-flash]
            "#]],
        );
    }

    #[test]
    fn without_any_key_the_simulator_answers() {
        check(
            &[],
            expect![[r#"
                providers:
                  openai: { kind: openai, api_key: $OPENAI_API_KEY, base_url: "http://127.0.0.1:10011" }
                  claude: { kind: anthropic, api_key: $ANTHROPIC_API_KEY, base_url: "http://127.0.0.1:10012" }
                  gemini: { kind: gemini, api_key: $GEMINI_API_KEY, base_url: "http://127.0.0.1:10013" }
                models:
                  smart: [openai/gpt-5.6, claude/claude-sonnet-5-5, gemini/gemini-3.8-flash]
            "#]],
        );
    }
}
