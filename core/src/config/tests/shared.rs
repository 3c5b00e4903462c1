//! The sidecar and what many Envoys share through it: the caches, keys, budgets; and what things cost.

use super::super::{Config, parse};
use super::{check_with, with};
use expect_test::{Expect, expect};
#[cfg(all(test, target_arch = "wasm32"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn config(rest: &str) -> Config {
    match parse(&with(rest)) {
        Ok((config, _)) => config,
        Err(problems) => panic!("{problems:?}"),
    }
}

fn means<T: serde::Serialize>(value: &T, expected: Expect) {
    expected.assert_eq(&serde_json::to_string(value).unwrap());
}

#[test]
fn a_stores_password_may_be_in_a_variable() {
    means(&config("store: $REDIS_URL\n").store, expect![[r#"{"variable":"REDIS_URL"}"#]]);
    means(&config("store: \"redis://h:1\"\n").store, expect![[r#"{"redis":"redis://h:1"}"#]]);
    means(&config("").store, expect![[r#""memory""#]]);
}

#[test]
fn a_sidecar_listens_on_an_address_or_a_socket() {
    means(
        &config(
            "sidecar: { listen: \"unix:/run/weir/sidecar.sock\", call_deadline: 5s, on_outage: closed, secret: $S }\n",
        )
        .sidecar,
        expect![[
            r#"{"listen":{"unix":"/run/weir/sidecar.sock"},"on_outage":"closed","call_deadline":5000,"secret":"S","envoys":["127.0.0.1:9901"]}"#
        ]],
    );
    let shown = |listen: &str| config(&format!("sidecar: {{ listen: \"{listen}\" }}\n")).sidecar.listen.to_string();
    for listen in ["127.0.0.1:7", "[::1]:7", "unix:/run/weir.sock"] {
        assert_eq!(shown(listen), listen);
    }
    check_with("listen: 127.0.0.1:10001\nsidecar: { listen: \"unix:/a\" }\n", expect!["ok\n"]);
    check_with(
        "sidecar: { listen: \"unix:run/weir.sock\", call_deadline: 6s }\n",
        expect![[r#"
            3:20: sidecar.listen: "run/weir.sock" is no absolute path to a socket, such as /run/weir/sidecar.sock
            3:57: sidecar.call_deadline: must be between 1ms and 5s: requests wait for it
        "#]],
    );
    check_with(
        &format!("sidecar: {{ listen: \"unix:/{}\", call_deadline: 0ms }}\n", "x".repeat(107)),
        expect![[r#"
            3:20: sidecar.listen: is too long; the path of a Unix socket has at most 107 bytes
            3:152: sidecar.call_deadline: must be longer than nothing
        "#]],
    );
    check_with(
        "sidecar: { listen: localhost, on_outage: maybe, deadline: 1s }\n",
        expect![[r#"
            3:20: sidecar.listen: expected an IP address with a port, such as 127.0.0.1:10001, or a socket, such as unix:/run/weir/sidecar.sock, found "localhost"
            3:42: sidecar.on_outage: unknown behaviour "maybe"; known: open, closed, local
            3:49: sidecar.deadline: unknown key; known: listen, on_outage, call_deadline, secret, envoys
        "#]],
    );
}

#[test]
fn a_sidecar_that_others_can_reach_has_a_secret() {
    check_with(
        "sidecar: { listen: 0.0.0.0:10001 }\n",
        expect![[r#"
            3:20: sidecar.listen: others can reach this address, and what is cached and counted there; write secret: $WEIR_SIDECAR_SECRET and set that variable for Envoy and for the sidecar, or listen on 127.0.0.1 or on a socket (unix:/run/weir/sidecar.sock)
        "#]],
    );
    check_with("sidecar: { listen: 0.0.0.0:10001, secret: $WEIR_SIDECAR_SECRET }\n", expect!["ok\n"]);
    check_with(
        "sidecar: { listen: 0.0.0.0:10001, secret: hunter2 }\n",
        expect![[r#"
            3:43: sidecar.secret: must name an environment variable, such as $WEIR_SIDECAR_SECRET; a secret itself does not belong into this file
        "#]],
    );
}

#[test]
fn the_status_page_shows_the_files_own_envoy_or_those_that_are_written() {
    let envoys = |text: &str| config(text).sidecar.envoys.join(" ");
    assert_eq!(envoys(""), "127.0.0.1:9901");
    assert_eq!(envoys("admin: 127.0.0.1:7\n"), "127.0.0.1:7");
    assert_eq!(
        envoys("sidecar: { envoys: [10.0.0.1:9901, Envoy-2:1, \"[::1]:7\"] }\n"),
        "10.0.0.1:9901 envoy-2:1 [::1]:7"
    );
    check_with(
        "sidecar: { envoys: [\"a:1\", \"A:1\", b, \"c:0\", \"http://d:1\", {}] }\n",
        expect![[r#"
            3:28: sidecar.envoys.1: is written twice, and would be counted twice
            3:35: sidecar.envoys.2: has no port; write host:port, such as 127.0.0.1:9901
            3:38: sidecar.envoys.3: "0" is no port
            3:45: sidecar.envoys.4: "//d:1" is no port
            3:59: sidecar.envoys.5: expected an address such as 127.0.0.1:9901, found a map
        "#]],
    );
    check_with(
        "sidecar: { envoys: [] }\n",
        expect![[r#"
        3:20: sidecar.envoys: holds no Envoy; leave the key out to mean the one at admin
    "#]],
    );
    let many: String = (1..=65).map(|port| format!("\"a:{port}\", ")).collect();
    check_with(
        &format!("sidecar: {{ envoys: [{many}] }}\n"),
        expect![[r#"
        3:524: sidecar.envoys.64: a status page shows at most 64 Envoys
    "#]],
    );
}

#[test]
fn the_caches_are_bounded() {
    means(
        &config("").cache,
        expect![[r#"{"worker_bytes":16777216,"store_bytes":268435456,"max_entry_bytes":1048576}"#]],
    );
    means(
        &config("cache: { worker_bytes: 0, store_bytes: 1GiB, max_entry_bytes: 2MiB }\n").cache,
        expect![[r#"{"worker_bytes":0,"store_bytes":1073741824,"max_entry_bytes":2097152}"#]],
    );
    check_with(
        "cache: { worker_bytes: 1GiB, store_bytes: 10kB, max_entry_bytes: 3MiB, bytes: 3 }\n",
        expect![[r#"
            3:24: cache.worker_bytes: must be between 0B and 512MiB
            3:43: cache.store_bytes: must be between 1MiB and 1024GiB
            3:66: cache.max_entry_bytes: must be between 1KiB and 2MiB
            3:72: cache.bytes: unknown key; known: worker_bytes, store_bytes, max_entry_bytes
        "#]],
    );
    check_with(
        "cache: { store_bytes: 1MiB, max_entry_bytes: 2MiB }\n",
        expect![[r#"
            3:46: cache.max_entry_bytes: is more than store_bytes: 1MiB would never hold such an answer
        "#]],
    );
}

#[test]
fn a_model_says_what_is_cached() {
    let cache = |text: &str| {
        let yaml = with("").replace("[a/x]", &format!("{{ targets: [a/x], cache: {text} }}"));
        parse(&yaml).unwrap().0.models.remove(0).cache
    };
    means(&cache("{ exact: { ttl: 1h } }"), expect![[r#"{"exact":{"ttl":3600000,"sampled":false},"semantic":null}"#]]);
    means(
        &cache("{ exact: { ttl: 5m, sampled: true } }"),
        expect![[r#"{"exact":{"ttl":300000,"sampled":true},"semantic":null}"#]],
    );
    let yaml = with("").replace("[a/x]", "{ targets: [a/x], cache: { exact: { sampled: yes } } }");
    super::check(
        &yaml,
        expect![[r#"
            2:48: models.m.cache.exact.ttl: is missing
            2:59: models.m.cache.exact.sampled: unknown answer "yes"; known: true, false
        "#]],
    );
}

#[test]
fn a_tenant_has_as_many_keys_as_it_wants_and_they_may_expire() {
    let (a, b, c) = ("a".repeat(64), "B".repeat(64), "c".repeat(64));
    let keys = format!("[{{ sha256: {b}, expires: 2027-01-31 }}, {{ sha256: {c}, expires: 2027-01-31T12:00:00Z }}]");
    means(
        &config(&format!("tenants: {{ t: {{ key_sha256: {a}, keys: {keys} }} }}\n")).tenants[0].keys,
        expect![[
            r#"[{"sha256":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","expires":null},{"sha256":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","expires":1801353600000},{"sha256":"cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc","expires":1801396800000}]"#
        ]],
    );
    check_with("tenants: { t: {}, u: { keys: [] } }\n", expect!["ok\n"]);
    check_with(
        &format!(
            "tenants: {{ t: {{ key_sha256: {a}, keys: [{{ sha256: {a} }}] }}, u.v: {{ keys: [{{ sha256: {a} }}] }} }}\n"
        ),
        expect![[r#"
            3:112: tenants.t.keys.0.sha256: is also a key of t; a key is written once, and tells who is calling
            3:207: tenants.u.v.keys.0.sha256: is also a key of t; a key is written once, and tells who is calling
        "#]],
    );
    check_with(
        &format!(
            "tenants: {{ t: {{ keys: [{a}, {{ expires: soon }}, {{ sha256: {b}, expires: 2027-02-29 }}, {{ sha256: sk-1 }}] }} }}\n"
        ),
        expect![[r#"
            3:24: tenants.t.keys.0: must be { sha256: … }, with the SHA-256 of the key and perhaps expires
            3:90: tenants.t.keys.1.sha256: is missing
            3:101: tenants.t.keys.1.expires: expected a day such as 2027-01-31 or a time such as 2027-01-31T12:00:00Z, found "soon"
            3:194: tenants.t.keys.2.expires: expected a day such as 2027-01-31 or a time such as 2027-01-31T12:00:00Z, found "2027-02-29"
            3:218: tenants.t.keys.3.sha256: must be the SHA-256 of the tenant's key in 64 hex digits: printf %s KEY | sha256sum
        "#]],
    );
}

#[test]
fn a_budget_is_kept_to_the_micro_dollar() {
    let budget = |text: &str| config(&format!("tenants: {{ t: {{ budget: {text} }} }}\n")).tenants.remove(0).budget;
    means(&budget("{ usd: 50, per: day }"), expect![[r#"{"microusd":50000000,"per":"day"}"#]]);
    means(&budget("{ usd: 0.10, per: month }"), expect![[r#"{"microusd":100000,"per":"month"}"#]]);
    check_with(
        "tenants: { t: { budget: { usd: 1e3, per: year } }, u: { budget: { usd: 0.0, per: day } } }\n",
        expect![[r#"
            3:32: tenants.t.budget.usd: expected an amount of dollars such as 50 or 0.075, found "1e3"
            3:42: tenants.t.budget.per: unknown period "year"; known: day, month
            3:72: tenants.u.budget.usd: must be above 0
        "#]],
    );
}

#[test]
fn prices_are_the_operators_own() {
    means(
        &config("prices: { a/x: { input: 4.00, output: 20.00, cached: 0.40, cache_write: 5.00 } }\n").prices,
        expect![[
            r#"[{"provider":"a","model":"x","price":{"rates":{"input":4000000,"output":20000000,"cached":400000,"cache_write":5000000},"above":null}}]"#
        ]],
    );
    let above = "{ prompt_tokens: 200000, input: 6, output: 22.5 }";
    means(
        &config(&format!("prices: {{ a/meta/llama-4:70b: {{ input: 3, output: 0, above: {above} }} }}\n")).prices,
        expect![[
            r#"[{"provider":"a","model":"meta/llama-4:70b","price":{"rates":{"input":3000000,"output":0,"cached":3000000,"cache_write":3000000},"above":{"prompt_tokens":200000,"rates":{"input":6000000,"output":22500000,"cached":6000000,"cache_write":6000000}}}}]"#
        ]],
    );
    check_with(
        "prices: { x: { input: 1, output: 1 }, b/x: { input: 1, output: 1 }, a/x: { input: -1, above: {} } }\n",
        expect![[r#"
            3:11: prices.x: "x" is no target; write provider/model
            3:39: prices.b/x: unknown provider "b"; known: a
            3:74: prices.a/x.output: is missing
            3:83: prices.a/x.input: expected an amount of dollars such as 50 or 0.075, found "-1"
            3:94: prices.a/x.above.prompt_tokens: is missing
            3:94: prices.a/x.above.input: is missing
            3:94: prices.a/x.above.output: is missing
        "#]],
    );
    check_with(
        "prices: [a/x]\n",
        expect![[r#"
            3:9: prices: expected a map from provider/model to prices, found a list
        "#]],
    );
}

#[test]
fn what_models_can_do_is_the_operators_word_first() {
    means(
        &config(
            "capabilities: { a/x: { sampling: refused, thinking: budget, prefill: false, max_output_tokens: 4096 } }\n",
        )
        .capabilities,
        expect![[
            r#"[{"provider":"a","model":"x","own":{"sampling":"refused","thinking":"budget","forced_tool_choice":null,"prefill":false,"structured_output":null,"penalties":null,"max_input_tokens":null,"max_output_tokens":4096}}]"#
        ]],
    );
    check_with(
        "capabilities: { x: {}, b/x: {}, a/x: { sampling: maybe, max_input_tokens: 0, prefil: true } }\n",
        expect![[r#"
            3:17: capabilities.x: "x" is no target; write provider/model
            3:24: capabilities.b/x: unknown provider "b"; known: a
            3:50: capabilities.a/x.sampling: unknown word "maybe"; known: accepted, ignored, refused
            3:75: capabilities.a/x.max_input_tokens: must be at least 1
            3:78: capabilities.a/x.prefil: unknown key; did you mean prefill?
        "#]],
    );
}
