//! API keys.

use crate::store::{ApiKey, Store};
use std::sync::Arc;

fn key(digit: char, label: &str) -> ApiKey {
    let sha256: String = std::iter::repeat_n(digit, 64).collect();
    ApiKey {
        id: sha256[..12].to_owned(),
        sha256,
        tenant: "team-a".to_owned(),
        label: label.to_owned(),
        created: 1,
        expires: None,
    }
}

async fn kept(store: &dyn Store) -> (u64, Vec<ApiKey>) {
    let (version, mut keys) = store.keys().await.unwrap();
    assert_eq!(store.keys_version().await.unwrap(), version);
    keys.sort_by(|a, b| a.sha256.cmp(&b.sha256));
    (version, keys)
}

pub(super) async fn keys_come_and_go_and_each_change_has_another_version(store: Arc<dyn Store>) {
    assert_eq!(kept(&*store).await, (0, Vec::new()));
    assert!(!store.revoke_key("aaaaaaaaaaaa").await.unwrap());
    assert_eq!(kept(&*store).await.0, 0, "nothing has changed");

    store.add_key(key('a', "first")).await.unwrap();
    let (first, keys) = kept(&*store).await;
    assert_ne!(first, 0);
    assert_eq!(keys, [key('a', "first")]);

    store.add_key(key('b', "other")).await.unwrap();
    store.add_key(key('a', "again")).await.unwrap();
    let (second, keys) = kept(&*store).await;
    assert!(second > first);
    assert_eq!(keys, [key('a', "again"), key('b', "other")], "one of the same digest is replaced");

    assert!(!store.revoke_key("cccccccccccc").await.unwrap());
    assert_eq!(kept(&*store).await.0, second);
    assert!(store.revoke_key("aaaaaaaaaaaa").await.unwrap());
    let (third, keys) = kept(&*store).await;
    assert!(third > second);
    assert_eq!(keys, [key('b', "other")]);
    assert!(store.revoke_key("bbbbbbbbbbbb").await.unwrap());
    let (last, keys) = kept(&*store).await;
    assert!(last > third && keys.is_empty(), "none again is not as if there had never been any");
}

pub(super) async fn a_key_comes_back_as_it_was_added(store: Arc<dyn Store>) {
    let odd = ApiKey { expires: Some(4_102_444_800), created: 1 << 52, ..key('e', "a \"label\",\n\u{1f511} and more") };
    store.add_key(odd.clone()).await.unwrap();
    assert_eq!(kept(&*store).await.1, std::slice::from_ref(&odd));
    assert!(store.revoke_key(&odd.id).await.unwrap());
}
