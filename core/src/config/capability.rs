//! The operator's own word on what models can do, checked against the providers.

use super::problem::{At, Findings};
use super::resolve::unknown;
use super::{TargetCapability, names, raw};

pub(super) fn resolve(
    capabilities: &[raw::Capability],
    providers: &[&str],
    found: &mut Findings,
) -> Vec<TargetCapability> {
    let resolved = capabilities.iter().filter_map(|raw| {
        let (provider, model) = target(&raw.target, providers, found)?;
        Some(TargetCapability { provider, model, own: raw.own })
    });
    resolved.collect()
}

/// `provider/model`, by the provider's own name of the model.
pub(super) fn target(written: &At<String>, providers: &[&str], found: &mut Findings) -> Option<(String, String)> {
    let Some((provider, model)) = names::target(&written.value) else {
        let quoted = super::read::quote(&written.value);
        found.problem(&written.place, format!("{quoted} is no target; write provider/model"));
        return None;
    };
    if !providers.is_empty() && !providers.contains(&provider) {
        found.problem(&written.place, unknown("provider", provider, providers));
    }
    Some((provider.to_owned(), model.to_owned()))
}
