//! What an answer costs.
//!
//! Prices are the operator's own (`prices` in `weir.yaml`), else those of the table that ships with Weir. A model that
//! neither knows has no price: its cost is unknown, which is counted and is not 0.

mod table;

pub use table::Table;

use crate::chat::Usage;
use serde::{Deserialize, Serialize};

/// What one model costs at one provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    pub rates: Rates,
    /// Of requests with long prompts, where they cost more.
    pub above: Option<Tier>,
}

/// Of each kind of token, in micro-dollars per million: 4 dollars per million are 4,000,000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rates {
    /// Of prompt tokens that are neither read from the provider's cache nor written to it.
    pub input: u64,
    /// Of completion tokens, those of reasoning included.
    pub output: u64,
    /// Of prompt tokens that are read from the provider's cache.
    pub cached: u64,
    /// Of prompt tokens that are written to it. Anthropic's for five minutes: how long a token is kept is not counted, so
    /// what is written for an hour costs more than is said here.
    pub cache_write: u64,
}

/// The rates of the *whole* request once its prompt is longer than so many tokens (PROVIDERS I).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tier {
    pub prompt_tokens: u64,
    pub rates: Rates,
}

/// In micro-dollars, rounded once, half up; at most `u64::MAX`. Cached and written tokens are parts of the prompt,
/// reasoning is a part of the completion (PROVIDERS B.3), so neither is counted twice.
pub fn cost(price: &Price, usage: &Usage) -> u64 {
    let rates = match &price.above {
        Some(tier) if usage.prompt > tier.prompt_tokens => &tier.rates,
        _ => &price.rates,
    };
    // Parts that are more than the whole are a provider's mistake; the whole is what was sent.
    let cached = usage.cached.min(usage.prompt);
    let cache_write = usage.cache_write.min(usage.prompt.saturating_sub(cached));
    let input = usage.prompt.saturating_sub(cached).saturating_sub(cache_write);
    let parts = [
        (input, rates.input),
        (cached, rates.cached),
        (cache_write, rates.cache_write),
        (usage.completion, rates.output),
    ];
    let sum = parts
        .iter()
        .map(|(tokens, rate)| u128::from(*tokens).saturating_mul(u128::from(*rate)))
        .fold(0, u128::saturating_add);
    let rounded = sum.saturating_add(500_000).checked_div(1_000_000).unwrap_or(u128::MAX);
    u64::try_from(rounded).unwrap_or(u64::MAX)
}

/// A decimal number of dollars, such as `4`, `0.075` or `4.00`, in micro-dollars. None if it is no such number, finer
/// than a micro-dollar, or above a billion.
pub fn dollars(text: &str) -> Option<u64> {
    const MOST: u64 = 1_000_000_000_000_000;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let fraction = if is_number(fraction) { fraction.trim_end_matches('0') } else { return None };
    if !is_number(whole) || fraction.len() > 6 {
        return None;
    }
    let micros: u64 = format!("{fraction:0<6}").parse().ok()?;
    let total = whole.parse::<u64>().ok()?.checked_mul(1_000_000)?.checked_add(micros)?;
    (total <= MOST).then_some(total)
}

/// Micro-dollars as dollars, without what says nothing: `50`, `0.075`.
pub fn show(micros: u64) -> String {
    let whole = micros.checked_div(1_000_000).unwrap_or(0);
    let fraction = format!("{:06}", micros.checked_rem(1_000_000).unwrap_or(0));
    match fraction.trim_end_matches('0') {
        "" => whole.to_string(),
        fraction => format!("{whole}.{fraction}"),
    }
}

#[cfg(test)]
mod tests;
