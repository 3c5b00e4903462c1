use super::super::{Millis, parse, units};
use super::{check, check_with, with};
use expect_test::expect;
#[cfg(all(test, target_arch = "wasm32"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[test]
fn every_problem_is_told_at_once_in_the_order_of_the_file() {
    check(
        r#"listen: 0.0.0.0:10000
admin: localhost
max_request_bytes: 1KiB
provders: {}
providers:
  openai: { kind: opena, limits: { burst: 3, requests_per_minute: 0 }, breaker: { consecutive_failures: many } }
  Claude: { kind: anthropic, base_url: "ftp://x" }
  openai: { kind: gemini }
models:
  smart: [opnai/x, 3, claude]
  fast: { targets: [], deadline: 5s, retries: { per_target: 9, backoff: 3s..2s }, cache: { semantic: { threshold: 2 } } }
"#,
        expect![[r#"
            1:9: listen: others can reach this address and no tenants are written; add tenants, or say auth: none if it is meant to be open
            2:8: admin: expected an IP address with a port, such as 127.0.0.1:10000 or 0.0.0.0:10000, found "localhost"
            3:20: max_request_bytes: must be between 64KiB and 256MiB
            4:1: provders: unknown key; did you mean providers?
            6:19: providers.openai.kind: unknown kind "opena"; known: openai, anthropic, gemini
            6:67: providers.openai.limits.requests_per_minute: must be at least 1
            6:105: providers.openai.breaker.consecutive_failures: expected a whole number, found "many"
            7:3: providers.Claude: a provider's name is a-z, 0-9, - and _, and starts with a letter or a digit
            7:40: providers.Claude.base_url: must start with http:// or https://
            8:3: providers.openai: written twice; first in line 6
            10:11: models.smart.0: unknown provider "opnai"; did you mean openai?
            10:20: models.smart.1: "3" is no target; write provider/model
            10:23: models.smart.2: "claude" is no target; write provider/model
            11:20: models.fast.targets: must name at least one target
            11:34: models.fast.deadline: a deadline of 5s leaves no room for a first_token_timeout of 10s
            11:61: models.fast.retries.per_target: is more than 5; the next target is the better retry
            11:73: models.fast.retries.backoff: runs backwards: 3s is longer than 2s
            11:115: models.fast.cache.semantic.threshold: must lie between 0 and 1
        "#]],
    );
}

#[test]
fn yaml_that_is_none_is_one_problem() {
    check(
        "providers: [a, b",
        expect![[r#"
        2:1: not YAML: while parsing a flow sequence, expected ',' or ']'
    "#]],
    );
    check(
        "providers:\n\t- a",
        expect![[r#"
        2:2: not YAML: tabs disallowed within this context (block indentation)
    "#]],
    );
    check(
        "",
        expect![[r#"
        1:1: the file is empty; at least providers must be written
    "#]],
    );
    check(
        "- a\n- b\n",
        expect![[r#"
        1:1: expected a map with providers, models, …, found a list
    "#]],
    );
    check(
        "a: 1\n---\nb: 2\n",
        expect![[r#"
        3:1: a second YAML document; one file is one document
    "#]],
    );
}

#[test]
fn yaml_that_could_explode_is_refused() {
    check(
        "a: &a [1, 2]\nb: [*a, *a]\n",
        expect![[r#"
        2:5: YAML aliases are not supported; write the value out
    "#]],
    );
    check(
        &format!("a: {}", "[".repeat(10_000)),
        expect![[r#"
        1:259: not YAML: recursion limit exceeded
    "#]],
    );
    check(
        &"a: {".repeat(10_000),
        expect![[r#"
        1:128: nested more than 32 levels deep
    "#]],
    );
    check(
        &"- ".repeat(10_000),
        expect![[r#"
        1:65: nested more than 32 levels deep
    "#]],
    );
    check(
        "providers: !!map { a: 1 }",
        expect![[r#"
        1:12: YAML tags are not supported
    "#]],
    );
    check(
        &format!("a: {}", "x".repeat(5 << 20)),
        expect![[r#"
        1:1: the file is larger than 4 MiB
    "#]],
    );
}

#[test]
fn a_secret_is_never_repeated() {
    let yaml = r#"
store: redis-sentinel://:hunter2@host
providers:
  a: { kind: openai, api_key: sk-hunter2 }
  b: { kind: openai, api_key: $sk-hunter2 }
  c: { kind: openai, api_key: [sk-hunter2] }
  d: { kind: openai, base_url: "https://u:hunter2@host" }
tenants:
  t: { key_sha256: sk-hunter2, keys: [sk-hunter2, { sha256: sk-hunter2 }] }
  u: { keys: sk-hunter2 }
sidecar: { secret: hunter2 }
jobs: { backend: rabbitmq, url: "http://u:hunter2@host" }
telemetry: { otlp: "u:hunter2@host" }
"#;
    let problems = parse(yaml).unwrap_err();
    assert_eq!(problems.len(), 12, "{problems:#?}");
    for problem in problems {
        assert!(!problem.to_string().contains("hunter2"), "{problem}");
    }
}

#[test]
fn a_store_is_memory_or_a_redis() {
    check_with(
        "store: postgres://host\n",
        expect![[r#"
            3:8: store: must be memory, the URL of a Redis, or $NAME of a variable that holds one: the scheme is redis, rediss, redis-sentinel or redis-cluster
        "#]],
    );
    check_with(
        "store: redis-sentinel://host:26379\n",
        expect![[r#"
            3:8: store: must be memory, the URL of a Redis, or $NAME of a variable that holds one: redis-sentinel:// names the master: …/mymaster
        "#]],
    );
}

#[test]
fn who_may_call_must_be_clear() {
    check_with(
        "listen: 0.0.0.0:10000\n",
        expect![[r#"
        3:9: listen: others can reach this address and no tenants are written; add tenants, or say auth: none if it is meant to be open
    "#]],
    );
    check_with(
        &format!("auth: none\ntenants: {{ t: {{ key_sha256: {} }} }}\n", "a".repeat(64)),
        expect![[r#"
        3:7: auth: none contradicts tenants: either callers have keys, or they need none
    "#]],
    );
    check_with(
        "auth: some\n",
        expect![[r#"
        3:7: auth: unknown auth "some"; known: none
    "#]],
    );
    check_with(
        "tenants:\n",
        expect![[r#"
        3:1: tenants: has no value; write one or leave the key out
    "#]],
    );
    check_with(
        "tenants: {}\n",
        expect![[r#"
        3:10: tenants: holds no tenant
    "#]],
    );
}

#[test]
fn a_tenant_is_told_by_its_own_key_and_may_use_what_exists() {
    let (a, b) = ("a".repeat(64), "A".repeat(64));
    check_with(
        &format!("tenants: {{ t: {{ key_sha256: {a} }}, u: {{ key_sha256: {b} }} }}\n"),
        expect![[r#"
            3:114: tenants.u.key_sha256: is also a key of t; a key is written once, and tells who is calling
        "#]],
    );
    check_with(
        &format!("tenants: {{ t: {{ key_sha256: {a}, models: [n, b/x, a/x, m] }} }}\n"),
        expect![[r#"
        3:104: tenants.t.models.0: unknown model "n"; known: m
        3:107: tenants.t.models.1: unknown provider "b"; known: a
    "#]],
    );
    check_with(
        &format!("tenants: {{ t: {{ key_sha256: {a}, models: [], budget: {{ usd: 0 }} }} }}\n"),
        expect![[r#"
        3:103: tenants.t.models: allows nothing; leave the key out to allow every model
        3:115: tenants.t.budget.per: is missing
        3:122: tenants.t.budget.usd: must be above 0
    "#]],
    );
    check_with(
        "tenants: { \"t t\": { key_sha256: \"…\" } }\n",
        expect![[r#"
        3:12: tenants.t t: a tenant's name is letters, digits and . _ -
        3:33: tenants.t t.key_sha256: must be the SHA-256 of the tenant's key in 64 hex digits: printf %s KEY | sha256sum
    "#]],
    );
}

#[test]
fn listeners_do_not_share_an_address() {
    check_with(
        "admin: 127.0.0.1:10000\n",
        expect![[r#"
        3:8: admin: admin and listen cannot both have this address
    "#]],
    );
    check_with(
        "auth: none\nlisten: 0.0.0.0:7000\nsidecar: { listen: 127.0.0.1:7000 }\n",
        expect![[r#"
        5:20: sidecar.listen: sidecar.listen and listen cannot both have this address
    "#]],
    );
    check_with(
        "listen: 127.0.0.1:10001\n",
        expect![[r#"
        3:9: listen: listen and sidecar.listen cannot both have this address
    "#]],
    );
    check_with(
        "listen: 127.0.0.1:0\n",
        expect![[r#"
        3:9: listen: port 0 is no address that a client could be pointed at
    "#]],
    );
}

#[test]
fn names_become_clusters_and_labels() {
    let provider = |name: &str| format!("providers: {{ {name}: {{ kind: openai, api_key: $K }} }}");
    check(
        &provider("sidecar"),
        expect![[r#"
        1:14: providers.sidecar: is reserved: Weir names clusters of its own so
    "#]],
    );
    check(
        &provider("chains"),
        expect![[r#"
        1:14: providers.chains: is reserved: Weir names clusters of its own so
    "#]],
    );
    check(
        &provider("\"\""),
        expect![[r#"
        1:14: providers.: a name must not be empty
    "#]],
    );
    check(
        &provider("-a"),
        expect![[r#"
        1:14: providers.-a: a provider's name is a-z, 0-9, - and _, and starts with a letter or a digit
    "#]],
    );
    check(
        &provider("OpenAI"),
        expect![[r#"
        1:14: providers.OpenAI: a provider's name is a-z, 0-9, - and _, and starts with a letter or a digit
    "#]],
    );
    check(
        &with("").replace("m:", "m/n:"),
        expect![[r#"
        2:11: models.m/n: a model's name is letters, digits and . _ : - (provider/model addresses a target directly)
    "#]],
    );
    check(
        &with("").replace("m:", &format!("{}:", "m".repeat(65))),
        expect![[r#"
        2:11: models.mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm: a name is at most 64 characters long
    "#]],
    );
}

#[test]
fn targets_exist() {
    let targets = |targets: &str| with("").replace("[a/x]", targets);
    check(
        &targets("[]"),
        expect![[r#"
        2:14: models.m: must name at least one target
    "#]],
    );
    check(
        &targets("{}"),
        expect![[r#"
        2:14: models.m.targets: is missing
    "#]],
    );
    check(
        &targets("a/x"),
        expect![[r#"
        2:14: models.m: expected a list of targets, or a map with targets, found "a/x"
    "#]],
    );
    check(
        &targets("[b/x]"),
        expect![[r#"
        2:15: models.m.0: unknown provider "b"; known: a
    "#]],
    );
    check(
        &targets("[a/, /x, a/../x, \"a/x y\"]"),
        expect![[r#"
        2:15: models.m.0: "a/" is no target; write provider/model
        2:19: models.m.1: "/x" is no target; write provider/model
        2:23: models.m.2: "a/../x" is no target; write provider/model
        2:31: models.m.3: "a/x y" is no target; write provider/model
    "#]],
    );
    check(
        &targets("[{ target: a/x, wieght: 2 }, { target: a/x, weight: 0 }, [a/x]]"),
        expect![[r#"
        2:30: models.m.0.wieght: unknown key; did you mean weight?
        2:66: models.m.1.weight: must be at least 1
        2:71: models.m.2: expected a target such as openai/gpt-5.6, or { target: …, weight: N }, found a list
    "#]],
    );
    check(
        "providers: {}",
        expect![[r#"
        1:12: providers: holds no provider
    "#]],
    );
    check(
        "models: { m: [a/x] }",
        expect![[r#"
        1:1: providers: is missing
    "#]],
    );
}

#[test]
fn what_only_servers_of_openais_kind_differ_in_is_theirs() {
    check(
        "providers: { a: { kind: gemini, api_key: $K, credential: bearer, stream_usage: false } }",
        expect![[r#"
            1:58: providers.a.credential: is for providers of kind openai; the others leave no choice
            1:80: providers.a.stream_usage: is for providers of kind openai; the others leave no choice
        "#]],
    );
    check(
        "providers: { a: { kind: openai, api_key: $K, credential: x-key } }",
        expect![[r#"
            1:58: providers.a.credential: unknown header "x-key"; known: bearer, api-key
        "#]],
    );
    check(
        "providers: { a: { kind: openai, api_key: $K, base_url: \"https://x.openai.azure.com/openai/deployments/d\" } }",
        expect![[r#"
            1:56: providers.a.base_url: is of an Azure API that names the model in the path; write https://….openai.azure.com/openai/v1
        "#]],
    );
}

#[test]
fn what_becomes_of_a_parameter_without_a_place_is_one_of_two() {
    check(
        &with("").replace("[a/x]", "{ targets: [a/x], on_unsupported: ignore }"),
        expect![[r#"
            2:48: models.m.on_unsupported: unknown behaviour "ignore"; known: error, drop
        "#]],
    );
}

#[test]
fn times_fit_each_other() {
    let model = |times: &str| with("").replace("[a/x]", &format!("{{ targets: [a/x], {times} }}"));
    check(
        &model("first_token_timeout: 2m"),
        expect![[r#"
        2:53: models.m.first_token_timeout: a deadline of 2m leaves no room for a first_token_timeout of 2m
    "#]],
    );
    check(
        &model("deadline: 10s"),
        expect![[r#"
        2:42: models.m.deadline: a deadline of 10s leaves no room for a first_token_timeout of 10s
    "#]],
    );
    check(
        &model("deadline: 20s, answer_timeout: 21s"),
        expect![[r#"
        2:63: models.m.answer_timeout: is over the deadline of 20s
    "#]],
    );
    check(
        &model("retries: { per_target: 1 }, hedge_after: 10s"),
        expect![[r#"
            2:73: models.m.hedge_after: comes too late to be of use: the first_token_timeout is 10s
        "#]],
    );
    check(
        &model("first_token_timeout: 0s, deadline: 10, answer_timeout: soon"),
        expect![[r#"
        2:53: models.m.first_token_timeout: must be longer than nothing
        2:67: models.m.deadline: expected a duration such as 500ms, 10s or 1m30s, found "10"
        2:87: models.m.answer_timeout: expected a duration such as 500ms, 10s or 1m30s, found "soon"
    "#]],
    );
    check(
        &model("retries: { per_target: 6, backoff: 0ms..1s }"),
        expect![[r#"
        2:55: models.m.retries.per_target: is more than 5; the next target is the better retry
        2:67: models.m.retries.backoff: must start above nothing
    "#]],
    );
    check(
        &model("retries: { per_target: -1, backoff: 1s }"),
        expect![[r#"
        2:55: models.m.retries.per_target: expected a whole number, found "-1"
        2:68: models.m.retries.backoff: expected a range of durations such as 50ms..2s, found "1s"
    "#]],
    );
}

#[test]
fn job_backends_have_the_address_they_need() {
    check_with(
        "jobs: { backend: kafka }\n",
        expect![[r#"
        3:7: jobs: this backend needs a url (kafka://…)
    "#]],
    );
    check_with(
        "jobs: { backend: rabbitmq, url: \"redis://x\" }\n",
        expect![[r#"
        3:33: jobs.url: must start with amqp:// or amqps://
    "#]],
    );
    check_with(
        "jobs: { backend: embedded, url: \"redis://x\" }\n",
        expect![[r#"
        3:33: jobs.url: the embedded backend has no url
    "#]],
    );
    check_with(
        "jobs: { backend: sqs }\n",
        expect![[r#"
        3:18: jobs.backend: unknown backend "sqs"; known: embedded, redis, rabbitmq, kafka
    "#]],
    );
}

#[test]
fn limits_and_sizes_have_bounds() {
    check_with(
        "max_request_bytes: 257MiB\nmax_response_bytes: 8 parsecs\n",
        expect![[r#"
        3:20: max_request_bytes: must be between 64KiB and 256MiB
        4:21: max_response_bytes: expected a size such as 64KiB or 8MiB, found "8 parsecs"
    "#]],
    );
    check_with(
        "waiting_room: { max_wait: 2, max_waiting: 5000000000 }\n",
        expect![[r#"
        3:27: waiting_room.max_wait: expected a duration such as 500ms, 10s or 1m30s, found "2"
        3:43: waiting_room.max_waiting: is too large; at most 4294967295
    "#]],
    );
    check_with(
        "telemetry: { access_log: syslog }\n",
        expect![[r#"
        3:26: telemetry.access_log: "syslog" is neither stdout, stderr, off nor a path (./weir.log)
    "#]],
    );
    let limits = |limits: &str| with("").replace("api_key: $K", &format!("api_key: $K, limits: {{ {limits} }}"));
    check(
        &limits("requests_per_minute: 10, burst: 11"),
        expect![[r#"
        1:88: providers.a.limits.burst: is over its limit of 10 requests per minute
    "#]],
    );
    check(
        &limits("burst: 11"),
        expect![[r#"
        1:63: providers.a.limits.burst: means nothing without requests_per_minute
    "#]],
    );
    check(
        &limits("concurrency: 0, tokens_per_minute: 1.5, requests_per_minute: \"10\""),
        expect![[r#"
        1:69: providers.a.limits.concurrency: must be at least 1
        1:91: providers.a.limits.tokens_per_minute: expected a whole number, found "1.5"
        1:117: providers.a.limits.requests_per_minute: expected a whole number, found "10"
    "#]],
    );
}

#[test]
fn durations_sizes_and_ranges() {
    assert_eq!(units::duration("1m30s"), Some(Millis(90_000)));
    assert_eq!(units::duration("250ms"), Some(Millis(250)));
    assert_eq!(units::duration("1d"), Some(Millis(86_400_000)));
    for wrong in ["", "10", "s", "1.5s", "-1s", "1 s", "10 ", "1s2", "99999999999999999999s", "9999d", "1ſ"] {
        assert_eq!(units::duration(wrong), None, "{wrong}");
    }
    assert_eq!(units::range("50ms..2s"), Some((Millis(50), Millis(2_000))));
    assert_eq!(units::range("50ms-2s"), None);
    assert_eq!(units::size("8MiB"), Some(8 << 20));
    assert_eq!(units::size("1000"), Some(1_000));
    assert_eq!(units::size("99999999999GiB"), None);
    assert_eq!(units::percent("50%"), Some(50));
    assert_eq!(units::percent("50"), Some(50));
    for wrong in ["", "%", "50 %", "50%%", "-1%", "0.5%", "50 per cent"] {
        assert_eq!(units::percent(wrong), None, "{wrong}");
    }
    assert_eq!(units::show_size(64 << 20), "64MiB");
    assert_eq!(units::show_size(1 << 30), "1GiB");
    assert_eq!(units::show_size(1_000), "1000B");
    assert_eq!(units::show(Millis(90_061_001)), "1d1h1m1s1ms");
    assert_eq!(units::show(Millis(0)), "0s");
}
