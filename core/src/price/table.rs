//! `prices.json`: list prices by model family.

use super::{Price, Rates, Tier, dollars};
use crate::capability::glob;
use crate::config::{Kind, Provider};
use serde::Deserialize;
use serde_json::value::RawValue;

/// List prices of the providers' own services.
#[derive(Clone, Debug)]
pub struct Table {
    open_ai: Vec<(Vec<String>, Price)>,
    anthropic: Vec<(Vec<String>, Price)>,
    gemini: Vec<(Vec<String>, Price)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTable {
    /// For those who read the file.
    #[serde(rename = "about")]
    _about: String,
    open_ai: Vec<Row>,
    anthropic: Vec<Row>,
    gemini: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    #[serde(rename = "match")]
    patterns: Vec<String>,
    input: Amount,
    output: Amount,
    cached: Option<Amount>,
    cache_write: Option<Amount>,
    above: Option<RawTier>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTier {
    prompt_tokens: u64,
    input: Amount,
    output: Amount,
    cached: Option<Amount>,
    cache_write: Option<Amount>,
}

/// Dollars, read from the digits as they are written: a float is not exact.
#[derive(Clone, Copy)]
struct Amount(u64);

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <&RawValue>::deserialize(deserializer)?.get();
        dollars(text).map(Self).ok_or_else(|| serde::de::Error::custom(format!("{text} is no amount of dollars")))
    }
}

impl Table {
    /// The table that ships with Weir.
    ///
    /// # Errors
    /// Never: a test parses it.
    pub fn builtin() -> Result<Self, String> {
        Self::parse(include_str!("prices.json"))
    }

    /// A table of the same form.
    ///
    /// # Errors
    /// In words, when it is not one.
    pub fn parse(json: &str) -> Result<Self, String> {
        let raw: RawTable = serde_json::from_str(json).map_err(|error| error.to_string())?;
        let rows = |rows: Vec<Row>| rows.into_iter().map(Row::priced).collect();
        Ok(Self { open_ai: rows(raw.open_ai), anthropic: rows(raw.anthropic), gemini: rows(raw.gemini) })
    }

    /// What `model` costs at `provider`; None if it is not known.
    ///
    /// List prices are those of a kind's own address. Another server that speaks the same protocol (a cloud, a reseller, a
    /// region) may serve the same name for another price, so what it costs is for the operator to say. A server on this
    /// machine is a stand-in for the real one, the simulator above all, and has its prices.
    pub fn of(&self, provider: &Provider, model: &str) -> Option<Price> {
        if !provider.base_url.is_default_for(provider.kind) && !provider.base_url.is_loopback() {
            return None;
        }
        let rows = match provider.kind {
            Kind::OpenAi => &self.open_ai,
            Kind::Anthropic => &self.anthropic,
            Kind::Gemini => &self.gemini,
        };
        let model = model.strip_prefix("models/").unwrap_or(model);
        let matches = |patterns: &[String]| patterns.iter().any(|pattern| glob::matches(pattern, model));
        rows.iter().find(|(patterns, _)| matches(patterns)).map(|(_, price)| *price)
    }
}

impl Row {
    fn priced(self) -> (Vec<String>, Price) {
        let above = self.above.map(|tier| Tier {
            prompt_tokens: tier.prompt_tokens,
            rates: rates(tier.input, tier.output, tier.cached, tier.cache_write),
        });
        (self.patterns, Price { rates: rates(self.input, self.output, self.cached, self.cache_write), above })
    }
}

/// What has no rate of its own costs what other input costs (PROVIDERS I).
fn rates(input: Amount, output: Amount, cached: Option<Amount>, cache_write: Option<Amount>) -> Rates {
    Rates {
        input: input.0,
        output: output.0,
        cached: cached.unwrap_or(input).0,
        cache_write: cache_write.unwrap_or(input).0,
    }
}
