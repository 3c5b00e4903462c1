use super::*;
use crate::config::{Provider, parse};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn rates(input: u64, output: u64, cached: u64, cache_write: u64) -> Rates {
    Rates { input, output, cached, cache_write }
}

fn usage(prompt: u64, cached: u64, cache_write: u64, completion: u64, reasoning: u64) -> Usage {
    Usage { prompt, cached, cache_write, completion, reasoning }
}

fn provider(fields: &str) -> Provider {
    let yaml = format!("providers: {{ p: {{ api_key: $K, {fields} }} }}");
    parse(&yaml).expect("a right configuration").0.providers.remove(0)
}

fn listed(fields: &str, model: &str) -> Option<Price> {
    Table::builtin().expect("the table parses").of(&provider(fields), model)
}

#[test]
fn parts_of_the_prompt_and_reasoning_are_not_counted_twice() {
    let price = Price { rates: rates(4_000_000, 20_000_000, 400_000, 5_000_000), above: None };
    // 500 × 4 + 300 × 0.4 + 200 × 5 + 100 × 20, in dollars per million.
    assert_eq!(cost(&price, &usage(1_000, 300, 200, 100, 90)), 2_000 + 120 + 1_000 + 2_000);
    assert_eq!(cost(&price, &usage(0, 0, 0, 0, 0)), 0);
}

#[test]
fn the_sum_is_rounded_once_and_half_up() {
    let price = |input, output| Price { rates: rates(input, output, input, input), above: None };
    // Two halves are a whole: each by itself would be rounded up to one.
    assert_eq!(cost(&price(500_000, 500_000), &usage(1, 0, 0, 1, 0)), 1);
    assert_eq!(cost(&price(500_000, 0), &usage(1, 0, 0, 0, 0)), 1);
    assert_eq!(cost(&price(499_999, 0), &usage(1, 0, 0, 0, 0)), 0);
    assert_eq!(cost(&price(75_000, 0), &usage(7, 0, 0, 0, 0)), 1);
}

#[test]
fn a_long_prompt_costs_more_as_a_whole() {
    let tier = Tier { prompt_tokens: 272_000, rates: rates(20_000_000, 75_000_000, 2_000_000, 20_000_000) };
    let price = Price { rates: rates(10_000_000, 50_000_000, 1_000_000, 10_000_000), above: Some(tier) };
    assert_eq!(cost(&price, &usage(272_000, 0, 0, 10, 0)), 2_720_000 + 500);
    assert_eq!(cost(&price, &usage(272_001, 272_000, 0, 10, 0)), 20 + 544_000 + 750);
}

#[test]
fn whatever_a_provider_counts_costs_something_that_can_be_written_down() {
    let most = u64::MAX;
    let price = Price { rates: rates(most, most, most, most), above: None };
    assert_eq!(cost(&price, &usage(most, most, most, most, most)), most);
    let price = Price { rates: rates(1_000_000, 0, 0, 3_000_000), above: None };
    assert_eq!(cost(&price, &usage(10, 20, 30, 0, 0)), 0, "all of the prompt was cached");
    assert_eq!(cost(&price, &usage(10, 4, 30, 0, 0)), 18, "what is written is at most the rest");
}

#[test]
fn dollars_are_read_to_the_micro_dollar_and_come_back() {
    for (text, micros, shown) in [
        ("4", 4_000_000, "4"),
        ("4.00", 4_000_000, "4"),
        ("0.075", 75_000, "0.075"),
        ("0.000001", 1, "0.000001"),
        ("0.0000010", 1, "0.000001"),
        ("50.5", 50_500_000, "50.5"),
        ("1000000000", 1_000_000_000_000_000, "1000000000"),
    ] {
        assert_eq!(dollars(text), Some(micros), "{text}");
        assert_eq!(show(micros), shown);
    }
    for text in
        ["", ".", "4.", ".5", "-1", "+1", "1e3", "1,5", "$4", "0.0000001", "1000000000.1", "99999999999999999999"]
    {
        assert_eq!(dollars(text), None, "{text}");
    }
}

#[test]
fn the_table_has_the_list_prices() {
    let price = |kind: &str, model| listed(&format!("kind: {kind}"), model).expect("a price");
    let opus = price("anthropic", "claude-opus-5-5");
    assert_eq!(opus, Price { rates: rates(4_000_000, 20_000_000, 200_000, 5_000_000), above: None });
    assert_eq!(price("anthropic", "claude-haiku-4-5-20251001"), price("anthropic", "claude-haiku-4-5"));
    assert_eq!(price("openai", "gpt-4o-mini-2024-07-18").rates, rates(150_000, 600_000, 75_000, 150_000));
    let tier = Tier { prompt_tokens: 272_000, rates: rates(20_000_000, 75_000_000, 2_000_000, 25_000_000) };
    assert_eq!(price("openai", "gpt-6-astra").above, Some(tier));
    // No rate of its own for cached tokens: as other input.
    assert_eq!(price("gemini", "models/gemini-embedding-001").rates, rates(150_000, 0, 150_000, 150_000));
}

#[test]
fn what_is_not_in_the_table_has_no_price() {
    for (kind, model) in [
        ("openai", "gpt-5.6-mini"),
        ("openai", "llama-4"),
        ("anthropic", "claude-opus-9"),
        ("gemini", "gemini-2.5-flash-lite"),
        ("gemini", "claude-opus-5"),
    ] {
        assert_eq!(listed(&format!("kind: {kind}"), model), None, "{model}");
    }
}

#[test]
fn list_prices_are_those_of_the_kinds_own_address_and_of_this_machine() {
    let at = |url: &str| listed(&format!("kind: openai, base_url: \"{url}\""), "gpt-5.6").is_some();
    assert!(at("https://api.openai.com/v1"));
    assert!(at("http://127.0.0.1:10011"));
    assert!(at("http://localhost:10011"));
    assert!(at("http://[::1]:10011"));
    assert!(!at("https://eu.api.openai.com"));
    assert!(!at("https://mine.openai.azure.com/openai"));
    assert!(!at("https://api.openai.com:8443"));
    assert!(!at("http://10.0.0.1:8000"));
}

#[test]
fn a_table_with_a_mistake_is_an_error() {
    let with = |row: &str| format!(r#"{{"about":"","open_ai":[{row}],"anthropic":[],"gemini":[]}}"#);
    let error = |row: &str| Table::parse(&with(row)).expect_err("an error");
    assert!(error(r#"{"match":["x"],"input":1,"output":1,"cache":1}"#).contains("cache"));
    assert!(error(r#"{"match":["x"],"input":1e3,"output":1}"#).contains("1e3 is no amount of dollars"));
    assert!(error(r#"{"match":["x"],"input":-1,"output":1}"#).contains("-1 is no amount of dollars"));
    assert!(error(r#"{"match":["x"],"input":1}"#).contains("output"));
}
