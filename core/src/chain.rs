//! The orders in which Envoy can walk the providers of one request.
//!
//! Envoy's composite cluster fixes its members when it is configured, so each order that may occur is a cluster of
//! its own, rendered by `weir render` and named by the front role. Both ends call [`all`], so they cannot disagree.

use crate::config::{Config, Target};
use std::collections::BTreeSet;

/// Most chains that one configuration renders. A composite cluster costs Envoy memory and stats; three providers
/// need about 30, and what does not fit is served by its longest rendered beginning.
pub const MAX_CHAINS: usize = 256;

/// Up to this many providers every order of every subset is rendered; beyond it, orders of up to [`LONG`] members.
const FEW_PROVIDERS: usize = 4;
const LONG: usize = 3;

/// One order: provider names, one per attempt. A provider that is tried again stands there again.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Chain(pub Vec<String>);

impl Chain {
    /// The attempts that `targets` make, each `1 + per_target` times in a row.
    pub fn of<'a>(targets: impl IntoIterator<Item = &'a Target>, per_target: u32) -> Self {
        let tries = usize::try_from(per_target).unwrap_or(0).saturating_add(1);
        Self(targets.into_iter().flat_map(|target| std::iter::repeat_n(target.provider.clone(), tries)).collect())
    }

    /// Name of the Envoy cluster. Provider names hold neither `:` nor `+`.
    pub fn cluster(&self) -> String {
        cluster(self.0.iter().map(String::as_str))
    }
}

/// Name of the cluster that walks these providers.
pub fn cluster<'a>(providers: impl Iterator<Item = &'a str>) -> String {
    let mut name = String::with_capacity(64);
    for provider in providers {
        name.push_str(if name.is_empty() { "chain:" } else { "+" });
        name.push_str(provider);
    }
    name
}

/// Every chain of a configuration, the most needed first, at most [`MAX_CHAINS`].
pub fn all(config: &Config) -> Vec<Chain> {
    let mut chains = Collector::default();
    let retries: BTreeSet<u32> =
        config.models.iter().map(|model| model.retries.per_target).chain([DEFAULT_PER_TARGET]).collect();

    for provider in &config.providers {
        for per_target in [0].into_iter().chain(retries.iter().copied()) {
            let tries = usize::try_from(per_target).unwrap_or(0).saturating_add(1);
            chains.add(vec![provider.name.clone(); tries]);
        }
    }
    let listed = listed(config);
    for (targets, per_target) in &listed {
        chains.add(Chain::of(*targets, *per_target).0);
    }
    for (targets, per_target) in &listed {
        // Tenants may be many.
        if chains.is_full() {
            break;
        }
        let legs = legs(targets, *per_target);
        for_each_order(&legs, longest(legs.len()), &mut |order| chains.add(order.concat()));
    }
    for per_target in retries {
        let tries = usize::try_from(per_target).unwrap_or(0).saturating_add(1);
        let legs: Vec<_> = config.providers.iter().map(|provider| vec![provider.name.clone(); tries]).collect();
        for_each_order(&legs, longest(legs.len()), &mut |order| chains.add(order.concat()));
    }
    chains.list
}

/// Retries of a target that is addressed directly, outside any model.
pub const DEFAULT_PER_TARGET: u32 = 0;

/// Every list of targets and the retries of each: the models', then the tenants' own.
fn listed(config: &Config) -> Vec<(&[Target], u32)> {
    let models = config.models.iter().map(|model| (model.targets.as_slice(), model.retries.per_target));
    let own = config.tenants.iter().flat_map(|tenant| &tenant.model_targets);
    let own = own.filter_map(|own| Some((own.targets.as_slice(), config.model(&own.model)?.retries.per_target)));
    models.chain(own).collect()
}

/// The attempts of each provider of a list, targets of one provider together, in order of first appearance.
fn legs(targets: &[Target], per_target: u32) -> Vec<Vec<String>> {
    let mut legs: Vec<Vec<String>> = Vec::new();
    for target in targets {
        let tries = Chain::of([target], per_target).0;
        match legs.iter_mut().find(|leg| leg.first() == Some(&target.provider)) {
            Some(leg) => leg.extend(tries),
            None => legs.push(tries),
        }
    }
    legs
}

fn longest(providers: usize) -> usize {
    if providers <= FEW_PROVIDERS { providers } else { LONG }
}

/// Calls `found` with every order of every subset of 1 to `longest` legs, shorter ones first.
fn for_each_order(legs: &[Vec<String>], longest: usize, found: &mut impl FnMut(&[Vec<String>])) {
    for length in 1..=longest {
        extend_order(legs, length, &mut Vec::with_capacity(length), found);
    }
}

fn extend_order(
    legs: &[Vec<String>],
    length: usize,
    order: &mut Vec<Vec<String>>,
    found: &mut impl FnMut(&[Vec<String>]),
) {
    if order.len() == length {
        return found(order);
    }
    for leg in legs {
        if !order.contains(leg) {
            order.push(leg.clone());
            extend_order(legs, length, order, found);
            order.pop();
        }
    }
}

#[derive(Default)]
struct Collector {
    seen: BTreeSet<Vec<String>>,
    list: Vec<Chain>,
}

impl Collector {
    fn add(&mut self, providers: Vec<String>) {
        if !providers.is_empty() && !self.is_full() && self.seen.insert(providers.clone()) {
            self.list.push(Chain(providers));
        }
    }

    fn is_full(&self) -> bool {
        self.list.len() >= MAX_CHAINS
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    /// Names of the clusters for `providers`, `model` and what each tenant goes to instead.
    fn rendered(providers: &[&str], model: &str, tenants: &[String]) -> Vec<String> {
        let mut yaml = "providers:\n".to_owned();
        for provider in providers {
            yaml.push_str(&format!("  {provider}: {{ kind: openai, api_key: $K }}\n"));
        }
        yaml.push_str(&format!("models: {{ m: {model} }}\ntenants:\n"));
        for (index, targets) in tenants.iter().enumerate() {
            let models = format!("[{{ model: m, targets: {targets} }}]");
            yaml.push_str(&format!("  t{index}: {{ key_sha256: \"{index:064}\", models: {models} }}\n"));
        }
        all(&crate::config::parse(&yaml).unwrap().0).iter().map(Chain::cluster).collect()
    }

    #[test]
    fn every_order_of_a_tenants_own_targets_is_rendered_with_the_models_retries() {
        let model = "{ targets: [a/x], retries: { per_target: 1 } }";
        let chains = rendered(&["a", "b", "c"], model, &["[b/x, b/y, c/x]".to_owned()]);
        for order in ["a+a", "b+b+b+b+c+c", "c+c+b+b+b+b", "b+b+b+b", "c+c"] {
            assert!(chains.contains(&format!("chain:{order}")), "{order}: {chains:?}");
        }
    }

    #[test]
    fn many_tenants_do_not_crowd_out_the_models() {
        let providers = ["a", "b", "c", "d", "e"];
        let own = |index: usize| format!("[{}]", vec!["e/x"; index % 16 + 1].join(", "));
        let tenants: Vec<String> = (0..400).map(own).collect();
        let chains = rendered(&providers, "[a/x, b/x, c/x, d/x]", &tenants);
        assert!(chains.len() <= MAX_CHAINS);
        for order in ["a+b+c+d", "d+c+b+a", "c+a", "e+e+e+e+e+e+e+e+e+e+e+e+e+e+e+e"] {
            assert!(chains.contains(&format!("chain:{order}")), "{order}: {chains:?}");
        }
    }
}
