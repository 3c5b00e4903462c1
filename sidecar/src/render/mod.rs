//! `weir render`: a complete Envoy bootstrap from a configuration. Pure: every file it names was looked up before.

mod access_log;
mod admin;
mod chains;
mod command;
mod listener;
mod providers;
mod route;
mod sidecar;
mod tls;
mod upstream;
mod wasm;
mod yaml;

#[cfg(test)]
mod tests;

pub(crate) use command::{Options, run};

use serde_json::{Value, json};
use std::path::Path;
use weir_core::config::{Config, Millis};

/// What a bootstrap is made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Inputs<'a> {
    pub(crate) config: &'a Config,
    /// The wasm module, where Envoy will find it.
    pub(crate) filter: &'a Path,
    /// Trusted authorities, where Envoy will find them; needed if a provider or the collector is spoken to over TLS.
    pub(crate) ca_file: Option<&'a Path>,
}

/// The bootstrap, each part with a line that says what it is for.
pub(crate) struct Bootstrap {
    parts: Vec<(&'static str, &'static str, Value)>,
}

/// Everything that `inputs` mean to Envoy.
pub(crate) fn bootstrap(inputs: Inputs<'_>) -> Bootstrap {
    let config = inputs.config;
    let clusters: Vec<Value> = config
        .providers
        .iter()
        .map(|provider| providers::cluster(provider, inputs.ca_file))
        .chain(weir_core::chain::all(config).iter().map(|chain| chains::cluster(chain, inputs)))
        .chain([sidecar::cluster(config)])
        .collect();
    let parts = vec![
        ("Envoy's own interface. It asks for no key: keep it on loopback.", "admin", admin::interface(config)),
        (
            "One listener with the gateway; one cluster per provider; one composite cluster per order in which\n\
             providers may be tried (`x-weir-chain`, set by the filter, names it); the sidecar.",
            "static_resources",
            json!({ "listeners": [listener::gateway(inputs)], "clusters": clusters }),
        ),
        ("Histogram buckets and labels of Weir's own stats go here.", "stats_config", admin::stats()),
        ("A bound on what clients can open.", "overload_manager", admin::overload()),
    ];
    Bootstrap { parts }
}

impl Bootstrap {
    /// For people: YAML with comments.
    pub(crate) fn to_yaml(&self) -> String {
        let mut text = String::from("# Written by `weir render`; change weir.yaml instead.\n");
        for (comment, key, value) in &self.parts {
            text.push('\n');
            for line in comment.lines() {
                text.push_str(&format!("# {line}\n"));
            }
            yaml::entry(key, value, &mut text);
        }
        text
    }

    #[cfg(test)]
    fn value(&self) -> Value {
        Value::Object(self.parts.iter().map(|(_, key, value)| ((*key).to_owned(), value.clone())).collect())
    }
}

/// A duration as protobuf's JSON writes it.
fn seconds(millis: Millis) -> String {
    match (millis.0 / 1000, millis.0 % 1000) {
        (whole, 0) => format!("{whole}s"),
        (whole, rest) => format!("{whole}.{rest:03}s"),
    }
}

fn address(address: std::net::SocketAddr) -> Value {
    socket(&address.ip().to_string(), address.port())
}

fn socket(host: &str, port: u16) -> Value {
    json!({ "socket_address": { "address": host, "port_value": port } })
}

/// A typed extension configuration.
fn typed(kind: &str, mut fields: Value) -> Value {
    if let Some(fields) = fields.as_object_mut() {
        fields.insert("@type".to_owned(), json!(format!("type.googleapis.com/{kind}")));
    }
    fields
}
