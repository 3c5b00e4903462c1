//! The operator's own prices as they were written.

use super::whole;
use crate::config::problem::{At, Findings};
use crate::config::read::{Cursor, Entries};

#[derive(Debug)]
pub(in crate::config) struct Price {
    /// `provider/model`.
    pub(in crate::config) target: At<String>,
    pub(in crate::config) rates: Rates,
    pub(in crate::config) above: Option<Tier>,
}

/// In micro-dollars per million tokens.
#[derive(Debug, Default)]
pub(in crate::config) struct Rates {
    pub(in crate::config) input: Option<At<u64>>,
    pub(in crate::config) output: Option<At<u64>>,
    pub(in crate::config) cached: Option<At<u64>>,
    pub(in crate::config) cache_write: Option<At<u64>>,
}

#[derive(Debug)]
pub(in crate::config) struct Tier {
    pub(in crate::config) prompt_tokens: Option<At<u64>>,
    pub(in crate::config) rates: Rates,
}

pub(super) fn prices(cursor: Cursor<'_>, found: &mut Findings) -> Option<Vec<Price>> {
    let entries = cursor.map("a map from provider/model to prices", found)?.named();
    Some(entries.iter().map(|entry| price(entry.name(), entry.cursor(), found)).collect())
}

fn price(target: At<String>, cursor: Cursor<'_>, found: &mut Findings) -> Price {
    let parts = whole(cursor, "a map with input, output, cached, cache_write and above", found, |map, f| {
        let rates = rates(map, f);
        let above = map.get("above", f, |c, f| {
            whole(c, "a map with prompt_tokens, input, output, cached and cache_write", f, |map, f| Tier {
                prompt_tokens: map.need("prompt_tokens", f, |c, f| c.count(f)),
                rates: self::rates(map, f),
            })
        });
        (rates, above)
    });
    let (rates, above) = parts.unwrap_or_default();
    Price { target, rates, above }
}

fn rates(map: &mut Entries<'_>, found: &mut Findings) -> Rates {
    Rates {
        input: map.need("input", found, |c, f| c.dollars(f)),
        output: map.need("output", found, |c, f| c.dollars(f)),
        cached: map.get("cached", found, |c, f| c.dollars(f)),
        cache_write: map.get("cache_write", found, |c, f| c.dollars(f)),
    }
}
