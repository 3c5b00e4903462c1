//! The operator's own prices, checked against the providers.

use super::capability::target;
use super::problem::Findings;
use super::{TargetPrice, raw};
use crate::price::{Price, Rates, Tier};

pub(super) fn resolve(prices: &[raw::Price], providers: &[&str], found: &mut Findings) -> Vec<TargetPrice> {
    prices.iter().filter_map(|price| self::price(price, providers, found)).collect()
}

fn price(raw: &raw::Price, providers: &[&str], found: &mut Findings) -> Option<TargetPrice> {
    let (provider, model) = target(&raw.target, providers, found)?;
    let above = match &raw.above {
        Some(tier) => Some(Tier { prompt_tokens: tier.prompt_tokens.as_ref()?.value, rates: rates(&tier.rates)? }),
        None => None,
    };
    let price = Price { rates: rates(&raw.rates)?, above };
    Some(TargetPrice { provider, model, price })
}

/// What has no rate of its own costs what other input costs.
fn rates(raw: &raw::Rates) -> Option<Rates> {
    let (input, output) = (raw.input.as_ref()?.value, raw.output.as_ref()?.value);
    let or_input = |written: &Option<super::problem::At<u64>>| written.as_ref().map_or(input, |at| at.value);
    Some(Rates { input, output, cached: or_input(&raw.cached), cache_write: or_input(&raw.cache_write) })
}
