use super::*;
use crate::testing::Host;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[test]
fn a_tenants_own_targets_are_counted_by_name() {
    let yaml = format!(
        "providers: {{ a: {{ kind: openai, api_key: $K }} }}\nmodels: {{ m: [a/x] }}\n\
         tenants: {{ t: {{ key_sha256: {}, models: [{{ model: m, targets: [a/own] }}] }} }}\n",
        "a".repeat(64)
    );
    let host = Host::default();
    let stats = Stats::new(&crate::config::parse(&yaml).unwrap().0, host.ports(1).metrics);
    for model in ["x", "own", "unheard-of"] {
        let target = Target { provider: "a".into(), model: model.into(), weight: None };
        stats.attempt(&target, AttemptResult::Ok, 7);
    }
    for model in ["x", "own", OTHER] {
        let name = format!("weir.attempts;provider=a;;model={model};;result=ok;");
        assert_eq!(host.stat(&name), 1, "{name}");
        assert_eq!(host.stat(&format!("weir.attempt_duration_ms;provider=a;;model={model};")), 1);
    }
}

#[test]
fn cost_is_counted_by_target_and_tenant_and_an_unknown_price_is_not_nothing() {
    let yaml = "providers: { a: { kind: openai, api_key: $K } }\nmodels: { m: [a/x] }\ntenants: { t: {} }\n";
    let host = Host::default();
    let stats = Stats::new(&crate::config::parse(yaml).unwrap().0, host.ports(1).metrics);
    let target = |model: &str| Target { provider: "a".into(), model: model.into(), weight: None };
    stats.cost(&target("x"), Some("t"), 42);
    stats.cost(&target("unheard-of"), None, 7);
    stats.unpriced(&target("x"));
    stats.unknown_finish("a");
    assert_eq!(host.stat("weir.cost_microusd;provider=a;;model=x;;tenant=t;"), 42);
    assert_eq!(host.stat("weir.cost_microusd;provider=a;;model=other;;tenant=-;"), 7);
    assert_eq!(host.stat("weir.unpriced;provider=a;;model=x;"), 1);
    assert_eq!(host.stat("weir.unknown_finish;provider=a;"), 1);
    assert_eq!(host.stat("weir.unpriced;provider=a;;model=other;"), 0);
}

#[test]
fn the_cache_and_the_sidecar_are_counted_by_result() {
    let yaml = "providers: { a: { kind: openai, api_key: $K } }\n";
    let host = Host::default();
    let stats = Stats::new(&crate::config::parse(yaml).unwrap().0, host.ports(1).metrics);
    for (result, name) in CACHE_RESULTS {
        stats.cache(result);
        assert_eq!(host.stat(&format!("weir.cache;result={name};")), 1);
    }
    for (call, call_name) in CALLS {
        for (result, name) in CALL_RESULTS {
            stats.sidecar_call(call, result);
            assert_eq!(host.stat(&format!("weir.sidecar_calls;call={call_name};;result={name};")), 1);
        }
    }
}
