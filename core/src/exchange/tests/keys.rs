//! Who may call, as the keys come and go.

use super::super::FrontEvent;
use super::{CHAT, NOW, OPEN, admitted_by, done, gateway, headers};
use crate::exchange::Front;
use crate::testing::hex_sha256;
use crate::wire;
use sha2::{Digest, Sha256};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[test]
fn a_key_of_the_store_opens_once_it_was_told() {
    let gateway = gateway(&format!("{OPEN}tenants:\n  team: {{ models: [smart] }}\n"));
    let status = |key: &str| {
        let key = format!("Bearer {key}");
        admitted_by(gateway.clone(), &[("authorization", key.as_bytes())], CHAT)
            .1
            .reply
            .map_or(200, |(status, _)| status)
    };
    assert_eq!(status("team-key"), 503, "it may be one of the store's");
    let sha256 = <[u8; 32]>::from(Sha256::digest("team-key")).into();
    let key = wire::ApiKey { sha256, tenant: "team".into(), left: Some(60_000) };
    gateway.told_keys(&wire::Keys { version: 3, keys: vec![key] }, NOW);
    assert_eq!((gateway.keys_version(), status("team-key"), status("other")), (3, 200, 401));
    gateway.told_keys(&wire::Keys { version: 4, keys: vec![] }, NOW);
    assert_eq!(status("team-key"), 401, "it was revoked");
}

#[test]
fn a_key_opens_until_it_expires() {
    let expires = crate::civil::show(NOW + 5_000);
    let keys = format!("[{{ sha256: {}, expires: \"{expires}\" }}]", hex_sha256("k"));
    let gateway = gateway(&format!("{OPEN}tenants:\n  team: {{ keys: {keys} }}\n"));
    let status = |now: u64| {
        let list = headers(&[(":method", b"GET"), (":path", b"/v1/models"), ("authorization", b"Bearer k")]);
        let step = Front::new(gateway.clone(), 1).step(now, FrontEvent::RequestHeaders { headers: &list });
        done(step).reply.unwrap().0
    };
    assert_eq!((status(NOW), status(NOW + 5_000)), (200, 401));
}
