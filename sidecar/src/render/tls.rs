//! TLS towards a provider: the name is sent, checked, and vouched for by a trusted authority.

use super::typed;
use serde_json::{Value, json};
use std::path::Path;

pub(super) fn socket(host: &str, literal: bool, ca_file: Option<&Path>) -> Value {
    let kind = if literal { "IP_ADDRESS" } else { "DNS" };
    let mut fields = json!({ "common_tls_context": {
        "tls_params": { "tls_minimum_protocol_version": "TLSv1_2" },
        "validation_context": {
            "trusted_ca": { "filename": ca_file },
            "match_typed_subject_alt_names": [{ "san_type": kind, "matcher": { "exact": host } }],
        },
    } });
    // A name is sent for names only (RFC 6066).
    if let (false, Some(fields)) = (literal, fields.as_object_mut()) {
        fields.insert("sni".to_owned(), json!(host));
    }
    let kind = "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext";
    json!({ "name": "envoy.transport_sockets.tls", "typed_config": typed(kind, fields) })
}
