use super::super::{BaseUrl, Config, Millis, Store, parse};
use super::{SMALL, check, check_with, with};
use expect_test::expect;
#[cfg(all(test, target_arch = "wasm32"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn config(yaml: &str) -> Config {
    match parse(yaml) {
        Ok((config, _)) => config,
        Err(problems) => panic!("{problems:?}"),
    }
}

fn base_url(url: &str) -> String {
    let yaml = format!("providers: {{ a: {{ kind: openai, api_key: $K, base_url: \"{url}\" }} }}");
    match parse(&yaml) {
        Ok((config, _)) => {
            let BaseUrl { tls, host, port, path } = &config.providers[0].base_url;
            format!("tls={tls} host={host} port={port} path={path}")
        }
        Err(problems) => problems[0].message.clone(),
    }
}

#[test]
fn the_smallest_file_is_filled_with_the_documented_defaults() {
    let config = config(SMALL);
    let text = serde_json::to_string(&(&config.listen, &config.admin, &config.sidecar, &config.store)).unwrap();
    expect![[r#"["127.0.0.1:10000","127.0.0.1:9901",{"listen":{"tcp":"127.0.0.1:10001"},"on_outage":"local","call_deadline":50,"secret":null,"envoys":["127.0.0.1:9901"]},"memory"]"#]]
        .assert_eq(&text);
    expect![[r#"{"name":"claude","kind":"anthropic","base_url":{"tls":true,"host":"api.anthropic.com","port":443,"path":""},"api_key":"ANTHROPIC_API_KEY","credential":"bearer","stream_usage":true,"limits":{"requests_per_minute":null,"tokens_per_minute":null,"concurrency":null,"burst":null,"burst_tokens":null},"model_limits":[],"breaker":{"consecutive_failures":5,"failure_rate":50,"eject_for":30000,"max_cooldown":3600000}}"#]]
        .assert_eq(&serde_json::to_string(&config.providers[1]).unwrap());
    expect![[r#"{"name":"smart","targets":[{"provider":"openai","model":"gpt-5.6","weight":null},{"provider":"claude","model":"claude-sonnet-5-5","weight":null},{"provider":"gemini","model":"gemini-3.8-flash","weight":null}],"first_token_timeout":10000,"answer_timeout":60000,"deadline":120000,"retries":{"per_target":0,"backoff_min":50,"backoff_max":2000},"hedge_after":null,"cache":null,"on_unsupported":"error"}"#]]
        .assert_eq(&serde_json::to_string(&config.models[0]).unwrap());
    let rest = (
        &config.waiting_room,
        &config.retry_budget,
        &config.jobs,
        &config.telemetry,
        config.max_request_bytes,
        config.max_response_bytes,
    );
    expect![[r#"[{"max_wait":2000,"max_waiting":1000,"max_bytes":67108864},{"percent":20,"reserve":100},{"backend":"embedded","url":null},{"otlp":null,"trace_percent":100,"access_log":"stdout"},8388608,16777216]"#]]
        .assert_eq(&serde_json::to_string(&rest).unwrap());
}

#[test]
fn the_spelled_out_example_says_what_it_says() {
    let config = config(include_str!("../../../../envoy/weir.yaml"));
    let model = config.model("smart").unwrap();
    expect![[r#"{"name":"smart","targets":[{"provider":"openai","model":"gpt-5.6","weight":null},{"provider":"claude","model":"claude-sonnet-5-5","weight":null},{"provider":"gemini","model":"gemini-3.8-flash","weight":1}],"first_token_timeout":10000,"answer_timeout":60000,"deadline":120000,"retries":{"per_target":1,"backoff_min":50,"backoff_max":2000},"hedge_after":3000,"cache":{"exact":{"ttl":3600000,"sampled":false},"semantic":{"threshold":0.95,"shadow":false}},"on_unsupported":"error"}"#]]
        .assert_eq(&serde_json::to_string(model).unwrap());
    expect![[r#"{"name":"openai","kind":"open_ai","base_url":{"tls":true,"host":"api.openai.com","port":443,"path":""},"api_key":"OPENAI_API_KEY","credential":"bearer","stream_usage":true,"limits":{"requests_per_minute":60000,"tokens_per_minute":2000000,"concurrency":100,"burst":60000,"burst_tokens":2000000},"model_limits":[{"model":"gpt-5.6","limits":{"requests_per_minute":30000,"tokens_per_minute":1000000,"concurrency":50,"burst":null,"burst_tokens":null}}],"breaker":{"consecutive_failures":5,"failure_rate":50,"eject_for":30000,"max_cooldown":3600000}}"#]]
        .assert_eq(&serde_json::to_string(&config.providers[0]).unwrap());
    expect![[r#"{"name":"team-a","keys":[{"sha256":"554a0d05033791f46fede07b724fa246c95235f60a9fb74caad37d1408b4df58","expires":null},{"sha256":"582b1a1e90a72187bb326aadf5598d7d932d00e8ccc8a0c52812df0e33782bb1","expires":1801396800000}],"models":["smart","openai/gpt-5.6"],"limits":{"requests_per_minute":600,"tokens_per_minute":200000,"concurrency":null,"burst":null,"burst_tokens":null},"model_limits":[{"model":"openai/gpt-5.6","limits":{"requests_per_minute":60,"tokens_per_minute":null,"concurrency":null,"burst":null,"burst_tokens":null}}],"model_targets":[],"budget":{"microusd":50000000,"per":"day"},"trace_prompts":false}"#]]
        .assert_eq(&serde_json::to_string(&config.tenants[0]).unwrap());
}

#[test]
fn a_redis_is_alone_or_behind_sentinels_or_a_cluster() {
    for url in [
        "redis://host:6379",
        "rediss://user:p%40ss@host/3?ca=/etc/ca.pem",
        "redis-sentinel://a:26379,b/mymaster",
        "redis-cluster://a:7000,b:7001,c:7002?tls=true&prefix=blue",
    ] {
        let config = config(&with(&format!("store: {url}\n")));
        assert_eq!(config.store, Store::Redis(url.to_owned()));
    }
}

#[test]
fn a_configuration_survives_the_way_to_the_filter() {
    let config = config(include_str!("../../../../envoy/weir.yaml"));
    let text = serde_json::to_string(&config).unwrap();
    assert_eq!(serde_json::from_str::<Config>(&text).unwrap(), config);
}

#[test]
fn the_answer_timeout_follows_the_first_token_timeout_and_the_deadline() {
    let answer = |times: &str| {
        let yaml = with("").replace("[a/x]", &format!("{{ targets: [a/x], {times} }}"));
        config(&yaml).models[0].answer_timeout
    };
    assert_eq!(answer("first_token_timeout: 1s"), Millis(6_000));
    assert_eq!(answer("first_token_timeout: 10s, deadline: 30s"), Millis(15_000));
    assert_eq!(answer("first_token_timeout: 10s, deadline: 11s"), Millis(10_000));
    assert_eq!(answer("answer_timeout: 7s"), Millis(7_000));
}

#[test]
fn base_urls() {
    expect!["tls=false host=localhost port=11434 path="].assert_eq(&base_url("http://localhost:11434"));
    expect!["tls=true host=x.openai.azure.com port=443 path=/openai"]
        .assert_eq(&base_url("https://X.openai.azure.com/openai/"));
    expect!["tls=false host=::1 port=80 path="].assert_eq(&base_url("http://[::1]"));
    expect!["tls=false host=10.0.0.1 port=8000 path="].assert_eq(&base_url("http://10.0.0.1:8000/v1/"));
    expect!["must start with http:// or https://"].assert_eq(&base_url("api.openai.com"));
    expect!["must not carry a user name or password; the credential belongs into api_key"]
        .assert_eq(&base_url("https://me:secret@host"));
    expect!["must not carry a query or a fragment"].assert_eq(&base_url("https://host/?key=1"));
    expect![[r#""" is no host name"#]].assert_eq(&base_url("https://"));
    expect![[r#""70000" is no port"#]].assert_eq(&base_url("https://host:70000"));
    expect!["must not walk up its own path"].assert_eq(&base_url("https://host/a/../b"));
}

#[test]
fn model_ids_may_hold_slashes_and_colons() {
    let yaml = with("").replace("a/x", "a/meta/llama-4:70b, {target: a/b:c, weight: 3}");
    let targets: Vec<_> =
        config(&yaml).models[0].targets.iter().map(|t| format!("{} {} {:?}", t.provider, t.model, t.weight)).collect();
    assert_eq!(targets, ["a meta/llama-4:70b None", "a b:c Some(3)"]);
}

#[test]
fn an_open_gateway_on_all_addresses_must_be_meant() {
    check_with("listen: 0.0.0.0:10000\nauth: none\n", expect!["ok\n"]);
}

#[test]
fn both_ways_to_write_a_variable() {
    check("providers: { a: { kind: openai, api_key: \"${MY_KEY}\" } }", expect!["ok\n"]);
    check("providers: { a: { kind: openai, api_key: $MY_KEY } }", expect!["ok\n"]);
}
