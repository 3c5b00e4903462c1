//! Ceilings, breakers, the waiting room and retries: numbers that only make sense together.

use super::super::{Config, parse};
use super::{check, with};
use expect_test::{Expect, expect};
use serde::Serialize;
#[cfg(all(test, target_arch = "wasm32"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn config(yaml: &str) -> Config {
    match parse(yaml) {
        Ok((config, _)) => config,
        Err(problems) => panic!("{problems:?}"),
    }
}

fn means<T: Serialize>(value: &T, expected: Expect) {
    expected.assert_eq(&serde_json::to_string(value).unwrap());
}

/// The one provider, with `rest` as its last keys, from line 5.
fn provider(rest: &str) -> String {
    let rest = rest.replace('\n', "\n    ");
    format!("providers:\n  a:\n    kind: openai\n    api_key: $K\n    {rest}\nmodels: {{ m: [a/x] }}\n")
}

/// One tenant, with `rest` as its last keys, from line 6.
fn tenant(rest: &str) -> String {
    let (key, rest) = ("a".repeat(64), rest.replace('\n', "\n    "));
    with(&format!("tenants:\n  t:\n    key_sha256: {key}\n    {rest}\n"))
}

#[test]
fn a_target_may_have_limits_of_its_own() {
    let models = "limits: { requests_per_minute: 10 }\n\
        models:\n  \
          gpt-5.6: { limits: { requests_per_minute: 10, concurrency: 2 } }\n  \
          meta/llama-4:70b: { limits: { tokens_per_minute: 9, burst_tokens: 3 } }\n  \
          plain: {}\n  \
          none: { limits: {} }";
    means(
        &config(&provider(models)).providers[0].model_limits,
        expect![[
            r#"[{"model":"gpt-5.6","limits":{"requests_per_minute":10,"tokens_per_minute":null,"concurrency":2,"burst":null,"burst_tokens":null}},{"model":"meta/llama-4:70b","limits":{"requests_per_minute":null,"tokens_per_minute":9,"concurrency":null,"burst":null,"burst_tokens":3}}]"#
        ]],
    );
}

#[test]
fn a_target_with_limits_can_be_addressed() {
    check(
        &provider("models: { \"a b\": { limits: {} }, ..: {}, x?y: { limit: 3 }, y: 3, z: , y: {} }"),
        expect![[r#"
        5:15: providers.a.models.a b: is no model id that provider/model could address
        5:38: providers.a.models...: is no model id that provider/model could address
        5:46: providers.a.models.x?y: is no model id that provider/model could address
        5:53: providers.a.models.x?y.limit: unknown key; did you mean limits?
        5:68: providers.a.models.y: expected a map with limits, found "3"
        5:72: providers.a.models.z: expected a map with limits, found nothing
        5:76: providers.a.models.y: written twice; first in line 5
    "#]],
    );
    check(
        &provider("models: {}"),
        expect![[r#"
        5:13: providers.a.models: holds no model
    "#]],
    );
    check(
        &provider("models: [x]"),
        expect![[r#"
        5:13: providers.a.models: expected a map from model names to models, found a list
    "#]],
    );
}

#[test]
fn a_tenant_may_have_limits_for_one_model() {
    let tenant = &config(&tenant(
        "models: [m, { model: a/x, limits: { requests_per_minute: 5, burst: 2 } }, { model: a/y }]\n\
         limits: { requests_per_minute: 5 }",
    ))
    .tenants[0];
    means(
        &(&tenant.models, &tenant.model_limits),
        expect![[
            r#"[["m","a/x","a/y"],[{"model":"a/x","limits":{"requests_per_minute":5,"tokens_per_minute":null,"concurrency":null,"burst":2,"burst_tokens":null}}]]"#
        ]],
    );
}

#[test]
fn a_tenant_lists_a_model_once() {
    check(
        &tenant("models: [m, a/x, { model: m, limits: { concurrency: 1 } }, a/x, m]"),
        expect![[r#"
        6:31: tenants.t.models.2.model: listed twice; first in line 6
        6:64: tenants.t.models.3: listed twice; first in line 6
        6:69: tenants.t.models.4: listed twice; first in line 6
    "#]],
    );
    check(
        &tenant("models: [{ limits: {} }, { model: n, limit: {} }, [m]]"),
        expect![[r#"
        6:14: tenants.t.models.0.model: is missing
        6:39: tenants.t.models.1.model: unknown model "n"; known: m
        6:42: tenants.t.models.1.limit: unknown key; did you mean limits?
        6:55: tenants.t.models.2: expected a model name, or { model: …, targets: …, limits: … }, found a list
    "#]],
    );
}

#[test]
fn no_limit_of_a_model_is_over_that_of_all_models() {
    let all = "requests_per_minute: 10, tokens_per_minute: 100, concurrency: 3, burst: 5, burst_tokens: 50";
    let more = "requests_per_minute: 11, tokens_per_minute: 101, concurrency: 4, burst: 6, burst_tokens: 51";
    check(
        &provider(&format!("limits: {{ {all} }}\nmodels: {{ x: {{ limits: {{ {more} }} }} }}")),
        expect![[r#"
        6:51: providers.a.models.x.limits.requests_per_minute: is over the provider's own limit of 10
        6:74: providers.a.models.x.limits.tokens_per_minute: is over the provider's own limit of 100
        6:92: providers.a.models.x.limits.concurrency: is over the provider's own limit of 3
        6:102: providers.a.models.x.limits.burst: is over the provider's own limit of 5
        6:119: providers.a.models.x.limits.burst_tokens: is over the provider's own limit of 50
    "#]],
    );
    check(
        &tenant(&format!("limits: {{ {all} }}\nmodels: [{{ model: m, limits: {{ {more} }} }}]")),
        expect![[r#"
        7:57: tenants.t.models.0.limits.requests_per_minute: is over the tenant's own limit of 10
        7:80: tenants.t.models.0.limits.tokens_per_minute: is over the tenant's own limit of 100
        7:98: tenants.t.models.0.limits.concurrency: is over the tenant's own limit of 3
        7:108: tenants.t.models.0.limits.burst: is over the tenant's own limit of 5
        7:125: tenants.t.models.0.limits.burst_tokens: is over the tenant's own limit of 50
    "#]],
    );
    // What the one for all models leaves open, one model may limit.
    check(
        &provider(&format!("models: {{ x: {{ limits: {{ {more} }} }} }}")),
        expect![[r#"
        ok
    "#]],
    );
    check(
        &provider(&format!("limits: {{ {all} }}\nmodels: {{ x: {{ limits: {{ {all} }} }} }}")),
        expect![[r#"
            ok
        "#]],
    );
}

#[test]
fn a_breaker_judges_by_a_share_of_failures_too() {
    let breaker = |breaker: &str| provider(&format!("breaker: {{ {breaker} }}"));
    for (written, expected) in [("", 50), ("failure_rate: 1%", 1), ("failure_rate: 100", 100)] {
        assert_eq!(config(&breaker(written)).providers[0].breaker.failure_rate, expected, "{written}");
    }
    check(
        &breaker("failure_rate: 0"),
        expect![[r#"
        5:30: providers.a.breaker.failure_rate: must be between 1% and 100%
    "#]],
    );
    check(
        &breaker("failure_rate: 101%"),
        expect![[r#"
        5:30: providers.a.breaker.failure_rate: must be between 1% and 100%
    "#]],
    );
    check(
        &breaker("failure_rate: 99999999999"),
        expect![[r#"
        5:30: providers.a.breaker.failure_rate: must be between 1% and 100%
    "#]],
    );
    check(
        &breaker("failure_rate: 0.5"),
        expect![[r#"
        5:30: providers.a.breaker.failure_rate: expected a percentage such as 50%, found "0.5"
    "#]],
    );
    check(
        &breaker("failure_rate: half"),
        expect![[r#"
        5:30: providers.a.breaker.failure_rate: expected a percentage such as 50%, found "half"
    "#]],
    );
    check(
        &breaker("failure_rte: 50%"),
        expect![[r#"
        5:16: providers.a.breaker.failure_rte: unknown key; did you mean failure_rate?
    "#]],
    );
}

#[test]
fn a_burst_is_a_part_of_its_limit() {
    let limits = |limits: &str| provider(&format!("limits: {{ {limits} }}"));
    check(
        &limits("tokens_per_minute: 10, burst_tokens: 10, requests_per_minute: 3, burst: 3"),
        expect![[r#"
            ok
        "#]],
    );
    check(
        &limits("tokens_per_minute: 10, burst_tokens: 11"),
        expect![[r#"
        5:52: providers.a.limits.burst_tokens: is over its limit of 10 tokens per minute
    "#]],
    );
    check(
        &limits("burst_tokens: 11, requests_per_minute: 20"),
        expect![[r#"
        5:29: providers.a.limits.burst_tokens: means nothing without tokens_per_minute
    "#]],
    );
    check(
        &limits("burst_tokens: 0, burst: x, requests_per_minute: 20, tokens_per_minute: 9"),
        expect![[r#"
        5:29: providers.a.limits.burst_tokens: must be at least 1
        5:39: providers.a.limits.burst: expected a whole number, found "x"
    "#]],
    );
    // One mistake is one line.
    check(
        &limits("tokens_per_minute: 0, burst_tokens: 11"),
        expect![[r#"
        5:34: providers.a.limits.tokens_per_minute: must be at least 1
    "#]],
    );
    check(
        &provider("models: { x: { limits: { burst: 11 } } }"),
        expect![[r#"
        5:37: providers.a.models.x.limits.burst: means nothing without requests_per_minute
    "#]],
    );
    check(
        &tenant("models: [{ model: m, limits: { requests_per_minute: 3, burst: 11 } }]"),
        expect![[r#"
        6:67: tenants.t.models.0.limits.burst: is over its limit of 3 requests per minute
    "#]],
    );
}

#[test]
fn no_limit_is_beyond_reckoning() {
    let limits = |limits: &str| provider(&format!("limits: {{ {limits} }}"));
    let most = "1000000000000";
    let all = format!(
        "requests_per_minute: {most}, tokens_per_minute: {most}, burst: {most}, burst_tokens: {most}, \
         concurrency: 1000000"
    );
    check(
        &limits(&all),
        expect![[r#"
            ok
        "#]],
    );
    check(
        &limits(&all.replace("00,", "01,")),
        expect![[r#"
        5:36: providers.a.limits.requests_per_minute: is too large; at most 1000000000000
        5:70: providers.a.limits.tokens_per_minute: is too large; at most 1000000000000
    "#]],
    );
    check(
        &limits("concurrency: 1000001"),
        expect![[r#"
        5:28: providers.a.limits.concurrency: is too large; Envoy lets at most 1000000 through at once
    "#]],
    );
}

/// Two models, one with `times`, after a line for the waiting room.
fn waits(room: &str, times: &str) -> String {
    let room = if room.is_empty() { String::new() } else { format!("waiting_room: {{ {room} }}") };
    format!(
        "{room}\nproviders: {{ a: {{ kind: openai, api_key: $K }} }}\nmodels:\n  m: [a/x]\n  n: {{ targets: [a/x]{times} }}\n"
    )
}

#[test]
fn nobody_waits_longer_than_there_is_time() {
    check(
        &waits("max_wait: 0s, max_waiting: 0, max_bytes: 64KiB", ""),
        expect![[r#"
            ok
        "#]],
    );
    check(
        &waits("max_wait: 119s, max_bytes: 1GiB", ""),
        expect![[r#"
            ok
        "#]],
    );
    check(
        &waits("max_wait: 2m", ""),
        expect![[r#"
        1:27: waiting_room.max_wait: a request would wait past the deadline of model m (2m)
    "#]],
    );
    check(
        &waits("max_wait: 2s", ", first_token_timeout: 1s, deadline: 2s"),
        expect![[r#"
        1:27: waiting_room.max_wait: a request would wait past the deadline of model n (2s)
    "#]],
    );
    check(
        &waits("max_wait: 1999ms", ", first_token_timeout: 1s, deadline: 2s"),
        expect![[r#"
            ok
        "#]],
    );
    check(
        &waits("", ", first_token_timeout: 1s, deadline: 1500ms"),
        expect![[r#"
        ok
    "#]],
    );
    check(
        &waits("max_wait: 3m", ", deadline: 10m"),
        expect![[r#"
        1:27: waiting_room.max_wait: a request would wait past the deadline of model m (2m)
    "#]],
    );
}

#[test]
fn the_waiting_room_has_bounds() {
    check(
        &waits("max_bytes: 63KiB", ""),
        expect![[r#"
        1:28: waiting_room.max_bytes: must be between 64KiB and 1GiB
    "#]],
    );
    check(
        &waits("max_bytes: 1025MiB, max_waiting: many", ""),
        expect![[r#"
        1:28: waiting_room.max_bytes: must be between 64KiB and 1GiB
        1:50: waiting_room.max_waiting: expected a whole number, found "many"
    "#]],
    );
    check(
        &waits("max_bytes: lots, max_size: 3", ""),
        expect![[r#"
        1:28: waiting_room.max_bytes: expected a size such as 64KiB or 8MiB, found "lots"
        1:34: waiting_room.max_size: unknown key; known: max_wait, max_waiting, max_bytes
    "#]],
    );
}

#[test]
fn retries_have_a_budget() {
    let budget = |budget: &str| with(&format!("retry_budget: {{ {budget} }}\n"));
    means(&config(&budget("percent: 0, reserve: 0")).retry_budget, expect![[r#"{"percent":0,"reserve":0}"#]]);
    means(
        &config(&budget("percent: 100%, reserve: 100000")).retry_budget,
        expect![[r#"{"percent":100,"reserve":100000}"#]],
    );
    check(
        &budget("percent: 101, reserve: 100001"),
        expect![[r#"
        3:26: retry_budget.percent: must be between 0% and 100%
        3:40: retry_budget.reserve: is too large; at most 100000
    "#]],
    );
    check(
        &budget("percent: -1, reserve: 1.5"),
        expect![[r#"
        3:26: retry_budget.percent: expected a percentage such as 50%, found "-1"
        3:39: retry_budget.reserve: expected a whole number, found "1.5"
    "#]],
    );
    check(
        &budget("reserves: 5"),
        expect![[r#"
        3:17: retry_budget.reserves: unknown key; did you mean reserve?
    "#]],
    );
    check(
        &with("retry_budget: 20%\n"),
        expect![[r#"
        3:15: retry_budget: expected a map with percent and reserve, found "20%"
    "#]],
    );
}

#[test]
fn a_pause_between_attempts_ends_before_the_deadline() {
    check(
        &waits("", ", deadline: 30s, retries: { backoff: 1s..30s }"),
        expect![[r#"
        5:59: models.n.retries.backoff: a pause of 30s leaves no room within the deadline of 30s
    "#]],
    );
    check(
        &waits("", ", retries: { backoff: 2m..3m }"),
        expect![[r#"
        5:44: models.n.retries.backoff: a pause of 3m leaves no room within the deadline of 2m
    "#]],
    );
    check(
        &waits("", ", deadline: 30s, retries: { backoff: 1s..29s }"),
        expect![[r#"
        ok
    "#]],
    );
    // Nobody wrote the pause of 2s.
    check(
        &waits("max_wait: 1s", ", first_token_timeout: 1s, deadline: 2s"),
        expect![[r#"
            ok
        "#]],
    );
}

#[test]
fn a_hedge_needs_somebody_to_hedge_to() {
    let hedged = |targets: &str| waits("", ", hedge_after: 3s").replace("targets: [a/x]", targets);
    check(
        &hedged("targets: [a/x]"),
        expect![[r#"
        5:37: models.n.hedge_after: there is nobody to hedge to: the model has one target and retries.per_target is 0
    "#]],
    );
    check(
        &hedged("targets: [a/x], retries: { per_target: 0 }"),
        expect![[r#"
        5:65: models.n.hedge_after: there is nobody to hedge to: the model has one target and retries.per_target is 0
    "#]],
    );
    check(
        &hedged("targets: [a/x], retries: { per_target: 1 }"),
        expect![[r#"
            ok
        "#]],
    );
    check(
        &hedged("targets: [a/x, a/y]"),
        expect![[r#"
            ok
        "#]],
    );
    // One mistake is one line.
    check(
        &hedged("targets: [a/x, y]"),
        expect![[r#"
        5:23: models.n.targets.1: "y" is no target; write provider/model
    "#]],
    );
}
