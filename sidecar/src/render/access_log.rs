//! One JSON line per request: who answered, how long it took, how it ended. No query string, which may carry a key; no
//! credential; no word of a prompt.

use super::typed;
use serde_json::{Value, json};
use weir_core::exchange::Note;

/// Where `target` (`stdout`, `stderr`, `off` or a path) sends the log; empty for `off`.
pub(super) fn logs(target: &str) -> Value {
    let format = json!({ "json_format": fields() });
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
    let regex = json!({ "regex": r"/(healthz|readyz)(\?.*)?" });
    json!({ "header_filter": { "header": {
        "name": ":path",
        "string_match": { "safe_regex": regex },
        "invert_match": true,
    } } })
}

/// What the filter left, each under its note's name; the rest is Envoy's own. An attempt's headers are those of the last.
fn fields() -> Value {
    let mut fields = json!({
        "time": "%START_TIME%",
        "request_id": "%REQ(X-REQUEST-ID)%",
        "method": "%REQ(:METHOD)%",
        "protocol": "%PROTOCOL%",
        "client": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%",
        "status": "%RESPONSE_CODE%",
        "flags": "%RESPONSE_FLAGS%",
        "details": "%RESPONSE_CODE_DETAILS%",
        "chain": "%UPSTREAM_CLUSTER%",
        "provider": "%RESP(X-WEIR-PROVIDER)%",
        "model": "%RESP(X-WEIR-MODEL)%",
        "cache": "%RESP(X-WEIR-CACHE)%",
        "dropped_params": "%RESP(X-WEIR-DROPPED-PARAMS)%",
        "attempts": "%UPSTREAM_REQUEST_ATTEMPT_COUNT%",
        "bytes_in": "%BYTES_RECEIVED%",
        "bytes_out": "%BYTES_SENT%",
        "first_byte_ms": "%RESPONSE_DURATION%",
        "duration_ms": "%DURATION%",
    });
    if let Some(fields) = fields.as_object_mut() {
        for note in Note::ALL {
            let property = note.property();
            let name = property.strip_prefix("weir.").unwrap_or(property);
            fields.insert(name.to_owned(), json!(format!("%FILTER_STATE(wasm.{property}:PLAIN)%")));
        }
    }
    fields
}
