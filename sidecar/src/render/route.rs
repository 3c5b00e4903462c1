//! The routes: the filter has decided everything, Envoy carries it out. They differ in the pause between attempts.

use super::{
    listener::{held, longest_deadline},
    seconds,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use weir_core::config::{BACKOFF, Config, Retries};
use weir_core::exchange::RETRY_AFTER;

/// Statuses after which another attempt may do better: what the filter makes of a provider's failure.
const RETRIABLE: [u16; 2] = [421, 502];

pub(super) fn table(config: &Config) -> Value {
    let unnamed = Retries { per_target: 0, backoff_min: BACKOFF.0, backoff_max: BACKOFF.1 };
    let pauses: BTreeMap<String, &Retries> =
        config.models.iter().map(|model| &model.retries).map(|retries| (retries.pause(), retries)).collect();
    let own = pauses.iter().map(|(pause, retries)| {
        let header = json!({ "name": "x-weir-backoff", "string_match": { "exact": pause } });
        route(json!({ "prefix": "/", "headers": [header] }), retries, config)
    });
    let routes: Vec<Value> = own.chain([route(json!({ "prefix": "/" }), &unnamed, config)]).collect();
    json!({
        "name": "gateway",
        // Fixed when Envoy starts; nothing can change it at run time.
        "validate_clusters": false,
        "virtual_hosts": [{ "name": "gateway", "domains": ["*"], "routes": routes }],
    })
}

fn route(matches: Value, retries: &Retries, config: &Config) -> Value {
    json!({
        "match": matches,
        // Over HTTP/2 the connection's limit does not count, and Envoy would hold one flow-control window only.
        "request_body_buffer_limit": held(config),
        "route": {
            "cluster_header": "x-weir-chain",
            "timeout": seconds(longest_deadline(config)),
            "retry_policy": {
                "retry_on": "retriable-status-codes,reset,connect-failure,refused-stream",
                "retriable_status_codes": RETRIABLE,
                // The filter says how many for each request: `x-envoy-max-retries`.
                "num_retries": 0,
                "retry_back_off": {
                    "base_interval": seconds(retries.backoff_min),
                    "max_interval": seconds(retries.backoff_max.max(retries.backoff_min)),
                },
                // The same target again, after the pause that it asked for.
                "rate_limited_retry_back_off": {
                    "reset_headers": [{ "name": RETRY_AFTER, "format": "SECONDS" }],
                    "max_interval": seconds(longest_deadline(config)),
                },
            },
        },
    })
}
