//! Natively only: thousands of cases are slow under a wasm interpreter and prove the same there.

use super::super::parse;
use proptest::prelude::*;

/// Text that looks enough like a configuration to get past the first checks.
fn plausible() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        Just("providers"),
        Just("models"),
        Just("tenants"),
        Just("targets"),
        Just("model"),
        Just("kind"),
        Just("openai"),
        Just("a/x"),
        Just("api_key"),
        Just("$K"),
        Just("base_url"),
        Just("https://[::1]:1/x"),
        Just("limits"),
        Just("burst"),
        Just("burst_tokens"),
        Just("breaker"),
        Just("failure_rate"),
        Just("50%"),
        Just("sidecar"),
        Just("envoys"),
        Just("unix:/a"),
        Just("cache"),
        Just("prices"),
        Just("capabilities"),
        Just("input"),
        Just("0.5"),
        Just("keys"),
        Just("sha256"),
        Just("expires"),
        Just("2027-01-31"),
        Just("waiting_room"),
        Just("max_wait"),
        Just("retry_budget"),
        Just("retries"),
        Just("backoff"),
        Just("hedge_after"),
        Just("on_unsupported"),
        Just("drop"),
        Just("1s..2s"),
        Just("deadline"),
        Just("99999999999999999999"),
        Just("-1"),
        Just(": "),
        Just(":"),
        Just("\n"),
        Just("\n  "),
        Just("- "),
        Just("{"),
        Just("}"),
        Just("["),
        Just("]"),
        Just(", "),
        Just("\""),
        Just("'"),
        Just("&a "),
        Just("*a "),
        Just("!!str "),
        Just("|\n"),
        Just("? "),
        Just("---\n"),
        Just("%YAML 1.2\n"),
        Just("#"),
        Just("\t"),
        Just("é"),
        Just("\u{feff}"),
        Just("~"),
    ];
    prop::collection::vec(word, 0..40).prop_map(|words| words.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn no_text_panics(text in any::<String>()) {
        let _ = parse(&text);
    }

    #[test]
    fn no_plausible_text_panics(text in plausible()) {
        let _ = parse(&text);
    }

    /// One value of a good file replaced by anything.
    #[test]
    fn no_value_panics(value in "\\PC{0,20}", line in 0usize..60) {
        let good = include_str!("../../../../envoy/weir.yaml");
        let replace = |(index, text): (usize, &str)| match text.split_once(": ") {
            Some((key, _)) if index == line => format!("{key}: {value}\n"),
            _ => format!("{text}\n"),
        };
        let _ = parse(&good.lines().enumerate().map(replace).collect::<String>());
    }
}
