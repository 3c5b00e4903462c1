//! One JSON line per request: who answered, how long it took, how it ended. No query string, which may carry a key; no
//! credential; no word of a prompt.

use super::typed;
use serde_json::{Value, json};
use weir_core::exchange::LOG_PROPERTY;

/// Where `target` (`stdout`, `stderr`, `off` or a path) sends the log; empty for `off`.
pub(super) fn logs(target: &str) -> Value {
    // Without a request that the filter saw, the line is still an object.
    let format = json!({ "text_format_source": { "inline_string": line() }, "omit_empty_values": true });
    let log = |name: &str, kind: &str, fields: Value| json!([{ "name": name, "filter": no_probe(), "typed_config": typed(kind, fields) }]);
    match target {
        "off" => json!([]),
        "stdout" => log(
            "envoy.access_loggers.stdout",
            "envoy.extensions.access_loggers.stream.v3.StdoutAccessLog",
            json!({ "log_format": format }),
        ),
        "stderr" => log(
            "envoy.access_loggers.stderr",
            "envoy.extensions.access_loggers.stream.v3.StderrAccessLog",
            json!({ "log_format": format }),
        ),
        path => log(
            "envoy.access_loggers.file",
            "envoy.extensions.access_loggers.file.v3.FileAccessLog",
            json!({ "path": path, "log_format": format }),
        ),
    }
}

/// Whoever asks whether the gateway lives asks often, and nobody reads the answer here.
fn no_probe() -> Value {
    let is_not = |path: &str| {
        json!({ "header_filter": { "header": {
            "name": ":path",
            "string_match": { "exact": path },
            "invert_match": true,
            // What is no HTTP has none.
            "treat_missing_header_as_empty": true,
        } } })
    };
    let filters = ["/healthz", "/readyz"].map(is_not);
    json!({ "and_filter": { "filters": filters } })
}

/// Envoy's own members, and behind them those that the filter left: a piece of JSON, since each filter state costs a call
/// to the host. A text and not Envoy's JSON format, which would quote it. So of Envoy's own only such may stand here as
/// need no escaping: numbers that are always there, and words of Envoy's and of the configuration.
fn line() -> String {
    let members = [
        ("time", "\"%START_TIME%\""),
        ("protocol", "\"%PROTOCOL%\""),
        ("client", "\"%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%\""),
        ("status", "%RESPONSE_CODE%"),
        ("flags", "\"%RESPONSE_FLAGS%\""),
        ("details", "\"%RESPONSE_CODE_DETAILS%\""),
        ("chain", "\"%UPSTREAM_CLUSTER%\""),
        ("attempts", "%UPSTREAM_REQUEST_ATTEMPT_COUNT%"),
        ("bytes_in", "%BYTES_RECEIVED%"),
        ("bytes_out", "%BYTES_SENT%"),
        ("duration_ms", "%DURATION%"),
    ];
    let members = members.map(|(name, value)| format!("\"{name}\":{value}"));
    format!("{{{}%FILTER_STATE(wasm.{LOG_PROPERTY}:PLAIN)%}}\n", members.join(","))
}
