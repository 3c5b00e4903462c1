//! Sums, as a table or as JSON. Pure.

use crate::store::Usage;
use crate::table::{self, Side};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What a line is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum By {
    Day,
    Tenant,
    Model,
}

/// What a line is told apart by.
#[derive(Clone, Copy)]
struct Part {
    name: &'static str,
    of: fn(&Usage) -> &str,
}

const DAY: Part = Part { name: "day", of: |usage| &usage.day };
const TENANT: Part = Part { name: "tenant", of: |usage| &usage.tenant };
const MODEL: Part = Part { name: "model", of: |usage| &usage.model };

fn parts(by: Option<By>) -> &'static [Part] {
    match by {
        None => &[DAY, TENANT, MODEL],
        Some(By::Day) => &[DAY],
        Some(By::Tenant) => &[TENANT],
        Some(By::Model) => &[MODEL],
    }
}

pub(super) fn show(usage: &[Usage], by: Option<By>, json: bool) -> Result<String, serde_json::Error> {
    let parts = parts(by);
    let mut lines: BTreeMap<Vec<&str>, Sum> = BTreeMap::new();
    let mut total = Sum::default();
    for row in usage {
        lines.entry(parts.iter().map(|part| (part.of)(row)).collect()).or_default().add(row);
        total.add(row);
    }
    if json {
        let lines: Vec<Value> = lines.iter().map(|(names, sum)| sum.json(parts, names)).collect();
        return serde_json::to_string_pretty(&lines);
    }
    if lines.is_empty() {
        return Ok("nothing was used on these days".to_owned());
    }
    let words = parts.iter().map(|part| (part.name.to_uppercase(), Side::Left));
    let numbers = ["REQUESTS", "HITS", "INPUT", "CACHED", "OUTPUT", "COST"].map(|head| (head.to_owned(), Side::Right));
    let columns: Vec<(String, Side)> = words.chain(numbers).collect();
    let columns: Vec<(&str, Side)> = columns.iter().map(|(head, side)| (head.as_str(), *side)).collect();
    let mut rows: Vec<Vec<String>> = lines.iter().map(|(names, sum)| sum.cells(names)).collect();
    let mut names = vec![""; parts.len()];
    names[0] = "total";
    rows.push(total.cells(&names));
    let mut text = table::show(&columns, &rows);
    if total.unpriced > 0 {
        let requests = if total.unpriced == 1 { "request" } else { "requests" };
        text += &format!("\nwithout {} {requests} whose price is not known", total.unpriced);
    }
    Ok(text)
}

#[derive(Default)]
struct Sum {
    requests: u64,
    cache_hits: u64,
    input_tokens: u64,
    output_tokens: u64,
    cached_tokens: u64,
    cache_write_tokens: u64,
    reasoning_tokens: u64,
    cost_microusd: u64,
    unpriced: u64,
}

impl Sum {
    fn add(&mut self, row: &Usage) {
        let Usage {
            day: _,
            tenant: _,
            model: _,
            requests,
            cache_hits,
            input_tokens,
            output_tokens,
            cached_tokens,
            cache_write_tokens,
            reasoning_tokens,
            cost_microusd,
            unpriced,
        } = row;
        for (sum, more) in [
            (&mut self.requests, requests),
            (&mut self.cache_hits, cache_hits),
            (&mut self.input_tokens, input_tokens),
            (&mut self.output_tokens, output_tokens),
            (&mut self.cached_tokens, cached_tokens),
            (&mut self.cache_write_tokens, cache_write_tokens),
            (&mut self.reasoning_tokens, reasoning_tokens),
            (&mut self.cost_microusd, cost_microusd),
            (&mut self.unpriced, unpriced),
        ] {
            *sum = sum.saturating_add(*more);
        }
    }

    fn cells(&self, names: &[&str]) -> Vec<String> {
        let numbers = [self.requests, self.cache_hits, self.input_tokens, self.cached_tokens, self.output_tokens];
        let names = names.iter().map(|name| (*name).to_owned());
        names.chain(numbers.map(|number| number.to_string())).chain([dollars(self.cost_microusd)]).collect()
    }

    fn json(&self, parts: &[Part], names: &[&str]) -> Value {
        let mut line = json!({
            "requests": self.requests,
            "cache_hits": self.cache_hits,
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "cached_tokens": self.cached_tokens,
            "cache_write_tokens": self.cache_write_tokens,
            "reasoning_tokens": self.reasoning_tokens,
            "cost_microusd": self.cost_microusd,
            "unpriced": self.unpriced,
        });
        for (part, name) in parts.iter().zip(names) {
            line[part.name] = json!(name);
        }
        line
    }
}

/// To the last micro-dollar: a column adds up to its total.
fn dollars(microusd: u64) -> String {
    format!("${}.{:06}", microusd / 1_000_000, microusd % 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    fn rows() -> Vec<Usage> {
        let row = |day: &str, tenant: &str, model: &str, requests, cost_microusd| Usage {
            day: day.to_owned(),
            tenant: tenant.to_owned(),
            model: model.to_owned(),
            requests,
            cache_hits: requests / 10,
            input_tokens: requests * 1_000,
            output_tokens: requests * 100,
            cached_tokens: requests * 10,
            cost_microusd,
            unpriced: u64::from(cost_microusd == 0),
            ..Usage::default()
        };
        vec![
            row("2026-11-25", "team-a", "openai/gpt-5.6", 120, 1_234_567),
            row("2026-11-26", "team-a", "openai/gpt-5.6", 7, 42),
            row("2026-11-26", "team-b", "smart", 3, 0),
        ]
    }

    fn check(by: Option<By>, expected: Expect) {
        expected.assert_eq(&show(&rows(), by, false).expect("a table"));
    }

    #[test]
    fn usage_is_summed_by_what_is_asked_for() {
        check(
            None,
            expect![[r"
                DAY         TENANT  MODEL           REQUESTS  HITS   INPUT  CACHED  OUTPUT       COST
                2026-11-25  team-a  openai/gpt-5.6       120    12  120000    1200   12000  $1.234567
                2026-11-26  team-a  openai/gpt-5.6         7     0    7000      70     700  $0.000042
                2026-11-26  team-b  smart                  3     0    3000      30     300  $0.000000
                total                                    130    12  130000    1300   13000  $1.234609
                without 1 request whose price is not known"]],
        );
        check(
            Some(By::Tenant),
            expect![[r"
                TENANT  REQUESTS  HITS   INPUT  CACHED  OUTPUT       COST
                team-a       127    12  127000    1270   12700  $1.234609
                team-b         3     0    3000      30     300  $0.000000
                total        130    12  130000    1300   13000  $1.234609
                without 1 request whose price is not known"]],
        );
        check(
            Some(By::Day),
            expect![[r"
                DAY         REQUESTS  HITS   INPUT  CACHED  OUTPUT       COST
                2026-11-25       120    12  120000    1200   12000  $1.234567
                2026-11-26        10     0   10000     100    1000  $0.000042
                total            130    12  130000    1300   13000  $1.234609
                without 1 request whose price is not known"]],
        );
    }

    #[test]
    fn json_names_only_what_it_is_summed_by() {
        let lines: Value = serde_json::from_str(&show(&rows(), Some(By::Model), true).expect("JSON")).expect("JSON");
        assert_eq!(lines[0]["model"], "openai/gpt-5.6");
        assert_eq!(lines[0]["requests"], 127);
        assert_eq!(lines[0].get("tenant"), None);
        assert_eq!(show(&[], None, true).expect("JSON"), "[]");
        assert_eq!(show(&[], None, false).expect("a line"), "nothing was used on these days");
    }
}
