//! API keys: those of the configuration, and those of the store as far as they were told.

use crate::config::Config;
use crate::gateway::Access;
use crate::wire;
use sha2::{Digest, Sha256};
use std::cell::RefCell;
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

/// All keys that open the gateway. Only digests: whoever reads this memory has no key.
pub struct KeyRing {
    is_open: bool,
    /// A tenant has no key in the configuration, so that all of its keys are in the store.
    needs_store: bool,
    configured: Vec<Key>,
    /// By their places in the configuration.
    tenants: Vec<String>,
    stored: RefCell<Option<Stored>>,
}

struct Stored {
    version: u64,
    keys: Vec<Key>,
}

struct Key {
    digest: [u8; 32],
    /// Its place in the configuration.
    tenant: u64,
    /// The first moment at which it does not open any more, in milliseconds since 1970.
    expires: Option<u64>,
}

impl KeyRing {
    /// The keys of the configuration.
    pub fn new(config: &Config) -> Self {
        let tenants = || config.tenants.iter().zip(0..);
        let keys = tenants().flat_map(|(tenant, place)| tenant.keys.iter().map(move |key| (key, place)));
        let key = |(key, tenant): (&crate::config::ApiKey, u64)| {
            Some(Key { digest: unhex(&key.sha256)?, tenant, expires: key.expires })
        };
        Self {
            is_open: config.tenants.is_empty(),
            needs_store: config.tenants.iter().any(|tenant| tenant.keys.is_empty()),
            configured: keys.filter_map(key).collect(),
            tenants: config.tenants.iter().map(|tenant| tenant.name.clone()).collect(),
            stored: RefCell::new(None),
        }
    }

    /// Replaces the keys of the store. Those of tenants that the configuration does not name are left out. `now` is when
    /// they were told, in milliseconds since 1970. A store without keys has a version too, 0: it was heard of.
    pub fn told(&self, keys: &wire::Keys, now: u64) {
        let places: std::collections::BTreeMap<&str, u64> = self.tenants.iter().map(String::as_str).zip(0..).collect();
        let key = |key: &wire::ApiKey| {
            let tenant = *places.get(key.tenant.as_str())?;
            Some(Key { digest: *key.sha256, tenant, expires: key.left.map(|left| now.saturating_add(left)) })
        };
        let stored = Stored { version: keys.version, keys: keys.keys.iter().filter_map(key).collect() };
        *self.stored.borrow_mut() = Some(stored);
    }

    /// Of the store's keys, as they were told last; 0 for none.
    pub fn version(&self) -> u64 {
        self.stored.borrow().as_ref().map_or(0, |stored| stored.version)
    }

    /// Who the holder of `key` is. It is compared with every key there is, each in constant time.
    pub fn access(&self, key: Option<&str>, now: u64) -> Access {
        if self.is_open {
            return Access::Open;
        }
        let Some(key) = key else { return Access::Denied };
        let digest = Sha256::digest(key.as_bytes());
        let stored = self.stored.borrow();
        // The configuration's come last: theirs is the word if the store has the same key for another.
        let all = stored.iter().flat_map(|stored| &stored.keys).chain(&self.configured);
        let (mut found, mut tenant) = (Choice::from(0), u64::MAX);
        for key in all {
            let lives = Choice::from(u8::from(key.expires.is_none_or(|expires| now < expires)));
            let opens = digest.as_slice().ct_eq(&key.digest) & lives;
            found |= opens;
            tenant.conditional_assign(&key.tenant, opens);
        }
        match usize::try_from(tenant) {
            Ok(tenant) if bool::from(found) => Access::Tenant(tenant),
            _ if self.needs_store && stored.is_none() => Access::NotYetKnown,
            _ => Access::Denied,
        }
    }
}

/// The bytes of a digest in hex, as `config` has checked it.
fn unhex(text: &str) -> Option<[u8; 32]> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pair = |pair: &[u8]| match pair {
        [high, low] => Some(digit(high)?.checked_mul(16)?.checked_add(digit(low)?)?),
        _ => None,
    };
    text.as_bytes().chunks(2).map(pair).collect::<Option<Vec<u8>>>()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::hex_sha256;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    const NOW: u64 = 1_800_000_000_000;

    /// Tenants by their `keys`.
    fn ring(tenants: &str) -> KeyRing {
        let yaml = format!("providers: {{ a: {{ kind: openai, api_key: $K }} }}\n{tenants}\n");
        KeyRing::new(&crate::config::parse(&yaml).unwrap().0)
    }

    fn stored(version: u64, keys: &[(&str, &str, Option<u64>)]) -> wire::Keys {
        let key = |(key, tenant, left): &(&str, &str, Option<u64>)| wire::ApiKey {
            sha256: <[u8; 32]>::from(Sha256::digest(key)).into(),
            tenant: (*tenant).to_owned(),
            left: *left,
        };
        wire::Keys { version, keys: keys.iter().map(key).collect() }
    }

    #[test]
    fn any_of_a_tenants_keys_opens_until_it_expires() {
        let (a, b, c) = (hex_sha256("a"), hex_sha256("b"), hex_sha256("c"));
        let ring = ring(&format!(
            "tenants: {{ t: {{ key_sha256: {a} }}, u: {{ keys: [{{ sha256: {b}, expires: 2027-01-15T08:00:00Z }}, {{ sha256: {c} }}] }} }}"
        ));
        assert_eq!(ring.access(Some("a"), NOW), Access::Tenant(0));
        assert_eq!(ring.access(Some("c"), NOW), Access::Tenant(1));
        assert_eq!(ring.access(Some("b"), NOW - 1), Access::Tenant(1));
        assert_eq!(ring.access(Some("b"), NOW), Access::Denied, "its last moment was the one before");
        assert_eq!(ring.access(Some("d"), NOW), Access::Denied);
        assert_eq!(ring.access(Some(&a), NOW), Access::Denied, "a digest is no key");
        assert_eq!(ring.access(None, NOW), Access::Denied);
    }

    #[test]
    fn an_open_gateway_asks_for_no_key() {
        assert_eq!(ring("").access(None, NOW), Access::Open);
        assert_eq!(ring("").access(Some("anything"), NOW), Access::Open);
    }

    #[test]
    fn the_stores_keys_come_and_go_without_a_restart() {
        let ring = ring(&format!("tenants: {{ t: {{ key_sha256: {} }}, u: {{}} }}", hex_sha256("a")));
        ring.told(&stored(7, &[("s", "t", None), ("m", "u", Some(1_000)), ("x", "stranger", None)]), NOW);
        assert_eq!(ring.version(), 7);
        assert_eq!(ring.access(Some("s"), NOW), Access::Tenant(0));
        assert_eq!(ring.access(Some("m"), NOW + 999), Access::Tenant(1));
        assert_eq!(ring.access(Some("m"), NOW + 1_000), Access::Denied);
        assert_eq!(ring.access(Some("x"), NOW), Access::Denied, "the configuration does not know its tenant");
        assert_eq!(ring.access(Some("a"), NOW), Access::Tenant(0));
        ring.told(&stored(8, &[]), NOW);
        assert_eq!((ring.version(), ring.access(Some("s"), NOW)), (8, Access::Denied), "it was revoked");
        assert_eq!(ring.access(Some("a"), NOW), Access::Tenant(0));
    }

    #[test]
    fn the_configurations_word_comes_before_the_stores() {
        let ring = ring(&format!("tenants: {{ t: {{ key_sha256: {} }}, u: {{}} }}", hex_sha256("a")));
        ring.told(&stored(1, &[("a", "u", None)]), NOW);
        assert_eq!(ring.access(Some("a"), NOW), Access::Tenant(0));
    }

    #[test]
    fn before_the_store_was_heard_of_an_unknown_key_may_be_one_of_its_own() {
        let ring = ring(&format!("tenants: {{ t: {{ key_sha256: {} }}, u: {{}} }}", hex_sha256("a")));
        assert_eq!(ring.version(), 0);
        assert_eq!(ring.access(Some("a"), NOW), Access::Tenant(0));
        assert_eq!(ring.access(Some("m"), NOW), Access::NotYetKnown);
        assert_eq!(ring.access(None, NOW), Access::Denied, "no key is no key");
        ring.told(&stored(0, &[]), NOW);
        assert_eq!(ring.access(Some("m"), NOW), Access::Denied);
    }

    #[test]
    fn with_keys_for_all_tenants_nobody_waits_for_the_store() {
        let ring = ring(&format!("tenants: {{ t: {{ key_sha256: {} }} }}", hex_sha256("a")));
        assert_eq!(ring.access(Some("m"), NOW), Access::Denied);
    }
}
