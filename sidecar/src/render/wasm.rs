//! The module, in its two roles. Everything under `vm_config` is the same in both, byte for byte: only then do they
//! share one VM per worker, and the request parsed by the front role is there for each attempt.

use super::{Inputs, typed};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use weir_core::config::{Config, Store};

/// Which half of the module a filter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// On the listener: reads, decides, names the chain.
    Front,
    /// On a chain's cluster: speaks to one provider, once per attempt.
    Attempt,
}

pub(super) fn filter(role: Role, inputs: Inputs<'_>) -> Value {
    let (root_id, configuration) = match role {
        Role::Front => ("front", json!({ "role": "front", "config": without_credentials(inputs.config) })),
        Role::Attempt => ("attempt", json!({ "role": "attempt" })),
    };
    let text = match role {
        Role::Front => format!("{configuration:#}"),
        Role::Attempt => configuration.to_string(),
    };
    let plugin = json!({
        "name": "weir",
        "root_id": root_id,
        "configuration": typed("google.protobuf.StringValue", json!({ "value": text })),
        "vm_config": vm(inputs),
        // A VM that trapped answers 503 and is replaced by the next request, after a backoff.
        "failure_policy": "FAIL_RELOAD",
        // Without it a pause in a headers callback also holds back the body, and the request hangs.
        "allow_on_headers_stop_iteration": true,
    });
    json!({
        "name": "weir",
        "typed_config": typed("envoy.extensions.filters.http.wasm.v3.Wasm", json!({ "config": plugin })),
    })
}

fn vm(inputs: Inputs<'_>) -> Value {
    let keys: BTreeSet<&str> = inputs.config.secrets().map(|variable| variable.0.as_str()).collect();
    json!({
        "vm_id": "weir",
        "runtime": "envoy.wasm.runtime.v8",
        "code": { "local": { "filename": inputs.filter } },
        // Names only: Envoy reads the values from its own environment.
        "environment_variables": { "host_env_keys": keys },
    })
}

/// The filter speaks to no store, broker, collector or other Envoy, so it is not told where they are: such URLs carry passwords,
/// and Envoy shows a plugin's configuration to whoever reads `/config_dump`.
fn without_credentials(config: &Config) -> Config {
    let mut config = config.clone();
    config.sidecar.envoys.clear();
    if let Store::Redis(url) = &mut config.store {
        *url = scheme(url);
    }
    if let Some(url) = &mut config.jobs.url {
        *url = scheme(url);
    }
    if let Some(url) = &mut config.telemetry.otlp {
        *url = scheme(url);
    }
    config
}

fn scheme(url: &str) -> String {
    url.split("://").next().map(|scheme| format!("{scheme}://")).unwrap_or_default()
}
