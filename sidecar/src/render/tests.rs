use super::{Inputs, bootstrap};
use expect_test::{Expect, expect, expect_file};
use serde_json::Value;
use std::path::Path;
use weir_core::config::{Config, parse};

const EXAMPLE: &str = include_str!("../../../envoy/weir.yaml");
const LOCAL: &str = r#"
providers:
  a: { kind: openai, base_url: "http://127.0.0.1:8000" }
  b: { kind: gemini, api_key: $B, base_url: "http://localhost:8001", breaker: { consecutive_failures: 2, eject_for: 1500ms } }
  c: { kind: openai, api_key: $A, base_url: "https://[2001:db8::1]" }
models:
  m: { targets: [a/x, b/y], deadline: 10m, retries: { per_target: 1, backoff: 20ms..500ms } }
"#;

fn config(yaml: &str) -> Config {
    parse(yaml).expect("a right configuration").0
}

fn inputs(config: &Config) -> Inputs<'_> {
    Inputs {
        config,
        filter: Path::new("/etc/weir/weir_filter.wasm"),
        ca_file: Some(Path::new("/etc/ssl/certs/ca-certificates.crt")),
    }
}

fn render(yaml: &str) -> Value {
    bootstrap(inputs(&config(yaml))).value()
}

fn manager(bootstrap: &Value) -> &Value {
    &bootstrap["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
}

fn cluster<'a>(bootstrap: &'a Value, name: &str) -> &'a Value {
    let clusters = bootstrap["static_resources"]["clusters"].as_array().expect("clusters");
    clusters.iter().find(|cluster| cluster["name"] == name).unwrap_or_else(|| panic!("no cluster {name}"))
}

/// Every value under the key `key`, anywhere.
fn all<'a>(value: &'a Value, key: &str, found: &mut Vec<&'a Value>) {
    match value {
        Value::Object(map) => map.iter().for_each(|(name, value)| {
            if name == key {
                found.push(value);
            }
            all(value, key, found);
        }),
        Value::Array(items) => items.iter().for_each(|item| all(item, key, found)),
        _ => {}
    }
}

fn check(value: &Value, expected: Expect) {
    expected.assert_eq(&value.to_string());
}

/// Blessed by `UPDATE_EXPECT=1`, and read in review.
#[test]
fn the_reference_is_what_render_writes() {
    let text = bootstrap(inputs(&config(EXAMPLE))).to_yaml();
    expect_file!["../../../envoy/reference.yaml"].assert_eq(&text);
}

#[test]
fn both_roles_share_one_vm() {
    let bootstrap = render(EXAMPLE);
    let mut vms = Vec::new();
    all(&bootstrap, "vm_config", &mut vms);
    assert!(vms.len() > 2);
    assert!(vms.iter().all(|vm| *vm == vms[0]));
    check(
        vms[0],
        expect![[
            r#"{"code":{"local":{"filename":"/etc/weir/weir_filter.wasm"}},"environment_variables":{"host_env_keys":["ANTHROPIC_API_KEY","GEMINI_API_KEY","OPENAI_API_KEY","WEIR_SIDECAR_SECRET"]},"runtime":"envoy.wasm.runtime.v8","vm_id":"weir"}"#
        ]],
    );
}

#[test]
fn the_front_role_gets_the_configuration_and_each_attempt_role_its_role() {
    let bootstrap = render(EXAMPLE);
    let front = &manager(&bootstrap)["http_filters"][0]["typed_config"]["config"];
    let text = front["configuration"]["value"].as_str().expect("text");
    let plugin: Value = serde_json::from_str(text).expect("JSON");
    assert_eq!(plugin["role"], "front");
    assert_eq!(serde_json::from_value::<Config>(plugin["config"].clone()).expect("a Config").models.len(), 1);
    let chain = cluster(&bootstrap, "chain:openai+openai+claude+claude+gemini+gemini");
    let options = &chain["typed_extension_protocol_options"][super::upstream::PROTOCOL_OPTIONS];
    let attempt = &options["http_filters"][0]["typed_config"]["config"];
    assert_eq!(
        (&attempt["root_id"], &attempt["configuration"]["value"]),
        (&"attempt".into(), &r#"{"role":"attempt"}"#.into())
    );
    assert_eq!(options["http_filters"][1]["name"], "envoy.filters.http.upstream_codec");
    for plugin in [front, attempt] {
        assert_eq!(plugin["failure_policy"], "FAIL_RELOAD");
        assert_eq!(plugin["allow_on_headers_stop_iteration"], true);
    }
}

#[test]
fn urls_that_may_hold_a_password_stay_out_of_the_plugin() {
    let secret = "store: redis://:hunter2@host\njobs: { backend: rabbitmq, url: \"amqp://u:hunter2@host\" }\n";
    let text = render(&format!("{LOCAL}{secret}")).to_string();
    assert!(!text.contains("hunter2"));
    assert!(text.contains("redis://"));
}

#[test]
fn every_chain_is_a_composite_of_clusters_that_exist() {
    let config = config(EXAMPLE);
    let bootstrap = bootstrap(inputs(&config)).value();
    for chain in weir_core::chain::all(&config) {
        let cluster = cluster(&bootstrap, &chain.cluster());
        let members = cluster["cluster_type"]["typed_config"]["clusters"].as_array().expect("members");
        let members: Vec<_> = members.iter().filter_map(|member| member["name"].as_str()).collect();
        assert_eq!(members, chain.0);
        members.iter().for_each(|member| assert!(config.provider(member).is_some()));
    }
}

#[test]
fn the_breakers_of_envoy_stand_well_above_the_slots_and_never_end_failover() {
    let bootstrap = render(EXAMPLE);
    for cluster in bootstrap["static_resources"]["clusters"].as_array().expect("clusters") {
        let limits = &cluster["circuit_breakers"]["thresholds"][0];
        // openai has 100 slots.
        let most = if cluster["name"] == "openai" { 1_000 } else { 1_000_000 };
        for limit in ["max_connections", "max_pending_requests", "max_requests"] {
            assert_eq!(limits[limit], most, "{limit} of {}", cluster["name"]);
        }
        assert_eq!(limits["max_retries"], 1_000_000, "{}", cluster["name"]);
    }
}

#[test]
fn the_labels_of_a_stat_are_taken_out_of_its_name() {
    let tags = render(LOCAL)["stats_config"]["stats_tags"].clone();
    check(&tags[0], expect![[r#"{"regex":"(;provider=([^;]*);)","tag_name":"provider"}"#]]);
}

#[test]
fn the_route_leaves_everything_to_the_filter() {
    let bootstrap = render(LOCAL);
    let hosts = &manager(&bootstrap)["route_config"]["virtual_hosts"][0];
    check(
        &hosts["routes"],
        expect![[
            r#"[{"match":{"headers":[{"name":"x-weir-backoff","string_match":{"exact":"20-500"}}],"prefix":"/"},"request_body_buffer_limit":17825792,"route":{"cluster_header":"x-weir-chain","retry_policy":{"num_retries":0,"rate_limited_retry_back_off":{"max_interval":"600s","reset_headers":[{"format":"SECONDS","name":"x-weir-retry-after"}]},"retriable_status_codes":[421,502],"retry_back_off":{"base_interval":"0.020s","max_interval":"0.500s"},"retry_on":"retriable-status-codes,reset,connect-failure,refused-stream"},"timeout":"600s"}},{"match":{"prefix":"/"},"request_body_buffer_limit":17825792,"route":{"cluster_header":"x-weir-chain","retry_policy":{"num_retries":0,"rate_limited_retry_back_off":{"max_interval":"600s","reset_headers":[{"format":"SECONDS","name":"x-weir-retry-after"}]},"retriable_status_codes":[421,502],"retry_back_off":{"base_interval":"0.050s","max_interval":"2s"},"retry_on":"retriable-status-codes,reset,connect-failure,refused-stream"},"timeout":"600s"}}]"#
        ]],
    );
}

#[test]
fn a_stream_may_be_silent_as_long_as_its_deadline_allows() {
    check(&manager(&render(LOCAL))["stream_idle_timeout"], expect![[r#""610s""#]]);
    check(&manager(&render(EXAMPLE))["stream_idle_timeout"], expect![[r#""300s""#]]);
}

#[test]
fn envoy_holds_what_the_filter_allows() {
    let limit =
        |yaml: &str| render(yaml)["static_resources"]["listeners"][0]["per_connection_buffer_limit_bytes"].clone();
    check(&limit(LOCAL), expect![["17825792"]]);
    check(&limit(&format!("{LOCAL}max_request_bytes: 32MiB\n")), expect![["34603008"]]);
}

#[test]
fn a_provider_by_name_is_resolved_and_by_number_is_not() {
    let bootstrap = render(LOCAL);
    check(&cluster(&bootstrap, "a")["type"], expect![[r#""STATIC""#]]);
    check(&cluster(&bootstrap, "b")["cluster_type"]["name"], expect![[r#""envoy.clusters.dns""#]]);
    check(
        &cluster(&bootstrap, "b")["load_assignment"],
        expect![[
            r#"{"cluster_name":"b","endpoints":[{"lb_endpoints":[{"endpoint":{"address":{"socket_address":{"address":"localhost","port_value":8001}}},"metadata":{"filter_metadata":{"weir":{"provider":"b"}}}}]}]}"#
        ]],
    );
}

#[test]
fn the_breaker_counts_failures_in_a_row_and_ejects_for_as_long_as_it_says() {
    check(
        &cluster(&render(LOCAL), "b")["outlier_detection"],
        expect![[
            r#"{"base_ejection_time":"1.500s","consecutive_5xx":2,"consecutive_local_origin_failure":2,"enforcing_consecutive_5xx":100,"enforcing_consecutive_local_origin_failure":100,"enforcing_failure_percentage":100,"enforcing_failure_percentage_local_origin":0,"enforcing_local_origin_success_rate":0,"enforcing_success_rate":0,"failure_percentage_minimum_hosts":1,"failure_percentage_request_volume":20,"failure_percentage_threshold":50,"interval":"0.375s","max_ejection_percent":100,"max_ejection_time":"1.500s","split_external_local_origin_errors":true}"#
        ]],
    );
}

#[test]
fn a_failure_rate_of_100_leaves_failures_in_a_row() {
    let detection =
        cluster(&render(&LOCAL.replace("failures: 2", "failures: 2, failure_rate: 100%")), "b")["outlier_detection"]
            .clone();
    check(
        &detection,
        expect![[
            r#"{"base_ejection_time":"1.500s","consecutive_5xx":2,"consecutive_local_origin_failure":2,"enforcing_consecutive_5xx":100,"enforcing_consecutive_local_origin_failure":100,"enforcing_failure_percentage":0,"enforcing_failure_percentage_local_origin":0,"enforcing_local_origin_success_rate":0,"enforcing_success_rate":0,"interval":"0.375s","max_ejection_percent":100,"max_ejection_time":"1.500s","split_external_local_origin_errors":true}"#
        ]],
    );
}

#[test]
fn tls_checks_the_name_it_asked_for() {
    check(
        &cluster(&render(EXAMPLE), "claude")["transport_socket"],
        expect![[
            r#"{"name":"envoy.transport_sockets.tls","typed_config":{"@type":"type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext","common_tls_context":{"tls_params":{"tls_minimum_protocol_version":"TLSv1_2"},"validation_context":{"match_typed_subject_alt_names":[{"matcher":{"exact":"api.anthropic.com"},"san_type":"DNS"}],"trusted_ca":{"filename":"/etc/ssl/certs/ca-certificates.crt"}}},"sni":"api.anthropic.com"}}"#
        ]],
    );
    check(
        &cluster(&render(LOCAL), "c")["transport_socket"],
        expect![[
            r#"{"name":"envoy.transport_sockets.tls","typed_config":{"@type":"type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext","common_tls_context":{"tls_params":{"tls_minimum_protocol_version":"TLSv1_2"},"validation_context":{"match_typed_subject_alt_names":[{"matcher":{"exact":"2001:db8::1"},"san_type":"IP_ADDRESS"}],"trusted_ca":{"filename":"/etc/ssl/certs/ca-certificates.crt"}}}}}"#
        ]],
    );
    check(&cluster(&render(LOCAL), "a")["transport_socket"], expect!["null"]);
}

#[test]
fn the_access_log_goes_where_the_file_says_and_holds_no_query() {
    let log = |target: &str| {
        let bootstrap = render(&format!("{LOCAL}telemetry: {{ access_log: {target} }}\n"));
        manager(&bootstrap)["access_log"].clone()
    };
    check(&log("off"), expect!["[]"]);
    check(&log("stderr")[0]["name"], expect![[r#""envoy.access_loggers.stderr""#]]);
    check(&log("/var/log/weir.json")[0]["typed_config"]["path"], expect![[r#""/var/log/weir.json""#]]);
    check(
        &log("stdout")[0]["typed_config"]["log_format"],
        expect![[
            r#"{"omit_empty_values":true,"text_format_source":{"inline_string":"{\"time\":\"%START_TIME%\",\"protocol\":\"%PROTOCOL%\",\"client\":\"%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%\",\"status\":%RESPONSE_CODE%,\"flags\":\"%RESPONSE_FLAGS%\",\"details\":\"%RESPONSE_CODE_DETAILS%\",\"chain\":\"%UPSTREAM_CLUSTER%\",\"attempts\":%UPSTREAM_REQUEST_ATTEMPT_COUNT%,\"bytes_in\":%BYTES_RECEIVED%,\"bytes_out\":%BYTES_SENT%,\"duration_ms\":%DURATION%%FILTER_STATE(wasm.weir.log:PLAIN)%}\n"}}"#
        ]],
    );
}

#[test]
fn a_sidecar_that_listens_everywhere_is_called_at_home() {
    let bootstrap = render(&format!("{LOCAL}sidecar: {{ listen: \"0.0.0.0:7001\", secret: $SHARED }}\n"));
    let endpoint = &cluster(&bootstrap, "sidecar")["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"];
    check(endpoint, expect![[r#"{"address":{"socket_address":{"address":"127.0.0.1","port_value":7001}}}"#]]);
}

#[test]
fn a_sidecar_on_a_socket_is_called_there() {
    let bootstrap = render(&format!("{LOCAL}sidecar: {{ listen: \"unix:/run/weir/sidecar.sock\" }}\n"));
    let endpoint = &cluster(&bootstrap, "sidecar")["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"];
    check(endpoint, expect![[r#"{"address":{"pipe":{"path":"/run/weir/sidecar.sock"}}}"#]]);
}

#[test]
fn the_sidecar_is_never_left_alone_and_has_no_silent_ceiling() {
    let bootstrap = render(LOCAL);
    let sidecar = cluster(&bootstrap, "sidecar");
    assert!(sidecar["outlier_detection"].is_null());
    check(
        &sidecar["circuit_breakers"],
        expect![[
            r#"{"thresholds":[{"max_connections":1000000,"max_pending_requests":1000000,"max_requests":1000000,"max_retries":1000000,"priority":"DEFAULT"}]}"#
        ]],
    );
}

#[test]
fn the_modules_variables_are_those_that_it_needs() {
    let mut found = Vec::new();
    let bootstrap = render(&format!("{LOCAL}sidecar: {{ secret: $SHARED }}\n"));
    all(&bootstrap, "host_env_keys", &mut found);
    assert!(!found.is_empty());
    found.iter().for_each(|keys| check(keys, expect![[r#"["A","B","SHARED"]"#]]));
}

#[test]
fn yaml_quotes_what_would_not_be_text() {
    let value = serde_json::json!({
        "name": "n", "b": [{ "x": 1, "y": {} }, "plain", []], "a": "yes", "c": "10s", "d": "127.0.0.1", "e": "a: b",
        "f": "one\n\n  two", "g": "", "@type": "t/x.Y", "h": "1e3", "i": "chain:a+b", "j": { "k": [[1]] }, "l": "\u{7}", "m": "%A%\n",
    });
    let mut text = String::new();
    super::yaml::entry("top", &value, &mut text);
    expect![[r#"
        top:
          name: "n"
          "@type": t/x.Y
          a: "yes"
          b:
          - x: 1
            "y": {}
          - plain
          - []
          c: 10s
          d: "127.0.0.1"
          e: "a: b"
          f: |-
            one
    
              two
          g: ""
          h: "1e3"
          i: "chain:a+b"
          j:
            k:
            - [1]
          l: "\u0007"
          m: |
            %A%
    "#]]
    .assert_eq(&text);
}
