//! A list of targets, checked against the providers.

use super::problem::Findings;
use super::resolve::{small, unknown};
use super::{Target, names, raw};

/// Each attempt of a chain costs Envoy a cluster entry and the client time.
const MOST_TARGETS: usize = 16;

pub(super) fn resolve(raw: &raw::Targets, providers: &[&str], found: &mut Findings) -> Vec<Target> {
    if raw.value.len() > MOST_TARGETS {
        found.problem(&raw.place, format!("names more than {MOST_TARGETS} targets"));
    }
    let targets = raw.value.iter().flatten().map(|target| {
        let provider = &target.provider;
        // Without any provider, that is the problem, and it is told once.
        if !providers.is_empty() && !providers.contains(&provider.value.as_str()) {
            found.problem(&provider.place, unknown("provider", &provider.value, providers));
        }
        let weight = target.weight.is_some().then(|| small(&target.weight, 1, found));
        Target { provider: provider.value.clone(), model: target.model.clone(), weight }
    });
    targets.collect()
}

impl Target {
    /// Reads `provider/model`, as a file or a client writes it. None when it is not of that form, or would not be safe
    /// as a part of a path.
    pub fn parse(text: &str) -> Option<Self> {
        let (provider, model) = names::target(text)?;
        Some(Self { provider: provider.to_owned(), model: model.to_owned(), weight: None })
    }
}
