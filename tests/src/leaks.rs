//! What must never reach a provider.

use crate::{CLIENT_KEY, Gateway, TARGETS};

/// Fails if any provider was shown another's credential, the client's, or what is between gateway and Envoy.
pub fn assert_no_leaks(gateway: &Gateway, what: &str) {
    for entry in gateway.sim.journal() {
        let at = entry.provider;
        assert!(!entry.foreign_credential, "{what}: {at} was shown another provider's key");
        let head = entry.headers.iter().map(|(name, value)| format!("{name}: {value}"));
        let head: Vec<String> = head.chain(entry.query.iter().cloned()).chain([entry.path.clone()]).collect();
        for line in &head {
            assert!(!line.contains(CLIENT_KEY), "{what}: {at} was shown the client's key: {line}");
            for other in TARGETS.iter().filter(|target| target.provider != at) {
                assert!(!line.contains(other.key), "{what}: {at} was shown the key of {}: {line}", other.name);
            }
        }
        for (name, _) in &entry.headers {
            let internal =
                ["x-weir-", "x-envoy-", "x-forwarded-", "cookie"].iter().any(|start| name.starts_with(start));
            assert!(!internal, "{what}: {at} was shown the header {name}");
        }
    }
}
